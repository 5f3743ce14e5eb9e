"""Transfers of members who pay for others: whose charges they fill, and what chargebacks put in arrears again."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, membership
from aidplatform.testing.ledgers import assert_books_true, balances, read_trial
from aidplatform.testing.refusals import fire_deferred, refused, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.books.findings import Report
from ledger.custody import reconciliation, selectors, services, write_off_verify, write_offs
from ledger.custody import verify as custody
from ledger.custody.filling import MANY_LINES
from ledger.custody.models import Collection, StatementLine
from ledger.custody.owed import open_fen_by_member
from ledger.custody.statement_parts import IN, OUT
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of
from members.joining import payers
from members.joining.payer_models import PayerLink
from members.people.models import User

Charged = tuple[World, Bank, Period]
SHARE = 23_143


def account(world: World, number: int) -> User:
    """Return the person of a member, with an account from now on."""
    member = membership(world, number)
    if member.person is None:
        member.person = User.objects.create_user(f"member-{number}@example.org", name=f"Member {number}")
        member.save(update_fields=["person"])
    return member.person


def pays_for(world: World, payer: int, *members: int) -> list[PayerLink]:
    """Let a member pay for others, asked and accepted."""
    links = []
    for number in members:
        account(world, number), account(world, payer)
        link = payers.ask_payer(membership=membership(world, number), payer_number=payer, at=clock.now())
        links.append(payers.accept_link(link=link, person=account(world, payer)))
    return links


def owed(world: World) -> dict[int, int]:
    """Return what each member owes, by number."""
    ids = dict(world.pool.memberships.values_list("pk", "number"))
    found = open_fen_by_member(world.pool, list(ids))
    return {ids[pk]: sum(fen) for pk, fen in sorted(found.items())}


def owing(world: World, **changed: int) -> dict[int, int]:
    """Return that everybody owes the share but for those that are named, as `m3=0`."""
    told = {int(name[1:]): fen for name, fen in changed.items()}
    return {number: told.get(number, SHARE) for number in range(1, 8)}


def paid(bank: Bank, number: int, fen: int) -> StatementLine:
    """Import one transfer of a member, and return it."""
    result = bank.take(bank.statement(bank.receipt(number, fen)))
    fire_deferred()
    return StatementLine.objects.get(statement=result.statement)


def back(bank: Bank, number: int, fen: int) -> dict[str, tuple[int, int]]:
    """Let the bank take a transfer back."""
    totals = bank.take(bank.statement(bank.line(OUT, fen, text=bank.reference(number)))).totals
    fire_deferred()
    return totals


def second_period(world: World, first: Period) -> int:
    """Post and announce another period; return its share."""
    world.award(70_000, code="C-3")
    set_clock(clock.start_of_day(first.next_opening_date, "Asia/Shanghai"))
    return int((world.posted_period().classes or [])[0]["share_fen"])


def assert_verified(world: World) -> None:
    report = Report.of(custody.SENTENCES, write_off_verify.SENTENCES)
    custody.verify_custody(report, world.pool.pk, world.pool.code, book_of(world.pool).pk)
    assert not report.is_false, report.statements
    assert_books_true(world.pool)


# --- filling ------------------------------------------------------------------------------------------------------


def test_one_transfer_pays_for_the_payer_then_in_joining_order(charged: Charged) -> None:
    """500.00 of member 4: 231.43 for themselves, 231.43 for member 2, the rest for member 6, who owes the arrears."""
    world, bank, _period = charged
    pays_for(world, 4, 6, 2)
    line = paid(bank, 4, 50_000)
    assert owed(world) == owing(world, m2=0, m4=0, m6=3 * SHARE - 50_000)
    filled = [(one.membership_id, one.payer_id, one.amount_fen) for one in line.collections.order_by("pk")]
    two, four, six = (membership(world, number).pk for number in (2, 4, 6))
    assert filled == [(four, None, SHARE), (two, four, SHARE), (six, four, 50_000 - 2 * SHARE)]
    assert balances(book_of(world.pool)) == read_trial("""
        101 Custody bank          500.00      -
        110 Shares receivable   1,120.01      -
        201 Aid payable             -     1,500.00
        230 Fee payable             -       120.00
        240 Carried surplus         -         0.01
        401 Contributions           -     1,620.00
        501 Aid granted         1,500.00      -
        510 Management fee        120.00      -
    """)
    assert (
        selectors.arrears(world.pool)[0].owing_members,
        len(list(selectors.arrears_rows(world.pool))),
    ) == (
        5,
        5,
    )
    assert_verified(world)


def test_payer_is_told_what_each_owes_by_their_masked_name(charged: Charged) -> None:
    world, _bank, _period = charged
    pays_for(world, 4, 2, 6)
    page = client_of(account(world, 4)).get("/pools/test-pool/me/").content.decode()
    for number in (2, 6):
        masked = selectors.how_to_pay(membership(world, 4)).names[membership(world, number).pk]  # type: ignore[union-attr]
        assert f"Member {number} · {masked}" in page
        assert masked not in {"", f"Member {number}"}


def test_part_of_the_own_share_pays_for_nobody_else(charged: Charged) -> None:
    world, bank, _period = charged
    pays_for(world, 4, 2)
    paid(bank, 4, SHARE - 1)
    assert owed(world) == owing(world, m4=1)
    paid(bank, 4, 2)
    assert owed(world) == owing(world, m4=0, m2=SHARE - 1)


def test_more_than_all_owe_stays_unidentified(charged: Charged) -> None:
    world, bank, _period = charged
    pays_for(world, 4, 2)
    line = paid(bank, 4, 2 * SHARE + 7)
    assert reconciliation.open_fen_of(line) == 7
    assert balances(book_of(world.pool))["250"] == -7
    assert_verified(world)


def test_oldest_period_of_each_comes_first(charged: Charged) -> None:
    world, bank, first = charged
    pays_for(world, 4, 2, 6)
    share = second_period(world, first)
    paid(bank, 4, 2 * SHARE + share + 5)
    charges = {
        number: [
            one.open_fen
            for one in selectors.charges_of(pool=world.pool, membership_id=membership(world, number).pk)
        ]
        for number in (4, 2, 6)
    }
    assert charges == {4: [0, 0], 2: [share - 5, 0], 6: [share, SHARE]}
    assert_verified(world)


def test_who_is_paid_for_may_pay_as_well(charged: Charged) -> None:
    """In one statement: the own money of member 2 comes first, the payer's fills what is left."""
    world, bank, _period = charged
    pays_for(world, 4, 2, 6)
    bank.take(bank.statement(bank.receipt(4, 2 * SHARE), bank.receipt(2, 10_000), bank.receipt(4, 3_143)))
    fire_deferred()
    assert owed(world) == owing(world, m4=0, m2=0, m6=SHARE - 13_143)
    assert_verified(world)


