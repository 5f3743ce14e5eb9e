"""Notices and sessions for their owner's programs: the rows of the pages, and nothing of anybody else's."""

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import PageClient, client_of, program_of
from members.people import notices
from members.people.models import Notice, User
from members.people.sessions import NOTED

NOTICES, SESSIONS = "/api/v1/me/notices/", "/api/v1/me/sessions/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts."""
    cache.clear()


def told(person: User, count: int) -> list[Notice]:
    """Tell somebody of so many shares, and return the notices, newest first."""
    params = {"pool_en": "Test pool", "pool_zh": "测试互助", "fen": 7_200, "currency": "CNY", "number": 1,
              "charge_date": "2026-01-14"}  # fmt: skip
    kind = notices.CHARGED
    for number in range(count):
        news = notices.News(person, kind, f"test-pool/{number}", params, "/pools/test-pool/me/")
        notices.tell([news], batch=f"test/{number}", actor="test")
    return list(notices.notices_of(person))


def used(person: User) -> PageClient:
    """Return a browser in which somebody is signed in and has just opened a page."""
    client = client_of(person)
    session = client.session
    del session[NOTED]
    session.save()
    client.get("/")
    return client


def test_notices_are_those_of_the_page_in_the_language_asked_for(world: World) -> None:
    newest, older = told(world.stranger, 2)
    answer = program_of(world.stranger).get(NOTICES).json()
    assert (answer["next"], answer["unread"]) == (None, 2)
    assert [row["id"] for row in answer["results"]] == [newest.pk, older.pk]
    row = answer["results"][0]
    assert row["subject"] == "Your share of period 1 of Test pool: ¥72.00"
    assert (row["kind"], row["link"], row["read_at"]) == ("charged", "/pools/test-pool/me/", None)
    assert row["subject"] in client_of(world.stranger).get("/notices/").content.decode()
    in_chinese = program_of(world.stranger, "zh-hans").get(NOTICES).json()
    assert in_chinese["results"][0]["subject"].startswith("“测试互助”第 1 期")


def test_pages_of_notices_neither_skip_nor_repeat(world: World) -> None:
    expected = [one.pk for one in told(world.stranger, 5)]
    program, seen, before = program_of(world.stranger), [], ""
    while before is not None:
        page = program.get(f"{NOTICES}?limit=2&{f'before={before}' if before else ''}").json()
        seen += [row["id"] for row in page["results"]]
        before = page["next"]
    assert seen == expected
    for nonsense in ("limit=0", "limit=51", "before=x", "before=0", "unread=maybe"):
        assert program.get(f"{NOTICES}?{nonsense}").status_code == 400


def test_notice_is_read_once_by_its_owner_alone(world: World) -> None:
    newest, older = told(world.stranger, 2)
    program = program_of(world.stranger)
    first = program.post(f"{NOTICES}{newest.pk}/reading/")
    assert (first.status_code, first.json()["id"]) == (200, newest.pk)
    assert program.post(f"{NOTICES}{newest.pk}/reading/").json() == first.json()
    left = program.get(f"{NOTICES}?unread=true").json()
    assert ([row["id"] for row in left["results"]], left["unread"]) == ([older.pk], 1)
    other = program_of(world.admin)
    assert other.get(NOTICES).json()["results"] == []
    refused = other.post(f"{NOTICES}{older.pk}/reading/")
    absent = other.post(f"{NOTICES}99999999/reading/")
    assert (refused.status_code, refused.content) == (absent.status_code, absent.content)
    assert refused.status_code == 404
    assert Notice.objects.get(pk=older.pk).read_at is None
    assert PageClient().get(NOTICES).status_code == 401


def test_notices_take_as_many_statements_for_one_as_for_thirty(world: World) -> None:
    told(world.stranger, 1)
    program = program_of(world.stranger)
    program.get(NOTICES)
    with CaptureQueriesContext(connection) as one:
        program.get(NOTICES)
    told(world.stranger, 30)
    with CaptureQueriesContext(connection) as thirty:
        program.get(NOTICES)
    assert len(thirty) == len(one)


def test_sessions_are_listed_and_ended_by_their_owner_alone(world: World) -> None:
    phone, desk, other = used(world.stranger), used(world.stranger), used(world.admin)
    by_token = program_of(world.stranger)
    rows = by_token.get(SESSIONS).json()
    assert len(rows) == 2
    assert [row["is_this"] for row in rows] == [False, False]
    own = desk.get(SESSIONS).json()
    assert [row["is_this"] for row in own] == [True, False]
    theirs = UserSession.objects.get(user=world.admin)
    refused = by_token.post(f"{SESSIONS}{theirs.pk}/end/")
    absent = by_token.post(f"{SESSIONS}99999999/end/")
    assert (refused.status_code, refused.content) == (absent.status_code, absent.content)
    assert refused.status_code == 404
    assert by_token.post(f"{SESSIONS}{own[1]['id']}/end/").status_code == 204
    assert phone.get("/notices/").status_code == 302
    assert desk.get("/notices/").status_code == other.get("/notices/").status_code == 200


def test_browser_ends_its_own_session_with_a_sign_out(world: World) -> None:
    desk = used(world.stranger)
    mine = desk.get(SESSIONS).json()[0]
    assert desk.post(f"{SESSIONS}{mine['id']}/end/").status_code == 204
    assert desk.get(SESSIONS).status_code == 401
    assert not UserSession.objects.filter(user=world.stranger).exists()


def test_all_others_end_and_the_one_that_asks_stays(world: World) -> None:
    others, desk = [used(world.stranger) for _index in range(2)], used(world.stranger)
    assert desk.post(f"{SESSIONS}others/end/").json() == {"ended": 2}
    assert [other.get("/notices/").status_code for other in others] == [302, 302]
    assert desk.get("/notices/").status_code == 200
    # A cookie beside a token is nobody's session: asked by a token, all of them end.
    mixed = program_of(world.stranger)
    mixed.cookies = desk.cookies
    assert mixed.post(f"{SESSIONS}others/end/").json() == {"ended": 1}
    assert desk.get("/notices/").status_code == 302


def test_session_that_has_run_out_is_not_listed(world: World) -> None:
    used(world.stranger)
    program = program_of(world.stranger)
    assert len(program.get(SESSIONS).json()) == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_session SET expire_date = expire_date - interval '30 days'")
    assert program.get(SESSIONS).json() == []


def test_everything_is_read_by_one_press_and_nobody_elses(world: World) -> None:
    told(world.stranger, 3)
    (others,) = told(world.admin, 1)
    client = client_of(world.stranger)
    assert "Mark all as read" in client.get("/notices/").content.decode()
    assert client.post("/notices/read/").status_code == 302
    assert "Mark all as read" not in client.get("/notices/").content.decode()
    told(world.stranger, 4)
    program = program_of(world.stranger)
    assert [program.post(f"{NOTICES}reading/").json() for _twice in range(2)] == [{"read": 1}, {"read": 0}]
    others.refresh_from_db()
    assert others.read_at is None
