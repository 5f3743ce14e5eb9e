"""A pool's books for programs of its staff: the same rows as the pages, amounts in minor units."""

import datetime as dt
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.books import reports, selectors
from ledger.books.models import JournalEntry, Posting
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.models import DutyGrant

READERS = (
    DutyGrant.Duty.POOL_ADMIN.value,
    DutyGrant.Duty.TREASURER.value,
    DutyGrant.Duty.CONTROLLER.value,
    DutyGrant.Duty.AUDITOR.value,
)

_ON = OpenApiParameter("on", dt.date, description="at the end of that day; without it: now")


class DayText(serializers.Serializer[Any]):
    """The day at whose end balances are wanted."""

    on = serializers.DateField(required=False)


class AccountRow(serializers.Serializer[Any]):
    """An account with its sums."""

    code = serializers.CharField(source="account.code")
    name = serializers.CharField(source="account.name")
    debit_fen = serializers.IntegerField()
    credit_fen = serializers.IntegerField()


class TrialBalanceRow(serializers.Serializer[Any]):
    """Every account, and the two sums that must agree."""

    accounts = AccountRow(many=True)
    debit_fen = serializers.IntegerField()
    credit_fen = serializers.IntegerField()


class PostingRow(serializers.ModelSerializer[Posting]):
    """One side of an entry."""

    account = serializers.CharField(source="account.code")

    class Meta:
        model = Posting
        fields = ["account", "side", "amount_fen"]


class EntryRow(serializers.ModelSerializer[JournalEntry]):
    """A journal entry with its postings; reverses, reversed_by: numbers of other entries."""

    postings = PostingRow(many=True)
    reverses = serializers.IntegerField(source="reverses.number", allow_null=True, default=None)
    reversed_by = serializers.IntegerField(source="reversed_by.number", allow_null=True, default=None)

    class Meta:
        model = JournalEntry
        fields = [
            "number", "kind", "entry_date", "at", "description", "source", "reverses", "reversed_by", "postings",
        ]  # fmt: skip


class TrialBalance(DutyEndpoint):
    """The accounts of a pool and their sums."""

    duties = READERS

    @extend_schema(operation_id="trial_balance", responses=TrialBalanceRow, parameters=[_ON])
    def get(self, request: Request, code: str) -> Response:
        """Return the trial balance, now or at the end of a day."""
        asked = DayText(data=request.query_params)
        asked.is_valid(raise_exception=True)
        day = asked.validated_data.get("on")
        trial = reports.trial_balance_on(selectors.access_book(code=code), day)
        sums = {
            "accounts": trial.lines,
            "debit_fen": sum(line.debit_fen for line in trial.lines),
            "credit_fen": sum(line.credit_fen for line in trial.lines),
        }
        return Response(TrialBalanceRow(sums).data)


class AccountList(DutyEndpoint):
    """The chart of accounts with what was posted to each: a score of rows, on one page."""

    duties = READERS

    @extend_schema(operation_id="accounts", responses=AccountRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the accounts."""
        trial = selectors.trial_balance(selectors.access_book(code=code))
        return Response(AccountRow(trial.lines, many=True).data)


class EntryList(DutyEndpoint, ListAPIView[JournalEntry]):
    """The journal, newest first."""

    duties = READERS
    serializer_class = EntryRow
    pagination_class = NewestNumber
    queryset = JournalEntry.objects.none()

    def get_queryset(self) -> QuerySet[JournalEntry]:
        """Return the entries of the pool's book."""
        book = selectors.access_book(code=self.kwargs["code"])
        found = selectors.entries(book).select_related("reverses", "reversed_by")
        return found.prefetch_related("postings__account")


class EntryDetail(DutyEndpoint):
    """One entry."""

    duties = READERS

    @extend_schema(operation_id="entry", responses=EntryRow)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return the entry."""
        found = selectors.access_entry(book=selectors.access_book(code=code), number=number)
        return Response(EntryRow(found).data)
