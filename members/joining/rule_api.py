"""New rules, for programs: a member's own answers; for who runs the pool, how many have answered and who has not."""

from typing import Any, cast

from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.joining import rule_figures
from members.joining.rule_answers import access_change, agree, answers_of, is_open
from members.joining.rule_models import RuleConsent
from members.joining.selectors import access_membership
from members.people.models import User
from members.pools.api import DutyEndpoint
from members.pools.models import DutyGrant, PlanVersion
from members.pools.rules import PLAN_READERS
from members.pools.selectors import access_pool, asks_consent


class ConsentRow(serializers.ModelSerializer[RuleConsent]):
    """A consent, for good: of whom, to what, in which capacity, in which language, when."""

    member = serializers.IntegerField(source="membership.number")

    class Meta:
        model = RuleConsent
        fields = ["member", "shown_sha256", "capacity", "language", "given_at"]


class AnswerRow(serializers.Serializer[Any]):
    """What one membership for which I answer has answered; consent: null: not yet."""

    member = serializers.IntegerField(source="membership.number")
    consent = ConsentRow(allow_null=True)


class ChangeQuestion(serializers.Serializer[Any]):
    """New rules and my answers. by_consent: without one the membership ends; otherwise the rules hold without it.

    is_open: it can still be answered. shown_sha256: what a consent names; what changes is under plan-versions.
    """

    number = serializers.IntegerField()
    effective_date = serializers.DateField()
    reason = serializers.CharField()
    shown_sha256 = serializers.CharField()
    by_consent = serializers.BooleanField()
    is_open = serializers.BooleanField()
    answers = AnswerRow(many=True)


def question_of(version: PlanVersion, person: User) -> dict[str, Any]:
    """Return a change as a member's program reads it."""
    assert version.proposal is not None
    return {
        "number": version.number,
        "effective_date": version.effective_date,
        "reason": version.proposal.reason,
        "shown_sha256": version.proposal.shown_sha256,
        "by_consent": asks_consent(version),
        "is_open": is_open(version),
        "answers": answers_of(version, person),
    }


class ConsentText(serializers.Serializer[Any]):
    """The hash of the rules that were shown, and the numbers of the memberships that agree."""

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")
    members = serializers.ListField(
        child=serializers.IntegerField(min_value=1), allow_empty=False, max_length=100
    )


class MyRules(PersonalEndpoint):
    """The changes of the rules that I was asked about."""

    policy = "member"

    @extend_schema(operation_id="my_rules", responses=ChangeQuestion(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the latest ones, newest first; no pool and none of mine answer alike."""
        person = cast(User, request.user)
        pool = access_membership(code=code, person=person).pool
        changes = pool.plan_versions.select_related("pool", "proposal").filter(proposal__isnull=False)
        found = [question_of(version, person) for version in changes.order_by("-number")[:10]]
        return Response(ChangeQuestion(found, many=True).data)


class MyConsent(PersonalEndpoint):
    """My consent to new rules. Who does not agree leaves by my-leaving."""

    policy = "member"

    @extend_schema(operation_id="agree_to_rules", request=ConsentText, responses={201: ConsentRow(many=True)})
    def post(self, request: Request, code: str, number: int) -> Response:
        """Agree for the memberships that are named; agreed before: that consent is returned."""
        person = cast(User, request.user)
        version = access_change(pool=access_membership(code=code, person=person).pool, number=number)
        given = ConsentText(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        consents = agree(
            version=version,
            person=person,
            numbers=asked["members"],
            shown_sha256=asked["shown_sha256"],
            language=get_language() or "en",
            at=clock.now(),
        )
        return Response(ConsentRow(consents, many=True).data, status=201)


class FiguresBody(serializers.Serializer[Any]):
    """How many have answered to new rules.

    agreed, unanswered: of those who go on; left: since the publication; ended: by silence, where the rules take
    consent; unreachable: who has neither an account nor a guardian with one. reminded_at: null: not yet.
    """

    agreed = serializers.IntegerField()
    unanswered = serializers.IntegerField()
    left = serializers.IntegerField()
    ended = serializers.IntegerField()
    unreachable = serializers.IntegerField()
    by_consent = serializers.BooleanField()
    is_open = serializers.BooleanField()
    reminded_at = serializers.DateTimeField(allow_null=True)


class RuleFigures(DutyEndpoint):
    """How many have answered to new rules."""

    duties = PLAN_READERS

    @extend_schema(operation_id="rule_figures", responses=FiguresBody)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return the figures of a version that changed the rules."""
        return Response(_figures(access_change(pool=access_pool(code=code), number=number)))


class UnansweredRow(serializers.Serializer[Any]):
    """A member who has not answered, by number."""

    member = serializers.IntegerField(source="number")
    joined_date = serializers.DateField()
    by_guardian = serializers.BooleanField()


class UnansweredList(DutyEndpoint):
    """Who has not answered to new rules."""

    duties = PLAN_READERS

    @extend_schema(
        operation_id="unanswered_rules",
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="the last number of the page before")
        ],
        responses=UnansweredRow(many=True),
    )
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return the next hundred by number."""
        version = access_change(pool=access_pool(code=code), number=number)
        given = AfterText(data=request.query_params)
        given.is_valid(raise_exception=True)
        rows = rule_figures.unanswered(version, after=given.validated_data["after"])
        return Response(UnansweredRow(rows, many=True).data)


class AfterText(serializers.Serializer[Any]):
    """Where a list goes on."""

    after = serializers.IntegerField(min_value=0, max_value=2**53, default=0)


class Reminding(DutyEndpoint):
    """The one reminder to those who have not answered."""

    duties = (DutyGrant.Duty.POOL_ADMIN.value,)

    @extend_schema(operation_id="remind_of_rules", request=None, responses=FiguresBody)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Send it; sent before: nothing."""
        version = access_change(pool=access_pool(code=code), number=number)
        rule_figures.remind(version=version, sender=cast(User, request.user).code, at=clock.now())
        return Response(_figures(version))


def _figures(version: PlanVersion) -> dict[str, Any]:
    reminder = rule_figures.reminder_of(version)
    body = {
        **vars(rule_figures.figures_of(version)),
        "by_consent": asks_consent(version),
        "is_open": is_open(version),
        "reminded_at": reminder.sent_at if reminder else None,
    }
    return dict(FiguresBody(body).data)
