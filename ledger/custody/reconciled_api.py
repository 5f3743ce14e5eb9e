"""The daily reconciliation for programs."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor
from aidplatform.lib.errors import NotFoundError
from ledger.custody import reconciled_days
from ledger.custody.pages import READERS
from ledger.custody.reconciled_models import ReconciledDay
from ledger.custody.reconciled_rules import to_json
from members.pools.api import DutyEndpoint
from members.pools.selectors import access_pool


class BrokenPlaceRow(serializers.Serializer[Any]):
    """One place where a rule is broken; expected and found are minor units, days or words, as the unit says."""

    check = serializers.CharField()
    kind = serializers.CharField()
    ref = serializers.CharField()
    unit = serializers.ChoiceField(["money", "day", "word"])
    expected = serializers.JSONField()
    found = serializers.JSONField()


class VerdictRow(serializers.Serializer[Any]):
    """A rule of the cash book and what is to be said of it; broken: in how many places, of which the first are told."""

    rule = serializers.CharField()
    state = serializers.ChoiceField(["holds", "broken", "nothing", "elsewhere"])
    examined = serializers.IntegerField()
    broken = serializers.IntegerField()
    findings = BrokenPlaceRow(many=True)


class ReconciledRow(serializers.Serializer[Any]):
    """The bank's closing balance, what orders and receipts make of it, and the books, with the verdict of each rule."""

    day = serializers.DateField()
    statement_no = serializers.IntegerField()
    bank_fen = serializers.IntegerField()
    explained_fen = serializers.IntegerField()
    ledger_fen = serializers.IntegerField()
    broken = serializers.IntegerField()
    verdicts = VerdictRow(many=True)


class NewestDay(Cursor):
    """Newest day first."""

    ordering = "-day"


class ReconciledDays(DutyEndpoint, ListAPIView[ReconciledDay]):
    """The daily reconciliations."""

    duties = READERS
    serializer_class = ReconciledRow
    pagination_class = NewestDay
    queryset = ReconciledDay.objects.none()

    def get_queryset(self) -> QuerySet[ReconciledDay]:
        """Return those of the pool that the address names, newest first."""
        return ReconciledDay.objects.filter(pool=access_pool(code=self.kwargs["code"]))


class ReconciledNow(DutyEndpoint):
    """The reconciliation as it stands this minute."""

    duties = READERS

    @extend_schema(operation_id="reconciliation_now", responses=ReconciledRow)
    def get(self, request: Request, code: str) -> Response:
        """Judge it now; nothing is kept."""
        judged = reconciled_days.judge(access_pool(code=code), clock.now())
        if judged is None:
            raise NotFoundError(_("No bank statement has been imported yet."))
        fields = ("day", "statement_no", "bank_fen", "explained_fen", "ledger_fen", "broken")
        told = {name: getattr(judged, name) for name in fields}
        return Response(ReconciledRow(told | {"verdicts": to_json(judged.verdicts)}).data)
