"""Asking for a verification, and running it part by part."""

import datetime as dt
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from aidplatform.lib import clock
from aidplatform.work import audit, jobs
from ledger.books.findings import Report
from ledger.verification.models import Verification, VerificationPart
from ledger.verification.reading import look
from ledger.verification.selectors import verifications_of
from ledger.verification.statements import new_report, parts_of, pool_row, verify_part
from members.pools.models import Pool

# The kind of job that runs one; its key is the verification's id.
VERIFY = "verify_books"


def ask_for_verification(*, pool: Pool, asker: str, at: dt.datetime) -> Verification:
    """Order a verification of a pool's books; while one runs, that one is what was asked for.

    Raises: IntegrityError verification_is_asked_by_staff; LookupError for a pool without books.
    """
    running = _running(pool)
    if running is not None:
        return running
    try:
        with transaction.atomic():
            made = Verification.objects.create(
                pool=pool, parts=parts_of(pool_row(pool.code)), asked_by=asker, asked_at=at
            )
            made.refresh_from_db(fields=["number"])
            audit.record(actor=asker, action="verify_books", subject=pool.code, number=made.number)
            jobs.enqueue(kind=VERIFY, key=str(made.pk), payload={"verification": made.pk}, actor=asker)
    except IntegrityError as error:
        running = _running(pool)
        if running is None or "one_verification_at_a_time" not in str(error):
            raise
        return running
    return made


def _running(pool: Pool) -> Verification | None:
    return verifications_of(pool).filter(state=Verification.State.RUNNING).first()


def run_verification(lease: jobs.Lease) -> dict[str, Any]:
    """Hold part after part against its rows, each on a snapshot of its own; what is done stays done."""
    verification = Verification.objects.select_related("pool").get(pk=lease.payload["verification"])
    pool = pool_row(verification.pool.code)
    for place in range(verification.results.count(), len(verification.parts)):
        report = new_report()
        look(report, partial(verify_part, report, pool, verification.parts[place]))
        with lease.transaction():
            VerificationPart.objects.create(
                verification=verification, place=place, results=_results(report), unchecked=report.unchecked
            )
    if verification.state == Verification.State.RUNNING:
        with lease.transaction():
            verification.verdict = _verdict(verification)
            verification.state = Verification.State.DONE
            verification.ended_at = clock.now()
            verification.save(update_fields=["state", "verdict", "ended_at"])
    return {"verdict": verification.verdict}


def _results(report: Report) -> list[dict[str, Any]]:
    """Return what was held against something, as it is stored."""
    return [
        {
            "code": code,
            "examined": statement.examined,
            "false": statement.false,
            "findings": [vars(finding) for finding in statement.findings],
        }
        for code, statement in report.statements.items()
        if statement.examined or statement.false
    ]


def _verdict(verification: Verification) -> Verification.Verdict:
    parts = list(verification.results.all())
    if any(result["false"] for part in parts for result in part.results):
        return Verification.Verdict.FALSE
    return Verification.Verdict.UNCHECKED if any(p.unchecked for p in parts) else Verification.Verdict.TRUE
