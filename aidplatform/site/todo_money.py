"""What waits for those who order, release and write off: money that can move, or is not to be asked for any more."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.money import format_money
from aidplatform.lib.templating import in_language
from aidplatform.site.todo_row import Todo
from ledger.books import chart
from ledger.books.api import READERS
from ledger.books.selectors import balances_fen
from ledger.custody import months, share_returns
from ledger.custody.arrears_models import HardshipPause
from ledger.custody.explanation_models import DebitExplanation
from ledger.custody.explanations import with_debits_to_explain
from ledger.custody.interest_models import IncomeReport, OperatorInterest, State
from ledger.custody.models import PaymentOrder
from ledger.custody.month_models import MonthClose, MonthReopening, MonthState
from ledger.custody.proposal_models import DECIDED_WITHIN
from ledger.custody.reconciled_models import ReconciledDay
from ledger.custody.release_limit_models import ReleaseLimit
from ledger.custody.reversal_models import EntryReversal
from ledger.custody.revocation_models import AwardRevocation
from ledger.custody.selectors import payable_awards
from ledger.custody.undoing_models import MatchUndoing
from ledger.custody.wallet_selectors import wallets_to_pay_back
from ledger.custody.write_off_models import WriteOff
from ledger.custody.write_offs import estates
from ledger.verification.models import Verification
from ledger.verification.period_end import last_over, open_lines
from ledger.verification.selectors import last_verdicts
from members.joining.end_models import ReportedEnd
from members.people.models import User
from members.pools.models import DutyGrant, Pool


def of_money(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the payments that wait for this controller's release, and the aid a treasurer could order."""
    return (
        _of_releases(duties, person)
        + _of_reconciliation(duties)
        + _of_files(duties)
        + _of_limits(duties, person)
        + _of_explanations(duties, person)
        + _of_reversals(duties, person)
        + _of_revocations(duties, person)
        + _of_undoings(duties, person)
        + _of_months(duties, person)
        + _of_interests(duties, person)
        + _of_write_offs(duties, person)
        + _of_ends(duties, person)
        + _of_pauses(duties, person)
        + _of_verifications(duties)
        + _of_period_ends(duties)
        + _of_treasurers(duties)
    )


