"""Rules of a running pool change by two people, with notice, and never behind the members' backs."""

import datetime as dt
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError

from aidplatform.lib import clock
from aidplatform.testing.endings import close, end_by_two, wind_down
from aidplatform.testing.investigation_cases import INVESTIGATION
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, run, value
from aidplatform.testing.world import TERMS, World, set_clock
from aidplatform.work.jobs import claim
from aidplatform.work.models import AuditEntry, Job
from ledger.openbooks import services as openbooks
from ledger.openbooks.models import LogEntry
from ledger.sharing import services as sharing
from members.joining import news
from members.joining.models import Membership
from members.joining.services import admit_member, end_cover
from members.people.models import Mail, Notice, User
from members.pools import services
from members.pools.models import PlanProposal, PlanVersion
from members.pools.plan_terms import TermsError
from members.pools.selectors import days_of_change, newest_plan
from members.pools.services import found_pool, publish_plan

NEW_TERMS = TERMS | {"fee": {"rate": "6/100"}, "waiting_days": 60}
DAY = dt.date(2026, 2, 1)
WHY = "The work costs less than we thought."


def propose(world: World, **changes: Any) -> PlanProposal:
    """Propose new rules as the pool admin: a lower fee and a shorter wait from February on."""
    last = newest_plan(world.pool)
    fields: dict[str, Any] = {
        "base": last.number,
        "terms": NEW_TERMS,
        "covenant": (last.covenant_en, last.covenant_zh),
        "declaration": last.declaration,
        "effective_date": DAY,
        "reason": WHY,
        "proposer": world.admin.code,
    }
    return services.propose_plan(pool=world.pool, at=clock.now(), **(fields | changes))


def publish(world: World, proposal: PlanProposal, **changes: Any) -> PlanVersion:
    """Publish it as the controller."""
    fields = {"publisher": world.controller.code, "shown_sha256": proposal.shown_sha256}
    return services.publish_proposal(proposal=proposal, at=clock.now(), **(fields | changes))


def insert_version(world: World, proposal: PlanProposal | None, **changes: Any) -> None:
    """Insert a version by hand, as an insider with the application's password would: by default the second one."""
    source = proposal or newest_plan(world.pool)
    row = {
        "pool_id": world.pool.pk,
        "number": 2,
        "terms": json.dumps(source.terms),
        "covenant_en": source.covenant_en,
        "covenant_zh": source.covenant_zh,
        "declaration": json.dumps(source.declaration),
        "effective_date": DAY,
        "terms_sha256": "x",
        "published_at": clock.now(),
        "published_by": world.controller.code,
        "proposal_id": proposal.pk if proposal else None,
    } | ({"effective_date": proposal.effective_date} if proposal else {})
    insert("members_planversion", row | changes)


def proposal_by_hand(world: World, terms: dict[str, Any]) -> PlanProposal:
    """Insert a proposal past the service, which would refuse such terms."""
    return PlanProposal.objects.create(
        pool=world.pool,
        number=0,
        terms=terms,
        covenant_en="x",
        covenant_zh="x",
        declaration=[],
        effective_date=DAY,
        reason=WHY,
        proposed_by=world.admin.code,
        proposed_at=clock.now(),
    )


def insert(table: str, row: dict[str, Any]) -> None:
    """Insert a row by hand."""
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


def admit(world: World, email: str) -> User:
    """Admit a person with an account."""
    person = User.objects.create_user(email)
    admit_member(
        pool=world.pool,
        person=person,
        class_no=0,
        from_at=clock.now(),
        joined_date=dt.date(2026, 1, 1),
        actor="test",
    )
    return person


# --- the way of a change ----------------------------------------------------------------------------------------


def test_change_is_proposed_published_told_and_logged(world: World) -> None:
    member = admit(world, "member@people.example.org")
    proposal = propose(world)
    assert (proposal.number, proposal.state, len(proposal.shown_sha256)) == (1, "open", 64)
    version = publish(world, proposal)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by, proposal.decided_at) == (
        "published",
        world.controller.code,
        version.published_at,
    )
    assert (version.number, version.effective_date, version.plan().waiting_days) == (2, DAY, 60)
    run_jobs(news.TELL_RULES, sharing.LOG_RULES)
    notice = Notice.objects.get(person=member, kind="rules")
    assert (notice.params["reason"], notice.params["effective_date"]) == (WHY, "2026-02-01")
    assert WHY in Mail.objects.get(person=member, subject__contains="change").body
    assert list(LogEntry.objects.filter(type="rule.publish").values_list("key", flat=True)) == ["1", "2"]
    deeds = AuditEntry.objects.filter(action__in=["propose_plan", "publish_plan"]).order_by("pk")
    assert [(one.actor, one.action) for one in deeds][-2:] == [
        (world.admin.code, "propose_plan"),
        (world.controller.code, "publish_plan"),
    ]


