"""From a preset to an open pool: what each step takes, held by the services and again by the database."""

import datetime as dt
import json
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import refused, run, value
from aidplatform.testing.world import TERMS, World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody.services import open_bank_account
from ledger.disclosure.names import same_name
from ledger.disclosure.readiness import readiness
from ledger.founding import services
from ledger.openbooks.models import LogEntry
from ledger.sharing import services as sharing
from members.joining.applications import sign_covenant
from members.joining.services import admit_group, end_cover
from members.joining.tests.papers import filled
from members.people.models import Mail, User
from members.pools.founding import write_draft
from members.pools.models import DutyGrant, PlanDraft, PlanVersion, Pool
from members.pools.plan_terms import TermsError
from members.pools.presets import all_presets, find_preset
from members.pools.services import grant_founding_duty, propose_plan, publish_plan, publish_proposal
from members.pools.triggers import NEEDED_DUTIES

TODAY = dt.date(2026, 1, 1)


@pytest.fixture
def founder(db: None) -> User:
    """Return who founds, on a stopped clock."""
    set_clock(dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC))
    return User.objects.create_user("founder@example.org")


def a_draft(founder: User, code: str = "new", preset: str = "village") -> PlanDraft:
    """Found a pool from a preset."""
    return services.found(
        preset=find_preset(preset),
        code=code,
        name_en="New pool",
        name_zh="新计划",
        currency="CNY",
        time_zone="Asia/Shanghai",
        expected_members=40,
        founder=founder,
        at=clock.now(),
    )


def name_operator(draft: PlanDraft, **terms: Any) -> PlanDraft:
    """Write operator and ending into the rules."""
    named = {"operator": TERMS["operator"], "wind_down": TERMS["wind_down"]} | terms
    return write_draft(
        draft=draft,
        changes=draft.changes,
        terms=draft.terms | named,
        covenant=(draft.covenant_en, draft.covenant_zh),
        expected_members=draft.expected_members,
        editor=draft.changed_by,
        at=clock.now(),
    )


def staff(pool: Pool, *, without: str = "", hands: int = 4) -> None:
    """Give the duties that the founder lacks to as many other people as it takes for so many in all."""
    people = [User.objects.create_user(f"{pool.code}-{number}@example.org") for number in range(hands)]
    # Who does what with four: the founder is the admin; a reviewer, a second one, a treasurer, a controller.
    for duty, person in zip(NEEDED_DUTIES[1:], people, strict=False):
        if duty != without:
            grant_founding_duty(pool=pool, person=person, duty=duty, at=clock.now())


def name_account(pool: Pool, holder: str = "Members of the new pool, in custody") -> None:
    """Name the custody account."""
    open_bank_account(
        pool=pool,
        bank_name="Bank",
        holder_name=holder,
        number="6222 0000 0000 4711",
        opener="x",
        at=clock.now(),
    )


def join(pool: Pool, count: int) -> None:
    """Let that many people join, covered from tomorrow on."""
    admit_group(
        pool=pool,
        count=count,
        class_no=0,
        from_at=clock.start_of_day(TODAY + dt.timedelta(days=1), pool.time_zone),
        joined_date=TODAY,
        actor="test",
    )


def gathering(founder: User) -> Pool:
    """Return a pool that members may join."""
    draft = name_operator(a_draft(founder))
    staff(draft.pool)
    return gather(draft.pool, founder)


def gather(pool: Pool, founder: User) -> Pool:
    """Publish the draft as it is, and let members join."""
    changes = PlanDraft.objects.get(pool=pool).changes
    return services.start_gathering(pool=pool, changes=changes, starter=founder.code, at=clock.now())


def missing(pool: Pool) -> list[str]:
    """Return the codes of what is not met."""
    return [item.code for item in readiness(pool).missing]


