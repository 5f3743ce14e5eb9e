"""Let a worker compute the published periods of a real pool, and compare its shares with the published ones."""

import json
import sys
import time
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandParser
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from aidplatform.lib.money import format_fen
from aidplatform.work.models import Job
from ledger.sharing.published import Kind, PublishedRow, Verdict, count_kinds, explain
from ledger.sharing.replay import broken_promises, request_replay, verdicts

AGREED, BROKEN, UNCHECKED = 0, 1, 2
NAMES = {
    Kind.AGREES: "agrees",
    Kind.CONSISTENT: "consistent interval",
    Kind.CONTRADICTS: "contradicts",
    Kind.UNCHECKED: "cannot be checked",
}
PING_SECONDS = 3.0


class NotReplayedError(Exception):
    """The workers did not do their part; the message says what to do."""


class Command(BaseCommand):
    """Exit code 0: rows that must agree do; 1: one does not; 2: no worker has computed them."""

    help = (
        "Has a worker compute the share of every published period and prints it beside the published one, with a"
        " verdict and its reason. Needs a running worker."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the answer and the patience."""
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument(
            "--patience", type=float, default=60.0, help="seconds to wait for the workers (60)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask, wait, judge, print."""
        try:
            judged = verdicts(self._computed(options["patience"]))
        except NotReplayedError as error:
            self.stderr.write(str(error))
            sys.exit(UNCHECKED)
        broken = broken_promises(judged)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(judged, broken), ensure_ascii=False))
        else:
            self._print(judged, broken)
        sys.exit(BROKEN if broken else AGREED)

    def _computed(self, patience: float) -> list[Job]:
        """Return the jobs once all are done. Raises: NotReplayedError."""
        _require_worker()
        ids = [job.pk for job in request_replay(actor="operator")]
        end = time.monotonic() + patience
        while True:
            found = list(Job.objects.filter(pk__in=ids).order_by("pk"))
            done = sum(job.state == Job.State.DONE for job in found)
            if sys.stderr.isatty():
                self.stderr.write(f"\r{done} of {len(ids)} rows computed", ending="")
            if done == len(ids):
                return found
            stuck = next((job for job in found if job.state == Job.State.STUCK), None)
            if stuck is not None:
                raise NotReplayedError(f"The job {stuck} is stuck: {stuck.last_error}")
            if time.monotonic() > end:
                raise NotReplayedError(
                    f"{done} of {len(ids)} rows were computed within {patience:.0f} s; ask the doctor why."
                )
            time.sleep(0.1)

    def _print(self, judged: list[tuple[PublishedRow, Verdict]], broken: list[str]) -> None:
        self.stdout.write(f"{'period':<26} {'published':>10} {'computed':>18}  verdict")
        for row, verdict in judged:
            published = (
                "–" if verdict.published_share_fen is None else format_fen(verdict.published_share_fen)
            )
            self.stdout.write(
                f"{row.label:<26} {published:>10} {_computed_share(verdict):>18}  {NAMES[verdict.kind]}"
            )
            self.stdout.write(f"    {explain(verdict)}")
        counts = count_kinds(verdict for _row, verdict in judged)
        self.stdout.write(", ".join(f"{NAMES[kind]} {count}" for kind, count in counts.items()))
        for sentence in broken:
            self.stdout.write(f"BROKEN: {sentence}.")


def _require_worker() -> None:
    """Ask the workers for a sign of life. Raises: NotReplayedError."""
    try:
        answered = current_app.control.ping(timeout=PING_SECONDS)
    except (BrokerError, RedisError, OSError) as error:
        raise NotReplayedError(f"The broker does not answer: {error}. Nothing was replayed.") from error
    if not answered:
        raise NotReplayedError(
            "No worker answers, and without one nothing is replayed. Start one: make run, or"
            " celery -A aidplatform worker."
        )


def _computed_share(verdict: Verdict) -> str:
    computed = verdict.computed_fen
    if computed is None:
        return "–"
    if computed.is_exact:
        return format_fen(computed.low)
    return f"{format_fen(computed.low)} – {format_fen(computed.high)}"


def _as_json(judged: list[tuple[PublishedRow, Verdict]], broken: list[str]) -> dict[str, Any]:
    counts = count_kinds(verdict for _row, verdict in judged)
    return {
        "rows": [
            {
                "label": row.label,
                "plan": row.plan,
                "published_share_fen": verdict.published_share_fen,
                "computed_low_fen": verdict.computed_fen.low if verdict.computed_fen else None,
                "computed_high_fen": verdict.computed_fen.high if verdict.computed_fen else None,
                "verdict": verdict.kind.value,
                "reason": explain(verdict),
                "source": row.source,
            }
            for row, verdict in judged
        ],
        "counts": {kind.value: count for kind, count in counts.items()},
        "broken": broken,
    }
