"""What is not shared of awards as it was announced: an award that leaves, aid that is lowered, a rest that waits."""

import datetime as dt

from django.db.models import F, QuerySet

from aidplatform.lib import clock
from aidplatform.work import audit
from ledger.books import chart
from ledger.books.services import credit, debit
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Award, Period
from ledger.sharing.selectors import awards_of, book_of

SERVICE = "service"


def log_adjustment(award: Award, key: str, why: str, at: dt.datetime, now_fen: int = 0, **also: str) -> None:
    """State in the log that an announced award is not shared as announced, but with so much (fen)."""
    openbooks.append(
        code=award.pool.code,
        entry_type="award.adjust",
        key=key,
        body={
            "case": award.code,
            "period": award.period.number if award.period else 0,
            "was": award.aid_fen,
            "is": now_fen,
            "why": why,
            **also,
        },
        at=at,
    )


def lower_aid(period: Period, at: dt.datetime) -> None:
    """Book that awards are not shared in full (entry b): what caps left no room for is owed no longer."""
    lowered_fen = (period.awarded_fen or 0) - (period.aid_fen or 0)
    if lowered_fen:
        openbooks.post_logged_entry(
            book=book_of(period.pool),
            key=f"aid_lowered/{period.number}",
            kind="aid_lowered",
            lines=[debit(chart.AID_PAYABLE, lowered_fen), credit(chart.TO_BE_SHARED, lowered_fen)],
            entry_date=clock.today(period.pool.time_zone),
            at=at,
            description=f"Aid of period {period.number} lowered to what caps leave room for",
            source=f"period {period.code}",
            maker=period.prepared_by or "",
            checker=period.approved_by or "",
        )


def log_lowered_awards(period: Period, at: dt.datetime) -> None:
    """State in the log what is shared of each award that caps have lowered."""
    for award in _shared_in_part(period):
        log_adjustment(
            award, f"lowered/{period.number}/{award.code}", "caps", at, now_fen=award.shared_fen or 0
        )


def a_rest_waits(period: Period) -> bool:
    """Tell whether of what was granted a part waits for the next period; fixed from the approval on."""
    return period.aid_fen != period.awarded_fen and period.plan_version.plan().rest_waits


def let_rests_wait(period: Period, at: dt.datetime) -> None:
    """Make an award of what was not shared of each, for the next announcement; it stays owed, so nothing is booked."""
    for award in _shared_in_part(period):
        rest = Award.objects.create(
            pool=period.pool,
            rest_of=award,
            code=award.rest_code,
            aid_fen=award.unshared_fen,
            claim_code=award.claim_code,
            masked=award.masked,
            payee_sealed=award.payee_sealed,
            payee_hash=award.payee_hash,
            announced_by=award.announced_by,
            announced_at=at,
        )
        log_adjustment(
            award,
            f"waits/{period.number}/{award.code}",
            "rest_waits",
            at,
            now_fen=award.shared_fen or 0,
            rest=rest.code,
        )
        audit.record(actor=SERVICE, action="let_rest_wait", subject=str(rest), aid_fen=rest.aid_fen)


def _shared_in_part(period: Period) -> QuerySet[Award]:
    """Return the awards of a period of which less is shared than was granted; the database has split it."""
    found = awards_of(period).filter(shared_fen__lt=F("aid_fen"))
    return found.select_related("pool", "period")
