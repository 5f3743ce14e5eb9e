"""The reviewers' desk for programs: the rows of the page's queue, papers and words left out."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import Cursor
from claims.filing.models import Claim
from claims.filing.states import ON_THE_DESK, STEPS
from claims.review import selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from members.pools.api import DutyEndpoint, person_of
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
    """What of the desk is listed: one state, only what the asking person has taken up, a part of a code."""

    state = serializers.ChoiceField(ON_THE_DESK, required=False)
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
        filters = selectors.Filters(
            states=(told["state"],) if "state" in told else ON_THE_DESK,
            reviewer_code=person.code if told.get("mine") and person else "",
            text=told.get("text", ""),
        )
        return selectors.queue(access_pool(code=self.kwargs["code"]), filters)
