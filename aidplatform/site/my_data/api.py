"""One's exports for programs, to be followed. The page orders and hands out, after a fresh proof of who asks."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.site.my_data.models import DataExport
from aidplatform.site.my_data.services import exports_of
from members.people.models import User


class ExportRow(serializers.ModelSerializer[DataExport]):
    """One export. until_at: when its content is deleted; size: of the ZIP in bytes."""

    class Meta:
        model = DataExport
        fields = ["number", "state", "steps_done", "steps_all", "size", "ordered_at", "ready_at", "until_at"]


class MyExports(PersonalEndpoint):
    """My exports."""

    @extend_schema(operation_id="my_data_exports", responses=ExportRow(many=True))
    def get(self, request: Request) -> Response:
        """Return the last fifty, newest first. Ordering and taking one asks for a fresh sign-in: on the page."""
        return Response(ExportRow(exports_of(cast(User, request.user))[:50], many=True).data)