def run_jobs(*kinds: str) -> None:
    """Run the jobs of these kinds twice: what was told and stated is not told and stated again."""
    for kind, handler in ((news.TELL_RULES, news.tell_rules), (sharing.LOG_RULES, sharing.log_rules)):
        if kind not in kinds:
            continue
        job = Job.objects.get(kind=kind)
        lease = claim(job.pk)
        assert lease is not None
        handler(lease)
        handler(lease)


def test_who_has_left_is_not_told(world: World) -> None:
    member = admit(world, "left@people.example.org")
    left = Membership.objects.get(person=member)
    end_cover(membership=left, at=clock.now(), reason="left", actor=member.code)
    set_clock(clock.now() + dt.timedelta(days=1))
    publish(world, propose(world))
    run_jobs(news.TELL_RULES)
    assert not Notice.objects.filter(person=member, kind="rules").exists()


def test_withdrawn_proposal_changes_nothing_and_makes_room(world: World) -> None:
    first = propose(world)
    services.withdraw_proposal(proposal=first, withdrawer=world.admin.code, at=clock.now())
    with pytest.raises(IntegrityError, match="is not an open proposal"):
        publish(world, first)
    assert newest_plan(world.pool).number == 1


def test_second_proposal_waits_for_the_first(world: World) -> None:
    propose(world)
    with refused("one_open_plan_proposal_per_pool"):
        propose(world)


def test_other_proposal_than_the_one_shown_is_not_published(world: World) -> None:
    with pytest.raises(services.ProposalChangedError):
        publish(world, propose(world), shown_sha256="0" * 64)


def test_proposal_that_changes_nothing_is_refused(world: World) -> None:
    with pytest.raises(services.NothingChangesError):
        propose(world, terms=newest_plan(world.pool).terms)


def test_aid_that_no_claim_can_be_of_is_not_proposed(world: World) -> None:
    """Who dies files no claim, and nobody is entitled to in their place."""
    death = {"severity": "death", "age_from": 0, "age_before": 60, "max_aid_fen": 10_000_000}
    terms = NEW_TERMS | {"aid": [*TERMS["aid"], death]}
    with pytest.raises(TermsError) as refusal:
        propose(world, terms=terms)
    assert (refusal.value.field, refusal.value.code) == ("aid[3].severity", "aid_nobody_can_claim")
    assert not PlanProposal.objects.exists()
    # What is reached by spend is claimed under any illness.
    assert (
        propose(world, terms=terms | {"spend_steps": [{"from_fen": 1, "counts_as": "death"}]}).state == "open"
    )


def test_notice_is_that_of_the_rules_in_force(world: World) -> None:
    """Seven days from 1 January: the 8th is the earliest day, whatever the new rules promise."""
    assert days_of_change(world.pool, dt.date(2026, 1, 1)) == (dt.date(2026, 1, 8), dt.date(2027, 1, 9))
    with pytest.raises(services.BadDayError) as early:
        propose(world, effective_date=dt.date(2026, 1, 7), terms=NEW_TERMS | {"notice_days": 0})
    assert early.value.extra["earliest"] == "2026-01-08"
    proposal = propose(world, effective_date=dt.date(2026, 1, 8))
    set_clock(clock.start_of_day(dt.date(2026, 1, 2), "Asia/Shanghai"))
    with refused("plan_change_keeps_its_notice"):
        publish(world, proposal)


def test_class_that_members_belong_to_cannot_be_left_out(world: World) -> None:
    other = [{"class_no": 1, "weight": 1, "name_en": "Other", "name_zh": "其他"}]
    with pytest.raises(TermsError) as refusal:
        propose(world, terms=TERMS | {"classes": other})
    assert (refusal.value.field, refusal.value.code) == ("classes", "class_left_out")


# --- by hand, as aid_app ----------------------------------------------------------------------------------------


