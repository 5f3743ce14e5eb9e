"""Objections to published cases for programs: of members, of who answers them, of whose case it is."""

from typing import Any, ClassVar, cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once, scope_of
from claims.filing.models import LARGEST_PAPER, MEDIA_TYPES, Claim
from claims.filing.papers import refuse
from claims.filing.selectors import access_claim
from claims.filing.views import paper_response
from claims.publicity import redactions, selectors, services
from claims.publicity.models import Objection, Redaction
from claims.publicity.objection_papers import add_to_objection
from claims.publicity.objection_selectors import (
    Reader,
    Told,
    access_paper,
    access_redaction,
    access_told_paper,
    note_reading,
    objections_in_full,
    read_told_paper,
    reader_of,
    told,
    told_to_claimant,
)
from members.people.models import User
from members.pools.api import DutyEndpoint
from members.pools.models import DutyGrant
from members.pools.selectors import access_pool

SECOND_REVIEWER = DutyGrant.Duty.SECOND_REVIEWER.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
AUDITOR = DutyGrant.Duty.AUDITOR.value


class ObjectionText(serializers.Serializer[Any]):
    """What a member holds against a case; read by the second reviewer who answers it, and by whose case it is."""

    reason = serializers.CharField(max_length=2000)


class ObjectionNumber(serializers.Serializer[Any]):
    """The number of the objection within its case."""

    number = serializers.IntegerField()


class ObjectionPaperText(serializers.Serializer[Any]):
    """A photograph (JPEG, PNG) or PDF, 10 MB at most, as multipart/form-data."""

    file = serializers.FileField(allow_empty_file=True, help_text="Its name is not kept.")


class ObjectionPaperRow(serializers.Serializer[Any]):
    """A paper of an objection; state: open, waits (for its time), withheld (by two people) or erased."""

    code = serializers.CharField(source="paper.paper.code")
    media_type = serializers.CharField(source="paper.paper.media_type")
    state = serializers.CharField()


class ToldObjectionRow(serializers.Serializer[Any]):
    """An objection as whoever asks is told of it; words are empty for those who do not read them.

    waits_until: from when its claimant reads it. upheld_from: from when it is upheld without their reply. taken_out:
    why two people took something out of what they read.
    """

    number = serializers.IntegerField(source="objection.number")
    state = serializers.CharField(source="objection.state")
    raised_at = serializers.DateTimeField(source="objection.raised_at")
    waits_until = serializers.DateTimeField(allow_null=True)
    upheld_from = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()
    papers = ObjectionPaperRow(many=True)
    taken_out = serializers.SerializerMethodField()
    reply = serializers.CharField()
    replied_at = serializers.DateTimeField(source="objection.replied_at", allow_null=True)
    answer = serializers.CharField()
    answered_at = serializers.DateTimeField(source="objection.answered_at", allow_null=True)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_taken_out(self, one: Told) -> list[str]:
        """Return the grounds."""
        return [redaction.ground for redaction in one.taken_out]


class RedactionRow(serializers.ModelSerializer[Redaction]):
    """What was proposed to be taken out; paper: what is withheld, null for words."""

    ground = serializers.CharField()
    state = serializers.CharField()
    paper = serializers.CharField(source="paper.paper.code", allow_null=True, default=None)

    class Meta:
        model = Redaction
        fields = [
            "number",
            "ground",
            "paper",
            "state",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
        ]


class ObjectionInFull(serializers.Serializer[Any]):
    """An objection as it was written, as its claimant reads it, and what was proposed to be taken out."""

    written = ToldObjectionRow()
    read = ToldObjectionRow()
    proposals = RedactionRow(many=True)


class WordsText(serializers.Serializer[Any]):
    """Passages to be taken out, as they stand in the objection, and why."""

    ground = serializers.ChoiceField(Redaction.Ground.choices)
    words = serializers.ListField(child=serializers.CharField(max_length=2000), allow_empty=False)


class WithholdingText(serializers.Serializer[Any]):
    """The code of a paper to be withheld, because it is about other people."""

    paper = serializers.CharField(max_length=24)


class RedactionDecision(serializers.Serializer[Any]):
    """Whether what was proposed is taken out, or what was written is left."""

    takes_out = serializers.BooleanField()