def test_large_statement_fills_the_same_way(charged: Charged) -> None:
    """A thousand transfers of 0.50 by the payer, planned as for a large pool: own share, then member 2, then 6."""
    world, bank, _period = charged
    pays_for(world, 4, 2, 6)
    lines = MANY_LINES + 1
    bank.take(bank.statement(*(bank.receipt(4, 50) for _transfer in range(lines))))
    fire_deferred()
    assert owed(world) == owing(world, m4=0, m2=0, m6=3 * SHARE - lines * 50)
    assert_verified(world)


def test_ended_link_fills_nothing_more(charged: Charged) -> None:
    world, bank, _period = charged
    (link,) = pays_for(world, 4, 2)
    payers.end_link(link=link, person=account(world, 2))
    line = paid(bank, 4, 2 * SHARE)
    assert owed(world) == owing(world, m4=0)
    assert reconciliation.open_fen_of(line) == SHARE


def test_unknown_money_is_identified_as_a_payers(charged: Charged) -> None:
    world, bank, _period = charged
    pays_for(world, 4, 2)
    result = bank.take(bank.statement(bank.line(IN, 30_000, text="for the two of us")))
    line = StatementLine.objects.get(statement=result.statement)
    given = {"receipt": line, "identifier": world.treasurer.code, "at": clock.now()}
    assert services.identify_receipt(membership=membership(world, 4), **given) == 30_000
    assert owed(world) == owing(world, m4=0, m2=2 * SHARE - 30_000)
    with pytest.raises(services.NothingOwedError):
        services.identify_receipt(membership=membership(world, 4), **given)
    assert_verified(world)