def test_plan_change_needs_two_people(world: World) -> None:
    with refused("plan_change_needs_two_people"):
        propose(world, proposer=world.controller.code)
    proposal = propose(world)
    for person in (world.admin, world.treasurer, world.auditor, world.stranger):
        with refused("plan_change_needs_two_people"):
            insert_version(world, proposal, published_by=person.code)
    with refused("plan_change_needs_two_people"):
        services.withdraw_proposal(proposal=proposal, withdrawer=world.treasurer.code, at=clock.now())


def test_plan_change_is_what_was_proposed(world: World) -> None:
    with refused("plan_change_is_what_was_proposed"):
        insert_version(world, None)
    proposal = propose(world)
    for column, given in (
        ("terms", json.dumps(TERMS)),
        ("terms", json.dumps(NEW_TERMS).replace('"waiting_days": 60', '"waiting_days": 60.0')),
        ("covenant_en", "other"),
        ("covenant_zh", "其他"),
        ("declaration", "[]"),
        ("effective_date", "2026-02-02"),
    ):
        with refused("plan_change_is_what_was_proposed"):
            insert_version(world, proposal, **{column: given})
    other = World.founded(code="other")
    with refused("plan_change_is_what_was_proposed"):
        insert_version(world, propose(other))


def test_plan_change_keeps_its_notice(world: World) -> None:
    proposal = propose(world, effective_date=dt.date(2026, 1, 8))
    set_clock(clock.start_of_day(dt.date(2026, 1, 2), "Asia/Shanghai"))
    with refused("plan_change_keeps_its_notice"):
        insert_version(world, proposal)


def test_plan_change_keeps_its_classes(world: World) -> None:
    terms = TERMS | {"classes": [{"class_no": 1, "weight": 1, "name_en": "Other", "name_zh": "其他"}]}
    proposal = proposal_by_hand(world, terms)
    with refused("plan_change_keeps_its_classes"):
        insert_version(world, proposal)


def test_plan_versions_follow_each_other(world: World) -> None:
    proposal = propose(world)
    with refused("plan_versions_follow_each_other"):
        insert_version(world, proposal, number=3)
    publish(world, proposal)
    before = propose(world, terms=TERMS, effective_date=DAY + dt.timedelta(days=1))
    with refused("plan_versions_follow_each_other"):
        insert_version(world, before, number=3, effective_date="2026-01-20")


