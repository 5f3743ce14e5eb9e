"""A member's shares and place for their programs: every figure of the pages, and nothing of anybody else's."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.endings import end_by_two
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import PageClient, client_of, post_another_period, program_of
from ledger.disclosure.tests.test_my_shares import join, text
from members.joining.models import Membership
from members.people.models import User

POOL = "/api/v1/pools/test-pool/"
MINE = ("my-place/", "my-charges/", "my-statements/", "my-statements/2026/")


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts."""
    cache.clear()


@prepared
def member() -> tuple[World, Membership]:
    """Give the test a pool of 150 and one member with an account, and a posted period."""
    world = World.founded(members=149)
    membership = join(world, "member@example.org")
    world.award(1_000_000)
    world.posted_period()
    return world, membership


def person_of(membership: Membership) -> User:
    assert membership.person is not None
    return membership.person


def test_share_comes_with_its_bill_its_parts_and_its_cases(member: tuple[World, Membership]) -> None:
    _world, membership = member
    row = program_of(person_of(membership)).get(f"{POOL}my-charges/").json()["results"][0]
    assert [(part["code"], part["amount"]) for part in row["parts"]] == [
        ("aid", 666_666),
        ("fee", 53_333),
        ("rounding", 1),
    ]
    assert sum(part["amount"] for part in row["parts"]) == row["share_fen"] * 100
    bill = row["bill"]
    assert (bill["headcount"], bill["cases"], bill["aid_fen"], bill["fee_fen"]) == (150, 1, 1_000_000, 80_000)
    costs = bill["aid_fen"] + bill["other_costs_fen"] + bill["fee_fen"] + bill["reserve_contribution_fen"]
    paid = bill["assessed_fen"] + bill["sponsor_fen"] + bill["reserve_drawn_fen"] + bill["carry_in_fen"]
    assert paid == costs + bill["carry_out_fen"]
    assert (row["class_no"], row["weight"], row["cap_fen"], row["is_at_cap"]) == (0, 1, None, False)
    assert (row["collected_fen"], row["open_fen"]) == (0, 7_200)
    assert [(case["code"], case["aid_fen"], case["disease"]) for case in row["cases"]] == [
        ("C-1", 1_000_000, "thyroid cancer")
    ]
    shown = text(client_of(membership.person).get("/pools/test-pool/me/shares/"))
    for part in row["parts"]:
        assert f"{part['amount'] / 10_000:.4f} {part['name']}" in shown


def test_charges_cost_the_same_for_one_and_three(member: tuple[World, Membership]) -> None:
    world, membership = member
    program = program_of(person_of(membership))
    program.get(f"{POOL}my-charges/")
    with CaptureQueriesContext(connection) as one:
        program.get(f"{POOL}my-charges/")
    for number in (2, 3):
        post_another_period(world, f"C-{number}")
    with CaptureQueriesContext(connection) as three:
        answer = program.get(f"{POOL}my-charges/").json()
    assert len(three) == len(one)
    assert [row["period"] for row in answer["results"]] == [3, 2, 1]
    assert [len(row["cases"]) for row in answer["results"]] == [1, 1, 1]


def test_place_says_what_the_page_says(member: tuple[World, Membership]) -> None:
    _world, membership = member
    program = program_of(person_of(membership))
    place = program.get(f"{POOL}my-place/").json()
    assert (place["number"], place["currency"], place["is_signed"]) == (150, "CNY", False)
    assert (place["next_publicity_date"], place["next_charge_date"]) == ("2026-02-07", "2026-01-14")
    assert (place["year"], place["year_fen"], place["year_cap_fen"]) == (2026, 7_200, None)
    assert (place["periods"], place["all_fen"], place["coming"]) == (1, 7_200, [])
    assert (place["owed_before_fen"], place["waiting_proof"], place["bears_run_off"]) == (0, None, None)


def test_place_says_what_comes_and_what_the_end_of_the_pool_asks(db: None) -> None:
    world = World.founded(members=149)
    membership = join(world, "member@example.org")
    program = program_of(person_of(membership))
    world.award(1_000_000)
    world.announced_period()
    coming = program.get(f"{POOL}my-place/").json()["coming"]
    assert coming == [
        {
            "period": 1,
            "state": "announced",
            "publicity_date": "2026-01-07",
            "publicity_end_date": "2026-01-10",
            "charge_date": "2026-01-14",
            "at_most_fen": 7_200,
            "cap_fen": None,
            "is_exact": False,
        }
    ]
    end_by_two(world)
    place = program.get(f"{POOL}my-place/").json()
    assert (place["bears_run_off"], place["run_off_cap_fen"]) == (True, None)


def test_statement_is_that_of_the_page(member: tuple[World, Membership]) -> None:
    _world, membership = member
    program = program_of(person_of(membership))
    assert program.get(f"{POOL}my-statements/").json() == [{"year": 2026, "periods": 1, "share_fen": 7_200}]
    paper = program.get(f"{POOL}my-statements/2026/")
    assert paper.headers["Content-Type"] == "application/pdf"
    assert (
        paper.content == client_of(membership.person).get("/pools/test-pool/me/statements/2026.pdf").content
    )
    assert program.get(f"{POOL}my-statements/2025/").status_code == 404


@pytest.mark.parametrize("tail", MINE)
def test_no_pool_and_none_of_mine_answer_alike(member: tuple[World, Membership], tail: str) -> None:
    world, membership = member
    assert program_of(person_of(membership)).get(POOL + tail).status_code == 200
    for other in (world.stranger, world.controller):
        program = program_of(other)
        refused, absent = program.get(POOL + tail), program.get(f"/api/v1/pools/no-such-pool/{tail}")
        assert (refused.status_code, refused.content) == (absent.status_code, absent.content)
        assert refused.status_code == 404
    assert PageClient().get(POOL + tail).status_code == 401
