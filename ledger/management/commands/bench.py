"""Measure the main job, or its dry run, on a database made for it."""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from aidplatform.embedded.scratch import PREFIX
from aidplatform.embedded.services import in_database
from ledger.management.benchmark import Benchmark, Figures, peak_memory, workers


class Command(BaseCommand):
    """manage.py gives it an installation of its own: it refuses to run in any other."""

    help = (
        "Measures against the floor (constant INSERT … SELECT from the same spans, key, ATTACH): apportion, the"
        " whole job by real workers, or preview, the dry run. Uses a scratch database on the server of"
        " AID_DATABASE_ADMIN_URL, else a PostgreSQL of its own."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to measure, and how much of it."""
        parser.add_argument("what", choices=["apportion", "preview"])
        parser.add_argument("--members", type=int, required=True)
        parser.add_argument("--workers", type=int, default=1, help="worker processes (1)")
        parser.add_argument(
            "--runs", type=int, default=3, help="floors and jobs, alternating; medians count (3)"
        )
        parser.add_argument("--classes", type=int, default=1, help="classes of members (1)")
        parser.add_argument("--folder", help="where its PostgreSQL writes; the system's temporary folder")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Set up, measure, print."""
        if not str(connection.settings_dict["NAME"]).startswith(PREFIX):
            raise CommandError("bench runs on a scratch database only; start it as: python manage.py bench …")
        for name, least, most in (
            ("members", 1, 10**9),
            ("workers", 1, 64),
            ("runs", 1, 99),
            ("classes", 1, 64),
        ):
            if not least <= options[name] <= most:
                raise CommandError(f"--{name} is {options[name]}; it goes from {least} to {most}.")
        figures = Figures(options["members"], options["workers"], options["classes"])
        bench = Benchmark(figures, os.environ["AID_DATABASE_OWNER_URL"], _admin_url(), self._say)
        try:
            bench.set_up()
            if options["what"] == "preview":
                self._previews(bench, options["runs"])
            else:
                self._jobs(bench, options["runs"])
        finally:
            bench.close()
        answer = _answer(options["what"], figures)
        self.stdout.write(json.dumps(answer) if options["json"] else _table(answer))

    def _jobs(self, bench: Benchmark, runs: int) -> None:
        """Alternate floor and job."""
        with (
            tempfile.TemporaryDirectory() as folder,
            workers(bench.figures.workers, Path(folder) / "worker.log") as process,
        ):
            bench.figures.worker_idle_bytes = peak_memory(process)
            for run in range(1, runs + 1):
                bench.measure_floor(run)
                bench.measure_job(bench.frozen_period(run))
                self._say(
                    f"run {run}: floor {bench.figures.floor_seconds[-1]:.2f} s, compute"
                    f" {bench.figures.compute_seconds[-1]:.2f} s, post {bench.figures.post_seconds[-1]:.2f} s"
                )
            bench.figures.worker_peak_bytes = peak_memory(process)
        bench.measure_verify()
        bench.measure_sizes(runs)

    def _previews(self, bench: Benchmark, runs: int) -> None:
        """Alternate floor and dry run of one frozen period."""
        period = bench.frozen_period(1)
        for run in range(1, runs + 1):
            bench.measure_floor(run)
            bench.measure_preview(period)

    def _say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress, apart from the answer


def _admin_url() -> str:
    """Return the administrator's address, on the scratch database."""
    return in_database(os.environ["AID_DATABASE_ADMIN_URL"], str(connection.settings_dict["NAME"]))


def _answer(what: str, figures: Figures) -> dict[str, Any]:
    """Return the medians as one flat object; seconds, bytes, and ratios to the floor."""
    common = {
        "what": what,
        "members": figures.members,
        "workers": figures.workers,
        "classes": figures.classes,
        "runs": len(figures.floor_seconds),
        "floor_seconds": round(figures.floor, 3),
        "freeze_seconds": _median(figures.freeze_seconds),
    }
    if what == "preview":
        return common | {
            "preview_seconds": round(figures.preview, 3),
            "ratio": round(figures.preview / figures.floor, 3),
        }
    return common | {
        "compute_seconds": _median(figures.compute_seconds),
        "post_seconds": _median(figures.post_seconds),
        "job_seconds": round(figures.job, 3),
        "ratio": round(figures.ratio, 3),
        "members_per_second": int(figures.members / figures.job),
        "verify_seconds": round(figures.verify_seconds, 3),
        "verify_ratio": round(figures.verify_seconds / figures.floor, 3),
        "floor_wal_bytes": _median(figures.floor_wal_bytes),
        "job_wal_bytes": _median(figures.job_wal_bytes),
        "charge_rows_bytes": figures.charge_rows_bytes,
        "charge_key_bytes": figures.charge_key_bytes,
        "worker_idle_bytes": figures.worker_idle_bytes,
        "worker_peak_bytes": figures.worker_peak_bytes,
        "stages_of_last_run_seconds": figures.stages,
        "each_floor_seconds": [round(value, 3) for value in figures.floor_seconds],
        "each_compute_seconds": [round(value, 3) for value in figures.compute_seconds],
        "each_post_seconds": [round(value, 3) for value in figures.post_seconds],
    }


def _median(values: list[float] | list[int]) -> float:
    return round(statistics.median(values), 3)


def _table(answer: dict[str, Any]) -> str:
    """Return the object as lines a person reads: megabytes, thousands, one figure a line."""
    width = max(len(name) for name in answer)
    lines = []
    for name, value in answer.items():
        if name.endswith("_bytes") and isinstance(value, int | float):
            shown = f"{value / 1e6:,.1f} MB"
        elif isinstance(value, int):
            shown = f"{value:,}"
        elif isinstance(value, dict):
            shown = ", ".join(f"{key} {part}" for key, part in value.items())
        elif isinstance(value, list):
            shown = ", ".join(f"{part}" for part in value)
        else:
            shown = str(value)
        lines.append(f"{name.replace('_', ' '):<{width}}  {shown}")
    return "\n".join(lines)
