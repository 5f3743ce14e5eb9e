"""Custody for programs: does the bank hold what the books say, statements, payment orders and their release."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor, Endpoint
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import selectors, services
from ledger.custody.cash import cash_of
from ledger.custody.forms import ACCOUNT
from ledger.custody.models import BankStatement, PaymentOrder, StatementLine
from ledger.custody.pages import CONTROLLER, MONEY, READERS, TREASURER, DecisionOf
from ledger.custody.reconciliation import bank_line
from ledger.sharing.selectors import access_award, shows_movements
from members.people.models import User
from members.pools.api import DutyDeed, DutyEndpoint, NewestNumber, public_pool, viewer_duties
from members.pools.rules import proved_afresh
from members.pools.selectors import access_pool


class BankRow(serializers.Serializer[Any]):
    """The custody account in the books and at the bank; all null before a statement, and where none may see it.

    statement: the last one; until_date: the day after its last day. checked_date: of the newest daily reconciliation;
    rules_broken: how many rules of the cash book it found broken.
    """

    agrees = serializers.BooleanField(allow_null=True, default=None)
    ledger_fen = serializers.IntegerField(allow_null=True, default=None)
    bank_fen = serializers.IntegerField(allow_null=True, default=None)
    difference_fen = serializers.IntegerField(allow_null=True, default=None)
    statement = serializers.IntegerField(source="last.number", allow_null=True, default=None)
    until_date = serializers.DateField(source="last.to_date", allow_null=True, default=None)
    checked_date = serializers.DateField(source="checked.day", allow_null=True, default=None)
    rules_broken = serializers.IntegerField(source="checked.broken", allow_null=True, default=None)


class StatementRow(serializers.ModelSerializer[BankStatement]):
    """An imported statement: days [from_date, to_date), balances in minor units, the hash of its file."""

    class Meta:
        model = BankStatement
        fields = [
            "number", "bank_number", "format", "from_date", "to_date", "opening_fen", "closing_fen", "line_count",
            "dropped_lines", "sha256", "imported_by", "imported_at",
        ]  # fmt: skip


class StatementLineRow(serializers.ModelSerializer[StatementLine]):
    """A booking of the bank, without the name on the other side."""

    class Meta:
        model = StatementLine
        fields = ["line_no", "booking_date", "direction", "amount_fen", "kind", "bank_reference", "text"]


class CashPartRow(serializers.Serializer[Any]):
    """What is owed and ordered of a kind, what is there for it, and what is lacking, in minor units."""

    kind = serializers.CharField()
    released_fen = serializers.IntegerField()
    ordered_fen = serializers.IntegerField()
    ordered_count = serializers.IntegerField()
    owed_fen = serializers.IntegerField()
    left_fen = serializers.IntegerField()
    orders_lack_fen = serializers.IntegerField()
    owed_lacks_fen = serializers.IntegerField()


class CashRow(serializers.Serializer[Any]):
    """The bank's last closing balance, and whether it pays what is ordered and what is owed, in minor units.

    others_fen: prepaid, unidentified and reserve. parts: in the order in which money covers them.
    """

    bank_fen = serializers.IntegerField()
    until_date = serializers.DateField(source="last.to_date", allow_null=True, default=None)
    released_fen = serializers.IntegerField()
    others_fen = serializers.IntegerField()
    orders_lack_fen = serializers.IntegerField()
    owed_lacks_fen = serializers.IntegerField()
    parts = CashPartRow(many=True)


class PayableRow(serializers.Serializer[Any]):
    """A case whose aid is not ordered in full, and what of it can be ordered now."""

    case = serializers.CharField(source="award.code")
    period = serializers.IntegerField(source="award.period.number")
    aid_fen = serializers.IntegerField(source="award.payable_fen")
    ordered_fen = serializers.IntegerField()
    payable_fen = serializers.IntegerField()


class PaymentRow(serializers.ModelSerializer[PaymentOrder]):
    """A payment order; what_for: the case, period or receipt that it pays."""

    what_for = serializers.CharField()
    reference = serializers.SerializerMethodField()

    class Meta:
        model = PaymentOrder
        fields = [
            "number", "kind", "what_for", "amount_fen", "payee_hint", "reference", "state", "shown_sha256",
            "ordered_by", "ordered_at", "released_by", "released_at", "cancelled_by", "cancelled_at",
        ]  # fmt: skip

    def get_reference(self, order: PaymentOrder) -> str:
        """Return what the payment carries, by which the bank's statement confirms it."""
        return selectors.order_reference(order)


