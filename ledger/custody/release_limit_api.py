"""Limits of releases for programs."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import release_limits
from ledger.custody.api import MoneyDeed, OrderState
from ledger.custody.pages import ADMIN, CONTROLLER, READERS
from ledger.custody.release_limit_models import ReleaseLimit
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool

LARGEST_FEN = 2**53 - 1


class LimitsInForce(serializers.Serializer[Any]):
    """The limits that hold, what was released today and what is left of it, in minor units; null: no limit."""

    daily_fen = serializers.IntegerField(allow_null=True)
    step_up_fen = serializers.IntegerField(allow_null=True)
    released_fen = serializers.IntegerField()
    left_fen = serializers.IntegerField(allow_null=True)


class ReleaseLimitRow(serializers.ModelSerializer[ReleaseLimit]):
    """Limits that a pool admin has proposed, and who decided."""

    class Meta:
        model = ReleaseLimit
        fields = [
            "number", "daily_fen", "step_up_fen", "state", "proposed_by", "proposed_at", "decided_by", "decided_at",
        ]  # fmt: skip


class LimitsText(serializers.Serializer[Any]):
    """Limits to hold; null: no such limit."""

    daily_fen = serializers.IntegerField(allow_null=True, min_value=1, max_value=LARGEST_FEN)
    step_up_fen = serializers.IntegerField(allow_null=True, min_value=0, max_value=LARGEST_FEN)


class LimitNumber(serializers.Serializer[Any]):
    """The limits that were proposed."""

    number = serializers.IntegerField()


class ReleaseLimitsNow(DutyEndpoint):
    """The limits in force."""

    duties = READERS

    @extend_schema(operation_id="release_limits_now", responses=LimitsInForce)
    def get(self, request: Request, code: str) -> Response:
        """Return what holds, and what is left of today."""
        return Response(LimitsInForce(release_limits.limits_of(access_pool(code=code))).data)


class ReleaseLimitList(DutyEndpoint, ListAPIView[ReleaseLimit]):
    """All limits, newest first."""

    duties = READERS
    serializer_class = ReleaseLimitRow
    pagination_class = NewestNumber
    queryset = ReleaseLimit.objects.none()

    def get_queryset(self) -> QuerySet[ReleaseLimit]:
        """Return those of the pool that the address names."""
        return release_limits.limits(access_pool(code=self.kwargs["code"]))


class ReleaseLimitProposal(MoneyDeed):
    """A proposal of limits."""

    duties = (ADMIN,)

    @extend_schema(
        operation_id="propose_release_limits",
        request=LimitsText,
        responses={201: LimitNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Propose them; they hold once a controller has approved them."""
        given = LimitsText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = access_pool(code=code)

        def act(person: User) -> dict[str, Any]:
            made = release_limits.propose_limits(
                pool=pool, proposer=person.code, at=clock.now(), **given.validated_data
            )
            return {"number": made.number}

        answer = self.do_once(request, "limits", dict(given.validated_data), act)
        return Response(LimitNumber(answer).data, status=201)


class ReleaseLimitApproval(MoneyDeed):
    """The approval of limits by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="approve_release_limits", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Let them hold from now on."""
        found = release_limits.access_limit(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            return {
                "state": release_limits.approve_limits(
                    limit=found, approver=person.code, at=clock.now()
                ).state
            }

        return Response(OrderState(self.do_once(request, f"approve_limits/{number}", {}, act)).data)


class ReleaseLimitWithdrawal(MoneyDeed):
    """Taking proposed limits back."""

    duties = (ADMIN, CONTROLLER)

    @extend_schema(
        operation_id="withdraw_release_limits", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Take them back; those in force stay."""
        found = release_limits.access_limit(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = release_limits.withdraw_limits(limit=found, person=person.code, at=clock.now())
            return {"state": done.state}

        return Response(OrderState(self.do_once(request, f"withdraw_limits/{number}", {}, act)).data)