def test_garbage_is_no_version_and_no_proposal(world: World) -> None:
    garbage = (
        {"terms": "{}"},
        {"terms": json.dumps(TERMS | {"notice_days": -400})},
        {"terms": json.dumps(TERMS | {"notice_days": "7"})},
        {"terms": json.dumps(TERMS | {"notice_days": None})},
        *(
            {"terms": json.dumps(TERMS | {"debit": debit})}
            for good in [
                {"scheme": "card", "creditor_id": "7", "first_notice_days": 5, "later_notice_days": 2}
            ]
            for debit in (
                None,
                [5],
                *({key: value for key, value in good.items() if key != left_out} for left_out in good),
                *(good | {key: bad} for key in good for bad in (-1, 1.5, None, ["5"])),
                good | {"refund_days": "long"},
            )
        ),
        *(
            {"terms": json.dumps(TERMS | {"documents": documents})}
            for documents in (
                None,
                ["passport"],
                {},
                *({"kinds": kinds} for kinds in (None, [], "passport", [1], ["card"])),
            )
        ),
        *({"terms": json.dumps(TERMS | {"change_by": value})} for value in (None, "vote", 1, ["consent"])),
        *(
            {"terms": json.dumps(TERMS | {"illness_in_wait": value})}
            for value in (None, "aid", 1, ["shares_back"])
        ),
        *(
            {"terms": json.dumps(TERMS | {"investigation": terms})}
            for terms in (
                None,
                14,
                *(
                    {key: value for key, value in INVESTIGATION.items() if key != left_out}
                    for left_out in INVESTIGATION
                ),
                *(INVESTIGATION | {"days": days} for days in (-1, 1.5, None, "14")),
                *(INVESTIGATION | {"borne_by": bearer} for bearer in ("claimant", "", "reserve", None)),
            )
        ),
        {"terms": json.dumps(TERMS | {"classes": {}})},
        *(
            {"terms": json.dumps(TERMS | {name: number})}
            for name in (
                "report_days",
                "appeal_days",
                "lifetime_cap_fen",
                "two_deciders_from_fen",
                "return_after_removal_days",
            )
            for number in ("180", -1, 1.5, None)
        ),
        *(
            {"terms": json.dumps(TERMS | {"funding": funding})}
            for funding in (
                None,
                900,
                {"join_fen": 900, "warn_below_fen": 300},
                {"join_fen": "900", "warn_below_fen": 300, "top_up_days": 30},
                {"join_fen": 900, "warn_below_fen": -1, "top_up_days": 30},
            )
        ),
        *(
            {"terms": json.dumps(TERMS | {"arrears": arrears})}
            for arrears in (
                None,
                14,
                {"reminder_days": [7], "grace_days": 14},
                {"reminder_days": 7, "grace_days": 14, "make_up_days": 30},
                {"reminder_days": ["7"], "grace_days": 14, "make_up_days": 30},
                {"reminder_days": [-7], "grace_days": 14, "make_up_days": 30},
                {"reminder_days": [7], "grace_days": "a", "make_up_days": 30},
                {"reminder_days": [7], "grace_days": 14, "make_up_days": 30, "hardship_days": "many"},
            )
        ),
        {
            "terms": json.dumps(
                TERMS
                | {
                    "funding": {"join_fen": 900, "warn_below_fen": 300, "top_up_days": 30},
                    "arrears": {"reminder_days": [7], "grace_days": 14, "make_up_days": 30},
                }
            )
        },
        *(
            {"terms": json.dumps(TERMS | {"waiting_rules": rules})}
            for rules in (
                {"cause": "accident", "days": 30},
                None,
                [30],
                [{"cause": "accident"}],
                [{"cause": "accident", "days": "30"}],
                [{"cause": "accident", "days": -30}],
                [{"cause": "accident", "days": 3.5}],
                [{"joined_from": "old", "days": 30}],
                [{"joined_before": -1, "days": 30}],
            )
        ),
        *(
            {"terms": json.dumps(TERMS | {name: steps})}
            for name, good in (
                ("spend_steps", {"from_fen": 12_000_000, "counts_as": "mild"}),
                ("case_steps", {"from_cases": 0, "part": "1/1"}),
            )
            for steps in (
                None,
                good,
                [5],
                *([{key: value} for key, value in good.items()]),
                *([good | {key: bad}] for key in good for bad in (-1, 1.5, "-1", "1/0", None)),
            )
        ),
        *(
            {"terms": json.dumps(TERMS | {"reimbursement": bills})}
            for bills in (
                None,
                {},
                "1/5",
                {"at_once": "1/5"},
                {"at_once": "1/0", "part": "1"},
                {"at_once": 1, "part": "1"},
                {"at_once": "1/5", "part": "half"},
                {"at_once": "1/5", "part": "1", "deductible_fen": -1},
                {"at_once": "1/5", "part": "1", "deductible_fen": "much"},
            )
        ),
        *(
            {"terms": json.dumps(TERMS | {"floor": floor})}
            for floor in (
                None,
                [3],
                {"notice_days": 30},
                {"members": "3", "notice_days": 30},
                {"members": 3, "notice_days": 1.5},
            )
        ),
        *(
            {"terms": json.dumps(TERMS | {"wind_down": TERMS["wind_down"] | ending})}
            for ending in ({"run_off_days": "180"}, {"run_off_days": None}, {"run_off_cap_fen": -1})
        ),
        {"declaration": "{}"},
        {"effective_date": "infinity"},
    )
    for columns in garbage:
        with refused("plan_proposal_begins_open"):
            _insert_proposal(world, **columns)
        with refused("plan_versions_follow_each_other"):
            insert_version(world, None, **columns)
    with refused("plan_versions_follow_each_other"):
        insert_version(world, None, number=0)


def test_plan_change_comes_within_a_year(world: World) -> None:
    with pytest.raises(services.BadDayError):
        propose(world, effective_date=dt.date(2062, 2, 1))
    _insert_proposal(world, effective_date="2062-02-01")
    with refused("plan_change_comes_within_a_year"):
        insert_version(world, PlanProposal.objects.get())


def test_plan_change_closes_its_proposal(world: World) -> None:
    """Also where the version is inserted by hand: it cannot be in force while its proposal reads withdrawn."""
    proposal = propose(world)
    insert_version(world, proposal)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by) == ("published", world.controller.code)
    with refused("plan_proposal_is_decided_once"):
        run("UPDATE members_planproposal SET state = 'withdrawn', decided_by = %s", world.admin.code)


