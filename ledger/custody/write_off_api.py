"""Write-offs for programs: the list, an order, its approval by a second person, its withdrawal."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import write_offs
from ledger.custody.api import MoneyDeed, OrderAnswer, OrderState, ReleaseText
from ledger.custody.pages import CONTROLLER, MONEY, TREASURER
from ledger.custody.selectors import access_membership_no
from ledger.custody.write_off_models import WriteOff
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class WriteOffRow(serializers.ModelSerializer[WriteOff]):
    """A write-off in minor units; charges: [period, open] of each; entry: the number of its journal entry."""

    charges = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = WriteOff
        fields = [
            "number", "reason", "reminders", "upto_period_no", "charges", "amount_fen", "state", "shown_sha256",
            "ordered_by", "ordered_at", "decided_by", "decided_at", "entry",
        ]  # fmt: skip


class WriteOffText(serializers.Serializer[Any]):
    """Whose unpaid shares, up to which period, and why nobody can collect them."""

    membership = serializers.IntegerField(min_value=1, max_value=10**9 - 1)
    upto_period_no = serializers.IntegerField(min_value=1, max_value=10**6)
    reason = serializers.ChoiceField(choices=WriteOff.Reason.choices)
    reminders = serializers.IntegerField(min_value=0, max_value=99, default=0)


class WriteOffList(DutyEndpoint, ListAPIView[WriteOff]):
    """The write-offs of a pool, newest first."""

    duties = MONEY
    serializer_class = WriteOffRow
    pagination_class = NewestNumber
    queryset = WriteOff.objects.none()

    def get_queryset(self) -> QuerySet[WriteOff]:
        """Return those of the pool that the address names."""
        return write_offs.write_offs(access_pool(code=self.kwargs["code"]))


class WriteOffOrder(MoneyDeed):
    """An order to write off what a membership owes."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="order_write_off",
        request=WriteOffText,
        responses={201: OrderAnswer},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Order it; nothing is written off before a controller approves the order."""
        given = WriteOffText(data=request.data)
        given.is_valid(raise_exception=True)
        told = given.validated_data
        member = access_membership_no(pool=access_pool(code=code), number=told["membership"])

        def act(person: User) -> dict[str, Any]:
            made = write_offs.order_write_off(
                membership=member,
                reason=told["reason"],
                reminders=told["reminders"],
                upto_period_no=told["upto_period_no"],
                orderer=person.code,
                at=clock.now(),
            )
            return {"number": made.number, "shown_sha256": made.shown_sha256}

        return Response(OrderAnswer(self.do_once(request, "write_off", told, act)).data, status=201)


class WriteOffApproval(MoneyDeed):
    """The approval of a write-off by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="approve_write_off", request=ReleaseText, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Write off exactly what was shown; members bear it with the next bill."""
        given = ReleaseText(data=request.data)
        given.is_valid(raise_exception=True)
        found = write_offs.access_write_off(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = write_offs.approve_write_off(
                write_off=found, approver=person.code, at=clock.now(), **given.validated_data
            )
            return {"state": done.state}

        answer = self.do_once(request, f"approve_write_off/{number}", given.validated_data, act)
        return Response(OrderState(answer).data)


class WriteOffWithdrawal(MoneyDeed):
    """Taking a write-off back, or turning it down."""

    duties = MONEY

    @extend_schema(
        operation_id="withdraw_write_off", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Withdraw what waits; the shares stay owed."""
        found = write_offs.access_write_off(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = write_offs.withdraw_write_off(write_off=found, withdrawer=person.code, at=clock.now())
            return {"state": done.state}

        return Response(OrderState(self.do_once(request, f"withdraw_write_off/{number}", {}, act)).data)
