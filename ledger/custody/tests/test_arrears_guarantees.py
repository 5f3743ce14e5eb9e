"""Each guarantee of arrears and pauses, broken by raw SQL as the application's role."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text
from aidplatform.testing.bank import ZONE, Bank, membership
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.custody import hardship, write_offs
from ledger.custody.arrears_models import HardshipPause
from ledger.custody.wallet_models import Suspension
from members.joining.end_models import MembershipEnd
from members.joining.models import MembershipSpan
from members.people.models import User

ARREARS = {"reminder_days": [5], "grace_days": 10, "make_up_days": 30, "hardship_days": 15}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


def at(text: str) -> None:
    """Set the clock to 10:00 of a day."""
    set_clock(clock.start_of_day(day(text), ZONE) + dt.timedelta(hours=10))


@dataclass
class Late:
    """A pool of four whose period 1, charged on 14 January, nobody has paid: the grace ends with 24 January."""

    world: World
    bank: Bank

    @classmethod
    def founded(cls, arrears: dict[str, Any] | None = ARREARS, **terms: Any) -> "Late":
        world = World.founded(members=4, arrears=arrears, **terms)
        world.award(100_000)
        world.posted_period()
        at("01-14")
        return cls(world, Bank(world))

    def hears_before(self, text: str) -> None:
        """Let the bank tell about all days before that one, and whom it concerns be looked for."""
        self.bank.take(self.bank.statement(days=(day(text) - self.bank.day).days))

    def suspended(self) -> Suspension:
        """Suspend everybody on 25 January, as the jobs do; return the suspension of member 1."""
        at("01-25")
        self.hears_before("01-25")
        run_jobs()
        fire_deferred()
        return Suspension.objects.get(membership_id=membership(self.world, 1).pk)

    def suspend(self, **changed: Any) -> None:
        """Insert a suspension that would be right on 25 January but for what is changed."""
        row = {
            "pool_id": self.world.pool.pk,
            "membership_id": membership(self.world, 1).pk,
            "period_no": 1,
            "class_no": 0,
            "cause": "unpaid",
            "from_date": day("01-26"),
            "until_date": day("02-24"),
            "state": "suspended",
            **changed,
        }
        places = ", ".join(["%s"] * len(row))
        run(f"INSERT INTO ledger_suspension ({', '.join(row)}) VALUES ({places})", *row.values())

    def person(self, number: int = 1) -> User:
        """Return the person of a member, with an account from now on."""
        one = membership(self.world, number)
        if one.person is None:
            one.person = User.objects.create_user(f"member-{number}@example.org")
            one.save(update_fields=["person"])
        return one.person

    def pause(self, *, days: int | None = None) -> HardshipPause:
        """Return a pause that member 1 has asked for; days: proposed by the admin."""
        pause = hardship.ask_pause(
            membership=membership(self.world, 1),
            reason="No work.",
            asker=self.person().code,
            at=clock.now(),
        )
        if days is None:
            return pause
        return hardship.propose_pause(pause=pause, days=days, proposer=self.world.admin.code, at=clock.now())


@prepared
def late() -> Late:
    return Late.founded()


def test_suspension_waits_for_the_grace(late: Late) -> None:
    """On the last day itself nobody is suspended, whatever a statement tells; and never for a day that has begun."""
    at("01-24")
    late.hears_before("01-25")
    with refused("suspension_waits_for_the_grace"):
        late.suspend(from_date=day("01-25"))
    at("01-25")
    with refused("suspension_waits_for_the_grace"):
        late.suspend(from_date=day("01-25"))
    late.suspend()


def test_suspension_waits_for_the_grace_and_the_pause_in_it(late: Late) -> None:
    hardship.grant_pause(
        pause=(pause := late.pause(days=15)),
        granter=late.world.controller.code,
        shown_sha256=pause.shown_sha256,
        at=clock.now(),
    )
    at("02-08")
    late.hears_before("02-09")
    with refused("suspension_waits_for_the_grace"):
        late.suspend(from_date=day("02-09"), until_date=day("03-10"))
    at("02-09")
    late.suspend(from_date=day("02-10"), until_date=day("03-11"))


def test_suspension_waits_for_the_bank(late: Late) -> None:
    """A statement that tells about the day before the last one is not enough; nor does a membership lapse without."""
    at("01-28")
    late.hears_before("01-24")
    with refused("suspension_waits_for_the_bank"):
        late.suspend(from_date=day("01-29"), until_date=day("02-27"))
    late.hears_before("01-25")
    late.suspend(from_date=day("01-29"), until_date=day("02-27"))
    at("02-28")
    lapse = "UPDATE ledger_suspension SET state = 'lapsed', ended_date = '2026-02-28'"
    with refused("suspension_waits_for_the_bank"):
        run(lapse)
    at("02-27")
    late.hears_before("02-28")
    with refused("suspension_waits_for_the_bank"):
        run(lapse)


def test_suspension_follows_an_unpaid_share(late: Late) -> None:
    at("01-25")
    late.bank.take(late.bank.statement(late.bank.receipt(1, 27_000)))
    late.hears_before("01-25")
    with refused("suspension_follows_an_unpaid_share"):
        late.suspend()
    with refused("suspension_follows_an_unpaid_share"):
        late.suspend(membership_id=membership(late.world, 2).pk, period_no=2)
    with refused("suspension_follows_a_gap"):
        late.suspend(membership_id=membership(late.world, 2).pk, cause="gap")
    with refused("suspension_has_a_cause"):
        late.suspend(membership_id=membership(late.world, 2).pk, cause="whim")


def test_suspension_follows_an_unpaid_share_only_by_the_rules_of_its_period(db: None) -> None:
    """Rules that come later suspend nobody for a share of before."""
    late = Late.founded(arrears=None)
    late.world.change_plan(day("01-25"), arrears=ARREARS)
    at("01-28")
    late.hears_before("01-28")
    run_jobs()
    with refused("suspension_follows_an_unpaid_share"):
        late.suspend(from_date=day("01-29"), until_date=day("02-27"))


def test_suspension_leaves_its_days_to_make_up(late: Late) -> None:
    at("01-25")
    late.hears_before("01-25")
    with refused("suspension_leaves_its_days_to_make_up"):
        late.suspend(until_date=day("02-23"))


def test_suspension_ends_once_all_is_paid(late: Late) -> None:
    late.suspended()
    at("01-27")
    late.bank.take(late.bank.statement(late.bank.receipt(1, 26_999)))
    restore = (
        "UPDATE ledger_suspension SET state = 'restored', ended_date = '2026-01-28' WHERE membership_id = %s"
    )
    with refused("suspension_ends_once_all_is_paid"):
        run(restore, membership(late.world, 1).pk)
    late.bank.take(late.bank.statement(late.bank.receipt(1, 1)))
    assert Suspension.objects.get(membership_id=membership(late.world, 1).pk).state == "restored"


def test_cover_goes_on_once_all_is_paid(late: Late) -> None:
    """Neither a span by hand nor a write-off lets somebody in who has not paid."""
    late.suspended()
    span = """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
              VALUES (%s, %s, 0, '2026-01-29', now())"""
    one = membership(late.world, 1)
    with refused("cover_goes_on_once_all_is_paid"):
        run(span, late.world.pool.pk, one.pk)
    order = write_offs.order_write_off(
        membership=one,
        reason="uncollectable",
        reminders=2,
        upto_period_no=1,
        orderer=late.world.treasurer.code,
        at=clock.now(),
    )
    write_offs.approve_write_off(
        write_off=order,
        approver=late.world.controller.code,
        shown_sha256=order.shown_sha256 or "",
        at=clock.now(),
    )
    at("01-28")
    late.hears_before("01-28")
    with refused("cover_goes_on_once_all_is_paid"):
        run(span, late.world.pool.pk, one.pk)
    late.bank.take(late.bank.statement(late.bank.receipt(1, 27_000)))
    assert Suspension.objects.get(membership_id=one.pk).state == "restored"
    assert MembershipSpan.objects.filter(membership_id=one.pk, to_at=None).exists()


def test_suspended_members_of_an_ended_membership_never_come_back(late: Late) -> None:
    late.suspended()
    at("02-25")
    late.hears_before("02-25")
    fire_deferred()
    ends = MembershipEnd.objects.values_list("reason", "end_date").distinct()
    assert list(ends) == [("lapsed", day("01-26"))]
    late.bank.take(late.bank.statement(late.bank.receipt(1, 27_000)))
    assert not MembershipSpan.objects.filter(to_at=None).exists()


# --- pauses -----------------------------------------------------------------------------------------------------

GRANT = "UPDATE ledger_hardshippause SET state = 'granted', decided_by = %s, decided_at = now()"
PROPOSE = (
    "UPDATE ledger_hardshippause SET state = 'proposed', days = %s, proposed_by = %s, proposed_at = now()"
)


def test_hardship_pause_begins_asked(late: Late) -> None:
    insert = """INSERT INTO ledger_hardshippause
                (pool_id, number, membership_id, reason_sealed, state, asked_by, asked_at, days)
                VALUES (%s, 7, %s, %s, %s, %s, now(), %s)"""
    row = (late.world.pool.pk, membership(late.world, 1).pk)
    person, why = late.person().code, seal_text("No work.", "a place")
    with refused("hardship_pause_begins_asked"):
        run(insert, *row, why, "asked", person, 5)
    with refused("hardship_pause_is_decided_once"):
        run(insert, *row, why, "granted", person, None)
    with refused("hardship_pause_says_why"):
        run(insert, *row, seal_text("", "a place"), "asked", person, None)
    with refused("hardship_pause_people_hold_their_duty"):
        run(insert, *row, why, "asked", late.world.stranger.code, None)
    run(insert, *row, why, "asked", person, None)
    assert HardshipPause.objects.get().number == 1
    with refused("one_open_hardship_pause_per_membership"):
        run(insert, *row, why, "asked", person, None)


def test_hardship_pause_people_hold_their_duty(late: Late) -> None:
    pause = late.pause()
    for code in (late.world.controller.code, late.world.treasurer.code):
        with refused("hardship_pause_people_hold_their_duty"):
            run(PROPOSE, 5, code)
    run(PROPOSE, 5, late.world.admin.code)
    for code in (late.world.admin.code, late.world.treasurer.code, late.world.stranger.code):
        with refused("hardship_pause_people_hold_their_duty"):
            run(GRANT, code)
    with refused("hardship_pause_people_hold_their_duty"):
        run(GRANT.replace("granted", "declined"), late.world.treasurer.code)
    run(GRANT, late.world.controller.code)
    pause.refresh_from_db()
    assert (pause.state, pause.days, pause.upto_period_no) == ("granted", 5, 1)


def test_hardship_pause_needs_two_people(late: Late, owner: Any) -> None:
    found = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'hardship_pause_needs_two_people'"
    ).fetchone()
    assert found is not None
    assert "decided_by" in found[0]
    pause = late.pause(days=5)
    with pytest.raises(hardship.SamePersonError):
        hardship.grant_pause(
            pause=pause,
            granter=late.world.admin.code,
            shown_sha256=pause.shown_sha256,
            at=clock.now(),
        )


def test_hardship_pause_is_anothers(late: Late) -> None:
    """Whoever asks for themselves neither proposes nor grants it, whatever their duties."""
    one = membership(late.world, 1)
    one.person = late.world.admin
    one.save(update_fields=["person"])
    hardship.ask_pause(membership=one, reason="No work.", asker=late.world.admin.code, at=clock.now())
    with refused("hardship_pause_is_anothers"):
        run(PROPOSE, 5, late.world.admin.code)


def test_hardship_pause_keeps_to_the_plan(late: Late) -> None:
    """15 days at most for one share, in all: 10 leave 5 more."""
    pause = late.pause()
    with refused("hardship_pause_keeps_to_the_plan"):
        run(PROPOSE, 16, late.world.admin.code)
    with refused("proposed_pause_has_its_days"):
        run(PROPOSE, 0, late.world.admin.code)
    run(PROPOSE, 10, late.world.admin.code)
    run(GRANT, late.world.controller.code)
    second = late.pause()
    assert second.number == pause.number + 1
    with refused("hardship_pause_keeps_to_the_plan"):
        run(f"{PROPOSE} WHERE id = {second.pk}", 6, late.world.admin.code)
    run(f"{PROPOSE} WHERE id = {second.pk}", 5, late.world.admin.code)


def test_hardship_pause_comes_in_the_grace(late: Late) -> None:
    """Of who has paid nothing is paused, nor of who is suspended already."""
    late.pause()
    late.suspended()
    with refused("hardship_pause_comes_in_the_grace"):
        run(PROPOSE, 5, late.world.admin.code)
    late.bank.take(late.bank.statement(late.bank.receipt(1, 27_000)))
    with refused("hardship_pause_comes_in_the_grace"):
        run(PROPOSE, 5, late.world.admin.code)


def test_hardship_pause_is_decided_as_shown(late: Late) -> None:
    pause = late.pause(days=5)
    with refused("hardship_pause_is_decided_as_shown"):
        run(GRANT.replace("decided_at", "days = 6, decided_at"), late.world.controller.code)
    with pytest.raises(hardship.ShownChangedError):
        hardship.grant_pause(
            pause=pause, granter=late.world.controller.code, shown_sha256="0" * 64, at=clock.now()
        )
    with not_permitted():
        run("UPDATE ledger_hardshippause SET reason_sealed = ''")
    run(GRANT.replace("granted", "declined"), late.world.controller.code)
    with refused("hardship_pause_is_decided_once"):
        run(GRANT, late.world.controller.code)


def test_hardship_pauses_are_kept(db: None, owner: Any) -> None:
    with not_permitted():
        run("DELETE FROM ledger_hardshippause")
    for sql in ("DELETE FROM ledger_hardshippause", "TRUNCATE ledger_hardshippause"):
        with refused_to_owner(owner, "hardship_pauses_are_kept"):
            owner.execute(sql)
