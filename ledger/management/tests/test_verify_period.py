"""verify_period tells a true period from a false one, by shard, membership and the two figures that differ."""

import hashlib
import json
import re
import tracemalloc
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from aidplatform.testing.world import TERMS, World
from ledger.management.tests.conftest import unguarded_harm
from ledger.management.tests.test_verify_books import found
from ledger.management.verdict import FALSE, TRUE, UNCHECKED
from ledger.sharing.models import Charge, Period
from ledger.sharing.verify.one_period import BY_MEMBERSHIP, SENTENCES

CLASSES = [
    {"class_no": no, "weight": weight, "name_en": f"Class {no}", "name_zh": f"类别{no}"}
    for no, weight in ((0, 10), (2, 15), (7, 40))
]
MEMBERS = {0: 9, 2: 4, 7: 6}
LAYOUTS = pytest.mark.parametrize("large", [False, True], ids=["one table", "a table per period"])
PERIOD = "(SELECT id FROM ledger_period)"
SOMEBODY = "(SELECT max(membership_id) FROM members_span WHERE class_no = 2)"


@pytest.fixture
def harmed(committed_db: tuple[str, str], settings: Any) -> Iterator[psycopg.Connection]:
    """Give the test its own database, shards of four ids, and the owner's connection to do harm."""
    settings.SHARD_MEMBERS = 4
    with psycopg.connect(committed_db[0], autocommit=True) as owner:
        yield owner


def founded(*, large: bool = False, **terms: Any) -> World:
    world = World.founded(code="classes", members=MEMBERS, large=large, classes=CLASSES, **terms)
    world.award(1_000_003, "C-1")
    world.award(777, "C-2")
    return world


def verify(*arguments: str, pool: str = "classes", number: int = 1) -> tuple[int, str]:
    """Run the command; return its exit code and what it said."""
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_period", "--pool", pool, "--number", str(number), *arguments, stdout=out)
    return left.value.code, out.getvalue()


def findings(**period: Any) -> tuple[int, dict[str, list[dict[str, str]]], list[str]]:
    """Return exit code, findings by code of statement, and what was not checked."""
    code, said = verify("--json", **period)
    answer = json.loads(said)
    false = {one["code"]: one["findings"] for one in answer["statements"] if one["false"]}
    return code, false, answer["unchecked"]


@LAYOUTS
def test_a_posted_period_with_several_classes_is_true(harmed: psycopg.Connection, large: bool) -> None:
    world = founded(large=large)
    period = world.posted_period()
    assert period.manifest.count() > 3
    assert len(set(Charge.objects.filter(pool_id=world.pool.pk).values_list("share_fen"))) == 3
    code, said = verify()
    assert code == TRUE, said
    assert said.endswith("All statements are true.\n")
    assert "[19 checked]" in next(line for line in said.splitlines() if "charge_equals_class_rate" in line)
    assert not [line for line in said.splitlines() if line.endswith("[0 checked]")]


def test_a_period_whose_cases_are_capped_is_true(harmed: psycopg.Connection) -> None:
    aid = [{"severity": "severe", "age_from": 0, "age_before": 60, "max_aid_fen": 10_000}]
    period = founded(per_case_cap_fen=5_000, aid=aid).posted_period()
    assert (period.sponsor_fen or 0) > 0
    code, said = verify()
    assert code == TRUE, said


def test_a_computed_period_is_held_by_manifest_and_figures(harmed: psycopg.Connection) -> None:
    founded().computed_period()
    code, said = verify()
    assert code == TRUE, said
    unguarded_harm(harmed, f"INSERT INTO ledger_charge_{_leaf(harmed)} SELECT 1, 5, {_leaf(harmed)}, 1")
    code, false, _unchecked = findings()
    finding = found(false, "charge_equals_class_rate", "period classes/1, charges before it is posted")
    assert (code, finding["expected"], finding["found"]) == (FALSE, "0", "1")