class ReplyText(serializers.Serializer[Any]):
    """What the claimant replies; read by the second reviewer who answers the objection."""

    text = serializers.CharField(max_length=2000)


class ObjectionAnswerText(serializers.Serializer[Any]):
    """How an objection is answered; upheld: the award is withdrawn."""

    upheld = serializers.BooleanField()
    answer = serializers.CharField(max_length=2000)


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


class Objections(PersonalEndpoint):
    """Objections to a published case, made by other members of its pool."""

    policy = "member"

    @extend_schema(operation_id="objections_to_case", responses=ToldObjectionRow(many=True))
    def get(self, request: Request, code: str, award: str) -> Response:
        """Return them by number; words and papers only to who wrote or may answer them, and to whose case it is."""
        person = cast(User, request.user)
        pool = selectors.access_notices(user=person, code=code)
        found = selectors.access_published_claim(pool=pool, case=award)
        at, as_reader = clock.now(), reader_of(found, person)
        rows = [told(one, as_reader(one), at) for one in objections_in_full(found)]
        return Response(ToldObjectionRow(rows, many=True).data)

    @extend_schema(
        operation_id="object_to_case",
        request=ObjectionText,
        responses={201: ObjectionNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, award: str) -> Response:
        """Object; the same Idempotency-Key again gives the first answer again."""
        person = cast(User, request.user)
        pool = selectors.access_notices(user=person, code=code)
        key = idempotency_key(request)
        reason = _valid(ObjectionText, request)["reason"]
        found = selectors.access_published_claim(pool=pool, case=award)

        def act() -> dict[str, Any]:
            made = services.object_to_case(claim=found, member=person.code, reason=reason, at=clock.now())
            return {"number": made.number}

        scope = scope_of(person.code, pool.code, f"object/{award}")
        answer = once(scope=scope, key=key, content={"reason": reason}, act=act)
        return Response(ObjectionNumber(answer).data, status=201)


class ObjectionPapers(PersonalEndpoint):
    """The papers beside one of my objections."""

    policy = "member"
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="add_objection_paper", request=ObjectionPaperText, responses={201: ToldObjectionRow}
    )
    def post(self, request: Request, code: str, award: str, number: int) -> Response:
        """Add one; the same file again is the one that is there. Refusals are those of the page."""
        person = cast(User, request.user)
        pool = selectors.access_notices(user=person, code=code)
        found = selectors.access_published_claim(pool=pool, case=award)
        one = selectors.access_objection(claim=found, number=number)
        file = _valid(ObjectionPaperText, request)["file"]
        if file.size > LARGEST_PAPER:
            raise refuse("too_large")
        add_to_objection(objection=one, member=person.code, data=file.read(), at=clock.now())
        row = told(objections_in_full(found).get(pk=one.pk), Reader.WRITER, clock.now())
        return Response(ToldObjectionRow(row).data, status=201)


class _OfMyClaim(PersonalEndpoint):
    def own(self, request: Request, claim: str) -> Claim:
        """Return the person's claim; absent and somebody else's answer alike. Raises: NotFoundError."""
        return access_claim(user=cast(User, request.user), code=claim)

    def shown(self, claim: Claim) -> Response:
        """Answer with what the claimant is told of each."""
        return Response(ToldObjectionRow(told_to_claimant(claim, clock.now()), many=True).data)


class ObjectionsOfMyClaim(_OfMyClaim):
    """Objections to my case."""

    @extend_schema(operation_id="objections_to_my_claim", responses=ToldObjectionRow(many=True))
    def get(self, request: Request, claim: str) -> Response:
        """Return them by number."""
        return self.shown(self.own(request, claim))


class ReplyToObjection(_OfMyClaim):
    """My reply to an objection, once, before it is answered."""

    @extend_schema(
        operation_id="reply_to_objection", request=ReplyText, responses=ToldObjectionRow(many=True)
    )
    def post(self, request: Request, claim: str, number: int) -> Response:
        """Reply."""
        found = self.own(request, claim)
        services.reply_to_objection(
            objection=selectors.access_objection(claim=found, number=number),
            claimant=cast(User, request.user).code,
            at=clock.now(),
            **_valid(ReplyText, request),
        )
        return self.shown(found)


