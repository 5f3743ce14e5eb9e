"""Where one is signed in: listed in words, noted now and then, ended one by one or all others."""

import datetime as dt
from typing import Any

from allauth.usersessions.models import UserSession
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import PageClient, client_of
from aidplatform.work.models import AuditEntry
from members.people.models import User
from members.people.sessions import NOTED, sessions_of

PAGE = "/accounts/sessions/"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
)
DESK = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def new_client(person: User, **options: Any) -> PageClient:
    """Return a client whose session nobody has noted yet: tests sign in without a request."""
    client = client_of(person, **options)
    session = client.session
    del session[NOTED]
    session.save()
    return client


def test_page_lists_browser_and_device_this_session_first(world: World) -> None:
    new_client(world.stranger, HTTP_USER_AGENT=PHONE).get("/")
    page = new_client(world.stranger, HTTP_USER_AGENT=DESK).get(PAGE).content.decode()
    assert page.index("Firefox · Linux") < page.index("Safari · iPhone")
    assert page.count("this session") == 1


def test_ended_session_opens_nothing_any_more(world: World) -> None:
    phone, desk = new_client(world.stranger, HTTP_USER_AGENT=PHONE), new_client(world.stranger)
    phone.get("/")
    other = UserSession.objects.get(user=world.stranger)
    assert desk.post(f"{PAGE}{other.pk}/end/").headers["Location"] == PAGE
    assert phone.get("/notices/").headers["Location"].startswith("/accounts/login/")
    assert desk.get("/notices/").status_code == 200
    assert AuditEntry.objects.filter(action="end_session", subject=world.stranger.code).count() == 1


def test_all_others_end_and_this_one_stays(world: World) -> None:
    others = [new_client(world.stranger) for _index in range(2)]
    for other in others:
        other.get("/")
    desk = new_client(world.stranger)
    desk.get(PAGE)
    assert desk.post(f"{PAGE}others/end/").headers["Location"] == PAGE
    assert [other.get("/notices/").status_code for other in others] == [302, 302]
    assert desk.get(PAGE).status_code == 200
    assert UserSession.objects.filter(user=world.stranger).count() == 1


def test_this_session_ends_with_a_sign_out(world: World) -> None:
    client = new_client(world.stranger)
    client.get(PAGE)
    mine = UserSession.objects.get(user=world.stranger)
    assert client.post(f"{PAGE}{mine.pk}/end/").headers["Location"] == "/"
    assert client.get("/notices/").status_code == 302


def test_session_of_somebody_else_is_not_to_be_ended(world: World) -> None:
    new_client(world.auditor).get("/")
    theirs = UserSession.objects.get(user=world.auditor)
    assert new_client(world.stranger).post(f"{PAGE}{theirs.pk}/end/").status_code == 404
    assert UserSession.objects.filter(pk=theirs.pk).exists()


def test_session_opened_with_an_older_password_is_not_listed(world: World) -> None:
    new_client(world.stranger).get("/")
    world.stranger.set_password("right horse battery")
    world.stranger.save()
    assert sessions_of(world.stranger, None) == []


def test_use_is_noted_again_after_minutes_only(world: World) -> None:
    client = new_client(world.stranger)
    client.get("/")
    UserSession.objects.update(last_seen_at=timezone.now() - dt.timedelta(hours=1))
    client.get("/")
    assert UserSession.objects.get().last_seen_at < timezone.now() - dt.timedelta(minutes=50)
    session = client.session
    session[NOTED] = session[NOTED] - 301
    session.save()
    client.get("/")
    assert UserSession.objects.get().last_seen_at > timezone.now() - dt.timedelta(minutes=1)


def test_page_asks_as_little_for_three_sessions_as_for_one(world: World) -> None:
    client = new_client(world.stranger)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as one:
        client.get(PAGE)
    for _index in range(2):
        new_client(world.stranger).get("/")
    with CaptureQueriesContext(connection) as three:
        client.get(PAGE)
    assert len(three) == len(one)
