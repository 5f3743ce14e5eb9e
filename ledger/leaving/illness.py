"""An illness in the waiting period, where the plan gives the shares back: the membership ends, all bear the cost."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.books import chart
from ledger.books.services import credit, debit
from ledger.custody.share_return_models import SharesReturn
from ledger.custody.suspensions import end_suspension
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Period
from ledger.sharing.payees import Payee
from ledger.sharing.selectors import book_of
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership
from members.joining.services import end_cover
from members.joining.told import told_of
from members.people import notices
from members.pools.models import Pool


class NotChargedYetError(ConflictError):
    """A period has counted its members and has not announced their shares."""

    code = "shares_go_back_once_charged"


def give_shares_back(
    *,
    membership: Membership,
    event_date: dt.date,
    decision: str,
    reviewer: str,
    decider: str,
    payee: Payee,
    claim_code: str,
    at: dt.datetime,
) -> SharesReturn:
    """End a membership with the day, and give back every share that was paid for it (entry h).

    decision: the name under which the log bears what reviewer and decider decided. What is open is asked for no more.
    All bear both with the next bill. A membership that is over already stays so. Given back already: that return.

    Raises: NotChargedYetError; IntegrityError shares_go_back_for_illness_in_the_wait, shares_go_back_as_decided.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        made = SharesReturn.objects.filter(membership_id=membership.pk).first()
        if made is not None:
            return made
        _check_charged(pool, clock.day_of(at, pool.time_zone))
        made = SharesReturn(
            pool=pool,
            number=0,  # number, charges, sums and instant are the database's own
            membership_id=membership.pk,
            event_date=event_date,
            decision=decision,
            reviewer=reviewer,
            decider=decider,
            charges=[],
            paid_fen=0,
            open_fen=0,
            returned_at=at,
        )
        made.payee_sealed, made.payee_hash = payee.sealed(made.payee_place), payee.index
        made.save()
        made.refresh_from_db()
        if made.total_fen:
            _post(made, at)
        failpoint("leaving.shares_given_back")
        end_date = clock.day_of(at, pool.time_zone) + dt.timedelta(days=1)
        _end(membership, made, end_date)
        _tell(membership, made, claim_code, end_date)
        audit.record(
            actor=decider,
            action="give_shares_back",
            subject=str(made),
            membership=membership.number,
            fen=made.paid_fen,
        )
    return made


def _check_charged(pool: Pool, today: dt.date) -> None:
    """Demand that every headcount that is due has become announced shares. Raises: NotChargedYetError."""
    counted = Period.objects.filter(pool=pool, charges_notified_at=None, publicity_date__lte=today)
    waiting = counted.order_by("number").first()
    if waiting is not None:
        raise NotChargedYetError(
            _("Period %(number)s has counted its members. Shares go back once its shares are announced.")
            % {"number": waiting.number},
            period=waiting.number,
        )


def _post(made: SharesReturn, at: dt.datetime) -> None:
    """Book what goes back and what is asked for no more; the row bears the entry."""
    lines = [
        debit(chart.TO_BE_SHARED, made.total_fen),
        credit(chart.REFUNDS_PAYABLE, made.paid_fen),
        credit(chart.RECEIVABLE, made.open_fen),
    ]
    made.entry = openbooks.post_logged_entry(
        book=book_of(made.pool),
        key=f"waiting_refund/{made.number}",
        kind="waiting_refund",
        lines=[line for line in lines if line.amount_fen],
        entry_date=clock.day_of(at, made.pool.time_zone),
        at=at,
        description=f"Shares given back {made.number}",
        source=f"shares {made.pool.code}/{made.number}",
        maker=made.reviewer,
        checker=made.decider,
    )
    made.save(update_fields=["entry"])


def _end(membership: Membership, made: SharesReturn, end_date: dt.date) -> None:
    """End what goes on; with the end of a pool, or by leaving, a membership has ended before."""
    is_over = MembershipEnd.objects.filter(membership=membership).exists()
    if is_over or made.pool.state in {Pool.State.WINDING_DOWN, Pool.State.CLOSED}:
        return
    end_suspension(membership=membership, on=end_date, actor=made.decider)
    end_cover(
        membership=membership,
        at=clock.start_of_day(end_date, made.pool.time_zone),
        reason=MembershipEnd.Reason.ILL,
        actor=made.decider,
        reference=made.decision,
    )


def _tell(membership: Membership, made: SharesReturn, claim_code: str, end_date: dt.date) -> None:
    params = {
        "pool_en": made.pool.name_en,
        "pool_zh": made.pool.name_zh,
        "currency": made.pool.currency,
        "claim": claim_code,
        "until": end_date.isoformat(),
        "fen": made.paid_fen,
    }
    news = [
        one.news(notices.SHARES_BACK, str(made), params, pool=made.pool.code) for one in told_of(membership)
    ]
    notices.tell(news, batch=f"shares/{made}", actor=made.decider)
