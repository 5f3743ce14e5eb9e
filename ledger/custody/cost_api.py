"""What investigations cost, for programs: the list, an approval by a second person, a bill turned down, its payment."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import costs, services
from ledger.custody.api import MoneyDeed, OrderAnswer, OrderState, ReleaseText
from ledger.custody.cost_models import OutsideCost
from ledger.custody.models import PaymentOrder
from ledger.custody.pages import CONTROLLER, MONEY, TREASURER
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class OutsideCostRow(serializers.ModelSerializer[OutsideCost]):
    """A cost in minor units; borne_by: by the plan of the case; entry: the number of its journal entry."""

    borne_by = serializers.CharField()
    state = serializers.CharField()
    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = OutsideCost
        fields = [
            "number", "reference", "amount_fen", "borne_by", "payee_hint", "state", "shown_sha256", "billed_by",
            "billed_at", "decided_by", "decided_at", "entry",
        ]  # fmt: skip


class OutsideCostList(DutyEndpoint, ListAPIView[OutsideCost]):
    """What the investigations of a pool have cost, newest first."""

    duties = MONEY
    serializer_class = OutsideCostRow
    pagination_class = NewestNumber
    queryset = OutsideCost.objects.none()

    def get_queryset(self) -> QuerySet[OutsideCost]:
        """Return those of the pool that the address names."""
        return costs.costs_of(access_pool(code=self.kwargs["code"]))


class OutsideCostApproval(MoneyDeed):
    """The approval of a cost by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="approve_cost", request=ReleaseText, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Owe exactly what was shown."""
        given = ReleaseText(data=request.data)
        given.is_valid(raise_exception=True)
        found = costs.access_cost(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = costs.approve_cost(
                cost=found, approver=person.code, at=clock.now(), **given.validated_data
            )
            return {"state": done.state}

        answer = self.do_once(request, f"approve_cost/{number}", given.validated_data, act)
        return Response(OrderState(answer).data)


class OutsideCostTurnedDown(MoneyDeed):
    """Turning a bill down."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="turn_down_cost", request=None, responses=OrderState, parameters=[KEY_HEADER])
    def post(self, request: Request, code: str, number: int) -> Response:
        """Turn down what waits; the pool owes nothing for it."""
        found = costs.access_cost(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = costs.turn_down_cost(cost=found, controller=person.code, at=clock.now())
            return {"state": done.state}

        return Response(OrderState(self.do_once(request, f"turn_down_cost/{number}", {}, act)).data)


class CostAmount(serializers.Serializer[Any]):
    """How much of a cost is to be paid, in minor units."""

    amount_fen = serializers.IntegerField(min_value=1, max_value=2**53 - 1)


class OutsideCostOrder(MoneyDeed):
    """An order to pay an approved cost to the account that its bill names."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="order_cost", request=CostAmount, responses={201: OrderAnswer}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Order it; nothing leaves before a controller releases the order."""
        given = CostAmount(data=request.data)
        given.is_valid(raise_exception=True)
        found = costs.access_cost(pool=access_pool(code=code), number=number)
        named = costs.payee_of_cost(found)

        def act(person: User) -> dict[str, Any]:
            made = services.order_payment(
                pool=found.pool,
                kind=PaymentOrder.Kind.COST,
                cost=found,
                payee_name=named.name,
                payee_account=named.account,
                orderer=person.code,
                at=clock.now(),
                **given.validated_data,
            )
            return {"number": made.number, "shown_sha256": made.shown_sha256}

        told = dict(given.validated_data)
        answer = self.do_once(request, f"order_cost/{number}", told, act)
        return Response(OrderAnswer(answer).data, status=201)
