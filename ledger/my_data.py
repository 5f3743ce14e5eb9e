"""What the ledger holds of one person's memberships, for that person; money of others appears as theirs, unnamed."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.my_data import Exporter, Row, Table, fields_of
from ledger.custody.charge_models import ChargeInstruction, DebitRetry
from ledger.custody.hardship import reason_of
from ledger.custody.mandate_models import DebitMandate
from ledger.custody.mandates import account_of_mandate
from ledger.custody.models import Collection, PaymentOrder, StatementLine
from ledger.custody.selectors import charges_of, counterparty, payee_of
from ledger.custody.share_return_models import SharesReturn
from ledger.custody.share_returns import payee_of_return
from ledger.custody.undoing_models import MatchUndoing
from ledger.custody.wallet_models import Suspension, WalletEntry
from ledger.custody.write_off_models import WriteOff
from ledger.sharing.models import Period
from members.my_data import memberships_of
from members.people.identity import paper_of
from members.people.models import User


def _shares(person: User) -> Iterator[Row]:
    """Yield each share with what it was divided from."""
    for one in memberships_of(person):
        owed = charges_of(pool=one.pool, membership_id=one.pk)
        numbers = [charge.period_no for charge in owed]
        periods = {
            period.number: period
            for period in Period.objects.filter(pool=one.pool, number__in=numbers).defer("classes")
        }
        for charge in owed:
            yield {
                "pool": one.pool.code,
                "currency": one.pool.currency,
                **fields_of(charge, "period_no", "share_fen", "collected_fen", "written_off_fen"),
                **_figures(periods[charge.period_no]),
            }


def _figures(period: Period) -> Row:
    names = ("charge_date", "headcount", "cases", "aid_fen", "fee_fen", "other_costs_fen", "assessed_fen")
    return {f"period_{name}": value for name, value in fields_of(period, *names).items()}


def _collections(person: User) -> Iterator[Row]:
    """Yield what filled the person's shares, and what their money filled of others."""
    for one in memberships_of(person):
        found = Collection.objects.filter(Q(membership_id=one.pk) | Q(payer_id=one.pk), pool_id=one.pool_id)
        for row in found.select_related("line__statement", "result__instruction").order_by("pk"):
            is_own = row.membership_id == one.pk
            yield {
                "pool": one.pool.code,
                "share_of": "you" if is_own else "another member",
                "paid_by": "another member" if is_own and row.payer_id is not None else "you",
                **fields_of(row, "period_no", "amount_fen", "at"),
                "receipt": _source(row),
            }


def _source(row: Collection) -> str:
    """Return the receipt or the debit that paid."""
    if row.line is not None:
        return row.line.code
    assert row.result is not None
    return row.result.instruction.end_to_end_id


def _receipts(person: User) -> Iterator[Row]:
    """Yield the bookings matched to the person. Who sent them, and the text, only where it was themselves."""
    paper = paper_of(person)
    names = {name for name in (paper.name if paper else "", person.name, person.name_zh) if name}
    for one in memberships_of(person):
        found = StatementLine.objects.filter(account__pool=one.pool, membership_id=one.pk)
        for line in found.select_related("statement", "account__pool").order_by("pk"):
            row = fields_of(line, "code", "booking_date", "direction", "amount_fen", "kind", "bank_reference")
            sender = counterparty(line)
            if sender in names:
                row |= {"counterparty": sender, "text": line.text}
            yield {"pool": one.pool.code} | row