def test_rest_of_a_receipt_is_identified_again_when_there_is_something_to_pay(charged: Charged) -> None:
    """The same receipt twice as the same member's: an entry each time."""
    world, bank, _period = charged
    line = paid(bank, 4, 2 * SHARE)
    pays_for(world, 4, 2)
    given = {"receipt": line, "identifier": world.treasurer.code, "at": clock.now()}
    assert services.identify_receipt(membership=membership(world, 4), **given) == SHARE
    assert owed(world) == owing(world, m4=0, m2=0)
    assert_verified(world)


def test_what_is_owed_comes_before_what_is_written_off(charged: Charged) -> None:
    """Member 4's own share is written off: their money pays for member 2 first, then it is a recovery."""
    world, bank, _period = charged
    pays_for(world, 4, 2)
    made = write_offs.order_write_off(
        membership=membership(world, 4), reason="left", reminders=0, upto_period_no=1,
        orderer=world.treasurer.code, at=clock.now(),
    )  # fmt: skip
    write_offs.approve_write_off(
        write_off=made, approver=world.controller.code, shown_sha256=made.shown_sha256, at=clock.now()
    )
    paid(bank, 4, SHARE)
    assert owed(world) == owing(world, m4=0, m2=0)
    assert balances(book_of(world.pool))["120"] == SHARE
    paid(bank, 4, 143)
    assert balances(book_of(world.pool))["120"] == SHARE - 143
    assert_verified(world)


# --- chargebacks --------------------------------------------------------------------------------------------------


def test_chargeback_puts_everything_that_it_paid_in_arrears_again(charged: Charged) -> None:
    """The transfer of 500.00, though a later one of member 4 stands; what member 2 paid themselves stays."""
    world, bank, _period = charged
    pays_for(world, 4, 2, 6)
    paid(bank, 2, 3_143)
    paid(bank, 4, 50_000)
    left = 3 * SHARE - 53_143
    paid(bank, 4, left)
    assert owed(world) == owing(world, m2=0, m4=0, m6=0)
    assert back(bank, 4, 50_000) == {"chargeback": (1, 50_000)}
    assert owed(world) == owing(world, m2=SHARE - 3_143, m4=SHARE, m6=SHARE - left)
    assert Collection.objects.filter(amount_fen__lt=0).count() == 3
    assert_verified(world)


def test_two_equal_transfers_are_taken_back_newest_first(charged: Charged) -> None:
    world, bank, _period = charged
    pays_for(world, 4, 2)
    for _time in range(2):
        paid(bank, 4, SHARE)
    back(bank, 4, SHARE)
    assert owed(world) == owing(world, m4=0)
    back(bank, 4, SHARE)
    assert owed(world) == owing(world)
    assert back(bank, 4, SHARE) == {"unexplained": (1, SHARE)}
    assert_verified(world)


def test_chargeback_of_no_receipt_takes_the_newest_of_the_payers_money(charged: Charged) -> None:
    """Another amount than any transfer's: the newest period first, there the others before the payer."""
    world, bank, first = charged
    pays_for(world, 4, 2)
    share = second_period(world, first)
    paid(bank, 4, 2 * (SHARE + share))
    back(bank, 4, share + 10)
    charges = {
        number: [
            one.open_fen
            for one in selectors.charges_of(pool=world.pool, membership_id=membership(world, number).pk)
        ]
        for number in (4, 2)
    }
    assert charges == {4: [10, 0], 2: [share, 0]}
    assert back(bank, 2, 10) == {"unexplained": (1, 10)}
    assert_verified(world)


def test_chargeback_reaches_what_was_paid_before_the_link_ended(charged: Charged) -> None:
    world, bank, _period = charged
    (link,) = pays_for(world, 4, 2)
    paid(bank, 4, 2 * SHARE)
    payers.end_link(link=link, person=account(world, 4))
    back(bank, 4, 2 * SHARE)
    assert owed(world) == owing(world)
    assert_verified(world)


