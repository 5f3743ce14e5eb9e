"""How precise the signals of a pool are, for programs of its admin and auditor."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from claims.review.signal_selectors import precision
from claims.review.signal_views import WATCHERS
from members.pools.api import DutyEndpoint
from members.pools.selectors import access_pool


class SignalRow(serializers.Serializer[Any]):
    """One signal of one version of limits. base_rate: per mille of made-up honest claims that show it.

    shown: claims that showed it; explained, confirmed: what reviewers said of them last. confirmed_per_mille: of those
    that were marked; null before one was.
    """

    version = serializers.IntegerField()
    signal = serializers.CharField()
    base_rate = serializers.IntegerField()
    shown = serializers.IntegerField()
    explained = serializers.IntegerField()
    confirmed = serializers.IntegerField()
    confirmed_per_mille = serializers.IntegerField(allow_null=True)


class SignalPrecision(DutyEndpoint):
    """What came of the signals, without any claim or person."""

    duties = WATCHERS

    @extend_schema(responses=SignalRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return every signal of every version in use."""
        return Response(SignalRow(precision(access_pool(code=code)), many=True).data)
