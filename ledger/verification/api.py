"""Verifications for programs: ask for one, follow it, read what it found."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from ledger.books.api import READERS
from ledger.verification import selectors, services
from ledger.verification.models import Verification
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class VerificationRow(serializers.ModelSerializer[Verification]):
    """A verification and its verdict; the verdict is empty while it runs."""

    class Meta:
        model = Verification
        fields = ["number", "state", "verdict", "asked_by", "asked_at", "ended_at"]


class FindingRow(serializers.Serializer[Any]):
    """A place where a statement is false."""

    where = serializers.CharField()
    expected = serializers.CharField()
    found = serializers.CharField()


class VerifiedStatement(serializers.Serializer[Any]):
    """A statement, how often it was held against the rows, and where it is false."""

    code = serializers.CharField()
    sentence = serializers.CharField()
    examined = serializers.IntegerField()
    false = serializers.IntegerField()
    findings = FindingRow(many=True)


class VerificationOutcome(serializers.Serializer[Any]):
    """A verification with how far it is, what could not be read, and every statement."""

    verification = VerificationRow()
    parts_done = serializers.IntegerField()
    parts_all = serializers.IntegerField()
    unchecked = serializers.ListField(child=serializers.CharField())
    statements = VerifiedStatement(many=True)


class VerificationList(DutyEndpoint, ListAPIView[Verification]):
    """The verifications of a pool, newest first; a new one is asked for here."""

    duties = READERS
    serializer_class = VerificationRow
    pagination_class = NewestNumber
    queryset = Verification.objects.none()

    def get_queryset(self) -> QuerySet[Verification]:
        """Return those of the pool that the address names."""
        return selectors.verifications_of(access_pool(code=self.kwargs["code"]))

    @extend_schema(operation_id="verify_now", request=None, responses={202: VerificationRow})
    def post(self, request: Request, code: str) -> Response:
        """Order one; while one runs, that one is the answer."""
        asker = cast(User, request.user)
        made = services.ask_for_verification(pool=access_pool(code=code), asker=asker.code, at=clock.now())
        return Response(VerificationRow(made).data, status=202)


class VerificationDetail(DutyEndpoint):
    """One verification."""

    duties = READERS

    @extend_schema(operation_id="verification", responses=VerificationOutcome)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return what it has found so far."""
        found = selectors.access_verification(pool=access_pool(code=code), number=number)
        progress, outcome = selectors.progress_of(found), selectors.outcome_of(found)
        told = {
            "verification": found,
            "parts_done": progress.done,
            "parts_all": progress.all,
            "unchecked": [f"{name}: {reason}" for name, reason in outcome.unchecked],
            "statements": [{"code": name, **vars(one)} for name, one in outcome.statements.items()],
        }
        return Response(VerificationOutcome(told).data)
