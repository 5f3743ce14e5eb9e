"""Reversals for programs: what was reversed and why, a proposal, and the word of the second person."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.books.selectors import access_book, access_entry
from ledger.custody import reversals
from ledger.custody.api import Decision, MoneyDeed, OrderState
from ledger.custody.pages import CONTROLLER, MONEY, READERS, TREASURER
from ledger.custody.reversal_models import EntryReversal
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class ReversalRow(serializers.ModelSerializer[EntryReversal]):
    """What was proposed to be taken back, by the number of its entry; reversal: that of the mirror, once agreed."""

    entry = serializers.IntegerField(source="entry.number")
    reversal = serializers.IntegerField(source="reversal.number", allow_null=True, default=None)

    class Meta:
        model = EntryReversal
        fields = [
            "number", "entry", "reason", "state", "proposed_by", "proposed_at", "due_at", "decided_by", "decided_at",
            "reversal",
        ]  # fmt: skip


class ReversalText(serializers.Serializer[Any]):
    """Why an entry is to be taken back; everybody can read it."""

    reason = serializers.CharField(max_length=200)


class ReversalNumber(serializers.Serializer[Any]):
    """What was proposed."""

    number = serializers.IntegerField()


class ReversalList(DutyEndpoint, ListAPIView[EntryReversal]):
    """The reversals of a pool's entries, newest first."""

    duties = READERS
    serializer_class = ReversalRow
    pagination_class = NewestNumber
    queryset = EntryReversal.objects.none()

    def get_queryset(self) -> QuerySet[EntryReversal]:
        """Return those of the pool that the address names."""
        return reversals.reversals(access_pool(code=self.kwargs["code"]))


class ReversalProposal(MoneyDeed):
    """The reversal of an entry."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="propose_reversal",
        request=ReversalText,
        responses={201: ReversalNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Propose it; nothing is booked before a controller agrees."""
        given = ReversalText(data=request.data)
        given.is_valid(raise_exception=True)
        entry = access_entry(book=access_book(code=access_pool(code=code).code), number=number)

        def act(person: User) -> dict[str, Any]:
            made = reversals.propose_reversal(
                entry=entry, proposer=person.code, at=clock.now(), **given.validated_data
            )
            return {"number": made.number}

        answer = self.do_once(request, f"reverse/{number}", given.validated_data, act)
        return Response(ReversalNumber(answer).data, status=201)


class _Decision(Decision):
    decision_of = staticmethod(reversals.decision_of)


class ReversalAgreement(_Decision):
    """The second person's word on a reversal."""

    duties = (CONTROLLER,)
    deed = "agree_reversal"

    @extend_schema(
        operation_id="agree_to_reversal", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Book the mirror, and state it in the log with its reason."""
        return self.decide(request, code, number)


class ReversalWithdrawal(_Decision):
    """Taking a proposed reversal back, or turning it down."""

    duties = MONEY
    deed = "withdraw_reversal"

    @extend_schema(
        operation_id="withdraw_reversal", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Leave the entry as it is."""
        return self.decide(request, code, number)
