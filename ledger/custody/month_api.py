"""Closed months for programs: what must be so before the next is closed, the closes, and the second person's word."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import months
from ledger.custody.api import Decision, MoneyDeed, OrderState
from ledger.custody.month_models import MonthClose, MonthReopening
from ledger.custody.month_views import month_of
from ledger.custody.pages import CONTROLLER, MONEY, READERS, TREASURER
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber, public_pool
from members.pools.selectors import access_pool


class MonthConditionRow(serializers.Serializer[Any]):
    """What must be so before a month is closed: the name of the guarantee, in words, and whether it is."""

    name = serializers.CharField()
    title = serializers.CharField()
    holds = serializers.BooleanField()


class NextMonthRow(serializers.Serializer[Any]):
    """The month that is closed next, by its first day, with custody at its end in minor units."""

    month_date = serializers.DateField()
    ledger_fen = serializers.IntegerField()
    bank_fen = serializers.IntegerField()
    later_fen = serializers.IntegerField()
    is_ready = serializers.BooleanField()
    conditions = MonthConditionRow(many=True)


class MonthReopeningRow(serializers.ModelSerializer[MonthReopening]):
    """That a closed month was to take entries again, or does, and why."""

    class Meta:
        model = MonthReopening
        fields = ["reason", "state", "proposed_by", "proposed_at", "decided_by", "decided_at"]


class MonthCloseRow(serializers.ModelSerializer[MonthClose]):
    """A close: balances are [account, debits, credits] up to the end of the month, in minor units; sha256 is of all."""

    balances = serializers.JSONField()
    custody_fen = serializers.IntegerField()
    reopenings = MonthReopeningRow(many=True)

    class Meta:
        model = MonthClose
        fields = [
            "number", "month_date", "state", "balances", "entries", "bank_fen", "later_fen", "custody_fen", "sha256",
            "proposed_by", "proposed_at", "decided_by", "decided_at", "reopenings",
        ]  # fmt: skip


class PublicMonthRow(serializers.Serializer[Any]):
    """A month that was closed, for everyone: when, from how many entries, the digest, and why it was opened again."""

    number = serializers.IntegerField()
    month_date = serializers.DateField()
    closed_at = serializers.DateTimeField(source="decided_at")
    entries = serializers.IntegerField()
    sha256 = serializers.CharField()
    is_reopened = serializers.BooleanField()
    reason = serializers.CharField(source="reopening.reason", allow_null=True, default=None)


class MonthCloseNumber(serializers.Serializer[Any]):
    """What was proposed."""

    number = serializers.IntegerField()


class ReopeningText(serializers.Serializer[Any]):
    """Why a closed month is to take entries again; everybody can read it."""

    reason = serializers.CharField(max_length=300)


class MonthCloses(DutyEndpoint, ListAPIView[MonthClose]):
    """The closes of months, newest first."""

    duties = READERS
    serializer_class = MonthCloseRow
    pagination_class = NewestNumber
    queryset = MonthClose.objects.none()

    def get_queryset(self) -> QuerySet[MonthClose]:
        """Return those of the pool that the address names."""
        return months.closes(access_pool(code=self.kwargs["code"]))


class MonthToClose(DutyEndpoint):
    """The month that is closed next, and what must be so before."""

    duties = READERS

    @extend_schema(operation_id="month_to_close", responses=NextMonthRow)
    def get(self, request: Request, code: str) -> Response:
        """Return it as it stands this minute."""
        found = months.next_month(access_pool(code=code))
        if found is None:
            raise NotFoundError(months.NOTHING_BOOKED)
        return Response(NextMonthRow(found).data)


class PublicMonths(Endpoint, ListAPIView[MonthClose]):
    """The months that were closed, for everyone."""

    serializer_class = PublicMonthRow
    pagination_class = NewestNumber
    queryset = MonthClose.objects.none()

    def get_queryset(self) -> QuerySet[MonthClose]:
        """Return those of the pool that the address names, newest first."""
        return months.public_closes(public_pool(self.request, self.kwargs["code"]))


class MonthCloseProposal(MoneyDeed):
    """The close of a month."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="propose_month_close",
        request=None,
        responses={201: MonthCloseNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, month: str) -> Response:
        """Propose it; a controller agrees."""
        pool, first = access_pool(code=code), month_of(month)

        def act(person: User) -> dict[str, Any]:
            made = months.propose_close(pool=pool, month_date=first, proposer=person.code, at=clock.now())
            return {"number": made.number}

        answer = self.do_once(request, f"close/{first}", {}, act)
        return Response(MonthCloseNumber(answer).data, status=201)


class MonthReopeningProposal(MoneyDeed):
    """The opening of a closed month."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="propose_month_reopening",
        request=ReopeningText,
        responses={201: OrderState},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Propose it; a controller agrees."""
        given = ReopeningText(data=request.data)
        given.is_valid(raise_exception=True)
        close = months.access_close(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            made = months.propose_reopening(
                close=close, proposer=person.code, at=clock.now(), **given.validated_data
            )
            return {"state": made.state}

        answer = self.do_once(request, f"reopen/{number}", given.validated_data, act)
        return Response(OrderState(answer).data, status=201)


class _Decision(Decision):
    decision_of = staticmethod(months.decision_of)


class MonthCloseAgreement(_Decision):
    """The second person's word on a close."""

    duties = (CONTROLLER,)
    deed = "agree_close"

    @extend_schema(
        operation_id="agree_to_month_close", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Close the month: it takes no entry any more."""
        return self.decide(request, code, number)


class MonthCloseWithdrawal(_Decision):
    """Taking a proposed close back, or turning it down."""

    duties = MONEY
    deed = "withdraw_close"

    @extend_schema(
        operation_id="withdraw_month_close", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Leave the month open."""
        return self.decide(request, code, number)


class MonthReopeningAgreement(_Decision):
    """The second person's word on opening a closed month."""

    duties = (CONTROLLER,)
    deed = "agree_reopening"

    @extend_schema(
        operation_id="agree_to_month_reopening", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Open the month again."""
        return self.decide(request, code, number)


class MonthReopeningWithdrawal(_Decision):
    """Leaving a closed month closed."""

    duties = MONEY
    deed = "withdraw_reopening"

    @extend_schema(
        operation_id="withdraw_month_reopening", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Turn it down, or take it back."""
        return self.decide(request, code, number)
