"""Writes of custody: the bank account, statements and what they settle, payment orders.

Each function locks the pool, checks, writes, and tells (audit, log, events). The database judges the money once
more under the lock of the bank account; what it refuses bears the guarantee's name.
"""

import datetime as dt
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import crypto
from aidplatform.lib.collector import collector_asleep
from aidplatform.lib.db import copy_rows, long_transaction
from aidplatform.lib.errors import ConflictError, DomainError, ForbiddenError
from aidplatform.lib.failpoints import failpoint
from aidplatform.lib.money import format_money
from aidplatform.work import audit, events
from ledger.books import chart
from ledger.books.models import Book
from ledger.books.selectors import balance_fen
from ledger.books.services import Line, credit, debit
from ledger.custody import (
    arrears_life,
    charge_settlements,
    chargebacks,
    recoveries,
    wallet_life,
    wallet_openings,
    wallets,
)
from ledger.custody import statement_parts as files
from ledger.custody.charge_models import ChargeResult
from ledger.custody.cost_models import OutsideCost
from ledger.custody.filling import Recorded, fill_by_receipt, fill_by_statement, last_undoing
from ledger.custody.mappings import Reading
from ledger.custody.models import BankAccount, BankStatement, PaymentOrder, StatementLine
from ledger.custody.reconciliation import open_fen_of
from ledger.custody.references import INCOME, MEMBERSHIP, ORDER, REFERRAL, SPONSOR, Reference, find_reference
from ledger.custody.release_limits import limits_of
from ledger.custody.selectors import line_context, payee_context
from ledger.custody.statement_files import read_statement
from ledger.custody.triggers import PAYABLE
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Award, Period
from ledger.sharing.payees import Payee, account_key
from ledger.sharing.selectors import payee_of_award
from members.joining.models import ImportedMember, Membership
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import duties_of, pays_ahead

AWARD_PAID = "award.paid"
MOST_SETTLED_IN_LOG = 500
Kind = StatementLine.Kind


class FileRefusedError(DomainError):
    """The file is not taken: `extra` says why in one word and where."""

    code = "statement_refused"


class WrongStateError(ConflictError):
    """The order has moved on."""

    code = "order_state_follows_order"


class SamePersonError(ConflictError):
    """Ordering and releasing need two people."""

    code = "order_releaser_is_not_orderer"


class ShownChangedError(ConflictError):
    """The releaser saw something else than what is stored."""

    code = "release_is_of_what_was_shown"


class ProofMissingError(ConflictError):
    """A payment above the pool's amount asks for a fresh second factor."""

    code = "large_release_needs_a_fresh_factor"


class DayLimitError(ConflictError):
    """The releases of a day stay within the pool's limit."""

    code = "releases_stay_within_the_day"


class NothingOwedError(DomainError):
    """The membership owes nothing that this money could pay."""

    code = "nothing_owed"


class PayeeMissingError(DomainError):
    """The order says nobody, and its award names nobody either."""

    code = "payee_missing"


class NotTreasurerError(ForbiddenError):
    """Only the pool's treasurer does this."""

    code = "custody_people_hold_their_duty"


@dataclass(frozen=True)
class ImportResult:
    """What an import did. is_new False: everything in the file was known, nothing was written.

    dropped: bookings that were known already. totals: kind → (how many, fen) of the new bookings.
    """

    statement: BankStatement
    is_new: bool
    dropped: int
    totals: dict[str, tuple[int, int]]

    @property
    def line_count(self) -> int:
        """Return how many bookings are new."""
        return sum(count for count, _fen in self.totals.values())


def open_bank_account(
    *, pool: Pool, bank_name: str, holder_name: str, number: str, opener: str, at: dt.datetime
) -> BankAccount:
    """Name the pool's custody account, once; the log states it, so that members can compare their receipts."""
    key = account_key(number)
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=pool.pk)
        account = BankAccount.objects.create(
            pool=pool,
            bank_name=bank_name,
            holder_name=holder_name,
            number=key,
            opened_by=opener,
            opened_at=at,
        )
        openbooks.append(
            code=pool.code,
            entry_type="policy.set",
            key="custody_account",
            body={"custody_account": _account_in_log(account) | {"bank": bank_name, "holder": holder_name}},
            at=at,
        )
        audit.record(actor=opener, action="open_bank_account", subject=str(account))
    return account


def _account_in_log(account: BankAccount) -> dict[str, Any]:
    return {"ends": account.number[-4:], "sha256": hashlib.sha256(account.number.encode()).hexdigest()}


# --- statements ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Taken:
    """One new booking and what it is taken for. back: what of which charges a chargeback puts in arrears again.

    charge_file_id: whose debits it settles.
    """

    line: files.FileLine
    kind: str
    membership_id: int | None = None
    order: PaymentOrder | None = None
    back: chargebacks.Parts | None = None
    charge_file_id: int | None = None


