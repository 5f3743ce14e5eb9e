"""Every page and list of a member, a reviewer and those who run a pool asks as much of 10,000 members as of a few.

The pages are taken from the resolver: one that is added is measured as well.
"""

from collections.abc import Iterable, Mapping

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.views import APIView

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import TODAY, ClaimCases
from aidplatform.testing.world import OPENED, World, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.tests.test_policies import Address, addresses
from members.joining.services import admit_group

MANY = 10_000
#: They hand out files or lead elsewhere, or are of no pool.
LEFT_OUT = ("demo", "account_", "mfa_", "usersessions_", "health", "api_schema")


def measured() -> list[Address]:
    """Return the addresses that a pool alone names: pages, lists and tables."""
    return [
        one
        for one in addresses()
        if "<" not in one.route.replace("<slug:code>", "")
        and "(" not in one.route
        and not one.name.startswith(LEFT_OUT)
    ]


def counted(clients: Mapping[str, Client], pages: Iterable[Address]) -> dict[Address, int]:
    """Return how many statements each page takes that opens by a GET, read to its end."""
    counts = {}
    for page in pages:
        with CaptureQueriesContext(connection) as queries:
            status = read(clients, page)
        if status == 200:
            counts[page] = len(queries)
    return counts


def read(clients: Mapping[str, Client], page: Address) -> int:
    """Open a page as who may, and read it to its end."""
    response = clients[sorted(page.duties or {"member"})[0]].get(page.path())
    if response.streaming:
        b"".join(response.streaming_content)
    return response.status_code


def clients_of(cases: ClaimCases) -> dict[str, Client]:
    """Return a browser for the member and for each duty."""
    world = cases.world
    return {
        "member": client_of(cases.claimant),
        "pool_admin": client_of(world.admin),
        "controller": client_of(world.controller),
        "treasurer": client_of(world.treasurer),
        "auditor": client_of(world.auditor),
        "reviewer": client_of(cases.reviewer),
        "second_reviewer": client_of(cases.second),
    }


def share_another_case(world: World, code: str) -> None:
    """Post a period that nobody has paid yet; the day is the same again afterwards."""
    world.award(1_000_000, code)
    world.posted_period()
    set_clock(TODAY)


def test_pages_ask_as_much_of_ten_thousand_members_as_of_a_few(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(APIView, "throttle_classes", [])
    # On a busy machine pages give up counting debits, and ask less.
    monkeypatch.setattr("ledger.custody.charge_selectors.PATIENCE_MS", 60_000)
    cases = ClaimCases.founded(members=120)
    world = cases.world
    # The pages of debits ask once for each of the three newest periods.
    for number in (1, 2, 3):
        share_another_case(world, f"C-{number}")
    cases.under_review()
    cases.filed()
    clients = clients_of(cases)
    for client in clients.values():
        client.get("/")  # a session notes once that it is in use
    few = counted(clients, measured())
    admit_group(
        pool=world.pool,
        count=MANY,
        class_no=0,
        from_at=clock.start_of_day(OPENED, world.pool.time_zone),
        joined_date=OPENED,
        actor="test",
    )
    share_another_case(world, "C-4")
    assert world.pool.periods.order_by("-number")[0].headcount == MANY + 122
    assert len(few) > 150
    many = counted(clients, few)
    assert {
        page.path(): (count, many.get(page)) for page, count in few.items() if count != many.get(page)
    } == {}
