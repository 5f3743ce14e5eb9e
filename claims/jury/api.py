"""The jury for programs: the claimant's step, the member's offer, draws for everyone, witnesses and jurors."""

from typing import Any, cast

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint, PersonalEndpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work import audit
from aidplatform.work.idempotency import once, scope_of
from claims.filing.selectors import access_claim
from claims.jury import selectors, services
from claims.jury.arbiter_api import ArbitrationRow
from claims.jury.arbiter_selectors import arbitration_of
from claims.jury.exam import questions_for
from claims.jury.models import JuryDraw, JurySeat
from claims.jury.shown import row_of, shown_draw
from claims.review.selectors import public_ref
from ledger.openbooks.draw import VOTES
from members.people.models import User
from members.pools.api import public_pool
from members.pools.models import Pool


class DrawRow(serializers.Serializer[Any]):
    """A draw; key: under which the log states it. Votes and outcome: null before the closing, whoever asks."""

    ref = serializers.CharField()
    stage = serializers.IntegerField()
    key = serializers.CharField()
    state = serializers.CharField()
    eligible = serializers.IntegerField()
    head = serializers.CharField()
    seats = serializers.IntegerField()
    reserves = serializers.IntegerField()
    quorum = serializers.IntegerField()
    commit_until = serializers.DateTimeField()
    reveal_until = serializers.DateTimeField(allow_null=True)
    closes_at = serializers.DateTimeField(allow_null=True)
    votes_cast = serializers.IntegerField()
    outcome = serializers.CharField(allow_null=True)
    votes_for = serializers.IntegerField(allow_null=True)
    votes_against = serializers.IntegerField(allow_null=True)


class ListedDraw(serializers.Serializer[Any]):
    """A draw among others."""

    ref = serializers.SerializerMethodField()
    stage = serializers.IntegerField()
    state = serializers.CharField()
    closes_at = serializers.DateTimeField(allow_null=True)

    def get_ref(self, draw: JuryDraw) -> str:
        """Return the name of the case in the log."""
        return public_ref(draw.claim)


class JuryStep(serializers.Serializer[Any]):
    """What the claimant says to the jurors, and what else of the file they may read."""

    statement = serializers.CharField(max_length=4000)
    shows_reasons = serializers.BooleanField()
    shows_appeal = serializers.BooleanField()


class QuestionRow(serializers.Serializer[Any]):
    """A question by its code word, the answers that are offered."""

    code = serializers.CharField()
    answers = serializers.ListField(child=serializers.CharField())


class SeatRow(serializers.Serializer[Any]):
    """A seat of the person."""

    ref = serializers.SerializerMethodField()
    number = serializers.IntegerField()
    state = serializers.CharField()
    has_voted = serializers.SerializerMethodField()
    closes_at = serializers.DateTimeField(source="draw.closes_at", allow_null=True)

    def get_ref(self, seat: JurySeat) -> str:
        """Return the name of the case in the log."""
        return public_ref(seat.draw.claim)

    def get_has_voted(self, seat: JurySeat) -> bool:
        """Tell whether the juror has voted; how is told to nobody before the closing."""
        return hasattr(seat, "ballot")


class MyJuryRow(serializers.Serializer[Any]):
    """Since when the person offers, the questions that an offer takes, the seats they have or had."""

    offered_at = serializers.DateTimeField(allow_null=True)
    questions = QuestionRow(many=True)
    seats = SeatRow(many=True)


class ExamAnswers(serializers.Serializer[Any]):
    """Answers by the code words of the questions."""

    answers = serializers.DictField(child=serializers.CharField(max_length=40))


class WitnessHash(serializers.Serializer[Any]):
    """The SHA-256 of a witness's words, in hex."""

    sha256 = serializers.RegexField(r"^[0-9a-f]{64}\Z")


class WitnessWords(serializers.Serializer[Any]):
    """The words to which a witness has committed."""

    words = serializers.CharField(min_length=12, max_length=200)


class Vote(serializers.Serializer[Any]):
    """A vote."""

    vote = serializers.ChoiceField(choices=VOTES)


