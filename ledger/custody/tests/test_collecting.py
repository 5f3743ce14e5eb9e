"""The end of a period's collection: stated once the bank has told of its last day, as things are by then."""

import json
from typing import Any

import pytest
from django.db import connection

from aidplatform.lib import clock
from aidplatform.testing.bank import membership
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused
from aidplatform.testing.world import run_jobs
from ledger.custody import write_offs
from ledger.custody.collecting_sql import figures_sql
from ledger.custody.tests.test_arrears_guarantees import Late, at
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import append
from ledger.openbooks.standalone import verify as stranger
from ledger.sharing.models import Charge, Period


@prepared
def late() -> Late:
    return Late.founded()


def closings(late: Late) -> list[dict[str, Any]]:
    entries = LogEntry.objects.filter(log__code=late.world.pool.code, type="collect.close").order_by("seq")
    return [json.loads(bytes(data))["body"] for data in entries.values_list("data", flat=True)]


def book_of_strangers(late: Late) -> stranger.CashBook:
    """Return what the stand-alone verifier has of journal, bills and collections; this pool's rules are in no log."""
    book = stranger.CashBook()
    entries = LogEntry.objects.filter(log__code=late.world.pool.code).order_by("seq")
    for seq, data in enumerate(entries.values_list("data", flat=True)):
        value = json.loads(bytes(data))
        if value["type"] == "period.close":
            book.periods[value["body"]["period"]] = {"period.close": value["body"]}
        elif value["type"] == "period.announce":
            book.awarded |= dict(value["body"]["cases"])
        elif value["type"] in {"book.entry", "collect.close"}:
            book.take(seq, value)
    return book


def share() -> int:
    return Charge.objects.filter(period_no=1).values_list("share_fen", flat=True)[0]


def test_collection_is_over_once_the_bank_has_told_of_its_last_day(late: Late) -> None:
    late.bank.take(late.bank.statement(late.bank.receipt(1, share()), late.bank.receipt(2, 7)))
    at("01-25")
    late.hears_before("01-24")
    run_jobs()
    assert closings(late) == []
    late.hears_before("01-25")
    run_jobs()
    charged, open_fen = 4 * share(), 3 * share() - 7
    assert closings(late) == [
        {
            "period": 1,
            "until": "2026-01-24",
            "charged": charged,
            "collected": share() + 7,
            "written_off": 0,
            "arrears": open_fen,
            "exits": 3,
            "open": [[1, open_fen]],
        }
    ]
    assert book_of_strangers(late).collected == {1}
    late.hears_before("01-26")
    run_jobs()
    assert len(closings(late)) == 1


def test_what_was_written_off_by_then_is_no_arrears(late: Late) -> None:
    late.bank.take(late.bank.statement(late.bank.receipt(1, 5)))
    one = write_offs.order_write_off(
        membership=membership(late.world, 1),
        orderer=late.world.treasurer.code,
        at=clock.now(),
        reason="left",
        reminders=0,
        upto_period_no=9,
    )
    write_offs.approve_write_off(
        write_off=one,
        approver=late.world.controller.code,
        shown_sha256=one.shown_sha256 or "",
        at=clock.now(),
    )
    late.bank.take(late.bank.statement(late.bank.receipt(1, 2)))
    at("01-25")
    late.hears_before("01-25")
    run_jobs()
    told = closings(late)[0]
    assert (told["collected"], told["written_off"], told["arrears"]) == (7, share() - 7, 3 * share())
    assert told["open"] == [[1, 3 * share()]]
    book_of_strangers(late)


def test_everything_paid_leaves_nothing_open(late: Late) -> None:
    late.bank.take(late.bank.statement(*(late.bank.receipt(number, share()) for number in range(1, 5))))
    at("01-25")
    late.hears_before("01-25")
    run_jobs()
    told = closings(late)[0]
    assert (told["collected"], told["arrears"], told["exits"], told["open"]) == (4 * share(), 0, 0, [])


def test_without_rules_for_arrears_it_is_over_with_the_charge_day(db: None) -> None:
    late = Late.founded(arrears=None)
    at("01-16")
    late.hears_before("01-16")
    run_jobs()
    assert closings(late)[0]["until"] == Period.objects.get(number=1).charge_date.isoformat()


def figures(late: Late) -> dict[str, Any]:
    """Return the figures of period 1 as they are now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {figures_sql('d')} FROM ledger_period d WHERE d.number = 1")
        found: dict[str, Any] = json.loads(cursor.fetchone()[0])
    return found


def test_log_states_collections_as_they_are(late: Late) -> None:
    code = late.world.pool.code

    def state(body: dict[str, Any], key: str = "1") -> None:
        append(code=code, entry_type="collect.close", key=key, body=body, at=clock.now())

    with refused("log_states_collections_as_they_are"):
        state(figures(late))
    at("01-25")
    late.hears_before("01-25")
    true = figures(late)
    less = {"arrears": true["arrears"] - 1, "collected": true["collected"] + 1}
    for lie in (less, {"open": []}, {"exits": 4}, {"until": "2026-01-23"}, {"charged": true["charged"] + 1}):
        with refused("log_states_collections_as_they_are"):
            state(true | lie)
    with refused("log_states_collections_as_they_are"):
        state(true | {"period": 2}, key="2")
    state(true)
    with refused("log_states_collections_as_they_are"):
        state(true)


@pytest.mark.parametrize("lie", ["arrears", "collected", "exits"])
def test_stranger_takes_no_negative_figure(late: Late, lie: str) -> None:
    at("01-25")
    late.hears_before("01-25")
    run_jobs()
    with pytest.raises(stranger.IsFalse, match="amount_in_range"):
        stranger.CashBook().collect_close(closings(late)[0] | {lie: -1}, 0, "")
