"""Each guarantee of pools, plans and duties, broken by hand as aid_app: the database refuses in its name."""

import datetime as dt
from typing import Any

import psycopg
import pytest

from aidplatform.testing.endings import end_by_two, wind_down
from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import about, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import TERMS, World, lay_down_all, set_clock
from aidplatform.work.models import AuditEntry
from ledger.founding.tests.test_founding import a_draft, join, name_account, name_operator, publish, staff
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import duties_of
from members.pools.services import found_pool, grant_duty, grant_founding_duty, publish_plan
from members.pools.triggers import MEETING

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def _draft(code: str = "draft-pool") -> Pool:
    return found_pool(
        code=code,
        name_en="Draft",
        name_zh="草稿",
        currency="CNY",
        time_zone="Asia/Shanghai",
        expected_members=5,
        founder="test",
    )


def _person(name: str) -> User:
    return User.objects.create_user(f"{name}@people.example.org")


def _grant(world: World, person: User, duty: str, **changes: Any) -> DutyGrant:
    fields = {"pool": world.pool, "proposed_by": world.admin, "confirmed_by": world.controller, "at": AT}
    return grant_duty(person=person, duty=duty, **(fields | changes))


def test_duty_needs_two_people_who_hold_duties_in_the_pool(world: World) -> None:
    newcomer = _person("newcomer")
    grant = _grant(world, newcomer, "reviewer")
    assert grant.ended_at is None
    assert duties_of(newcomer, world.pool) == {"reviewer"}
    trail = AuditEntry.objects.get(action="grant_duty", subject=newcomer.code)
    assert (trail.actor, trail.detail["confirmed_by"]) == (world.admin.code, world.controller.code)


@pytest.mark.parametrize(
    ("proposer", "confirmer"),
    [
        ("admin", "admin"),
        ("newcomer", "admin"),
        ("admin", "newcomer"),
        ("stranger", "controller"),
        ("admin", "stranger"),
        ("controller", "auditor"),
        (None, "controller"),
        ("admin", None),
    ],
)
def test_duty_needs_two_people_and_neither_is_the_holder_or_a_stranger(
    world: World, proposer: str | None, confirmer: str | None
) -> None:
    newcomer = _person("newcomer")
    people = {"newcomer": newcomer, None: None}
    with refused("duty_needs_two_people"):
        DutyGrant.objects.create(
            pool=world.pool,
            person=newcomer,
            duty="reviewer",
            proposed_by=people.get(proposer, getattr(world, proposer or "", None)),
            confirmed_by=people.get(confirmer, getattr(world, confirmer or "", None)),
            granted_at=AT,
        )


def test_duty_needs_two_people_whose_own_duties_have_not_ended(world: World) -> None:
    lay_down_all(world.controller)
    with refused("duty_needs_two_people"):
        _grant(world, _person("newcomer"), "reviewer")


def test_duty_needs_two_people_of_this_pool_not_of_another(world: World) -> None:
    other = World.founded(code="other-pool", members=0)
    with refused("duty_needs_two_people"):
        _grant(world, _person("newcomer"), "reviewer", pool=other.pool)


def test_founding_duties_are_given_in_a_draft_only(world: World) -> None:
    draft = _draft()
    grant_founding_duty(pool=draft, person=_person("a"), duty="treasurer", at=AT)
    with refused("duty_needs_two_people"):
        grant_founding_duty(pool=world.pool, person=_person("b"), duty="treasurer", at=AT)


def test_founding_duties_wait_for_an_opening_under_way(committed_db: tuple[str, str]) -> None:
    draft, person = _draft_that_may_open(), _person("late")
    with psycopg.connect(committed_db[1]) as opening:
        opening.execute("UPDATE members_pool SET state = 'open' WHERE id = %s", [draft.pk])
        late = Meanwhile(lambda: _refused_founding(draft, person))
        wait_for_a_waiter(opening)
        opening.commit()
        assert late.outcome() == "refused"


def _refused_founding(pool: Pool, person: User) -> str:
    with refused("duty_needs_two_people"):
        grant_founding_duty(pool=pool, person=person, duty="treasurer", at=AT)
    return "refused"


