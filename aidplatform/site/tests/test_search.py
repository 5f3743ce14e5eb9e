"""The search: what each kind of person finds and, above all, what none of them does."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.site.search import LONGEST, MOST_HITS, shortened
from aidplatform.testing.bank import charged_world
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, post_another_period, public_world
from ledger.books.models import Posting
from ledger.custody.statement_parts import IN, OUT
from ledger.sharing import services as sharing
from members.people.models import User
from members.pools.services import found_pool, grant_founding_duty


@prepared
def cases() -> ClaimCases:
    """Give the test a pool with people for every step of a claim, on 20 May 2026."""
    return ClaimCases.founded()


def found(person: User | None, text: str, **options: Any) -> list[str]:
    """Return the addresses that the person finds, exact ones first."""
    return addresses(client_of(person, **options), text)


def addresses(client: Client, text: str) -> list[str]:
    response = client.get("/search/", {"q": text})
    assert response.status_code == 200
    hits = [*response.context["exact"], *(hit for group in response.context["groups"] for hit in group.hits)]
    return [hit.address for hit in hits if not hit.address.startswith("/docs/")]


def page(client: Client, text: str) -> str:
    return client.get("/search/", {"q": text}).content.decode()


# --- what everyone finds --------------------------------------------------------------------------------------


def test_everyone_finds_pools_cases_and_periods(db: None) -> None:
    world = public_world()
    world.award(1_000_000)
    world.posted_period()
    for text in ("test-pool", "TEST", "Test pool", "测试"):
        assert found(None, text) == ["/pools/test-pool/"]
    assert found(None, "c-1") == [reverse("award_period", args=["test-pool", "C-1"])]
    for text in ("1", "#1", "test-pool/1", "Test-Pool / 1", "１"):
        assert found(None, text)[0] == "/pools/test-pool/periods/1/"
    assert found(None, "other/1") == []
    assert found(None, "nothing of that name") == []


def test_everything_found_can_be_opened(db: None) -> None:
    world, bank, _period = charged_world(100_000, members=120)
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    for person in (None, world.stranger, world.admin, world.treasurer, world.auditor):
        client = client_of(person)
        for text in ("test", "C-1", "1", "test-pool/1"):
            assert addresses(client, text)
            for address in addresses(client, text):
                assert client.get(address, follow=True).status_code == 200, (person, address)


def test_manual_is_found_by_title_and_by_word_in_both_languages(db: None) -> None:
    assert "/docs/operating/" in page(client_of(None), "running IT")
    assert "/docs/operating/" in page(client_of(None), "idempotency-key")
    assert "/docs/operating/" in page(client_of(None, language="zh-hans"), "令牌")
    assert "/docs/operating/" not in page(client_of(None), "令牌")


# --- what not everyone finds ----------------------------------------------------------------------------------


def test_nobody_outside_finds_cases_and_periods_of_a_very_small_pool(db: None) -> None:
    world = World.founded(members=7)
    world.award(700_000)
    world.posted_period()
    case, period = reverse("award_period", args=["test-pool", "C-1"]), "/pools/test-pool/periods/1/"
    for person in (None, world.stranger):
        assert found(person, "C-1") == []
        assert period not in found(person, "test-pool/1")
    assert found(world.auditor, "C-1") == [case]
    assert found(world.auditor, "test-pool/1")[0] == period
    assert found(world.auditor, "C-1", second_factor=False) == []


def test_periods_and_cases_are_found_once_they_are_announced(db: None) -> None:
    world = public_world()
    world.award(1_000_000)
    sharing.open_period(pool=world.pool, at=clock.now())
    assert found(None, "C-1") == []
    assert found(world.admin, "C-1") == []
    assert found(None, "test-pool/1") == []
    assert found(world.stranger, "1") == []
    assert found(world.admin, "test-pool/1")[0] == "/pools/test-pool/periods/1/"


def test_draft_pool_is_found_by_its_founders_only(db: None) -> None:
    world = public_world()
    draft = found_pool(
        code="draft-pool", name_en="Draft", name_zh="草案", currency="CNY", time_zone="Asia/Shanghai",
        expected_members=10, founder="founding",
    )  # fmt: skip
    grant_founding_duty(pool=draft, person=world.stranger, duty="pool_admin", at=clock.now())
    assert found(None, "draft") == []
    assert found(world.admin, "draft") == []
    assert found(world.stranger, "草案") == ["/pools/draft-pool/"]
    assert found(world.stranger, "draft", second_factor=False) == []


def test_money_people_find_payments_entries_and_memberships_by_number(db: None) -> None:
    world, bank, _period = charged_world(100_000)
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    theirs = [
        reverse("period", args=["test-pool", 1]),
        reverse("custody_payment", args=["test-pool", 1]),
        reverse("entry", args=["test-pool", 1]),
        reverse("custody", args=["test-pool"]),
    ]
    for person in (world.treasurer, world.controller, world.auditor, world.admin):
        assert found(person, "test-pool/1") == theirs
        assert found(person, "1") == [*theirs, reverse("award_period", args=["test-pool", "C-1"])]
    for nobody in (None, world.stranger):
        assert found(nobody, "1") == []
    assert found(world.treasurer, "1", second_factor=False) == []
    assert found(world.treasurer, "999999999") == []


@pytest.mark.parametrize("text", ["1000.00", "1,000.00", "¥1000.00", "1000.0 元"])
def test_money_people_find_payments_and_entries_by_their_amount(db: None, text: str) -> None:
    world, bank, _period = charged_world(100_000)
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    hits = found(world.treasurer, text)
    assert hits[0] == reverse("custody_payment", args=["test-pool", 1])
    moved = Posting.objects.filter(amount_fen=100_000).values_list("entry__number", flat=True).distinct()
    assert set(hits[1:]) == {reverse("entry", args=["test-pool", number]) for number in moved}
    assert moved
    for nobody in (None, world.stranger):
        assert found(nobody, text) == []
    assert found(world.treasurer, "1000.01") == []


def test_money_people_find_bookings_of_the_bank_by_their_amount(db: None) -> None:
    """The newest first, each where it stands in its statement; a debit as well as money that came in."""
    world, bank, _period = charged_world(100_000)
    first, second = bank.line(IN, 4_321), bank.line(OUT, 4_321)
    bank.take(
        bank.statement(bank.receipt(1, 10), first, replace(second, text="other"), bank.receipt(2, 4_321))
    )
    statement = reverse("custody_statement", args=["test-pool", 1])
    for person in (world.treasurer, world.controller, world.auditor, world.admin):
        hits = [hit for hit in found(person, "43.21") if hit.startswith(statement)]
        assert hits == [f"{statement}?after={before}" for before in (3, 2, 1)]
    assert found(world.treasurer, "0.10")[0] == statement  # its first line
    for nobody in (None, world.stranger):
        assert found(nobody, "43.21") == []
    other = World.founded(code="other-pool", members=7)
    assert found(other.treasurer, "43.21") == []


def test_duty_in_one_pool_finds_nothing_in_another(db: None) -> None:
    one, bank, _period = charged_world(100_000)
    bank.all_pay()
    bank.order_aid(one.pool.awards.get(code="C-1"), 100_000)
    other = World.founded(code="other-pool", members=7)
    assert found(other.treasurer, "test-pool/1") == []
    assert found(other.treasurer, "1") == [reverse("custody", args=["other-pool"])]


def test_member_finds_their_own_place_by_its_number(cases: ClaimCases) -> None:
    number = cases.membership.number
    assert found(cases.claimant, str(number)) == [reverse("my_pool", args=["test-pool"])]
    assert found(cases.neighbor, str(number)) == []
    assert found(cases.reviewer, str(number)) == []


def test_claims_are_found_by_claimant_and_reviewers_alone(cases: ClaimCases) -> None:
    draft = cases.draft()
    own = reverse("claim", args=[draft.code])
    assert found(cases.claimant, draft.code) == [own]
    assert found(cases.reviewer, draft.code) == []
    claim = cases.filed()
    desk = reverse("review_claim", args=["test-pool", claim.code])
    for text in (claim.code, claim.code.lower(), claim.code[3:8]):
        assert found(cases.claimant, text) == [reverse("claim", args=[claim.code])]
        assert found(cases.reviewer, text) == found(cases.second, text) == [desk]
    world = cases.world
    for person in (None, cases.neighbor, world.stranger, world.admin, world.treasurer, world.auditor):
        assert found(person, claim.code) == []
    assert found(cases.reviewer, claim.code, second_factor=False) == []
    elsewhere = ClaimCases.founded(World.founded(code="other-pool"))
    assert found(elsewhere.reviewer, claim.code) == []


def test_page_says_nothing_of_health(cases: ClaimCases) -> None:
    claim = cases.filed()
    text = page(client_of(cases.reviewer), claim.code)
    assert claim.code in text
    assert not re.search(r"thyroid|lump|Li Na", text)


# --- how it is shown ------------------------------------------------------------------------------------------


def test_exact_code_stands_on_top_and_once(db: None) -> None:
    world = public_world()
    for code in ("C-11", "C-1", "C-12"):
        world.award(1_000_000, code)
    world.posted_period()
    response = client_of(None).get("/search/", {"q": "c-1"})
    assert [hit.code for hit in response.context["exact"]] == ["C-1"]
    assert sorted(hit.code for group in response.context["groups"] for hit in group.hits) == ["C-11", "C-12"]
    address = reverse("award_period", args=["test-pool", "C-1"])
    assert response.content.decode().count(f'"{address}"') == 1


def test_long_list_is_cut_and_says_so_and_keeps_the_exact_one(db: None) -> None:
    world = public_world()
    for number in range(MOST_HITS + 3):
        world.award(10_000, f"2026-{number:04d}")
    world.award(10_000, "2026")
    world.posted_period()
    response = client_of(None).get("/search/", {"q": "2026"})
    assert [hit.code for hit in response.context["exact"]] == ["2026"]
    (cases,) = [group for group in response.context["groups"] if group.name == "Cases"]
    assert (len(cases.hits), cases.is_cut) == (MOST_HITS, True)
    assert "There are more" in response.content.decode()


@pytest.mark.parametrize("text", ["", "   ", "\u0000", "\n"])
def test_nothing_asked_says_what_can_be_searched(db: None, text: str) -> None:
    shown = page(client_of(None), text)
    assert "What can be searched" in shown
    assert "Nothing found" not in shown


def test_nothing_found_says_so_and_what_can_be_searched(db: None) -> None:
    shown = page(client_of(None), "xyzzy")
    assert "Nothing found" in shown
    assert "What can be searched" in shown
    assert "没有找到" in page(client_of(None, language="zh-hans"), "xyzzy")


@pytest.mark.parametrize(
    "text", ["<b>bold</b>", "100%", "_", "\\", "'; --", "9" * 80, "x\u0000y", "😀" * 100]
)
def test_any_text_is_harmless(db: None, text: str) -> None:
    public_world()
    shown = page(client_of(None), text)
    assert "<b>bold" not in shown
    assert "/pools/test-pool/" not in re.sub(r"(?s)<header class=.topbar.*?</header>", "", shown)


def test_text_is_one_line_of_sane_length() -> None:
    assert shortened("  demo\n/ \t3 \x00") == "demo / 3"
    assert len(shortened("x" * 10_000)) == LONGEST


def test_box_stands_on_every_page_and_keeps_its_text(db: None) -> None:
    for address in ("/", "/docs/", "/no/such/page/"):
        assert 'name="q"' in client_of(None).get(address).content.decode()
    assert 'value="demo &lt;3"' in page(client_of(None), "demo <3")


def test_search_is_only_read(db: None) -> None:
    assert client_of(None).post("/search/", {"q": "x"}).status_code == 405


def queries_of(client: Client, text: str) -> int:
    """Return how many queries a search takes, but for what the first request of a session costs."""
    addresses(client, text)
    with CaptureQueriesContext(connection) as captured:
        addresses(client, text)
    return len(captured)


@pytest.mark.parametrize("text", ["1", "C-", "test", "10000.00"])
def test_search_costs_the_same_for_one_and_three(db: None, text: str) -> None:
    world = public_world()
    world.award(1_000_000)
    world.posted_period()
    clients = [client_of(None), client_of(world.auditor)]
    before = [queries_of(client, text) for client in clients]
    for number in (2, 3):
        post_another_period(world, f"C-{number}")
    assert [queries_of(client, text) for client in clients] == before
