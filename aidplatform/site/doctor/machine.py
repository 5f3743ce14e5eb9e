"""The machine: clock, disk, secrets, static files."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from aidplatform.lib import clock as clocks
from aidplatform.site.doctor.fault import Fault, rows

LARGEST_DRIFT_SECONDS = 2.0
LEAST_FREE_BYTES = 1 << 30
# Rows and key of one charge, twice: a period is written while a backup or an older one is still there.
BYTES_PER_MEMBER = 200
LEAST_CHARACTERS = 16


def clock() -> Iterator[Fault]:
    """Compare the machine's clock with the database's, and the business clock with it where it may not move."""
    before = clocks.machine_now()
    ((database, moved),) = rows(
        "SELECT clock_timestamp(), extract(epoch FROM aid_now() - transaction_timestamp())::float8"
    )
    after = clocks.machine_now()
    drift = max((before - database).total_seconds(), (database - after).total_seconds(), 0.0)
    if drift > LARGEST_DRIFT_SECONDS:
        yield Fault(
            f"The clocks of this machine and of the database differ by {drift:.1f} s.",
            "Let both follow a time server (chrony or systemd-timesyncd). One-time codes fail otherwise.",
        )
    if not settings.DEMO and abs(moved) > LARGEST_DRIFT_SECONDS:
        yield Fault(
            f"The business clock is {moved:+.0f} s off, in a real installation.",
            "Only a demonstration's clock may be moved. Find out who wrote work_installation.",
        )


def disk() -> Iterator[Fault]:
    """Hold the free space against what the largest pool's next period needs."""
    ((members,),) = rows("SELECT coalesce(max(headcount), 0) FROM ledger_period")
    needed = max(LEAST_FREE_BYTES, members * BYTES_PER_MEMBER)
    for place in (settings.STATE_DIR, settings.STATE_DIR / "postgres"):
        if not place.exists():
            continue
        usage = shutil.disk_usage(place)
        if usage.free < max(needed, usage.total // 50):
            yield Fault(
                f"{place} has {usage.free / 1e9:.1f} GB left of {usage.total / 1e9:.1f} GB.",
                f"Free at least {max(needed, usage.total // 50) / 1e9:.1f} GB: PostgreSQL stops when its disk is full.",
            )
            return


def secrets() -> Iterator[Fault]:
    """Look at the keys and at who can read them."""
    for name, value in (("AID_SECRET_KEY", settings.SECRET_KEY), ("AID_DATA_KEY", settings.DATA_KEY)):
        if len(set(value)) < LEAST_CHARACTERS:
            yield Fault(
                f"{name} consists of {len(set(value))} different characters: it can be guessed.",
                "Draw one: python -c 'import secrets; print(secrets.token_urlsafe(48))'."
                + (
                    " What was encrypted under the old one must be encrypted again." if "DATA" in name else ""
                ),
            )
    if settings.SECRET_KEY == settings.DATA_KEY:
        yield Fault(
            "AID_SECRET_KEY and AID_DATA_KEY are the same.",
            "Draw a new AID_SECRET_KEY: whoever learns one key must not have both.",
        )
    yield from _open_places(settings.STATE_DIR)


def _open_places(state: Path) -> Iterator[Fault]:
    """Find what other accounts of the machine could read in the state directory."""
    folder = state / "secrets"
    places = [place for place in (state, folder) if place.is_dir()]
    places += sorted(folder.iterdir()) if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK) else []
    for place in places:
        mode = stat.S_IMODE(place.stat().st_mode)
        if mode & 0o077:
            closed = "700" if place.is_dir() else "600"
            yield Fault(
                f"{place} is open to other accounts of this machine (mode {mode:o}).",
                f"chmod {closed} {place}"
                + ("" if place.is_dir() else ", then draw a new secret: it may be known."),
            )


def static_files() -> Iterator[Fault]:
    """Look for the manifest without which no page has its style."""
    backend = settings.STORAGES["staticfiles"]["BACKEND"]
    if "Manifest" in backend and not (settings.STATIC_ROOT / "staticfiles.json").exists():
        yield Fault(f"No static files are in {settings.STATIC_ROOT}.", "Run prepare: it collects them.")
