"""Arbitrations for programs: for everyone, for a claimant, for who appoints an arbiter, for the arbiter."""

from typing import Any, ClassVar, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint, PersonalEndpoint, idempotency_key
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.filing.selectors import access_claim
from claims.jury import arbiter_selectors as found_by
from claims.jury import arbiters
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import APPOINTING, CONTROLLER, POOL_ADMIN
from claims.jury.selectors import brief_of
from claims.review.link_api import LinkAddress, address_of
from claims.review.selectors import public_ref
from members.people.models import User
from members.pools.api import DutyEndpoint, StrongEndpoint, public_pool
from members.pools.selectors import access_pool


class ArbitrationRow(serializers.Serializer[Any]):
    """A case that an outside arbiter decides; eligible: how many could be drawn as jurors, too few for a jury."""

    ref = serializers.SerializerMethodField()
    state = serializers.CharField()
    eligible = serializers.IntegerField()
    in_plan = serializers.BooleanField()
    asked_at = serializers.DateTimeField()
    until_date = serializers.DateField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)

    def get_ref(self, one: Arbitration) -> str:
        """Return the name of the case in the log."""
        return public_ref(one.claim)


class NamedArbitrationRow(ArbitrationRow):
    """The same with who decides, for those who appoint."""

    name = serializers.SerializerMethodField()

    def get_name(self, one: Arbitration) -> str:
        """Return name, organization and how to reach them."""
        return found_by.told(one).name


class ArbitrationOfMyClaimRow(NamedArbitrationRow):
    """The same with the reason, for the claimant."""

    reason = serializers.SerializerMethodField()

    def get_reason(self, one: Arbitration) -> str:
        """Return why they decided so; empty: not yet."""
        return found_by.told(one).reason


class ArbiterText(serializers.Serializer[Any]):
    """Name, organization, and how to reach who is proposed."""

    name = serializers.CharField(max_length=200)


class ArbiterAgreementText(serializers.Serializer[Any]):
    """Whether a controller agrees."""

    agrees = serializers.BooleanField()


class ArbiterLinkText(serializers.Serializer[Any]):
    """The link by which the arbiter takes the case on, once; it is kept nowhere."""

    link = serializers.CharField()


class ArbiterTokenText(serializers.Serializer[Any]):
    """The last part of the link."""

    token = serializers.CharField(max_length=80)


class ArbiterCaseRow(serializers.Serializer[Any]):
    """A case that is the person's to decide; until_date: the last day on which it is theirs to see."""

    code = serializers.CharField()
    pool = serializers.CharField(source="claim.pool.code")
    until_date = serializers.DateField()


class ArbiterReasonRow(serializers.Serializer[Any]):
    """A decision as its claimant agreed to show it."""

    outcome = serializers.CharField()
    clause = serializers.CharField()
    finding = serializers.CharField()
    reason = serializers.CharField()


class ArbiterBriefRow(ArbiterCaseRow):
    """The same with what its claimant agreed to show, as to jurors."""

    face = serializers.DictField(child=serializers.CharField())
    plan_version = serializers.IntegerField()
    statement = serializers.CharField()
    appeal = serializers.CharField()
    reasons = ArbiterReasonRow(many=True)


class ArbiterDecisionText(serializers.Serializer[Any]):
    """What is decided, and why."""

    outcome = serializers.ChoiceField(choices=Arbitration.Outcome.choices)
    reason = serializers.CharField(min_length=40, max_length=8000)


