"""The pages and endpoints of the daily reconciliation: who may open them, what they say, what they cost."""

import datetime as dt
import json
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import reconciled_days
from ledger.custody.statement_parts import IN
from ledger.sharing.models import Period

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/custody/reconciliation/"
API = "/api/v1/pools/test-pool/reconciliations/"


@pytest.fixture
def banked(charged: Charged) -> Charged:
    """Let the bank tell of all days up to yesterday, with money that is nobody's."""
    cache.clear()
    world, bank, _period = charged
    until = clock.today(world.pool.time_zone) - dt.timedelta(days=1)
    bank.take(next_statement(bank.account, until=until, unpaid=0.0, from_date=bank.day))
    bank.take(bank.statement(bank.line(IN, 999, text="no reference")))
    return charged


def pass_days(world: World, days: int) -> None:
    set_clock(clock.now() + dt.timedelta(days=days))
    reconciled_days.keep_day(world.pool, clock.now())


def words(content: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", content.decode()).split())


def test_keepers_and_checkers_read_it_and_nobody_else(banked: Charged) -> None:
    world = banked[0]
    for person in (world.treasurer, world.controller, world.auditor, world.admin):
        assert client_of(person).get(PAGE).status_code == 200
        assert client_of(person).get(API).status_code == 200
        assert client_of(person).get(f"{API}now/").status_code == 200
    for address in (PAGE, API, f"{API}now/"):
        assert client_of(world.stranger).get(address).status_code == 404
    assert client_of(None).get(PAGE).status_code == 302
    assert client_of(world.auditor).get(f"{PAGE}2020-01-01/").status_code == 404
    assert client_of(world.auditor).get(f"{PAGE}yesterday/").status_code == 404


def test_page_says_how_it_stands_and_what_is_nobodys(banked: Charged) -> None:
    world = banked[0]
    said = words(client_of(world.treasurer).get(PAGE).content)
    assert "Every rule is kept" in said
    assert "as it stands this minute" in said
    assert "250 Unidentified receipts ¥9.99 1 1 day" in said
    assert "each member's own check" in said


def test_red_day_names_rule_place_and_figures_on_page_and_in_the_api(banked: Charged) -> None:
    world = banked[0]
    pass_days(world, 8)
    day = clock.today(world.pool.time_zone)
    for address in (PAGE, f"{PAGE}{day}/", f"{PAGE}?now"):
        content = client_of(world.auditor).get(address).content
        said = words(content)
        assert "1 rule is broken" in said
        assert "Receipt 2/1 nobody&#x27;s for more than five bank days ¥0.00 ¥9.99" in said
        assert b'href="/pools/test-pool/custody/unidentified/"' in content
    told = json.loads(client_of(world.auditor).get(API).content)["results"]
    now = json.loads(client_of(world.auditor).get(f"{API}now/").content)
    assert [told[0]] == [now]
    broken = [one for one in now["verdicts"] if one["state"] == "broken"]
    finding = {
        "check": "unplaced",
        "kind": "receipt",
        "ref": "2/1",
        "unit": "money",
        "expected": 0,
        "found": 999,
    }
    assert broken == [{"rule": "R7", "state": "broken", "examined": 8, "broken": 1, "findings": [finding]}]


def test_public_line_and_api_tell_of_the_newest_day(db: None) -> None:
    cache.clear()
    world, bank, _period = charged_world(100_000, members=100)
    until = clock.today(world.pool.time_zone)
    bank.take(next_statement(bank.account, until=until, unpaid=0.0, from_date=bank.day))
    pass_days(world, 0)
    assert "found every rule kept" in words(client_of(None).get("/pools/test-pool/").content)
    pass_days(world, 15)
    said = words(client_of(None).get("/pools/test-pool/").content)
    assert re.search(r"the daily check of [^.]+ found 2 rules broken", said)
    assert "Every statement begins with the day and the balance that ended the last" in said
    row = json.loads(client_of(None).get("/api/v1/pools/test-pool/bank/").content)
    assert (row["checked_date"], row["rules_broken"]) == (str(clock.today(world.pool.time_zone)), 2)


def test_page_costs_as_many_queries_for_many_days_as_for_one(banked: Charged) -> None:
    world = banked[0]
    pass_days(world, 1)
    client, counts = client_of(world.auditor), []
    client.get(PAGE)
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
        for _day in range(3):
            pass_days(world, 1)
    assert counts[0] == counts[1]


def test_empty_page_before_the_first_statement(charged: Charged) -> None:
    world = charged[0]
    said = words(client_of(world.treasurer).get(PAGE).content)
    assert "No bank statement has been imported yet" in said
    cache.clear()
    assert client_of(world.treasurer).get(f"{API}now/").status_code == 404