def _leaf(owner: psycopg.Connection) -> int:
    """Return the pool's number after making sure that it has its table of charges, by an earlier pool's example."""
    (pool,) = owner.execute("SELECT id FROM members_pool WHERE code = 'classes'").fetchone()
    owner.execute(
        f"CREATE TABLE IF NOT EXISTS ledger_charge_{pool} PARTITION OF ledger_charge FOR VALUES IN ({pool})"
    )
    owner.execute(f"GRANT SELECT ON ledger_charge_{pool} TO aid_app")
    return int(pool)


# the statement, harm, the beginning of the place, the figure that must stand, the one that does
FALSE_PERIODS = [
    (
        "charge_equals_class_rate",
        f"UPDATE ledger_charge SET share_fen = share_fen + 1 WHERE membership_id = {SOMEBODY}",
        r"shard \d+, membership",
        "{share} fen for class 2",
        "{share_1} fen",
    ),
    (
        "charge_equals_class_rate",
        f"DELETE FROM ledger_charge WHERE membership_id = {SOMEBODY}",
        "membership",
        "{share} fen for class 2",
        "no charge",
    ),
    (
        "charge_equals_class_rate",
        "INSERT INTO ledger_charge SELECT max(membership_id) + 1000, 7, max(pool_id), 1 FROM ledger_charge",
        "in no shard, membership",
        "no charge: not counted",
        "7 fen",
    ),
    (
        "charge_equals_class_rate",
        f"""ALTER TABLE ledger_charge DROP CONSTRAINT one_charge_per_membership_and_period;
            INSERT INTO ledger_charge SELECT * FROM ledger_charge WHERE membership_id = {SOMEBODY}""",
        "membership",
        "met once",
        "met again, with {share} fen",
    ),
    (
        "shard_matches_manifest",
        f"UPDATE ledger_charge SET share_fen = share_fen + 1 WHERE membership_id = {SOMEBODY}",
        "shard",
        "charges of",
        "charges of",
    ),
    (
        "posted_charges_equal_assessed",
        f"DELETE FROM ledger_charge WHERE membership_id = {SOMEBODY}",
        "members counted and charged",
        "19",
        "18",
    ),
    (
        "shard_matches_manifest",
        "UPDATE ledger_manifestline SET want_fen = want_fen + 1 WHERE shard_no = 2",
        "shard 2, fen wanted",
        "",
        "",
    ),
    (
        "manifest_is_the_headcount",
        "UPDATE ledger_manifestline SET members = members + 1 WHERE shard_no = 2",
        "shard 2, members",
        "4",
        "5",
    ),
    (
        "manifest_is_the_headcount",
        """UPDATE ledger_manifestline SET members = members + 1, counts = counts || jsonb_build_object('0',
             1 + coalesce((counts->>'0')::int, 0)) WHERE shard_no = 1""",
        "classes",
        "{{0: 10, 2: 4, 7: 6}}",
        "{{0: 9, 2: 4, 7: 6}}",
    ),
    (
        "share_follows_need",
        """UPDATE ledger_manifestline SET members = members + 1, counts = counts || jsonb_build_object('0',
             1 + coalesce((counts->>'0')::int, 0)) WHERE shard_no = 1""",
        "class 2",
        "",
        "{share}",
    ),
    (
        "snapshot_is_unchanged",
        "UPDATE ledger_manifestline SET ids_hash = 5 WHERE shard_no = 1",
        "shard 1, hash of ids and classes",
        "5",
        "",
    ),
    (
        "snapshot_is_unchanged",
        f"UPDATE members_span SET class_no = 0 WHERE membership_id = {SOMEBODY}",
        "people",
        "2: ",
        "0: ",
    ),
    ("need_follows_bill", f"UPDATE ledger_period SET need_fen = 5 WHERE id = {PERIOD}", "need", "", "5"),
    (
        "fee_follows_plan",
        f"""ALTER TABLE ledger_period DROP CONSTRAINT period_identity_holds;
            UPDATE ledger_period SET fee_fen = fee_fen - 1 WHERE id = {PERIOD}""",
        "",
        "80063",
        "80062",
    ),
    (
        "period_identity_holds",
        f"""ALTER TABLE ledger_period DROP CONSTRAINT period_identity_holds;
            UPDATE ledger_period SET fee_fen = fee_fen - 1 WHERE id = {PERIOD}""",
        "",
        "",
        "",
    ),
    (
        "share_follows_need",
        f"UPDATE ledger_period SET classes = jsonb_set(classes, '{{{{1,share_fen}}}}', '1') WHERE id = {PERIOD}",
        "class 2",
        "{share}",
        "1",
    ),
    (
        "awards_sum_to_aid",
        "UPDATE ledger_award SET aid_fen = 778 WHERE code = 'C-2'",
        "",
        "2 cases, 1000781 fen",
        "2 cases, 1000780 fen",
    ),
    (
        "carry_follows_the_books",
        f"""ALTER TABLE ledger_period DROP CONSTRAINT period_identity_holds;
            UPDATE ledger_period SET carry_in_fen = 3 WHERE id = {PERIOD}""",
        "carry in",
        "0",
        "3",
    ),
    (
        "shown_hash_is_of_the_figures",
        f"UPDATE ledger_period SET other_income_fen = 1 WHERE id = {PERIOD}",
        "shown",
        "",
        "",
    ),
    (
        "plan_version_is_permanent",
        "UPDATE members_planversion SET terms = jsonb_set(terms, '{{fee,rate}}', '\"9/100\"')",
        "plan version 1",
        "",
        "",
    ),
]


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    FALSE_PERIODS,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(FALSE_PERIODS)],
)
def test_a_false_period_is_false(
    harmed: psycopg.Connection, code: str, sql: str, where: str, expected: str, actual: str
) -> None:
    period = founded().posted_period()
    share = next(c["share_fen"] for c in period.classes if c["class_no"] == 2)
    unguarded_harm(harmed, sql.format())
    exit_code, false, _unchecked = findings()
    assert exit_code == FALSE
    assert code in false, sorted(false)
    figures = {"share": share, "share_1": share + 1}
    matching = [one for one in false[code] if re.search(where, one["where"])]
    assert matching, false[code]
    assert any(
        expected.format(**figures) in one["expected"] and actual.format(**figures) in one["found"]
        for one in matching
    ), matching
    assert all(one["expected"] != one["found"] for one in matching)