class ArbitrationList(Endpoint):
    """The cases of a pool that outside arbiters decide, for everyone."""

    @extend_schema(operation_id="arbitrations", responses=ArbitrationRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the newest two hundred."""
        found = found_by.arbitrations_of(public_pool(request, code))[:200]
        return Response(ArbitrationRow(found, many=True).data)


class ArbitrationDetail(Endpoint):
    """One of them, for everyone."""

    @extend_schema(operation_id="arbitration", responses=ArbitrationRow)
    def get(self, request: Request, code: str, ref: str) -> Response:
        """Return it."""
        one = found_by.access_arbitration(pool=public_pool(request, code), ref=ref)
        return Response(ArbitrationRow(one).data)


class ArbitrationOfMyClaim(PersonalEndpoint):
    """The outside arbiter of one of my claims."""

    @extend_schema(operation_id="arbitration_of_my_claim", responses=ArbitrationOfMyClaimRow)
    def get(self, request: Request, claim: str) -> Response:
        """Return how far it is, and what was decided and why; absent where no arbiter decides."""
        found = access_claim(user=_person(request), code=claim)
        one = found_by.arbitration_of(found)
        if one is None:
            raise NotFoundError(_("No arbiter decides on such a case in this pool."))
        return Response(ArbitrationOfMyClaimRow(one).data)


class _OfAppointing(DutyEndpoint):
    duties: ClassVar[tuple[str, ...]] = APPOINTING

    def one(self, request: Request, code: str, ref: str) -> Arbitration:
        """Return an arbitration in which the person may do something or see who it is. Raises: NotFoundError."""
        found = found_by.access_arbitration(pool=access_pool(code=code), ref=ref)
        if not found_by.rights_in(found, _person(request), clock.now()):
            raise NotFoundError(_("No arbiter decides on such a case in this pool."))
        return found

    def shown(self, code: str, ref: str, status: int = 200) -> Response:
        """Answer with the arbitration as it is now."""
        one = found_by.access_arbitration(pool=access_pool(code=code), ref=ref)
        return Response(NamedArbitrationRow(one).data, status=status)


class ArbiterAppointment(_OfAppointing):
    """Who is appointed to decide a case."""

    @extend_schema(operation_id="arbiter_appointment", responses=NamedArbitrationRow)
    def get(self, request: Request, code: str, ref: str) -> Response:
        """Return how far it is, and who."""
        self.one(request, code, ref)
        return self.shown(code, ref)


class ArbiterProposal(_OfAppointing):
    """A proposal of who decides."""

    duties = (POOL_ADMIN,)

    @extend_schema(operation_id="propose_arbiter", request=ArbiterText, responses=NamedArbitrationRow)
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Propose somebody."""
        one, told = self.one(request, code, ref), _valid(ArbiterText, request)
        arbiters.propose_arbiter(arbitration=one, admin=_person(request).code, at=clock.now(), **told)
        return self.shown(code, ref)


class ArbiterAgreement(_OfAppointing):
    """The word of a controller on who was proposed."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="agree_to_arbiter", request=ArbiterAgreementText, responses=NamedArbitrationRow
    )
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Agree, or not."""
        one, told = self.one(request, code, ref), _valid(ArbiterAgreementText, request)
        arbiters.agree_to_arbiter(arbitration=one, controller=_person(request).code, at=clock.now(), **told)
        return self.shown(code, ref)


class ArbiterLink(_OfAppointing):
    """The link of an arbitration."""

    duties = (POOL_ADMIN,)

    @extend_schema(operation_id="link_arbiter", request=LinkAddress, responses={201: ArbiterLinkText})
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Make it; one made before stops working."""
        one = self.one(request, code, ref)
        link = arbiters.make_link(
            arbitration=one, admin=_person(request).code, at=clock.now(), address=address_of(request)
        )
        return Response(ArbiterLinkText({"link": link}).data, status=201)


class ArbiterReplacement(_OfAppointing):
    """The end of an arbitration whose arbiter is late."""

    duties = (POOL_ADMIN,)

    @extend_schema(operation_id="replace_arbiter", request=None, responses=NamedArbitrationRow)
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Want another arbiter."""
        one = self.one(request, code, ref)
        arbiters.replace(arbitration=one, admin=_person(request).code, at=clock.now())
        return self.shown(code, ref)


class _Decides(StrongEndpoint):
    def mine(self, request: Request, arbitration: str) -> Arbitration:
        """Return what the person decides now under that code; any other is absent. Raises: NotFoundError."""
        return found_by.access_case(person=_person(request), code=arbitration)


class MyArbitrations(_Decides):
    """What I decide from outside, each until its day."""

    @extend_schema(operation_id="my_arbitrations", responses=ArbiterCaseRow(many=True))
    def get(self, request: Request) -> Response:
        """Return them, oldest first."""
        return Response(ArbiterCaseRow(found_by.running_arbitrations(_person(request)), many=True).data)


class ArbiterAcceptance(_Decides):
    """Taking a case on."""

    @extend_schema(
        operation_id="accept_arbitration", request=ArbiterTokenText, responses={201: ArbiterCaseRow}
    )
    def post(self, request: Request) -> Response:
        """Take it on by its link, which is used up by it."""
        told = _valid(ArbiterTokenText, request)
        made = arbiters.accept_arbitration(token=told["token"], person=_person(request), at=clock.now())
        return Response(ArbiterCaseRow(made).data, status=201)


class MyArbitration(_Decides):
    """One case that I decide."""

    @extend_schema(operation_id="my_arbitration", responses=ArbiterBriefRow)
    def get(self, request: Request, arbitration: str) -> Response:
        """Return what its claimant agreed to show; they see that it was read."""
        one = self.mine(request, arbitration)
        claim, brief = one.claim, brief_of(one.claim)
        assert claim.plan_version is not None
        audit.record(actor=_person(request).code, action="open_claim", subject=claim.code, purpose="arbiter")
        row = {
            **ArbiterCaseRow(one).data,
            "face": claim.masked or {},
            "plan_version": claim.plan_version.number,
            "statement": brief.statement,
            "appeal": brief.appeal,
            "reasons": [
                {"outcome": made.outcome, "clause": made.clause, "finding": finding, "reason": reason}
                for made, finding, reason in brief.reasons
            ],
        }
        return Response(row)


class ArbiterDecision(_Decides):
    """The decision that ends an arbitration."""

    @extend_schema(
        operation_id="decide_as_arbiter",
        request=ArbiterDecisionText,
        responses={204: None},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, arbitration: str) -> Response:
        """Decide, once; the same Idempotency-Key again is the same decision. The case is absent from then on."""
        person, key = _person(request), idempotency_key(request)
        told = _valid(ArbiterDecisionText, request)
        if found_by.decided_by(person, arbitration) is None:
            one = self.mine(request, arbitration)

            def act() -> dict[str, Any]:
                arbiters.decide(arbitration=one, person=person, at=clock.now(), **told)
                return {}

            once(scope=f"{person.code}/arbiter/{one.code}", key=key, content=told, act=act)
        return Response(status=204)


class ArbiterDeclined(_Decides):
    """A case given back undecided."""

    @extend_schema(operation_id="decline_arbitration", request=None, responses={204: None})
    def post(self, request: Request, arbitration: str) -> Response:
        """Give it back; somebody else is appointed."""
        one = self.mine(request, arbitration)
        arbiters.decline(arbitration=one, person=_person(request), at=clock.now())
        return Response(status=204)


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _person(request: Request) -> User:
    return cast(User, request.user)
