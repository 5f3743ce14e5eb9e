"""A claimant's own claim in full, what they can do with it, and objections of other members, for programs."""

from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once
from claims.filing.api import ClaimRow
from claims.filing.consent import signed_layers
from claims.filing.models import Claim
from claims.filing.selectors import access_claim
from claims.filing.services import what_is_missing
from claims.filing.states import OPEN_TO_CLAIMANT
from claims.publicity import selectors, services
from claims.publicity.letter_views import pdf_response
from claims.publicity.letters import access_decision, letter_pdf
from claims.review.appeals import appeal, read_appeal
from claims.review.selectors import cited_papers, concurrence_of, read_finding, read_reason, read_request
from ledger.sharing.layers import REVIEWERS
from members.people.models import User


class AskedRow(serializers.Serializer[Any]):
    """What a reviewer asks for now."""

    kinds = serializers.ListField(child=serializers.CharField())
    message = serializers.SerializerMethodField()

    def get_message(self, asked: Any) -> str:
        """Return the reviewer's words."""
        return read_request(asked)


class CitedPaperRow(serializers.Serializer[Any]):
    """A paper on which a decision rests: what it is, and the hash of its bytes."""

    kind = serializers.CharField()
    sha256 = serializers.CharField()
    added_at = serializers.DateTimeField()


class DecisionRow(serializers.Serializer[Any]):
    """How the claim was decided: clause and papers, what the first reviewer found, and the reason of the second.

    round: the number of its letter. papers: those on which it rests. agreement: of the other second reviewer, where the
    amount takes two.
    """

    round = serializers.IntegerField()
    outcome = serializers.CharField()
    aid_fen = serializers.IntegerField()
    clause = serializers.CharField()
    papers = serializers.SerializerMethodField()
    finding = serializers.SerializerMethodField()
    agreement = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    decided_at = serializers.DateTimeField()

    @extend_schema_field(CitedPaperRow(many=True))
    def get_papers(self, decision: Any) -> Any:
        """Return the papers that establish it."""
        return CitedPaperRow(cited_papers(decision), many=True).data

    def get_finding(self, decision: Any) -> str:
        """Return the reason of the recommendation."""
        return read_finding(decision)

    def get_agreement(self, decision: Any) -> str:
        """Return the reason of the first of two second reviewers; empty where one decides."""
        agreed = concurrence_of(decision.claim, decision.round)
        return read_reason(agreed) if agreed else ""

    def get_reason(self, decision: Any) -> str:
        """Return the reason that was given."""
        return read_reason(decision)


class AppealRow(serializers.Serializer[Any]):
    """An appeal against a refusal, and why."""

    reason = serializers.SerializerMethodField()
    appealed_at = serializers.DateTimeField()

    def get_reason(self, made: Any) -> str:
        """Return the claimant's words."""
        return read_appeal(made)


class UpheldRow(serializers.Serializer[Any]):
    """An objection that ended the case, and what it was answered."""

    answer = serializers.SerializerMethodField()
    answered_at = serializers.DateTimeField()

    def get_answer(self, upheld: Any) -> str:
        """Return the words of who answered."""
        return selectors.read_answer(upheld)


class TakenBackRow(serializers.Serializer[Any]):
    """Aid of the claim that was taken back before it was paid, in minor units, and what was found."""

    case = serializers.CharField(source="award.code")
    aid_fen = serializers.IntegerField()
    reason = serializers.CharField()
    decided_at = serializers.DateTimeField()


class ClaimAwardRow(serializers.Serializer[Any]):
    """The public case of the claim, or a rest of it; period: null until one shares it."""

    case = serializers.CharField(source="code")
    period = serializers.IntegerField(source="period.number", allow_null=True, default=None)
    aid_fen = serializers.IntegerField()
    shared_fen = serializers.IntegerField(allow_null=True)
    state = serializers.CharField()


class DeedRow(serializers.Serializer[Any]):
    """Something that happened to the claim."""

    deed = serializers.CharField(source="action")
    at = serializers.DateTimeField()


class ReaderRow(serializers.Serializer[Any]):
    """Somebody read papers or words: by: their code, and what for; kind, note: of a paper, else empty."""

    deed = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField()
    duty = serializers.CharField()
    purpose = serializers.CharField()
    kind = serializers.CharField()
    note = serializers.CharField()