def test_every_statement_is_broken_by_some_case() -> None:
    assert {case[0] for case in FALSE_PERIODS} == set(SENTENCES)


def test_a_false_charge_of_a_large_pool_is_named(harmed: psycopg.Connection) -> None:
    founded(large=True).posted_period()
    unguarded_harm(harmed, f"UPDATE ledger_charge SET share_fen = 1 WHERE membership_id = {SOMEBODY}")
    (somebody,) = harmed.execute(f"SELECT {SOMEBODY}").fetchone()
    exit_code, said = verify()
    assert exit_code == FALSE
    assert f", membership {somebody}: must be" in said
    assert said.endswith("Post nothing further before it is explained.\n")


def test_what_does_not_exist_or_is_not_computed_is_no_ok(harmed: psycopg.Connection) -> None:
    founded().settled_period()
    for period, reason in (
        ({"pool": "nowhere"}, "there is no pool nowhere"),
        ({"number": 7}, "pool classes has no period 7"),
        ({}, "period classes/1 is settled: its shares are not computed"),
    ):
        code, false, unchecked = findings(**period)
        assert (code, false) == (UNCHECKED, {})
        assert reason in unchecked[0]


def test_a_term_that_the_recomputation_does_not_know_is_no_ok(harmed: psycopg.Connection) -> None:
    founded().posted_period()
    terms = TERMS | {"classes": CLASSES, "deductible": 5}
    text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    unguarded_harm(harmed, "SELECT 1")
    harmed.execute(
        "UPDATE members_planversion SET terms = %s, terms_sha256 = %s",
        [json.dumps(terms), hashlib.sha256(text.encode()).hexdigest()],
    )
    code, false, unchecked = findings()
    assert (code, false) == (UNCHECKED, {})
    assert "terms this recomputation does not know: deductible" in unchecked[0]


