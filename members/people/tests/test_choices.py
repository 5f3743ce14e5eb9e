"""What a person is mailed, when and in which form: kind by kind, once a day, never in quiet hours."""

import datetime as dt
import json
from typing import Any
from zoneinfo import available_timezones

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.lib.fields import zone_choices
from aidplatform.testing.refusals import not_permitted, refused, run, value
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.jobs import Lease, claim
from aidplatform.work.models import AuditEntry, Job
from members.people import about, digests, notices
from members.people.choices import choose_notices
from members.people.events import EVENT_OF, EVENTS
from members.people.mails import SEND, send_mails
from members.people.models import Mail, Notice, NoticeChoice, NoticeHours, User

TODAY = dt.datetime(2026, 1, 10, 4, tzinfo=dt.UTC)  # noon in Shanghai
PAGE, API = "/notices/choices/", "/api/v1/me/notice-choices/"
Category = NoticeChoice.Category


@pytest.fixture
def person(db: None) -> User:
    """Give the test a person at noon of 10 January in Shanghai."""
    set_clock(TODAY)
    return User.objects.create_user("someone@example.org")


def choose(person: User, ways: dict[str, str] | None = None, **hours: Any) -> None:
    choose_notices(person=person, ways=ways or {}, hours=NoticeHours(**hours), at=clock.now())


def news(person: User, kind: str, key: str = "k", **params: Any) -> notices.News:
    figures = {
        "pool_en": "Town", "pool_zh": "镇", "number": 3, "fen": 900, "currency": "CNY", "needed_fen": 1000,
        "held_fen": 500, "charge_date": "2026-01-20", "until": "2026-01-20", "effective_date": "2026-02-20",
        "reason": "Why",
        "cover_end": "2026-02-20", "run_off_end": "2026-05-20", "first": 3, "second": 2, "floor": 5, "members": 9,
        "bears": False, "cap_fen": None, "class_en": "A", "class_zh": "甲", "from": "2026-01-11", "weight": 2,
        "weight_before": 1, "age": 60, "case": "C-1", "covered": "2026-01-11", "eligible": "2026-04-11",
        "sha256": "0", "ended": "2026-01-11", "clause": "7", "statement": "S", "contact": "c@example.org",
        "owed": "Nothing.", "last": "2026-02-10", "holder": "Members", "account": "6222", "bank": "Bank",
        "reference": "RF1", "member": 4, "days": 15, "claim": "CL-1", "claim_state": "filed", "due": "2026-01-25",
        "duty_code": "auditor", "date": "2026-01-20", "debit_reason": "AM04", "day": "2026-01-20",
        "complaint": "2026/1", "purpose_code": "audit", "basis": "Law 7", "case_count": 2, "there_en": "Hill",
        "there_zh": "山",
    }  # fmt: skip
    return notices.News(person, kind, key, figures | params, "/notices/")


def tell(*told: notices.News, batch: str = "b") -> int:
    return notices.tell(told, batch=batch, actor="test")


def test_every_kind_has_a_category_and_last_days_are_of_kinds_that_are_mailed() -> None:
    assert set(notices.CATEGORY_OF) == set(notices.KINDS)
    assert set(notices.CATEGORY_OF.values()) == set(Category)
    assert len(EVENT_OF) == sum(len(one.kinds) for events in EVENTS.values() for one in events.values())
    assert {notices.CATEGORY_OF[kind] for kind in notices.LAST_DAYS} <= set(NoticeChoice.ALWAYS_MAILED)


@pytest.mark.parametrize("way", ["at_once", "digest", "page"])
@pytest.mark.parametrize("kind", notices.KINDS)
def test_notice_goes_as_its_person_has_chosen(person: User, kind: str, way: str) -> None:
    category = notices.CATEGORY_OF[kind]
    if way == "page" and category in NoticeChoice.ALWAYS_MAILED:
        with refused("money_and_rights_are_mailed"):
            choose(person, {category: way})
        return
    choose(person, {category: way})
    assert tell(news(person, kind)) == 1
    assert Notice.objects.get().way == way
    assert Mail.objects.count() == (1 if way == "at_once" else 0)
    set_clock(TODAY + dt.timedelta(days=1))
    digests.order_due(clock.now())
    run_jobs()
    assert Mail.objects.filter(key__startswith="digest/").count() == (1 if way == "digest" else 0)
    assert len(mail.outbox) == (0 if way == "page" else 1)


