"""Shares that went back for an illness in the wait, for programs of those who run a pool."""

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from ledger.custody.pages import READERS
from ledger.custody.share_return_models import SharesReturn
from ledger.custody.share_returns import shares_returns
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class SharesReturnRow(serializers.ModelSerializer[SharesReturn]):
    """Shares that went back, in minor units; charges: [period, paid, open] of each; entry: its journal entry."""

    charges = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    entry = serializers.IntegerField(source="entry.number", allow_null=True, default=None)

    class Meta:
        model = SharesReturn
        fields = ["number", "charges", "paid_fen", "open_fen", "reviewer", "decider", "returned_at", "entry"]


class SharesReturnList(DutyEndpoint, ListAPIView[SharesReturn]):
    """The shares of a pool that went back, newest first; of whom is for the treasurer's page alone."""

    duties = READERS
    serializer_class = SharesReturnRow
    pagination_class = NewestNumber
    queryset = SharesReturn.objects.none()

    def get_queryset(self) -> QuerySet[SharesReturn]:
        """Return those of the pool that the address names."""
        return shares_returns(access_pool(code=self.kwargs["code"]))
