"""When a membership begins, is suspended, goes on and lapses, day by day; and what its member is told."""

import datetime as dt
from dataclasses import dataclass

import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import ZONE, Bank, membership
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work import jobs
from aidplatform.work.models import Job
from ledger.custody.wallet_life import ANNOUNCE, FOLLOW, follow_period
from ledger.custody.wallet_models import Suspension
from ledger.custody.wallet_selectors import balance_fen, wallet_of, wallet_rows
from ledger.sharing import services as sharing
from ledger.sharing.models import Period
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership, MembershipSpan
from members.joining.services import admit_member
from members.people.models import Mail, Notice, User
from members.people.notices import body_of

FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


@dataclass
class Town:
    """A pool of four that have paid, and one more person, Li, the fifth member."""

    world: World
    bank: Bank
    li: Membership

    @classmethod
    def founded(cls) -> "Town":
        world = World.founded(members=4, funding=FUNDING)
        bank = Bank(world)
        bank.take(bank.statement(*(bank.receipt(number, 100_000) for number in (1, 2, 3, 4))))
        person = User.objects.create_user("li@people.example.org")
        li = admit_member(
            pool=world.pool,
            person=person,
            class_no=0,
            from_at=clock.now(),
            joined_date=day("01-01"),
            actor="test",
            pays_until=day("01-31"),
        )
        return cls(world, bank, li)

    def hears(self, booked: str, fen: int, imported: str) -> None:
        """Let Li's money be booked on a day, and the bank be heard on another; nothing: the bank alone is heard."""
        gap = (day(booked) - self.bank.day).days
        if gap:
            self.bank.take(self.bank.statement(days=gap))
        set_clock(clock.start_of_day(day(imported), ZONE) + dt.timedelta(hours=10))
        self.bank.take(self.bank.statement(*([self.bank.receipt(5, fen)] if fen else [])))
        run_jobs()
        fire_deferred()

    def short_period(self) -> Period:
        """Post, on 10 January, a period whose share, 432.00, Li's 300.00 do not cover."""
        self.hears("01-02", 30_000, "01-03")
        self.world.award(200_000)
        return self.world.posted_period()

    @property
    def spans(self) -> list[tuple[str, str]]:
        """Return Li's cover as pairs of days, the end open where it is."""
        found = MembershipSpan.objects.filter(pool_id=self.world.pool.pk, membership_id=self.li.pk).order_by(
            "from_at"
        )
        return [(_day(span.from_at), _day(span.to_at) if span.to_at else "") for span in found]

    @property
    def state(self) -> str:
        return next(row.state for row in wallet_rows(self.world.pool) if row.number == 5)

    @property
    def told(self) -> list[str]:
        return list(
            Notice.objects.filter(person=self.li.person).order_by("pk").values_list("kind", flat=True)
        )


def _day(at: dt.datetime) -> str:
    return clock.day_of(at, ZONE).isoformat()[5:]


# booked, fen, imported → covered from, what the list says
BEGINNINGS = [
    pytest.param([("01-03", 30_000, "01-04")], "01-05", "covered", id="all at once"),
    pytest.param([("01-03", 29_999, "01-04")], "", "awaited", id="a fen too little"),
    pytest.param([("01-03", 29_999, "01-04"), ("01-31", 1, "02-01")], "02-02", "covered", id="in two parts"),
    pytest.param([("01-31", 30_000, "02-20")], "02-21", "covered", id="in time, heard of late"),
    pytest.param([("02-01", 30_000, "02-02")], "", "lapsed", id="a day late"),
    pytest.param(
        [("01-03", 29_999, "01-04"), ("02-01", 1, "02-02")], "", "lapsed", id="the last part a day late"
    ),
]


@pytest.mark.parametrize(("payments", "covered_from", "state"), BEGINNINGS)
def test_membership_begins_with_its_first_payment(
    db: None, payments: list[tuple[str, int, str]], covered_from: str, state: str
) -> None:
    town = Town.founded()
    assert (town.spans, town.state) == ([], "awaited")
    for booked, fen, imported in payments:
        town.hears(booked, fen, imported)
    assert town.spans == ([(covered_from, "")] if covered_from else [])
    assert town.state == state
    wallet = wallet_of(town.li, clock.today(ZONE))
    assert wallet is not None
    assert wallet.balance_fen == sum(fen for _booked, fen, _imported in payments)
    assert wallet.has_lapsed == (state == "lapsed")


