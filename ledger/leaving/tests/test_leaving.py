"""Leaving in two clicks: what the page says beforehand, what the receipt says, and what is charged in the end."""

import datetime as dt
import random
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank
from aidplatform.testing.endings import wind_down
from aidplatform.testing.refusals import fire_deferred
from aidplatform.testing.world import OPENED, World, run_jobs, set_clock
from ledger.custody.tests.test_views import client_of
from ledger.leaving.selectors import Parting, parting_of
from ledger.leaving.services import (
    FiguresMovedError,
    MembershipOverError,
    PoolOverError,
    leave_pool,
)
from ledger.sharing import services as sharing
from ledger.sharing.models import Charge, Period
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership, MembershipSpan
from members.joining.services import admit_member
from members.people.models import Notice, User

ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)
SEEDS = range(8)


def member(world: World, class_no: int = 0, name: str = "leaver") -> Membership:
    """Admit somebody with an account, covered since the pool opened."""
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org"),
        class_no=class_no,
        from_at=clock.start_of_day(OPENED, ZONE),
        joined_date=OPENED,
        actor="test",
    )


def leave(one: Membership) -> Parting:
    assert one.person is not None
    shown = parting_of(one, clock.now()).shown_sha256
    return leave_pool(membership=one, leaver=one.person, shown_sha256=shown, at=clock.now())


def announced(world: World) -> Period:
    """Run the calendar to the announcement, the clock standing in the morning of that day."""
    period = sharing.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, ZONE) + dt.timedelta(hours=8))
    period = sharing.freeze_headcount(period=period, at=clock.now())
    return sharing.announce_period(period=period, at=clock.now())


def posted(world: World, period: Period) -> Period:
    """Run an announced period on until its charges are posted."""
    set_clock(clock.start_of_day(period.publicity_end_date, ZONE))
    period = sharing.settle_period(period=period, at=clock.now())
    period = sharing.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    sharing.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    period.refresh_from_db()
    return period


def charged(one: Membership) -> dict[int, int]:
    found = Charge.objects.filter(pool_id=one.pool_id, membership_id=one.pk)
    return dict(found.values_list("period_no", "share_fen"))


# --- what is owed -------------------------------------------------------------------------------------------------


def test_before_the_publicity_day_only_earlier_charges_are_owed(world: World) -> None:
    one = member(world)
    world.award(90_000)
    first = world.posted_period()
    set_clock(clock.start_of_day(first.next_opening_date, ZONE) + dt.timedelta(hours=9))
    following = sharing.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(following.publicity_date, ZONE) - dt.timedelta(minutes=1))
    parting = leave(one)
    assert (parting.open_fen, parting.coming) == (charged(one)[1], ())
    fire_deferred()
    set_clock(clock.start_of_day(following.publicity_date, ZONE))
    world.award(90_000, code="C-2")
    following = sharing.freeze_headcount(period=following, at=clock.now())
    posted(world, sharing.announce_period(period=following, at=clock.now()))
    assert list(charged(one)) == [1]


def test_cover_ends_at_midnight_of_the_pool_and_says_why(world: World) -> None:
    one = member(world)
    set_clock(dt.datetime(2026, 1, 3, 16, 30, tzinfo=dt.UTC))  # 00:30 of the 4th in Shanghai
    assert leave(one).end_date == dt.date(2026, 1, 5)
    (span,) = MembershipSpan.objects.filter(membership_id=one.pk)
    assert span.to_at == dt.datetime(2026, 1, 4, 16, tzinfo=dt.UTC)
    end = MembershipEnd.objects.get(membership=one)
    assert (end.reason, end.recorded_by) == ("left", one.person.code)


def test_after_the_announcement_the_share_is_owed_and_equals_what_was_said(world: World) -> None:
    """Aid 900.00 and the fee of 72.00 over eight: 121.50."""
    one = member(world)
    world.award(90_000)
    period = announced(world)
    parting = leave(one)
    (coming,) = parting.coming
    assert (coming.period_no, coming.at_most_fen, coming.is_public) == (1, 12_150, True)
    assert coming.publicity_end_date == period.publicity_end_date
    posted(world, period)
    assert charged(one) == {1: 12_150}


