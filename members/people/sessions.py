"""Where a person is signed in: kept by django-allauth, noted every few minutes, ended one by one or all others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from aidplatform.work import audit
from members.people.models import User

# A note on every page would be a write on every page.
NOTED_EVERY = 300
NOTED = "aid_session_noted"
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("MicroMessenger", "WeChat"), ("Firefox/", "Firefox"))
_MORE_BROWSERS = (("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"))
_DEVICES = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("HarmonyOS", "HarmonyOS"))
_MORE_DEVICES = (("Windows", "Windows"), ("Macintosh", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))


@dataclass(frozen=True)
class OwnSession:
    """One session of a person, with the words for its browser and device; None where its header says nothing known."""

    session: UserSession
    browser: str | None
    device: str | None
    is_this: bool


class SessionNotesMiddleware:
    """Note that a session is in use, at most once in `NOTED_EVERY` seconds, and only where a page asked whose it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # The person as somebody has asked for already: asking costs two queries, and their database may be lost.
        # An API that has refused the session has put nobody in their place.
        is_known = hasattr(request, "_cached_user") and request.user.is_authenticated
        if response.status_code < 500 and is_known:
            note(request)
        return response


def note(request: HttpRequest) -> None:
    """Write down that this session is in use, unless that was done a moment ago."""
    now = int(timezone.now().timestamp())
    if request.session.session_key and now - request.session.get(NOTED, 0) >= NOTED_EVERY:
        UserSession.objects.create_from_request(request)
        request.session[NOTED] = now


def note_sign_in(request: HttpRequest, **_signal: object) -> None:
    """Write down a session as it begins, so that its first page has nothing to write."""
    if hasattr(request, "user"):
        UserSession.objects.create_from_request(request)
    request.session[NOTED] = int(timezone.now().timestamp())


def sessions_of(person: User, current_key: str | None) -> list[OwnSession]:
    """Return the sessions that still open the account, this one first. Two queries, however many there are."""
    noted = list(UserSession.objects.filter(user=person).order_by("-last_seen_at", "-pk"))
    alive = _alive(person, [one.session_key for one in noted])
    found = [
        OwnSession(
            one,
            _word(one.user_agent, (*_BROWSERS, *_MORE_BROWSERS)),
            _word(one.user_agent, (*_DEVICES, *_MORE_DEVICES)),
            one.session_key == current_key,
        )
        for one in noted
        if one.session_key in alive
    ]
    return sorted(found, key=lambda one: not one.is_this)


def _alive(person: User, keys: Iterable[str]) -> set[str]:
    """Return the keys whose session has not run out and was opened with the password of now."""
    wanted = person.get_session_auth_hash()
    rows = Session.objects.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    return {
        row.session_key
        for row in rows
        if constant_time_compare(row.get_decoded().get(HASH_SESSION_KEY, ""), wanted)
    }


def _word(user_agent: str, words: Iterable[tuple[str, str]]) -> str | None:
    return next((word for sign, word in words if sign in user_agent), None)


def end_session(*, person: User, session_id: int) -> None:
    """End one session of the person's own. Raises: NotFoundError."""
    with transaction.atomic():
        found = list(UserSession.objects.select_for_update().filter(user=person, pk=session_id))
        if not found:
            raise NotFoundError(_("This session has ended already, or is not yours."))
        get_adapter().end_sessions(found)
        audit.record(actor=person.code, action="end_session", subject=person.code, sessions=1)


def end_other_sessions(*, person: User, current_key: str | None) -> int:
    """End every session of the person but this one; return how many."""
    with transaction.atomic():
        found = list(
            UserSession.objects.select_for_update().filter(user=person).exclude(session_key=current_key)
        )
        get_adapter().end_sessions(found)
        if found:
            audit.record(actor=person.code, action="end_session", subject=person.code, sessions=len(found))
    return len(found)
