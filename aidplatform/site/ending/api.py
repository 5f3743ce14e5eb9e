"""The end of a pool for programs: its dates and figures, the proposals of two people, the close."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint
from ledger.disclosure.selectors import rules_on
from ledger.sharing import ending as endings
from ledger.sharing.run_off import distance_of, freezes_of
from members.ending import services
from members.ending.models import EndingProposal, PoolEnding
from members.ending.selectors import access_ending_proposal, live_ending, proposals_to_end
from members.joining.selectors import may_read_statements
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber, PoolRow, ShownText, person_of, public_pool
from members.pools.models import DutyGrant
from members.pools.rules import PLAN_READERS
from members.pools.selectors import access_pool

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value


class FreezeText(serializers.Serializer[Any]):
    """A headcount against the floor of its rules. running: how many up to it are below without a break."""

    period = serializers.IntegerField(source="freeze.period_no")
    publicity_date = serializers.DateField()
    headcount = serializers.IntegerField(source="freeze.headcount")
    floor = serializers.IntegerField(source="freeze.floor", allow_null=True)
    running = serializers.IntegerField()


class DistanceText(serializers.Serializer[Any]):
    """The last headcount against the floor of today's rules.

    leaves: how many members fewer would be below it, 0 where it is; missing: how many more would be at it. running: how
    many headcounts up to it are below without a break; at the second one the pool ends.
    """

    period = serializers.IntegerField(source="period_no")
    headcount = serializers.IntegerField()
    floor = serializers.IntegerField()
    leaves = serializers.IntegerField()
    missing = serializers.IntegerField()
    running = serializers.IntegerField()


class NoticeRow(serializers.ModelSerializer[PoolEnding]):
    """The notice that a pool ends; days of its zone, half-open; the cap in minor units."""

    reason = serializers.CharField(source="proposal.reason", default="")

    class Meta:
        model = PoolEnding
        fields = [
            "cause",
            "reason",
            "notice_date",
            "cover_end_date",
            "run_off_end_date",
            "run_off_cap_fen",
            "after_period_no",
        ]


class EndingText(serializers.Serializer[Any]):
    """Where the pool is. bearers: how many share the run-off; null where a small pool tells strangers no figures.

    floor: of today's rules; null: they have none. distance: null as well without a headcount, and as above.
    """

    state = serializers.CharField()
    notice = NoticeRow(allow_null=True)
    bearers = serializers.IntegerField(allow_null=True)
    floor = serializers.IntegerField(allow_null=True)
    distance = DistanceText(allow_null=True)
    headcounts = FreezeText(many=True)


class Ending(Endpoint):
    """How a pool ends, or how far it is from its floor."""

    @extend_schema(operation_id="pool_ending", responses=EndingText)
    def get(self, request: Request, code: str) -> Response:
        """Return the notice that stands, and the last headcounts against the floor, the newest last."""
        pool = public_pool(request, code)
        notice = live_ending(pool)
        is_told = may_read_statements(pool, person_of(request))
        rules = rules_on(pool, clock.today(pool.time_zone))
        floor = rules.floor.members if rules and rules.floor else None
        freezes = freezes_of(pool, 24) if is_told else []
        return Response(
            EndingText(
                {
                    "state": pool.state,
                    "notice": notice,
                    "bearers": notice.bearers if notice and is_told else None,
                    "floor": floor,
                    "distance": distance_of(freezes[-1] if freezes else None, floor),
                    "headcounts": freezes,
                }
            ).data
        )


class EndingProposalRow(serializers.ModelSerializer[EndingProposal]):
    """A proposal to end the pool; who confirms it names its shown_sha256."""

    class Meta:
        model = EndingProposal
        fields = [
            "number",
            "state",
            "reason",
            "cover_end_date",
            "run_off_end_date",
            "shown_sha256",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
        ]


class EndingProposalText(serializers.Serializer[Any]):
    """Why, and from which day on nobody is covered any more."""

    reason = serializers.CharField(max_length=1000)
    cover_end_date = serializers.DateField()


class EndingProposalList(DutyEndpoint, ListAPIView[EndingProposal]):
    """The proposals to end a pool, newest first."""

    duties = PLAN_READERS
    serializer_class = EndingProposalRow
    pagination_class = NewestNumber
    queryset = EndingProposal.objects.none()

    def get_queryset(self) -> QuerySet[EndingProposal]:
        """Return those of the pool that the address names."""
        return proposals_to_end(access_pool(code=self.kwargs["code"]))


class EndingProposing(DutyEndpoint):
    """A new proposal to end a pool."""

    duties = (ADMIN,)

    @extend_schema(
        operation_id="propose_ending", request=EndingProposalText, responses={201: EndingProposalRow}
    )
    def post(self, request: Request, code: str) -> Response:
        """Propose to end the pool; a controller confirms."""
        given = EndingProposalText(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.propose_ending(
            pool=access_pool(code=code),
            proposer=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(EndingProposalRow(made).data, status=201)


class EndingConfirmation(DutyEndpoint):
    """The notice, given by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="confirm_ending", request=ShownText, responses={201: NoticeRow})
    def post(self, request: Request, code: str, number: int) -> Response:
        """Give notice exactly as it was shown; nobody joins any more, and every member is told."""
        given = ShownText(data=request.data)
        given.is_valid(raise_exception=True)
        notice = endings.confirm_ending(
            proposal=access_ending_proposal(pool=access_pool(code=code), number=number),
            confirmer=cast(User, request.user).code,
            at=clock.now(),
            **given.validated_data,
        )
        return Response(NoticeRow(notice).data, status=201)


class EndingWithdrawal(DutyEndpoint):
    """Taking a proposal back, or turning it down."""

    duties = (ADMIN, CONTROLLER)

    @extend_schema(operation_id="withdraw_ending", request=None, responses=EndingProposalRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """End it; the pool goes on."""
        found = access_ending_proposal(pool=access_pool(code=code), number=number)
        done = services.withdraw_ending_proposal(
            proposal=found, withdrawer=cast(User, request.user).code, at=clock.now()
        )
        return Response(EndingProposalRow(done).data)


class Closing(DutyEndpoint):
    """From winding down to closed."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="close_pool", request=None, responses=PoolRow)
    def post(self, request: Request, code: str) -> Response:
        """Close a pool of which nothing is open any more."""
        pool = access_pool(code=code)
        endings.close_pool(pool=pool, closer=cast(User, request.user).code, at=clock.now())
        pool.refresh_from_db()
        return Response(PoolRow(pool).data)
