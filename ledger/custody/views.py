"""Pages of custody: bank against ledger, statements, unidentified money, payment orders."""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock, crypto
from aidplatform.lib.csv_files import Text, csv_response, plain_fen
from aidplatform.lib.errors import DomainError, NotFoundError, as_domain_error
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from ledger.custody import selectors, services
from ledger.custody.forms import (
    AccountForm,
    DayForm,
    IdentifyForm,
    KeyForm,
    PayeeForm,
    ReleaseForm,
    UploadForm,
)
from ledger.custody.models import BankStatement, PaymentOrder, StatementLine, StatementUpload
from ledger.sharing.selectors import access_period
from members.joining.models import Membership
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.rules import duty_required
from members.pools.selectors import access_pool, duties_of

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
TREASURER = DutyGrant.Duty.TREASURER.value
AUDITOR = DutyGrant.Duty.AUDITOR.value
READERS = (ADMIN, CONTROLLER, TREASURER, AUDITOR)
MONEY = (CONTROLLER, TREASURER)
PAGE = 100


class NoSuchMembershipError(DomainError):
    """The pool has no membership of that number."""

    code = "no_such_membership"


# --- overview -------------------------------------------------------------------------------------------------


@duty_required(*READERS)
@require_safe
def custody(request: HttpRequest, code: str) -> HttpResponse:
    """Show bank = ledger, what is on its way, what is unidentified, and arrears by period."""
    return _overview(request, access_pool(code=code))


@duty_required(CONTROLLER)
@require_POST
def open_account(request: HttpRequest, code: str) -> HttpResponse:
    """Name the custody account, once."""
    pool, form = access_pool(code=code), AccountForm(request.POST)
    if not form.is_valid():
        return _overview(request, pool, account_form=form, status=422)

    def act() -> dict[str, Any]:
        account = services.open_bank_account(
            pool=pool,
            bank_name=form.cleaned_data["bank_name"],
            holder_name=form.cleaned_data["holder_name"],
            number=form.cleaned_data["number"],
            opener=_person(request).code,
            at=clock.now(),
        )
        return {"account": account.pk}

    refusal = _once(request, pool, "account", form, act)
    if refusal:
        return _overview(request, pool, refusal=refusal, account_form=form)
    return redirect("custody", code=code)


@duty_required(*READERS)
@require_safe
def arrears_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download every charge that is not paid in full."""
    pool = access_pool(code=code)
    rows = (
        (number, period, plain_fen(share), plain_fen(collected), plain_fen(share - collected))
        for number, period, share, collected in selectors.arrears_rows(pool)
    )
    return csv_response(f"{code}-arrears.csv", ("membership", "period", "share", "collected", "open"), rows)


def _overview(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    found = selectors.reconciliation(pool)
    context = _context(request, pool, "custody") | {
        "bank": found,
        "arrears": selectors.arrears(pool),
        "statements": selectors.statements(found.account)[:5] if found else [],
        "account_form": AccountForm(initial={"key": uuid.uuid4()}),
    }
    return _render(request, "custody", context | extra, status)


# --- statements -----------------------------------------------------------------------------------------------


@duty_required(*READERS)
@require_safe
def statements(request: HttpRequest, code: str) -> HttpResponse:
    """List the imported statements; the treasurer uploads the next one."""
    return _statements(request, access_pool(code=code))


def _statements(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    account = selectors.account_of(pool)
    before = _number(request, "before")
    found = selectors.statements(account) if account else BankStatement.objects.none()
    page = list((found.filter(number__lt=before) if before else found)[: PAGE + 1])
    here = reverse("custody_statements", args=[pool.code])
    context = _context(request, pool, "statements") | {
        "account": account,
        "statements": page[:PAGE],
        "newer": here if before else "",
        "older": f"{here}?before={page[PAGE - 1].number}" if len(page) > PAGE else "",
        "upload_form": UploadForm(),
    }
    return _render(request, "statements", context | extra, status)


@duty_required(*READERS)
@require_safe
def statement(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show the bookings of a statement, in their order."""
    pool = access_pool(code=code)
    found = selectors.access_statement(pool=pool, number=number)
    after = _number(request, "after")
    page = list(selectors.lines_of(found).filter(line_no__gt=after)[: PAGE + 1])
    here = reverse("custody_statement", args=[code, number])
    is_money = bool(duties_of(_person(request), pool) & set(MONEY))
    context = _context(request, pool, "statements", (_("Statement %(number)s") % {"number": number}, "")) | {
        "statement": found,
        "last_day": found.to_date - dt.timedelta(days=1),
        "rows": [(line, selectors.counterparty(line) if is_money else "") for line in page[:PAGE]],
        "shows_names": is_money,
        "newer": here if after else "",
        "older": f"{here}?after={page[PAGE - 1].line_no}" if len(page) > PAGE else "",
    }
    return _render(request, "statement", context)


