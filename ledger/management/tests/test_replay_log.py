"""replay_log rebuilds balances, rates and a member's bills from the log alone, and says where the books differ."""

import json
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

from aidplatform.testing.signing import TestSigner
from aidplatform.tests.pages_helpers import public_world
from ledger.management.tests.conftest import unguarded_harm
from ledger.management.verdict import FALSE, TRUE, UNCHECKED
from ledger.openbooks.canonical import canonical_bytes
from ledger.openbooks.tests.years import Year
from ledger.sharing.roll_proofs import proof_of
from ledger.verification.replay import Replayed
from members.joining.models import Membership
from members.joining.tests.papers import paper
from members.joining.tests.test_secrets import joined


@pytest.fixture
def member(committed_db: tuple[str, str], tmp_path: Path) -> Membership:
    """Give the test a member with a document in a pool whose first period is posted and signed."""
    world = public_world()
    membership = joined(world)
    world.award(1_000_000)
    world.posted_period()
    TestSigner(tmp_path / "signer" / "state").sign()
    return membership


def replay(*arguments: object) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("replay_log", *map(str, arguments), stdout=out)
    assert isinstance(left.value.code, int)
    return left.value.code, out.getvalue()


def proof(member: Membership, folder: Path) -> Path:
    file = folder / "proof.json"
    file.write_text(json.dumps(proof_of(member, 1)))
    return file


def test_log_and_proof_give_the_books_and_the_bills(member: Membership, tmp_path: Path) -> None:
    given = ("--proof", proof(member, tmp_path), "--id", paper().number)
    code, said = replay("test-pool", "--balances", *given)
    assert code == TRUE, said
    assert "log_replays_to_bills" in said
    assert "201: debits 0, credits 1000000, balance -1000000" in said
    code, said = replay("test-pool", "--json")
    assert (code, json.loads(said)["result"]) == (TRUE, "true")
    # By another document nobody's line is found, though the books have charged the member.
    code, said = replay("test-pool", *given[:3], "E00000000")
    assert (code, "is_none" in said or "must be None" in said) == (FALSE, True)


def test_books_that_differ_are_named_with_both_figures(
    member: Membership, tmp_path: Path, committed_db: tuple[str, str]
) -> None:
    given = ("--proof", proof(member, tmp_path), "--id", paper().number)
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        unguarded_harm(
            owner, "UPDATE ledger_accountbalance SET credit_fen = credit_fen + 1 WHERE credit_fen = 1000000"
        )
        owner.execute("UPDATE ledger_charge SET share_fen = share_fen + 1")
        owner.execute(
            "UPDATE ledger_period SET classes = jsonb_set(classes, '{0,share_fen}', '1') WHERE classes IS NOT NULL"
        )
    code, said = replay("test-pool", *given)
    assert code == FALSE
    for name in ("balances", "rates", "bills"):
        assert f"FALSE  log_replays_to_{name}" in said
    assert "must be 1000000; is 1000001" in said


def test_what_is_not_there_could_not_be_checked(member: Membership, tmp_path: Path) -> None:
    assert replay("no-pool")[0] == UNCHECKED
    assert replay("test-pool", "--proof", tmp_path / "none.json")[0] == UNCHECKED
    (tmp_path / "other.json").write_text("{}")
    assert replay("test-pool", "--proof", tmp_path / "other.json")[0] == UNCHECKED


@pytest.mark.parametrize("seed", range(20))
def test_generated_years_replay_to_their_balances(seed: int) -> None:
    year = Year(seed)
    replayed = Replayed.of(canonical_bytes(entry) for entry in year.entries)
    accounts = {account for account, _side in replayed.balances}
    found = {one: replayed.balances[one, "D"] - replayed.balances[one, "C"] for one in accounts}
    assert found == {account: fen for account, fen in year.balance.items() if account in accounts}
    assert sorted(replayed.rates) == list(range(1, 13))
