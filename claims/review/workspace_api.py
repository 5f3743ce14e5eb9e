"""The workspace of a claim for reviewers' programs: what its page shows beside the papers, and what is done there.

Recommending and deciding stand in `judging_api`, papers in `opening_api`, signals and investigations in their own.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from claims.filing.models import Claim
from claims.filing.selectors import papers_needed, papers_of
from claims.filing.words import KINDS
from claims.review import desk, selectors, services, signal_pages
from claims.review.api import DeskRow
from claims.review.appeals import REVIEWER, SECOND_REVIEWER, nobody_left
from claims.review.judging_api import ClaimToJudge, read_in_hand
from claims.review.models import Clause, ReviewNote
from claims.review.request_texts import texts_for
from claims.review.views import clauses_of
from members.people.models import User
from members.pools.api import DutyDeed, DutyEndpoint
from members.pools.selectors import access_pool


class ChecklistRow(serializers.Serializer[Any]):
    """A kind of paper that the case needs, and whether the claim has one."""

    kind = serializers.CharField()
    is_held = serializers.BooleanField()


class ClauseRow(serializers.Serializer[Any]):
    """A clause of the covenant in force on the event day, in the language that is asked for; text: its paragraphs."""

    clause = serializers.ChoiceField(Clause.choices)
    text = serializers.ListField(child=serializers.CharField())


class FoundSignalRow(serializers.Serializer[Any]):
    """What of a claim is worth another look. base_rate: how many of a hundred honest claims show it."""

    signal = serializers.CharField()
    text = serializers.CharField()
    look_at = serializers.CharField()
    base_rate = serializers.CharField()
    points = serializers.IntegerField()


class SimilarRow(serializers.Serializer[Any]):
    """How an earlier case of the same illness and severity was decided, with nothing about whose it was."""

    outcome = serializers.CharField()
    aid_fen = serializers.IntegerField()
    clause = serializers.CharField()
    months = serializers.IntegerField()


class ReviewNoteRow(serializers.Serializer[Any]):
    """What a reviewer noted for the others."""

    number = serializers.IntegerField()
    author = serializers.CharField()
    text = serializers.SerializerMethodField()
    written_at = serializers.DateTimeField()

    def get_text(self, note: ReviewNote) -> str:
        """Return what was noted."""
        return desk.read_note(note)


class WorkspaceRow(serializers.Serializer[Any]):
    """A claim with all that its page shows beside the papers.

    request_text: what was last asked of the claimant. request_texts: what is asked most, by kind of paper, in the
    claimant's language. lacks: the duty for which nobody of the pool may look at the claim, or empty.
    """

    claim = ClaimToJudge()
    checklist = ChecklistRow(many=True)
    clauses = ClauseRow(many=True)
    signals = FoundSignalRow(many=True)
    similar = SimilarRow(many=True)
    notes = ReviewNoteRow(many=True)
    request_text = serializers.CharField()
    request_texts = serializers.DictField(child=serializers.CharField())
    lacks = serializers.CharField()


class NoteText(serializers.Serializer[Any]):
    """A note for the other reviewers of a claim."""

    text = serializers.CharField(max_length=2000)


class PaperRequestText(serializers.Serializer[Any]):
    """What the claimant is asked for: kinds of paper, and a message."""

    kinds = serializers.ListField(child=serializers.CharField(max_length=20), max_length=len(KINDS))
    message = serializers.CharField(max_length=2000)

    def validate_kinds(self, kinds: list[str]) -> list[str]:
        """Refuse what is no kind of paper."""
        if not set(kinds) <= set(KINDS):
            raise serializers.ValidationError(_("There is no such kind of paper."))
        return kinds


class PaperRequestRow(serializers.Serializer[Any]):
    """The number of a request for papers."""

    number = serializers.IntegerField()


class WrittenNoteRow(serializers.Serializer[Any]):
    """The number of a note."""

    number = serializers.IntegerField()


class HandOverText(serializers.Serializer[Any]):
    """The code of the reviewer to whom a claim is handed."""

    to = serializers.CharField(max_length=40)


def _found(code: str, claim: str) -> Claim:
    return selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)


class DeskWorkspace(DutyEndpoint):
    """One claim in hand, as its page shows it."""

    duties = (REVIEWER, SECOND_REVIEWER)

    @extend_schema(operation_id="desk_workspace", responses=WorkspaceRow)
    def get(self, request: Request, code: str, claim: str) -> Response:
        """Return it; its claimant sees that it was read."""
        found = read_in_hand(request, code, claim)
        held = {paper.kind for paper in papers_of(found)}
        asked = selectors.last_request(found)
        row = {
            "claim": found,
            "checklist": [{"kind": kind, "is_held": kind in held} for kind in papers_needed(found)],
            "clauses": [{"clause": one, "text": text} for one, _label, text in clauses_of(found)],
            "signals": signal_pages.shown(found),
            "similar": selectors.similar_decisions(found, clock.now()),
            "notes": found.review_notes.order_by("number"),
            "request_text": selectors.read_request(asked) if asked else "",
            "request_texts": texts_for(found),
            "lacks": nobody_left(found),
        }
        return Response(WorkspaceRow(row).data)


class DeskAssignment(DutyEndpoint):
    """Who has a claim in hand."""

    duties = (REVIEWER,)

    @extend_schema(operation_id="take_up_claim", request=None, responses=DeskRow)
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Take it up, or over; taken up already by oneself: as it is."""
        found, person = _found(code, claim), request.user
        assert isinstance(person, User)
        return Response(
            DeskRow(services.assign_claim(claim=found, reviewer=person.code, at=clock.now())).data
        )


class DeskHandOver(DutyEndpoint):
    """Handing a claim on."""

    duties = (REVIEWER, desk.POOL_ADMIN)

    @extend_schema(operation_id="hand_over_claim", request=HandOverText, responses=DeskRow)
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Hand it to another reviewer, as the one in charge or as a pool admin; it keeps its day."""
        given = HandOverText(data=request.data)
        given.is_valid(raise_exception=True)
        found, person = _found(code, claim), request.user
        assert isinstance(person, User)
        handed = desk.hand_over(claim=found, to=given.validated_data["to"], by=person.code, at=clock.now())
        return Response(DeskRow(handed).data)


class DeskNotes(DutyDeed):
    """Notes of the reviewers."""

    duties = (REVIEWER, SECOND_REVIEWER)

    @extend_schema(
        operation_id="write_review_note",
        request=NoteText,
        responses={201: WrittenNoteRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Write one; it is never changed, and the claimant does not read it."""
        given = NoteText(data=request.data)
        given.is_valid(raise_exception=True)
        found, told = _found(code, claim), dict(given.validated_data)

        def act(person: User) -> dict[str, Any]:
            made = desk.write_note(claim=found, author=person.code, at=clock.now(), **told)
            return {"number": made.number}

        return Response(self.do_once(request, f"note/{found.code}", told, act), status=201)


class DeskPaperRequests(DutyDeed):
    """Requests for papers."""

    duties = (REVIEWER,)

    @extend_schema(
        operation_id="request_papers",
        request=PaperRequestText,
        responses={201: PaperRequestRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Ask the claimant, as the reviewer in charge; the claim waits for them."""
        given = PaperRequestText(data=request.data)
        given.is_valid(raise_exception=True)
        found, told = _found(code, claim), dict(given.validated_data)

        def act(person: User) -> dict[str, Any]:
            made = services.request_papers(claim=found, reviewer=person.code, at=clock.now(), **told)
            return {"number": made.number}

        return Response(self.do_once(request, f"request/{found.code}", told, act), status=201)