class PayeeRow(serializers.Serializer[Any]):
    """To whom an order pays."""

    name = serializers.CharField()
    account = serializers.CharField()


class PaymentInFull(PaymentRow):
    """An order as its releaser sees it; payee: for people with a money duty, else null."""

    payee = serializers.SerializerMethodField()
    shown_text = serializers.SerializerMethodField()

    class Meta(PaymentRow.Meta):
        fields = [*PaymentRow.Meta.fields, "payee", "shown_text"]

    @extend_schema_field(PayeeRow(allow_null=True))
    def get_payee(self, order: PaymentOrder) -> dict[str, str] | None:
        """Return the payee, unsealed."""
        return asdict(selectors.payee_of(order)) if self.context["shows_payee"] else None

    def get_shown_text(self, order: PaymentOrder) -> str:
        """Return the text whose SHA-256 is shown_sha256."""
        return selectors.shown_text(order)


class AidText(serializers.Serializer[Any]):
    """How much aid is paid; to whom is said only where the award names nobody."""

    amount_fen = serializers.IntegerField(min_value=1, max_value=2**53 - 1)
    payee_name = serializers.CharField(max_length=80, required=False)
    payee_account = serializers.CharField(max_length=42, required=False, validators=[ACCOUNT])


class OrderAnswer(serializers.Serializer[Any]):
    """The order that was made, and the hash a release must name."""

    number = serializers.IntegerField()
    shown_sha256 = serializers.CharField()


class ReleaseText(serializers.Serializer[Any]):
    """The hash of the order that was shown: exactly that is released."""

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class OrderState(serializers.Serializer[Any]):
    """The state that the deed led to."""

    state = serializers.CharField()


class ByLine(Cursor):
    """Bookings in the order of the file."""

    ordering = "line_no"


class Bank(Endpoint):
    """Bank = ledger?"""

    @extend_schema(operation_id="bank", responses=BankRow)
    def get(self, request: Request, code: str) -> Response:
        """Return the one public line; of a very small pool for its staff only."""
        pool = public_pool(request, code)
        is_shown = shows_movements(pool) or bool(viewer_duties(request, pool) & set(READERS))
        line = bank_line(pool) if is_shown else None
        return Response(BankRow(line if line and line.last else {}).data)


class StatementList(DutyEndpoint, ListAPIView[BankStatement]):
    """The imported statements, newest first."""

    duties = READERS
    serializer_class = StatementRow
    pagination_class = NewestNumber
    queryset = BankStatement.objects.none()

    def get_queryset(self) -> QuerySet[BankStatement]:
        """Return those of the pool's account; none before it is named."""
        account = selectors.account_of(access_pool(code=self.kwargs["code"]))
        return selectors.statements(account) if account else BankStatement.objects.none()


class StatementDetail(DutyEndpoint):
    """One statement."""

    duties = READERS

    @extend_schema(operation_id="statement", responses=StatementRow)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return the statement."""
        found = selectors.access_statement(pool=access_pool(code=code), number=number)
        return Response(StatementRow(found).data)


class StatementLineList(DutyEndpoint, ListAPIView[StatementLine]):
    """The bookings of a statement, in the order of its file."""

    duties = READERS
    serializer_class = StatementLineRow
    pagination_class = ByLine
    queryset = StatementLine.objects.none()

    def get_queryset(self) -> QuerySet[StatementLine]:
        """Return those of the statement that the address names."""
        pool = access_pool(code=self.kwargs["code"])
        return selectors.lines_of(selectors.access_statement(pool=pool, number=self.kwargs["number"]))


class PayableList(DutyEndpoint):
    """The aid that can be ordered now: the oldest period first, every case in the same proportion."""

    duties = READERS

    @extend_schema(operation_id="payable", responses=PayableRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the cases whose aid is not ordered in full: few at any time, so they come on one page."""
        return Response(PayableRow(selectors.payable_awards(access_pool(code=code)), many=True).data)


