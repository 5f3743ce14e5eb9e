"""What the start page tells somebody who has signed in, for their programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.site.places import my_places
from aidplatform.site.todo import todos_of
from members.people.models import User


class TodoRow(serializers.Serializer[Any]):
    """Something that waits for me, in my language: a sentence, what to do, and the page on which it is done."""

    text = serializers.CharField()
    action = serializers.CharField()
    link = serializers.CharField(source="address")


class MyTodos(PersonalEndpoint):
    """What waits for me."""

    @extend_schema(operation_id="my_todos", responses=TodoRow(many=True))
    def get(self, request: Request) -> Response:
        """Return it, most urgent first."""
        return Response(TodoRow(todos_of(cast(User, request.user)), many=True).data)


class PlaceRow(serializers.Serializer[Any]):
    """When a pool charges me next. share_fen: what it asks, at most unless is_exact; null while no case is public.

    next_charge_date: of the first period that counts me; null where none does, as my cover is known today.
    """

    pool = serializers.CharField(source="membership.pool.code")
    number = serializers.IntegerField(source="membership.number")
    next_publicity_date = serializers.DateField(source="dates.publicity_date", allow_null=True, default=None)
    next_charge_date = serializers.DateField(source="dates.charge_date", allow_null=True, default=None)
    share_fen = serializers.IntegerField(source="dates.share_fen", allow_null=True, default=None)
    is_exact = serializers.BooleanField(source="dates.is_exact", default=False)


class MyNextCharges(PersonalEndpoint):
    """When I am charged next, pool by pool."""

    @extend_schema(operation_id="my_next_charges", responses=PlaceRow(many=True))
    def get(self, request: Request) -> Response:
        """Return it for every pool to which I belong."""
        return Response(PlaceRow(my_places(cast(User, request.user)), many=True).data)