def test_memory_does_not_grow_with_the_members(harmed: psycopg.Connection, settings: Any) -> None:
    """Rows come through a cursor of the database: what Python holds is one line per shard."""
    settings.SHARD_MEMBERS = 10**6
    peaks = []
    for code, members in (("few", 3_000), ("many", 60_000)):
        world = World.founded(code=code, members=members, large=True)
        world.award(1_000_000)
        assert world.posted_period().state == Period.State.POSTED
        tracemalloc.start()
        assert verify(pool=code)[0] == TRUE
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + 100_000


@LAYOUTS
def test_by_sums_a_true_period_is_true_and_says_what_was_not_looked_at(
    harmed: psycopg.Connection, large: bool
) -> None:
    founded(large=large).posted_period()
    code, said = verify("--sums")
    assert code == TRUE, said
    assert "shard_matches_manifest" in said
    assert not [name for name in BY_MEMBERSHIP if name in said]


@pytest.mark.parametrize(
    ("sql", "shard", "expected", "actual"),
    [
        (
            f"UPDATE ledger_charge SET share_fen = share_fen + 1 WHERE membership_id = {SOMEBODY}",
            "shard ",
            "{members} charges of {fen} fen",
            "{members} charges of {fen_1} fen",
        ),
        (
            f"DELETE FROM ledger_charge WHERE membership_id = {SOMEBODY}",
            "shard ",
            "{members} charges",
            "{fewer} charges",
        ),
        (
            "INSERT INTO ledger_charge SELECT max(membership_id) + 1000, 7, max(pool_id), 1 FROM ledger_charge",
            "in no shard",
            "0 charges of 0 fen",
            "1 charges of 7 fen",
        ),
    ],
    ids=["a fen more", "one charge less", "somebody else"],
)
def test_by_sums_no_fen_is_missing_or_too_many(
    harmed: psycopg.Connection, sql: str, shard: str, expected: str, actual: str
) -> None:
    founded().posted_period()
    members, fen = harmed.execute(
        f"SELECT members, want_fen FROM ledger_manifestline WHERE {SOMEBODY} >= first_id AND {SOMEBODY} < end_id"
    ).fetchone()
    figures = {"members": members, "fewer": members - 1, "fen": fen, "fen_1": fen + 1}
    unguarded_harm(harmed, sql)
    code, said = verify("--sums", "--json")
    false = {one["code"]: one["findings"] for one in json.loads(said)["statements"] if one["false"]}
    assert code == FALSE
    (finding,) = false["shard_matches_manifest"]
    assert shard in finding["where"]
    assert finding["expected"].startswith(expected.format(**figures))
    assert finding["found"].startswith(actual.format(**figures))
    assert "posted_charges_equal_assessed" in false


def test_the_planner_knows_how_many_were_charged(harmed: psycopg.Connection) -> None:
    """It takes a table without a sample for a few rows; autovacuum leaves the charges of a large pool alone."""
    world = World.founded(code="sampled", members=5_000, large=True)
    world.award(1_000_000)
    assert world.posted_period().state == Period.State.POSTED
    (plan,) = harmed.execute(
        "EXPLAIN (FORMAT json) SELECT * FROM ledger_charge WHERE pool_id = %s AND period_no = 1",
        [world.pool.pk],
    ).fetchone()
    assert plan[0]["Plan"]["Plan Rows"] == 5_000