class CashBeforeRelease(DutyEndpoint):
    """Can every order be paid?"""

    duties = READERS

    @extend_schema(operation_id="cash", responses=CashRow)
    def get(self, request: Request, code: str) -> Response:
        """Return what the bank held at its last closing against what is ordered and owed. 404 without an account."""
        found = cash_of(selectors.access_account(pool=access_pool(code=code)).pool)
        assert found is not None
        return Response(CashRow(found).data)


class PaymentList(DutyEndpoint, ListAPIView[PaymentOrder]):
    """The payment orders, newest first."""

    duties = READERS
    serializer_class = PaymentRow
    pagination_class = NewestNumber
    queryset = PaymentOrder.objects.none()

    def get_queryset(self) -> QuerySet[PaymentOrder]:
        """Return those of the pool that the address names."""
        return selectors.orders(access_pool(code=self.kwargs["code"]))


class PaymentDetail(DutyEndpoint):
    """One payment order."""

    duties = READERS

    @extend_schema(operation_id="payment", responses=PaymentInFull)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return exactly what a release is for."""
        pool = access_pool(code=code)
        shows_payee = bool(viewer_duties(request, pool) & set(MONEY))
        found = selectors.access_order(pool=pool, number=number)
        return Response(PaymentInFull(found, context={"shows_payee": shows_payee}).data)


class MoneyDeed(DutyDeed):
    """A deed that moves money."""


class Decision(MoneyDeed):
    """A decision about what waits under a number; `deed` says which, `decision_of` finds it."""

    deed = ""
    decision_of: DecisionOf

    def decide(self, request: Request, code: str, number: int) -> Response:
        """Decide, once per key."""
        act = self.decision_of(self.deed, pool=access_pool(code=code), number=number)
        answer = self.do_once(
            request, f"{self.deed}/{number}", {}, lambda person: act(person.code, clock.now())
        )
        return Response(OrderState(answer).data)


class AidOrder(MoneyDeed):
    """An order to pay a case's aid."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="order_aid", request=AidText, responses={201: OrderAnswer}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, award: str) -> Response:
        """Order it; nothing leaves before a controller releases the order."""
        given = AidText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = access_pool(code=code)
        found = access_award(pool=pool, code=award)

        def act(person: User) -> dict[str, Any]:
            order = services.order_payment(
                pool=pool,
                kind=PaymentOrder.Kind.AID,
                award=found,
                orderer=person.code,
                at=clock.now(),
                **given.validated_data,
            )
            return {"number": order.number, "shown_sha256": order.shown_sha256}

        answer = self.do_once(request, "order", {"case": award, **given.validated_data}, act)
        return Response(OrderAnswer(answer).data, status=201)


class PaymentRelease(MoneyDeed):
    """The release of an order by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="release_payment", request=ReleaseText, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Release exactly what was shown: from now on the money is on its way."""
        given = ReleaseText(data=request.data)
        given.is_valid(raise_exception=True)
        found = selectors.access_order(pool=access_pool(code=code), number=number)

        is_proved = proved_afresh(request._request)

        def act(person: User) -> dict[str, Any]:
            at = clock.now()
            done = services.release_payment(
                order=found,
                releaser=person.code,
                at=at,
                proved_at=at if is_proved else None,
                **given.validated_data,
            )
            return {"state": done.state}

        answer = self.do_once(request, f"release/{number}", given.validated_data, act)
        return Response(OrderState(answer).data)


class PaymentCancellation(MoneyDeed):
    """Taking an order back: treasurer or controller before its release, a controller after it."""

    duties = MONEY

    @extend_schema(operation_id="cancel_payment", request=None, responses=OrderState, parameters=[KEY_HEADER])
    def post(self, request: Request, code: str, number: int) -> Response:
        """Cancel it; the aid stays owed."""
        found = selectors.access_order(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            return {"state": services.cancel_order(order=found, canceller=person.code, at=clock.now()).state}

        return Response(OrderState(self.do_once(request, f"cancel/{number}", {}, act)).data)
