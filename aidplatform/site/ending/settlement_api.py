"""The settlement of a pool that ends for programs: the list, an order, its approval, its withdrawal."""

from typing import cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from ledger.custody import settlements
from ledger.custody.pages import CONTROLLER, MONEY, READERS, TREASURER
from ledger.custody.settlement_models import FinalSettlement
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber, ShownText
from members.pools.selectors import access_pool


class SettlementRow(serializers.ModelSerializer[FinalSettlement]):
    """A settlement in minor units: what nobody will pay, and who bears it.

    fees: [period, lowered]; awards: [case, unpaid, lowered]; entry: the number of its journal entry.
    """

    receivable_fen = serializers.IntegerField(source="figures.receivable")
    to_be_shared_fen = serializers.IntegerField(source="figures.to_be_shared")
    carry_fen = serializers.IntegerField(source="figures.carry")
    fee_fen = serializers.IntegerField(source="figures.fee")
    aid_fen = serializers.IntegerField(source="figures.aid")
    fees = serializers.JSONField(source="figures.fees")
    awards = serializers.JSONField(source="figures.awards")
    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = FinalSettlement
        fields = [
            "number", "state", "receivable_fen", "to_be_shared_fen", "carry_fen", "fee_fen", "aid_fen", "fees",
            "awards", "shown_sha256", "ordered_by", "ordered_at", "decided_by", "decided_at", "entry",
        ]  # fmt: skip


class SettlementList(DutyEndpoint, ListAPIView[FinalSettlement]):
    """The settlements of a pool, newest first."""

    duties = READERS
    serializer_class = SettlementRow
    pagination_class = NewestNumber
    queryset = FinalSettlement.objects.none()

    def get_queryset(self) -> QuerySet[FinalSettlement]:
        """Return those of the pool that the address names."""
        return settlements.settlements(access_pool(code=self.kwargs["code"]))


class SettlementOrder(DutyEndpoint):
    """An order to settle a pool; one waits at a time."""

    duties = (TREASURER,)

    @extend_schema(operation_id="order_settlement", request=None, responses={201: SettlementRow})
    def post(self, request: Request, code: str) -> Response:
        """Order it; nothing is lowered before a controller approves."""
        made = settlements.order_settlement(
            pool=access_pool(code=code), orderer=cast(User, request.user).code, at=clock.now()
        )
        return Response(SettlementRow(made).data, status=201)


class SettlementApproval(DutyEndpoint):
    """The approval of a settlement by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="approve_settlement", request=ShownText, responses=SettlementRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Settle exactly what was shown."""
        given = ShownText(data=request.data)
        given.is_valid(raise_exception=True)
        done = settlements.approve_settlement(
            settlement=settlements.access_settlement(pool=access_pool(code=code), number=number),
            approver=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(SettlementRow(done).data)


class SettlementWithdrawal(DutyEndpoint):
    """Taking a settlement back, or turning it down."""

    duties = MONEY

    @extend_schema(operation_id="withdraw_settlement", request=None, responses=SettlementRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Withdraw what waits."""
        done = settlements.withdraw_settlement(
            settlement=settlements.access_settlement(pool=access_pool(code=code), number=number),
            withdrawer=cast(User, request.user).code,
            at=clock.now(),
        )
        return Response(SettlementRow(done).data)
