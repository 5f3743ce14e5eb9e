"""One's exports and erasure for programs, to be followed; the page does the deeds, after a fresh proof of who asks."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.site.my_data import erasing
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


class HindranceRow(serializers.Serializer[Any]):
    """Something open that has to end first: a stable word and a sentence."""

    code = serializers.CharField()
    sentence = serializers.CharField()


class ErasureBody(serializers.Serializer[Any]):
    """Whether an erasure waits, from when on it is done, and what is in the way."""

    is_asked = serializers.BooleanField()
    due_at = serializers.DateTimeField(allow_null=True)
    hindrances = HindranceRow(many=True)


class MyErasure(PersonalEndpoint):
    """My erasure."""

    @extend_schema(operation_id="my_erasure", responses=ErasureBody)
    def get(self, request: Request) -> Response:
        """Return whether it is asked for. Asking takes a fresh sign-in: on the page."""
        person = cast(User, request.user)
        waiting = erasing.open_erasure(person)
        body = {
            "is_asked": waiting is not None,
            "due_at": waiting.due_at if waiting else None,
            "hindrances": erasing.hindrances_of(person, clock.now()),
        }
        return Response(ErasureBody(body).data)
