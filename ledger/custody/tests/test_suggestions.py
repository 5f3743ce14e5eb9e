"""Whose a receipt could be: by a reference with one slip, a payer of before, an amount; and matching by the page."""

import random
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank, charged_world, membership
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from ledger.custody import reconciliation, services, suggestions
from ledger.custody.models import Collection, StatementLine
from ledger.custody.references import MEMBERSHIP, make_reference, near_memberships, pool_token
from ledger.custody.statement_parts import IN
from ledger.custody.suggestions import Reason
from ledger.custody.tests.test_views import client_of, key, url
from ledger.sharing.models import Period
from members.people.models import User
from members.pools.rules import DEMO_MFA

Charged = tuple[World, Bank, Period]
SHARE = 23_143


@prepared
def charged() -> Charged:
    """Give each test a pool of seven of whom each owes 231.43."""
    return charged_world(100_000, 50_000)


def suggested(bank: Bank) -> list[list[tuple[int, list[str]]]]:
    """Return per unidentified receipt the numbers suggested, with the reasons."""
    found = reconciliation.unidentified(bank.account)
    told = suggestions.suggestions(bank.world.pool, found)
    return [
        [
            (one.membership.number, [reason.value for reason in one.reasons])
            for one in told.get(receipt.line.pk, [])
        ]
        for receipt in found
    ]


# --- references with one slip --------------------------------------------------------------------------------------


def test_every_single_slip_leads_back_to_the_reference() -> None:
    """Any digit of the number wrong, missing or doubled, any two neighbors swapped, any check digits: it is found."""
    chance = random.Random(20261128)
    for _case in range(200):
        number = chance.randrange(1, 10**9)
        reference = make_reference("test-pool", MEMBERSHIP, number)
        place, digit = chance.randrange(10, 19), chance.choice("0123456789")
        slips = {
            reference[:place] + digit + reference[place + 1 :],
            reference[:place] + reference[place + 1 :],
            reference[:place] + digit + reference[place:],
            reference[:2] + f"{chance.randrange(2, 99):02d}" + reference[4:],
        }
        if place < 18:
            slips.add(reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :])
        for slip in slips:
            assert number in near_memberships("test-pool", f"share {slip} thank you"), (reference, slip)


def test_another_pool_or_no_reference_is_near_nobody() -> None:
    reference = make_reference("other-pool", MEMBERSHIP, 17)
    assert near_memberships("test-pool", reference) == set()
    assert near_memberships("test-pool", "share of March, member 17") == set()
    assert near_memberships("test-pool", f"RF12{pool_token('test-pool')}T000000017") == set()


def test_few_others_are_near() -> None:
    """The check digits leave about one in a hundred of those that a slip could have meant."""
    chance = random.Random(7)
    near = [
        len(
            near_memberships("test-pool", f"RF{chance.randrange(2, 99):02d}{pool_token('test-pool')}M{n:09d}")
        )
        for n in chance.sample(range(1, 10**9), 300)
    ]
    assert max(near) <= 8
    assert sum(near) < 300 * 3


# --- suggestions ---------------------------------------------------------------------------------------------------


def test_slip_in_the_reference_is_suggested_first(charged: Charged) -> None:
    _world, bank, _period = charged
    wrong = bank.reference(3)[:-1] + "8"
    assert make_reference("test-pool", MEMBERSHIP, 8) != wrong
    bank.take(bank.statement(bank.line(IN, SHARE, text=wrong)))
    first = suggested(bank)[0][0]
    assert first == (3, ["reference", "amount"])


def test_who_paid_for_it_before_is_suggested(charged: Charged) -> None:
    """By a reference, or after a person had said so; spaces and capitals make no other side of it."""
    world, bank, _period = charged
    bank.take(
        bank.statement(
            bank.receipt(5, SHARE, counterparty="Wang Fang"),
            bank.line(IN, SHARE, counterparty="Zhao Lei", bank_reference="a"),
        )
    )
    line = StatementLine.objects.get(kind="unidentified")
    services.identify_receipt(
        receipt=line,
        membership=membership(world, 2),
        identifier=world.treasurer.code,
        at=line.statement.imported_at,
    )
    bank.take(
        bank.statement(
            bank.line(IN, 100, counterparty="WANG  fang"),
            bank.line(IN, 200, counterparty="zhao lei"),
            bank.line(IN, 300, counterparty="Somebody else"),
            bank.line(IN, 400),
        )
    )
    assert suggested(bank) == [[(5, ["payer"])], [(2, ["payer"])], [], []]


