"""What is left to do before a period is over with, for programs."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.books.api import READERS
from ledger.sharing.selectors import access_period
from ledger.verification.period_end import checklist
from members.pools.api import DutyEndpoint
from members.pools.selectors import access_pool


class PeriodEndLine(serializers.Serializer[Any]):
    """A condition: done, open, or none where it does not apply; duty: who acts, empty where a program does."""

    code = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    duty = serializers.CharField(allow_blank=True)


class PeriodEnd(DutyEndpoint):
    """The checklist of a period's end."""

    duties = READERS

    @extend_schema(operation_id="period_end", responses=PeriodEndLine(many=True))
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return every condition, in the order in which they are worked off."""
        found = access_period(pool=access_pool(code=code), number=number)
        return Response(PeriodEndLine(checklist(found), many=True).data)
