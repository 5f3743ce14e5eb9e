"""Opening balances for programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.money import LARGEST_FEN
from ledger.founding import moving_in
from ledger.founding.models import OpeningBalances
from ledger.founding.opening_views import CONTROLLER, PROPOSERS, access_opening
from ledger.founding.views import FOUNDERS
from members.people.models import User
from members.pools.api import DutyEndpoint
from members.pools.selectors import access_pool


class OpeningText(serializers.Serializer[Any]):
    """What a pool brings along, in minor units; what members owe or have paid ahead the approved imports say."""

    custody_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)
    carried_surplus_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)
    reserve_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)
    proof = serializers.CharField(max_length=200)


class ShownOpeningText(serializers.Serializer[Any]):
    """The hash of the balances that were read."""

    shown_sha256 = serializers.CharField(min_length=64, max_length=64)


class OpeningRow(serializers.ModelSerializer[OpeningBalances]):
    """Opening balances; entry: the number of the journal entry, once they are booked."""

    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = OpeningBalances
        fields = [
            "number",
            "custody_fen",
            "receivable_fen",
            "prepaid_fen",
            "carried_surplus_fen",
            "reserve_fen",
            "proof",
            "state",
            "shown_sha256",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
            "entry",
        ]


class OpeningList(DutyEndpoint):
    """The opening balances of a pool."""

    duties = FOUNDERS

    @extend_schema(operation_id="opening_balances", responses=OpeningRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them, newest first: there is one, and what was turned down before."""
        found = (
            OpeningBalances.objects.filter(pool=access_pool(code=code))
            .select_related("entry")
            .order_by("-number")[:50]
        )
        return Response(OpeningRow(found, many=True).data)


class OpeningProposal(DutyEndpoint):
    """Balances proposed to a second person."""

    duties = PROPOSERS

    @extend_schema(operation_id="propose_opening", request=OpeningText, responses={201: OpeningRow})
    def post(self, request: Request, code: str) -> Response:
        """Propose them; one proposal waits at a time."""
        given = OpeningText(data=request.data)
        given.is_valid(raise_exception=True)
        made = moving_in.propose_opening(
            pool=access_pool(code=code),
            proposer=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(OpeningRow(made).data, status=201)


class OpeningApproval(DutyEndpoint):
    """The approval by a second person, which books them."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="approve_opening", request=ShownOpeningText, responses=OpeningRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Book exactly the balances that were read."""
        given = ShownOpeningText(data=request.data)
        given.is_valid(raise_exception=True)
        done = moving_in.approve_opening(
            opening=access_opening(access_pool(code=code), number),
            approver=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(OpeningRow(done).data)


class OpeningWithdrawal(DutyEndpoint):
    """Taking balances back, or turning them down."""

    duties = (CONTROLLER, *PROPOSERS)

    @extend_schema(operation_id="withdraw_opening", request=None, responses=OpeningRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Withdraw what waits."""
        done = moving_in.withdraw_opening(
            opening=access_opening(access_pool(code=code), number),
            withdrawer=cast(User, request.user).code,
            at=clock.now(),
        )
        return Response(OpeningRow(done).data)
