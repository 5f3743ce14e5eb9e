"""The reviewers' desk for programs: the rows of the page's queue, papers and words left out; and how long it takes."""

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor, Endpoint
from claims.filing.models import Claim
from claims.filing.states import ON_THE_DESK, STEPS
from claims.review import selectors
from claims.review import statistics as figures
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.forms import SETS
from members.pools.api import DutyEndpoint, person_of, public_pool
from members.pools.selectors import access_pool


class DeskRow(serializers.ModelSerializer[Claim]):
    """A claim on the desk; reviewer: the code of whoever has taken it up.

    spend_fen: bills as told, where the plan asks for them. part_of: the first claim of the same case. is_appeal: an
    appeal against a refusal, for people who had no part in the case before.
    """

    holder = serializers.SerializerMethodField()
    reviewer = serializers.CharField(source="reviewer.code", allow_null=True, default=None)
    part_of = serializers.CharField(source="part_of.code", allow_null=True, default=None)
    is_appeal = serializers.BooleanField()

    class Meta:
        model = Claim
        fields = [
            "code", "part_of", "state", "holder", "illness", "event_date", "spend_fen", "aid_fen", "filed_at",
            "due_date", "reviewer", "is_appeal",
        ]  # fmt: skip

    def get_holder(self, claim: Claim) -> str:
        """Return who has the ball, as a code word."""
        return STEPS[claim.state].holder


class DeskFilters(serializers.Serializer[Any]):
    """What of the desk is listed: one state, a set as the page's tabs, only what one has taken up, a part of a code."""

    state = serializers.ChoiceField(ON_THE_DESK, required=False)
    set = serializers.ChoiceField(list(SETS), required=False)
    mine = serializers.BooleanField(required=False)
    text = serializers.CharField(required=False, max_length=20)


class MostUrgent(Cursor):
    """Claims by the day they are due; on the desk each has one."""

    ordering = ("due_date", "state_since", "pk")


class Desk(DutyEndpoint, ListAPIView[Claim]):
    """The claims on the desk, most overdue first."""

    duties = (REVIEWER, SECOND_REVIEWER)
    serializer_class = DeskRow
    pagination_class = MostUrgent
    queryset = Claim.objects.none()

    @extend_schema(parameters=[DeskFilters])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page of them."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Claim]:
        """Return those of the pool that the address names and the filters leave."""
        given = DeskFilters(data=self.request.query_params)
        given.is_valid(raise_exception=True)
        told = given.validated_data
        person = person_of(self.request)
        pool = access_pool(code=self.kwargs["code"])
        fits = (
            selectors.set_of(told["set"], person, clock.today(pool.time_zone))
            if "set" in told and person
            else Q()
        )
        filters = selectors.Filters(
            states=(told["state"],) if "state" in told else ON_THE_DESK,
            reviewer_code=person.code if told.get("mine") and person else "",
            text=told.get("text", ""),
            fits=fits,
        )
        return selectors.queue(pool, filters)


class StateTimeRow(serializers.Serializer[Any]):
    """For how many days a claim stays in a state: half go on sooner.

    claims: of how many, in a year. days_allowed: within how many the step is due.
    """

    state = serializers.CharField()
    claims = serializers.IntegerField()
    median_days = serializers.DecimalField(source="days", max_digits=8, decimal_places=1)
    days_allowed = serializers.SerializerMethodField()

    def get_days_allowed(self, one: figures.StateTime) -> int | None:
        """Return within how many days the step is due."""
        return STEPS[one.state].days


class ReviewTimesRow(serializers.Serializer[Any]):
    """Times and rates of a pool, of the last twelve months; of too few claims a rate is null."""

    times = StateTimeRow(many=True)
    decided = serializers.IntegerField()
    returned = serializers.IntegerField()
    overturned_percent = serializers.IntegerField(allow_null=True)
    judged_blindly = serializers.IntegerField()
    agreed_percent = serializers.IntegerField(allow_null=True)
    judged_from_outside = serializers.IntegerField()


class ReviewTimes(Endpoint):
    """How long steps take in a pool, and how decisions stand."""

    @extend_schema(operation_id="review_times", responses=ReviewTimesRow)
    def get(self, request: Request, code: str) -> Response:
        """Return what the public page shows."""
        pool, at = public_pool(request, code), clock.now()
        rates = figures.rates(pool, at)
        told = {
            "times": figures.state_times(pool, at, at_least=figures.FEWEST),
            "decided": rates.decided,
            "returned": rates.returned,
            "overturned_percent": rates.overturn if rates.decided >= figures.FEWEST else None,
            "judged_blindly": rates.blind,
            "agreed_percent": rates.agreement if rates.blind >= figures.FEWEST else None,
            "judged_from_outside": figures.judged_outside(pool, at),
        }
        return Response(ReviewTimesRow(told).data)
