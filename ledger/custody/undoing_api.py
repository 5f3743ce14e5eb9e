"""Wrong matches of receipts, for programs: what was undone, a proposal, and the word of the second person."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import selectors, undoings
from ledger.custody.api import Decision, MoneyDeed, OrderState
from ledger.custody.pages import CONTROLLER, MONEY, TREASURER
from ledger.custody.receipt_api import WhoseText
from ledger.custody.undoing_models import MatchUndoing
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class UndoingRow(serializers.ModelSerializer[MatchUndoing]):
    """A receipt that counted for the wrong member, in minor units; recovered_fen: of it, paid of written-off shares."""

    receipt = serializers.CharField(source="receipt.code", help_text="Statement and line, e.g. 3/17.")
    membership_no = serializers.IntegerField(source="member")
    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = MatchUndoing
        fields = [
            "number", "receipt", "membership_no", "amount_fen", "recovered_fen", "reason", "state", "proposed_by",
            "proposed_at", "due_at", "decided_by", "decided_at", "entry",
        ]  # fmt: skip


class UndoingText(WhoseText):
    """Whose money it is not, and how that was found out."""

    reason = serializers.CharField(max_length=300)


class UndoingNumber(serializers.Serializer[Any]):
    """What was proposed."""

    number = serializers.IntegerField()


class UndoingList(DutyEndpoint, ListAPIView[MatchUndoing]):
    """The matches of a pool that were undone or are proposed to be, newest first."""

    duties = MONEY
    serializer_class = UndoingRow
    pagination_class = NewestNumber
    queryset = MatchUndoing.objects.none()

    def get_queryset(self) -> QuerySet[MatchUndoing]:
        """Return those of the pool that the address names."""
        return undoings.undoings(access_pool(code=self.kwargs["code"]))


class UndoingProposal(MoneyDeed):
    """Saying that a receipt was matched to the wrong member."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="propose_undoing",
        request=UndoingText,
        responses={201: UndoingNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, number: int, line_no: int) -> Response:
        """Propose it; until a controller agrees the match stands."""
        given = UndoingText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = access_pool(code=code)
        line = selectors.access_receipt(pool=pool, statement_no=number, line_no=line_no)
        member = selectors.access_membership_no(pool=pool, number=given.validated_data["membership_no"])

        def act(person: User) -> dict[str, Any]:
            made = undoings.propose_undoing(
                receipt=line,
                membership=member,
                reason=given.validated_data["reason"],
                proposer=person.code,
                at=clock.now(),
            )
            return {"number": made.number}

        answer = self.do_once(request, f"undo/{line.code}", given.validated_data, act)
        return Response(UndoingNumber(answer).data, status=201)


class _Decision(Decision):
    decision_of = staticmethod(undoings.decision_of)


class UndoingAgreement(_Decision):
    """The second person's word."""

    duties = (CONTROLLER,)
    deed = "agree_undoing"

    @extend_schema(
        operation_id="agree_to_undoing", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Book it, make the receipt nobody's again, and tell the member."""
        return self.decide(request, code, number)


class UndoingWithdrawal(_Decision):
    """Taking a proposal back, or turning it down."""

    duties = MONEY
    deed = "withdraw_undoing"

    @extend_schema(
        operation_id="withdraw_undoing", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Leave the match as it is."""
        return self.decide(request, code, number)