def test_frozen_and_not_announced_is_said_to_be_unknown(world: World) -> None:
    one = member(world)
    world.award(90_000)
    period = sharing.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, ZONE))
    late = parting_of(one, clock.now()).coming
    sharing.freeze_headcount(period=period, at=clock.now())
    frozen = parting_of(one, clock.now()).coming
    for (coming,), state in ((late, "opened"), (frozen, "frozen")):
        assert (coming.state, coming.at_most_fen, coming.cap_fen) == (state, None, None)
    page = client_of(one.person).get(reverse("leaving", args=["test-pool"])).content.decode()
    assert "Period 1 counts you; its cases are not public yet" in page


def test_cap_of_the_rules_is_said_where_the_share_is_unknown(db: None) -> None:
    world = World.founded(period_cap_fen=500, sponsor="Helping Hands Ltd")
    one = member(world)
    period = sharing.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, ZONE))
    sharing.freeze_headcount(period=period, at=clock.now())
    (coming,) = parting_of(one, clock.now()).coming
    assert (coming.at_most_fen, coming.cap_fen) == (None, 500)


def _chance_world(chance: random.Random) -> World:
    """Found a pool of some classes, sizes and caps, drawn by chance."""
    weights = [chance.randint(1, 5) for _ in range(chance.randint(1, 3))]
    terms: dict[str, Any] = {
        "classes": [
            {"class_no": no, "weight": weight, "name_en": f"Class {no}", "name_zh": f"类 {no}"}
            for no, weight in enumerate(weights)
        ],
        "on_cap": "redistribute",
    }
    if chance.random() < 0.6:
        terms["period_cap_fen"] = chance.randint(500, 60_000)
    if chance.random() < 0.6:
        terms["year_cap_fen"] = chance.randint(60_000, 90_000)
    if chance.random() < 0.5 and {"period_cap_fen", "year_cap_fen"} & set(terms):
        terms["reserve"] = {"contribution_rate": "5/100", "target_fen": 10_000}
    return World.founded(members={no: chance.randint(1, 6) for no in range(len(weights))}, **terms)


@pytest.mark.parametrize("falls_away", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_final_is_at_most_the_preview_and_equal_if_no_case_falls_away(
    db: None, seed: int, falls_away: bool
) -> None:
    chance = random.Random(seed)
    world = _chance_world(chance)
    classes = world.pool.plan_versions.get().plan().classes
    leavers = [member(world, 0, "first"), member(world, chance.randrange(len(classes)), "second")]
    world.award(chance.randint(1, 40_000), code="A-0")
    first = world.posted_period()
    set_clock(clock.start_of_day(first.next_opening_date, ZONE))
    awards = [world.award(chance.randint(1, 90_000), code=f"B-{n}") for n in range(chance.randint(1, 4))]
    period = announced(world)
    said = {}
    for one in leavers:
        (coming,) = leave(one).coming
        assert coming.at_most_fen is not None
        said[one] = coming.at_most_fen
    if falls_away:
        for award in chance.sample(awards, chance.randint(1, len(awards))):
            sharing.withdraw_award(award=award, why="objection_upheld", withdrawer="service", at=clock.now())
    posted(world, period)
    for one, at_most_fen in said.items():
        final = charged(one)[2]
        assert final <= at_most_fen
        assert falls_away or final == at_most_fen
    fire_deferred()


# --- the wallet ---------------------------------------------------------------------------------------------------


FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}


