"""The time stamps of a log for programs."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from aidplatform.lib.drf import Cursor, Endpoint
from ledger.openbooks.stamp_models import TimeStamp
from ledger.openbooks.stamps import stamps_of
from members.pools.api import public_pool


class TimeStampRow(serializers.ModelSerializer[TimeStamp]):
    """What an authority of time has stamped. checkpoint, stamp: the public files by which anybody checks it."""

    size = serializers.IntegerField(source="checkpoint.size")
    checkpoint = serializers.SerializerMethodField()
    stamp = serializers.SerializerMethodField()

    class Meta:
        model = TimeStamp
        fields = ["authority", "stamped_at", "size", "checkpoint", "stamp"]

    def get_checkpoint(self, row: TimeStamp) -> str:
        """Return the name of the stamped file below /t/ of the pool."""
        return f"tsr/{row.checkpoint.size}/checkpoint"

    def get_stamp(self, row: TimeStamp) -> str:
        """Return the name of the authority's answer there."""
        return f"tsr/{row.checkpoint.size}/{row.authority}.tsr"


class NewestStamp(Cursor):
    """The newest first."""

    ordering = ("-checkpoint__size", "authority")


class LogStamps(Endpoint, ListAPIView[TimeStamp]):
    """The time stamps of a log, newest first, for everyone."""

    serializer_class: Any = TimeStampRow
    pagination_class = NewestStamp
    queryset = TimeStamp.objects.none()

    def get_queryset(self) -> QuerySet[TimeStamp]:
        """Return those of the pool that the address names."""
        return stamps_of(public_pool(self.request, self.kwargs["code"]).code)