@pytest.mark.parametrize(
    ("kind", "param", "day", "way"),
    [
        ("charged", "charge_date", "2026-01-12", "at_once"),
        ("charged", "charge_date", "2026-01-13", "digest"),
        ("suspended", "until", "2026-01-12", "at_once"),
        ("suspended", "until", "2026-01-13", "digest"),
        ("rules", "effective_date", "2026-01-11", "at_once"),
        ("ending_decided", "cover_end", "2026-01-12", "at_once"),
        ("joined_ahead", "until", "2026-01-10", "at_once"),
        ("wallet_low", "until", "2026-01-10", "digest"),
    ],
)
def test_no_digest_waits_where_the_last_day_is_near(
    person: User, kind: str, param: str, day: str, way: str
) -> None:
    choose(person, dict.fromkeys(Category, "digest"))
    tell(news(person, kind, **{param: day}))
    assert Notice.objects.get().way == way


def test_without_a_choice_everything_comes_at_once(person: User) -> None:
    tell(*[news(person, kind) for kind in notices.KINDS])
    assert Mail.objects.filter(not_before_at=None).count() == len(notices.KINDS)


def test_what_was_told_is_not_mailed_by_a_later_choice(person: User) -> None:
    choose(person, {Category.FAMILY: "page"})
    assert tell(news(person, "payer_asked")) == 1
    choose(person, {Category.FAMILY: "at_once"})
    assert tell(news(person, "payer_asked"), batch="again") == 0
    assert not Mail.objects.exists()


def test_mail_of_quiet_hours_waits_for_their_end(person: User) -> None:
    hour = timezone.now().hour
    quiet = {"time_zone": "UTC", "quiet_from_hour": (hour - 1) % 24, "quiet_to_hour": (hour + 2) % 24}
    choose(person, **quiet)
    loud = User.objects.create_user("loud@example.org")
    tell(news(person, "charged"), news(loud, "charged"))
    waiting = Mail.objects.get(person=person)
    end = waiting.not_before_at
    assert end is not None
    assert (end.hour, end.minute) == ((hour + 2) % 24, 0)
    assert dt.timedelta(0) < end - timezone.now() <= dt.timedelta(hours=2)
    run_jobs()
    assert [one.to for one in mail.outbox] == [["loud@example.org"]]
    later = Job.objects.get(kind=SEND, state="queued")
    assert later.due_at == end
    assert claim(later.pk) is None


def test_sender_leaves_a_waiting_mail_alone_and_sends_it_when_its_time_has_come(person: User) -> None:
    for after, left in ((1, 0), (-1, 1)):
        at = timezone.now() + dt.timedelta(hours=after)
        mail_ = Mail(
            key=f"q/{after}", person=person, to_address="a@b.org", subject="S", body="B", written_at=at,
            not_before_at=at,
        )  # fmt: skip
        mail_.save()
        job = Job.objects.create(
            kind=SEND, key=mail_.key, due_at=clock.machine_now(), actor="t", created_at=at
        )
        lease = claim(job.pk)
        assert lease is not None
        assert send_mails(Lease(lease.job_id, lease.attempt, {"keys": [mail_.key]}, "t")) == {"sent": left}
    assert len(mail.outbox) == 1


def digest_at(at: dt.datetime) -> int:
    set_clock(at)
    before = Mail.objects.filter(key__startswith="digest/").count()
    digests.order_due(clock.now())
    run_jobs()
    return Mail.objects.filter(key__startswith="digest/").count() - before