def test_only_the_first_two_administrators_of_all_pools_are_founding(db: None) -> None:
    for name in ("first", "second"):
        grant_founding_duty(pool=None, person=_person(name), duty="pool_admin", at=AT)
    with refused("duty_needs_two_people"):
        grant_founding_duty(pool=None, person=_person("third"), duty="pool_admin", at=AT)


def test_only_admins_are_of_all_pools(db: None) -> None:
    people = [_person(name) for name in ("first", "second", "third")]
    for person in people[:2]:
        grant_founding_duty(pool=None, person=person, duty="pool_admin", at=AT)
    fields = {"pool": None, "person": people[2], "proposed_by": people[0], "confirmed_by": people[1]}
    for duty in ("controller", "reviewer"):
        with refused("only_admins_are_of_all_pools"):
            DutyGrant.objects.create(**fields, duty=duty, granted_at=AT)
    DutyGrant.objects.create(**fields, duty="pool_admin", granted_at=AT)


def test_two_administrators_at_once_are_still_only_two(committed_db: tuple[str, str]) -> None:
    grant_founding_duty(pool=None, person=_person("first"), duty="pool_admin", at=AT)
    second, third = _person("second"), _person("third")
    with psycopg.connect(committed_db[1]) as other:
        other.execute(
            """INSERT INTO members_dutygrant (person_id, duty, is_founding, granted_at)
               VALUES (%s, 'pool_admin', true, now())""",
            [second.pk],
        )
        late = Meanwhile(lambda: _refused_founding_admin(third))
        wait_for_a_waiter(other)
        other.commit()
        assert late.outcome() == "refused"
    assert DutyGrant.objects.filter(pool=None).count() == 2


def _refused_founding_admin(person: User) -> str:
    with refused("duty_needs_two_people"):
        grant_founding_duty(pool=None, person=person, duty="pool_admin", at=AT)
    return "refused"


def test_duty_is_known(db: None) -> None:
    with refused("duty_is_known"):
        DutyGrant.objects.create(
            pool=_draft(), person=_person("x"), duty="emperor", is_founding=True, granted_at=AT
        )


@pytest.mark.parametrize(("one", "other"), [*MEETING, *((b, a) for a, b in MEETING)])
def test_duties_do_not_meet_in_one_hand(db: None, one: str, other: str) -> None:
    draft, person = _draft(), _person("both")
    grant_founding_duty(pool=draft, person=person, duty=one, at=AT)
    with refused("duties_do_not_meet"):
        grant_founding_duty(pool=draft, person=person, duty=other, at=AT)


def test_duties_do_not_meet_across_all_pools_and_one(db: None) -> None:
    draft, person = _draft(), _person("both")
    grant_founding_duty(pool=None, person=person, duty="pool_admin", at=AT)
    with refused("duties_do_not_meet"):
        grant_founding_duty(pool=draft, person=person, duty="controller", at=AT)


def test_duties_that_do_not_meet_and_other_pools_are_free(db: None) -> None:
    draft, other, person = _draft(), _draft("second-pool"), _person("busy")
    grant_founding_duty(pool=draft, person=person, duty="pool_admin", at=AT)
    grant_founding_duty(pool=draft, person=person, duty="reviewer", at=AT)
    grant_founding_duty(pool=other, person=person, duty="controller", at=AT)
    assert duties_of(person, draft) == {"pool_admin", "reviewer"}


def test_duties_do_not_meet_after_one_has_ended(db: None) -> None:
    draft, person = _draft(), _person("former")
    grant = grant_founding_duty(pool=draft, person=person, duty="treasurer", at=AT)
    DutyGrant.objects.filter(pk=grant.pk).update(ended_at=AT)
    grant_founding_duty(pool=draft, person=person, duty="controller", at=AT)
    assert duties_of(person, draft) == {"controller"}


