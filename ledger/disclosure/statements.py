"""A member's shares of a calendar year as a paper: the same figures as on the page, with what was paid of each."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.money import format_fen, format_money
from aidplatform.lib.pdf import Sheet
from aidplatform.lib.templating import in_language
from ledger.custody.models import BankStatement
from ledger.custody.selectors import OwedCharge
from ledger.custody.selectors import charges_of as owed_charges_of
from ledger.disclosure.selectors import EVERY_PERIOD, MyCharge, charged_before_fen, charges_of, rules_on
from ledger.leaving.again import stays_of
from ledger.openbooks.selectors import Signing, signing_of
from members.joining.models import Membership

_WIDTHS_MM = (16, 25, 15, 28, 25, 25, 23, 17, 27, 27, 27)


@dataclass(frozen=True)
class YearStatement:
    """What one membership was charged in a year, oldest first, with what was paid of each.

    cap_fen: the most that the rules of the last charge let a year ask, or None. before_fen: what that counts besides,
    charged to the person in an earlier membership. booked_until: the last day of the
    bank's statements that are in the books; None before the first one. signing: how far the pool's log was signed.
    """

    membership: Membership
    year: int
    rows: tuple[tuple[MyCharge, OwedCharge], ...]
    cap_fen: int | None
    before_fen: int
    booked_until: dt.date | None
    signing: Signing

    @property
    def share_fen(self) -> int:
        """Return what was charged in the year."""
        return sum(charge.share_fen for charge, _owed in self.rows)

    @property
    def paid_fen(self) -> int:
        """Return what was paid of it."""
        return sum(owed.collected_fen for _charge, owed in self.rows)

    @property
    def open_fen(self) -> int:
        """Return what of it is still owed."""
        return sum(owed.open_fen for _charge, owed in self.rows)


def year_statement(membership: Membership, year: int) -> YearStatement:
    """Return the statement of a calendar year of charge days. Raises: NotFoundError for a year without a share."""
    charges = [
        charge
        for charge in charges_of(membership, limit=EVERY_PERIOD)
        if charge.period.charge_date.year == year
    ]
    if not charges:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    owed = owed_charges_of(pool=membership.pool, membership_id=membership.pk)
    of_period = {one.period_no: one for one in owed}
    rules = rules_on(membership.pool, charges[0].period.charge_date)
    last = BankStatement.objects.filter(account__pool=membership.pool).order_by("-number").first()
    return YearStatement(
        membership,
        year,
        tuple((charge, of_period[charge.period.number]) for charge in reversed(charges)),
        rules.year_cap_fen if rules else None,
        charged_before_fen(membership, stays_of(membership, clock.now()), year),
        last.to_date - dt.timedelta(days=1) if last else None,
        signing_of(membership.pool.code, clock.now()),
    )


def statement_paper(statement: YearStatement) -> bytes:
    """Return the statement as PDF, in the reader's language."""
    pool, membership = statement.membership.pool, statement.membership
    last_day = statement.rows[-1][0].period.charge_date
    sheet = Sheet(
        title=_("Shares of %(year)s") % {"year": statement.year},
        language=get_language() or "en",
        at=clock.start_of_day(last_day, pool.time_zone),
        foot=f"{pool.code} #{membership.number} · {statement.year}",
        is_wide=True,
    )
    name = in_language(pool.name_en, pool.name_zh)
    booked = format_day(statement.booked_until) if statement.booked_until else _("none yet")
    sheet.facts(
        [
            (_("Pool"), name),
            (_("Member"), str(membership.number)),
            (_("Amounts in"), pool.currency),
            (_("Bank statements in the books until"), booked),
        ]
    )
    heads = (_("Period"), _("Charge day"), _("Cases"), _("Aid"), _("Fee"), _("Other costs"), _("Members"), _("Weight"),
             _("My share"), _("Paid"), _("Owed"))  # fmt: skip
    sheet.row(heads, _WIDTHS_MM, right_from=2)
    for charge, owed in statement.rows:
        sheet.row(_cells(charge, owed), _WIDTHS_MM, right_from=2)
    sums = (statement.share_fen, statement.paid_fen, statement.open_fen)
    sheet.row((_("Total"), *[""] * 7, *map(format_fen, sums)), _WIDTHS_MM, right_from=2)
    for words in _remarks(statement):
        sheet.paragraph(words)
    sheet.qr(settings.PUBLIC_URL + reverse("open_books", args=[pool.code]), side_mm=25)
    return sheet.content()


def _cells(charge: MyCharge, owed: OwedCharge) -> tuple[str, ...]:
    period = charge.period
    costs = (period.aid_fen or 0, period.fee_fen or 0, period.other_costs_fen or 0)
    return (
        str(period.number),
        format_day(period.charge_date),
        str(period.cases or 0),
        *map(format_fen, costs),
        str(period.headcount or 0),
        str(charge.row.weight) if charge.row else "–",
        *map(format_fen, (charge.share_fen, owed.collected_fen, owed.open_fen)),
    )


def _remarks(statement: YearStatement) -> list[str]:
    """Return what is to be said below the table."""
    currency = statement.membership.pool.currency
    said = []
    if statement.cap_fen is not None:
        names = {
            "share": format_money(statement.share_fen + statement.before_fen, currency),
            "before": format_money(statement.before_fen, currency),
            "cap": format_money(statement.cap_fen, currency),
        }
        said.append(_("Of the most of a year, %(cap)s, %(share)s were charged.") % names)
        if statement.before_fen:
            said.append(_("%(before)s of it were charged before you joined again.") % names)
    written_off = sum(owed.written_off_fen for _charge, owed in statement.rows)
    if written_off:
        amount = format_money(written_off, currency)
        said.append(_("%(amount)s were written off: they are not asked any more.") % {"amount": amount})
    said.append(_("The page of each period shows its whole bill, which anybody can recompute."))
    if (last := statement.signing.checkpoint) is not None:
        # Two members who compare their papers find out whether they were shown the same books.
        told = {"size": f"{last.size:,}", "fingerprint": statement.signing.fingerprint}
        said.append(
            _(
                "The open books of this pool had %(size)s entries, fingerprint %(fingerprint)s. Whoever holds a paper"
                " with the same number must find the same fingerprint on it."
            )
            % told
        )
    said.append(
        _(
            "A mutual-aid pool is not insurance: members share what was needed, afterwards, and nobody promises a"
            " payment."
        )
    )
    return said