def test_digest_comes_once_a_day_at_its_hour_with_what_is_new(person: User) -> None:
    choose(person, {Category.FAMILY: "digest", Category.MONEY: "digest"}, digest_hour=18)
    tell(news(person, "payer_asked"), news(person, "charged"))
    assert digest_at(TODAY + dt.timedelta(hours=5, minutes=59)) == 0
    assert digest_at(TODAY + dt.timedelta(hours=6)) == 1
    letter = Mail.objects.get()
    assert letter.subject == "Your notices of 10 Jan 2026: 2"
    assert "asks you to pay their shares" in letter.body
    assert "Your share of period 3 of Town: ¥9.00" in letter.body
    assert letter.body.count("/notices/") == 2
    tell(news(person, "pays_for"), batch="c")
    for hours in (6, 7, 8):
        assert digest_at(TODAY + dt.timedelta(hours=hours, minutes=30)) == 0
    assert digest_at(TODAY + dt.timedelta(days=1, hours=6)) == 1
    assert digest_at(TODAY + dt.timedelta(days=2, hours=6)) == 0
    assert [d.isoformat() for d in Notice.objects.order_by("pk").values_list("digest_date", flat=True) if d] == [
        "2026-01-10", "2026-01-10", "2026-01-11",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "before", "at"),
    [
        ("2026-03-29", "00:59", "01:00"),  # 2:00 is skipped
        ("2026-10-25", "00:59", "01:00"),  # 2:00 comes twice: the second
        ("2026-10-26", "00:59", "01:00"),
    ],
)
def test_digest_comes_once_where_clocks_change(person: User, day: str, before: str, at: str) -> None:
    choose(person, {Category.FAMILY: "digest"}, digest_hour=2, time_zone="Europe/Berlin")
    tell(news(person, "payer_asked"))
    assert digest_at(dt.datetime.fromisoformat(f"{day} {before}+00:00")) == 0
    assert digest_at(dt.datetime.fromisoformat(f"{day} {at}+00:00")) == 1
    assert digest_at(dt.datetime.fromisoformat(f"{day} {at}+00:00") + dt.timedelta(hours=1)) == 0


def test_digest_of_a_killed_attempt_is_not_written_again(person: User) -> None:
    choose(person, {Category.FAMILY: "digest"})
    tell(news(person, "payer_asked"))
    set_clock(TODAY + dt.timedelta(days=1))
    for attempt in (1, 2):
        digests.order_due(clock.now())
        job = Job.objects.get(kind=digests.WRITE)
        run(
            "UPDATE work_job SET state = 'queued', due_at = clock_timestamp() WHERE kind = 'people.write_digests'"
        )
        lease = claim(job.pk)
        assert lease is not None
        assert digests.write_digests(lease) == {"digests": 1 if attempt == 1 else 0}
    assert Job.objects.filter(kind=SEND).count() == 1
    assert Mail.objects.count() == 1


def test_telling_a_thousand_asks_no_more_than_telling_one(person: User) -> None:
    people = [User(email=f"p{n}@example.org", password="!") for n in range(1000)]
    User.objects.bulk_create(people)
    for one in people[:300]:
        NoticeChoice.objects.create(person=one, category="money", way="digest", changed_at=clock.now())
    with CaptureQueriesContext(connection) as alone:
        tell(news(person, "charged"))
    with CaptureQueriesContext(connection) as all_of_them:
        assert tell(*[news(one, "charged") for one in people], batch="many") == 1000
    assert len(all_of_them) == len(alone)
    assert Mail.objects.count() == 701
    set_clock(TODAY + dt.timedelta(days=1))
    digests.order_due(clock.now())
    lease = claim(Job.objects.get(kind=digests.WRITE).pk)
    assert lease is not None
    with CaptureQueriesContext(connection) as written:
        assert digests.write_digests(lease) == {"digests": 300}
    assert len(written) < 25