@collector_asleep()
def import_statement(
    *,
    account: BankAccount,
    data: bytes,
    filename: str,
    importer: str,
    at: dt.datetime,
    reading: Reading | None = None,
) -> ImportResult:
    """Take a statement whole or not at all, and settle what its bookings settle.

    Members' references pay their oldest charges first, then those of whom they pay for; references of released
    orders confirm them; what is unknown waits as unidentified. A file, or bookings, that were taken before add nothing:
    the answer is the first one. reading: how a table of the bank is read, where it is none of the known forms.

    Raises: FileRefusedError; IntegrityError custody_people_hold_their_duty, statement_follows_last.
    """
    found = _read(account, data, reading)
    sha256 = hashlib.sha256(data).hexdigest()
    with long_transaction():
        pool = Pool.objects.select_for_update().get(pk=account.pool_id)
        same = BankStatement.objects.filter(account=account, sha256=sha256).first()
        if same is not None:
            return ImportResult(same, is_new=False, dropped=same.line_count + same.dropped_lines, totals={})
        last = account.statements.order_by("-number").first()
        new, opening_fen = _new_lines(account, last, found)
        dropped = len(found.lines) - len(new)
        if last is not None and found.to_date <= last.to_date:
            return ImportResult(last, is_new=False, dropped=dropped, totals={})
        taken = _classify(pool, new)
        statement = BankStatement.objects.create(
            account=account,
            number=0,  # the guard statement_follows_last gives the number
            bank_number=found.bank_number,
            format=found.format,
            from_date=last.to_date if last else found.from_date,
            to_date=found.to_date,
            opening_fen=opening_fen,
            closing_fen=found.closing_fen,
            line_count=len(new),
            dropped_lines=dropped,
            sha256=sha256,
            mapping=reading.mapping if reading else None,
            imported_by=importer,
            imported_at=at,
        )
        statement.refresh_from_db(fields=["number"])
        _write_lines(pool, statement, taken)
        failpoint("custody.lines_written")
        before_fen = recoveries.recovered_fen(pool)
        collected_fen = fill_by_statement(pool=pool, statement=statement, recorded=Recorded(importer, at))
        recovered_fen = recoveries.recovered_fen(pool) - before_fen
        totals = _totals(taken)
        if Kind.TOP_UP in totals:
            wallets.top_up(statement=statement, pool=pool, importer=importer, at=at)
        returned_fen = _charge_back(pool, statement, taken, importer, at)
        settled = _settle_orders(pool, statement, taken, importer, at)
        _post_statement(pool, statement, taken, (collected_fen, recovered_fen, returned_fen), at)
        wallet_openings.open_wallets(pool=pool, by=importer, at=at)
        wallet_life.follow_money(pool=pool, at=at, actor=importer, statement=statement)
        arrears_life.follow_payments(pool=pool, at=at, actor=importer, statement=statement)
        failpoint("custody.statement_posted")
        _log_statement(pool, statement, totals, settled, at)
        audit.record(
            actor=importer,
            action="import_statement",
            subject=str(statement),
            file=filename[:120],
            lines=len(new),
            dropped=dropped,
        )
    failpoint("custody.imported")
    return ImportResult(statement, is_new=True, dropped=dropped, totals=totals)


