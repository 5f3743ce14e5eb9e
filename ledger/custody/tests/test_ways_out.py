"""Every way in which money leaves custody: each stands on a statement, and names who, who else, and from where."""

import ast
from pathlib import Path

import pytest

from aidplatform.lib import clock
from aidplatform.testing.bank import Bank
from aidplatform.testing.refusals import fire_deferred, refused
from aidplatform.testing.world import World
from ledger.books.forms import KINDS
from ledger.books.models import JournalEntry
from ledger.books.services import credit, debit
from ledger.custody.models import PaymentOrder, StatementLine
from ledger.custody.statement_parts import OUT
from ledger.openbooks import services as openbooks
from ledger.sharing.models import Period
from ledger.sharing.selectors import book_of

ROOT = Path(__file__).resolve().parents[3]
Charged = tuple[World, Bank, Period]


@pytest.mark.parametrize("kind", [kind for kind, _name in KINDS if kind not in {"", "reversal"}])
def test_no_kind_of_entry_leaves_custody_without_the_bank(charged: Charged, kind: str) -> None:
    """Whatever an insider calls it: what no statement shows is refused at the commit."""
    world, bank, _period = charged
    bank.all_pay()
    at = clock.now()
    with refused("custody_equals_bank"):
        openbooks.post_logged_entry(
            book=book_of(world.pool),
            key="insider/1",
            kind=kind,
            lines=[debit("140", 50), credit("101", 50)],
            entry_date=at.date(),
            at=at,
            description="nothing",
            source="nothing",
            maker=world.treasurer.code,
            checker=world.controller.code,
        )
        fire_deferred()


def test_custody_is_credited_in_one_place_alone() -> None:
    """A second place that books money out would need a line in this test, and its own proof below."""
    found = set()
    for app in ("aidplatform", "members", "claims", "ledger"):
        for path in (ROOT / app).rglob("*.py"):
            if not {"tests", "testing", "migrations"} & set(path.parts):
                found |= {(path.relative_to(ROOT).as_posix(), name) for name in _crediting(path)}
    assert found == {("ledger/custody/services.py", "_post_statement")}


def _crediting(path: Path) -> set[str]:
    """Return the functions of a file that hand `chart.CUSTODY` to what credits it."""
    names = set()
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                credited = {"credit": call.args[:1], "_pair": call.args[1:2]}.get(call.func.id, [])
                if any(ast.unparse(one) == "chart.CUSTODY" for one in credited):
                    names.add(function.name)
    return names


def test_each_way_out_names_maker_checker_and_source(charged: Charged) -> None:
    """A payment, a chargeback, a bank charge and an unknown debit: all from a statement, the payment by two people."""
    world, bank, _period = charged
    bank.all_pay()
    bank.release(bank.order_aid(world.pool.awards.get(code="C-1"), 100_000))
    bank.all_pay()
    bank.take(
        bank.statement(
            bank.line(OUT, 150, code="charge"),
            bank.line(OUT, 777, text="?"),
            bank.line(OUT, 23_143, text=bank.reference(7)),
        )
    )
    out = JournalEntry.objects.filter(
        book__code="test-pool", postings__account__code="101", postings__side="C"
    )
    assert set(out.values_list("kind", flat=True)) == {
        "payment_confirmed",
        "chargeback",
        "bank_fee",
        "bank_debit",
    }
    for entry in out:
        number = int(entry.source.removeprefix("statement test-pool/"))
        shown = StatementLine.objects.filter(statement__number=number, direction=OUT)
        assert entry.maker == world.treasurer.code
        assert entry.postings.get(account__code="101").amount_fen in set(
            shown.values_list("amount_fen", flat=True)
        )
    (order,) = PaymentOrder.objects.all()
    released = JournalEntry.objects.get(kind="payment_released")
    assert (order.ordered_by, order.released_by) == (world.treasurer.code, world.controller.code)
    assert (released.maker, released.checker) == (world.treasurer.code, world.controller.code)
    assert order.confirmed_line is not None
    assert order.confirmed_line.amount_fen == order.amount_fen