class ReasonRow(serializers.Serializer[Any]):
    """A decision as its claimant agreed to show it."""

    outcome = serializers.CharField()
    clause = serializers.CharField()
    finding = serializers.CharField()
    reason = serializers.CharField()


class BriefRow(serializers.Serializer[Any]):
    """What a juror reads while the voting is open; empty before and after."""

    seat = SeatRow()
    face = serializers.DictField(child=serializers.CharField())
    plan_version = serializers.IntegerField()
    statement = serializers.CharField()
    appeal = serializers.CharField()
    reasons = ReasonRow(many=True)


class TakingToJury(PersonalEndpoint):
    """A refusal on appeal, taken to the jury: once per claim, free of charge."""

    @extend_schema(
        operation_id="take_to_jury",
        request=JuryStep,
        responses={
            201: PolymorphicProxySerializer(
                component_name="TakenToJury",
                serializers=[DrawRow, ArbitrationRow],
                resource_type_field_name=None,
            )
        },
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, claim: str) -> Response:
        """Take it there; the same Idempotency-Key again answers with the draw as it is then.

        Where too few members can be drawn the answer is the arbitration that takes the jury's place.
        """
        person = _person(request)
        found = access_claim(user=person, code=claim)
        key = idempotency_key(request)
        told = _valid(JuryStep, request)

        def act() -> dict[str, Any]:
            services.take_to_jury(claim=found, claimant=person.code, at=clock.now(), **told)
            return {}

        once(scope=f"{person.code}/jury/{found.code}", key=key, content=told, act=act)
        draw = selectors.current_draw(found)
        if draw is None:
            return Response(ArbitrationRow(arbitration_of(found)).data, status=201)
        return Response(DrawRow(row_of(shown_draw(draw))).data, status=201)


class MyJury(PersonalEndpoint):
    """The person as a juror of a pool."""

    policy = "member"

    @extend_schema(operation_id="my_jury", responses=MyJuryRow)
    def get(self, request: Request, code: str) -> Response:
        """Return it."""
        return _my_jury(request, code)


class JuryOffer(PersonalEndpoint):
    """An offer to be a juror."""

    policy = "member"

    @extend_schema(operation_id="offer_to_judge", request=ExamAnswers, responses=MyJuryRow)
    def post(self, request: Request, code: str) -> Response:
        """Offer, with five right answers; offered already: as it is."""
        pool = selectors.access_membership_pool(user=_person(request), code=code)
        told = _valid(ExamAnswers, request)
        services.offer_to_judge(pool=pool, person=_person(request), answers=told["answers"], at=clock.now())
        return _my_jury(request, code)


class JuryStepBack(PersonalEndpoint):
    """The end of an offer."""

    policy = "member"

    @extend_schema(operation_id="step_back_as_juror", request=None, responses=MyJuryRow)
    def post(self, request: Request, code: str) -> Response:
        """Offer no more; not offered: as it is."""
        pool = selectors.access_membership_pool(user=_person(request), code=code)
        services.step_back(pool=pool, person=_person(request), at=clock.now())
        return _my_jury(request, code)