def test_page_keeps_what_is_chosen(person: User) -> None:
    client = client_of(person)
    assert PAGE in client.get("/notices/").content.decode()
    shown = client.get(PAGE).content.decode()
    assert shown.count("Money or rights hang on these") == 4
    # Of the categories that may be silenced: themselves, and each event where there are several.
    silent = [events for code, events in EVENTS.items() if Category(code) not in NoticeChoice.ALWAYS_MAILED]
    assert shown.count('value="page"') == sum(
        1 + (len(events) if len(events) > 1 else 0) for events in silent
    )
    given = {
        "money": "digest", "cover": "at_once", "pool": "at_once", "membership": "page", "family": "digest",
        "claims": "digest", "duties": "page", "cases": "digest",
        "digest_hour": "19", "time_zone": "Europe/Berlin", "quiet_from_hour": "22", "quiet_to_hour": "7",
    }  # fmt: skip
    for _twice in range(2):
        assert client.post(PAGE, given).headers["Location"] == PAGE
    hours = NoticeHours.objects.get()
    assert (hours.digest_hour, hours.time_zone, hours.quiet_from_hour, hours.quiet_to_hour) == (
        19, "Europe/Berlin", 22, 7,
    )  # fmt: skip
    assert dict(NoticeChoice.objects.values_list("category", "way"))["membership"] == "page"
    assert AuditEntry.objects.filter(action="choose_notices", actor=person.code).count() == 2
    again = client.get(PAGE).content.decode()
    assert '<option value="19" selected>' in again
    for wrong in (
        {"money": "page"},
        {"quiet_to_hour": ""},
        {"quiet_to_hour": "22"},
        {"time_zone": "Mars/Base"},
    ):
        response = client.post(PAGE, given | wrong)
        assert response.status_code == 422
        assert "field-error" in response.content.decode()
    assert NoticeHours.objects.get().quiet_to_hour == 7
    quiet_ended = client.post(PAGE, given | {"quiet_from_hour": "", "quiet_to_hour": ""})
    assert quiet_ended.status_code == 302
    assert NoticeHours.objects.get().quiet_from_hour is None
    assert "我要收到哪些邮件" in client_of(person, language="zh-hans").get(PAGE).content.decode()


def test_event_comes_as_was_chosen_for_it_and_the_rest_as_the_category(person: User) -> None:
    choose(person, {Category.FAMILY: "page"})
    choose_notices(
        person=person, ways={}, hours=NoticeHours(), at=clock.now(), events={("family", "invited"): "digest"}
    )
    tell(news(person, "invited_joined"), news(person, "payer_asked"), news(person, "charged"))
    assert dict(Notice.objects.values_list("kind", "way")) == {
        "invited_joined": "digest", "payer_asked": "page", "charged": "at_once",
    }  # fmt: skip
    choose_notices(
        person=person,
        ways={},
        hours=NoticeHours(),
        at=clock.now(),
        events={("family", "invited"): "category"},
    )
    tell(news(person, "invited_joined", "again"), batch="again")
    assert Notice.objects.get(key="again").way == "page"


def test_near_last_day_goes_at_once_whatever_was_chosen_for_the_event(person: User) -> None:
    choose_notices(
        person=person, ways={}, hours=NoticeHours(), at=clock.now(), events={("money", "share"): "digest"}
    )
    tell(news(person, "charged", charge_date="2026-01-12"), news(person, "charged", "later"))
    assert list(Notice.objects.order_by("pk").values_list("way", flat=True)) == ["at_once", "digest"]


def test_page_sets_events_by_themselves_and_all_of_a_category_at_once(person: User) -> None:
    client = client_of(person)
    given = {category.value: "at_once" for category in Category} | {
        "digest_hour": "8", "time_zone": "Asia/Shanghai", "money-debit": "digest", "family-paying": "page",
    }  # fmt: skip
    page = client.get(PAGE).content.decode()
    assert (page.count("<details>"), 'name="money-all"' in page) == (len(EVENTS) - 1, False)
    assert client.post(PAGE, given).status_code == 302
    apart = NoticeChoice.objects.exclude(event="").order_by("category")
    assert list(apart.values_list("category", "event", "way")) == [
        ("family", "paying", "page"), ("money", "debit", "digest"),
    ]  # fmt: skip
    page = client.get(PAGE).content.decode()
    assert (page.count("<details open>"), 'name="money-all"' in page, 'name="cover-all"' in page) == (
        2,
        True,
        False,
    )
    refused_page = client.post(PAGE, given | {"money-debit": "page"})
    assert (refused_page.status_code, "field-error" in refused_page.content.decode()) == (422, True)
    # Categories alone, as an older page sends them, leave the events as they are.
    few = {name: value for name, value in given.items() if "-" not in name}
    assert client.post(PAGE, few).status_code == 302
    assert apart.filter(way="digest").count() == 1
    assert client.post(PAGE, given | {"money": "digest", "money-all": "on"}).status_code == 302
    assert dict(apart.values_list("event", "way")) == {"debit": "category", "paying": "page"}


def test_page_names_time_zones_by_cities_in_the_readers_language(person: User) -> None:
    page = client_of(person).get(PAGE).content.decode()
    assert '<option value="Asia/Shanghai" selected>Shanghai, Beijing</option>' in page
    choose(person, time_zone="Asia/Ust-Nera")
    page = client_of(person, language="zh-hans").get(PAGE).content.decode()
    assert '<option value="Asia/Shanghai">上海、北京</option>' in page
    assert '<option value="Asia/Ust-Nera" selected>Asia/Ust-Nera</option>' in page
    assert {zone for zone, _cities in zone_choices()} <= available_timezones()


