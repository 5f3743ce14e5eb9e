"""Wallets: money comes in ahead, a period takes its share, what is left goes back; each example ends in the books."""

from aidplatform.lib import clock
from aidplatform.testing.bank import ZONE, Bank, membership
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred
from aidplatform.testing.world import World, set_clock
from ledger.custody import selectors
from ledger.custody.wallet_models import WalletEntry
from ledger.custody.wallet_selectors import balance_fen
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of, compute_bill

FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}


@prepared
def prepaid() -> tuple[World, Bank]:
    """Give the test a pool of seven whose members pay ahead, before anybody has."""
    world = World.founded(funding=FUNDING)
    return world, Bank(world)


def top_up(bank: Bank, **fens: int) -> None:
    """Take a statement with a transfer of each of these members: m1=300 and so on (fen)."""
    bank.take(bank.statement(*(bank.receipt(int(name[1:]), fen) for name, fen in fens.items())))


def everybody(bank: Bank, fen: int) -> None:
    top_up(bank, **{f"m{number}": fen for number in range(1, 8)})


def of(world: World, number: int) -> int:
    """Return what a member has."""
    return balance_fen(pool=world.pool, membership_id=membership(world, number).pk)


def next_period(world: World, last: Period) -> Period:
    """Post the period after that one."""
    set_clock(clock.start_of_day(last.next_opening_date, ZONE))
    return world.posted_period()


def test_money_of_a_member_is_a_top_up_and_never_a_share_paid(prepaid: tuple[World, Bank]) -> None:
    world, bank = prepaid
    result = bank.take(bank.statement(bank.receipt(1, 30_000), bank.receipt(1, 500), bank.receipt(2, 30_000)))
    assert result.totals == {"top_up": (3, 60_500)}
    fire_deferred()
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank          605.00      -
        210 Prepaid balances        -       605.00
    """)
    assert [of(world, number) for number in (1, 2, 3)] == [30_500, 30_000, 0]
    assert_books_true(world.pool)


def test_everybody_pays_from_the_wallet_and_owes_nothing(prepaid: tuple[World, Bank]) -> None:
    """Aid 1,500.00, fee 120.00, seven members: 231.43 each, carry 0.01; nothing is receivable."""
    world, bank = prepaid
    everybody(bank, 30_000)
    world.award(150_000)
    period = world.posted_period()
    assert (period.assessed_fen, period.wallet_fen, period.gap_fen) == (162_001, 162_001, 0)
    fire_deferred()
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank        2,100.00      -
        201 Aid payable             -     1,500.00
        210 Prepaid balances        -       479.99
        230 Fee payable             -       120.00
        240 Carried surplus         -         0.01
        401 Contributions           -     1,620.00
        501 Aid granted         1,500.00      -
        510 Management fee        120.00      -
    """)
    assert {of(world, number) for number in range(1, 8)} == {30_000 - 23_143}
    how = selectors.how_to_pay(membership(world, 1))
    assert how is not None
    assert how.open_fen == 0
    assert selectors.arrears(world.pool) == []
    assert list(selectors.arrears_rows(world.pool)) == []
    assert selectors.collected_fen(period) == 162_001
    assert_books_true(world.pool)


def test_what_a_wallet_lacks_is_shared_by_the_next_period(prepaid: tuple[World, Bank]) -> None:
    """231.43 each; the second has 100.00, the third nothing: 131.43 and 231.43 are a cost of the next, 362.86.

    Less 0.01 carried in, 362.85 over seven is 51.84 each, 362.88 in all.
    """
    world, bank = prepaid
    everybody(bank, 30_000)
    spent = {2: 20_000, 3: 30_000}
    for number, fen in spent.items():
        bank.order_back(number, fen)
    world.award(150_000)
    first = world.posted_period()
    assert (first.wallet_fen, first.gap_fen) == (162_001 - 36_286, 36_286)
    fire_deferred()
    gaps = (
        WalletEntry.objects.filter(kind="gap").order_by("membership_id").values_list("amount_fen", flat=True)
    )
    assert list(gaps) == [13_143, 23_143]
    assert [of(world, number) for number in (1, 2, 3)] == [6_857, 0, 0]
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank        2,100.00      -
        120 To be shared          362.86      -
        201 Aid payable             -     1,500.00
        210 Prepaid balances        -       342.85
        220 Refunds payable         -       500.00
        230 Fee payable             -       120.00
        240 Carried surplus         -         0.01
        401 Contributions           -     1,620.00
        501 Aid granted         1,500.00      -
        510 Management fee        120.00      -
    """)
    assert_books_true(world.pool)
    top_up(bank, m2=10_000, m3=10_000)
    set_clock(clock.start_of_day(first.next_opening_date, ZONE))
    second = world.settled_period()
    assert compute_bill(second).other_costs_by_kind == {"wallet_gap": 36_286}