def test_who_has_not_paid_shares_nothing(db: None) -> None:
    """Four share 2,000.00 and 160.00, not five."""
    town = Town.founded()
    town.world.award(200_000)
    period = town.world.posted_period()
    assert (period.headcount, period.assessed_fen, period.gap_fen) == (4, 216_000, 0)
    assert balance_fen(pool=town.world.pool, membership_id=town.li.pk) == 0


# The wallet ran short on 10 January: without cover from 11 January, to be restored until 9 February.
ENDINGS = [
    pytest.param([], "suspended", ["01-04 – 01-11"], id="the bank is not heard"),
    pytest.param([("02-08", 0, "02-09")], "suspended", ["01-04 – 01-11"], id="heard up to the day before"),
    pytest.param([("02-09", 0, "02-10")], "lapsed", ["01-04 – 01-11"], id="nothing came"),
    pytest.param([("01-12", 10_000, "01-13")], "covered", ["01-04 – 01-11", "01-14 – "], id="topped up soon"),
    pytest.param(
        [("02-09", 10_000, "02-10")], "covered", ["01-04 – 01-11", "02-11 – "], id="on the last day"
    ),
    pytest.param([("02-09", 10_000, "03-02")], "covered", ["01-04 – 01-11", "03-03 – "], id="heard of late"),
    pytest.param([("02-09", 9_999, "02-10")], "lapsed", ["01-04 – 01-11"], id="a fen too little"),
    pytest.param([("02-10", 10_000, "02-11")], "lapsed", ["01-04 – 01-11"], id="a day late"),
    pytest.param(
        [("01-20", 9_999, "01-21"), ("02-09", 1, "02-10")],
        "covered",
        ["01-04 – 01-11", "02-11 – "],
        id="in two parts",
    ),
]


@pytest.mark.parametrize(("payments", "state", "spans"), ENDINGS)
def test_short_wallet_suspends_and_a_top_up_in_time_restores(
    db: None, payments: list[tuple[str, int, str]], state: str, spans: list[str]
) -> None:
    town = Town.founded()
    period = town.short_period()
    assert (period.gap_fen, balance_fen(pool=town.world.pool, membership_id=town.li.pk)) == (13_200, 0)
    (suspension,) = Suspension.objects.all()
    assert (suspension.from_date, suspension.until_date) == (day("01-11"), day("02-09"))
    for booked, fen, imported in payments:
        town.hears(booked, fen, imported)
    assert town.state == state
    assert [f"{first} – {end}" for first, end in town.spans] == spans
    suspension.refresh_from_db()
    assert suspension.state == {"covered": "restored"}.get(state, state)
    ends = list(MembershipEnd.objects.values_list("membership_id", "reason", "end_date"))
    assert ends == ([(town.li.pk, "lapsed", day("01-11"))] if state == "lapsed" else [])
    fire_deferred()
    assert_books_true(town.world.pool)


def test_suspension_that_is_over_is_an_end(db: None) -> None:
    town = Town.founded()
    town.short_period()
    for state in ("lapsed", "ended"):
        with refused("suspension_that_is_over_is_an_end"):
            run("UPDATE ledger_suspension SET state = %s, ended_date = '2026-02-10'", state)
            fire_deferred()


def test_suspended_members_are_in_no_headcount_and_restored_ones_are(db: None) -> None:
    town = Town.founded()
    first = town.short_period()
    set_clock(clock.start_of_day(first.next_opening_date, ZONE))
    second = town.world.posted_period()
    assert (first.headcount, second.headcount) == (5, 4)
    assert second.other_costs_fen == 13_200
    town.hears("02-08", 30_000, "02-14")
    set_clock(clock.start_of_day(second.next_opening_date, ZONE))
    assert town.world.posted_period().headcount == 5