def test_duties_do_not_meet_when_two_connections_grant_at_once(committed_db: tuple[str, str]) -> None:
    draft, person = _draft(), _person("both")
    with psycopg.connect(committed_db[1]) as other:
        other.execute(
            """INSERT INTO members_dutygrant (pool_id, person_id, duty, is_founding, granted_at)
               VALUES (%s, %s, 'treasurer', true, now())""",
            [draft.pk, person.pk],
        )
        late = Meanwhile(lambda: _refused_meeting(draft, person))
        wait_for_a_waiter(other)
        other.commit()
        assert late.outcome() == "refused"
    assert duties_of(person, draft) == {"treasurer"}


def _refused_meeting(pool: Pool, person: User) -> str:
    with refused("duties_do_not_meet"):
        grant_founding_duty(pool=pool, person=person, duty="controller", at=AT)
    return "refused"


def test_grants_see_what_is_committed_or_refuse(committed_db: tuple[str, str]) -> None:
    draft, person = _draft(), _person("old-view")
    with refused("guards_see_what_is_committed"):
        run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        grant_founding_duty(pool=draft, person=person, duty="controller", at=AT)


def test_one_live_grant_per_duty(db: None) -> None:
    draft, person = _draft(), _person("twice")
    for pool, duty in ((draft, "reviewer"), (None, "pool_admin")):
        grant_founding_duty(pool=pool, person=person, duty=duty, at=AT)
        with refused("one_live_grant_per_duty"):
            grant_founding_duty(pool=pool, person=person, duty=duty, at=AT)


def test_grant_can_only_be_ended_and_once(world: World) -> None:
    grant = DutyGrant.objects.get(pool=world.pool, duty="controller")
    with refused("grant_ends_after_it_began"):
        lay_down_all(world.controller, at=dt.datetime(2001, 1, 1, tzinfo=dt.UTC))
    lay_down_all(world.controller)
    for ended_at in (None, AT + dt.timedelta(days=4000)):
        with refused("duty_needs_two_people"):
            run("UPDATE members_dutygrant SET ended_at = %s WHERE id = %s", ended_at, grant.pk)


@pytest.mark.parametrize("change", ["duty = 'controller'", "person_id = person_id", "pool_id = NULL"])
def test_grant_gives_no_right_to_change_what_it_grants(world: World, change: str) -> None:
    with not_permitted():
        run(f"UPDATE members_dutygrant SET {change}")


def test_grant_keeps_what_it_grants_from_the_owner_too(committed_db: tuple[str, str]) -> None:
    world = World.founded()
    with psycopg.connect(committed_db[0]) as owner, refused_to_owner(owner, "duty_needs_two_people"):
        owner.execute(
            "UPDATE members_dutygrant SET duty = 'controller' WHERE person_id = %s", [world.auditor.pk]
        )


@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET terms = terms", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_plan_version_is_permanent(world: World, statement: str) -> None:
    with not_permitted():
        run(statement.format("members_planversion"))


@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET terms = terms", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_plan_version_is_permanent_for_the_owner_too(owner: psycopg.Connection, statement: str) -> None:
    with refused_to_owner(owner, "plan_version_is_permanent"):
        owner.execute(statement.format("members_planversion"))


def _publish(pool: Pool, day: int) -> Any:
    return publish_plan(pool=pool, terms=TERMS, effective_date=dt.date(2026, 3, day), publisher="test", at=AT)


def test_one_plan_version_per_date_and_number(db: None) -> None:
    draft = _draft()
    assert _publish(draft, 1).number == 1
    assert _publish(draft, 2).number == 2
    with refused("one_plan_version_per_date"):
        _publish(draft, 2)
    with refused("one_plan_version_per_number"):
        run(
            """INSERT INTO members_planversion
                   (pool_id, number, terms, terms_sha256, effective_date, published_at, published_by)
               SELECT pool_id, 2, terms, terms_sha256, '2026-04-01', now(), 'x'
                 FROM members_planversion WHERE number = 1 AND pool_id = %s""",
            draft.pk,
        )


def test_plan_version_keeps_the_hash_of_its_terms(db: None) -> None:
    version = _publish(_draft(), 1)
    assert version.plan().sha256 == version.terms_sha256
    assert version.plan().to_json() == version.terms


