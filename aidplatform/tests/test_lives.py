"""Whole lives of members, written by hand in `lives`: every date and share on the way, by the services of all apps."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import about, fire_deferred
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.custody import write_offs
from ledger.custody.selectors import charges_of
from ledger.custody.wallet_selectors import balance_fen
from ledger.leaving import reports
from ledger.leaving.selectors import parting_of
from ledger.leaving.services import leave_pool
from ledger.sharing import services as sharing
from ledger.sharing.models import Charge, Period
from members.joining import ages, payers
from members.joining.models import Membership, MembershipSpan
from members.joining.selectors import covers_of
from members.joining.services import admit_member
from members.people.models import User
from members.pools.selectors import funding_in_force

LIVES = Path(__file__).with_name("lives")
ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)
BANDS = [
    {"class_no": 0, "weight": 1, "name_en": "To 30", "name_zh": "青年", "age_from": 18, "age_before": 30},
    {"class_no": 1, "weight": 2, "name_en": "From 30", "name_zh": "中年", "age_from": 30, "age_before": 60},
]
AFTERWARDS: dict[str, Any] = {"year_cap_fen": 900_000}
AHEAD: dict[str, Any] = {"funding": {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}}
OTHERS = 4


def fen(text: str) -> int:
    """Read 1,234.50 as fen."""
    return int(text.replace(",", "").replace(".", ""))


@dataclass
class Life:
    """The pool of one table: it moves on day by day as its schedule would, and its people do what a line says."""

    world: World
    bank: Bank
    people: dict[str, Membership] = field(default_factory=dict)
    at_most_fen: int | None = None

    @classmethod
    def begun(cls, **terms: Any) -> "Life":
        world = World.founded(members={0: OTHERS}, classes=BANDS, one_aid_ends=True, **terms)
        life = cls(world, Bank(world))
        if "funding" in terms:
            life._take(*(life.bank.receipt(number, 500_000) for number in range(1, OTHERS + 1)))
        return life

    def move_to(self, day: dt.date) -> None:
        """Let every midnight pass with what the timetable looks for, up to 10:00 of that day."""
        pool = self.world.pool
        today = clock.today(ZONE)
        while today < day:
            today += DAY
            set_clock(clock.start_of_day(today, ZONE))
            ages.order_due(clock.now())
            sharing.advance_due(at=clock.now())
            self.morning()
            run_jobs()
        set_clock(clock.start_of_day(day, ZONE) + dt.timedelta(hours=10))
        pool.refresh_from_db()

    def morning(self) -> None:
        """Let a table's own timetable look for what is due."""

    def happens(self, who: str, what: str) -> None:
        """Do what a line says; nothing where it only looks."""
        word, _space, rest = what.partition(" ")
        if what:
            getattr(self, f"_{word.rstrip(',')}")(who, rest)
            run_jobs()
            fire_deferred()

    def _joins(self, who: str, rest: str) -> None:
        pool, today = self.world.pool, clock.today(ZONE)
        funding = funding_in_force(pool, today)
        self.people[who] = admit_member(
            pool=pool,
            person=User.objects.create_user(f"{who.lower()}@people.example.org", name=who),
            class_no=0,
            from_at=clock.start_of_day(today + DAY, ZONE),
            joined_date=today,
            birth_date=dt.date.fromisoformat(rest.removeprefix("born ")),
            actor="test",
            pays_until=today + dt.timedelta(days=funding.top_up_days) if funding else None,
        )

    def _case(self, _who: str, amount: str) -> None:
        self.world.award(fen(amount), f"C-{clock.today(ZONE)}")

    def _period(self, _who: str, number: str) -> None:
        period = self.world.pool.periods.get(number=int(number))
        assert period.charge_date == clock.today(ZONE)
        computed = sharing.compute_shares(period=period, preparer=self.world.admin.code, at=clock.now())
        sharing.approve_period(
            period=computed,
            approver=self.world.controller.code,
            shown_sha256=computed.shown_sha256 or "",
            at=clock.now(),
        )

    def _is(self, who: str, rest: str) -> None:
        if rest == "written off":
            return self._write_off(who)
        payer = self.people[rest.removeprefix("paid for by ")]
        assert payer.person is not None
        link = payers.ask_payer(membership=self.people[who], payer_number=payer.number, at=clock.now())
        payers.accept_link(link=link, person=payer.person)
        return None

    def _write_off(self, who: str) -> None:
        last = self.world.pool.periods.filter(state=Period.State.POSTED).latest("number")
        order = write_offs.order_write_off(
            membership=self.people[who],
            reason="deceased",
            reminders=0,
            upto_period_no=last.number,
            orderer=self.world.treasurer.code,
            at=clock.now(),
        )
        write_offs.approve_write_off(
            write_off=order,
            approver=self.world.controller.code,
            shown_sha256=order.shown_sha256 or "",
            at=clock.now(),
        )

    def _pays(self, who: str, amount: str) -> None:
        gap = (clock.today(ZONE) - self.bank.day).days
        if gap:
            self.bank.take(self.bank.statement(days=gap))
        self._take(self.bank.receipt(self.people[who].number, fen(amount)))

    def _take(self, *lines: Any) -> None:
        self.bank.take(self.bank.statement(*lines))
        run_jobs()
        fire_deferred()

    def _leaves(self, who: str, _rest: str) -> None:
        one = self.people[who]
        assert one.person is not None
        shown = parting_of(one, clock.now())
        self.at_most_fen = shown.at_most_fen
        leave_pool(membership=one, leaver=one.person, shown_sha256=shown.shown_sha256, at=clock.now())

    def _died(self, who: str, rest: str) -> None:
        report = reports.report_end(
            membership=self.people[who],
            reason="deceased",
            event_date=dt.date.fromisoformat(rest.removeprefix("on ")),
            reference="certificate 12",
            statement="",
            reporter=self.world.admin.code,
            at=clock.now(),
        )
        (shown,) = reports.with_texts([report])
        reports.confirm_end(
            report=report,
            confirmer=self.world.controller.code,
            shown_sha256=report.shown_sha256 or shown.text,
            at=clock.now(),
        )

    def _files(self, who: str, rest: str) -> None:
        one = self.people[who]
        assert one.person is not None
        first, second, third = (
            User.objects.get(email=f"founding-{duty}@{self.world.pool.code}.example.org")
            for duty in ("reviewer", "second_reviewer", "second_reviewer")
        )
        cases = ClaimCases(self.world, first, second, third, one.person, self.world.stranger, one)
        assert dt.date.fromisoformat(rest.removeprefix("ill since ")) == dt.date(2026, 5, 4)
        cases.decided()

    # --- what comes out -----------------------------------------------------------------------------------------

    def comes_out(self, who: str, what: str, stated: str) -> None:
        """Hold everything that a line states."""
        for item in filter(None, (one.strip() for one in stated.split(";"))):
            with about((clock.today(ZONE), who, item)):
                if what.startswith("period"):
                    name, amount = item.split()
                    assert self._shares(name, int(what.split()[1])) == (
                        [] if amount == "-" else [fen(amount)]
                    )
                else:
                    assert self._is_so(
                        Membership.objects.select_related("pool").get(pk=self.people[who].pk), item
                    )

    def _shares(self, name: str, period_no: int) -> list[int]:
        """Return the share of somebody, none where nothing was charged; of the others, each that occurs."""
        charges = Charge.objects.filter(pool_id=self.world.pool.pk, period_no=period_no)
        numbers = range(1, OTHERS + 1) if name == "others" else [self.people[name].number]
        members = self.world.pool.memberships.filter(number__in=numbers).values_list("pk", flat=True)
        return sorted(
            set(charges.filter(membership_id__in=list(members)).values_list("share_fen", flat=True))
        )

    def _is_so(self, one: Membership, item: str) -> bool:
        word, figure = item.rsplit(" ", 1) if " " in item else (item, "")
        pool = self.world.pool
        if word == "owes":
            owed = charges_of(pool=pool, membership_id=one.pk)
            return sum(charge.open_fen for charge in owed) == fen(figure)
        if word == "wallet":
            return balance_fen(pool=pool, membership_id=one.pk) == fen(figure)
        if word == "at most":
            return self.at_most_fen == fen(figure)
        cover = covers_of([one], clock.now()).get(one.pk)
        if item == "not covered":
            return not _is_covered(one)
        assert cover is not None
        return {
            "class": lambda: cover.place is not None and cover.place.class_no == int(figure),
            "covered": lambda: _is_covered(one),
            "waits": lambda: cover.is_waiting,
            "may": lambda: not cover.is_waiting,
            "over:": lambda: cover.end is not None and cover.end.reason == ENDS[figure],
        }[word]()


ENDS = {"left": "left", "died": "deceased", "aided": "aided"}


def _is_covered(one: Membership) -> bool:
    now = clock.now()
    spans = MembershipSpan.objects.filter(pool_id=one.pool_id, membership_id=one.pk, from_at__lte=now)
    return spans.exclude(to_at__lte=now).exists()


@pytest.mark.parametrize(("table", "terms"), [("afterwards", AFTERWARDS), ("ahead", AHEAD)])
def test_lives_come_out_as_written(db: None, table: str, terms: dict[str, Any]) -> None:
    life = Life.begun(**terms)
    lines = (LIVES / f"{table}.txt").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]
    assert len(rows) > 15
    for day, who, what, stated in rows:
        life.move_to(dt.date.fromisoformat(day))
        with about((day, who, what)):
            life.happens(who, what)
        life.comes_out(who, what, stated)
        if what.startswith("period"):
            assert_books_true(life.world.pool)
