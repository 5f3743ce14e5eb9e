"""Arrears for programs: my own standing and request for a pause; late members; pauses and their decision."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once, scope_of
from ledger.custody import arrears_selectors, hardship
from ledger.custody.api import MoneyDeed, OrderAnswer, OrderState, ReleaseText
from ledger.custody.arrears_models import MAX_REASON, HardshipPause
from ledger.custody.arrears_views import ASKERS
from ledger.custody.pages import ADMIN, CONTROLLER, READERS
from ledger.custody.selectors import access_membership_no
from members.joining.selectors import access_membership
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber, viewer_duties
from members.pools.arrears_terms import MAX_GRACE_DAYS
from members.pools.selectors import access_pool

STATES = tuple(arrears_selectors.STATES)


class OpenShareRow(serializers.Serializer[Any]):
    """A share that is not paid, in minor units. last_date: the last day of its grace; null where nothing follows."""

    period = serializers.IntegerField(source="period_no")
    open_fen = serializers.IntegerField()
    asked_date = serializers.DateField()
    last_date = serializers.DateField(allow_null=True)
    paused_days = serializers.IntegerField()


class StandingBody(serializers.Serializer[Any]):
    """What I have not paid, in minor units, and what has become of my membership by it.

    suspended_until: the last day on which everything open brings it back. free_days: how many a pause may still add.
    """

    open_fen = serializers.IntegerField()
    is_in_grace = serializers.BooleanField()
    last_date = serializers.DateField(allow_null=True)
    is_suspended = serializers.BooleanField()
    suspended_until = serializers.DateField(source="suspension.until_date", allow_null=True, default=None)
    pause = serializers.CharField(source="pause.state", allow_null=True, default=None)
    free_days = serializers.IntegerField()
    shares = OpenShareRow(many=True)


class PauseText(serializers.Serializer[Any]):
    """Why somebody cannot pay now."""

    reason = serializers.CharField(max_length=MAX_REASON)


class PauseNumber(serializers.Serializer[Any]):
    """The number of a pause in its pool."""

    number = serializers.IntegerField()


class MyArrears(PersonalEndpoint):
    """What I have not paid, and asking for more days."""

    policy = "member"

    @extend_schema(operation_id="my_arrears", responses=StandingBody)
    def get(self, request: Request, code: str) -> Response:
        """Return one's own standing; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        today = clock.today(membership.pool.time_zone)
        return Response(StandingBody(arrears_selectors.standing_of(membership, today)).data)

    @extend_schema(
        operation_id="ask_my_pause", request=PauseText, responses={201: PauseNumber}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str) -> Response:
        """Ask for a pause; two people of the pool decide."""
        person = cast(User, request.user)
        membership = access_membership(code=code, person=person)
        given = PauseText(data=request.data)
        given.is_valid(raise_exception=True)

        def act() -> dict[str, Any]:
            made = hardship.ask_pause(
                membership=membership, asker=person.code, at=clock.now(), **given.validated_data
            )
            return {"number": made.number}

        answer = once(
            scope=scope_of(person.code, code, "my_pause"),
            key=idempotency_key(request),
            content=given.validated_data,
            act=act,
        )
        return Response(PauseNumber(answer).data, status=201)


class LateRow(serializers.Serializer[Any]):
    """A member with open shares, in minor units, as the page lists them."""

    membership = serializers.IntegerField(source="number")
    state = serializers.ChoiceField(STATES)
    shares = serializers.IntegerField()
    open_fen = serializers.IntegerField()
    oldest_period = serializers.IntegerField(source="oldest_no")
    since_date = serializers.DateField()
    until_date = serializers.DateField(allow_null=True)
    days = serializers.IntegerField()
    paused_days = serializers.IntegerField()
    pause = serializers.CharField(allow_null=True)


class StateAsked(serializers.Serializer[Any]):
    """Which members are listed; empty: all of them."""

    state = serializers.ChoiceField(STATES, required=False, allow_blank=True, default="")


