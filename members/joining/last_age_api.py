"""Who reaches the last age of a pool, for programs of those who run it."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from members.joining.last_ages import PAGE, leavers
from members.pools.api import DutyEndpoint
from members.pools.rules import PLAN_READERS
from members.pools.selectors import access_pool


class LeaverRow(serializers.Serializer[Any]):
    """A membership that ends by age, by its number: on which day, and when its member has signed to go on elsewhere.

    position: what the next page goes on after. signed_at: null: not yet.
    """

    member = serializers.IntegerField(source="number")
    last_date = serializers.DateField()
    has_account = serializers.BooleanField()
    signed_at = serializers.DateTimeField(allow_null=True)
    position = serializers.CharField()


class LeaverList(DutyEndpoint):
    """Who reaches the last age of the pool within a year."""

    duties = PLAN_READERS

    @extend_schema(
        operation_id="last_ages",
        parameters=[
            OpenApiParameter("after", OpenApiTypes.STR, description="the position of the last row before")
        ],
        responses=LeaverRow(many=True),
    )
    def get(self, request: Request, code: str) -> Response:
        """Return the next hundred, the soonest first."""
        pool = access_pool(code=code)
        after = request.query_params.get("after", "")
        rows = leavers(pool, clock.today(pool.time_zone), after=after, limit=PAGE)
        return Response(LeaverRow(rows, many=True).data)
