"""Receipts that are nobody's yet, for programs: which there are, whose they could be, and saying whose one is."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import reconciliation, selectors, services
from ledger.custody.api import MoneyDeed
from ledger.custody.pages import MONEY, PAGE, TREASURER
from ledger.custody.references import LARGEST_NUMBER
from ledger.custody.suggestions import Reason, suggestions
from members.people.models import User
from members.pools.api import DutyEndpoint
from members.pools.selectors import access_pool


class SuggestionRow(serializers.Serializer[Any]):
    """A membership whose money it could be, why, and what it owes with whom it pays for (minor units)."""

    membership_no = serializers.IntegerField(source="membership.number")
    reasons = serializers.ListField(child=serializers.ChoiceField(choices=Reason.choices))
    owes_fen = serializers.IntegerField()


class UnidentifiedRow(serializers.Serializer[Any]):
    """A receipt of which something is nobody's yet (minor units), with the likeliest memberships first."""

    receipt = serializers.CharField(source="line.code", help_text="Statement and line, e.g. 3/17.")
    booking_date = serializers.DateField(source="line.booking_date")
    days = serializers.IntegerField()
    amount_fen = serializers.IntegerField(source="line.amount_fen")
    open_fen = serializers.IntegerField()
    text = serializers.CharField(source="line.text")
    suggestions = serializers.SerializerMethodField()

    def get_suggestions(self, receipt: reconciliation.Receipt) -> list[dict[str, Any]]:
        """Return whose it could be."""
        found = self.context["suggestions"].get(receipt.line.pk, ())
        return list(SuggestionRow(found, many=True).data)


class WhoseText(serializers.Serializer[Any]):
    """The membership whose money a receipt is."""

    membership_no = serializers.IntegerField(min_value=1, max_value=LARGEST_NUMBER)


class IdentifiedAnswer(serializers.Serializer[Any]):
    """What the receipt has paid of what the membership owes, in minor units."""

    paid_fen = serializers.IntegerField()


class UnidentifiedList(DutyEndpoint):
    """Money that is nobody's yet."""

    duties = MONEY

    @extend_schema(operation_id="unidentified", responses=UnidentifiedRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the oldest hundred receipts of which something is nobody's yet."""
        pool = access_pool(code=code)
        account = selectors.account_of(pool)
        found = reconciliation.unidentified(account)[:PAGE] if account else []
        context = {"suggestions": suggestions(pool, found)}
        return Response(UnidentifiedRow(found, many=True, context=context).data)


class ReceiptIdentification(MoneyDeed):
    """Saying whose a receipt is."""

    duties = (TREASURER,)

    @extend_schema(
        operation_id="identify_receipt",
        request=WhoseText,
        responses=IdentifiedAnswer,
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, number: int, line_no: int) -> Response:
        """Let it pay what the membership owes, the oldest share first; the rest stays nobody's."""
        given = WhoseText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = access_pool(code=code)
        line = selectors.access_receipt(pool=pool, statement_no=number, line_no=line_no)

        def act(person: User) -> dict[str, Any]:
            member = selectors.access_membership_no(pool=pool, number=given.validated_data["membership_no"])
            paid = services.identify_receipt(
                receipt=line, membership=member, identifier=person.code, at=clock.now()
            )
            return {"paid_fen": paid}

        answer = self.do_once(request, f"identify/{line.code}", given.validated_data, act)
        return Response(IdentifiedAnswer(answer).data)