def preview_statement(
    *,
    account: BankAccount,
    data: bytes,
    filename: str,
    importer: str,
    at: dt.datetime,
    reading: Reading | None = None,
) -> ImportResult:
    """Say what an import would do, by doing it and taking it back."""
    with transaction.atomic():
        result = import_statement(
            account=account, data=data, filename=filename, importer=importer, at=at, reading=reading
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what the commit would judge is judged now
        transaction.set_rollback(True)
    return result


_REASONS: dict[str, object] = {
    "not_a_statement": _(
        "This is no bank statement in camt.053, in MT940 or in the CSV form that the manual describes."
    ),
    "truncated": _("The file is not whole: it ends too early or does not hold what it says it holds."),
    "bad_value": _("The file holds a value that cannot be read."),
    "does_not_add_up": _("Opening balance and bookings do not come to the closing balance."),
    "line_outside_dates": _("A booking lies outside the days that the statement covers."),
    "too_long": _("The file holds more bookings than can be taken at once."),
    "several_statements": _("The file holds several statements. Split it: one statement per file."),
    "unsupported": _("The file holds bookings that are not final. Ask the bank for the booked statement."),
    "no_bookings": _("There is no booking in the table. Its days come with the next one."),
    "wrong_account": _("The statement is of another account."),
    "wrong_currency": _("The statement is in another currency."),
    "gap": _("Days are missing between the last statement and this one. Import those first."),
    "before_first": _("The statement begins before the first one that was imported."),
    "opening_differs": _("The opening balance differs from what the earlier statements say."),
    "differs_from_known": _("For days already imported, this file holds other bookings."),
}


def refusal_of(reason: str, detail: str) -> FileRefusedError:
    """Return the refusal of a file for a reason, with where and which figures."""
    return FileRefusedError(_REASONS[reason], reason=reason, detail=detail)


def _read(account: BankAccount, data: bytes, reading: Reading | None) -> files.FileStatement:
    """Read the file and demand that it is of this account. Raises: FileRefusedError."""
    try:
        found = reading.read(data) if reading else read_statement(data)
    except files.StatementFileError as error:
        raise refusal_of(error.reason, error.detail) from None
    if account_key(found.account_number) != account.number:
        raise refusal_of("wrong_account", f"…{account_key(found.account_number)[-4:]}")
    if found.currency not in {"", account.pool.currency}:
        raise refusal_of("wrong_currency", found.currency)
    return found


def _new_lines(
    account: BankAccount, last: BankStatement | None, found: files.FileStatement
) -> tuple[list[files.FileLine], int]:
    """Return the bookings after the last statement and the balance they start from.

    Those of days already imported must be exactly the ones that are stored, in whatever order: otherwise one of
    the two files is false. Raises: FileRefusedError.
    """
    if last is None:
        booked = balance_fen(Book.objects.get(code=account.pool.code), chart.CUSTODY)
        if found.opening_fen != booked:
            raise refusal_of("opening_differs", f"{found.opening_fen}; the books hold {booked}")
        return list(found.lines), found.opening_fen
    if found.from_date > last.to_date:
        raise refusal_of("gap", f"{last.to_date} – {found.from_date}")
    first_day = account.statements.order_by("number").values_list("from_date", flat=True)[0]
    if found.from_date < first_day:
        raise refusal_of("before_first", f"{found.from_date}; {first_day}")
    # A booking lies within the days of its statement: of all that were ever imported only the last ones are read.
    ending_later = list(account.statements.filter(to_date__gt=found.from_date).values_list("pk", flat=True))
    again = StatementLine.objects.filter(statement__in=ending_later, booking_date__gte=found.from_date)
    stored = list(again.values_list("content_hash", "booking_date", "direction", "amount_fen"))
    since_fen = sum(fen if direction == files.IN else -fen for _hash, _day, direction, fen in stored)
    if found.opening_fen != last.closing_fen - since_fen:
        raise refusal_of("opening_differs", f"{found.opening_fen}; {last.closing_fen - since_fen}")
    known = Counter(bytes(digest) for digest, day, _direction, _fen in stored if day < found.to_date)
    told = Counter(_content_hash(line) for line in found.lines if line.booking_date < last.to_date)
    if known != told:
        raise refusal_of("differs_from_known", f"{(told - known).total()} / {(known - told).total()}")
    return [line for line in found.lines if line.booking_date >= last.to_date], last.closing_fen


def _content_hash(line: files.FileLine) -> bytes:
    """Return a keyed hash of everything that makes a booking the same booking."""
    return hash_of_booking(
        line.booking_date, line.direction, line.amount_fen, line.bank_reference, line.counterparty, line.text
    )


def hash_of_booking(
    day: dt.date, direction: str, amount_fen: int, bank_reference: str, counterparty: str, text: str
) -> bytes:
    """Return the keyed hash of a booking, by what the bank says of it."""
    parts = (day.isoformat(), direction, str(amount_fen), bank_reference, counterparty, text)
    return crypto.blind_index("\x1f".join(parts), "custody.line")


def index_of_counterparty(name: str) -> bytes:
    """Return a keyed hash that is the same however the bank spaces and capitalizes a name; empty for none."""
    told = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return crypto.blind_index(told, "custody.counterparty") if told else b""


def _classify(pool: Pool, lines: Sequence[files.FileLine]) -> list[_Taken]:
    """Say of each booking what it is: by its reference, then by the bank's own code."""
    references = [find_reference(pool.code, line.text) for line in lines]
    members = _members_by_number(pool, [r.number for r in references if r and r.kind == MEMBERSHIP])
    orders = {
        order.number: order
        for order in pool.payment_orders.filter(
            number__in=[r.number for r in references if r and r.kind == ORDER]
        ).select_related("pool", "award", "period")
    }
    going_out = zip(lines, references, strict=True)
    money = chargebacks.money_of(
        pool,
        {
            members[r.number]
            for line, r in going_out
            if r and r.kind == MEMBERSHIP and line.direction == files.OUT and r.number in members
        },
    )
    comes_as = Kind.TOP_UP if pays_ahead(pool) else Kind.COLLECTION
    debits = charge_settlements.files_settled(pool, lines)
    return [
        _taken_for(line, reference, members, orders, money, comes_as)
        if file_id is None
        else _Taken(line, charge_settlements.kind_of(line), charge_file_id=file_id)
        for line, reference, file_id in zip(lines, references, debits, strict=True)
    ]


_INCOMES = {REFERRAL: Kind.REFERRAL, SPONSOR: Kind.SPONSOR}


def _taken_for(
    line: files.FileLine,
    reference: Reference | None,
    members: dict[int, int],
    orders: dict[int, PaymentOrder],
    money: dict[int, chargebacks.PayerMoney],
    comes_as: str,
) -> _Taken:
    """Return what one booking is. An order is used up by the line that settles it, a charge by its chargeback."""
    number = reference.number if reference else 0
    member = members.get(number) if reference and reference.kind == MEMBERSHIP else None
    order = orders.get(number) if reference and reference.kind == ORDER else None
    if order is not None and line.amount_fen == order.amount_fen:
        if line.direction == files.OUT and order.state == PaymentOrder.State.RELEASED:
            return _Taken(line, Kind.PAYMENT, order=orders.pop(number))
        if line.direction == files.IN and order.state == PaymentOrder.State.CONFIRMED:
            return _Taken(line, Kind.RETURNED, order=orders.pop(number))
    if line.direction == files.IN:
        if member is not None:
            return _Taken(line, comes_as, member)
        if reference and reference.kind == INCOME and number in _INCOMES:
            return _Taken(line, _INCOMES[number])
        return _Taken(line, Kind.INTEREST if line.code == files.INTEREST else Kind.UNIDENTIFIED)
    back = money[member].take_back(line.amount_fen) if member is not None else None
    if back is not None:
        return _Taken(line, Kind.CHARGEBACK, member, back=back)
    return _Taken(line, Kind.BANK_FEE if line.code == files.CHARGE else Kind.UNEXPLAINED)


def _members_by_number(pool: Pool, numbers: list[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, id FROM members_membership WHERE pool_id = %s AND number = ANY(%s)",
            [pool.pk, numbers],
        )
        return dict(cursor.fetchall())


def _write_lines(pool: Pool, statement: BankStatement, taken: list[_Taken]) -> None:
    """Write all lines by one statement; bookings equal in everything are numbered as twins."""
    copy_rows(
        "ledger_statementline",
        ("statement_id", "account_id", "line_no", "booking_date", "direction", "amount_fen", "kind", "membership_id",
         "bank_reference", "counterparty", "text", "content_hash", "counterparty_index", "twin_no", "charge_file_id"),
        _rows(pool, statement, taken),
    )  # fmt: skip


def _rows(pool: Pool, statement: BankStatement, taken: list[_Taken]) -> Iterator[tuple[Any, ...]]:
    twins: Counter[bytes] = Counter()
    payer = cache(index_of_counterparty)
    for line_no, one in enumerate(taken, start=1):
        line, digest = one.line, _content_hash(one.line)
        context = line_context(pool.code, f"{statement.number}/{line_no}")
        yield (
            statement.pk,
            statement.account_id,
            line_no,
            line.booking_date,
            line.direction,
            line.amount_fen,
            one.kind,
            one.membership_id,
            line.bank_reference,
            crypto.seal_text(line.counterparty, context) if line.counterparty else b"",
            line.text,
            digest,
            payer(line.counterparty),
            twins[digest],
            one.charge_file_id,
        )
        twins[digest] += 1


def _charge_back(
    pool: Pool, statement: BankStatement, taken: list[_Taken], importer: str, at: dt.datetime
) -> int:
    """Put charges whose payment the bank took back in arrears again; return what of recoveries goes back (fen)."""
    backs = [
        chargebacks.Back(line_no, one.membership_id, one.back)
        for line_no, one in enumerate(taken, start=1)
        if one.back is not None and one.membership_id is not None
    ]
    if not backs:
        return 0
    before_fen = recoveries.recovered_fen(pool)
    chargebacks.record(pool=pool, statement=statement, backs=backs, by=importer, at=at)
    return before_fen - recoveries.recovered_fen(pool)


def _settle_orders(
    pool: Pool, statement: BankStatement, taken: list[_Taken], importer: str, at: dt.datetime
) -> list[tuple[int, str, int]]:
    """Confirm, or mark as returned, the orders that lines settle; return (number, kind, fen) of each."""
    lines = {
        line.line_no: line
        for line in statement.lines.filter(kind__in=[Kind.PAYMENT, Kind.RETURNED]).order_by("line_no")
    }
    settled: list[tuple[int, str, int]] = []
    for line_no, one in enumerate(taken, start=1):
        if one.order is None:
            continue
        found = PaymentOrder.objects.select_for_update(of=["self"]).select_related("pool", "award")
        order = found.get(pk=one.order.pk)
        if one.kind == Kind.PAYMENT:
            confirm_payment(order, lines[line_no], importer)
        else:
            order.state, order.returned_line = PaymentOrder.State.RETURNED, lines[line_no]
            order.save(update_fields=["state", "returned_line"])
            wallets.take_back(order, importer, at)
        settled.append((order.number, one.kind, order.amount_fen))
    return settled


def confirm_payment(order: PaymentOrder, line: StatementLine, by: str) -> None:
    """Let a released order count as paid by a booking. Raises: IntegrityError order_is_settled_by_its_line."""
    order.state, order.confirmed_line = PaymentOrder.State.CONFIRMED, line
    order.save(update_fields=["state", "confirmed_line"])
    _tell_award_paid(order, by)


def _tell_award_paid(order: PaymentOrder, importer: str) -> None:
    """Tell the claims side that aid has arrived, and whether it is all of it: no rest of the case may be left."""
    award = order.award
    if award is None:
        return
    case = Award.objects.filter(pool=order.pool_id, claim_code=award.claim_code)
    case = case.exclude(state=Award.State.WITHDRAWN)
    orders = PaymentOrder.objects.filter(state=PaymentOrder.State.CONFIRMED)
    is_shared = not case.exclude(state=Award.State.SHARED).exists()
    events.publish(
        event=AWARD_PAID,
        key=f"{order.pool.code}/{award.code}#{order.number}",
        payload={
            "award": award.pk,
            "pool": order.pool_id,
            "code": award.code,
            "claim_code": award.claim_code,
            "order": order.number,
            "amount_fen": order.amount_fen,
            "paid_fen": _sum_fen(orders.filter(award=award)),
            "is_complete": is_shared
            and _sum_fen(orders.filter(award__in=case)) == sum(one.payable_fen for one in case),
        },
        actor=importer,
    )


def _sum_fen(orders: QuerySet[PaymentOrder]) -> int:
    return sum(orders.values_list("amount_fen", flat=True))


def _post_statement(
    pool: Pool,
    statement: BankStatement,
    taken: list[_Taken],
    shares: tuple[int, int, int],
    at: dt.datetime,
) -> None:
    """Post one entry per kind of booking: control accounts, a handful of postings whatever the number of lines.

    shares: what was paid of shares, and what of that, and of what was charged back, is of written-off ones (fen).
    """
    collected_fen, recovered_fen, returned_fen = shares
    book = Book.objects.get(code=pool.code)
    sums = {kind: fen for kind, (_count, fen) in _totals(taken).items()}
    came_fen = sums.get(Kind.COLLECTION, 0) + sums.get(Kind.UNIDENTIFIED, 0)
    per_payable = {
        account: sum(
            one.line.amount_fen
            for one in taken
            if one.order is not None and one.kind == Kind.RETURNED and _returned_to(one.order) == account
        )
        for account in {*PAYABLE.values(), *_PAID_BACK_FROM.values()}
    }
    entries: list[tuple[str, list[Line]]] = [
        ("collection", _pair(chart.CUSTODY, chart.RECEIVABLE, collected_fen - recovered_fen)),
        ("top_up", _pair(chart.CUSTODY, chart.PREPAID, sums.get(Kind.TOP_UP, 0))),
        ("unidentified", _pair(chart.CUSTODY, chart.UNIDENTIFIED, came_fen - collected_fen)),
        ("interest", _pair(chart.CUSTODY, chart.CARRIED_SURPLUS, sums.get(Kind.INTEREST, 0))),
        (
            "payment_returned",
            [
                debit(chart.CUSTODY, sum(per_payable.values())),
                *(credit(account, fen) for account, fen in sorted(per_payable.items())),
            ],
        ),
        ("debits_settled", _pair(chart.CUSTODY, chart.IN_TRANSIT_IN, sums.get(Kind.DEBITED, 0))),
        ("debits_taken_back", _pair(chart.IN_TRANSIT_IN, chart.CUSTODY, sums.get(Kind.DEBIT_BACK, 0))),
        ("payment_confirmed", _pair(chart.IN_TRANSIT_OUT, chart.CUSTODY, sums.get(Kind.PAYMENT, 0))),
        (
            "chargeback",
            _pair(chart.RECEIVABLE, chart.CUSTODY, sums.get(Kind.CHARGEBACK, 0) - returned_fen),
        ),
        ("bank_fee", _pair(chart.SPONSOR_RECEIVABLE, chart.CUSTODY, sums.get(Kind.BANK_FEE, 0))),
        ("bank_debit", _pair(chart.UNEXPLAINED_DEBITS, chart.CUSTODY, sums.get(Kind.UNEXPLAINED, 0))),
    ]
    sponsored_fen = sums.get(Kind.SPONSOR, 0)
    owed_fen = balance_fen(book, chart.SPONSOR_RECEIVABLE) if sponsored_fen else 0
    settled_fen = min(sponsored_fen, max(0, owed_fen))
    named = [
        *((kind, kind, lines) for kind, lines in entries),
        ("referral", "other_income", _pair(chart.CUSTODY, chart.CARRIED_SURPLUS, sums.get(Kind.REFERRAL, 0))),
        # What is owed is settled first: it was income of the bill that it was owed for.
        ("sponsor_paid", "sponsor_paid", _pair(chart.CUSTODY, chart.SPONSOR_RECEIVABLE, settled_fen)),
        (
            "sponsor",
            "other_income",
            _pair(chart.CUSTODY, chart.CARRIED_SURPLUS, sponsored_fen - settled_fen),
        ),
        *recoveries.entries_of(pool, book, chart.CUSTODY, recovered_fen),
        *recoveries.entries_of(pool, book, chart.CUSTODY, -returned_fen),
    ]
    for name, kind, lines in named:
        if not any(line.amount_fen for line in lines):
            continue
        openbooks.post_logged_entry(
            book=book,
            key=f"statement/{statement.number}/{name}",
            kind=kind,
            lines=lines,
            entry_date=statement.to_date - dt.timedelta(days=1),
            at=at,
            description=f"Statement {statement.number}: {name.replace('_', ' ')}",
            source=f"statement {pool.code}/{statement.number}",
            maker=statement.imported_by,
        )


def _pair(debited: str, credited: str, fen: int) -> list[Line]:
    return [debit(debited, fen), credit(credited, fen)]


# Where the money of a payment back comes from: nobody's money, or the member's wallet.
_PAID_BACK_FROM = {
    PaymentOrder.Kind.REFUND.value: chart.UNIDENTIFIED,
    PaymentOrder.Kind.WALLET.value: chart.PREPAID,
}


def _returned_to(order: PaymentOrder) -> str:
    """Return the account that owes again what the bank returned; what was paid back is again where it came from."""
    return _PAID_BACK_FROM.get(order.kind, PAYABLE[order.kind])


def _totals(taken: list[_Taken]) -> dict[str, tuple[int, int]]:
    totals: dict[str, tuple[int, int]] = {}
    for one in taken:
        count, fen = totals.get(one.kind, (0, 0))
        totals[str(one.kind)] = (count + 1, fen + one.line.amount_fen)
    return dict(sorted(totals.items()))


def _log_statement(
    pool: Pool,
    statement: BankStatement,
    totals: dict[str, tuple[int, int]],
    settled: list[tuple[int, str, int]],
    at: dt.datetime,
) -> None:
    """State the bank's day in the log: balances, the file's hash, sums by kind, which orders it settles."""
    openbooks.append(
        code=pool.code,
        entry_type="bank.day",
        key=str(statement.number),
        body={
            "statement": statement.number,
            "account": _account_in_log(statement.account),
            "from": statement.from_date.isoformat(),
            "to": (statement.to_date - dt.timedelta(days=1)).isoformat(),
            "opening": statement.opening_fen,
            "closing": statement.closing_fen,
            "lines": statement.line_count,
            "file_sha256": statement.sha256,
            "classes": [[kind, count, fen] for kind, (count, fen) in totals.items()],
            "settled": [list(one) for one in settled[:MOST_SETTLED_IN_LOG]],
            "settled_count": len(settled),
        },
        at=at,
    )


# --- receipts nobody's yet ------------------------------------------------------------------------------------


def identify_receipt(
    *, receipt: StatementLine, membership: Membership, identifier: str, at: dt.datetime
) -> int:
    """Let a receipt pay what a membership owes, then whom it pays for (entry i); return how much it paid (fen).

    Oldest first. Where members pay ahead, all that is left of it goes to the wallet.

    Raises: NothingOwedError when the membership owes nothing or nothing is left of the receipt.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        _require_treasurer(pool, identifier)
        open_fen, recorded = open_fen_of(receipt), Recorded(identifier, at)
        turn = last_undoing(receipt)
        undone = f"/{turn}" if turn else ""
        before_fen = recoveries.recovered_fen(pool)
        if pays_ahead(pool):
            pays, fill = chart.PREPAID, wallets.top_up_by_receipt
        else:
            pays, fill = chart.RECEIVABLE, fill_by_receipt
        paid_fen = fill(pool=pool, receipt=receipt, fen=open_fen, membership=membership, recorded=recorded)
        if not paid_fen:
            raise NothingOwedError(
                _("Membership %(number)s owes nothing that this money could pay.")
                % {"number": membership.number},
                membership=membership.number,
            )
        recovered_fen = recoveries.recovered_fen(pool) - before_fen
        book = Book.objects.get(code=pool.code)
        for name, kind, lines in (
            ("identified", "identified", _pair(chart.UNIDENTIFIED, pays, paid_fen - recovered_fen)),
            *recoveries.entries_of(pool, book, chart.UNIDENTIFIED, recovered_fen),
        ):
            if not any(line.amount_fen for line in lines):
                continue
            openbooks.post_logged_entry(
                book=book,
                # Less of it is left each time, until a match is undone.
                key=f"{name}/{receipt.code}/{membership.number}/{open_fen}{undone}",
                kind=kind,
                lines=lines,
                entry_date=_day(pool, at),
                at=at,
                description=f"Receipt {receipt.code} identified",
                source=f"statement {pool.code}/{receipt.statement.number}",
                maker=identifier,
            )
        wallet_life.follow_money(pool=pool, at=at, actor=identifier)
        arrears_life.follow_payments(pool=pool, at=at, actor=identifier)
        audit.record(
            actor=identifier,
            action="identify_receipt",
            subject=f"{pool.code} {receipt.code}",
            membership=membership.number,
            fen=paid_fen,
        )
    return paid_fen


def _require_treasurer(pool: Pool, code: str) -> None:
    person = User.objects.filter(code=code).first()
    if person is None or DutyGrant.Duty.TREASURER.value not in duties_of(person, pool):
        raise NotTreasurerError(_("Only a treasurer of this pool can do this."), person=code)


# --- payment orders -------------------------------------------------------------------------------------------


def order_payment(
    *,
    pool: Pool,
    kind: str,
    amount_fen: int,
    orderer: str,
    at: dt.datetime,
    payee_name: str = "",
    payee_account: str = "",
    award: Award | None = None,
    period: Period | None = None,
    receipt: StatementLine | None = None,
    debit_result: ChargeResult | None = None,
    membership: Membership | None = None,
    listed: ImportedMember | None = None,
    cost: OutsideCost | None = None,
) -> PaymentOrder:
    """Make an order to pay aid (award), the fee (period), a refund (receipt, debit_result) or a wallet (membership).

    listed: a balance of before is paid back, of somebody who has not joined. cost: of an investigation.

    Nothing leaves before its release; what is paid back is set aside at once.

    payee_*: left out where the award names whom it is paid to.

    Raises: PayeeMissingError; IntegrityError bearing the name of what forbids it: aid_order_needs_a_shared_award,
    aid_goes_to_the_named_payee, aid_paid_at_most_the_award, aid_is_paid_as_collected, fee_follows_the_aid,
    fee_follows_the_cash, receipt_is_used_once, debit_is_paid_back_once, wallet_never_negative,
    refund_leaves_the_next_share,
    balance_is_paid_back_whole_and_once, cost_is_paid_once, cost_goes_to_its_payee,
    custody_people_hold_their_duty.
    """
    payee = _payee_for(award, payee_name, payee_account)
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        order = PaymentOrder.objects.create(
            pool=pool,
            number=0,  # the guard order_begins_as_ordered gives the number
            kind=kind,
            award=award,
            period=period,
            receipt=receipt,
            debit=debit_result,
            membership_id=membership.pk if membership else None,
            listed=listed,
            cost=cost,
            amount_fen=amount_fen,
            payee_name=crypto.seal_text(payee.name, payee_context(pool.code, "name")),
            payee_account=crypto.seal_text(payee.account, payee_context(pool.code, "account")),
            payee_hash=payee.index,
            payee_hint=payee.hint,
            ordered_by=orderer,
            ordered_at=at,
        )
        order.refresh_from_db(fields=["number", "shown_sha256"])
        if kind in _PAID_BACK_FROM:
            wallets.set_aside(order, orderer, at)
            _post_order(order, "refund_due", _returned_to(order), chart.REFUNDS_PAYABLE, orderer, "", at)
        failpoint("custody.ordered")
        audit.record(actor=orderer, action="order_payment", subject=str(order), kind=kind, fen=amount_fen)
    return order


def _payee_for(award: Award | None, name: str, account: str) -> Payee:
    """Return whom an order pays: as it says, or whom its award names. Raises: PayeeMissingError."""
    if name and account:
        return Payee.of(name, account)
    named = payee_of_award(award) if award and not (name or account) else None
    if named is None:
        raise PayeeMissingError(_("Say to whom it is paid: a name and an account."))
    return named


def release_payment(
    *,
    order: PaymentOrder,
    releaser: str,
    shown_sha256: str,
    at: dt.datetime,
    proved_at: dt.datetime | None = None,
) -> PaymentOrder:
    """Release exactly what was shown: from now on it is on its way to the bank (entry g).

    proved_at: when the releaser was found to have just confirmed with a second factor.

    Raises: WrongStateError, SamePersonError, ShownChangedError, ProofMissingError, DayLimitError; IntegrityError
    aid_never_spends_protected_money, custody_people_hold_their_duty.
    """
    with transaction.atomic():
        order = _locked(order, PaymentOrder.State.ORDERED)
        if releaser == order.ordered_by:
            raise SamePersonError(
                _("The person who ordered a payment cannot release it. Ask a controller."), person=releaser
            )
        if shown_sha256 != order.shown_sha256:
            raise ShownChangedError(
                _("This is not what was shown. Look at the order again, then release it."),
                shown=shown_sha256,
                stored=order.shown_sha256,
            )
        _within_limits(order, proved_at)
        payable = PAYABLE[order.kind]
        _post_order(order, "payment_released", payable, chart.IN_TRANSIT_OUT, order.ordered_by, releaser, at)
        failpoint("custody.release_posted")
        order.state = PaymentOrder.State.RELEASED
        order.released_by, order.released_at, order.released_sha256 = releaser, at, shown_sha256
        order.proved_at = proved_at
        order.save(update_fields=["state", "released_by", "released_at", "released_sha256", "proved_at"])
        _log_release(order, at)
        audit.record(actor=releaser, action="release_payment", subject=str(order), sha256=shown_sha256)
    failpoint("custody.released")
    return order


def _within_limits(order: PaymentOrder, proved_at: dt.datetime | None) -> None:
    """Demand what the pool's limits ask of a release. Raises: ProofMissingError, DayLimitError."""
    limits = limits_of(order.pool)
    if limits.asks_for_proof(order.amount_fen) and proved_at is None:
        raise ProofMissingError(
            _("So large a payment is released right after a second factor was confirmed once more."),
            above_fen=limits.step_up_fen,
        )
    if limits.left_fen is not None and order.amount_fen > limits.left_fen:
        raise DayLimitError(
            _("Today %(left)s more can be released, by the limit of this pool. The rest waits for tomorrow.")
            % {"left": format_money(limits.left_fen, order.pool.currency)},
            left_fen=limits.left_fen,
        )


def cancel_order(*, order: PaymentOrder, canceller: str, at: dt.datetime) -> PaymentOrder:
    """Take an order back: its maker's side before the release, a controller after it (the bank has refused it).

    Raises: WrongStateError; IntegrityError custody_people_hold_their_duty.
    """
    with transaction.atomic():
        order = _locked(order, PaymentOrder.State.ORDERED, PaymentOrder.State.RELEASED)
        if order.state == PaymentOrder.State.RELEASED:
            _post_order(
                order, "payment_cancelled", chart.IN_TRANSIT_OUT, _returned_to(order), canceller, "", at
            )
        elif order.kind in _PAID_BACK_FROM:
            back_to = _returned_to(order)
            _post_order(order, "refund_undone", chart.REFUNDS_PAYABLE, back_to, canceller, "", at)
        order.state = PaymentOrder.State.CANCELLED
        order.cancelled_by, order.cancelled_at = canceller, at
        order.save(update_fields=["state", "cancelled_by", "cancelled_at"])
        wallets.take_back(order, canceller, at)
        audit.record(actor=canceller, action="cancel_order", subject=str(order))
    return order


_STEPS = {
    "refund_due": "due",
    "refund_undone": "undone",
    "payment_released": "released",
    "payment_cancelled": "cancelled",
}


def _post_order(
    order: PaymentOrder, kind: str, debited: str, credited: str, maker: str, checker: str, at: dt.datetime
) -> None:
    openbooks.post_logged_entry(
        book=Book.objects.get(code=order.pool.code),
        key=f"payment/{order.number}/{_STEPS[kind]}",
        kind=kind,
        lines=_pair(debited, credited, order.amount_fen),
        entry_date=_day(order.pool, at),
        at=at,
        description=f"Payment {order.number} {_STEPS[kind]}",
        source=f"payment {order.pool.code}/{order.number}",
        maker=maker,
        checker=checker,
    )


def _log_release(order: PaymentOrder, at: dt.datetime) -> None:
    """State the release in the log: what for, how much, and a commitment to the payee."""
    openbooks.append(
        code=order.pool.code,
        entry_type="pay.order",
        key=str(order.number),
        body={
            "order": order.number,
            "kind": order.kind,
            "for": order.what_for,
            "fen": order.amount_fen,
            "payee": bytes(order.payee_hash).hex(),
        },
        at=at,
    )


def _locked(order: PaymentOrder, *states: str) -> PaymentOrder:
    """Lock pool, then order, and demand one of the states. Raises: WrongStateError."""
    Pool.objects.select_for_update().get(pk=order.pool_id)
    locked = (
        PaymentOrder.objects.select_for_update(of=["self"])
        .select_related(
            "pool", "award", "period", "receipt__statement", "debit__instruction", "listed__member_import"
        )
        .get(pk=order.pk)
    )
    if locked.state not in states:
        raise WrongStateError(
            _("The payment order is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


def _day(pool: Pool, at: dt.datetime) -> dt.date:
    """Return the business date of an instant in the pool's zone."""
    return at.astimezone(ZoneInfo(pool.time_zone)).date()
