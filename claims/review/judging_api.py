"""Judging a claim by programs: what is to be judged, recommend, and decide as a second person over what was shown."""

from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work import audit
from claims.filing.models import Claim
from claims.filing.selectors import read_story
from claims.review import blind, selectors, services
from claims.review.api import DeskRow
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.models import Clause, Decision, Outcome
from claims.review.openings import NotInHandError, reads_as
from members.people.models import User
from members.pools.api import DutyDeed, DutyEndpoint
from members.pools.selectors import access_pool, duties_of


class JudgmentText(serializers.Serializer[Any]):
    """A judgment: clause of the covenant, codes of the papers on which it rests, and the reason that is sealed."""

    clause = serializers.ChoiceField(Clause.choices)
    papers = serializers.ListField(child=serializers.CharField(max_length=24), max_length=200)
    reason = serializers.CharField(max_length=4000)


class RecommendationText(JudgmentText):
    """A recommendation. aid_fen: at most what the plan grants; accepted_spend_fen: of bills, where it asks for them."""

    outcome = serializers.ChoiceField([c for c in Outcome.choices if c[0] != "returned"])
    aid_fen = serializers.IntegerField(min_value=0)
    accepted_spend_fen = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)


class ReviewDecisionText(JudgmentText):
    """A decision: as recommended, or `returned`. shown_sha256: the hash of the claim as it was read."""

    outcome = serializers.ChoiceField(Outcome.choices)
    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class GivenJudgmentRow(serializers.Serializer[Any]):
    """A judgment as it was given. is_decided: not so of a recommendation, or the first of two."""

    outcome = serializers.CharField()
    is_decided = serializers.BooleanField()


class AdvisedRow(serializers.Serializer[Any]):
    """What the first reviewer recommended in this round."""

    reviewer = serializers.CharField()
    outcome = serializers.CharField()
    aid_fen = serializers.IntegerField()
    clause = serializers.CharField()
    papers = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()
    recommended_at = serializers.DateTimeField()


class ClaimToJudge(DeskRow):
    """A claim as whoever judges it reads it; shown_sha256 goes with the decision, of shown_text."""

    story = serializers.SerializerMethodField()
    derivation = serializers.JSONField()
    recommendation = serializers.SerializerMethodField()
    shown_text = serializers.SerializerMethodField()
    shown_sha256 = serializers.SerializerMethodField()

    class Meta(DeskRow.Meta):
        fields = [
            *DeskRow.Meta.fields, "round", "story", "derivation", "recommendation", "shown_text", "shown_sha256",
        ]  # fmt: skip

    def get_story(self, claim: Claim) -> str:
        """Return it in the claimant's words."""
        return read_story(claim)

    @extend_schema_field(AdvisedRow(allow_null=True))
    def get_recommendation(self, claim: Claim) -> dict[str, Any] | None:
        """Return that of this round, if there is one."""
        advised = claim.recommendations.filter(round=claim.round).first()
        if advised is None:
            return None
        names = ("reviewer", "outcome", "aid_fen", "clause", "papers", "recommended_at")
        row = {name: getattr(advised, name) for name in names}
        return dict(AdvisedRow(row | {"reason": selectors.read_reason(advised)}).data)

    def get_shown_text(self, claim: Claim) -> str:
        """Return the text that a decision is about."""
        return selectors.shown_text(claim)

    def get_shown_sha256(self, claim: Claim) -> str:
        """Return its hash."""
        return selectors.shown_sha256(claim)


def read_in_hand(request: Request, code: str, claim: str) -> Claim:
    """Return a claim that the person has in hand, and note that it was read. Raises: NotFoundError, NotInHandError."""
    person = cast(User, request.user)
    found = selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)
    duty = reads_as(found, person, duties_of(person, found.pool))
    if not duty or blind.waits_for(found, person):
        raise NotInHandError(
            _("Only the reviewer in charge reads a claim, and second reviewers while they decide.")
        )
    purpose = "review" if duty == REVIEWER else "second_review"
    audit.record(actor=person.code, action="open_claim", subject=found.code, purpose=purpose)
    return found


class DeskClaim(DutyEndpoint):
    """One claim in hand."""

    duties = (REVIEWER, SECOND_REVIEWER)

    @extend_schema(operation_id="desk_claim", responses=ClaimToJudge)
    def get(self, request: Request, code: str, claim: str) -> Response:
        """Return it; its claimant sees that it was read."""
        return Response(ClaimToJudge(read_in_hand(request, code, claim)).data)


class Recommending(DutyDeed):
    """Recommending on a claim."""

    duties = (REVIEWER,)

    @extend_schema(
        operation_id="recommend_claim",
        request=RecommendationText,
        responses={201: GivenJudgmentRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Recommend, as the reviewer in charge; it decides nothing."""
        found = selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)
        told = _valid(RecommendationText, request)

        def act(person: User) -> dict[str, Any]:
            made = services.recommend(claim=found, reviewer=person.code, at=clock.now(), **told)
            return {"outcome": made.outcome, "is_decided": False}

        return Response(self.do_once(request, f"recommend/{found.code}", told, act), status=201)


class Deciding(DutyDeed):
    """Deciding on a claim as a second person."""

    duties = (SECOND_REVIEWER,)

    @extend_schema(
        operation_id="decide_claim",
        request=ReviewDecisionText,
        responses={201: GivenJudgmentRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Decide over what was shown; where two have to agree, the first one's word is kept and decides nothing."""
        found = selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)
        told = _valid(ReviewDecisionText, request)

        def act(person: User) -> dict[str, Any]:
            made = services.decide(claim=found, decider=person.code, at=clock.now(), **told)
            return {"outcome": made.outcome, "is_decided": isinstance(made, Decision)}

        return Response(self.do_once(request, f"decide/{found.code}", told, act), status=201)


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)