def test_draft_with_members_has_rules_to_keep(db: None) -> None:
    pool = found_pool(
        code="draft", name_en="Draft", name_zh="草稿", currency="CNY", time_zone="Asia/Shanghai",
        expected_members=5, founder="test",
    )  # fmt: skip
    for day in (1, 2):
        publish_plan(
            pool=pool, terms=TERMS, effective_date=dt.date(2026, 1, day), publisher="test", at=clock.now()
        )
    Membership.objects.create(pool=pool, number=1, joined_date=dt.date(2026, 1, 1))
    with pytest.raises(IntegrityError, match="the pool is draft"):
        publish_plan(
            pool=pool, terms=TERMS, effective_date=dt.date(2026, 1, 3), publisher="test", at=clock.now()
        )


def test_pool_that_ends_takes_no_publication(world: World) -> None:
    proposal = propose(world)
    wind_down(world)
    with refused("rules_of_an_ending_pool_stay"):
        publish(world, proposal)


def test_rules_change_tomorrow_at_the_soonest(world: World) -> None:
    """Today has begun under the rules of this morning, also where they promise no notice."""
    world.change_plan(dt.date(2026, 1, 8), notice_days=0)
    set_clock(clock.start_of_day(dt.date(2026, 1, 9), "Asia/Shanghai"))
    assert days_of_change(world.pool, dt.date(2026, 1, 9))[0] == dt.date(2026, 1, 10)
    _insert_proposal(world, effective_date="2026-01-09")
    with refused("plan_change_keeps_its_notice"):
        insert_version(world, PlanProposal.objects.get(state="open"), number=3)


def test_proposal_begins_with_the_version_published_last(world: World) -> None:
    world.change_plan(DAY, waiting_days=30)
    with pytest.raises(services.RulesMovedOnError):
        propose(world, base=1, effective_date=dt.date(2026, 3, 1))


def test_log_states_rules_as_published(world: World) -> None:
    version = publish(world, propose(world))
    body = {"version": 2, "effective": "2026-02-01", "terms": {"lie": 1}}
    with refused("log_states_rules_as_published"):
        openbooks.append(code=world.pool.code, entry_type="rule.publish", key="2", body=body, at=clock.now())
    run_jobs(sharing.LOG_RULES)
    stated = json.loads(bytes(LogEntry.objects.get(type="rule.publish", key="2").data))["body"]
    assert (stated["terms"], stated["terms_sha256"]) == (version.terms, version.plan().sha256)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([(1, 7, 14)], [(15, 20, 27)]),
        ([(15, 20, 27)], [(1, 7, 14)]),
        ([(1, 7, 14)], [(1, 3, 8), (16, 18, 23)]),
        ([(1, 3, 8), (16, 18, 23)], [(1, 7, 14)]),
        ([(1, 7, 14)], [(2, 24, 28)]),
        ([(10, 12, 16)], [(5, 6, 10)]),
    ],
)
def test_periods_go_on_without_a_gap_when_the_calendar_changes(
    db: None, before: list[tuple[int, int, int]], after: list[tuple[int, int, int]]
) -> None:
    def calendar(days: list[tuple[int, int, int]]) -> dict[str, Any]:
        names = ("opening_day", "publicity_day", "charge_day")
        return {"publicity_days": 3, "periods": [dict(zip(names, one, strict=True)) for one in days]}

    world = World.founded(calendar=calendar(before))
    world.change_plan(dt.date(2026, 2, 10), calendar=calendar(after))
    opened = []
    for _number in range(8):
        last = world.pool.periods.order_by("-number").first()
        day = last.next_opening_date if last else dt.date(2026, 1, 1)
        set_clock(clock.start_of_day(day, "Asia/Shanghai"))
        opened.append(sharing.open_period(pool=world.pool, at=clock.now()))
    for one, following in pairwise(opened):
        assert one.next_opening_date == following.opening_date
        assert one.opening_date <= one.publicity_date < one.next_opening_date
        assert one.publicity_end_date <= one.charge_date <= following.publicity_date
    assert opened[-1].plan_version.number == 2