def test_several_chargebacks_of_one_statement(charged: Charged) -> None:
    world, bank, _period = charged
    pays_for(world, 4, 2)
    pays_for(world, 5, 6)
    bank.take(bank.statement(bank.receipt(4, 2 * SHARE), bank.receipt(5, SHARE), bank.receipt(5, 100)))
    bank.take(
        bank.statement(
            *(bank.line(OUT, fen, text=bank.reference(n)) for n, fen in ((4, 2 * SHARE), (5, 60), (5, 40)))
        )
    )
    fire_deferred()
    assert owed(world) == owing(world, m5=0)
    assert_verified(world)


# --- a model ------------------------------------------------------------------------------------------------------


class Model:
    """What everybody owes, and which member's money stands on it, kept by hand for one period."""

    def __init__(self) -> None:
        self.owed = dict.fromkeys(range(1, 8), SHARE)
        self.payer_of: dict[int, int] = {}
        self.unplaced = 0

    def pay(self, transfers: list[tuple[int, int]]) -> None:
        """Let transfers of one statement pay the own shares, then what is left those of others."""
        left = []
        for number, fen in transfers:
            left.append((number, fen - self._fill(number, fen)))
        for number, fen in left:
            for other in sorted(covered for covered, payer in self.payer_of.items() if payer == number):
                fen -= self._fill(other, fen)
            self.unplaced += fen

    def _fill(self, number: int, fen: int) -> int:
        part = min(fen, self.owed[number])
        self.owed[number] -= part
        return part


@pytest.mark.parametrize("seed", range(6))
def test_any_history_fills_as_the_rule_says(charged: Charged, seed: int) -> None:
    """Links that come and go, statements of several transfers: what is owed is what the rule, by hand, leaves."""
    world, bank, _period = charged
    chance, model = random.Random(seed), Model()
    for _statement in range(6):
        member, payer = chance.sample(range(1, 8), 2)
        is_free = payer not in model.payer_of and member not in model.payer_of.values()
        if member in model.payer_of and chance.random() < 0.5:
            payers.end_link(
                link=PayerLink.objects.get(membership=membership(world, member), state="live"),
                person=account(world, member),
            )
            del model.payer_of[member]
        elif is_free:
            pays_for(world, payer, member)
            model.payer_of[member] = payer
        numbers = [chance.randrange(1, 8) for _transfer in range(3)]
        transfers = [(number, chance.randrange(1, 2 * SHARE)) for number in numbers]
        bank.take(bank.statement(*(bank.receipt(number, fen) for number, fen in transfers)))
        model.pay(transfers)
        assert owed(world) == model.owed
        assert -balances(book_of(world.pool)).get("250", 0) == model.unplaced
    fire_deferred()
    assert_verified(world)


def test_number_of_queries_does_not_grow_with_the_members(charged: Charged) -> None:
    world, bank, _period = charged
    counted = []
    paid(bank, 1, 1)
    for payer, members in ((1, [2]), (3, [4, 5, 6, 7])):
        pays_for(world, payer, *members)
        with CaptureQueriesContext(connection) as queries:
            bank.take(bank.statement(bank.receipt(payer, (1 + len(members)) * SHARE - 1)))
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert owed(world) == dict.fromkeys(range(1, 7), 0) | {7: 1}


# --- guarantees ---------------------------------------------------------------------------------------------------

INSERT = """INSERT INTO ledger_collection (line_id, membership_id, pool_id, period_no, amount_fen, payer_id,
    recorded_by, at) VALUES (%s, %s, %s, 1, %s, %s, %s, now())"""


def raw(world: World, line: StatementLine, number: int, payer: int | None, fen: int) -> None:
    run(
        INSERT, line.pk, membership(world, number).pk, world.pool.pk, fen,
        payer and membership(world, payer).pk, world.treasurer.code,
    )  # fmt: skip


