"""A claim whose aid is shared over three periods: from its publicity to the last payment, and what counts once."""

import datetime as dt

import pytest
from django.core.management import call_command

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing import selectors as filing
from claims.filing.models import Claim
from claims.publicity import services as publicity
from claims.publicity.selectors import file_of
from ledger.custody import services as custody
from ledger.custody.selectors import payable_awards, payee_of
from ledger.sharing.models import Award

# Nine members bear 2,500.00 each at most; of a case of 50,000.00 and its fee that leaves 20,833.33 a period.
WAITS = {"period_cap_fen": 250_000, "on_infeasible": "defer"}
PARTS = [2_083_333, 2_083_333, 833_334]


@prepared
def waiting() -> ClaimCases:
    """Give the test a pool in which one case takes three periods."""
    return ClaimCases.founded(**WAITS)


def share_next(cases: ClaimCases) -> None:
    """Run the calendar until a further period with an award is posted."""
    cases.to_publicity()
    cases.end_publicity()
    cases.post()


def pay_all(cases: ClaimCases, bank: Bank) -> None:
    """Let members pay what they owe, and the treasurer whatever can be paid then."""
    last = cases.world.pool.periods.latest("number")
    set_clock(clock.start_of_day(last.charge_date, cases.world.pool.time_zone) + dt.timedelta(hours=10))
    bank.all_pay()
    for one in payable_awards(cases.world.pool):
        order = custody.order_payment(
            pool=cases.world.pool,
            kind="aid",
            award=one.award,
            amount_fen=one.payable_fen,
            orderer=cases.world.treasurer.code,
            at=clock.now(),
        )
        bank.release(order)
    bank.all_pay()
    run_jobs()


def state_of(claim: Claim) -> str:
    claim.refresh_from_db()
    return claim.state


def test_a_claim_is_paid_when_its_last_rest_is(committed_db: tuple[str, str]) -> None:
    waiting = ClaimCases.founded(**WAITS)
    claim, bank = waiting.decided(), Bank(waiting.world)
    for number, part_fen in enumerate(PARTS, start=1):
        share_next(waiting)
        assert state_of(claim) == "shared"
        pay_all(waiting, bank)
        last = Award.objects.filter(claim_code=claim.code, state="shared").latest("pk")
        assert (last.shared_fen, last.payment_orders.get().amount_fen) == (part_fen, part_fen)
        assert state_of(claim) == ("paid" if number == len(PARTS) else "shared")
    assert sum(PARTS) == claim.aid_fen
    publicity.confirm_receipt(claim=claim, claimant=waiting.claimant.code, at=clock.now())
    with pytest.raises(SystemExit) as left:
        call_command("verify_books", "--json")
    assert left.value.code == 0


def test_every_part_is_paid_to_the_payee_of_the_case(waiting: ClaimCases) -> None:
    claim, bank = waiting.decided(), Bank(waiting.world)
    share_next(waiting)
    share_next(waiting)
    pay_all(waiting, bank)
    rest = Award.objects.get(code=waiting.award(claim).rest_code)
    with refused("aid_goes_to_the_named_payee"):
        bank.order_aid(rest, 1)
    order = rest.payment_orders.get()
    assert payee_of(order).name == "Li Na"


def test_claim_step_has_its_paper_and_is_not_paid_while_a_rest_waits(waiting: ClaimCases) -> None:
    claim = waiting.decided()
    share_next(waiting)
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'paid' WHERE id = %s", claim.pk)


def test_nobody_objects_to_a_rest_and_nobody_takes_the_claim_back(waiting: ClaimCases) -> None:
    claim = waiting.decided()
    share_next(waiting)
    waiting.to_publicity()
    claim.refresh_from_db()
    with pytest.raises(publicity.PublicityOverError):
        publicity.object_to_case(
            claim=claim, member=waiting.neighbor.code, reason="I saw her ill.", at=clock.now()
        )
    with pytest.raises(publicity.ConflictError):
        publicity.withdraw_claim(claim=claim, claimant=waiting.claimant.code, at=clock.now())


def test_rests_count_once_in_what_a_member_was_granted_and_has_shared(db: None) -> None:
    cases = ClaimCases.founded(**WAITS, lifetime_cap_fen=30_000_000)
    first = cases.decided()
    share_next(cases)
    share_next(cases)
    second = cases.draft()
    assert filing.granted_before(second) == first.aid_fen == 5_000_000
    second.event_date = clock.today(cases.world.pool.time_zone) + dt.timedelta(days=1)
    assert filing.cases_shared(second) == 1
    # The database counts for itself, and would refuse another sum than the plan grants.
    assert cases.file(Claim.objects.get(pk=second.pk)).aid_fen == 5_000_000


def test_the_next_case_has_the_next_number(waiting: ClaimCases) -> None:
    first = waiting.decided()
    share_next(waiting)
    second = waiting.decided()
    assert [waiting.award(claim).code for claim in (first, second)] == ["2026-0001", "2026-0002"]


def test_pages_say_what_is_shared_now_and_where_the_rest_is(waiting: ClaimCases) -> None:
    claim = waiting.decided()
    share_next(waiting)
    pool, case = waiting.world.pool, waiting.award(claim)
    assert case.period is not None
    first_no = case.period.number
    mine, neighbor = client_of(waiting.claimant), client_of(waiting.neighbor)
    page = f"/pools/{pool.code}/periods/{first_no}/"
    told = neighbor.get(page).content.decode()
    assert "shared: ¥20,833.33; the rest, ¥29,166.67, with the next period" in told
    assert "the rest waits for the next period" in told
    waiting.to_publicity()
    rest_no = first_no + 1
    assert f"the rest, ¥29,166.67, in period {rest_no}" in neighbor.get(page).content.decode()
    assert "rest of case 2026-0001" in neighbor.get(f"/pools/{pool.code}/periods/{rest_no}/").content.decode()
    board = neighbor.get(f"/pools/{pool.code}/notices/").content.decode()
    assert "2026-0001.2" in board
    assert "rest of case 2026-0001" in board
    for client, address in (
        (mine, f"/claims/{claim.code}/"),
        (neighbor, f"/pools/{pool.code}/notices/2026-0001/"),
    ):
        told = client.get(address).content.decode()
        assert "¥29,166.67 to be shared" in told, address
        assert "shared: ¥20,833.33" in told, address
    assert [one.code for one in file_of(claim).rests] == ["2026-0001.2"]
