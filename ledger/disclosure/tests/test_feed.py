"""The feed of announced cases: valid, stable, in both languages, and only what everyone is told."""

import datetime as dt
import xml.etree.ElementTree as ET
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import OPENED, World, run_jobs
from aidplatform.tests.pages_helpers import client_of, post_another_period
from ledger.sharing import services

ATOM = "{http://www.w3.org/2005/Atom}"


def _read(world: World, language: str = "en", **headers: str) -> Any:
    return client_of(None).get(f"/pools/{world.pool.code}/cases/{language}.atom", headers=headers)


def _tree(world: World, language: str = "en") -> ET.Element:
    return ET.fromstring(_read(world, language).content)


def _entries(world: World, language: str = "en") -> list[dict[str, str]]:
    entries = _tree(world, language).iter(f"{ATOM}entry")
    return [{child.tag.removeprefix(ATOM): child.text or "" for child in entry} for entry in entries]


@prepared
def world() -> World:
    """Return a pool that everybody may see, with one announced case."""
    world = World.founded(members=120)
    services.announce_award(
        pool=world.pool,
        code="C-1",
        claim_code="claim-C-1",
        masked={
            "age_band": "30-39", "sex": "f", "region": "tibet", "disease": "leukemia", "month": "2026-01",
            "joined": f"{OPENED:%Y-%m}",
        },
        aid_fen=1_000_000,
        announcer="service",
        at=clock.now(),
    )  # fmt: skip
    world.announced_period()
    return world


def test_feed_has_all_that_atom_asks_for(world: World) -> None:
    answer = _read(world)
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ET.fromstring(answer.content)
    assert root.tag == f"{ATOM}feed"
    for holder in (root, *root.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (found,) = holder.findall(f"{ATOM}{name}")
            assert found.text
        assert holder.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert str(links["self"]).endswith(f"/pools/{world.pool.code}/cases/en.atom")


def test_feed_tells_what_everyone_is_told(world: World) -> None:
    (entry,) = _entries(world)
    assert entry["title"] == "Case C-1"
    assert "Cancer. Age: –, sex: –, region: –. Month: 2026-01. Aid: ¥10,000.00." in entry["summary"]
    assert "Public until 2026-01-" in entry["summary"]
    for kept in ("eukemia", "ibet", "30", "emale"):
        assert kept not in entry["summary"].replace("2026-01-30", "")


def test_feed_is_in_both_languages_by_its_address(world: World) -> None:
    english, chinese = _entries(world)[0], _entries(world, "zh-hans")[0]
    assert english["id"] == chinese["id"]
    assert english["title"] != chinese["title"]
    assert "癌症" in chinese["summary"]
    assert _tree(world, "zh-hans").get("{http://www.w3.org/XML/1998/namespace}lang") == "zh-hans"
    assert _read(world, "fr").status_code == 404


def test_reader_that_has_it_is_told_so(world: World) -> None:
    first = _read(world)
    assert "max-age=300" in first["Cache-Control"]
    assert "public" in first["Cache-Control"]
    again = _read(world, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert _read(world).content == first.content


def test_new_case_comes_first_and_others_keep_their_ids(world: World) -> None:
    before = _entries(world)
    period = world.computed_period(world.pool.periods.get())
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    post_another_period(world, "C-2")
    after = _entries(world)
    assert [entry["title"] for entry in after] == ["Case C-2", "Case C-1"]
    assert after[1]["id"] == before[0]["id"]
    assert after[0]["updated"] == _tree(world).findtext(f"{ATOM}updated")


def test_feed_of_a_very_small_pool_is_empty_and_stays_the_same(db: None) -> None:
    world = World.founded(members=30)
    world.award(1_000_000)
    world.announced_period()
    assert _entries(world) == []
    assert _read(world).content == _read(world).content
    updated = dt.datetime.fromisoformat(_tree(world).findtext(f"{ATOM}updated", ""))
    assert updated == clock.start_of_day(OPENED, world.pool.time_zone)


def test_withdrawn_case_leaves_the_feed(world: World) -> None:
    services.withdraw_award(
        award=world.pool.awards.get(), why="objection_upheld", withdrawer="service", at=clock.now()
    )
    assert _entries(world) == []


def test_feed_takes_as_many_queries_for_three_cases_as_for_one(db: None) -> None:
    counts = []
    for number in (1, 3):
        world = World.founded(code=f"pool-{number}", members=120)
        for case in range(number):
            world.award(1_000_000, f"C-{case}")
        world.announced_period()
        with CaptureQueriesContext(connection) as queries:
            assert len(_entries(world)) == number
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_pages_of_the_periods_lead_to_the_feeds(world: World) -> None:
    text = client_of(None).get(f"/pools/{world.pool.code}/periods/").content.decode()
    assert text.count(f"/pools/{world.pool.code}/cases/en.atom") == 2
    assert text.count(f"/pools/{world.pool.code}/cases/zh-hans.atom") == 2