@pytest.mark.parametrize("column", ["code", "currency", "charges_by_period", "time_zone", "name_en"])
def test_pool_gives_no_right_to_change_its_terms(world: World, column: str) -> None:
    with not_permitted():
        run(f"UPDATE members_pool SET {column} = {column}")


def test_pool_keeps_its_money_terms_from_the_owner_too(committed_db: tuple[str, str]) -> None:
    World.founded()
    with psycopg.connect(committed_db[0]) as owner:
        for change in ("code = 'x'", "currency = 'EUR'", "charges_by_period = true", "time_zone = 'UTC'"):
            with about(change), refused_to_owner(owner, "pool_keeps_its_money_terms"):
                owner.execute(f"UPDATE members_pool SET {change}")


def test_pool_keeps_its_money_terms_with_its_opening_date(world: World) -> None:
    with refused("pool_keeps_its_money_terms"):
        run("UPDATE members_pool SET opened_date = '2025-01-01' WHERE id = %s", world.pool.pk)


STEPS = {
    "draft": {"gathering", "open", "given_up"},
    "gathering": {"open", "closed"},
    "open": {"intake_stopped"},
    "intake_stopped": {"open", "winding_down"},
    "winding_down": {"closed"},
    "closed": set(),
    "given_up": set(),
}
PATHS = {
    "draft": (),
    "gathering": ("gathering",),
    "open": ("open",),
    "intake_stopped": ("open",),
    "winding_down": ("open",),
    "closed": ("gathering", "closed"),
    "given_up": ("given_up",),
}
# An open pool ends by a notice and on its days: no UPDATE alone takes it there.
BY_NOTICE = {
    ("open", "intake_stopped"),
    ("intake_stopped", "open"),
    ("intake_stopped", "winding_down"),
    ("winding_down", "closed"),
}


def _draft_that_may_open() -> Pool:
    """Return a draft that lacks nothing, so that only the order of states is judged."""
    set_clock(AT)
    draft = name_operator(a_draft(_person("founder")))
    staff(draft.pool)
    publish(draft.pool)
    name_account(draft.pool)
    join(draft.pool, 4)
    return draft.pool


def _draft_with_nothing_in_it() -> Pool:
    set_clock(AT)
    return a_draft(_person("founder")).pool


def _holder(pool: Pool, duty: str) -> User:
    return DutyGrant.objects.get(pool=pool, duty=duty, ended_at=None).person


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("after", STEPS)
def test_pool_state_follows_order(db: None, before: str, after: str) -> None:
    draft = _draft_that_may_open() if before != "given_up" else _draft_with_nothing_in_it()
    for state in PATHS[before]:
        run("UPDATE members_pool SET state = %s WHERE id = %s", state, draft.pk)
    if before in {"intake_stopped", "winding_down"}:
        draft.refresh_from_db()
        admin, controller = _holder(draft, "pool_admin"), _holder(draft, "controller")
        world = World(draft, admin, controller, controller, controller, controller)
        (end_by_two if before == "intake_stopped" else wind_down)(world)
    if (before, after) in BY_NOTICE:
        with refused("pool_ends_as_announced"):
            run("UPDATE members_pool SET state = %s WHERE id = %s", after, draft.pk)
    elif (before, after) == ("draft", "given_up"):
        with refused("only_empty_drafts_are_given_up"):
            run("UPDATE members_pool SET state = %s WHERE id = %s", after, draft.pk)
    elif after == before or after in STEPS[before]:
        run("UPDATE members_pool SET state = %s WHERE id = %s", after, draft.pk)
        assert value("SELECT state FROM members_pool WHERE id = %s", draft.pk) == after
    else:
        with refused("pool_state_follows_order"):
            run("UPDATE members_pool SET state = %s WHERE id = %s", after, draft.pk)


def test_pool_state_follows_order_from_its_beginning(db: None) -> None:
    with refused("pool_state_follows_order"):
        Pool.objects.create(code="born-open", name_en="x", name_zh="x", state="open")
