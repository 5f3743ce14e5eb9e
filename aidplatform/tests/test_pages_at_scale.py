"""Every page and list of a member, a reviewer and those who run a pool asks as much of 10,000 members as of a few.

The pages are taken from the resolver: one that is added is measured as well. Each page of a member is measured, or
stands in a list that says why not.
"""

from collections.abc import Iterable, Mapping

import pytest
from django.test import Client
from rest_framework.views import APIView

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import TODAY, ClaimCases
from aidplatform.testing.debits import ARREARS
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of, many_join, statements_of
from aidplatform.tests.test_pages_of_members import pages_of_members
from aidplatform.tests.test_policies import Address, addresses
from members.joining.services import admit_member
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_family import YOUNG, added, prepared

MANY = 10_000
#: They hand out files or lead elsewhere, or are of no pool.
LEFT_OUT = ("demo", "account_", "mfa_", "usersessions_", "health", "api_schema")

DEBIT = {"scheme": "card", "creditor_id": "Agreement 7", "first_notice_days": 3, "later_notice_days": 3}
FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
# Of one claim or one case, whose code stands in the address.
_ONE_CASE = "measured in aidplatform/tests/test_cases_at_scale.py"
# Nothing of a pool is in it.
_ONE_LINK = "reached by a link or a number of one's own, and of that one thing"
# Page of a member → why it is not measured here.
NOT_MEASURED = {
    "claim_step": _ONE_CASE, "own_paper": _ONE_CASE, "claim_findings": _ONE_CASE, "claim_letter": _ONE_CASE,
    "claim_letter_pdf": _ONE_CASE, "told_paper": _ONE_CASE,
    "jury_seat": _ONE_CASE, "take_to_jury": _ONE_CASE, "case": _ONE_CASE,
    "investigation_link": _ONE_LINK, "outside_review_link": _ONE_LINK, "arbitration_link": _ONE_LINK,
    "duty_invitation": _ONE_LINK, "download_my_data": _ONE_LINK, "my_complaint": _ONE_LINK,
    "kept_input": _ONE_LINK, "my_paper": "a paper of one signature",
    "my_jury": _ONE_CASE, "my_proof": _ONE_CASE,
    "my_rules": "opens where rules wait for an answer; measured in members/joining/tests/test_rule_answers.py",
}  # fmt: skip


def of_members(cases: ClaimCases, claim: str, child: int) -> dict[str, list[str]]:
    """Return where pages of a member are whose address names more than the pool, by the page's name."""
    pool, ahead = "/pools/test-pool/", "/pools/ahead/"
    return {
        "my_wallet": [f"{ahead}me/wallet/"],
        "my_statement": [f"{pool}me/statements/2026.pdf"],
        "check_charge": [f"{pool}me/proofs/1/"],
        "claim": [f"/claims/{claim}/"],
        "join_step": [
            f"{pool}join/{step}/" for step in ("who", "consent", "health", "plainly", "covenant", "sign")
        ],
        "family_step": [
            f"{pool}me/family/add/{step}/" for step in ("who", "consent", "health", "covenant", "sign")
        ],
        "child_leaving": [f"{pool}me/family/{child}/leave/"],
        "child_identity": [f"{pool}me/family/{child}/identity/"],
        "child_payer": [f"{pool}me/family/{child}/payer/"],
        # Also as the pages of pools with other rules have it.
        "my_pool": [f"{ahead}me/"],
    }


def counted_for_members(clients: Mapping[str, Client], places: Mapping[str, list[str]]) -> dict[str, int]:
    """Return how many statements each of these pages takes, by its address; all of them open."""
    counts, shut = {}, {}
    for name, paths in places.items():
        for path in paths:
            client = clients["joiner" if name == "join_step" else "member"]
            counts[path], status = statements_of(client, path)
            if status != 200:
                shut[path] = status
    assert shut == {}
    return counts


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
        count, status = statements_of(clients[sorted(page.duties or {"member"})[0]], page.path())
        if status == 200:
            counts[page] = count
    return counts


def clients_of(cases: ClaimCases) -> dict[str, Client]:
    """Return a browser for the member and for each duty."""
    world = cases.world
    return {
        "member": client_of(cases.claimant),
        "joiner": client_of(world.stranger),
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
    ahead = World.founded(code="ahead", members=5, funding=FUNDING)
    world = World.founded(members=120, arrears=ARREARS, debit=DEBIT)
    cases = ClaimCases.founded(world)
    admit_member(
        pool=ahead.pool, person=cases.claimant, class_no=0, from_at=clock.now(), joined_date=TODAY.date(),
        actor="test",
    )  # fmt: skip
    filled(world.pool, world.stranger, passport("JOINER0001"))
    # The pages of debits ask once for each of the three newest periods.
    for number in (1, 2, 3):
        share_another_case(world, f"C-{number}")
    cases.under_review()
    claim = cases.filed()
    child = added(cases.membership)
    prepared(cases.membership, passport("CHILD00002", YOUNG))
    clients = clients_of(cases)
    for client in clients.values():
        client.get("/")  # a session notes once that it is in use
    few = counted(clients, measured())
    places = of_members(cases, claim.code, child.number)
    few_of_members = counted_for_members(clients, places)
    # A page that only takes posts is none that anybody opens.
    opened = {
        page.name
        for page in pages_of_members().values()
        if clients["member"].get(page.path()).status_code != 405
    }
    seen = {page.name for page in few} | set(places)
    assert opened - seen == set(NOT_MEASURED)
    many_join(world, MANY)
    many_join(ahead, MANY)
    share_another_case(world, "C-4")
    assert counted_for_members(clients, places) == few_of_members
    assert world.pool.periods.order_by("-number")[0].headcount == MANY + 122
    assert len(few) > 150
    many = counted(clients, few)
    assert {
        page.path(): (count, many.get(page)) for page, count in few.items() if count != many.get(page)
    } == {}
