"""Each guarantee of awards, broken by hand as aid_app: the database refuses in its name."""

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.sharing import services
from ledger.sharing.models import Award, Period
from ledger.sharing.roll_services import freeze_roll
from ledger.sharing.selectors import awards_of


def _insert(world: World, **columns: object) -> int:
    row = {
        "pool_id": world.pool.pk,
        "code": "C-9",
        "claim_code": "claim-9",
        "masked": "{}",
        "aid_fen": 500,
        "state": "announced",
        "announced_at": "2026-01-01T00:00:00Z",
        "announced_by": "insider",
        **columns,
    }
    places = ", ".join(["%s"] * len(row))
    pk: int = value(
        f"INSERT INTO ledger_award ({', '.join(row)}) VALUES ({places}) RETURNING id", *row.values()
    )
    return pk


def _set(award: Award, **columns: object) -> None:
    changes = ", ".join(f"{name} = %s" for name in columns)
    run(f"UPDATE ledger_award SET {changes} WHERE id = %s", *columns.values(), award.pk)


def _frozen(world: World) -> Period:
    period = services.open_period(pool=world.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone))
    return services.freeze_headcount(period=period, at=clock.now())


def _announced(world: World) -> Period:
    return services.announce_period(period=_frozen(world), at=clock.now())


@pytest.mark.parametrize("fen", [0, -1, 2**53])
def test_award_amount_above_zero(world: World, fen: int) -> None:
    with refused("award_amount_above_zero"):
        _insert(world, aid_fen=fen)


def test_one_award_per_case_and_per_claim(world: World) -> None:
    _insert(world)
    with refused("one_award_per_case"):
        _insert(world, claim_code="claim-10")
    with refused("one_award_per_claim"):
        _insert(world, code="C-10")
    other = World.founded(code="other-pool", members=1)
    _insert(other)


@pytest.mark.parametrize("column", ["aid_fen", "masked", "code", "claim_code", "pool_id", "announced_at"])
def test_award_gives_no_right_to_change_its_terms(world: World, column: str) -> None:
    world.award(500)
    with not_permitted():
        run(f"UPDATE ledger_award SET {column} = {column}")


def test_award_keeps_its_terms_from_the_owner_too(committed_db: tuple[str, str]) -> None:
    World.founded().award(500)
    with psycopg.connect(committed_db[0]) as owner:
        for change in (
            "aid_fen = 501",
            "masked = '{}'",
            "code = 'X'",
            "announced_by = 'X'",
            "payee_hash = '1'",
        ):
            with about(change), refused_to_owner(owner, "award_keeps_its_terms"):
                owner.execute(f"UPDATE ledger_award SET {change}")


@pytest.mark.parametrize("statement", ["DELETE FROM ledger_award", "TRUNCATE ledger_award CASCADE"])
def test_awards_are_kept(owner: psycopg.Connection, db: None, statement: str) -> None:
    with not_permitted():
        run(statement)
    with refused_to_owner(owner, "awards_are_kept"):
        owner.execute(statement)


def test_awards_join_before_announcement(world: World) -> None:
    world.award(500)
    late = world.award(700, "C-2")
    run("UPDATE ledger_award SET state = 'withdrawn' WHERE id = %s", late.pk)
    period = _announced(world)
    with refused("awards_join_before_announcement"):
        _insert(world, period_id=period.pk)
    joining = Award.objects.get(pk=_insert(world))
    with refused("awards_join_before_announcement"):
        _set(joining, period_id=period.pk)
    assert [award.code for award in awards_of(period)] == ["C-1"]


def test_awards_join_a_period_of_their_own_pool(world: World) -> None:
    other = World.founded(code="other-pool", members=2)
    theirs = services.open_period(pool=other.pool, at=clock.now())
    with refused("awards_join_before_announcement"):
        _insert(world, period_id=theirs.pk)


def test_awards_join_before_announcement_even_if_it_is_just_being_made(committed_db: tuple[str, str]) -> None:
    world = World.founded()
    period, award = _frozen(world), world.award(500)
    freeze_roll(period)
    with psycopg.connect(committed_db[1]) as announcing:
        announcing.execute("UPDATE ledger_period SET state = 'announced' WHERE id = %s", [period.pk])
        late = Meanwhile(lambda: _refused_join(award, period))
        wait_for_a_waiter(announcing)
        announcing.commit()
        assert late.outcome() == "refused"
    assert not awards_of(period).exists()


def _refused_join(award: Award, period: Period) -> str:
    with refused("awards_join_before_announcement"):
        _set(award, period_id=period.pk)
    return "refused"


def test_awards_leave_before_publicity_ends(world: World) -> None:
    award, objected = world.award(500), world.award(700, "C-2")
    period = _announced(world)
    _set(objected, period_id=None)
    set_clock(clock.start_of_day(period.publicity_end_date, world.pool.time_zone))
    services.settle_period(period=period, at=clock.now())
    for target in (None, period.pk):
        with refused(
            "awards_leave_before_publicity_ends" if target is None else "awards_join_before_announcement"
        ):
            _set(award if target is None else objected, period_id=target)


def test_shared_award_is_not_shared_again(world: World) -> None:
    """Moving a posted award into the next period would make members pay it twice."""
    award = world.award(500)
    period = world.posted_period()
    set_clock(clock.start_of_day(period.next_opening_date, world.pool.time_zone))
    following = services.open_period(pool=world.pool, at=clock.now())
    with refused("awards_leave_before_publicity_ends"):
        _set(award, period_id=following.pk)
    for state in ("announced", "final", "withdrawn"):
        with refused("award_state_follows_order"):
            _set(award, state=state)


def test_award_state_follows_order(world: World) -> None:
    for state in ("final", "shared", "withdrawn"):
        with refused("award_state_follows_order"):
            _insert(world, state=state)
    award = world.award(500)
    with refused("award_state_follows_order"):
        _set(award, state="shared")
    _set(award, state="withdrawn")
    for state in ("announced", "final", "shared"):
        with refused("award_state_follows_order"):
            _set(award, state=state)


def test_award_step_fits_its_period(world: World) -> None:
    award = world.award(500)
    with refused("award_step_fits_its_period"):
        _set(award, state="final")
    period = world.settled_period()
    with refused("award_step_fits_its_period"):
        _set(award, state="shared")
    services.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    with refused("award_step_fits_its_period"):
        _set(award, state="shared")


def test_award_cannot_be_withdrawn_from_an_approved_period(world: World) -> None:
    award = world.award(500)
    period = world.approved_period()
    with refused("award_step_fits_its_period"):
        _set(award, state="withdrawn")
    run_jobs()
    award.refresh_from_db()
    assert (award.state, award.period_id) == ("shared", period.pk)


def test_award_withdrawn_after_computing_makes_the_approval_fail(world: World) -> None:
    """The hash shown is still the same; the figures behind it are not."""
    award = world.award(500)
    period = world.computed_period()
    _set(award, state="withdrawn")
    with refused("period_figures_follow_their_sources"):
        services.approve_period(
            period=period,
            approver=world.controller.code,
            shown_sha256=period.shown_sha256 or "",
            at=clock.now(),
        )
