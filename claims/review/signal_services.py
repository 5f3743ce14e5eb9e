"""Writes about signals: look at a claim, note what its papers say, say what came of a signal.

None of it moves a claim: whatever is found, people decide.
"""

import datetime as dt
import json
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.apart import RefusedApartError, run_apart
from aidplatform.lib.crypto import blind_index, seal_text
from aidplatform.lib.errors import ConflictError
from aidplatform.work import audit, jobs
from claims.filing.illnesses import IDENTITY
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import read_paper
from claims.filing.services import locked_claim
from claims.review.readings import Reading, folded
from claims.review.services import check_in_charge
from claims.review.signal_models import PageHash, PaperReading, SignalMark, SignalRun
from claims.review.signal_selectors import features_of, last_run, read_details
from claims.review.signal_versions import CURRENT
from claims.review.signals import assess

FIND = "claims.find_signals"
# The states in which somebody looks at the claim next; what others filed meanwhile may throw another light on it.
LOOKED_AT = ("filed", "appealed", "under_review", "recommended", "objected")
_HASHER = Path(__file__).with_name("page_hash.py")
_PATIENCE = 40


class NotShownError(ConflictError):
    """The signal is not among those that the last look found."""

    code = "signal_mark_is_of_what_was_shown"


class AlreadyMarkedError(ConflictError):
    """The signal has been marked in this round."""

    code = "one_mark_per_signal_and_round"


def order_look(*, claim_id: int, key: str) -> None:
    """Order a look at a claim; the same key again is the same look."""
    jobs.enqueue(kind=FIND, key=key, payload={"claim": claim_id}, actor="service")


def look_at_pages(*, claim: Claim) -> list[PageHash]:
    """Return how the pages of new papers look, unsaved; of identity documents, all of one form, nothing is kept.

    Takes seconds: call it outside of a transaction. A paper that cannot be read is passed over.
    """
    wanted = Evidence.objects.filter(claim=claim, removed_at=None, page_hashes=None).exclude(kind=IDENTITY)
    hashes = []
    for pk in list(wanted.order_by("pk").values_list("pk", flat=True)):
        paper = Evidence.objects.get(pk=pk)
        try:
            written = run_apart(_HASHER, paper.media_type, data=read_paper(paper), patience=_PATIENCE)
        except RefusedApartError:
            continue
        lines = written.decode().split("\n")
        hashes += [PageHash(evidence=paper, page=no, bits=bits) for no, bits in enumerate(lines, 1) if bits]
    return hashes


@transaction.atomic
def find_signals(*, claim: Claim, pages: list[PageHash], at: dt.datetime) -> SignalRun | None:
    """Look at a claim by the current version and keep what is found; the same as last time: nothing is written."""
    claim = locked_claim(claim, *Claim.State.values)
    PageHash.objects.bulk_create(pages, ignore_conflicts=True)
    judged = assess(features_of(claim, at), CURRENT)
    findings = [{"signal": one.signal, "points": one.points} for one in judged.findings]
    details = {one.signal: dict(one.data) for one in judged.findings}
    last = last_run(claim)
    if (
        last is not None
        and (last.version, last.findings, last.route) == (judged.version, findings, judged.route)
        and read_details(last) == details
        and bytes(last.payee_index or b"") == bytes(claim.payee_index or b"")
    ):
        return None
    run = SignalRun(
        claim=claim,
        number=last.number + 1 if last else 1,
        version=judged.version,
        findings=findings,
        points=judged.points,
        route=judged.route,
        payee_index=claim.payee_index,
        found_at=at,
    )
    run.details_sealed = seal_text(json.dumps(details), run.context)
    run.save()
    audit.record(
        actor="service", action="find_signals", subject=claim.code, version=run.version, route=run.route
    )
    return run


@transaction.atomic
def note_reading(*, claim: Claim, reviewer: str, reading: Reading, at: dt.datetime) -> PaperReading:
    """Keep what the reviewer reads in the papers, sealed, and order a look with it.

    Raises: ClaimMovedOnError, NotYoursError, OwnClaimError, NearError, ForbiddenError.
    """
    claim = locked_claim(claim, Claim.State.UNDER_REVIEW)
    check_in_charge(claim, reviewer)
    last = claim.paper_readings.order_by("-number").first()
    noted = PaperReading(
        claim=claim,
        number=last.number + 1 if last else 1,
        round=claim.round,
        hospital_index=_index(reading.hospital, "hospital"),
        # A doctor's name is found within the hospital: many have the same.
        doctor_index=_index(reading.doctor and f"{folded(reading.hospital)}/{reading.doctor}", "doctor"),
        report_index=_index(reading.report_no, "report"),
        read_by=reviewer,
        read_at=at,
    )
    noted.content_sealed = seal_text(reading.to_text(), noted.context)
    noted.save()
    order_look(claim_id=claim.pk, key=f"{claim.code}/reading/{noted.number}")
    audit.record(actor=reviewer, action="note_reading", subject=claim.code, number=noted.number)
    return noted


@transaction.atomic
def mark_signal(
    *, claim: Claim, reviewer: str, signal: str, meaning: str, reason: str, at: dt.datetime
) -> SignalMark:
    """Say what came of a signal that was shown: explained, or confirmed. It changes nothing of the claim.

    Raises: ClaimMovedOnError, NotYoursError, NotShownError, AlreadyMarkedError, OwnClaimError, NearError,
    ForbiddenError.
    """
    claim = locked_claim(claim, Claim.State.UNDER_REVIEW)
    check_in_charge(claim, reviewer)
    run = last_run(claim)
    if run is None or signal not in {one["signal"] for one in run.findings}:
        raise NotShownError(_("This signal does not show any more. Reload the page."))
    if claim.signal_marks.filter(signal=signal, version=run.version, round=claim.round).exists():
        raise AlreadyMarkedError(_("This signal has been marked already; what was said stays."))
    mark = SignalMark(
        claim=claim,
        signal=signal,
        version=run.version,
        round=claim.round,
        meaning=meaning,
        marked_by=reviewer,
        marked_at=at,
    )
    mark.reason_sealed = seal_text(reason, mark.context)
    mark.save()
    audit.record(actor=reviewer, action="mark_signal", subject=claim.code, signal=signal, meaning=meaning)
    return mark


def _index(told: str, purpose: str) -> bytes | None:
    name = folded(told)
    return blind_index(name, f"claims.{purpose}") if name else None