@pytest.fixture
def unplaced(charged: Charged) -> StatementLine:
    """Import a transfer that pays the whole share of member 4, and 100.00 more."""
    return paid(charged[1], 4, SHARE + 10_000)


def test_share_is_paid_for_by_its_payer(charged: Charged, unplaced: StatementLine) -> None:
    world = charged[0]
    with refused("share_is_paid_for_by_its_payer"):
        raw(world, unplaced, 2, 4, 5)
    (link,) = pays_for(world, 4, 2)
    raw(world, unplaced, 2, 4, 5)
    payers.end_link(link=link, person=account(world, 4))
    with refused("share_is_paid_for_by_its_payer"):
        raw(world, paid(charged[1], 4, 5), 2, 4, 5)


def test_payer_is_filled_first(charged: Charged, unplaced: StatementLine) -> None:
    world, bank, _period = charged
    pays_for(world, 4, 2, 6)
    with refused("payer_is_filled_first"):
        raw(world, unplaced, 6, 4, 5)
    back(bank, 4, SHARE)
    with refused("payer_is_filled_first"):
        raw(world, unplaced, 2, 4, 5)


def test_chargeback_is_of_its_payers_money(charged: Charged) -> None:
    """What member 6 has paid themselves is not taken back for member 4, and nothing by a line of another."""
    world, bank, _period = charged
    pays_for(world, 4, 2, 6)
    paid(bank, 6, 100)
    paid(bank, 4, SHARE + 50)
    result = bank.take(bank.statement(bank.line(OUT, 9, text=bank.reference(4)), bank.line(OUT, 9, text="?")))
    line, other = StatementLine.objects.filter(statement=result.statement).order_by("line_no")
    for number, payer in ((6, 4), (6, None)):
        with refused("chargeback_is_of_its_payers_money"):
            raw(world, line, number, payer, -1)
    with refused("collection_fits_its_line"):
        raw(world, other, 4, None, -1)


def test_collection_payer_is_another(charged: Charged, unplaced: StatementLine) -> None:
    with refused("collection_payer_is_another"):
        raw(charged[0], unplaced, 2, 2, 1)


# --- pages --------------------------------------------------------------------------------------------------------


def test_member_sees_what_to_transfer_for_everybody(charged: Charged) -> None:
    world, bank, _period = charged
    pays_for(world, 4, 6, 2)
    paid(bank, 4, 10_000)
    how = selectors.how_to_pay(membership(world, 4))
    assert how is not None
    assert (how.open_fen, how.total_fen) == (SHARE - 10_000, 3 * SHARE - 10_000)
    assert [(one.membership.number, one.open_fen) for one in how.others] == [(2, SHARE), (6, SHARE)]
    # One code for everybody's shares, with the payer's own reference.
    assert how.code is not None
    assert how.code.split("\n")[2:] == ["CNY 594.29", bank.reference(4)]
    page = client_of(account(world, 4)).get("/pools/test-pool/me/").content.decode()
    assert all(text in page for text in ("Transfer ¥594.29", "¥131.43", "Member 2", "Member 6", "Your own"))
    page = client_of(account(world, 2)).get("/pools/test-pool/me/").content.decode()
    assert all(
        text in page for text in ("For you pays:", "You owe ¥231.43", "What they do not pay stays yours")
    )
    paid(bank, 4, 3 * SHARE - 10_000)
    page = client_of(account(world, 4)).get("/pools/test-pool/me/").content.decode()
    assert "Everything announced so far is paid" in page


def test_page_costs_the_same_for_one_and_four_others(charged: Charged) -> None:
    world = charged[0]
    counted = []
    for payer, members in ((1, [2]), (3, [4, 5, 6, 7])):
        pays_for(world, payer, *members)
        client = client_of(account(world, payer))
        client.get("/pools/test-pool/me/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/pools/test-pool/me/")
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_payer_of_another_pool_pays_nothing_here(charged: Charged) -> None:
    """Links of one pool are looked at in that pool alone."""
    _world, bank, _period = charged
    other = World.founded(code="other")
    pays_for(other, 4, 2)
    line = paid(bank, 4, 2 * SHARE)
    assert reconciliation.open_fen_of(line) == SHARE
