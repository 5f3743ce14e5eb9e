"""Members are told of announced cases as they have chosen: once, by figures alone, and while they can object."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work import jobs
from aidplatform.work.jobs import claim
from aidplatform.work.models import Job
from ledger.disclosure.case_news import TELL_CASES, tell_cases
from members.joining.models import Membership
from members.joining.services import admit_member, end_cover
from members.people.case_words import CASES_ANNOUNCED
from members.people.choices import choose_notices
from members.people.models import Mail, Notice, NoticeHours, User
from members.people.notices import body_of, subject_of


def _admit(world: World, name: str) -> Membership:
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@example.org"),
        class_no=0,
        from_at=clock.now(),
        joined_date=clock.today(world.pool.time_zone),
        actor="test",
    )


def _told() -> list[Notice]:
    return list(Notice.objects.filter(kind=CASES_ANNOUNCED).order_by("person__email"))


def test_members_are_told_once_of_the_cases_of_a_period(db: None) -> None:
    world = World.founded()
    for name in ("a", "b"):
        _admit(world, name)
    world.award(1_000_000)
    world.award(500_000, "C-2")
    world.announced_period()
    run_jobs()
    told = _told()
    assert [one.person.email for one in told] == ["a@example.org", "b@example.org"]
    assert told[0].link == f"/pools/{world.pool.code}/notices/"
    assert subject_of(told[0].kind, told[0].params) == "Cases of Test pool are public until 10 Jan 2026"
    assert "Period 1: 2 cases, for ¥15,000.00 in all." in body_of(told[0].kind, told[0].params)
    again = jobs.enqueue(
        kind=TELL_CASES, key="again", payload={"period": world.pool.periods.get().pk}, actor="test"
    )
    lease = claim(again.pk)
    assert lease is not None
    assert tell_cases(lease) == {"told": 0}
    assert len(_told()) == 2


@pytest.mark.parametrize(("way", "mails"), [("at_once", 1), ("digest", 0), ("page", 0)])
def test_members_are_mailed_as_they_have_chosen(db: None, way: str, mails: int) -> None:
    world = World.founded()
    person = _admit(world, "a").person
    assert person is not None
    choose_notices(person=person, ways={"cases": way}, hours=NoticeHours(), at=clock.now())
    world.award(1_000_000)
    world.announced_period()
    run_jobs()
    (one,) = _told()
    assert one.way == way
    assert Mail.objects.filter(key__startswith=CASES_ANNOUNCED).count() == mails


def test_mail_says_nothing_of_the_case(db: None) -> None:
    world = World.founded()
    person = _admit(world, "a").person
    assert person is not None
    choose_notices(person=person, ways={"cases": "at_once"}, hours=NoticeHours(), at=clock.now())
    world.award(1_000_000)
    world.announced_period()
    run_jobs()
    (one,) = _told()
    assert set(one.params) == {"pool_en", "pool_zh", "number", "case_count", "fen", "currency", "until"}


def test_who_has_left_and_who_has_no_case_to_look_at_are_told_nothing(db: None) -> None:
    world = World.founded()
    membership = _admit(world, "a")
    assert membership.person is not None
    period = world.announced_period()
    assert not Job.objects.filter(kind=TELL_CASES).exists()
    world.computed_period(period)
    tomorrow = clock.today(world.pool.time_zone) + dt.timedelta(days=1)
    at = clock.start_of_day(tomorrow, world.pool.time_zone)
    end_cover(membership=membership, at=at, reason="left", actor=membership.person.code)
    set_clock(clock.start_of_day(period.next_opening_date, world.pool.time_zone))
    world.award(1_000_000)
    world.announced_period()
    run_jobs()
    assert _told() == []


def test_late_job_tells_nobody_after_publicity(db: None) -> None:
    world = World.founded()
    _admit(world, "a")
    world.award(1_000_000)
    period = world.announced_period()
    set_clock(clock.now() + dt.timedelta(days=30))
    world.settled_period(period)
    run_jobs()
    assert _told() == []


def test_telling_takes_as_many_statements_for_three_as_for_one(db: None) -> None:
    counts = []
    for number in (1, 3):
        world = World.founded(code=f"pool-{number}")
        for name in range(number):
            _admit(world, f"{number}-{name}")
        world.award(1_000_000)
        world.announced_period()
        (job,) = Job.objects.filter(kind=TELL_CASES, state="queued")
        lease = claim(job.pk)
        assert lease is not None
        with CaptureQueriesContext(connection) as queries:
            assert tell_cases(lease) == {"told": number}
        counts.append(len(queries))
        jobs._finish(lease, None)
    assert counts[0] == counts[1]