class ClaimInFull(serializers.Serializer[Any]):
    """All that its owner is shown of a claim; missing: the parts without which it cannot be filed.

    decision: the last one. first_decision: what an appeal was made against, once the appeal is decided as well. upheld:
    the objection that ended the case. layers: what public, members and jurors are each told besides, at most;
    consent_sha256: over these and what reviewers read, as it was signed.
    """

    claim = ClaimRow()
    illness = serializers.CharField(source="claim.illness")
    event_date = serializers.DateField(source="claim.event_date", allow_null=True)
    aid_fen = serializers.IntegerField(source="claim.aid_fen", allow_null=True)
    missing = serializers.SerializerMethodField()
    asked = AskedRow(allow_null=True)
    decision = DecisionRow(allow_null=True)
    first_decision = DecisionRow(allow_null=True)
    upheld = UpheldRow(allow_null=True)
    appeal = AppealRow(allow_null=True)
    award = ClaimAwardRow(allow_null=True)
    rests = ClaimAwardRow(many=True)
    taken_back = TakenBackRow(many=True, source="revoked")
    layers = serializers.SerializerMethodField()
    consent_sha256 = serializers.CharField(source="claim.consent_sha256", allow_null=True)
    timeline = DeedRow(many=True, source="deeds")
    readers = ReaderRow(many=True)

    def get_layers(self, file: selectors.ClaimFile) -> dict[str, dict[str, Any]]:
        """Return what the layers below reviewers are told; empty before the signature."""
        return {layer: told for layer, told in signed_layers(file.claim).items() if layer != REVIEWERS}

    def get_missing(self, file: selectors.ClaimFile) -> list[str]:
        """Return what is missing while the claimant has the claim in hand."""
        return what_is_missing(file.claim) if file.claim.state in OPEN_TO_CLAIMANT else []


class AppealText(serializers.Serializer[Any]):
    """Why a refused claim should be looked at anew; read by the two people who decide on it."""

    reason = serializers.CharField(max_length=4000)


class _OwnClaim(PersonalEndpoint):
    """What the endpoints of one's own claim share."""

    def own(self, request: Request, claim: str) -> Claim:
        """Return the person's claim; absent and somebody else's answer alike. Raises: NotFoundError."""
        return access_claim(user=cast(User, request.user), code=claim)

    def shown(self, claim: Claim) -> Response:
        """Answer with the claim as it is now."""
        return Response(ClaimInFull(selectors.file_of(claim)).data)


class MyClaim(_OwnClaim):
    """One of my claims."""

    @extend_schema(operation_id="my_claim", responses=ClaimInFull)
    def get(self, request: Request, claim: str) -> Response:
        """Return the claim."""
        return self.shown(self.own(request, claim))


class DecisionLetter(_OwnClaim):
    """The letter of a decision as PDF, in one of the languages."""

    @extend_schema(operation_id="decision_letter", responses={(200, "application/pdf"): bytes})
    def get(self, request: Request, claim: str, number: int, language: str) -> HttpResponse:
        """Return the letter of the decision of a round: the same bytes each time."""
        decision = access_decision(claim=self.own(request, claim), round_no=number)
        return pdf_response(letter_pdf(decision, language), f"{claim}-{number}-{language}.pdf")


class ClaimWithdrawal(_OwnClaim):
    """Taking a claim back."""

    @extend_schema(operation_id="withdraw_claim", request=None, responses=ClaimInFull)
    def post(self, request: Request, claim: str) -> Response:
        """Take it back; taken back already: as it is."""
        found = self.own(request, claim)
        if found.state != Claim.State.WITHDRAWN:
            services.withdraw_claim(claim=found, claimant=cast(User, request.user).code, at=clock.now())
        return self.shown(self.own(request, claim))


class MakingAppeal(_OwnClaim):
    """An appeal against a refusal, once per claim and free of charge."""

    @extend_schema(
        operation_id="appeal_claim", request=AppealText, responses={201: ClaimInFull}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, claim: str) -> Response:
        """Appeal; the same Idempotency-Key again answers with the claim as it is then."""
        person, found = cast(User, request.user).code, self.own(request, claim)
        key = idempotency_key(request)
        given = AppealText(data=request.data)
        given.is_valid(raise_exception=True)
        reason = given.validated_data["reason"]

        def act() -> dict[str, Any]:
            appeal(claim=found, claimant=person, reason=reason, at=clock.now())
            return {}

        once(scope=f"{person}/appeal/{found.code}", key=key, content={"reason": reason}, act=act)
        answer = self.shown(self.own(request, claim))
        answer.status_code = 201
        return answer


class ReceiptConfirmation(_OwnClaim):
    """The word of the one who was helped that the aid has come."""

    @extend_schema(operation_id="confirm_receipt", request=None, responses=ClaimInFull)
    def post(self, request: Request, claim: str) -> Response:
        """Confirm; confirmed already: as it is."""
        found = self.own(request, claim)
        if found.state != Claim.State.CLOSED:
            services.confirm_receipt(claim=found, claimant=cast(User, request.user).code, at=clock.now())
        return self.shown(self.own(request, claim))
