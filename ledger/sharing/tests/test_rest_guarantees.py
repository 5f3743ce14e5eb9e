"""Guarantees of rests, broken by hand as aid_app: the database refuses in its name."""

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.endings import wind_down
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import about, refused, refused_to_owner, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.work import jobs
from ledger.sharing import services
from ledger.sharing.models import Award, Period
from ledger.sharing.payees import Payee

WAITS = {"period_cap_fen": 100_000, "on_infeasible": "defer"}
# Seven at 1,000.00 bear 6,481.48 of 8,000.00 and its fee.
AID, SHARED = 800_000, 648_148
REST = AID - SHARED

_INSERT = """
    INSERT INTO ledger_award (pool_id, rest_of_id, code, claim_code, masked, aid_fen, state, is_held, announced_at,
                              announced_by, payee_sealed, payee_hash)
    SELECT pool_id, {rest_of_id}, {code}, {claim_code}, {masked}, {aid_fen}, {state}, {is_held}, announced_at,
           announced_by, payee_sealed, {payee_hash}
      FROM ledger_award WHERE code = 'C-1'"""
_TRUE = {
    "rest_of_id": "id",
    "code": "'C-1.2'",
    "claim_code": "claim_code",
    "masked": "masked",
    "aid_fen": str(REST),
    "state": "'announced'",
    "is_held": "false",
    "payee_hash": "payee_hash",
}


def insert(**changed: str) -> str:
    """Return the statement that makes the rest of C-1, with some columns otherwise."""
    return _INSERT.format(**_TRUE | changed)


def shared_by_hand(world: World) -> Period:
    """Bring a period to the last step before it is posted: its case is shared, and no rest is made."""
    world.award(AID, payee=Payee.of("Li Na", "6222 0000 1111 2222"))
    period = world.approved_period()
    run("UPDATE ledger_period SET state = 'posting' WHERE id = %s", period.pk)
    services.call("open_charge_shelf", period.pk)
    services.call("write_charge_shard", period.manifest.get().pk)
    services.call("close_charge_shelf", period.pk)
    run("UPDATE ledger_award SET state = 'shared' WHERE period_id = %s", period.pk)
    assert Award.objects.get().shared_fen == SHARED
    return period


def test_rest_is_what_was_not_shared(db: None) -> None:
    shared_by_hand(World.founded(**WAITS))
    for fen in (REST - 1, REST + 1, AID):
        with about(fen), refused("rest_is_what_was_not_shared"):
            run(insert(aid_fen=str(fen)))
    run(insert())


def test_rest_is_what_was_not_shared_only_of_an_award_that_is_shared(db: None) -> None:
    world = World.founded(**WAITS)
    world.award(AID)
    with refused("rest_is_what_was_not_shared"):
        run(insert())


def test_rest_is_what_was_not_shared_only_where_the_plan_lets_it_wait(db: None) -> None:
    world = World.founded(**WAITS | {"on_infeasible": "reduce_aid"})
    world.award(AID)
    world.posted_period()
    with refused("rest_is_what_was_not_shared"):
        run(insert())


@pytest.mark.parametrize(
    ("column", "forged"),
    [
        ("code", "'C-1.3'"),
        ("code", "'C-9.2'"),
        ("claim_code", "'claim-9'"),
        ("masked", "'{}'"),
        ("payee_hash", "'1'"),
    ],
)
def test_rest_is_of_its_case(db: None, column: str, forged: str) -> None:
    shared_by_hand(World.founded(**WAITS))
    with refused("rest_is_of_its_case"):
        run(insert(**{column: forged}))


def test_waiting_aid_has_its_rests(db: None) -> None:
    """The period is not posted without the rest of its case, whatever its entry says."""
    world = World.founded(**WAITS)
    period = shared_by_hand(world)

    def post() -> None:
        entry = services.openbooks.post_logged_entry(
            book=services.book_of(world.pool),
            key="period/1",
            kind="period",
            lines=services.period_lines(period),
            entry_date=clock.today(world.pool.time_zone),
            at=clock.now(),
            description="by hand",
            source="by hand",
            maker=period.prepared_by or "",
            checker=period.approved_by or "",
        )
        run(
            "UPDATE ledger_period SET state = 'posted', posted_at = %s, entry_id = %s WHERE id = %s",
            clock.now(),
            entry.pk,
            period.pk,
        )

    with refused("waiting_aid_has_its_rests"):
        post()
    run(insert())
    post()


def test_one_rest_per_award(committed_db: tuple[str, str]) -> None:
    world = World.founded(**WAITS)
    world.award(AID)
    world.posted_period()
    with refused("one_award_per_case"):
        run(insert())
    with psycopg.connect(committed_db[0]) as owner:
        owner.execute("ALTER TABLE ledger_award DISABLE TRIGGER USER")
        with refused_to_owner(owner, "one_rest_per_award"):
            owner.execute(insert(code="'C-9.2'"))