def test_a_pool_goes_from_a_preset_to_its_first_bill(founder: User) -> None:
    """One case of 6,000.00 under the village's rules: four members bear 500.00 each at most, and it gets 2,000.00."""
    draft = a_draft(founder)
    pool = draft.pool
    assert missing(pool) == ["operator", "ending", "duties", "people", "custody", "members"]
    name_operator(draft)
    staff(pool)
    assert missing(pool) == ["custody", "members"]
    pool = gather(pool, founder)
    version = pool.plan_versions.get()
    assert (version.number, version.effective_date, pool.state) == (1, TODAY, "gathering")
    assert LogEntry.objects.filter(log__code=pool.code, type="rule.publish", key="1").exists()
    name_account(pool)
    join(pool, 4)
    assert missing(pool) == []
    pool = services.open_for_sharing(pool=pool, opener=founder.code)
    assert (pool.state, pool.opened_date) == ("open", TODAY)
    period = sharing.open_period(pool=pool, at=clock.now())
    sharing.announce_award(
        pool=pool, code="C-1", claim_code="c", aid_fen=600_000, announcer="x", at=clock.now(),
        masked={"age_band": "30-39", "sex": "f", "region": "zhejiang", "disease": "cancer_severe"},
    )  # fmt: skip
    set_clock(clock.start_of_day(period.publicity_date, pool.time_zone))
    period = sharing.freeze_headcount(period=period, at=clock.now())
    period = sharing.announce_period(period=period, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_end_date, pool.time_zone))
    period = sharing.settle_period(period=period, at=clock.now())
    period = sharing.compute_shares(period=period, preparer=founder.code, at=clock.now())
    assert [row["share_fen"] for row in period.classes or []] == [50_000]
    assert (period.awarded_fen, period.aid_fen, period.reserve_contribution_fen) == (600_000, 200_000, 0)
    assert_books_true(pool)


@pytest.mark.parametrize("preset", [preset.code for preset in all_presets()])
def test_every_preset_can_be_founded_and_gathers(founder: User, preset: str) -> None:
    draft = name_operator(a_draft(founder, preset=preset))
    staff(draft.pool)
    plan = draft.plan()
    if plan.funding is not None:
        name_account(draft.pool)
    gather(draft.pool, founder)
    assert draft.pool.plan_versions.get().plan().operator is not None
    assert missing(draft.pool) == (["members"] if plan.funding else ["custody", "members"])


def test_draft_promises_nothing_that_no_claim_can_be_of(founder: User) -> None:
    draft = a_draft(founder)
    row = {"severity": "death", "age_from": 0, "age_before": 60, "max_aid_fen": 100_000}
    with pytest.raises(TermsError) as refusal:
        write_draft(
            draft=draft, changes=draft.changes, terms=draft.terms | {"aid": [row, *draft.terms["aid"]]},
            covenant=(draft.covenant_en, draft.covenant_zh), expected_members=40, editor=founder.code,
            at=clock.now(),
        )  # fmt: skip
    assert (refusal.value.field, refusal.value.code) == ("aid[0].severity", "aid_nobody_can_claim")
    draft.refresh_from_db()
    assert (draft.changes, len(draft.plan().aid)) == (1, 2)


def test_a_code_is_given_once(founder: User) -> None:
    a_draft(founder)
    with pytest.raises(services.CodeTakenError, match="There is a pool with this address already"):
        a_draft(founder)
    assert Pool.objects.filter(code="new").count() == PlanDraft.objects.count() == 1


def test_gathering_names_what_is_missing(founder: User) -> None:
    draft = a_draft(founder)
    with pytest.raises(services.NotReadyError) as caught:
        gather(draft.pool, founder)
    assert "A legal entity that runs it" in str(caught.value)
    assert "The fewest members" not in str(caught.value)
    assert not PlanVersion.objects.filter(pool=draft.pool).exists()


def test_opening_names_what_is_missing(founder: User) -> None:
    pool = gathering(founder)
    with pytest.raises(services.NotReadyError, match=r"custody account.*The fewest members"):
        services.open_for_sharing(pool=pool, opener=founder.code)


# --- the same by raw SQL ------------------------------------------------------------------------------------------


def to_state(pool: Pool, state: str) -> None:
    run("UPDATE members_pool SET state = %s, opened_date = %s WHERE id = %s", state, TODAY, pool.pk)