def test_publication_bears_the_instant_of_the_database(world: World) -> None:
    version = services.publish_proposal(
        proposal=(proposal := propose(world)),
        publisher=world.controller.code,
        shown_sha256=proposal.shown_sha256,
        at=clock.now() - dt.timedelta(days=30),
    )
    assert version.published_at == clock.now()


@pytest.mark.parametrize("state", ["published", "withdrawn"])
def test_plan_proposal_begins_open(world: World, state: str) -> None:
    with refused("plan_proposal_begins_open"):
        _insert_proposal(world, state=state, decided_by="x", decided_at=clock.now())


@pytest.mark.parametrize("end", [end_by_two, wind_down, close])
def test_rules_of_an_ending_pool_stay(world: World, end: Callable[[World], object]) -> None:
    end(world)
    with refused("rules_of_an_ending_pool_stay"):
        _insert_proposal(world)


def _insert_proposal(world: World, **changes: Any) -> None:
    row = {
        "pool_id": world.pool.pk,
        "number": 1,
        "terms": json.dumps(TERMS),
        "covenant_en": "x",
        "covenant_zh": "x",
        "declaration": "[]",
        "effective_date": DAY,
        "reason": WHY,
        "proposed_by": world.admin.code,
        "proposed_at": clock.now(),
        "state": "open",
    } | changes
    insert("members_planproposal", row)


def test_one_plan_proposal_per_number(world: World) -> None:
    """The number is the database's own, whatever an insert brings along."""
    for number in (1, 2):
        _insert_proposal(world, number=7)
        proposal = PlanProposal.objects.get(state="open")
        assert proposal.number == number
        services.withdraw_proposal(proposal=proposal, withdrawer=world.admin.code, at=clock.now())
    assert value("SELECT count(*) FROM pg_constraint WHERE conname = 'one_plan_proposal_per_number'") == 1


def test_plan_proposal_says_why(world: World) -> None:
    with refused("plan_proposal_says_why"):
        propose(world, reason="")


@pytest.mark.parametrize(
    "column", ["terms", "reason", "effective_date", "proposed_by", "shown_sha256", "number"]
)
def test_contents_of_a_proposal_are_out_of_reach(world: World, column: str) -> None:
    propose(world)
    with not_permitted():
        run(f"UPDATE members_planproposal SET {column} = {column}")


def test_plan_proposal_is_decided_once(world: World) -> None:
    proposal = propose(world)
    for state, decider in (("published", world.controller), ("open", world.controller)):
        with refused("plan_proposal_is_decided_once"):
            run("UPDATE members_planproposal SET state = %s, decided_by = %s", state, decider.code)
    publish(world, proposal)
    with refused("plan_proposal_is_decided_once"):
        run("UPDATE members_planproposal SET state = 'withdrawn'")
    with not_permitted():
        run("DELETE FROM members_planproposal")


def test_plan_proposal_names_who_decided(world: World) -> None:
    proposal = propose(world)
    with refused("plan_change_needs_two_people"):
        run("UPDATE members_planproposal SET state = 'withdrawn'")
    services.withdraw_proposal(proposal=proposal, withdrawer=world.controller.code, at=clock.now())
    assert value("SELECT decided_by FROM members_planproposal") == world.controller.code
    fire_deferred()


@pytest.mark.parametrize("name", ["operator", "wind_down"])
def test_operator_and_ending_may_change_and_not_disappear(world: World, name: str) -> None:
    without = {key: value for key, value in NEW_TERMS.items() if key != name}
    with pytest.raises(TermsError) as caught:
        propose(world, terms=without)
    assert (caught.value.field, caught.value.code) == (name, "may_not_disappear")
    proposal = proposal_by_hand(world, without)
    with refused("plan_change_names_who_answers"):
        insert_version(world, proposal)


WALLETS = {"join_fen": 900, "warn_below_fen": 300, "top_up_days": 30}


def test_plan_change_keeps_its_funding(world: World) -> None:
    """Members who pay afterwards are not made to pay ahead, by the service or past it."""
    with pytest.raises(TermsError) as refusal:
        propose(world, terms=NEW_TERMS | {"funding": WALLETS})
    assert (refusal.value.field, refusal.value.code) == ("funding", "funding_may_not_turn")
    by_hand = proposal_by_hand(world, NEW_TERMS | {"funding": WALLETS})
    with refused("plan_change_keeps_its_funding"):
        insert_version(world, by_hand)
