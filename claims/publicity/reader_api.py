"""Who opened my file, for my programs: one list for all my claims."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from claims.publicity.api import ReaderRow
from claims.review.file_readers import file_readers_of
from members.people.models import User

PAGE = 200


class FileReaderRow(ReaderRow):
    """Somebody who read papers or words of one of my claims."""

    claim = serializers.CharField()
    pool = serializers.CharField()


class FileReaderPage(serializers.Serializer[Any]):
    """A page of readers; next: the value of `skip` for the following one, null at the end."""

    next = serializers.IntegerField(allow_null=True)
    results = FileReaderRow(many=True)


class ReadersAsked(serializers.Serializer[Any]):
    """How many of the newest to leave out, and how many to return at most."""

    skip = serializers.IntegerField(default=0, min_value=0, max_value=10**6)
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=PAGE)


class MyReaders(PersonalEndpoint):
    """Who opened my file."""

    @extend_schema(
        operation_id="my_readers",
        responses=FileReaderPage,
        parameters=[OpenApiParameter("skip", int), OpenApiParameter("limit", int)],
    )
    def get(self, request: Request) -> Response:
        """Return who else read of the claims for which I speak, newest first."""
        given = ReadersAsked(data=request.query_params)
        given.is_valid(raise_exception=True)
        skip, limit = given.validated_data["skip"], given.validated_data["limit"]
        found = file_readers_of(cast(User, request.user))
        rows = [
            {"claim": one.claim.code, "pool": one.claim.pool.code, **one.reader.__dict__}
            for one in found[skip : skip + limit]
        ]
        following = skip + limit if len(found) > skip + limit else None
        return Response(FileReaderPage({"next": following, "results": rows}).data)
