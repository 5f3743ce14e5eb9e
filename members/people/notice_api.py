"""What I was told, for programs: listed as on the page, and marked as read."""

from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.people import notices
from members.people.about import named
from members.people.models import Notice, User

PAGE = 50


class MyNoticeRow(serializers.Serializer[Any]):
    """A notice in the reader's language. link: the page that it leads to; read_at: null while it is new."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)
    subject = serializers.CharField()
    body = serializers.CharField()
    link = serializers.CharField()


class MyNoticePage(serializers.Serializer[Any]):
    """A page of notices; next: the value of `before` for the following one, null at the end. unread: of all of mine."""

    next = serializers.IntegerField(allow_null=True)
    unread = serializers.IntegerField()
    results = MyNoticeRow(many=True)


class NoticesAsked(serializers.Serializer[Any]):
    """The cursor: only notices before this id, how many at most, and whether only those not read."""

    before = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=PAGE)
    unread = serializers.BooleanField(default=False)


class MyNotices(PersonalEndpoint):
    """What I was told, newest first."""

    @extend_schema(
        operation_id="my_notices",
        responses=MyNoticePage,
        parameters=[
            OpenApiParameter("before", int),
            OpenApiParameter("limit", int),
            OpenApiParameter("unread", bool),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return a page of them. Reading them here marks none as read."""
        given = NoticesAsked(data=request.query_params)
        given.is_valid(raise_exception=True)
        asked, person = given.validated_data, cast(User, request.user)
        found = notices.notices_of(person)
        if "before" in asked:
            found = found.filter(pk__lt=asked["before"])
        if asked["unread"]:
            found = found.filter(read_at=None)
        rows = list(found[: asked["limit"] + 1])
        page = rows[: asked["limit"]]
        body = {
            "next": page[-1].pk if len(rows) > len(page) else None,
            "unread": notices.unread_count(person),
            "results": _rows(person, page),
        }
        return Response(MyNoticePage(body).data)


class ReadCount(serializers.Serializer[Any]):
    """How many were new."""

    read = serializers.IntegerField()


class NoticesReading(PersonalEndpoint):
    """All of my notices as read."""

    @extend_schema(operation_id="read_all_notices", request=None, responses=ReadCount)
    def post(self, request: Request) -> Response:
        """Mark everything as read that I have been told so far."""
        read = notices.read_all(person=cast(User, request.user), at=clock.now())
        return Response(ReadCount({"read": read}).data)


class NoticeReading(PersonalEndpoint):
    """One of my notices as read."""

    @extend_schema(operation_id="read_notice", request=None, responses=MyNoticeRow)
    def post(self, request: Request, notice_id: int) -> Response:
        """Mark it as read; read already: it stays as it was. Absent and somebody else's answer alike."""
        person = cast(User, request.user)
        notice = notices.read_notice(person=person, notice_id=notice_id, at=clock.now())
        return Response(MyNoticeRow(_rows(person, [notice])[0]).data)


def _rows(person: User, found: list[Notice]) -> list[dict[str, Any]]:
    return [
        {
            "id": notice.pk,
            "kind": notice.kind,
            "at": notice.at,
            "read_at": notice.read_at,
            "subject": notices.subject_of(notice.kind, params),
            "body": notices.body_of(notice.kind, params),
            "link": notice.link,
        }
        for notice, params in named(person, found)
    ]
