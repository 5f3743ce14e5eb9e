"""Whoever reads the books takes them along, whole or by period; nobody else does."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.testing.accounting_tools import TOOLS, judge
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of

HERE = "/pools/test-pool/ledger/exports/"


@pytest.mark.parametrize("kind", TOOLS)
def test_books_are_downloaded_whole_and_by_period(kind: str, db: None, tmp_path: Path) -> None:
    world, bank, _period = charged_world(100_000)
    bank.all_pay(unpaid=0.3)
    client = client_of(world.auditor)
    whole = client.get(f"{HERE}books.{kind}", secure=True)
    assert whole.headers["Content-Disposition"] == f'attachment; filename="test-pool.{kind}"'
    text = b"".join(whole.streaming_content).decode()  # type: ignore[attr-defined]
    assert judge(kind, text, tmp_path) == ""
    assert "Custody" in text
    period = client.get(f"{HERE}periods/1.{kind}", secure=True)
    assert judge(kind, b"".join(period.streaming_content).decode(), tmp_path) == ""  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", TOOLS)
def test_bank_may_tell_of_an_empty_account_before_the_first_entry(
    kind: str, db: None, tmp_path: Path
) -> None:
    world = World.founded(code="test-pool")
    bank = Bank(world)
    bank.take(bank.statement(days=3))
    client = client_of(world.auditor)

    def judged() -> str:
        answer = client.get(f"{HERE}books.{kind}", secure=True)
        return judge(kind, b"".join(answer.streaming_content).decode(), tmp_path)  # type: ignore[attr-defined]

    assert judged() == ""
    world.award(100_000)
    world.posted_period()
    assert judged() == ""


def test_files_are_the_same_in_every_language(db: None) -> None:
    world, _bank, _period = charged_world(100_000)
    client = client_of(world.auditor)
    texts = {
        b"".join(
            client.get(
                f"{HERE}books.hledger", secure=True, headers={"Accept-Language": language}
            ).streaming_content  # type: ignore[attr-defined]
        )
        for language in ("en", "zh-Hans")
    }
    assert len(texts) == 1


def test_page_offers_what_there_is(db: None) -> None:
    world = World.founded(code="test-pool")
    client = client_of(world.treasurer)
    assert "The journal is empty" in client.get(HERE, secure=True).content.decode()
    world.award(100_000)
    world.posted_period()
    page = client.get(HERE, secure=True).content.decode()
    for address in (f"{HERE}books.beancount", f"{HERE}books.hledger", f"{HERE}periods/1.hledger"):
        assert f'href="{address}"' in page
    assert (
        "整本账簿" in client.get(HERE, secure=True, headers={"Accept-Language": "zh-Hans"}).content.decode()
    )


def test_unknown_formats_and_periods_are_not_found(db: None) -> None:
    world, _bank, _period = charged_world(100_000)
    client = client_of(world.auditor)
    assert client.get(f"{HERE}books.ods", secure=True).status_code == 404
    assert client.get(f"{HERE}periods/9.hledger", secure=True).status_code == 404
    assert client_of(world.stranger).get(f"{HERE}books.hledger", secure=True).status_code == 404


def test_queries_do_not_grow_with_entries(db: None) -> None:
    world, bank, _period = charged_world(100_000)
    client = client_of(world.auditor)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as made:
            b"".join(client.get(f"{HERE}books.hledger", secure=True).streaming_content)  # type: ignore[attr-defined]
        return len(made)

    before = queries()
    for _day in range(5):
        bank.all_pay(unpaid=0.5)
    assert queries() == before