def test_api_gives_and_keeps_ones_own_choices(person: User) -> None:
    client = client_of(person)

    def put(body: Any) -> Any:
        return client.put(API, json.dumps(body), content_type="application/json")

    assert json.loads(client.get(API).content) == {
        "ways": {category.value: "at_once" for category in Category},
        "events": {f"{code}.{event}": "category" for code, events in EVENTS.items() for event in events},
        "digest_hour": 8, "time_zone": "Asia/Shanghai", "quiet_from_hour": None, "quiet_to_hour": None,
        "texts": [],
    }  # fmt: skip
    body = {
        "ways": {"family": "page"}, "digest_hour": 7, "time_zone": "Europe/Berlin", "quiet_from_hour": 21,
        "quiet_to_hour": 6,
    }  # fmt: skip
    assert json.loads(put(body).content)["ways"]["family"] == "page"
    assert json.loads(client.get(API).content)["quiet_to_hour"] == 6
    for wrong, status, word in (
        ({"ways": {"money": "page"}}, 409, "money_and_rights_are_mailed"),
        ({"time_zone": "Mars/Base"}, 409, "zone_of_notices_is_known"),
        ({"quiet_to_hour": None}, 409, "quiet_hours_have_two_ends"),
        ({"ways": {"weather": "page"}}, 400, "invalid"),
        ({"events": {"money.debit": "page"}}, 409, "money_and_rights_are_mailed"),
        ({"events": {"money.paying": "digest"}}, 400, "invalid"),
        ({"events": {"family.paying": "never"}}, 400, "invalid"),
        ({"ways": {"money": "never"}}, 400, "invalid"),
        ({"digest_hour": 24}, 400, "invalid"),
    ):
        response = put(body | wrong)
        assert (response.status_code, word in response.content.decode()) == (status, True), response.content
    assert (
        json.loads(put(body | {"events": {"family.paying": "digest"}}).content)["events"]["family.paying"]
        == "digest"
    )
    assert json.loads(put(body).content)["events"]["family.paying"] == "digest"
    assert json.loads(put(body | {"events": {"family.paying": "category"}}).content)["events"] == {
        f"{code}.{event}": "category" for code, events in EVENTS.items() for event in events
    }
    assert client_of(None).get(API).status_code == 401
    assert not NoticeChoice.objects.exclude(person=person).exists()


# --- guarantees, broken by hand ----------------------------------------------------------------------------------


def test_choices_of_notices_are_held_by_the_database(person: User) -> None:
    insert = "INSERT INTO members_noticechoice (person_id, category, way, changed_at) VALUES ({}, '{}', '{}', now())"
    run(insert.format(person.pk, "family", "page"))
    for category, way, name in (
        ("family", "digest", "one_notice_choice_per_person_and_event"),
        ("weather", "digest", "notice_category_is_known"),
        ("membership", "never", "notice_choice_is_known"),
        ("money", "page", "money_and_rights_are_mailed"),
        ("cover", "page", "money_and_rights_are_mailed"),
        ("pool", "page", "money_and_rights_are_mailed"),
    ):
        with refused(name):
            run(insert.format(person.pk, category, way))
    of_event = insert.replace("category, way", "category, event, way").replace(
        "'{}', '{}'", "'{}', '{}', '{}'"
    )
    run(of_event.format(person.pk, "family", "paying", "category"))
    for category, event, way, name in (
        ("family", "paying", "digest", "one_notice_choice_per_person_and_event"),
        ("family", "debit", "digest", "notice_event_is_of_its_category"),
        ("family", "weather", "digest", "notice_event_is_of_its_category"),
        ("family", "guardian", "never", "notice_choice_is_known"),
        ("family", "", "category", "notice_choice_is_known"),
        ("money", "debit", "page", "money_and_rights_are_mailed"),
    ):
        with refused(name):
            run(of_event.format(person.pk, category, event, way))
    run(insert.format(person.pk, "money", "digest"))
    with refused("money_and_rights_are_mailed"):
        run("UPDATE members_noticechoice SET way = 'page' WHERE category = 'money'")
    for statement in (
        "UPDATE members_noticechoice SET category = 'family'",
        "DELETE FROM members_noticechoice",
    ):
        with not_permitted():
            run(statement)