class LateList(DutyEndpoint):
    """The members with open shares of whom something is to come soonest."""

    duties = READERS

    @extend_schema(
        operation_id="late_members",
        responses=LateRow(many=True),
        parameters=[OpenApiParameter("state", str, enum=STATES)],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return at most as many as the page shows; the CSV file has all."""
        asked = StateAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        rows = arrears_selectors.late_members(access_pool(code=code), asked.validated_data["state"])
        return Response(LateRow(rows, many=True).data)


class PauseRow(serializers.ModelSerializer[HardshipPause]):
    """A pause, with the hash that a grant names; membership: its number.

    reason: for pool admins and controllers, while there is something to decide; else empty.
    """

    membership = serializers.IntegerField(source="membership.number")
    reason = serializers.SerializerMethodField()

    class Meta:
        model = HardshipPause
        fields = [
            "number", "membership", "reason", "state", "asked_by", "asked_at", "days", "proposed_by", "proposed_at",
            "shown_sha256", "upto_period_no", "decided_by", "decided_at",
        ]  # fmt: skip

    def get_reason(self, pause: HardshipPause) -> str:
        """Return why, in their words, to whoever decides."""
        return hardship.read_reason(pause, self.context["duties"])


class PauseList(DutyEndpoint, ListAPIView[HardshipPause]):
    """The pauses for hardship of a pool, newest first."""

    duties = READERS
    serializer_class = PauseRow
    pagination_class = NewestNumber
    queryset = HardshipPause.objects.none()

    def get_queryset(self) -> QuerySet[HardshipPause]:
        """Return those of the pool that the address names."""
        return hardship.pauses_of(access_pool(code=self.kwargs["code"]))

    def get_serializer_context(self) -> dict[str, Any]:
        """Add what the reader is in the pool."""
        pool = access_pool(code=self.kwargs["code"])
        return {**super().get_serializer_context(), "duties": viewer_duties(self.request, pool)}


class PauseForText(PauseText):
    """For whom a pause is asked, and why."""

    membership = serializers.IntegerField(min_value=1, max_value=10**9 - 1)


class PauseRequest(MoneyDeed):
    """A request for a member who told that they cannot pay now."""

    duties = ASKERS

    @extend_schema(
        operation_id="ask_pause", request=PauseForText, responses={201: PauseNumber}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str) -> Response:
        """Ask for it; two people decide."""
        given = PauseForText(data=request.data)
        given.is_valid(raise_exception=True)
        told = given.validated_data
        member = access_membership_no(pool=access_pool(code=code), number=told["membership"])

        def act(person: User) -> dict[str, Any]:
            made = hardship.ask_pause(
                membership=member, reason=told["reason"], asker=person.code, at=clock.now()
            )
            return {"number": made.number}

        return Response(PauseNumber(self.do_once(request, "ask_pause", told, act)).data, status=201)


class DaysText(serializers.Serializer[Any]):
    """How many days are added to the grace."""

    days = serializers.IntegerField(min_value=1, max_value=MAX_GRACE_DAYS)


class PauseProposal(MoneyDeed):
    """The days of a pause, proposed by a pool admin."""

    duties = (ADMIN,)

    @extend_schema(
        operation_id="propose_pause", request=DaysText, responses=OrderAnswer, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Propose them; a controller grants exactly these."""
        given = DaysText(data=request.data)
        given.is_valid(raise_exception=True)
        found = hardship.access_pause(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = hardship.propose_pause(
                pause=found, proposer=person.code, at=clock.now(), **given.validated_data
            )
            return {"number": done.number, "shown_sha256": done.shown_sha256}

        answer = self.do_once(request, f"propose_pause/{number}", given.validated_data, act)
        return Response(OrderAnswer(answer).data)


class PauseGrant(MoneyDeed):
    """The grant of a pause by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="grant_pause", request=ReleaseText, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Grant exactly what was shown; the member is told until when they stay covered."""
        given = ReleaseText(data=request.data)
        given.is_valid(raise_exception=True)
        found = hardship.access_pause(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = hardship.grant_pause(
                pause=found, granter=person.code, at=clock.now(), **given.validated_data
            )
            return {"state": done.state}

        answer = self.do_once(request, f"grant_pause/{number}", given.validated_data, act)
        return Response(OrderState(answer).data)


class PauseRefusal(MoneyDeed):
    """Declining a pause."""

    duties = (ADMIN, CONTROLLER)

    @extend_schema(operation_id="decline_pause", request=None, responses=OrderState, parameters=[KEY_HEADER])
    def post(self, request: Request, code: str, number: int) -> Response:
        """Decline what waits; the grace stays as it is."""
        found = hardship.access_pause(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = hardship.decline_pause(pause=found, decliner=person.code, at=clock.now())
            return {"state": done.state}

        return Response(OrderState(self.do_once(request, f"decline_pause/{number}", {}, act)).data)
