"""Where I am signed in, for programs: listed, ended one by one or all others."""

from typing import Any, cast

from django.contrib.auth import logout
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from members.people import sessions
from members.people.models import User


class SessionRow(serializers.Serializer[Any]):
    """A session. is_this: the one that asks; last_seen_at is noted every five minutes.

    browser, device: null where its header says nothing known.
    """

    id = serializers.IntegerField(source="session.pk")
    browser = serializers.CharField(allow_null=True)
    device = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField(source="session.created_at")
    last_seen_at = serializers.DateTimeField(source="session.last_seen_at")
    is_this = serializers.BooleanField()


class EndedBody(serializers.Serializer[Any]):
    """How many sessions have ended."""

    ended = serializers.IntegerField()


class MySessions(PersonalEndpoint):
    """Where I am signed in."""

    @extend_schema(operation_id="my_sessions", responses=SessionRow(many=True))
    def get(self, request: Request) -> Response:
        """Return the sessions that still open the account, the one that asks first. Tokens are no sessions."""
        found = sessions.sessions_of(cast(User, request.user), _key(request))
        return Response(SessionRow(found, many=True).data)


class SessionEnd(PersonalEndpoint):
    """One of my sessions."""

    @extend_schema(operation_id="end_session", request=None, responses={204: None})
    def post(self, request: Request, session_id: int) -> Response:
        """End it; the one that asks is signed out. Ended before, absent and somebody else's answer alike."""
        person = cast(User, request.user)
        found = sessions.sessions_of(person, _key(request))
        is_this = any(one.is_this and one.session.pk == session_id for one in found)
        sessions.end_session(person=person, session_id=session_id)
        if is_this:
            logout(request._request)
        return Response(status=204)


class OtherSessionsEnd(PersonalEndpoint):
    """All my other sessions."""

    @extend_schema(operation_id="end_other_sessions", request=None, responses=EndedBody)
    def post(self, request: Request) -> Response:
        """End every session but the one that asks; asked by a token, every session."""
        ended = sessions.end_other_sessions(person=cast(User, request.user), current_key=_key(request))
        return Response(EndedBody({"ended": ended}).data)


def _key(request: Request) -> str | None:
    """Return the session by which the request is authenticated; a cookie beside a token is nobody's."""
    return request._request.session.session_key if request.auth is None else None