@duty_required(*READERS)
@require_safe
def statement_csv(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """Download the bookings of a statement, without the names on the other side."""
    found = selectors.access_statement(pool=access_pool(code=code), number=number)
    rows = (
        (
            line.line_no,
            line.booking_date,
            line.direction,
            plain_fen(line.amount_fen),
            line.kind,
            Text(line.bank_reference),
            Text(line.text),
        )
        for line in selectors.lines_of(found).iterator(chunk_size=2000)
    )
    header = ("line", "date", "direction", "amount", "kind", "reference", "text")
    return csv_response(f"{code}-statement-{number}.csv", header, rows)


@duty_required(TREASURER)
@require_POST
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """Keep an uploaded file, sealed, until somebody has looked at what it would do."""
    pool = access_pool(code=code)
    account = selectors.access_account(pool=pool)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _statements(request, pool, upload_form=form, status=422)
    file = form.cleaned_data["file"]
    data = file.read()
    sha256 = hashlib.sha256(data).hexdigest()
    StatementUpload.objects.get_or_create(
        account=account,
        sha256=sha256,
        defaults={
            "filename": str(file.name)[:120],
            "content": crypto.seal(data, _upload_context(pool, sha256)),
            "uploaded_by": _person(request).code,
            "uploaded_at": clock.now(),
        },
    )
    return redirect("custody_upload", code=code, sha256=sha256)


@duty_required(TREASURER)
@require_safe
def uploaded(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Show what importing the file would do; nothing is written."""
    return _uploaded(request, access_pool(code=code), sha256)


def _uploaded(
    request: HttpRequest, pool: Pool, sha256: str, refusal: DomainError | None = None
) -> HttpResponse:
    waiting = _access_upload(pool, sha256)
    result, refused = _attempt(lambda: services.preview_statement(**_import_arguments(request, waiting)))
    labels = dict(StatementLine.Kind.choices)
    context = _context(request, pool, "statements", (_("Import"), "")) | {
        "waiting": waiting,
        "result": result,
        "last_day": result.statement.to_date - dt.timedelta(days=1) if result else None,
        "totals": [(labels[kind], n, fen) for kind, (n, fen) in result.totals.items()] if result else [],
        "refusal": refusal or refused,
        "key_form": KeyForm(initial={"key": uuid.uuid4()}),
    }
    return _render(request, "upload", context)


@duty_required(TREASURER)
@require_POST
def import_upload(request: HttpRequest, code: str, sha256: str) -> HttpResponse:
    """Import the file that was looked at."""
    pool = access_pool(code=code)
    done = BankStatement.objects.filter(account__pool=pool, sha256=sha256).first()
    if done is not None:
        return redirect("custody_statement", code=code, number=done.number)
    waiting = _access_upload(pool, sha256)
    form = KeyForm(request.POST)
    form.is_valid()

    def act() -> dict[str, Any]:
        result = services.import_statement(**_import_arguments(request, waiting))
        waiting.delete()
        return {"number": result.statement.number}

    refusal = _once(request, pool, f"import/{sha256}", form, act)
    if refusal:
        return _uploaded(request, pool, sha256, refusal)
    done = BankStatement.objects.filter(account__pool=pool, sha256=sha256).first()
    if done is None:
        return redirect("custody_statements", code=code)
    return redirect("custody_statement", code=code, number=done.number)


def _import_arguments(request: HttpRequest, waiting: StatementUpload) -> dict[str, Any]:
    pool = waiting.account.pool
    return {
        "account": waiting.account,
        "data": crypto.unseal(bytes(waiting.content), _upload_context(pool, waiting.sha256)),
        "filename": waiting.filename,
        "importer": _person(request).code,
        "at": clock.now(),
    }


def _access_upload(pool: Pool, sha256: str) -> StatementUpload:
    found = (
        StatementUpload.objects.filter(account__pool=pool, sha256=sha256)
        .select_related("account__pool")
        .first()
    )
    if found is None:
        raise NotFoundError(_("There is no such file waiting; it may have been imported."))
    return found


def _upload_context(pool: Pool, sha256: str) -> str:
    return f"custody.upload:{pool.code}:{sha256}"


# --- unidentified receipts --------------------------------------------------------------------------------------


@duty_required(*MONEY)
@require_safe
def unidentified(request: HttpRequest, code: str) -> HttpResponse:
    """List receipts that are nobody's yet, oldest first."""
    return _unidentified(request, access_pool(code=code))


def _unidentified(request: HttpRequest, pool: Pool, *, status: int = 200, **extra: Any) -> HttpResponse:
    account = selectors.account_of(pool)
    found = selectors.unidentified(account) if account else []
    names = _numbers_of([receipt.line.membership_id for receipt in found])
    context = _context(request, pool, "unidentified") | {
        "rows": [
            (receipt, selectors.counterparty(receipt.line), names.get(receipt.line.membership_id or 0))
            for receipt in found
        ],
        "identify_form": IdentifyForm(initial={"key": uuid.uuid4()}),
    }
    return _render(request, "unidentified", context | extra, status)


@duty_required(TREASURER)
@require_safe
def receipt(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Show one receipt with what can be done about it: say whose it is, or send it back."""
    return _receipt(request, access_pool(code=code), statement_no, line_no)


def _receipt(
    request: HttpRequest, pool: Pool, statement_no: int, line_no: int, *, status: int = 200, **extra: Any
) -> HttpResponse:
    line = selectors.access_receipt(pool=pool, statement_no=statement_no, line_no=line_no)
    open_fen = selectors.open_fen_of(line)
    context = _context(request, pool, "unidentified", (_("Receipt %(code)s") % {"code": line.code}, "")) | {
        "line": line,
        "open_fen": open_fen,
        "counterparty": selectors.counterparty(line),
        "identify_form": IdentifyForm(initial={"key": uuid.uuid4()}),
        "refund_form": PayeeForm(
            initial={"key": uuid.uuid4(), "amount": plain_fen(open_fen), "payee_name": ""}
        ),
    }
    return _render(request, "receipt", context | extra, status)


@duty_required(TREASURER)
@require_POST
def identify(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Let a receipt pay what a membership owes."""
    pool = access_pool(code=code)
    line = selectors.access_receipt(pool=pool, statement_no=statement_no, line_no=line_no)
    form = IdentifyForm(request.POST)
    if not form.is_valid():
        return _receipt(request, pool, statement_no, line_no, identify_form=form, status=422)

    def act() -> dict[str, Any]:
        number = form.cleaned_data["membership"]
        member = Membership.objects.filter(pool=pool, number=number).select_related("pool").first()
        if member is None:
            raise NoSuchMembershipError(
                _("This pool has no membership %(number)s.") % {"number": number}, number=number
            )
        paid = services.identify_receipt(
            receipt=line, membership=member, identifier=_person(request).code, at=clock.now()
        )
        return {"paid_fen": paid}

    refusal = _once(request, pool, f"identify/{line.code}", form, act)
    if refusal:
        return _receipt(request, pool, statement_no, line_no, refusal=refusal, identify_form=form)
    return redirect("custody_unidentified", code=code)


@duty_required(TREASURER)
@require_POST
def refund(request: HttpRequest, code: str, statement_no: int, line_no: int) -> HttpResponse:
    """Order a receipt, or what is left of it, to be sent back."""
    pool = access_pool(code=code)
    line = selectors.access_receipt(pool=pool, statement_no=statement_no, line_no=line_no)
    form = PayeeForm(request.POST)
    if not form.is_valid():
        return _receipt(request, pool, statement_no, line_no, refund_form=form, status=422)
    refusal = _order(request, pool, form, kind=PaymentOrder.Kind.REFUND, receipt=line)
    if refusal:
        return _receipt(request, pool, statement_no, line_no, refusal=refusal, refund_form=form)
    return redirect("custody_payments", code=code)


def _numbers_of(memberships: list[int | None]) -> dict[int, int]:
    ids = [pk for pk in memberships if pk]
    return dict(Membership.objects.filter(pk__in=ids).values_list("pk", "number")) if ids else {}


# --- payments -------------------------------------------------------------------------------------------------


@duty_required(*READERS)
@require_safe
def payments(request: HttpRequest, code: str) -> HttpResponse:
    """List payment orders, and what can be ordered now."""
    pool = access_pool(code=code)
    before = _number(request, "before")
    found = selectors.orders(pool)
    page = list((found.filter(number__lt=before) if before else found)[: PAGE + 1])
    here = reverse("custody_payments", args=[code])
    day = clock.today(pool.time_zone)
    context = _context(request, pool, "payments") | {
        "orders": page[:PAGE],
        "newer": here if before else "",
        "older": f"{here}?before={page[PAGE - 1].number}" if len(page) > PAGE else "",
        "payable": selectors.payable_awards(pool),
        "fees": _payable_fees(pool),
        "day_form": DayForm(initial={"day": day}),
    }
    return _render(request, "payments", context)


def _payable_fees(pool: Pool) -> list[tuple[int, int]]:
    """Return (period, fee that can be ordered now) of the newest posted periods that have one."""
    posted = pool.periods.filter(state="posted", fee_fen__gt=0).order_by("-number")[:24]
    found = [(period.number, selectors.payable_fee_fen(period)) for period in posted]
    return [(number, fen) for number, fen in reversed(found) if fen > 0]


@duty_required(TREASURER)
@require_safe
def new_aid(request: HttpRequest, code: str, award: str) -> HttpResponse:
    """Show the order of an award's aid to be made, with what can be paid now."""
    return _new_aid(request, access_pool(code=code), award)


def _new_aid(
    request: HttpRequest, pool: Pool, award: str, *, status: int = 200, **extra: Any
) -> HttpResponse:
    found = next((one for one in selectors.payable_awards(pool) if one.award.code == award), None)
    if found is None:
        raise NotFoundError(_("No aid of this case waits to be ordered."))
    context = _context(request, pool, "payments", (_("Case %(code)s") % {"code": award}, "")) | {
        "payable": found,
        "form": PayeeForm(initial={"key": uuid.uuid4(), "amount": plain_fen(found.payable_fen)}),
        "address": reverse("custody_order_aid", args=[pool.code, award]),
    }
    return _render(request, "order", context | extra, status)


@duty_required(TREASURER)
@require_POST
def order_aid(request: HttpRequest, code: str, award: str) -> HttpResponse:
    """Order the aid of a shared award; a controller releases it."""
    pool, form = access_pool(code=code), PayeeForm(request.POST)
    if not form.is_valid():
        return _new_aid(request, pool, award, form=form, status=422)
    found = pool.awards.filter(code=award).first()
    if found is None:
        raise NotFoundError(_("This pool has no such case."))
    refusal = _order(request, pool, form, kind=PaymentOrder.Kind.AID, award=found)
    if refusal:
        return _new_aid(request, pool, award, form=form, refusal=refusal)
    return redirect("custody_payments", code=code)


@duty_required(TREASURER)
@require_safe
def new_fee(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show the order of a period's fee to be made, with what is earned by now."""
    return _new_fee(request, access_pool(code=code), number)


def _new_fee(
    request: HttpRequest, pool: Pool, number: int, *, status: int = 200, **extra: Any
) -> HttpResponse:
    fen = selectors.payable_fee_fen(access_period(pool=pool, number=number))
    crumb = (_("Fee of period %(number)s") % {"number": number}, "")
    context = _context(request, pool, "payments", crumb) | {
        "fee_period": number,
        "fee_fen": fen,
        "form": PayeeForm(initial={"key": uuid.uuid4(), "amount": plain_fen(fen)}),
        "address": reverse("custody_order_fee", args=[pool.code, number]),
    }
    return _render(request, "order", context | extra, status)


@duty_required(TREASURER)
@require_POST
def order_fee(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Order the part of a period's fee that is earned; a controller releases it."""
    pool, form = access_pool(code=code), PayeeForm(request.POST)
    found = access_period(pool=pool, number=number)
    if not form.is_valid():
        return _new_fee(request, pool, number, form=form, status=422)
    refusal = _order(request, pool, form, kind=PaymentOrder.Kind.FEE, period=found)
    if refusal:
        return _new_fee(request, pool, number, form=form, refusal=refusal)
    return redirect("custody_payments", code=code)


def _order(request: HttpRequest, pool: Pool, form: PayeeForm, **what: Any) -> DomainError | None:
    given = form.cleaned_data

    def act() -> dict[str, Any]:
        made = services.order_payment(
            pool=pool,
            amount_fen=given["amount"],
            payee_name=given["payee_name"],
            payee_account=given["payee_account"],
            orderer=_person(request).code,
            at=clock.now(),
            **what,
        )
        return {"order": made.number}

    return _once(request, pool, "order", form, act)


@duty_required(*READERS)
@require_safe
def payment(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one order: exactly what a release is for."""
    return _payment(request, access_pool(code=code), number)


def _payment(
    request: HttpRequest, pool: Pool, number: int, *, refusal: DomainError | None = None
) -> HttpResponse:
    order = selectors.access_order(pool=pool, number=number)
    person = _person(request)
    duties = duties_of(person, pool)
    may_cancel = (order.state == PaymentOrder.State.ORDERED and bool(duties & set(MONEY))) or (
        order.state == PaymentOrder.State.RELEASED and CONTROLLER in duties
    )
    context = _context(request, pool, "payments", (_("Payment %(number)s") % {"number": number}, "")) | {
        "order": order,
        "payee": selectors.payee_of(order) if duties & set(MONEY) else None,
        "reference": selectors.order_reference(order),
        "shown_text": selectors.shown_text(order),
        "is_orderer": order.ordered_by == person.code,
        "may_cancel": may_cancel,
        "release_form": ReleaseForm(initial={"key": uuid.uuid4(), "shown_sha256": order.shown_sha256}),
        "key_form": KeyForm(initial={"key": uuid.uuid4()}, auto_id="cancel_%s"),
        "refusal": refusal,
    }
    return _render(request, "payment", context)


@duty_required(CONTROLLER)
@require_POST
def release(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Release exactly what was shown."""
    pool, form = access_pool(code=code), ReleaseForm(request.POST)
    found = selectors.access_order(pool=pool, number=number)
    if not form.is_valid():
        error = DomainError(_("The release did not say what it was for. Look at the order, then release it."))
        return _payment(request, pool, number, refusal=error)

    def act() -> dict[str, Any]:
        done = services.release_payment(
            order=found,
            releaser=_person(request).code,
            shown_sha256=form.cleaned_data["shown_sha256"],
            at=clock.now(),
        )
        return {"state": done.state}

    refusal = _once(request, pool, f"release/{number}", form, act)
    if refusal:
        return _payment(request, pool, number, refusal=refusal)
    return redirect("custody_payment", code=code, number=number)


@duty_required(*MONEY)
@require_POST
def cancel(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take an order back."""
    pool, form = access_pool(code=code), KeyForm(request.POST)
    found = selectors.access_order(pool=pool, number=number)
    form.is_valid()

    def act() -> dict[str, Any]:
        done = services.cancel_order(order=found, canceller=_person(request).code, at=clock.now())
        return {"state": done.state}

    refusal = _once(request, pool, f"cancel/{number}", form, act)
    if refusal:
        return _payment(request, pool, number, refusal=refusal)
    return redirect("custody_payment", code=code, number=number)


@duty_required(*MONEY)
@require_safe
def payment_file(request: HttpRequest, code: str) -> HttpResponse:
    """Download the payments released on a day, as the bank takes them; the download is in the audit trail."""
    pool, form = access_pool(code=code), DayForm(request.GET)
    if not form.is_valid():
        raise DomainError(_("Say of which day, like 2026-02-01."), code="bad_day")
    day = form.cleaned_data["day"]
    data = selectors.payment_file(pool=pool, released_on=day)
    audit.record(
        actor=_person(request).code,
        action="download_payments",
        subject=pool.code,
        day=day.isoformat(),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    response = HttpResponse(data, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{code}-payments-{day}.csv"'
    return response


@duty_required(*READERS)
@require_safe
def payments_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download the list of orders, without payees."""
    pool = access_pool(code=code)
    rows = (
        (
            order.number,
            order.kind,
            Text(order.what_for),
            plain_fen(order.amount_fen),
            order.state,
            order.ordered_by,
            order.released_by or "",
        )
        for order in selectors.orders(pool).order_by("number")
    )
    header = ("payment", "kind", "for", "amount", "state", "ordered_by", "released_by")
    return csv_response(f"{code}-payments.csv", header, rows)


# --- common ---------------------------------------------------------------------------------------------------


def _attempt(act: Callable[[], Any]) -> tuple[Any, DomainError | None]:
    """Return what was done, or the refusal a page shows; a guarantee that is not one of ours stays an error."""
    try:
        return act(), None
    except DomainError as error:
        return None, error
    except IntegrityError as error:
        named = as_domain_error(error)
        if named is None:
            raise
        return None, named


def _once(
    request: HttpRequest, pool: Pool, deed: str, form: KeyForm, act: Callable[[], dict[str, Any]]
) -> DomainError | None:
    """Do it once per key, whatever the browser repeats; return the refusal, if it is one."""
    key = form.cleaned_data.get("key")
    if key is None:
        return DomainError(_("The form is incomplete. Reload the page and try again."), code="no_key")
    content = {name: str(value) for name, value in form.cleaned_data.items() if name != "key"}
    scope = hashlib.sha256(f"{_person(request).code}/{pool.code}/{deed}".encode()).hexdigest()
    return _attempt(lambda: once(scope=scope, key=str(key), content=content, act=act))[1]


def _number(request: HttpRequest, name: str) -> int:
    """Read a cursor; anything but a whole number is nothing."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _person(request: HttpRequest) -> User:
    return cast(User, request.user)


def _context(request: HttpRequest, pool: Pool, tab: str, *crumbs: tuple[object, str]) -> dict[str, Any]:
    own = [(_("Bank"), reverse("custody", args=[pool.code]) if tab != "custody" or crumbs else ""), *crumbs]
    pool_crumb = (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code]))
    return {
        "section": "pools",
        "pool": pool,
        "tab": tab,
        "duties": duties_of(_person(request), pool),
        "crumbs": [pool_crumb, *own],
    }


def _render(request: HttpRequest, page: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    refusal = context.get("refusal")
    return render(
        request,
        f"ledger/custody/{page}.html",
        context,
        status=refusal.status if refusal is not None else status,
    )
