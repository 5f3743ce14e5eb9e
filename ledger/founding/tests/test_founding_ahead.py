"""From a preset whose members pay ahead to a pool that runs: account, signatures, first payments, a period."""

import datetime as dt
from types import SimpleNamespace

import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.refusals import fire_deferred, refused, run
from aidplatform.testing.world import run_jobs, set_clock
from ledger.custody.wallet_selectors import wallet_of
from ledger.founding import services
from ledger.founding.tests.test_founding import (
    TODAY,
    a_draft,
    founder,
    gather,
    missing,
    name_account,
    name_operator,
    staff,
)
from ledger.sharing import services as sharing
from members.joining.applications import sign_covenant
from members.joining.models import AwaitedCover, Membership, MembershipSpan
from members.joining.tests.papers import filled, passport
from members.people.models import Notice, User
from members.pools.models import Pool

__all__ = ["founder"]  # the fixture


def a_pool(founder: User) -> Pool:
    """Draft a pool in the manner of Qingsong that two members are enough for."""
    draft = name_operator(a_draft(founder, preset="qingsong"), minimum_members=2)
    assert "We pay ahead" in draft.covenant_en
    assert "预先支付" in draft.covenant_zh
    staff(draft.pool)
    return draft.pool


def sign(pool: Pool, number: int) -> Membership:
    """Let somebody sign the covenant."""
    person = User.objects.create_user(f"member-{number}@people.example.org")
    application = filled(pool, person, passport(f"X000000{number}"))
    return sign_covenant(
        application=application,
        signer=person,
        shown_sha256=application.plan_version.covenant_sha256,
        language="en",
        at=clock.now(),
    )


def test_members_join_once_they_know_where_to_pay(founder: User) -> None:
    pool = a_pool(founder)
    with pytest.raises(services.NotReadyError, match="custody account"):
        gather(pool, founder)
    name_account(pool)
    gather(pool, founder)
    assert missing(pool) == ["members"]


def test_database_lets_nobody_join_before_there_is_an_account(founder: User) -> None:
    """As whoever holds the application's password would: the rules are published, the account is not named."""
    pool = a_pool(founder)
    name_account(pool)
    gather(pool, founder)
    other = name_operator(a_draft(founder, code="other", preset="qingsong"), minimum_members=2).pool
    run(
        """INSERT INTO members_planversion (pool_id, number, terms, covenant_en, covenant_zh, declaration,
                  effective_date, terms_sha256, covenant_sha256, declaration_sha256, published_at, published_by)
           SELECT %s, 1, terms, covenant_en, covenant_zh, declaration, effective_date, terms_sha256, covenant_sha256,
                  declaration_sha256, published_at, published_by FROM members_planversion WHERE pool_id = %s""",
        other.pk,
        pool.pk,
    )
    staff(other)
    with refused("custody_is_not_the_operators"):
        run("UPDATE members_pool SET state = 'gathering' WHERE id = %s", other.pk)


def test_a_pool_goes_from_a_preset_to_its_first_charge_from_wallets(founder: User) -> None:
    """Three sign, two pay 10.00. Aid of 10.00 and 0.60 of fee: 5.30 each, 4.70 left, below the warning level."""
    pool = a_pool(founder)
    name_account(pool)
    pool = gather(pool, founder)
    members = [sign(pool, number) for number in (1, 2, 3)]
    assert not MembershipSpan.objects.filter(pool_id=pool.pk).exists()
    assert {one.until_date for one in AwaitedCover.objects.all()} == {TODAY + dt.timedelta(days=30)}
    notice = Notice.objects.get(person=members[0].person)
    assert (notice.kind, notice.params["fen"], notice.params["until"]) == ("joined_ahead", 1000, "2026-01-31")
    assert missing(pool) == ["members"]
    treasurer = User.objects.get(duty_grants__duty="treasurer", duty_grants__pool=pool)
    bank = Bank(SimpleNamespace(pool=pool, treasurer=treasurer))  # type: ignore[arg-type]
    bank.take(bank.statement(bank.receipt(1, 1000), bank.receipt(2, 1000), bank.receipt(3, 999)))
    assert missing(pool) == []
    pool = services.open_for_sharing(pool=pool, opener=founder.code)
    period = sharing.open_period(pool=pool, at=clock.now())
    sharing.announce_award(
        pool=pool, code="C-1", claim_code="c", aid_fen=1000, announcer="x", at=clock.now(),
        masked={"age_band": "30-39", "sex": "f", "region": "zhejiang", "disease": "cancer_severe"},
    )  # fmt: skip
    set_clock(clock.start_of_day(period.publicity_date, pool.time_zone))
    period = sharing.freeze_headcount(period=period, at=clock.now())
    period = sharing.announce_period(period=period, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_end_date, pool.time_zone))
    period = sharing.settle_period(period=period, at=clock.now())
    period = sharing.compute_shares(period=period, preparer=founder.code, at=clock.now())
    controller = User.objects.get(duty_grants__duty="controller", duty_grants__pool=pool)
    sharing.approve_period(
        period=period,
        approver=controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    period.refresh_from_db()
    assert (period.headcount, period.wallet_fen, period.gap_fen) == (2, 1060, 0)
    left = [wallet_of(one, clock.today(pool.time_zone)) for one in members]
    assert [one.balance_fen for one in left if one] == [470, 470, 999]
    assert [one.is_low for one in left if one] == [True, True, False]
    told = Notice.objects.filter(kind="wallet_low").values_list("person_id", flat=True)
    assert sorted(told) == sorted(one.person_id for one in members[:2])
    fire_deferred()
    assert_books_true(pool)
