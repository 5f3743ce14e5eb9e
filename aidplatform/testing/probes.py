"""Jobs that only tests ask for: quick, slow, failing and deadly ones. A worker loads them by `--include`.

Each leaves its traces in the audit trail: `probe_begun` at once, `probe_done` in the fenced transaction. Only
`probe.write` looks first whether it is done; for the others the fence alone stands against doing it twice.
"""

import os
import signal
import time

from aidplatform.work import audit, jobs
from aidplatform.work.models import AuditEntry


@jobs.handles("probe.write")
def write(lease: jobs.Lease) -> dict[str, int]:
    """Leave one trace, as money is posted: under a name that can be there once. Dwell `seconds` before commit."""
    with lease.transaction():
        if not AuditEntry.objects.filter(action="probe_done", subject=lease.payload["name"]).exists():
            _done(lease)
            time.sleep(lease.payload.get("seconds", 0))
    return {"attempt": lease.attempt}


@jobs.handles("probe.slow")
def slow(lease: jobs.Lease) -> None:
    """Take `seconds` before writing."""
    _begun(lease)
    time.sleep(lease.payload["seconds"])
    with lease.transaction():
        _done(lease)


@jobs.handles("probe.fail")
def fail(lease: jobs.Lease) -> None:
    """Fail until the attempt named `good_at`, if any."""
    _begun(lease)
    if lease.attempt < lease.payload.get("good_at", 10**9):
        raise ValueError(f"attempt {lease.attempt} cannot work")
    with lease.transaction():
        _done(lease)


@jobs.handles("probe.die")
def die(lease: jobs.Lease) -> None:
    """Kill the process that runs it, whichever attempt it is."""
    _begun(lease)
    os.kill(os.getpid(), signal.SIGKILL)


def _begun(lease: jobs.Lease) -> None:
    _trace(lease, "probe_begun")


def _done(lease: jobs.Lease) -> None:
    _trace(lease, "probe_done")


def _trace(lease: jobs.Lease, action: str) -> None:
    audit.record(
        actor=lease.actor,
        action=action,
        subject=lease.payload["name"],
        attempt=lease.attempt,
        pid=os.getpid(),
        group=os.getpgrp(),
    )