class ToldPaperFile(_OfMyClaim):
    """A paper of an objection to my case."""

    @extend_schema(
        operation_id="told_paper", responses={(200, kind): OpenApiTypes.BINARY for kind in MEDIA_TYPES}
    )
    def get(self, request: Request, claim: str, number: int, paper: str) -> HttpResponse:
        """Return it once it is mine to read, with my code on every page."""
        found, at = self.own(request, claim), clock.now()
        one = access_told_paper(claim=found, number=number, code=paper, at=at)
        marked = read_told_paper(claim=found, paper=one, person=cast(User, request.user), at=at)
        return paper_response(marked, one.paper.code)


class _OfDesk(DutyEndpoint):
    duties: ClassVar[tuple[str, ...]] = (SECOND_REVIEWER, CONTROLLER, AUDITOR)
    parser_classes = (JSONParser,)

    def found(self, code: str, award: str, number: int) -> Objection:
        """Return an objection to a published case. Raises: NotFoundError."""
        claim = selectors.access_published_claim(pool=access_pool(code=code), case=award)
        return selectors.access_objection(claim=claim, number=number)

    def shown(self, request: Request, one: Objection, status: int = 200) -> Response:
        """Answer with the objection in full; that it was read is noted. Raises: redactions.NotApartError."""
        person = cast(User, request.user)
        redactions.check_apart(one, person)
        at = clock.now()
        one = objections_in_full(one.claim).get(pk=one.pk)
        note_reading(one, person)
        row = {
            "written": told(one, Reader.IN_FULL, at),
            "read": told(one, Reader.CLAIMANT, at),
            "proposals": one.redactions.all(),
        }
        return Response(ObjectionInFull(row).data, status=status)


class DeskObjection(_OfDesk):
    """One objection for who answers it, decides what is taken out of it, or audits."""

    @extend_schema(operation_id="desk_objection", responses=ObjectionInFull)
    def get(self, request: Request, code: str, award: str, number: int) -> Response:
        """Return it."""
        return self.shown(request, self.found(code, award, number))


class AnsweringObjection(_OfDesk):
    """The answer to an objection."""

    duties = (SECOND_REVIEWER,)

    @extend_schema(operation_id="answer_objection", request=ObjectionAnswerText, responses=ObjectionInFull)
    def post(self, request: Request, code: str, award: str, number: int) -> Response:
        """Answer it, as somebody who had no part in the case."""
        one, person = self.found(code, award, number), cast(User, request.user)
        services.answer_objection(
            objection=one, answerer=person.code, at=clock.now(), **_valid(ObjectionAnswerText, request)
        )
        return self.shown(request, one)


class TakingWordsOut(_OfDesk):
    """A proposal to take words out of what a claimant reads."""

    duties = (SECOND_REVIEWER,)

    @extend_schema(operation_id="take_words_out", request=WordsText, responses={201: ObjectionInFull})
    def post(self, request: Request, code: str, award: str, number: int) -> Response:
        """Propose it."""
        one, person = self.found(code, award, number), cast(User, request.user)
        redactions.propose_words(
            objection=one, proposer=person.code, at=clock.now(), **_valid(WordsText, request)
        )
        return self.shown(request, one, status=201)


class WithholdingPaper(_OfDesk):
    """A proposal to withhold a paper from the claimant."""

    duties = (SECOND_REVIEWER,)

    @extend_schema(operation_id="withhold_paper", request=WithholdingText, responses={201: ObjectionInFull})
    def post(self, request: Request, code: str, award: str, number: int) -> Response:
        """Propose it."""
        one, person = self.found(code, award, number), cast(User, request.user)
        paper = access_paper(one, _valid(WithholdingText, request)["paper"])
        redactions.propose_paper(paper=paper, proposer=person.code, at=clock.now())
        return self.shown(request, one, status=201)


class DecidingRedaction(_OfDesk):
    """The decision on such a proposal, by another person."""

    duties = (SECOND_REVIEWER, CONTROLLER)

    @extend_schema(operation_id="decide_redaction", request=RedactionDecision, responses=ObjectionInFull)
    def post(self, request: Request, code: str, award: str, number: int, redaction: int) -> Response:
        """Take it out, or leave what was written."""
        one, person = self.found(code, award, number), cast(User, request.user)
        redactions.decide_redaction(
            redaction=access_redaction(objection=one, number=redaction),
            decider=person.code,
            at=clock.now(),
            **_valid(RedactionDecision, request),
        )
        return self.shown(request, one)