def _of_releases(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the payments of others that this controller can release: one by itself, several as a list."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in found]
    others = Q(payment_orders__state=PaymentOrder.State.ORDERED) & ~Q(payment_orders__ordered_by=person.code)
    pools = Pool.objects.filter(pk__in=held).annotate(
        waiting=Count("payment_orders", filter=others), first=Min("payment_orders__number", filter=others)
    )
    todos = []
    for pool in pools.filter(waiting__gt=0).order_by("pk"):
        name = in_language(pool.name_en, pool.name_zh)
        if pool.waiting == 1:
            text = _("Payment %(number)s of %(pool)s waits for your release") % {
                "number": pool.first,
                "pool": name,
            }
            todos.append(
                Todo(text, reverse("custody_payment", args=[pool.code, pool.first]), _("Look at it"))
            )
        else:
            text = _("Payments of %(pool)s that wait for your release: %(count)s") % {
                "count": pool.waiting,
                "pool": name,
            }
            todos.append(
                Todo(text, reverse("custody_payments", args=[pool.code]) + "#release", _("Look at them"))
            )
    return todos


def _of_treasurers(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return for treasurers the aid that can be ordered, one case by itself, several as a list, and nobody's money."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.TREASURER.value in found]
    pools = list(Pool.objects.filter(pk__in=held).order_by("pk"))
    nobodys = balances_fen([pool.code for pool in pools], chart.UNIDENTIFIED)
    todos = []
    for pool in pools:
        name, payments = (
            in_language(pool.name_en, pool.name_zh),
            reverse("custody_payments", args=[pool.code]),
        )
        payable = [one for one in payable_awards(pool) if one.payable_fen]
        if len(payable) == 1:
            case = payable[0].award.code
            text = _("Aid of case %(case)s of %(pool)s can be paid") % {"case": case, "pool": name}
            todos.append(Todo(text, reverse("custody_new_aid", args=[pool.code, case]), _("Order")))
        elif payable:
            text = _("Cases of %(pool)s whose aid can be paid: %(count)s") % {
                "count": len(payable),
                "pool": name,
            }
            todos.append(Todo(text, f"{payments}#aid", _("Order")))
        if nobodys.get(pool.code):
            money = format_money(abs(nobodys[pool.code]), pool.currency)
            text = _("Money of %(pool)s that is nobody's yet: %(money)s") % {"money": money, "pool": name}
            todos.append(Todo(text, reverse("custody_unidentified", args=[pool.code]), _("Match it")))
    return todos


def _of_files(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return the pools whose released payments are in no file for the bank yet, for their treasurer."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.TREASURER.value in found]
    released = Q(payment_orders__state=PaymentOrder.State.RELEASED, payment_orders__file_lines=None)
    unsent = Count("payment_orders", filter=released)
    return [
        Todo(
            _("Released payments of %(pool)s wait to be sent to the bank: %(count)s")
            % {"pool": in_language(pool.name_en, pool.name_zh), "count": pool.unsent},
            reverse("custody_payments", args=[pool.code]) + "#files",
            _("Make the file"),
        )
        for pool in Pool.objects.filter(pk__in=held)
        .annotate(unsent=unsent)
        .filter(unsent__gt=0)
        .order_by("pk")
    ]


def _of_verifications(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return the pools whose last verification found a false statement, for everybody who reads their books."""
    readers = [pool for pool, held in duties.items() if pool and held & set(READERS)]
    return [
        Todo(
            _("The last verification of %(pool)s found a false statement")
            % {"pool": in_language(found.pool.name_en, found.pool.name_zh)},
            reverse("verification", args=[found.pool.code, found.number]),
            _("Look"),
        )
        for found in last_verdicts(readers)
        if found.verdict == Verification.Verdict.FALSE
    ]


def _of_period_ends(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return the ends of periods on which this person still has to act: auditors read them, and act on none."""
    actors = {
        DutyGrant.Duty.TREASURER.value,
        DutyGrant.Duty.CONTROLLER.value,
        DutyGrant.Duty.POOL_ADMIN.value,
    }
    kept = [pool for pool, held in duties.items() if pool and held & actors]
    todos = []
    running = Pool.objects.filter(pk__in=kept).exclude(state__in=[Pool.State.CLOSED, Pool.State.GIVEN_UP])
    for pool in running.order_by("pk"):
        period = last_over(pool)
        lines = open_lines(period, duties[pool.pk]) if period else []
        if period and lines:
            todos.append(
                Todo(
                    _("The end of period %(number)s of %(pool)s waits for you: %(count)s")
                    % {
                        "number": period.number,
                        "pool": in_language(pool.name_en, pool.name_zh),
                        "count": len(lines),
                    },
                    reverse("period_end", args=[pool.code, period.number]),
                    _("Look"),
                )
            )
    return todos


def _of_reconciliation(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return the pools whose newest daily reconciliation is red, for who keeps or checks their money."""
    keepers = {DutyGrant.Duty.TREASURER.value, DutyGrant.Duty.CONTROLLER.value, DutyGrant.Duty.AUDITOR.value}
    kept = [pool for pool, held in duties.items() if pool and held & keepers]
    newest = ReconciledDay.objects.filter(pool__in=kept).order_by("pool", "-day").distinct("pool")
    return [
        Todo(
            _("The daily check of the bank of %(pool)s found rules broken: %(count)s")
            % {"pool": in_language(day.pool.name_en, day.pool.name_zh), "count": day.broken},
            reverse("custody_reconciliation", args=[day.pool.code]),
            _("Look"),
        )
        for day in newest.select_related("pool")
        if day.broken and day.pool.state not in {Pool.State.CLOSED, Pool.State.GIVEN_UP}
    ]


def _of_limits(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the limits of releases that wait for this controller."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in found]
    waiting = ReleaseLimit.objects.filter(pool__in=held, state=ReleaseLimit.State.PROPOSED)
    return [
        Todo(
            _("Limits of releases of %(pool)s wait for your approval")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("custody_release_limits", args=[one.pool.code]),
            _("Look at it"),
        )
        for one in waiting.exclude(proposed_by=person.code).select_related("pool").order_by("pk")
    ]


def _of_interests(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the pools in which something about the operator waits for this controller. Two queries."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in found]
    pools: dict[str, Pool] = {}
    for model in (OperatorInterest, IncomeReport):
        waiting = model._default_manager.filter(pool__in=held, state=State.PROPOSED)
        for one in waiting.exclude(proposed_by=person.code).select_related("pool").order_by("pk"):
            pools[one.pool.code] = one.pool
    return [
        Todo(
            _("Interests or income of the operator of %(pool)s wait for your confirmation")
            % {"pool": in_language(pool.name_en, pool.name_zh)},
            reverse("custody_interests", args=[code]),
            _("Look at it"),
        )
        for code, pool in sorted(pools.items())
    ]


def _of_explanations(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the pools with debits for a treasurer to explain, and the explanations that wait for a controller."""
    explaining, agreeing = (
        [pool for pool, found in duties.items() if pool and duty.value in found]
        for duty in (DutyGrant.Duty.TREASURER, DutyGrant.Duty.CONTROLLER)
    )
    proposed = DebitExplanation.objects.filter(pool__in=agreeing, state=DebitExplanation.State.PROPOSED)
    return [
        Todo(
            _("The bank has debited %(pool)s for something that nobody has explained")
            % {"pool": in_language(pool.name_en, pool.name_zh)},
            reverse("custody_explanations", args=[pool.code]),
            _("Explain it"),
        )
        for pool in with_debits_to_explain(explaining)
    ] + [
        Todo(
            _("What a debit of %(pool)s was waits for your agreement")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("custody_explanations", args=[one.pool.code]),
            _("Look at it"),
        )
        for one in proposed.exclude(proposed_by=person.code).select_related("pool").order_by("pk")[:20]
    ]


def _of_reversals(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the reversals that wait: for another person's agreement, or one's own that are overdue."""
    proposed = EntryReversal.objects.filter(state=EntryReversal.State.PROPOSED).select_related(
        "pool", "entry"
    )
    found = _unanswered(proposed, DutyGrant.Duty.TREASURER, DECIDED_WITHIN, duties, person)
    return _to_answer(
        found,
        person,
        own=_("The reversal of entry %(number)s of %(pool)s, which you proposed, is still not answered"),
        others=_("The reversal of entry %(number)s of %(pool)s waits for your agreement"),
        told=lambda one: {"number": one.entry.number},
        address=lambda one: reverse("entry", args=[one.pool.code, one.entry.number]) + "#reversal",
    )


def _of_revocations(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return what is proposed to be taken back of aid: for another person's word, or one's own that is overdue."""
    proposed = AwardRevocation.objects.filter(state=AwardRevocation.State.PROPOSED).select_related(
        "pool", "award"
    )
    found = _unanswered(proposed, DutyGrant.Duty.SECOND_REVIEWER, DECIDED_WITHIN, duties, person)
    return _to_answer(
        found,
        person,
        own=_("That aid of case %(case)s of %(pool)s is taken back, as you proposed, is still not answered"),
        others=_("That aid of case %(case)s of %(pool)s is taken back waits for your agreement"),
        told=lambda one: {"case": one.award.code},
        address=lambda one: reverse("custody_revocations", args=[one.pool.code]),
    )


def _of_undoings(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the wrong matches that wait to be undone: for another person's word, or one's own that are overdue."""
    proposed = MatchUndoing.objects.filter(state=MatchUndoing.State.PROPOSED).select_related(
        "pool", "receipt__statement"
    )
    found = _unanswered(proposed, DutyGrant.Duty.TREASURER, DECIDED_WITHIN, duties, person)
    return _to_answer(
        found,
        person,
        own=_(
            "That receipt %(receipt)s of %(pool)s was matched wrongly, as you proposed, is still not answered"
        ),
        others=_("That receipt %(receipt)s of %(pool)s was matched wrongly waits for your agreement"),
        told=lambda one: {"receipt": one.receipt.code},
        address=lambda one: reverse("custody_undoings", args=[one.pool.code]),
    )


def _to_answer(
    found: Iterable[Any],
    person: User,
    *,
    own: str,
    others: str,
    told: Callable[[Any], dict[str, object]],
    address: Callable[[Any], str],
) -> list[Todo]:
    """Say of each proposal that it waits for the person's word (others), or is their own and not answered (own).

    told: what the texts name besides the pool.
    """
    return [
        Todo(
            (own if one.proposed_by == person.code else others)
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh), **told(one)},
            address(one),
            _("Look at it"),
        )
        for one in found
    ]


def _unanswered(
    proposed: QuerySet[Any],
    proposer: DutyGrant.Duty,
    within: dt.timedelta,
    duties: dict[int | None, set[str]],
    person: User,
) -> QuerySet[Any]:
    """Return up to twenty of what is proposed: what waits for a controller's word, or is one's own and overdue.

    proposer: the duty of those who propose; within: how long a controller may take.
    """
    agreeing, proposing = (
        [pool for pool, found in duties.items() if pool and duty.value in found]
        for duty in (DutyGrant.Duty.CONTROLLER, proposer)
    )
    late = Q(pool__in=proposing, proposed_by=person.code, proposed_at__lt=clock.now() - within)
    return proposed.filter(Q(pool__in=agreeing) & ~Q(proposed_by=person.code) | late).order_by("pk")[:20]


def _of_months(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the months that a treasurer can close, and what of months waits for a controller."""
    closing, agreeing = (
        [pool for pool, found in duties.items() if pool and duty.value in found]
        for duty in (DutyGrant.Duty.TREASURER, DutyGrant.Duty.CONTROLLER)
    )
    todos = [
        Todo(
            _("The month %(month)s of %(pool)s can be closed")
            % {"month": f"{month:%Y-%m}", "pool": in_language(pool.name_en, pool.name_zh)},
            reverse("custody_months", args=[pool.code]),
            _("Close it"),
        )
        for pool, month in months.ready_to_close(closing)
    ]
    for model, text in (
        (MonthClose, _("The close of a month of %(pool)s waits for your agreement")),
        (MonthReopening, _("A closed month of %(pool)s is to be opened again: it waits for your agreement")),
    ):
        waiting = model._default_manager.filter(pool__in=agreeing, state=MonthState.PROPOSED)
        for one in waiting.exclude(proposed_by=person.code).select_related("pool").order_by("pk"):
            number = one.number if isinstance(one, MonthClose) else one.close.number
            todos.append(
                Todo(
                    text % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
                    reverse("custody_month", args=[one.pool.code, number]),
                    _("Look at it"),
                )
            )
    return todos


def _of_write_offs(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the write-offs that wait for this controller."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in found]
    waiting = WriteOff.objects.filter(pool__in=held, state=WriteOff.State.ORDERED)
    return [
        Todo(
            _("A write-off of %(pool)s waits for your approval")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("custody_write_off", args=[one.pool.code, one.number]),
            _("Look at it"),
        )
        for one in waiting.exclude(ordered_by=person.code).select_related("pool").order_by("pk")
    ]


def _of_pauses(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the pauses for members in hardship that wait for an admin's days or for a controller."""
    run, held = (
        [pool for pool, found in duties.items() if pool and duty.value in found]
        for duty in (DutyGrant.Duty.POOL_ADMIN, DutyGrant.Duty.CONTROLLER)
    )
    proposed = Q(pool__in=held, state=HardshipPause.State.PROPOSED) & ~Q(proposed_by=person.code)
    waiting = HardshipPause.objects.filter(Q(pool__in=run, state=HardshipPause.State.ASKED) | proposed)
    return [
        Todo(
            _("A member of %(pool)s cannot pay now: a pause waits for your decision")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("custody_arrears", args=[one.pool.code]),
            _("Look at it"),
        )
        for one in waiting.select_related("pool").order_by("pk")
    ]


def _of_ends(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the deaths and removals that wait for this controller, and what a treasurer has to do after ends."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in found]
    waiting = ReportedEnd.objects.filter(pool__in=held, state=ReportedEnd.State.OPEN)
    treasuries = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.TREASURER.value in found]
    kept = list(Pool.objects.filter(pk__in=treasuries))
    return (
        [
            Todo(
                _("The end of a membership of %(pool)s waits for your decision")
                % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
                reverse("reported_ends", args=[one.pool.code]),
                _("Look at it"),
            )
            for one in waiting.exclude(reported_by=person.code).select_related("pool").order_by("pk")
        ]
        + [
            Todo(
                _("Shares of members of %(pool)s who have died are to be written off: %(count)s")
                % {"pool": in_language(pool.name_en, pool.name_zh), "count": len(found)},
                reverse("custody_write_offs", args=[pool.code]),
                _("Order"),
            )
            for pool in kept
            if (found := estates(pool))
        ]
        + [
            Todo(
                _("Wallets of %(pool)s to be paid back, of members who are not covered any more: %(count)s")
                % {"pool": in_language(pool.name_en, pool.name_zh), "count": wallets},
                reverse("custody_wallets", args=[pool.code]),
                _("Order"),
            )
            for pool in kept
            if (wallets := wallets_to_pay_back(pool))
        ]
        + [
            Todo(
                _("Shares of members of %(pool)s go back: %(count)s")
                % {"pool": in_language(pool.name_en, pool.name_zh), "count": len(going_back)},
                reverse("custody_payments", args=[pool.code]),
                _("Order"),
            )
            for pool in kept
            if (going_back := share_returns.waiting(pool))
        ]
    )