def test_hours_of_notices_are_held_by_the_database(person: User) -> None:
    insert = (
        "INSERT INTO members_noticehours"
        " (person_id, time_zone, digest_hour, quiet_from_hour, quiet_to_hour, changed_at)"
        " VALUES ({}, '{}', {}, {}, {}, now())"
    )
    for zone, digest, begin, end, name in (
        ("UTC", 24, "NULL", "NULL", "notice_hours_are_hours"),
        ("UTC", 8, 24, 7, "notice_hours_are_hours"),
        ("UTC", 8, 22, 24, "notice_hours_are_hours"),
        ("UTC", 8, 22, "NULL", "quiet_hours_have_two_ends"),
        ("UTC", 8, "NULL", 7, "quiet_hours_have_two_ends"),
        ("UTC", 8, 7, 7, "quiet_hours_have_two_ends"),
        ("Mars/Base", 8, 22, 7, "zone_of_notices_is_known"),
        ("EST5XYZ", 8, 22, 7, "zone_of_notices_is_known"),
    ):
        with refused(name):
            run(insert.format(person.pk, zone, digest, begin, end))
    run(insert.format(person.pk, "Europe/Berlin", 8, 22, 7))
    with refused("one_row_of_notice_hours_per_person"):
        run(insert.format(person.pk, "UTC", 8, "NULL", "NULL"))
    with refused("zone_of_notices_is_known"):
        run("UPDATE members_noticehours SET time_zone = 'Mars/Base'")


def test_notice_way_is_known(person: User) -> None:
    with refused("notice_way_is_known"):
        Notice.objects.create(person=person, kind="joined", key="k", link="/", at=clock.now(), way="pigeon")


def test_digest_takes_what_waits_for_it(person: User) -> None:
    tell(news(person, "charged"))
    with refused("digest_takes_what_waits_for_it"):
        run("UPDATE members_notice SET digest_date = '2026-01-10'")


def test_notice_is_carried_by_one_digest(person: User) -> None:
    choose(person, {Category.FAMILY: "digest"})
    tell(news(person, "payer_asked"))
    run("UPDATE members_notice SET digest_date = '2026-01-10'")
    for day in ("'2026-01-10'", "'2026-01-11'", "NULL"):
        with refused("notice_is_read_once"):
            run(f"UPDATE members_notice SET digest_date = {day}")
    run("UPDATE members_notice SET read_at = now()")
    assert (
        value("SELECT count(*) FROM members_notice WHERE read_at IS NOT NULL AND digest_date IS NOT NULL")
        == 1
    )
    with not_permitted():
        run("UPDATE members_notice SET way = 'page'")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", about.WORDS)
def test_notice_about_a_child_says_the_member_and_not_you(person: User, kind: str, language: str) -> None:
    told = news(person, kind, membership=1)
    with override(language):
        subject = notices.subject_of(kind, told.params)
        assert "4" in subject, "the number of the member"
        assert notices.subject_of(kind, told.params | {"name": "Lin"}) != subject
        assert "%(" not in subject + notices.body_of(kind, told.params)
        assert not subject.startswith(("Your", "In ", "您在", "您的"))


def test_notices_stand_at_the_hour_of_their_readers_zone(person: User) -> None:
    notices.tell([news(person, notices.CHARGED)], batch="b", actor="test")
    client = client_of(person)
    assert "10 Jan 2026, 12:00</time> Asia/Shanghai" in client.get("/notices/").content.decode()
    choose(person, time_zone="Europe/Paris")
    page = client.get("/notices/").content.decode()
    assert "10 Jan 2026, 05:00</time> Europe/Paris" in page
    assert "UTC" not in page


def test_share_of_nothing_is_told_as_nothing(person: User) -> None:
    """No day of collection, and no amount that looks like a debt."""
    told = news(person, "charged", fen=0)
    assert "asks nothing of you" in notices.subject_of("charged", told.params)
    assert "collected" not in notices.body_of("charged", told.params)
    assert "asks nothing" not in notices.subject_of("charged", news(person, "charged", fen=1).params)
