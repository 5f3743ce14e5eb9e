"""Debits to explain for programs: what waits, what was found out, and the word of the second person."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import explanations
from ledger.custody.api import Decision, MoneyDeed, OrderState
from ledger.custody.explanation_models import DebitExplanation
from ledger.custody.models import StatementLine
from ledger.custody.pages import CONTROLLER, MONEY, TREASURER
from ledger.custody.selectors import access_order, access_receipt
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.models import Pool
from members.pools.selectors import access_pool

LARGEST = 2**31 - 1


class DebitRow(serializers.ModelSerializer[StatementLine]):
    """A debit to explain, in minor units; code: statement and line."""

    class Meta:
        model = StatementLine
        fields = ["code", "booking_date", "amount_fen", "bank_reference", "text"]


class ExplanationRow(serializers.ModelSerializer[DebitExplanation]):
    """What was found out about a debit; payment, receipt: what it rests on; entry: the number of its journal entry."""

    debit = serializers.CharField(source="line.code")
    payment = serializers.IntegerField(source="order.number", allow_null=True, default=None)
    receipt = serializers.CharField(source="receipt.code", allow_null=True, default=None)
    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = DebitExplanation
        fields = [
            "number", "debit", "amount_fen", "cause", "payment", "receipt", "note", "state", "proposed_by",
            "proposed_at", "decided_by", "decided_at", "entry",
        ]  # fmt: skip


class ReceiptCode(serializers.Serializer[Any]):
    """A receipt: its statement, and its line there."""

    statement = serializers.IntegerField(min_value=1, max_value=LARGEST)
    line = serializers.IntegerField(min_value=1, max_value=LARGEST)


class ExplanationText(serializers.Serializer[Any]):
    """What a debit was. payment: the number of the released one; receipt: by which as much came back."""

    cause = serializers.ChoiceField(choices=DebitExplanation.Cause.choices)
    payment = serializers.IntegerField(min_value=1, max_value=LARGEST, allow_null=True, default=None)
    receipt = ReceiptCode(allow_null=True, default=None)
    note = serializers.CharField(max_length=300)


class ExplanationNumber(serializers.Serializer[Any]):
    """What was proposed."""

    number = serializers.IntegerField()


class DebitsToExplain(DutyEndpoint):
    """The debits that nobody has explained yet, oldest first."""

    duties = MONEY

    @extend_schema(operation_id="debits_to_explain", responses=DebitRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the first hundred."""
        return Response(
            DebitRow(explanations.debits_to_explain(access_pool(code=code))[:100], many=True).data
        )


class ExplanationList(DutyEndpoint, ListAPIView[DebitExplanation]):
    """What was found out about debits, newest first."""

    duties = MONEY
    serializer_class = ExplanationRow
    pagination_class = NewestNumber
    queryset = DebitExplanation.objects.none()

    def get_queryset(self) -> QuerySet[DebitExplanation]:
        """Return those of the pool that the address names."""
        return explanations.explanations(access_pool(code=self.kwargs["code"]))


class ExplanationProposal(MoneyDeed):
    """An explanation of a debit."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="propose_explanation",
        request=ExplanationText,
        responses={201: ExplanationNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, statement_no: int, line_no: int) -> Response:
        """Propose it; nothing is booked before a controller agrees."""
        given = ExplanationText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = access_pool(code=code)
        line = explanations.access_debit(pool=pool, statement_no=statement_no, line_no=line_no)
        papers = _papers(pool, given.validated_data)

        def act(person: User) -> dict[str, Any]:
            made = explanations.propose_explanation(
                line=line,
                cause=given.validated_data["cause"],
                note=given.validated_data["note"],
                proposer=person.code,
                at=clock.now(),
                **papers,
            )
            return {"number": made.number}

        told = {name: str(value) for name, value in given.validated_data.items()}
        answer = self.do_once(request, f"explain/{line.code}", told, act)
        return Response(ExplanationNumber(answer).data, status=201)


def _papers(pool: Pool, told: dict[str, Any]) -> dict[str, Any]:
    """Return what an explanation rests on. Raises: NotFoundError."""
    papers: dict[str, Any] = {}
    if told["payment"] is not None:
        papers["order"] = access_order(pool=pool, number=told["payment"])
    if (receipt := told["receipt"]) is not None:
        papers["receipt"] = access_receipt(
            pool=pool, statement_no=receipt["statement"], line_no=receipt["line"]
        )
    return papers


class _Decision(Decision):
    decision_of = staticmethod(explanations.decision_of)


class ExplanationAgreement(_Decision):
    """The second person's word on an explanation."""

    duties = (CONTROLLER,)
    deed = "agree_explanation"

    @extend_schema(
        operation_id="agree_to_explanation", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Book what the debit was; a payment counts as paid by it."""
        return self.decide(request, code, number)


class ExplanationWithdrawal(_Decision):
    """Taking an explanation back, or turning it down."""

    duties = MONEY
    deed = "withdraw_explanation"

    @extend_schema(
        operation_id="withdraw_explanation", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Leave the debit to be explained."""
        return self.decide(request, code, number)
