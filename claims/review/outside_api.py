"""Outside reviews for programs: for who appoints, for the outside reviewer, for a claimant."""

from typing import Any, ClassVar, cast

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint, idempotency_key
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.filing.models import MEDIA_TYPES, Claim
from claims.filing.paper_api import PaperRow
from claims.filing.selectors import access_claim, papers_of
from claims.filing.views import paper_response
from claims.review import openings, outside_reviews
from claims.review.judging_api import ClaimToJudge, GivenJudgmentRow, RecommendationText, ReviewDecisionText
from claims.review.link_api import LinkAddress, address_of
from claims.review.models import Decision
from claims.review.opening_api import PaperOpeningRow, PaperOpeningText
from claims.review.opening_models import PaperOpening
from claims.review.outside_models import OutsideReview
from claims.review.outside_pages import access_outside, rights_over
from claims.review.outside_selectors import (
    APPOINTING,
    CONTROLLER,
    POOL_ADMIN,
    access_review,
    live_review_of,
    outside_told,
    running_reviews,
    told,
)
from members.people.models import User
from members.pools.api import DutyEndpoint, StrongEndpoint


class OutsideReviewRow(serializers.Serializer[Any]):
    """Who judges one stage of a claim from outside, and why the pool has nobody."""

    code = serializers.CharField(source="review.code")
    stage = serializers.ChoiceField(OutsideReview.Stage.choices, source="review.stage")
    state = serializers.CharField(source="review.state")
    name = serializers.CharField()
    reason = serializers.CharField()
    accepted_at = serializers.DateTimeField(source="review.accepted_at", allow_null=True)
    until_date = serializers.DateField(source="review.until_date", allow_null=True)
    ended_at = serializers.DateTimeField(source="review.ended_at", allow_null=True)


class OutsideAppointmentRow(serializers.Serializer[Any]):
    """The stage for which a claim has nobody, or empty; who is proposed or at work; rights: what one may do now."""

    claim = serializers.CharField()
    lacks = serializers.CharField()
    review = OutsideReviewRow(allow_null=True)
    rights = serializers.ListField(child=serializers.CharField())


class OutsideReviewerText(serializers.Serializer[Any]):
    """Name, profession and how to reach who is proposed; why nobody of the pool can. The claimant reads both."""

    name = serializers.CharField(max_length=200)
    reason = serializers.CharField(max_length=1000)


class OutsideAgreementText(serializers.Serializer[Any]):
    """Whether a controller agrees."""

    agrees = serializers.BooleanField()


class OutsideLinkText(serializers.Serializer[Any]):
    """The link by which the outside reviewer takes the claim on, once; it is kept nowhere."""

    link = serializers.CharField()


class OutsideTokenText(serializers.Serializer[Any]):
    """The last part of the link."""

    token = serializers.CharField(max_length=80)


class OutsideCaseRow(serializers.Serializer[Any]):
    """A claim that is the person's; stage: recommend, decide, answer objections; until_date: the last day of it."""

    code = serializers.CharField()
    pool = serializers.CharField(source="claim.pool.code")
    stage = serializers.CharField()
    until_date = serializers.DateField()


class OutsideCaseInFull(OutsideCaseRow):
    """The same with the claim as whoever judges it reads it."""

    claim = ClaimToJudge()


class _OfAppointing(DutyEndpoint):
    duties: ClassVar[tuple[str, ...]] = APPOINTING

    def live(self, request: Request, code: str, claim: str) -> OutsideReview:
        """Return what is proposed or at work for a claim. Raises: NotFoundError."""
        live = live_review_of(access_outside(_person(request), code, claim))
        if live is None:
            raise NotFoundError(_("Nobody from outside is proposed for this claim."))
        return live

    def shown(self, request: Request, found: Claim, status: int = 200) -> Response:
        """Answer with the claim's appointment as it is now."""
        live = live_review_of(found)
        rights, lacks = rights_over(found, live, _person(request), clock.now())
        row = {
            "claim": found.code,
            "lacks": lacks,
            "review": told(live) if live else None,
            "rights": sorted(rights),
        }
        return Response(OutsideAppointmentRow(row).data, status=status)