def publish(pool: Pool, **terms: Any) -> None:
    draft = PlanDraft.objects.get(pool=pool)
    publish_plan(pool=pool, terms=draft.terms | terms, effective_date=TODAY, publisher="x", at=clock.now())


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"operator": TERMS["operator"]},
        {"wind_down": TERMS["wind_down"]},
    ],
)
def test_pool_begins_ready_with_rules_that_name_who_answers(founder: User, terms: dict[str, Any]) -> None:
    pool = a_draft(founder).pool
    staff(pool)
    publish(pool, **terms)
    with refused("pool_begins_ready"):
        to_state(pool, "gathering")


def test_pool_begins_ready_with_published_rules(founder: User) -> None:
    draft = name_operator(a_draft(founder))
    staff(draft.pool)
    with refused("pool_begins_ready"):
        to_state(draft.pool, "gathering")


@pytest.mark.parametrize("duty", NEEDED_DUTIES[1:])
def test_pool_begins_ready_with_somebody_for_every_duty(founder: User, duty: str) -> None:
    draft = name_operator(a_draft(founder))
    staff(draft.pool, without=duty)
    publish(draft.pool)
    with refused("pool_begins_ready"):
        to_state(draft.pool, "gathering")
    assert "duties" in missing(draft.pool)


def test_pool_begins_ready_with_people_who_still_hold_their_duty(founder: User) -> None:
    draft = name_operator(a_draft(founder))
    staff(draft.pool)
    publish(draft.pool)
    run("UPDATE members_dutygrant SET ended_at = aid_now() WHERE duty = 'treasurer'")
    with refused("pool_begins_ready"):
        to_state(draft.pool, "open")


def test_draft_that_opens_at_once_is_judged_as_a_whole(founder: User) -> None:
    draft = name_operator(a_draft(founder))
    staff(draft.pool)
    publish(draft.pool)
    with refused("custody_is_not_the_operators"):
        to_state(draft.pool, "open")
    name_account(draft.pool)
    with refused("pool_opens_with_its_members"):
        to_state(draft.pool, "open")


def test_pool_opens_with_its_members_and_not_with_those_who_left(founder: User) -> None:
    pool = gathering(founder)
    name_account(pool)
    join(pool, 3)
    with refused("pool_opens_with_its_members"):
        to_state(pool, "open")
    join(pool, 1)
    leaver = pool.memberships.order_by("pk")[0]
    end_cover(membership=leaver, at=clock.now(), reason="lapsed", actor="test")
    set_clock(clock.now() + dt.timedelta(days=2))
    with refused("pool_opens_with_its_members"):
        to_state(pool, "open")
    assert readiness(pool).members == 3


@pytest.mark.parametrize(
    "holder",
    [
        "Helping Hands Ltd",
        "HELPING  HANDS, LTD.",
        "Ｈelping Hands（Ltd）",
        "Helping\u034f Han\u200bds Ltd",
        "Helping\u3164Hands Ltd",
    ],
)
def test_custody_is_not_the_operators_however_it_is_written(founder: User, holder: str) -> None:
    pool = gathering(founder)
    with refused("custody_is_not_the_operators"):
        name_account(pool, holder)
    assert same_name(holder, TERMS["operator"]["name"])


def test_custody_is_not_the_operators_in_chinese_either(founder: User) -> None:
    named = {"operator": TERMS["operator"] | {"name": "互助运营（杭州）有限公司"}}
    draft = name_operator(a_draft(founder), **named)
    staff(draft.pool)
    pool = gather(draft.pool, founder)
    with refused("custody_is_not_the_operators"):
        name_account(pool, "互助运营(杭州) 有限公司")
    name_account(pool, "互助托管银行")
    assert missing(pool) == ["members"]


def test_operator_is_not_the_custodian_whichever_comes_first(founder: User) -> None:
    draft = name_operator(a_draft(founder))
    name_account(draft.pool, "Helping Hands Ltd")  # nobody runs it yet
    staff(draft.pool)
    assert "custody" in missing(draft.pool)
    with refused("custody_is_not_the_operators"):
        gather(draft.pool, founder)