def test_amount_tells_only_where_few_owe_it(charged: Charged) -> None:
    """All seven owe the same: it tells nothing. Once four have paid, it is one of three."""
    _world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, SHARE, bank_reference="x")))
    assert suggested(bank) == [[]]
    bank.take(bank.statement(*(bank.receipt(number, SHARE) for number in (1, 2, 3, 4))))
    assert suggested(bank) == [[(5, ["amount"]), (6, ["amount"]), (7, ["amount"])]]


def test_in_a_larger_pool_an_amount_only_supports(charged: Charged, monkeypatch: pytest.MonkeyPatch) -> None:
    _world, bank, _period = charged
    monkeypatch.setattr(suggestions, "AMOUNT_TELLS_UP_TO", 6)
    bank.take(bank.statement(*(bank.receipt(number, SHARE) for number in range(1, 7))))
    bank.take(
        bank.statement(
            bank.line(IN, SHARE, bank_reference="x"),
            bank.line(IN, SHARE, text=bank.reference(7)[:-1] + "1", bank_reference="y"),
        )
    )
    assert suggested(bank)[0] == []
    assert (7, ["reference", "amount"]) in suggested(bank)[1]


def test_what_a_holding_reference_paid_too_much_is_nobody_elses(charged: Charged) -> None:
    _world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, 2 * SHARE), *(bank.receipt(n, SHARE) for n in range(2, 7))))
    assert suggested(bank) == [[]]


def test_suggestions_cost_the_same_for_one_and_for_many(charged: Charged) -> None:
    _world, bank, _period = charged
    counts = []
    for many in (1, 30):
        lines = [
            bank.line(
                IN,
                100 + n,
                text=bank.reference(4)[:-1] + "9",
                counterparty=f"N {n}",
                bank_reference=f"{many}.{n}",
            )
            for n in range(many)
        ]
        bank.take(bank.statement(*lines))
        found = reconciliation.unidentified(bank.account)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            suggestions.suggestions(bank.world.pool, found)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 7


# --- the page and the API ------------------------------------------------------------------------------------------


def choose(client: Client, **choices: int) -> Any:
    """Choose whose lines 1/N are, and match them all."""
    given = {f"whose-1/{name.removeprefix('line')}": number for name, number in choices.items()}
    return client.post(url("match"), {**given, **key()}, follow=True)


def test_chosen_receipts_are_matched_at_once(charged: Charged) -> None:
    world, bank, _period = charged
    lines = [
        bank.line(IN, SHARE, text=bank.reference(n)[:-1] + "9", bank_reference=f"{n}") for n in (1, 2, 3)
    ]
    bank.take(bank.statement(*lines))
    treasurer = client_of(world.treasurer)
    page = treasurer.get(url("unidentified")).content.decode()
    assert page.count("its reference, but for one slip") == 3
    done = choose(treasurer, line1=1, line2=2)
    assert "2 receipts are matched." in done.content.decode()
    assert [receipt.line.line_no for receipt in reconciliation.unidentified(bank.account)] == [3]
    assert set(Collection.objects.values_list("membership_id", flat=True)) == {
        membership(world, 1).pk,
        membership(world, 2).pk,
    }
    assert_books_true(world.pool)


def test_one_refusal_stops_no_other(charged: Charged) -> None:
    """The same membership twice owes nothing the second time: said by its code, and the first is done."""
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.line(IN, SHARE, bank_reference=f"{n}") for n in (1, 2))))
    done = choose(client_of(world.treasurer), line1=1, line2=1)
    assert done.status_code == 422
    text = done.content.decode()
    assert "1 receipt is matched." in text
    assert "<strong>1/2</strong>" in text
    assert Collection.objects.count() == 1


def test_double_click_matches_once(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, 2 * SHARE)))
    treasurer, given = client_of(world.treasurer), {"whose-1/1": 1, **key()}
    for _click in range(2):
        assert treasurer.post(url("match"), given).status_code == 302
    assert Collection.objects.count() == 1


