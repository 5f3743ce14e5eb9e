"""Guardians for programs: asking to speak for a child, the children without one, and what two people decide."""

from collections.abc import Callable
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor, PersonalEndpoint
from members.joining import guardians
from members.joining.guardian_models import MAX_PROOF, GuardianRequest
from members.joining.guardian_views import ADMIN, CONTROLLER, DECIDERS
from members.joining.models import JoinApplication, Membership
from members.joining.selectors import access_membership
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber, ShownText
from members.pools.selectors import access_pool

_HASH = r"^[0-9a-f]{64}$"
_SIGNED_FOR = [JoinApplication.Relation.CHILD.value, JoinApplication.Relation.OTHER.value]


class GuardianshipText(serializers.Serializer[Any]):
    """For which child I ask, by its number, by which paper, and what I agree to: the covenant by its hash."""

    child = serializers.IntegerField(min_value=1, max_value=10**9 - 1)
    relation = serializers.ChoiceField(choices=_SIGNED_FOR)
    proof = serializers.CharField(max_length=MAX_PROOF)
    shown_sha256 = serializers.RegexField(_HASH)
    consent_health = serializers.BooleanField()
    consent_publication = serializers.BooleanField()
    has_agreed = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand both consents."""
        if not attrs["consent_health"] or not attrs["consent_publication"]:
            raise serializers.ValidationError(
                {"consent_health": "A guardian agrees to both for the child, again."}
            )
        return attrs


class GuardianRequestRow(serializers.ModelSerializer[GuardianRequest]):
    """A request; child, asker and guardian before by their numbers; with the hash that a grant names."""

    child = serializers.IntegerField(source="membership.number")
    asker = serializers.IntegerField(source="asker.number")
    previous = serializers.IntegerField(source="previous.number")

    class Meta:
        model = GuardianRequest
        fields = [
            "number", "child", "asker", "previous", "relation", "capacity", "covenant_sha256", "state", "asked_at",
            "proposed_at", "shown_sha256", "decided_at",
        ]  # fmt: skip


class GuardianRequestBody(GuardianRequestRow):
    """A request with the paper it names; for whoever decides only while there is something to decide."""

    proof = serializers.SerializerMethodField()

    class Meta(GuardianRequestRow.Meta):
        fields = [*GuardianRequestRow.Meta.fields, "proof"]

    def get_proof(self, request: GuardianRequest) -> str:
        """Return which paper gives the right."""
        is_waiting = request.state in (GuardianRequest.State.ASKED, GuardianRequest.State.PROPOSED)
        return guardians.proof_of(request) if is_waiting or self.context.get("is_own") else ""


class MyGuardianships(PersonalEndpoint):
    """What I have asked for, and asking."""

    policy = "member"

    @extend_schema(operation_id="my_guardianships", responses=GuardianRequestBody(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return my requests, newest first."""
        found = guardians.own_requests(access_membership(code=code, person=cast(User, request.user)))
        return Response(GuardianRequestBody(found, many=True, context={"is_own": True}).data)

    @extend_schema(
        operation_id="ask_guardianship", request=GuardianshipText, responses={201: GuardianRequestRow}
    )
    def post(self, request: Request, code: str) -> Response:
        """Ask to speak for a child; a second request for a child waits for the first."""
        membership = access_membership(code=code, person=cast(User, request.user))
        given = GuardianshipText(data=request.data)
        given.is_valid(raise_exception=True)
        told = given.validated_data
        asked = guardians.Asked(
            told["child"], told["relation"], told["proof"], told["has_agreed"], told["shown_sha256"]
        )
        made = guardians.ask_guardianship(asker=membership, asked=asked, at=clock.now())
        return Response(GuardianRequestRow(made).data, status=201)


class GuardianshipTakenBack(PersonalEndpoint):
    """A request that is taken back."""

    policy = "member"

    @extend_schema(operation_id="take_back_guardianship", request=None, responses=GuardianRequestRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Take one's own request back."""
        person = cast(User, request.user)
        found = guardians.access_own(asker=access_membership(code=code, person=person), number=number)
        done = guardians.decline_guardian(request=found, decliner=person.code, at=clock.now())
        return Response(GuardianRequestRow(done).data)


class ChildAlone(serializers.Serializer[Membership]):
    """A child without a guardian in the pool; why: how the membership of its guardian has ended."""

    child = serializers.IntegerField(source="number")
    guardian = serializers.IntegerField(source="family_member.guardian.number")
    why = serializers.CharField()
    since_date = serializers.DateField(source="family_member.guardian.end.end_date")
    is_asked = serializers.BooleanField()


class ByNumber(Cursor):
    """By number."""

    ordering = "number"


class ChildrenAlone(DutyEndpoint, ListAPIView[Membership]):
    """The children without a guardian in the pool."""

    duties = DECIDERS
    serializer_class = ChildAlone
    pagination_class = ByNumber
    queryset = Membership.objects.none()

    def get_queryset(self) -> QuerySet[Membership]:
        """Return those of the pool that the address names."""
        return guardians.left_alone(access_pool(code=self.kwargs["code"]))


class GuardianRequestList(DutyEndpoint, ListAPIView[GuardianRequest]):
    """The requests of a pool, newest first."""

    duties = DECIDERS
    serializer_class = GuardianRequestBody
    pagination_class = NewestNumber
    queryset = GuardianRequest.objects.none()

    def get_queryset(self) -> QuerySet[GuardianRequest]:
        """Return those of the pool that the address names."""
        return guardians.requests_of(access_pool(code=self.kwargs["code"]))


class _Decision(DutyEndpoint):
    def decide(
        self, request: Request, code: str, number: int, act: Callable[[GuardianRequest, str], GuardianRequest]
    ) -> Response:
        """Do it to the request of that number, as who asks."""
        found = guardians.access_request(pool=access_pool(code=code), number=number)
        return Response(GuardianRequestRow(act(found, cast(User, request.user).code)).data)


class GuardianProposal(_Decision):
    """The proposal of a pool admin who has seen the paper."""

    duties = (ADMIN,)

    @extend_schema(operation_id="propose_guardian", request=None, responses=GuardianRequestRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Propose the asker; a controller grants exactly what is shown."""
        return self.decide(
            request,
            code,
            number,
            lambda found, person: guardians.propose_guardian(request=found, proposer=person, at=clock.now()),
        )


class GuardianGrant(_Decision):
    """The grant by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="grant_guardian", request=ShownText, responses=GuardianRequestRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Grant exactly what was shown: the asker speaks for the child from now on."""
        given = ShownText(data=request.data)
        given.is_valid(raise_exception=True)
        return self.decide(
            request,
            code,
            number,
            lambda found, person: guardians.grant_guardian(
                request=found, granter=person, at=clock.now(), **given.validated_data
            ),
        )


class GuardianRefusal(_Decision):
    """Declining a request."""

    duties = DECIDERS

    @extend_schema(operation_id="decline_guardian", request=None, responses=GuardianRequestRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Decline what waits; the asker is told."""
        return self.decide(
            request,
            code,
            number,
            lambda found, person: guardians.decline_guardian(request=found, decliner=person, at=clock.now()),
        )