def test_rules_of_a_running_pool_cannot_make_its_custodian_the_operator(world: World) -> None:
    operator = TERMS["operator"] | {"name": "Test pool - custody"}
    with refused("custody_is_not_the_operators"):
        world.change_plan(dt.date(2026, 2, 1), operator=operator)


# --- joining while it gathers ---------------------------------------------------------------------------------------


def test_who_joins_a_gathering_pool_is_told_that_nothing_begins_before_it_opens(founder: User) -> None:
    pool, newcomer = gathering(founder), User.objects.create_user("newcomer@example.org")
    application = filled(pool, newcomer)
    for path in ("join/", "join/sign/"):
        page = client_of(newcomer).get(f"/pools/{pool.code}/{path}").content.decode()
        assert "This pool is gathering its members." in page, path
    sign_covenant(
        application=application,
        signer=newcomer,
        shown_sha256=application.plan_version.covenant_sha256,
        language="en",
        at=clock.now(),
    )
    letter = Mail.objects.get(person=newcomer).body
    assert "you share from the day it opens" in letter
    mine = client_of(newcomer).get(f"/pools/{pool.code}/me/").content.decode()
    assert "This pool is gathering its members." in mine
    assert readiness(pool).members == 1


# --- two versions at once, and the day of the opening ------------------------------------------------------------


def change_rules(pool: Pool, on: dt.date, **terms: Any) -> None:
    """Publish other rules for a later day by two people."""
    last = pool.plan_versions.order_by("-number")[0]
    proposal = propose_plan(
        pool=pool, base=last.number, terms=last.terms | terms, covenant=(last.covenant_en, last.covenant_zh),
        declaration=last.declaration, effective_date=on, reason="Because.", at=clock.now(),
        proposer=User.objects.get(email="founder@example.org").code,
    )  # fmt: skip
    controller = DutyGrant.objects.get(pool=pool, duty="controller").person
    publish_proposal(
        proposal=proposal, publisher=controller.code, shown_sha256=proposal.shown_sha256, at=clock.now()
    )


def test_operator_in_force_and_the_one_to_come_both_hold_no_money(founder: User) -> None:
    pool = gathering(founder)
    change_rules(pool, dt.date(2026, 6, 1), operator=TERMS["operator"] | {"name": "Next operator"})
    for holder in (TERMS["operator"]["name"], "Next operator"):
        with refused("custody_is_not_the_operators"):
            name_account(pool, holder)


def test_pool_opens_with_the_members_of_rules_in_force_and_to_come(founder: User) -> None:
    draft = name_operator(a_draft(founder), minimum_members=6)
    staff(draft.pool)
    pool = gather(draft.pool, founder)
    change_rules(pool, dt.date(2026, 6, 1), minimum_members=4)
    name_account(pool)
    join(pool, 5)
    assert readiness(pool).minimum == 6
    with refused("pool_opens_with_its_members"):
        to_state(pool, "open")


def test_rules_without_a_minimum_begin_nothing(founder: User) -> None:
    draft = name_operator(a_draft(founder))
    staff(draft.pool)
    terms = {name: value for name, value in draft.terms.items() if name != "minimum_members"}
    run(
        """INSERT INTO members_planversion
             (pool_id, number, terms, terms_sha256, declaration, effective_date, published_at, published_by)
           VALUES (%s, 1, %s, 'x', '[]', %s, now(), 'x')""",
        draft.pool.pk,
        json.dumps(terms),
        TODAY,
    )
    with refused("pool_begins_ready"):
        to_state(draft.pool, "gathering")


def test_day_of_the_opening_is_not_written_before(founder: User) -> None:
    pool = gathering(founder)
    with refused("pool_keeps_its_money_terms"):
        run("UPDATE members_pool SET opened_date = '2020-01-01' WHERE id = %s", pool.pk)


def test_day_of_the_opening_is_the_databases(founder: User) -> None:
    pool = gathering(founder)
    name_account(pool)
    join(pool, 4)
    run("UPDATE members_pool SET state = 'open' WHERE id = %s", pool.pk)
    assert value("SELECT opened_date FROM members_pool WHERE id = %s", pool.pk) == TODAY
