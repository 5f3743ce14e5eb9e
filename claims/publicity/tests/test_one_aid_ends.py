"""One aid ends the membership where the plan says so: when, for whom, once, and with what is still shared."""

import datetime as dt
from zoneinfo import ZoneInfo

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing import selectors as filing
from claims.filing.models import Claim
from claims.publicity import services as publicity
from ledger.custody.wallet_models import Suspension
from ledger.custody.wallet_selectors import balance_fen, wallet_rows
from ledger.sharing import services as sharing
from ledger.sharing.models import Charge
from members.joining.end_models import MembershipEnd
from members.joining.models import MembershipSpan
from members.people.models import Notice


@prepared
def ending() -> ClaimCases:
    """Give the test a pool in which one aid ends the membership."""
    return ClaimCases.founded(one_aid_ends=True)


def _until(cases: ClaimCases) -> dt.datetime | None:
    return MembershipSpan.objects.get(membership_id=cases.membership.pk).to_at


def test_membership_ends_with_the_publicity_of_its_case(ending: ClaimCases) -> None:
    claim = ending.published()
    assert _until(ending) is None
    ending.end_publicity()
    period = ending.award(claim).period
    assert period is not None
    last = min(period.publicity_end_date, period.next_opening_date)
    ends = dt.datetime.combine(last, dt.time(), tzinfo=ZoneInfo("Asia/Shanghai"))
    assert _until(ending) == ends
    end = MembershipEnd.objects.get(membership=ending.membership)
    assert (end.reason, end.end_date, end.reference) == ("aided", ends.date(), ending.award(claim).code)
    (told,) = Notice.objects.filter(person=ending.claimant, kind="ended")
    assert told.params["until"] == ends.date().isoformat()
    assert not Notice.objects.filter(person=ending.neighbor, kind="ended").exists()
    assert MembershipSpan.objects.get(membership_id=ending.membership.pk + 1).to_at is None


def test_aided_member_still_shares_that_period_and_none_after_it(ending: ClaimCases) -> None:
    claim = ending.published()
    ending.end_publicity()
    ending.post()
    shared = ending.award(claim).period
    assert shared is not None
    following = sharing.open_period(pool=ending.world.pool, at=clock.now())
    set_clock(clock.start_of_day(following.publicity_date, "Asia/Shanghai"))
    following = sharing.freeze_headcount(period=following, at=clock.now())
    assert following.headcount == (shared.headcount or 0) - 1
    charges = Charge.objects.filter(membership_id=ending.membership.pk)
    assert list(charges.values_list("period_no", flat=True)) == [shared.number]


def test_illness_after_the_end_is_not_covered(ending: ClaimCases) -> None:
    ending.published()
    ending.end_publicity()
    until = _until(ending)
    assert until is not None
    day = dt.timedelta(days=1)
    assert filing.was_covered(ending.membership, until - day, until)
    assert not filing.was_covered(ending.membership, until, until + day)
    me = client_of(ending.claimant).get("/pools/test-pool/me/").content.decode()
    assert "Your membership has ended." in me


def test_membership_goes_on_where_no_plan_says_otherwise(cases: ClaimCases) -> None:
    cases.published()
    cases.end_publicity()
    assert _until(cases) is None
    assert not Notice.objects.filter(kind="ended").exists()


def test_award_that_is_taken_back_ends_nothing(ending: ClaimCases) -> None:
    claim = ending.published()
    publicity.withdraw_claim(claim=claim, claimant=ending.claimant.code, at=clock.now())
    ending.end_publicity()
    assert _until(ending) is None


def test_membership_ends_once_however_often_it_is_heard(ending: ClaimCases) -> None:
    claim = ending.published()
    ending.end_publicity()
    before = _until(ending)
    ending.post()
    for state in ("awarded", "shared", "awarded"):
        publicity.follow_awards(awards=[ending.award(claim).pk], state=state, at=clock.now())
    assert _until(ending) == before
    assert AuditEntry.objects.filter(action="end_cover").count() == 1
    assert Notice.objects.filter(kind="ended").count() == 1


FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 366}


@prepared
def suspended() -> tuple[ClaimCases, Bank, Claim]:
    """Give the test a claimant, number 8, whose wallet ran short before the claim was decided, and the bank."""
    cases = ClaimCases.founded(one_aid_ends=True, funding=FUNDING)
    bank = Bank(cases.world)
    bank.take(bank.statement(*(bank.receipt(number, 100_000) for number in (1, 2, 3, 4, 5, 6, 7, 9))))
    claim = cases.recommended()
    cases.world.award(200_000)
    cases.to_publicity()
    cases.end_publicity()
    cases.post()
    assert Suspension.objects.get().membership_id == cases.membership.pk
    cases.decide(claim)
    run_jobs()
    cases.to_publicity()
    claim.refresh_from_db()
    return cases, bank, claim


def _state(cases: ClaimCases) -> str:
    return next(row.state for row in wallet_rows(cases.world.pool) if row.number == 8)


def test_suspended_membership_that_ended_with_an_aid_is_not_restored(
    suspended: tuple[ClaimCases, Bank, Claim],
) -> None:
    cases, bank, claim = suspended
    cover = _until(cases)
    assert (_state(cases), cover is not None) == ("suspended", True)
    cases.end_publicity()
    period = cases.award(claim).period
    assert period is not None
    ended = min(period.publicity_end_date, period.next_opening_date)
    suspension = Suspension.objects.get()
    assert (suspension.state, suspension.ended_date) == ("ended", ended)
    (told,) = Notice.objects.filter(person=cases.claimant, kind="ended")
    assert told.params["until"] == ended.isoformat()
    bank.take(bank.statement(bank.receipt(8, 50_000)))
    run_jobs()
    assert (_state(cases), _until(cases)) == ("ended", cover)
    assert balance_fen(pool=cases.world.pool, membership_id=cases.membership.pk) == 50_000
    kinds = set(Notice.objects.filter(person=cases.claimant).values_list("kind", flat=True))
    assert not {"restored", "lapsed"} & kinds
    page = client_of(cases.claimant).get("/pools/test-pool/me/wallet/").content.decode()
    assert "with an aid. No payment makes it go on." in page
    with refused("cover_waits_for_its_money"):
        run(
            "INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)"
            " VALUES (%s, %s, 0, %s, now())",
            cases.world.pool.pk, cases.membership.pk, clock.now() + dt.timedelta(days=1),
        )  # fmt: skip
    with refused("suspension_ends_once"):
        run("UPDATE ledger_suspension SET state = 'restored'")


def test_suspended_membership_goes_on_where_its_award_was_taken_back(
    suspended: tuple[ClaimCases, Bank, Claim],
) -> None:
    cases, bank, claim = suspended
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    cases.end_publicity()
    bank.take(bank.statement(bank.receipt(8, 50_000)))
    run_jobs()
    assert _state(cases) == "covered"
