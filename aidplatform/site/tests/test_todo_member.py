"""What the start page tells a member to do: pay, answer, go on joining; and nothing that is done."""

import datetime as dt
import re

from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.places import my_places
from aidplatform.site.todo_member import of_member
from aidplatform.testing.bank import Bank
from aidplatform.testing.endings import end_by_two
from aidplatform.testing.world import OPENED, World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.joining import applications, payers
from members.joining.deputies import name_deputy
from members.joining.models import Membership
from members.joining.services import admit_member
from members.joining.tests.test_transfers import LAST, SENIOR, Two, at
from members.joining.transfers import revoke
from members.people.models import User


def admitted(world: World, name: str) -> Membership:
    """Admit somebody with an account, covered since the pool opened."""
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org"),
        class_no=0,
        from_at=clock.start_of_day(OPENED, world.pool.time_zone),
        joined_date=OPENED,
        actor="founding",
    )


def home(person: User | None, language: str = "en") -> str:
    """Return the words of somebody's start page."""
    page = client_of(person, language=language).get("/").content.decode()
    page = re.sub(r"</?time[^>]*>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def told(person: User | None) -> list[str]:
    assert person is not None
    return [one.text for one in of_member(person)]


def test_open_shares_are_told_until_they_are_paid(world: World) -> None:
    mine = admitted(world, "mine")
    world.award(160_000)
    assert told(mine.person) == []
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, world.pool.time_zone))
    assert told(mine.person) == ["¥216.00 of your shares in Test pool are not paid"]
    page = client_of(mine.person).get("/").content.decode()
    assert "/pools/test-pool/me/#pay" in page
    bank = Bank(world)
    bank.take(bank.statement(bank.receipt(mine.number, 21_600)))
    assert told(mine.person) == []


def test_requests_are_told_until_they_are_answered(world: World) -> None:
    asking, asked = admitted(world, "asking"), admitted(world, "asked")
    assert asking.person is not None
    assert asked.person is not None
    link = payers.ask_payer(membership=asking, payer_number=asked.number, at=clock.now())
    name_deputy(membership=asking, code=asked.person.code, kind="emergency", at=clock.now())
    assert told(asked.person) == [
        f"Member {asking.number} of Test pool asks you to pay for them",
        "Somebody in Test pool asks you to claim for them when they cannot",
    ]
    assert told(asking.person) == []
    payers.accept_link(link=link, person=asked.person)
    assert told(asked.person) == ["Somebody in Test pool asks you to claim for them when they cannot"]


def test_application_is_told_while_it_can_be_gone_on_with(world: World) -> None:
    newcomer = User.objects.create_user("newcomer@people.example.org")
    applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    assert told(newcomer) == ["You have begun to join Test pool"]
    assert "/pools/test-pool/join/" in client_of(newcomer).get("/").content.decode()


def test_what_a_member_owes_is_asked_at_once_however_many_pools(db: None) -> None:
    person = User.objects.create_user("many@people.example.org")
    counts = []
    for number in (1, 2, 3):
        world = World.founded(code=f"pool-{number}", members=7)
        admit_member(
            pool=world.pool,
            person=person,
            class_no=0,
            from_at=clock.start_of_day(OPENED, world.pool.time_zone),
            joined_date=OPENED,
            actor="founding",
        )
        world.award(160_000 * number, f"C-{number}")
        period = world.posted_period()
        set_clock(clock.start_of_day(period.charge_date, world.pool.time_zone))
        with CaptureQueriesContext(connection) as todo:
            said = told(person)
        with CaptureQueriesContext(connection) as places:
            found = my_places(person)
        assert len(said) == len(found) == number
        counts.append((len(todo), len(places)))
    assert said[2] == "¥648.00 of your shares in Test pool are not paid"
    assert counts[0] == counts[1] == counts[2]
    assert counts[0][0] <= 8


def test_start_page_says_the_next_charge_and_spares_members_the_four_steps(world: World) -> None:
    mine = admitted(world, "mine")
    world.award(160_000)
    period = world.announced_period()
    page = home(mine.person)
    assert "Next charge day: 14 Jan 2026, ¥216.00 at most, by the cases in publicity" in page
    assert "How it works, in four steps" not in page
    assert "How it works, in four steps" in home(world.stranger)
    assert "How it works, in four steps" in home(None)
    world.settled_period(period)
    later = admitted(world, "later")
    page = home(later.person)
    assert "Next charge day: 14 Feb 2026 My place" in page
    in_chinese = home(mine.person, "zh-hans")
    assert "下一收取日：2026年1月14日" in in_chinese


def test_a_last_age_that_is_far_away_is_not_told(db: None) -> None:
    # Ninety days after 1 January 2026 are 1 April.
    assert told(Two(dt.date(1966, 4, 2)).person) == []


def test_going_on_is_told_from_ninety_days_ahead_until_it_is_signed(db: None) -> None:
    two = Two()
    assert told(two.person) == ["Test pool ends for you by age on 20 Mar 2026: you can go on in Test pool"]
    page = client_of(two.person).get("/").content.decode()
    assert "/pools/test-pool/me/going-on/" in page
    signed = two.sign()
    assert told(two.person) == []
    revoke(transfer=signed, person=two.person, at=clock.now())
    assert len(told(two.person)) == 1
    at(LAST)
    assert told(two.person) == []


def test_going_on_is_told_anew_for_new_rules_and_not_where_nobody_is_taken(db: None) -> None:
    two = Two()
    two.sign()
    at(dt.date(2026, 2, 1))
    two.new.change_plan(LAST, **SENIOR | {"minimum_members": 3, "waiting_days": 181})
    run_jobs()
    assert told(two.person) == [
        "Test pool has new rules: to go on there after Test pool, sign them by 20 Mar 2026"
    ]
    end_by_two(two.new)
    assert told(two.person) == []


def test_wallet_that_is_low_waits_on_the_start_page(db: None) -> None:
    """Below the warning level of the rules; filled, it is gone."""
    funding = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
    world = World.founded(members=7, funding=funding)
    mine = admitted(world, "mine")
    assert told(mine.person) == ["Your wallet in Test pool is low: ¥0.00 is in it"]
    bank = Bank(world)
    bank.take(bank.statement(bank.receipt(mine.number, 30_000)))
    assert told(mine.person) == []