def test_nothing_chosen_and_nonsense_are_told(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, SHARE)))
    treasurer = client_of(world.treasurer)
    assert "nothing_chosen" in treasurer.post(url("match"), {"whose-1/1": "", **key()}).content.decode()
    assert "nothing_chosen" in treasurer.post(url("match"), {"whose-1/x": "1", **key()}).content.decode()
    assert treasurer.post(url("match"), {"whose-9/9": "1", **key()}).status_code == 404
    assert "no_key" in treasurer.post(url("match"), {"whose-1/1": "1"}).content.decode()
    assert not Collection.objects.exists()


def test_only_the_treasurer_matches(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(bank.line(IN, SHARE)))
    for person, status in ((world.controller, 403), (world.auditor, 403), (world.stranger, 404)):
        assert client_of(person).post(url("match"), {"whose-1/1": 1, **key()}).status_code == status
    assert "whose-" not in client_of(world.controller).get(url("unidentified")).content.decode()


def api(person: User) -> Client:
    client = client_of(person)
    assert client.session[DEMO_MFA]
    return client


def test_programs_read_suggestions_and_identify(charged: Charged) -> None:
    world, bank, _period = charged
    bank.take(bank.statement(*(bank.receipt(n, SHARE) for n in range(1, 7)), bank.line(IN, SHARE)))
    address = "/api/v1/pools/test-pool/"
    rows = api(world.treasurer).get(f"{address}unidentified/").json()
    assert [(row["receipt"], row["open_fen"]) for row in rows] == [("1/7", SHARE)]
    assert rows[0]["suggestions"] == [
        {"membership_no": 7, "reasons": [Reason.AMOUNT.value], "owes_fen": SHARE}
    ]
    deed, headers = f"{address}statements/1/lines/7/identification/", {"Idempotency-Key": str(uuid.uuid4())}
    for person, status in ((world.controller, 403), (world.treasurer, 200), (world.treasurer, 200)):
        done = api(person).post(deed, {"membership_no": 7}, content_type="application/json", headers=headers)
        assert done.status_code == status
    assert done.json() == {"paid_fen": SHARE}
    assert api(world.treasurer).get(f"{address}unidentified/").json() == []
    assert api(world.auditor).get(f"{address}unidentified/").status_code == 403


# --- receipts of which something is left ---------------------------------------------------------------------------


def test_what_was_paid_too_much_long_ago_is_still_nobodys(charged: Charged) -> None:
    """It is found behind as many newer statements as there are, and with what bears no reference."""
    world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, SHARE + 500), bank.line(IN, 77)))
    for number in range(reconciliation.NEWEST + 2):
        bank.take(bank.statement(bank.receipt(2, 10 + number)))
    bank.take(bank.statement(bank.receipt(3, SHARE + 40), bank.receipt(4, SHARE)))

    def left() -> list[int]:
        return [one.open_fen for one in reconciliation.unidentified(bank.account)]

    assert sorted(left()) == [40, 77, 500]
    first = reconciliation.unidentified(bank.account)[0].line
    assert reconciliation.open_fen_of(first) == left()[0]
    order = services.order_payment(
        pool=world.pool, kind="refund", receipt=StatementLine.objects.get(amount_fen=SHARE + 500), amount_fen=500,
        payee_name="Li Si", payee_account="6222 7777 0000 3333", orderer=world.treasurer.code, at=clock.now(),
    )  # fmt: skip
    assert sorted(left()) == [40, 77]
    services.cancel_order(order=order, canceller=world.treasurer.code, at=clock.now())
    assert sorted(left()) == [40, 77, 500]


def test_receipts_that_are_nobodys_cost_as_many_queries_for_many_statements(charged: Charged) -> None:
    _world, bank, _period = charged
    bank.take(bank.statement(bank.receipt(1, SHARE + 500)))
    with CaptureQueriesContext(connection) as one:
        assert len(reconciliation.unidentified(bank.account)) == 1
    for number in range(reconciliation.NEWEST + 2):
        bank.take(bank.statement(bank.receipt(2, 10 + number)))
    with CaptureQueriesContext(connection) as many:
        assert len(reconciliation.unidentified(bank.account)) == 1
    assert len(many) == len(one) + 2  # the newest were not enough: the ones before are asked, once
