"""The history of a demonstration: the same each time it is played, true, and gone on with where it was broken off."""

import datetime as dt

from aidplatform.lib import clock
from aidplatform.site.demo import deeds, history
from aidplatform.site.demo.clock import morning_of, stop_clock_at
from aidplatform.site.demo.people import CAST, born_of, document_of, make_people, make_villager
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.world import run_jobs
from claims.filing.models import Claim
from ledger.custody.selectors import payable_awards
from ledger.sharing.models import Period
from members.joining.documents import read_resident_id
from members.pools.models import Pool

# The first case is shared in May 2025, and its aid is paid in the same month.
UNTIL = dt.date(2025, 5, 25)
# number, headcount, aid, fee, surplus carried out, all shares (fen)
PERIODS = [
    (1, 2048, 0, 0, 0, 0),
    (2, 2080, 0, 0, 0, 0),
    (3, 2112, 2_000_000, 160_000, 576, 2_160_576),
]


def played(until: dt.date) -> list[tuple[object, ...]]:
    """Play from the first day, and return the figures of the town's periods."""
    stop_clock_at(morning_of(history.OPENED))
    make_people()
    history.play(until, run_jobs)
    return figures()


def figures() -> list[tuple[object, ...]]:
    """Return the figures of the town's posted periods."""
    periods = Period.objects.filter(pool__code=history.TOWN, state="posted").order_by("number")
    names = ("number", "headcount", "aid_fen", "fee_fen", "carry_out_fen", "assessed_fen")
    return list(periods.values_list(*names))


def test_history_is_the_same_each_time_and_true(committed_db: tuple[str, str]) -> None:
    assert played(UNTIL) == PERIODS
    claim = Claim.objects.get(claimant__email="town-01@demo.invalid")
    assert claim.state == "closed"
    assert_books_true(Pool.objects.get(code=history.TOWN))


def test_refusal_is_judged_by_members_who_were_drawn(committed_db: tuple[str, str]) -> None:
    played(dt.date(2025, 7, 16))
    claim = Claim.objects.get(claimant__email="town-06@demo.invalid")
    draw = claim.jury_draws.get()
    assert (draw.state, draw.verdict.outcome) == ("tallied", "granted")
    assert (draw.verdict.votes_for, draw.verdict.votes_against) == (6, 3)
    assert claim.state == "in_publicity"
    assert_books_true(claim.pool)


def test_history_broken_off_comes_to_the_same(committed_db: tuple[str, str]) -> None:
    """Broken off in the middle of a day it plays that day again, and then the rest."""
    played(dt.date(2025, 5, 11))
    stop_clock_at(morning_of(dt.date(2025, 5, 10)))
    history.play(UNTIL, run_jobs)
    assert figures() == PERIODS


def test_payment_that_was_ordered_and_not_released_is_released_when_it_goes_on(
    committed_db: tuple[str, str],
) -> None:
    """Broken off between the two, aid would wait for ever and the fee be paid before it."""
    played(dt.date(2025, 5, 15))
    stop_clock_at(morning_of(dt.date(2025, 5, 15)))
    town = Pool.objects.get(code=history.TOWN)
    deeds.import_bank(town, dt.date(2025, 5, 15))
    deeds.order_aid(town, payable_awards(town)[0])
    history.play(UNTIL, run_jobs)
    assert set(town.payment_orders.values_list("kind", "state")) == {
        ("aid", "confirmed"),
        ("fee", "confirmed"),
    }
    assert Claim.objects.get(claimant__email="town-01@demo.invalid").state == "closed"


def test_nobody_can_hold_the_documents_of_a_demonstration(db: None) -> None:
    numbers = set()
    for number in range(1, 40):
        person = make_villager("town", number)
        paper = document_of(person, born_of(number), number)
        assert read_resident_id(paper.number).birth_date == paper.birth_date
        assert paper.number[14:17] == "000", "order codes begin at 001"
        numbers.add(paper.number)
    assert len(numbers) == 39


def test_ages_are_those_of_people_who_join() -> None:
    ages = [dt.date(2025, 1, 1).year - born_of(number).year for number in range(200)]
    assert (min(ages), max(ages)) == (20, 57)
    assert len(set(ages)) > 30


def test_each_duty_is_somebody_elses(db: None) -> None:
    people = make_people()
    assert len({person.pk for person in people.values()}) == len(CAST)
    assert people == make_people()


def test_today_is_not_moved_by_looking(db: None) -> None:
    stop_clock_at(morning_of(dt.date(2025, 5, 5)))
    history.play(dt.date(2025, 1, 1), run_jobs)
    assert clock.today("Asia/Shanghai") == dt.date(2025, 5, 5)