def _wallets(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        found = WalletEntry.objects.filter(pool_id=one.pool_id, membership_id=one.pk)
        for entry in found.select_related("line__statement").order_by("pk"):
            row = fields_of(entry, "kind", "amount_fen", "period_no", "at")
            yield {"pool": one.pool.code, **row, "receipt": entry.line.code if entry.line else None}


def _suspensions(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        found = Suspension.objects.filter(pool_id=one.pool_id, membership_id=one.pk).order_by("pk")
        for suspension in found:
            row = fields_of(suspension, "cause", "period_no", "class_no", "from_date", "until_date")
            yield {"pool": one.pool.code, **row, **fields_of(suspension, "state", "ended_date")}


def _pauses(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        for pause in one.hardship_pauses.order_by("pk"):
            row = fields_of(pause, "number", "state", "days", "asked_at", "decided_at")
            yield {"pool": one.pool.code, **row, "reason": reason_of(pause)}


def _mandates(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        for mandate in (
            DebitMandate.objects.filter(membership=one).select_related("membership").order_by("pk")
        ):
            payer = account_of_mandate(mandate)
            yield {
                "pool": one.pool.code,
                **fields_of(mandate, "reference", "state", "creditor_name", "language", "signed_date"),
                **fields_of(mandate, "signed_at", "revoked_at", "text_en", "text_zh", "text_sha256"),
                "holder_name": payer.name,
                "account": payer.account,
            }


def _debits(person: User) -> Iterator[Row]:
    """Yield every debit from the person's account with what became of it."""
    for one in memberships_of(person):
        found = ChargeInstruction.objects.filter(pool_id=one.pool_id, payer_id=one.pk)
        for debit in found.prefetch_related("results").order_by("pk"):
            yield {
                "pool": one.pool.code,
                **fields_of(debit, "end_to_end_id", "mandate_reference", "period_no", "attempt"),
                **fields_of(debit, "amount_fen", "collection_date"),
                "results": [
                    f"{result.result_date} {result.kind} {result.reason}".strip()
                    for result in debit.results.all()
                ],
            }


def _retries(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        for retry in DebitRetry.objects.filter(membership=one).order_by("pk"):
            yield {"pool": one.pool.code, **fields_of(retry, "asked_date", "asked_at")}


def _write_offs(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        for order in WriteOff.objects.filter(pool=one.pool, membership_id=one.pk).order_by("pk"):
            row = fields_of(order, "number", "reason", "reminders", "upto_period_no", "charges", "amount_fen")
            yield {"pool": one.pool.code, **row, **fields_of(order, "state", "ordered_at", "decided_at")}


def _paid_back(person: User) -> Iterator[Row]:
    """Yield the payments of a wallet, or of debits, back to the person. Payments of aid stand with the claims."""
    for one in memberships_of(person):
        theirs = Q(membership_id=one.pk) | Q(debit__instruction__payer_id=one.pk)
        found = PaymentOrder.objects.filter(theirs, pool=one.pool).select_related("pool")
        for order in found.order_by("pk"):
            yield payment_row(order)


def payment_row(order: PaymentOrder) -> Row:
    """Return a payment to the person, its payee in clear."""
    payee = payee_of(order)
    return {
        "pool": order.pool.code,
        **fields_of(order, "number", "kind", "amount_fen", "state", "ordered_at", "released_at"),
        "payee_name": payee.name,
        "payee_account": payee.account,
    }


def _undone_matches(person: User) -> Iterator[Row]:
    """Yield what was taken for the person's money and was not. The reason tells of whose it was, and is left out."""
    for one in memberships_of(person):
        found = MatchUndoing.objects.filter(pool=one.pool, membership_id=one.pk)
        for undoing in found.select_related("receipt__statement").order_by("pk"):
            row = fields_of(undoing, "number", "amount_fen", "state", "proposed_at", "decided_at")
            yield {"pool": one.pool.code, "receipt": undoing.receipt.code, **row}


def _shares_returned(person: User) -> Iterator[Row]:
    for one in memberships_of(person):
        for made in SharesReturn.objects.filter(membership_id=one.pk).select_related("pool"):
            payee = payee_of_return(made)
            yield {
                "pool": one.pool.code,
                **fields_of(made, "event_date", "charges", "paid_fen", "open_fen", "returned_at"),
                "payee_name": payee.name,
                "payee_account": payee.account,
            }


EXPORTER = Exporter(
    tables=(
        Table("shares", _("Every share with the figures of its period, what was paid and written off."), _shares),
        Table(
            "collections",
            _("What was paid of shares: of yours, and by you of others, who are not named."),
            _collections,
        ),
        Table(
            "receipts",
            _("Bookings of the bank that were matched to you. Sender and text where it was you."),
            _receipts,
        ),
        Table(
            "undone_matches", _("Receipts that counted as your money, and were found not to be."), _undone_matches
        ),
        Table("wallet_entries", _("What came into your wallet and left it, shares aside."), _wallets),
        Table("suspensions", _("When an unpaid share or a short wallet suspended your membership."), _suspensions),
        Table("pauses", _("Pauses for hardship that were asked for, and your reasons."), _pauses),
        Table("mandates", _("Mandates by which your shares may be debited, with your account."), _mandates),
        Table("debits", _("Debits from your account, and what became of each."), _debits),
        Table("debit_retries", _("When you asked for a debit to be tried again."), _retries),
        Table("write_offs", _("Shares of yours that were written off."), _write_offs),
        Table(
            "shares_returned", _("Shares that went back for an illness in the waiting period."), _shares_returned
        ),
        Table("paid_back", _("Payments of your wallet, of debits and of shares back to you."), _paid_back),
    ),
    exported={
        "ledger.Charge.membership_id": "shares",
        "ledger.WrittenOffCharge.membership_id": "shares",
        "ledger.Collection.membership_id": "collections",
        "ledger.Collection.payer_id": "collections",
        "ledger.StatementLine.membership_id": "receipts",
        "ledger.MatchUndoing.membership_id": "undone_matches",
        "ledger.WalletEntry.membership_id": "wallet_entries",
        "ledger.Suspension.membership_id": "suspensions",
        "ledger.HardshipPause.membership": "pauses",
        "ledger.DebitMandate.membership": "mandates",
        "ledger.ChargeInstruction.payer_id": "debits",
        "ledger.DebitRetry.membership": "debit_retries",
        "ledger.WriteOff.membership_id": "write_offs",
        "ledger.SharesReturn.membership_id": "shares_returned",
        "ledger.PaymentOrder.membership_id": "paid_back",
    },
    left_out={},
)  # fmt: skip
