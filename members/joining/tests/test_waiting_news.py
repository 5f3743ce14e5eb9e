"""The notice that a waiting time ends: the day before, once, to who is covered, whatever the calendar missed."""

import datetime as dt

import pytest

from aidplatform.lib import clock
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work.jobs import enqueue
from aidplatform.work.models import Job
from members.joining import waiting_news
from members.joining.models import Membership
from members.joining.services import end_cover
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_family import added
from members.joining.tests.test_signing import _sign as sign
from members.people.models import Mail, Notice, User
from members.people.notices import body_of, subject_of

DAY = dt.timedelta(days=1)
# Whoever signs on 1 January waits 90 days.
FIRST = dt.date(2026, 4, 2)


@pytest.fixture
def one(world: World) -> Membership:
    """Give the test a member who has joined by the wizard on 1 January."""
    return sign(filled(world.pool, User.objects.create_user("one@example.org"), passport("XX0000001")))


def tick(day: dt.date) -> None:
    """Let the calendar look at noon of a day in Shanghai."""
    set_clock(dt.datetime(day.year, day.month, day.day, 4, tzinfo=dt.UTC))
    waiting_news.order_due(clock.now())
    run_jobs()


def told() -> list[Notice]:
    return list(Notice.objects.filter(kind="waiting_over").order_by("pk"))


def test_member_is_told_the_day_before_and_once(one: Membership) -> None:
    assert one.signature.eligible_date == FIRST
    tick(FIRST - 2 * DAY)
    assert told() == []
    for _time in range(2):
        tick(FIRST - DAY)
    tick(FIRST)
    (notice,) = told()
    assert (notice.person, notice.params["eligible"]) == (one.person, "2026-04-02")
    assert Mail.objects.filter(key__startswith="waiting_over/").count() == 1
    assert (
        subject_of(notice.kind, notice.params)
        == "Your waiting time in Test pool ends: aid from 2 Apr 2026 on"
    )
    assert "as you have signed" in body_of(notice.kind, notice.params)


def test_repeated_job_tells_nothing_twice(one: Membership) -> None:
    tick(FIRST - DAY)
    payload = Job.objects.get(kind=waiting_news.TELL, key=f"test-pool/{FIRST}").payload
    enqueue(kind=waiting_news.TELL, key="again", payload=payload, actor="test")
    run_jobs()
    assert len(told()) == 1
    assert Mail.objects.filter(key__startswith="waiting_over/").count() == 1


@pytest.mark.parametrize(
    ("late", "count"), [(1, 1), (waiting_news.MADE_UP_DAYS - 1, 1), (waiting_news.MADE_UP_DAYS, 0)]
)
def test_days_that_nobody_looked_at_are_made_up_for(one: Membership, late: int, count: int) -> None:
    tick(FIRST - DAY + late * DAY)
    assert len(told()) == count


def test_guardian_is_told_of_a_child_and_nobody_who_has_left(world: World, one: Membership) -> None:
    child = added(one)
    gone = sign(filled(world.pool, User.objects.create_user("gone@example.org"), passport("XX0000002")))
    set_clock(dt.datetime(2026, 2, 1, 4, tzinfo=dt.UTC))
    assert gone.person is not None
    end_cover(
        membership=gone, at=clock.start_of_day(dt.date(2026, 2, 2), world.pool.time_zone), reason="left",
        actor=gone.person.code,
    )  # fmt: skip
    tick(FIRST - DAY)
    assert {(notice.person, notice.params.get("member")) for notice in told()} == {
        (one.person, None),
        (one.person, child.number),
    }
    about = next(notice for notice in told() if "member" in notice.params)
    assert f"The waiting time of member {child.number}" in subject_of(about.kind, about.params)


def test_who_waits_for_nothing_is_told_nothing(db: None) -> None:
    world = World.founded(waiting_days=0)
    sign(filled(world.pool, User.objects.create_user("one@example.org"), passport("XX0000001")))
    tick(dt.date(2026, 1, 1))
    tick(dt.date(2026, 1, 2))
    assert told() == []


def test_days_before_the_opening_are_not_made_up_for(world: World, one: Membership) -> None:
    tick(world.pool.opened_date or FIRST)
    keys = Job.objects.filter(kind=waiting_news.TELL).order_by("key").values_list("key", flat=True)
    assert list(keys) == ["test-pool/2026-01-01", "test-pool/2026-01-02"]
