"""Corrections of an identity for programs: asking, and what two people decide."""

from collections.abc import Callable
from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.joining import corrections
from members.joining.child_papers import paper_of_family
from members.joining.correction_models import IdentityCorrection
from members.joining.correction_views import ADMIN, CONTROLLER, DECIDERS, WAITING
from members.joining.family import access_child
from members.joining.family_models import FamilyMember
from members.joining.forms import CorrectionForm
from members.joining.models import Membership
from members.joining.selectors import access_membership
from members.people.identity import Paper, paper_of
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber, ShownText
from members.pools.document_kinds import taken_beside
from members.pools.selectors import access_pool


class PaperBody(serializers.Serializer[Any]):
    """Who somebody is on paper."""

    name = serializers.CharField()
    birth_date = serializers.DateField()
    document = serializers.CharField(source="kind")
    country = serializers.CharField()
    number = serializers.CharField()


class CorrectionText(serializers.Serializer[Any]):
    """What is right, why it was recorded otherwise, which paper shows it; an identity number says the birth date."""

    name = serializers.CharField(max_length=80)
    document = serializers.CharField(max_length=12)
    number = serializers.CharField(max_length=30)
    country = serializers.CharField(max_length=2, default="")
    birth_date = serializers.DateField(required=False)
    reason = serializers.CharField(max_length=1000)
    proof = serializers.CharField(max_length=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Judge the document as the page does."""
        form = CorrectionForm({**attrs, "kind": attrs["document"]}, documents=self.context["documents"])
        if not form.is_valid():
            named = {
                "document" if field == "kind" else field: [str(one) for one in said]
                for field, said in form.errors.items()
            }
            raise serializers.ValidationError(named)
        return {"wrong": corrections.Wrong(form.paper(), attrs["reason"], attrs["proof"])}


class CorrectionRow(serializers.ModelSerializer[IdentityCorrection]):
    """A request, without who it is about; with the hash that a grant names."""

    pool = serializers.CharField(source="pool.code")
    member = serializers.IntegerField(source="membership.number")

    class Meta:
        model = IdentityCorrection
        fields = [
            "pool", "number", "member", "state", "asked_at", "proposed_at", "shown_sha256", "decided_at",
            "effective_date",
        ]  # fmt: skip


class OwnCorrectionRow(CorrectionRow):
    """A request of one's own, with what was asked for and why."""

    right = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    proof = serializers.SerializerMethodField()

    class Meta(CorrectionRow.Meta):
        fields = [*CorrectionRow.Meta.fields, "right", "reason", "proof"]

    @extend_schema_field(PaperBody)
    def get_right(self, one: IdentityCorrection) -> dict[str, Any]:
        """Return what is asked for."""
        return dict(PaperBody(corrections.right_paper(one)).data)

    def get_reason(self, one: IdentityCorrection) -> str:
        """Return why."""
        return corrections.reason_of(one)

    def get_proof(self, one: IdentityCorrection) -> str:
        """Return which paper shows it."""
        return corrections.proof_of(one)


class RulesSayBody(serializers.Serializer[corrections.RulesSay]):
    """What the rules of one membership say of the birth date; refusal: why it cannot be recorded."""

    pool = serializers.CharField(source="pool.code")
    joined_age = serializers.IntegerField()
    eligible_date = serializers.DateField(allow_null=True)
    signed_date = serializers.DateField(allow_null=True)
    refusal = serializers.CharField(allow_null=True)


class CorrectionBody(serializers.Serializer[Any]):
    """A request for whoever decides: opened only while there is something to decide."""

    correction = CorrectionRow()
    known = PaperBody(allow_null=True)
    right = PaperBody(allow_null=True)
    reason = serializers.CharField()
    proof = serializers.CharField()
    rules = RulesSayBody(many=True)


class MyIdentityBody(serializers.Serializer[Any]):
    """Who I am on paper, and what I have asked to be corrected."""

    known = PaperBody(allow_null=True)
    requests = OwnCorrectionRow(many=True)


class MyIdentity(PersonalEndpoint):
    """Who I am on paper, and asking for a correction."""

    policy = "member"

    @extend_schema(operation_id="my_identity", responses=MyIdentityBody)
    def get(self, request: Request, code: str) -> Response:
        """Return what is recorded of me, and my requests, newest first."""
        person = cast(User, request.user)
        access_membership(code=code, person=person)
        told = {"known": paper_of(person), "requests": corrections.own_corrections(person)}
        return Response(MyIdentityBody(told).data)

    @extend_schema(
        operation_id="ask_identity_correction", request=CorrectionText, responses={201: CorrectionRow}
    )
    def post(self, request: Request, code: str) -> Response:
        """Ask for a correction; a second request waits for the first."""
        person = cast(User, request.user)
        membership = access_membership(code=code, person=person)
        given = CorrectionText(data=request.data, context=_taken(membership, paper_of(person)))
        given.is_valid(raise_exception=True)
        made = corrections.ask_correction(
            membership=membership, wrong=given.validated_data["wrong"], at=clock.now()
        )
        return Response(CorrectionRow(made).data, status=201)


def _taken(membership: Membership, known: Paper | None) -> dict[str, Any]:
    """Return the context of `CorrectionText`: which documents can be told."""
    pool = membership.pool
    return {"documents": taken_beside(pool, known.kind if known else "", clock.today(pool.time_zone))}


class CorrectionTakenBack(PersonalEndpoint):
    """A request that is taken back."""

    policy = "member"

    @extend_schema(operation_id="take_back_identity_correction", request=None, responses=CorrectionRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Take one's own request back."""
        person = cast(User, request.user)
        found = corrections.access_own(membership=access_membership(code=code, person=person), number=number)
        done = corrections.decline_correction(correction=found, decliner=person.code, at=clock.now())
        return Response(CorrectionRow(done).data)


class ChildIdentity(PersonalEndpoint):
    """Who a child of mine without an account is on paper, and asking for a correction."""

    policy = "member"

    @extend_schema(operation_id="child_identity", responses=MyIdentityBody)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return what is recorded of the child, and my requests, newest first."""
        member = _child(request, code, number)
        told = {
            "known": paper_of_family(member),
            "requests": corrections.child_corrections(member.membership),
        }
        return Response(MyIdentityBody(told).data)

    @extend_schema(
        operation_id="ask_child_correction", request=CorrectionText, responses={201: CorrectionRow}
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Ask for a correction; a second request waits for the first."""
        member = _child(request, code, number)
        taken = _taken(member.membership, paper_of_family(member))
        given = CorrectionText(data=request.data, context=taken)
        given.is_valid(raise_exception=True)
        wrong = given.validated_data["wrong"]
        made = corrections.ask_child_correction(member=member, wrong=wrong, at=clock.now())
        return Response(CorrectionRow(made).data, status=201)


class ChildCorrectionTakenBack(PersonalEndpoint):
    """A request for a child that is taken back."""

    policy = "member"

    @extend_schema(operation_id="take_back_child_correction", request=None, responses=CorrectionRow)
    def post(self, request: Request, code: str, number: int, request_no: int) -> Response:
        """Take it back."""
        membership = _child(request, code, number).membership
        found = corrections.access_own(membership=membership, number=request_no)
        person = cast(User, request.user)
        done = corrections.decline_correction(correction=found, decliner=person.code, at=clock.now())
        return Response(CorrectionRow(done).data)


def _child(request: Request, code: str, number: int) -> FamilyMember:
    own = access_membership(code=code, person=cast(User, request.user))
    return access_child(guardian=own, number=number)


class CorrectionList(DutyEndpoint, ListAPIView[IdentityCorrection]):
    """The requests of a pool, newest first, without who they are about."""

    duties = DECIDERS
    serializer_class = CorrectionRow
    pagination_class = NewestNumber
    queryset = IdentityCorrection.objects.none()

    def get_queryset(self) -> QuerySet[IdentityCorrection]:
        """Return those of the pool that the address names."""
        return corrections.corrections_of(access_pool(code=self.kwargs["code"]))


class CorrectionDetail(DutyEndpoint):
    """One request."""

    duties = DECIDERS

    @extend_schema(operation_id="identity_correction", responses=CorrectionBody)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return what stands and what is asked for; nothing of either once it is decided."""
        found = corrections.access_correction(pool=access_pool(code=code), number=number)
        if found.state in WAITING:
            return Response(CorrectionBody(corrections.shown(found)).data)
        closed: dict[str, object] = {
            "correction": found,
            "known": None,
            "right": None,
            "reason": "",
            "proof": "",
            "rules": [],
        }
        return Response(CorrectionBody(closed).data)


class _Decision(DutyEndpoint):
    def decide(
        self,
        request: Request,
        code: str,
        number: int,
        act: Callable[[IdentityCorrection, str], IdentityCorrection],
    ) -> Response:
        """Do it to the request of that number, as who asks."""
        found = corrections.access_correction(pool=access_pool(code=code), number=number)
        return Response(CorrectionRow(act(found, cast(User, request.user).code)).data)


class CorrectionProposal(_Decision):
    """The proposal of a pool admin who has seen the paper."""

    duties = (ADMIN,)

    @extend_schema(operation_id="propose_identity_correction", request=None, responses=CorrectionRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Propose it; a controller grants exactly what is shown."""
        return self.decide(
            request,
            code,
            number,
            lambda found, person: corrections.propose_correction(
                correction=found, proposer=person, at=clock.now()
            ),
        )


class CorrectionGrant(_Decision):
    """The grant by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(operation_id="grant_identity_correction", request=ShownText, responses=CorrectionRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Grant exactly what was shown: it counts from the next day on."""
        given = ShownText(data=request.data)
        given.is_valid(raise_exception=True)
        return self.decide(
            request,
            code,
            number,
            lambda found, person: corrections.grant_correction(
                correction=found, granter=person, at=clock.now(), **given.validated_data
            ),
        )


class CorrectionRefusal(_Decision):
    """Declining a request."""

    duties = DECIDERS

    @extend_schema(operation_id="decline_identity_correction", request=None, responses=CorrectionRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Decline what waits; who has asked is told."""
        return self.decide(
            request,
            code,
            number,
            lambda found, person: corrections.decline_correction(
                correction=found, decliner=person, at=clock.now()
            ),
        )
