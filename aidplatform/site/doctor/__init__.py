"""Examine an installation and say of every fault what to do about it.

A check yields faults; one that needs the database is left out, and said to be, when the database is away. Whatever
a check trips over is a fault too: a doctor that can't look never says healthy.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aidplatform.site.doctor import configuration, database, guards, machine, signing, work
from aidplatform.site.doctor.fault import Fault

Check = Callable[[], Iterator[Fault]]


@dataclass(frozen=True)
class Examination:
    """One check with its result; examined False: what it needs was not there."""

    name: str
    healthy: str
    faults: tuple[Fault, ...]
    examined: bool = True


# name: (what is true when nothing is wrong, check, needs the database)
CHECKS: dict[str, tuple[str, Check, bool]] = {
    "database": ("PostgreSQL answers as aid_app, in a version that is supported.", database.answers, False),
    "owner": ("PostgreSQL answers as aid_owner, where its address is given.", database.owner_answers, False),
    "installation": ("Settings and database agree on demonstration or real.", database.same_kind, True),
    "migrations": ("Every migration of this version is applied, and no other.", database.migrated, True),
    "roles": ("aid_app may do nothing to the server and is no member of aid_owner.", database.roles, True),
    "grants": ("aid_app has exactly the rights of the written list.", database.grants, True),
    "guards": ("Every guard is installed, enabled and says what this version says.", guards.guards, True),
    "functions": ("Every database function says what this version says.", guards.functions, True),
    "broker": ("The broker answers and gives nothing up when its memory is full.", work.broker, False),
    "worker": ("A worker answers.", work.worker, False),
    "schedule": ("The scheduler ticks.", work.schedule, True),
    "jobs": ("No job is stuck or waits for a worker in vain.", work.jobs, True),
    "outbox": ("No message waits to be sent.", work.outbox, True),
    "signer": ("Every log is signed up to its end.", signing.signer, True),
    "witnesses": ("The witnesses of every log sign it.", signing.witnesses, True),
    "stamps": ("Authorities of time stamp the logs, where some are named.", signing.stamps, True),
    "clock": ("Database and machine agree on the time.", machine.clock, True),
    "disk": ("There is room on the disk of the state directory.", machine.disk, True),
    "secrets": ("Keys are long and varied, and nobody else can read them.", machine.secrets, False),
    "static": ("Static files are collected.", machine.static_files, False),
    "mail": ("A real installation's mail can be sent.", configuration.mail, False),
    "https": ("The settings of a real installation pass every deployment check.", configuration.https, False),
    "administrators": (
        "A real installation has its administrators.",
        configuration.administrators_exist,
        True,
    ),
}


def examine() -> list[Examination]:
    """Run every check and return what it found, in the order of CHECKS."""
    done: list[Examination] = []
    for name, (healthy, check, needs_database) in CHECKS.items():
        if needs_database and done[0].faults:
            done.append(Examination(name, healthy, (), examined=False))
            continue
        done.append(Examination(name, healthy, tuple(_run(check))))
    return done


def _run(check: Check) -> Iterator[Fault]:
    try:
        yield from check()
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [""])[0]
        yield Fault(
            f"This could not be examined: {type(error).__name__}: {first_line}",
            "Put right what the message names and run the doctor again.",
        )
        _recover()


def _recover() -> None:
    """Drop a connection that the failed check may have left broken."""
    from django.db import connection

    connection.close()