def test_wallet_is_held_to_the_share_and_the_rest_is_paid_back(db: None) -> None:
    """Seven share 1,620.00: 231.43 each. Of 300.00 in the wallet 68.57 are paid back at once."""
    world = World.founded(funding=FUNDING)
    bank = Bank(world)
    bank.take(bank.statement(*(bank.receipt(number, 30_000) for number in range(1, 8))))
    one = world.pool.memberships.get(number=1)
    Membership.objects.filter(pk=one.pk).update(person=User.objects.create_user("ahead@people.example.org"))
    one.refresh_from_db()
    world.award(150_000)
    period = announced(world)
    parting = leave(one)
    assert parting.wallet is not None
    assert (parting.at_most_fen, parting.wallet.free_fen) == (23_143, 30_000 - 23_143)
    told = Notice.objects.get(person=one.person, kind="left")
    assert told.params["free_fen"] == 6_857
    assert any("to be paid back" in todo.text for todo in todos_of(world.treasurer))
    bank.release(bank.order_back(1, 6_857))
    assert not any("to be paid back" in todo.text for todo in todos_of(world.treasurer))
    posted(world, period)
    assert charged(one) == {1: 23_143}
    assert Period.objects.get(pk=period.pk).gap_fen == 0
    after = parting_of(one, clock.now()).wallet
    assert after is not None
    assert after.balance_fen == 0


def test_suspended_member_who_leaves_is_not_restored_by_a_payment(db: None) -> None:
    world = World.founded(funding=FUNDING)
    bank = Bank(world)
    bank.take(bank.statement(*(bank.receipt(number, 30_000) for number in range(2, 8))))
    one = world.pool.memberships.get(number=1)
    Membership.objects.filter(pk=one.pk).update(person=User.objects.create_user("short@people.example.org"))
    one.refresh_from_db()
    world.award(150_000)
    world.posted_period()
    leave(one)
    fire_deferred()
    bank.take(bank.statement(bank.receipt(1, 50_000)))
    assert not MembershipSpan.objects.filter(membership_id=one.pk, to_at=None).exists()
    page = client_of(one.person).get(reverse("my_wallet", args=["test-pool"])).content.decode()
    assert "No payment makes it go on." in page


# --- doing it -----------------------------------------------------------------------------------------------------


def test_figures_that_have_moved_since_are_shown_again(world: World) -> None:
    one = member(world)
    assert one.person is not None
    shown = parting_of(one, clock.now()).shown_sha256
    world.award(90_000)
    announced(world)
    with pytest.raises(FiguresMovedError):
        leave_pool(membership=one, leaver=one.person, shown_sha256=shown, at=clock.now())
    assert not MembershipEnd.objects.exists()


def test_who_has_left_does_not_leave_again(world: World) -> None:
    one = member(world)
    leave(one)
    with pytest.raises(MembershipOverError):
        leave(one)


def test_nobody_leaves_a_pool_that_has_ended_cover(world: World) -> None:
    one = member(world)
    wind_down(world)
    one.refresh_from_db()
    with pytest.raises(PoolOverError):
        leave(one)
    assert "winding" in Membership.objects.get(pk=one.pk).pool.state


def test_two_clicks_lead_out_and_a_double_click_leaves_once(world: World) -> None:
    one = member(world)
    world.award(90_000)
    announced(world)
    browser = client_of(one.person)
    mine = browser.get(reverse("my_pool", args=["test-pool"])).content.decode()
    assert reverse("leaving", args=["test-pool"]) in mine
    page = browser.get(reverse("leaving", args=["test-pool"])).content.decode()
    assert "at most ¥121.50, exact on 10 Jan 2026" in page
    assert "kept for 30 years" in page
    assert "/my-data/erase/" in page
    given = {"key": str(uuid.uuid4()), "shown_sha256": parting_of(one, clock.now()).shown_sha256}
    for _click in range(2):
        answer = browser.post(reverse("leave", args=["test-pool"]), given)
        assert (answer.status_code, answer["Location"]) == (302, reverse("my_pool", args=["test-pool"]))
    told = Notice.objects.get(person=one.person, kind="left")
    assert told.params["coming"][0][:3] == [1, "announced", 12_150]
    answer = browser.post(reverse("leave", args=["test-pool"]), {**given, "key": str(uuid.uuid4())})
    assert answer.status_code == 409
    assert MembershipEnd.objects.count() == 1
    mine = browser.get(reverse("my_pool", args=["test-pool"])).content.decode()
    assert "Why it is over: left" in mine
    for only_of_a_member in ("leaving", "invitations", "my_identity"):
        assert reverse(only_of_a_member, args=["test-pool"]) not in mine
    assert browser.get(reverse("leaving", args=["test-pool"])).status_code == 302


