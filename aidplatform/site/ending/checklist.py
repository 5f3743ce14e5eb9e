"""What is still open in a pool that winds down: everything that keeps it from being closed, each with its place."""

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.money import format_money
from aidplatform.lib.templating import listed_words
from claims.filing.models import Claim
from claims.filing.selectors import appeal_until, jury_until
from claims.filing.states import DECIDED, REFUSED
from ledger.books import chart
from ledger.books.selectors import TrialLine, trial_balance
from ledger.sharing.ending_triggers import RESIDUE
from ledger.sharing.models import Award, Period
from ledger.sharing.selectors import book_of
from members.ending.models import PoolEnding
from members.pools.models import Pool

UNCOLLECTED = (chart.RECEIVABLE, chart.TO_BE_SHARED)


@dataclass(frozen=True)
class Item:
    """A line of the checklist. says: what is open; empty: nothing. address: where it is dealt with."""

    code: str
    name: str
    says: str
    address: str = ""

    @property
    def is_done(self) -> bool:
        """Tell whether nothing of this is open."""
        return not self.says


@dataclass(frozen=True)
class Checklist:
    """All lines, and what is left over so far (fen): of it the reserve, which its rules may give to somebody else."""

    items: tuple[Item, ...]
    residue_fen: int
    reserve_fen: int

    @property
    def may_close(self) -> bool:
        """Tell whether nothing is open; the database looks once more."""
        return all(item.is_done for item in self.items)


def checklist(pool: Pool, ending: PoolEnding, at: dt.datetime) -> Checklist:
    """Return what keeps the pool from being closed, in the order in which it is dealt with. Seven queries."""
    lines = trial_balance(book_of(pool)).lines
    kept = [
        line
        for line in lines
        if line.account.kind in {"asset", "liability"} and line.debit_fen != line.credit_fen
    ]
    left = {
        line.account.code: line.credit_fen - line.debit_fen
        for line in kept
        if line.account.code in RESIDUE and line.account.kind == "liability"
    }
    owed = [line for line in kept if line.account.code not in RESIDUE]
    return Checklist(
        items=(
            _days(pool, ending, at),
            _claims(pool, at),
            _cases(pool),
            _periods(pool),
            _uncollected(pool, owed),
            Item(
                "accounts",
                _("Every account at 0"),
                listed_words(
                    f"{line.account.code} {line.account.name} "
                    f"{format_money(abs(line.debit_fen - line.credit_fen), pool.currency)}"
                    for line in owed
                ),
                reverse("accounts", args=[pool.code]),
            ),
        ),
        residue_fen=sum(left.values()),
        reserve_fen=left.get(chart.RESERVE, 0),
    )


def _days(pool: Pool, ending: PoolEnding, at: dt.datetime) -> Item:
    """Return whether the days are over on which cases are taken."""
    is_over = clock.day_of(at, pool.time_zone) >= ending.run_off_end_date
    says = _("Cases are taken until 00:00 of %(day)s.") % {"day": format_day(ending.run_off_end_date)}
    return Item("days", _("The days of the run-off are over"), "" if is_over else says)


def _claims(pool: Pool, at: dt.datetime) -> Item:
    """Return whether a claim still waits, or may come back on appeal or go before the jury."""
    filed = Claim.objects.filter(pool=pool, filed_at__isnull=False)
    count = filed.exclude(state__in=DECIDED).count()
    refused = filed.filter(state__in=REFUSED).select_related("pool", "plan_version")
    until = max(filter(None, map(appeal_until, refused)), default=None)
    again = filed.filter(state=Claim.State.REFUSED_FINALLY).select_related("pool", "plan_version")
    judged = max(filter(None, map(jury_until, again)), default=None)
    today = clock.day_of(at, pool.time_zone)
    says = [_("Undecided or unpaid: %(count)s") % {"count": count}] if count else []
    if until and today <= until:
        says.append(_("A refusal can be appealed against until %(day)s.") % {"day": format_day(until)})
    if judged and today <= judged:
        says.append(_("A refusal can go before the jury until %(day)s.") % {"day": format_day(judged)})
    return Item(
        "claims",
        _("Every claim decided and paid"),
        listed_words(says),
        reverse("review_queue", args=[pool.code]),
    )


def _cases(pool: Pool) -> Item:
    waiting = Award.objects.filter(pool=pool, state__in=[Award.State.ANNOUNCED, Award.State.FINAL])
    codes = list(waiting.order_by("code").values_list("code", flat=True)[:20])
    return Item(
        "cases", _("Every case shared"), listed_words(codes), reverse("notice_board", args=[pool.code])
    )


def _uncollected(pool: Pool, owed: list[TrialLine]) -> Item:
    """Return whether shares or costs are left that no bill will take in any more: they are settled by two people."""
    left = [line for line in owed if line.account.code in UNCOLLECTED]
    fen = sum(line.debit_fen - line.credit_fen for line in left)
    says = format_money(fen, pool.currency) if fen else ""
    return Item(
        "uncollected", _("No share unpaid, no cost unshared"), says, reverse("settlement", args=[pool.code])
    )


def _periods(pool: Pool) -> Item:
    numbers = pool.periods.exclude(state=Period.State.POSTED).order_by("number")
    says = listed_words(numbers.values_list("number", flat=True)[:20])
    return Item("periods", _("Every period posted"), says, reverse("periods", args=[pool.code]))