class OutsideAppointment(_OfAppointing):
    """Who is to look at a claim from outside."""

    @extend_schema(operation_id="outside_appointment", responses=OutsideAppointmentRow)
    def get(self, request: Request, code: str, claim: str) -> Response:
        """Return how far it is; absent where the pool has somebody for the claim."""
        return self.shown(request, access_outside(_person(request), code, claim))


class OutsideProposal(_OfAppointing):
    """A proposal of who looks at it."""

    duties = (POOL_ADMIN,)

    @extend_schema(
        operation_id="propose_outside_reviewer",
        request=OutsideReviewerText,
        responses={201: OutsideAppointmentRow},
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Propose somebody."""
        found, given = access_outside(_person(request), code, claim), _valid(OutsideReviewerText, request)
        outside_reviews.propose(claim=found, admin=_person(request).code, at=clock.now(), **given)
        return self.shown(request, found, 201)


class OutsideAgreement(_OfAppointing):
    """The word of a controller on who was proposed."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="agree_to_outside_reviewer",
        request=OutsideAgreementText,
        responses=OutsideAppointmentRow,
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Agree, or not."""
        live, given = self.live(request, code, claim), _valid(OutsideAgreementText, request)
        outside_reviews.agree(review=live, controller=_person(request).code, at=clock.now(), **given)
        return self.shown(request, live.claim)


class OutsideLink(_OfAppointing):
    """The link of an outside review."""

    duties = (POOL_ADMIN,)

    @extend_schema(
        operation_id="link_outside_reviewer", request=LinkAddress, responses={201: OutsideLinkText}
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Make it; one made before stops working."""
        live = self.live(request, code, claim)
        link = outside_reviews.make_link(
            review=live, admin=_person(request).code, at=clock.now(), address=address_of(request)
        )
        return Response(OutsideLinkText({"link": link}).data, status=201)


class OutsideEnd(_OfAppointing):
    """The end of an outside review that is late, or that nobody needs any more."""

    duties = (POOL_ADMIN,)

    @extend_schema(operation_id="end_outside_review", request=None, responses=OutsideAppointmentRow)
    def post(self, request: Request, code: str, claim: str) -> Response:
        """End it."""
        live = self.live(request, code, claim)
        outside_reviews.end(review=live, admin=_person(request).code, at=clock.now())
        return self.shown(request, live.claim)


class _FromOutside(StrongEndpoint):
    def mine(self, request: Request, review: str) -> OutsideReview:
        """Return what the person judges now under that code; any other is absent. Raises: NotFoundError."""
        return access_review(person=_person(request), code=review)


class MyOutsideReviews(_FromOutside):
    """What I judge from outside, each until its day."""

    @extend_schema(operation_id="my_outside_reviews", responses=OutsideCaseRow(many=True))
    def get(self, request: Request) -> Response:
        """Return them, oldest first."""
        return Response(OutsideCaseRow(running_reviews(_person(request)), many=True).data)


class OutsideAcceptance(_FromOutside):
    """Taking a claim on."""

    @extend_schema(
        operation_id="accept_outside_review", request=OutsideTokenText, responses={201: OutsideCaseRow}
    )
    def post(self, request: Request) -> Response:
        """Take it on by its link, which is used up by it."""
        given = _valid(OutsideTokenText, request)
        made = outside_reviews.accept(token=given["token"], person=_person(request), at=clock.now())
        return Response(OutsideCaseRow(made).data, status=201)


class MyOutsideReview(_FromOutside):
    """One claim that I judge from outside."""

    @extend_schema(operation_id="my_outside_review", responses=OutsideCaseInFull)
    def get(self, request: Request, review: str) -> Response:
        """Return it; its claimant sees that it was read."""
        one, person = self.mine(request, review), _person(request)
        audit.record(actor=person.code, action="open_claim", subject=one.claim.code, purpose="outside_review")
        return Response(OutsideCaseInFull(one).data)


class OutsidePapers(_FromOutside):
    """The papers of a claim that I judge from outside."""

    @extend_schema(operation_id="outside_papers", responses=PaperRow(many=True))
    def get(self, request: Request, review: str) -> Response:
        """Return those that count, oldest first, without opening one."""
        return Response(PaperRow(papers_of(self.mine(request, review).claim), many=True).data)


class OutsideOpeningRow(PaperOpeningRow):
    """An opening of a paper by an outside reviewer."""

    def get_file(self, opening: PaperOpening) -> str:
        """Return the address of the file."""
        return reverse("api_outside_file", args=[self.context["review"], opening.pk])


class OutsideOpening(_FromOutside):
    """Opening one paper."""

    @extend_schema(
        operation_id="open_paper_from_outside",
        request=PaperOpeningText,
        responses={201: OutsideOpeningRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, review: str, paper: str) -> Response:
        """Note what it is opened for; the same Idempotency-Key again answers with the same opening."""
        one, person = self.mine(request, review), _person(request)
        key, what_for = idempotency_key(request), _valid(PaperOpeningText, request)

        def act() -> dict[str, Any]:
            made = openings.open_paper(
                claim=one.claim, code=paper, opener=person.code, at=clock.now(), **what_for
            )
            return {"opening": made.pk}

        answer = once(scope=f"{person.code}/open/{paper[:24]}", key=key, content=what_for, act=act)
        opening = openings.access_opening(claim=one.claim, person=person, opening_id=answer["opening"])
        return Response(OutsideOpeningRow(opening, context={"review": one.code}).data, status=201)


class OutsideFile(_FromOutside):
    """The paper of one of my openings."""

    @extend_schema(
        operation_id="opened_paper_from_outside",
        responses={(200, kind): OpenApiTypes.BINARY for kind in MEDIA_TYPES},
    )
    def get(self, request: Request, review: str, opening: int) -> HttpResponse:
        """Return it, marked; nothing of it is kept on the way."""
        found, person = self.mine(request, review), _person(request)
        one = openings.access_opening(claim=found.claim, person=person, opening_id=opening)
        marked = openings.marked_paper(claim=found.claim, opening=one, person=person, at=clock.now())
        return paper_response(marked, f"{one.paper.code}-{one.pk}")


class OutsideRecommendation(_FromOutside):
    """The recommendation that ends my review."""

    @extend_schema(
        operation_id="recommend_from_outside",
        request=RecommendationText,
        responses={201: GivenJudgmentRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, review: str) -> Response:
        """Recommend, once; the claim is absent from then on. The same Idempotency-Key again is the same word."""
        given, key, person = _valid(RecommendationText, request), idempotency_key(request), _person(request)

        def act() -> dict[str, Any]:
            one = self.mine(request, review)
            made = outside_reviews.recommend(review=one, person=person, at=clock.now(), **given)
            return {"outcome": made.outcome, "is_decided": False}

        answer = once(scope=f"{person.code}/outside/{review}", key=key, content=given, act=act)
        return Response(answer, status=201)


class OutsideDecision(_FromOutside):
    """The decision that ends my review."""

    @extend_schema(
        operation_id="decide_from_outside",
        request=ReviewDecisionText,
        responses={201: GivenJudgmentRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, review: str) -> Response:
        """Decide, once, over what was shown; the claim is absent from then on."""
        given, key, person = _valid(ReviewDecisionText, request), idempotency_key(request), _person(request)

        def act() -> dict[str, Any]:
            one = self.mine(request, review)
            made = outside_reviews.decide(review=one, person=person, at=clock.now(), **given)
            return {"outcome": made.outcome, "is_decided": isinstance(made, Decision)}

        answer = once(scope=f"{person.code}/outside/{review}", key=key, content=given, act=act)
        return Response(answer, status=201)


class OutsideDeclined(_FromOutside):
    """A claim given back without a word."""

    @extend_schema(operation_id="decline_outside_review", request=None, responses={204: None})
    def post(self, request: Request, review: str) -> Response:
        """Give it back; somebody else is proposed."""
        one = self.mine(request, review)
        outside_reviews.decline(review=one, person=_person(request), at=clock.now())
        return Response(status=204)


class OutsideReviewsOfMyClaim(PersonalEndpoint):
    """The outside reviewers of one of my claims."""

    @extend_schema(operation_id="outside_reviews_of_my_claim", responses=OutsideReviewRow(many=True))
    def get(self, request: Request, claim: str) -> Response:
        """Return who they are and why, oldest first."""
        found = access_claim(user=_person(request), code=claim)
        return Response(OutsideReviewRow(outside_told(found), many=True).data)


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _person(request: Request) -> User:
    return cast(User, request.user)
