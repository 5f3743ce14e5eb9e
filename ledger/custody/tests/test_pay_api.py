"""How to pay, for programs: the account, a reference whose check digits hold, and what is owed for whom."""

import pytest
from django.core.cache import cache

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.world import OPENED, World, set_clock
from aidplatform.tests.pages_helpers import PageClient, client_of, program_of
from ledger.custody.references import read_reference
from members.joining import payers
from members.joining.models import Membership
from members.joining.services import admit_member
from members.people.models import User

ADDRESS = "/api/v1/pools/test-pool/my-payment/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts."""
    cache.clear()


def admitted(world: World, name: str) -> tuple[Membership, User]:
    person = User.objects.create_user(f"{name}@people.example.org")
    membership = admit_member(
        pool=world.pool,
        person=person,
        class_no=0,
        from_at=clock.start_of_day(OPENED, world.pool.time_zone),
        joined_date=OPENED,
        actor="founding",
    )
    return membership, person


def test_program_is_told_what_the_page_says(world: World) -> None:
    (mine, me), (child, other) = admitted(world, "mine"), admitted(world, "other")
    link = payers.ask_payer(membership=child, payer_number=mine.number, at=clock.now())
    payers.accept_link(link=link, person=me)
    world.award(160_000)
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, world.pool.time_zone))
    program = program_of(me)
    told = program.get(ADDRESS).json()
    page = client_of(me).get("/pools/test-pool/me/").content.decode()
    for field in ("holder_name", "account_number", "bank_name", "reference"):
        assert told[field] in page
    assert read_reference("test-pool", told["reference"]).number == mine.number
    assert (told["open_fen"], told["before_fen"], told["total_fen"]) == (19_200, 0, 38_400)
    assert told["others"] == [{"member": child.number, "open_fen": 19_200}]
    assert told["currency"] == "CNY"
    assert told["code"] != told["code_of_any_amount"]
    bank = Bank(world)
    bank.take(bank.statement(bank.receipt(mine.number, 38_400)))
    paid = program.get(ADDRESS).json()
    assert (paid["total_fen"], paid["code"]) == (0, None)
    assert program_of(other).get(ADDRESS).json()["reference"] != told["reference"]


def test_no_pool_and_none_of_mine_answer_alike(world: World) -> None:
    admitted(world, "mine")
    program = program_of(world.stranger)
    refused = program.get(ADDRESS)
    absent = program.get(ADDRESS.replace("test-pool", "no-such-pool"))
    assert (refused.status_code, refused.content) == (absent.status_code, absent.content)
    assert refused.status_code == 404
    assert PageClient().get(ADDRESS).status_code == 401