def test_only_a_rest_counts_on(committed_db: tuple[str, str]) -> None:
    """A case has no number that a rest will have, and a rest none that a case may have."""
    world = World.founded(**WAITS)
    world.award(AID)
    with refused("only_a_rest_counts_on"):
        run(insert(rest_of_id="NULL", claim_code="'claim-9'"))
    with psycopg.connect(committed_db[0]) as owner:
        owner.execute("ALTER TABLE ledger_award DISABLE TRIGGER USER")
        with refused_to_owner(owner, "only_a_rest_counts_on"):
            owner.execute(insert(code="'C-9'"))


def test_award_keeps_its_terms_and_what_it_is_the_rest_of(committed_db: tuple[str, str]) -> None:
    world = World.founded(**WAITS)
    world.award(AID)
    world.posted_period()
    with psycopg.connect(committed_db[0]) as owner, refused_to_owner(owner, "award_keeps_its_terms"):
        owner.execute("UPDATE ledger_award SET rest_of_id = NULL, code = 'C-9' WHERE code = 'C-1.2'")


def test_rest_stays_owed(db: None) -> None:
    """It is neither held nor withdrawn, while it waits, in publicity, or once it is final, nor born so."""
    world = World.founded(**WAITS)
    shared_by_hand(world)
    with refused("rest_stays_owed"):
        run(insert(is_held="true"))
    other = World.founded(code="other", **WAITS)
    other.award(AID)
    first = other.posted_period()
    rest = Award.objects.get(pool=other.pool, code="C-1.2")
    _refuse_to_let_go(rest)
    set_clock(clock.start_of_day(first.next_opening_date, other.pool.time_zone))
    other.settled_period()
    rest.refresh_from_db()
    assert rest.state == "final"
    _refuse_to_let_go(rest)


def _refuse_to_let_go(rest: Award) -> None:
    for change in ("is_held = true", "state = 'withdrawn'"):
        with about(change), refused("rest_stays_owed"):
            run(f"UPDATE ledger_award SET {change} WHERE id = %s", rest.pk)


def test_a_period_that_is_closed_twice_makes_its_rests_once(db: None) -> None:
    world = World.founded(**WAITS)
    world.award(AID)
    period = world.posted_period()
    jobs.enqueue(kind=services.CLOSE, key="once more", payload={"period": period.pk}, actor="service")
    run_jobs()
    assert list(Award.objects.order_by("pk").values_list("code", "aid_fen")) == [
        ("C-1", AID),
        ("C-1.2", REST),
    ]


def test_closing_waits_for_the_pool_before_it_takes_the_period(committed_db: tuple[str, str]) -> None:
    """A rest names its pool; whoever has the pool and comes for the period is not met by somebody who has it."""
    world = World.founded(**WAITS)
    world.award(AID)
    period = world.approved_period()
    run("UPDATE ledger_period SET state = 'posting' WHERE id = %s", period.pk)
    services.call("open_charge_shelf", period.pk)
    services.call("write_charge_shard", period.manifest.get().pk)
    job = jobs.enqueue(kind=services.CLOSE, key="by hand", payload={"period": period.pk}, actor="service")
    lease = jobs.claim(job.pk)
    assert lease is not None
    with psycopg.connect(committed_db[1]) as service:
        service.execute("SELECT 1 FROM members_pool WHERE id = %s FOR UPDATE", [world.pool.pk])
        closing = Meanwhile(lambda: services.close_posting(lease))
        wait_for_a_waiter(service)
        service.execute("SELECT 1 FROM ledger_period WHERE id = %s FOR UPDATE", [period.pk])
        service.commit()
        closing.outcome()
    period.refresh_from_db()
    assert (period.state, Award.objects.filter(rest_of__isnull=False).count()) == ("posted", 1)


def test_pool_closes_with_nothing_owed_and_so_after_every_rest(db: None) -> None:
    """Where one period is the last of the calendar, the next one opens for the rest; until then nothing is closed."""
    world = World.founded(**WAITS)
    ending = wind_down(world)
    while (last := world.pool.periods.order_by("-number").first()) is None or (
        last.next_opening_date < ending.run_off_end_date
    ):
        if last is not None:
            set_clock(max(clock.start_of_day(last.next_opening_date, world.pool.time_zone), clock.now()))
        if last is not None and last.next_opening_date.toordinal() + 31 > ending.run_off_end_date.toordinal():
            world.award(AID)
        world.posted_period()
    assert Award.objects.get(code="C-1.2").state == "announced"
    set_clock(clock.start_of_day(ending.run_off_end_date, world.pool.time_zone))
    with refused("pool_closes_with_nothing_owed"):
        run("UPDATE members_pool SET state = 'closed' WHERE id = %s", world.pool.pk)
    set_clock(max(clock.start_of_day(last.next_opening_date, world.pool.time_zone), clock.now()))
    assert services.next_step(world.pool, clock.now()) == ("open", None)
    world.posted_period()
    assert Award.objects.get(code="C-1.2").shared_fen == REST
    assert_books_true(world.pool)
    last = world.pool.periods.latest("number")
    set_clock(clock.start_of_day(last.next_opening_date, world.pool.time_zone))
    assert services.next_step(world.pool, clock.now()) is None
