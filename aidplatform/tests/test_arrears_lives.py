"""Lives of members who pay late, written by hand in `lives/arrears.txt`: asked, in grace, suspended, back, lapsed."""

import datetime as dt
from typing import Any

from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import about, fire_deferred
from aidplatform.testing.world import run_jobs
from aidplatform.tests.test_lives import LIVES, OTHERS, ZONE, Life, _is_covered, fen
from claims.filing.selectors import was_covered
from ledger.custody import arrears_life, hardship
from ledger.custody.arrears_selectors import Standing, standing_of
from ledger.custody.selectors import charges_of
from ledger.custody.statement_parts import OUT
from ledger.custody.tests.test_arrears_guarantees import Late
from members.joining.models import Membership
from members.joining.selectors import covers_of
from members.people.models import Notice, User

TERMS: dict[str, Any] = {
    "waiting_days": 10,
    "arrears": {"reminder_days": [5, 20], "grace_days": 40, "make_up_days": 30, "hardship_days": 15},
}


class LateLife(Life):
    """The pool of the table: every morning is looked for what is to be asked again."""

    def morning(self) -> None:
        arrears_life.remind_due(clock.now())

    def _hears(self, _who: str, _rest: str) -> None:
        self.bank.take(self.bank.statement(days=(clock.today(ZONE) - self.bank.day).days))

    def _pay(self, _who: str, amount: str) -> None:
        self._take(*(self.bank.receipt(number, fen(amount)) for number in range(1, OTHERS + 1)))

    def _pays(self, who: str, amount: str) -> None:
        self._paid(who, f"{amount} on {max(clock.today(ZONE), self.bank.day)}")

    def _paid(self, who: str, rest: str) -> None:
        amount, day = rest.split(" on ")
        gap = (dt.date.fromisoformat(day) - self.bank.day).days
        if gap:
            self._take_days(gap)
        self._take(self.bank.receipt(self.people[who].number, fen(amount)))

    def _take_days(self, days: int) -> None:
        self.bank.take(self.bank.statement(days=days))
        run_jobs()
        fire_deferred()

    def _is(self, who: str, rest: str) -> None:
        if rest.startswith("granted"):
            return self._grant(who, int(rest.split()[1]))
        gap = (clock.today(ZONE) - self.bank.day).days
        self._take_days(gap)
        back = self.bank.line(
            OUT,
            fen(rest.removeprefix("charged back ")),
            text=self.bank.reference(self.people[who].number),
        )
        self._take(back)
        return None

    def _asks(self, who: str, _rest: str) -> None:
        one = self.people[who]
        assert one.person is not None
        hardship.ask_pause(membership=one, reason="No work.", asker=one.person.code, at=clock.now())

    def _grant(self, who: str, days: int) -> None:
        pause = self.people[who].hardship_pauses.get()
        pause = hardship.propose_pause(pause=pause, days=days, proposer=self.world.admin.code, at=clock.now())
        hardship.grant_pause(
            pause=pause,
            granter=self.world.controller.code,
            shown_sha256=pause.shown_sha256,
            at=clock.now(),
        )

    def _is_so(self, one: Membership, item: str) -> bool:
        words, figure = item.rsplit(" ", 1)
        stands = standing_of(one, clock.today(ZONE))
        if words == "asked":
            asked = Notice.objects.filter(person=one.person, kind="share_unpaid")
            return asked.count() == int(figure)
        if words == "told":
            return Notice.objects.filter(person=one.person).latest("pk").kind == figure
        if words == "owes":
            owed = sum(charge.open_fen for charge in charges_of(pool=one.pool, membership_id=one.pk))
            return owed == stands.open_fen == fen(figure)
        if words == "covered":
            return _is_covered(one) == (figure == "yes")
        if words == "nothing":
            return not (stands.shares or stands.suspension or stands.is_in_grace)
        return self._dated(one, stands, words, dt.date.fromisoformat(figure))

    def _dated(self, one: Membership, stands: Standing, words: str, day: dt.date) -> bool:
        if words == "eligible since":
            return self._eligible_date(one) == day
        if words.endswith("claim for"):
            start, end = (clock.start_of_day(day + dt.timedelta(days=n), ZONE) for n in (0, 1))
            counts = was_covered(one, start, end) and day >= self._eligible_date(one)
            return counts == (words == "may claim for")
        if words == "lapsed since":
            return stands.end is not None and (stands.end.reason, stands.end.end_date) == ("lapsed", day)
        if words == "suspended until":
            assert stands.suspension is not None
            return stands.is_suspended and stands.suspension.until_date == day
        is_over = {"in grace until": False, "overdue since": True}[words]
        return stands.is_in_grace and stands.is_unheard == is_over and stands.last_date == day

    def _eligible_date(self, one: Membership) -> dt.date:
        return covers_of([one], clock.now())[one.pk].eligible_date


def test_late_lives_come_out_as_written(db: None) -> None:
    life = LateLife.begun(**TERMS)
    lines = (LIVES / "arrears.txt").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]
    assert len(rows) > 40
    for day, who, what, stated in rows:
        life.move_to(dt.date.fromisoformat(day))
        with about((day, who, what)):
            life.happens(who, what)
        life.comes_out(who, what, stated)
        if what.startswith("period"):
            assert_books_true(life.world.pool)
    assert_books_true(life.world.pool)


def test_pause_waits_among_the_things_to_do(db: None) -> None:
    late = Late.founded()
    pause = late.pause()

    def waits(person: User) -> bool:
        here = reverse("custody_arrears", args=[late.world.pool.code])
        return any(one.address == here for one in todos_of(person))

    assert (waits(late.world.admin), waits(late.world.controller)) == (True, False)
    hardship.propose_pause(pause=pause, days=5, proposer=late.world.admin.code, at=clock.now())
    assert (waits(late.world.admin), waits(late.world.controller)) == (False, True)