def test_what_a_period_may_take_is_told_before_it_takes_it(db: None) -> None:
    town = Town.founded()
    town.hears("01-02", 30_000, "01-03")
    town.world.award(200_000)
    period = town.world.announced_period()
    run_jobs()
    assert town.told == ["cases_announced", "wallet_share"]
    notice = Notice.objects.get(person=town.li.person, kind="wallet_share")
    assert (notice.params["fen"], notice.params["held_fen"]) == (43_200, 30_000)
    body = Mail.objects.get(key__startswith="wallet_share/").body
    assert "top it up to ¥432.00 or more before then" in body
    enough = body_of("wallet_share", notice.params | {"held_fen": 43_200})
    assert "¥432.00, which is enough" in enough
    jobs.enqueue(kind=ANNOUNCE, key="again", payload={"period": period.pk}, actor="service")
    run_jobs()
    computed = town.world.computed_period(period)
    sharing.approve_period(
        period=computed,
        approver=town.world.controller.code,
        shown_sha256=computed.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    assert town.told == ["cases_announced", "wallet_share", "charged", "suspended"]
    charged = Notice.objects.get(person=town.li.person, kind="charged")
    said = body_of("charged", charged.params)
    assert "It has been taken from the wallet." in said
    assert "collected on" not in said


def test_members_are_told_once_of_what_becomes_of_them(db: None) -> None:
    town = Town.founded()
    town.short_period()
    run_jobs()
    assert town.told == ["charged", "suspended"]
    notice = Notice.objects.get(person=town.li.person, kind="suspended")
    assert (notice.params["until"], notice.params["needed_fen"]) == ("2026-02-09", 10_000)
    assert "9 Feb 2026" in Mail.objects.get(key__startswith="suspended/").body
    town.hears("01-12", 10_000, "01-13")
    town.hears("01-14", 0, "01-15")
    assert town.told == ["charged", "suspended", "restored"]


def test_low_wallet_is_warned_of_once_until_money_comes(db: None) -> None:
    """432.00 of 500.00 leaves 68.00, below 100.00; 40.00 more make it 108.00; 60.00 paid back make it low again."""
    town = Town.founded()
    town.hears("01-02", 50_000, "01-03")
    town.world.award(200_000)
    town.world.posted_period()
    run_jobs()
    town.hears("01-12", 0, "01-13")
    assert town.told == ["charged", "wallet_low"]
    wallet = wallet_of(town.li, clock.today(ZONE))
    assert wallet is not None
    assert (wallet.balance_fen, wallet.is_low, wallet.next_fen) == (6_800, True, 43_200)
    assert [(one.kind, one.amount_fen, one.balance_fen) for one in wallet.movements] == [
        ("share", -43_200, 6_800),
        ("top_up", 50_000, 50_000),
    ]
    town.hears("01-14", 4_000, "01-15")
    assert town.told == ["charged", "wallet_low"]
    town.bank.order_back(5, 6_000)
    town.hears("01-16", 0, "01-17")
    assert town.told == ["charged", "wallet_low", "wallet_low"]


def test_job_that_comes_again_suspends_nobody_twice(db: None) -> None:
    town = Town.founded()
    period = town.short_period()
    jobs.enqueue(kind=FOLLOW, key="again", payload={"period": period.pk}, actor="service")
    lease = jobs.claim(Job.objects.get(key="again").pk)
    assert lease is not None
    assert follow_period(lease) == {"suspended": 0}
    assert Suspension.objects.count() == 1


def test_cover_waits_for_its_money(db: None) -> None:
    """Nobody is let in past the money: not at first, not while suspended, not once lapsed."""
    town = Town.founded()
    span = """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
              VALUES (%s, %s, 0, %s, now())"""
    row = (town.world.pool.pk, town.li.pk)
    with refused("cover_waits_for_its_money"):
        run(span, *row, clock.now())
    town.short_period()
    with refused("cover_waits_for_its_money"):
        run(span, *row, clock.now() + dt.timedelta(days=5))
    town.hears("02-09", 0, "02-10")
    town.hears("02-11", 50_000, "02-12")
    with refused("cover_waits_for_its_money"):
        run(span, *row, clock.now() + dt.timedelta(days=5))


def test_suspension_follows_a_gap(db: None) -> None:
    town = Town.founded()
    town.short_period()
    insert = """INSERT INTO ledger_suspension
                (pool_id, membership_id, period_no, class_no, from_date, until_date, state)
                VALUES (%s, %s, %s, 0, '2026-01-11', %s, 'suspended')"""
    other = membership(town.world, 1).pk
    with refused("suspension_follows_a_gap"):
        run(insert, town.world.pool.pk, other, 1, "2026-02-09")
    with refused("suspension_keeps_its_days"):
        run(insert, town.world.pool.pk, town.li.pk, 1, "2026-01-10")
    run("UPDATE ledger_suspension SET state = 'restored', ended_date = '2026-01-12'")
    with refused("one_suspension_per_wallet_and_period"):
        run(insert, town.world.pool.pk, town.li.pk, 1, "2026-02-09")


def test_suspension_ends_once(db: None) -> None:
    town = Town.founded()
    town.short_period()
    with refused("ended_suspension_says_when"):
        run("UPDATE ledger_suspension SET state = 'lapsed'")
    for column in ("until_date", "from_date", "period_no", "class_no"):
        with not_permitted():
            run(f"UPDATE ledger_suspension SET {column} = {column}")
    town.hears("02-09", 0, "02-10")
    with refused("suspension_ends_once"):
        run("UPDATE ledger_suspension SET state = 'restored'")
    with not_permitted():
        run("DELETE FROM ledger_suspension")