def test_who_leaves_in_the_waiting_time_is_told_so(world: World) -> None:
    one = admit_member(
        pool=world.pool,
        person=User.objects.create_user("new@people.example.org"),
        class_no=0,
        from_at=clock.now(),
        joined_date=clock.today(ZONE),
        actor="test",
    )
    browser = client_of(one.person)
    told = "before your waiting time does"
    mine = browser.get(reverse("my_pool", args=["test-pool"])).content.decode()
    assert "You are waiting" in mine
    assert told not in mine
    leave(one)
    mine = browser.get(reverse("my_pool", args=["test-pool"])).content.decode()
    assert "You are waiting" not in mine
    assert told in mine
    assert "covered until 00:00 of" in browser.get("/").content.decode()


def test_next_publicity_is_told_to_whom_it_counts(world: World) -> None:
    one = member(world)
    browser = client_of(one.person)
    mine = browser.get(reverse("my_pool", args=["test-pool"])).content.decode()
    assert "Next publicity" in mine
    assert reverse("invitations", args=["test-pool"]) in mine
    leave(one)
    assert "Next publicity" not in browser.get(reverse("my_pool", args=["test-pool"])).content.decode()


def test_page_is_of_members_alone_and_refuses_what_is_incomplete(world: World) -> None:
    one = member(world)
    address = reverse("leaving", args=["test-pool"])
    assert client_of(world.stranger).get(address).status_code == 404
    assert Client().get(address).status_code == 302
    refused = client_of(one.person).post(reverse("leave", args=["test-pool"]), {"key": "no"})
    assert "Not done" in refused.content.decode()
    assert not MembershipEnd.objects.exists()


def test_program_leaves_once_per_key_and_reads_the_figures(world: World) -> None:
    one = member(world)
    world.award(90_000)
    announced(world)
    browser, address = client_of(one.person), "/api/v1/pools/test-pool/my-leaving/"
    shown = browser.get(address).json()
    assert shown["coming"][0]["at_most_fen"] == 12_150
    assert (shown["open_fen"], shown["wallet_fen"]) == (0, None)
    body = {"shown_sha256": shown["shown_sha256"]}
    headers = {"Idempotency-Key": "leaving-0001"}
    for _time in range(2):
        answer = browser.post(address, body, content_type="application/json", headers=headers)
        assert (answer.status_code, answer.json()) == (201, {"end_date": shown["end_date"]})
    again = browser.post(
        address, body, content_type="application/json", headers={"Idempotency-Key": "leaving-0002"}
    )
    assert (again.status_code, again.json()["type"]) == (409, "urn:aid:membership_is_over")
    (mine,) = browser.get("/api/v1/me/memberships/").json()
    assert (mine["end_reason"], mine["end_date"]) == ("left", shown["end_date"])
    assert client_of(world.stranger).get(address).status_code == 404


def test_who_leaves_before_the_waiting_time_is_over_is_promised_no_aid(db: None) -> None:
    """Nothing that happens until then could be asked aid for: the page says so, and nothing of cases."""
    for days, can in ((30, False), (0, True)):
        world = World.founded(code=f"wait-{days}", members=7, waiting_days=days)
        one = member(world, name=f"leaver-{days}")
        set_clock(clock.start_of_day(OPENED, ZONE) + 5 * DAY)
        page = client_of(one.person).get(reverse("leaving", args=[world.pool.code])).content.decode()
        assert ("can still be filed" in page) is can
        assert ("before your waiting time is over: no aid can be asked for" in page) is not can