class DrawList(Endpoint):
    """The draws of a pool, for everyone."""

    @extend_schema(operation_id="jury_draws", responses=ListedDraw(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the newest two hundred."""
        found = selectors.draws_of(public_pool(request, code))[:200]
        return Response(ListedDraw(found, many=True).data)


class DrawDetail(Endpoint):
    """One draw, for everyone; what the log says of it stands in the log."""

    @extend_schema(operation_id="jury_draw", responses=DrawRow)
    def get(self, request: Request, code: str, ref: str) -> Response:
        """Return it."""
        return _shown(_draw_of(request, code, ref))


class WitnessCommitment(PersonalEndpoint):
    """The hash of a witness's words, before the draw."""

    @extend_schema(operation_id="commit_to_words", request=WitnessHash, responses=DrawRow)
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Commit."""
        draw, told = _draw_of(request, code, ref), _valid(WitnessHash, request)
        value = bytes.fromhex(told["sha256"])
        services.commit_to_words(draw=draw, person=_person(request), commitment=value, at=clock.now())
        return _shown(_draw_of(request, code, ref))


class WitnessTelling(PersonalEndpoint):
    """The words of a witness, once the hashes of all are in the log."""

    @extend_schema(operation_id="tell_words", request=WitnessWords, responses=DrawRow)
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Tell them."""
        draw, told = _draw_of(request, code, ref), _valid(WitnessWords, request)
        services.tell_words(draw=draw, person=_person(request), words=told["words"], at=clock.now())
        return _shown(_draw_of(request, code, ref))


class MySeat(PersonalEndpoint):
    """A juror's brief."""

    @extend_schema(operation_id="jury_seat", responses=BriefRow)
    def get(self, request: Request, code: str, ref: str) -> Response:
        """Return what the claimant agreed to show, while the voting is open."""
        return _brief(request, code, ref)


class SeatBallot(PersonalEndpoint):
    """A juror's vote."""

    @extend_schema(
        operation_id="cast_ballot", request=Vote, responses={201: SeatRow}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Vote, once; the same Idempotency-Key again is the same ballot."""
        person = _person(request)
        seat = selectors.access_seat(user=person, code=code, ref=ref)
        key, told = idempotency_key(request), _valid(Vote, request)

        def act() -> dict[str, Any]:
            services.cast_ballot(seat=seat, juror=person, vote=told["vote"], at=clock.now())
            return {}

        once(
            scope=scope_of(person.code, code, f"vote/{seat.pk}"), key=key, content={"seat": seat.pk}, act=act
        )
        now = selectors.access_seat(user=person, code=code, ref=ref)
        return Response(SeatRow(now).data, status=201)


class SeatDeclined(PersonalEndpoint):
    """A seat declined before voting."""

    @extend_schema(operation_id="decline_seat", request=None, responses=SeatRow)
    def post(self, request: Request, code: str, ref: str) -> Response:
        """Decline; declined already: as it is."""
        seat = selectors.access_seat(user=_person(request), code=code, ref=ref)
        services.decline_seat(seat=seat, juror=_person(request), at=clock.now())
        return Response(SeatRow(selectors.access_seat(user=_person(request), code=code, ref=ref)).data)


def _my_jury(request: Request, code: str) -> Response:
    person = _person(request)
    pool = selectors.access_membership_pool(user=person, code=code)
    version, jury = selectors.jury_in_force(pool, clock.today(pool.time_zone))
    offer = selectors.offer_of(person, pool)
    row = {
        "offered_at": offer.offered_at if offer else None,
        "questions": questions_for(version.plan(), jury, person.code),
        "seats": selectors.seats_of(person, pool),
    }
    return Response(MyJuryRow(row).data)


def _brief(request: Request, code: str, ref: str) -> Response:
    person = _person(request)
    seat = selectors.access_seat(user=person, code=code, ref=ref)
    claim = seat.draw.claim
    assert claim.plan_version is not None
    brief = selectors.brief_of(claim) if selectors.may_read_brief(seat, clock.now()) else None
    if brief is not None:
        audit.record(actor=person.code, action="open_claim", subject=claim.code, purpose="jury")
    reasons = brief.reasons if brief else []
    row: dict[str, Any] = {
        "seat": seat,
        "face": claim.masked if brief else {},
        "plan_version": claim.plan_version.number,
        "statement": brief.statement if brief else "",
        "appeal": brief.appeal if brief else "",
        "reasons": [
            {"outcome": one.outcome, "clause": one.clause, "finding": finding, "reason": reason}
            for one, finding, reason in reasons
        ],
    }
    return Response(BriefRow(row).data)


def _draw_of(request: Request, code: str, ref: str) -> JuryDraw:
    pool: Pool = public_pool(request, code)
    return selectors.access_draw(pool=pool, ref=ref)


def _shown(draw: JuryDraw) -> Response:
    return Response(DrawRow(row_of(shown_draw(draw))).data)


def _valid(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _person(request: Request) -> User:
    return cast(User, request.user)
