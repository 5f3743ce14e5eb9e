"""Claims of a pool that ends: which are still taken, and what keeps it from closing."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from aidplatform.lib import clock
from aidplatform.site.ending.checklist import checklist
from aidplatform.testing.claim_cases import AppealCases, ClaimCases
from aidplatform.testing.endings import end_by_two, wind_down
from aidplatform.testing.jury_cases import JURY
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import TERMS, set_clock
from claims.filing import services
from claims.filing.models import Claim
from claims.publicity.services import withdraw_claim
from members.ending.models import PoolEnding

RUN_OFF = TERMS["wind_down"] | {"run_off_days": 30}


@prepared
def ending_cases() -> tuple[ClaimCases, PoolEnding]:
    """Give the test a pool in its run-off: notice on 20 May, cover until 19 June, cases until 19 July."""
    cases = ClaimCases.founded(wind_down=RUN_OFF)
    return cases, end_by_two(cases.world)


def at(day: dt.date, hour: int = 10) -> None:
    set_clock(dt.datetime.combine(day, dt.time(hour), ZoneInfo("Asia/Shanghai")))


def file(claim: Claim, cases: ClaimCases) -> Claim:
    _benefit, face = services.preview(claim, clock.now())
    return services.file_claim(claim=claim, claimant=cases.claimant.code, shown_face=face, at=clock.now())


def test_dates_of_the_run_off(ending_cases):
    _cases, ending = ending_cases
    assert (ending.notice_date, ending.cover_end_date, ending.run_off_end_date) == (
        dt.date(2026, 5, 20),
        dt.date(2026, 6, 19),
        dt.date(2026, 7, 19),
    )


def test_a_case_of_the_time_before_the_end_of_cover_is_taken_on_the_last_day(ending_cases):
    cases, ending = ending_cases
    draft = cases.draft()
    wind_down(cases.world)
    at(ending.run_off_end_date - dt.timedelta(days=1), hour=23)
    assert file(draft, cases).state == "filed"


def test_a_case_is_not_taken_after_the_run_off(ending_cases):
    cases, ending = ending_cases
    draft = cases.draft()
    wind_down(cases.world)
    at(ending.run_off_end_date, hour=0)
    with pytest.raises(services.RunOffOverError):
        file(draft, cases)
    withdraw_claim(claim=draft, claimant=cases.claimant.code, at=clock.now())
    with pytest.raises(services.RunOffOverError):
        services.start_claim(membership=cases.membership, claimant=cases.claimant.code, at=clock.now())


def test_what_happened_after_the_end_of_cover_is_no_case(ending_cases):
    cases, ending = ending_cases
    draft = cases.draft()
    wind_down(cases.world)
    at(ending.cover_end_date + dt.timedelta(days=2))
    with pytest.raises(services.BadDateError):
        services.save_draft(
            claim=draft, claimant=cases.claimant.code, event_date=ending.cover_end_date, at=clock.now()
        )
    services.save_draft(
        claim=draft,
        claimant=cases.claimant.code,
        event_date=ending.cover_end_date - dt.timedelta(days=1),
        at=clock.now(),
    )
    draft.refresh_from_db()
    assert file(draft, cases).aid_fen == 5_000_000


def test_claims_come_in_the_run_off(ending_cases):
    """By hand: neither a filing after the days nor an event after the end of cover."""
    cases, ending = ending_cases
    draft = cases.draft()
    wind_down(cases.world)
    at(ending.cover_end_date + dt.timedelta(days=2))
    file(draft, cases)
    with refused("claims_come_in_the_run_off"):
        run("UPDATE claims_claim SET event_date = %s WHERE id = %s", ending.cover_end_date, draft.pk)


def test_filing_by_hand_after_the_run_off_is_refused(ending_cases):
    cases, ending = ending_cases
    draft = cases.draft()
    wind_down(cases.world)
    at(ending.run_off_end_date, hour=0)
    with refused("claims_come_in_the_run_off"):
        run(
            """UPDATE claims_claim SET state = 'filed', filed_at = '2026-06-20', consented_at = now(), age = 36,
                   aid_fen = 0, plan_version_id = %s, masked = '{}' WHERE id = %s""",
            cases.world.pool.plan_versions.get().pk,
            draft.pk,
        )


def test_pool_closes_with_its_claims_decided(ending_cases):
    cases, ending = ending_cases
    draft = cases.draft()
    wind_down(cases.world)
    claim = file(draft, cases)
    at(ending.run_off_end_date)
    with refused("pool_closes_with_its_claims_decided") as caught:
        run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)
    assert claim.code in str(caught.value)
    withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)


def test_pool_does_not_close_while_a_refusal_may_be_appealed(db):
    cases = AppealCases.founded(wind_down=RUN_OFF, appeal_days=200)
    ending = end_by_two(cases.world)
    wind_down(cases.world)
    claim = cases.decided("rejected")
    at(ending.run_off_end_date)
    with refused("pool_closes_with_its_claims_decided"):
        run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)
    items = checklist(cases.world.pool, ending, clock.now()).items
    (waits,) = [item for item in items if item.code == "claims"]
    assert "can be appealed against until" in waits.says
    cases.appeal(claim)
    with refused("pool_closes_with_its_claims_decided"):
        run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)
    claim.refresh_from_db()
    cases.heard(claim, "rejected")
    run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)


def test_pool_does_not_close_while_a_refusal_may_go_before_the_jury(db):
    cases = AppealCases.founded(wind_down=RUN_OFF, appeal_days=200, jury=JURY | {"take_days": 100})
    ending = end_by_two(cases.world)
    wind_down(cases.world)
    cases.heard(cases.appealed(), "rejected")
    at(ending.run_off_end_date)
    with refused("pool_closes_with_its_claims_decided"):
        run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)
    items = checklist(cases.world.pool, ending, clock.now()).items
    (waits,) = [item for item in items if item.code == "claims"]
    assert "can go before the jury until" in waits.says
    at(ending.run_off_end_date + dt.timedelta(days=100))
    run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)


def test_pool_closes_after_the_days_for_an_appeal(db):
    cases = AppealCases.founded(wind_down=RUN_OFF, appeal_days=7)
    ending = end_by_two(cases.world)
    wind_down(cases.world)
    cases.decided("rejected")
    at(ending.run_off_end_date)
    run("UPDATE members_pool SET state = 'closed' WHERE id = %s", cases.world.pool.pk)


def test_a_claim_filed_before_the_notice_goes_on(db):
    cases = ClaimCases.founded(wind_down=RUN_OFF)
    claim = cases.filed()
    ending = end_by_two(cases.world)
    wind_down(cases.world)
    at(ending.run_off_end_date)
    withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    claim.refresh_from_db()
    assert claim.state == "withdrawn"
