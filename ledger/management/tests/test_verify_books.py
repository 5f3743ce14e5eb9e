"""verify_books tells a true history from every kind of false one, with the two figures that differ."""

import ast
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from aidplatform.testing.operator import run_manage
from ledger.books.findings import KEEP, Report
from ledger.management.tests.arrears_cases import ARREARS_CASES
from ledger.management.tests.checkpoint_cases import CHECKPOINT_CASES, KEY_CASES
from ledger.management.tests.cost_cases import COST_CASES
from ledger.management.tests.custody_cases import CUSTODY_CASES
from ledger.management.tests.debit_cases import DEBIT_CASES
from ledger.management.tests.explanation_cases import EXPLANATION_CASES
from ledger.management.tests.face_cases import FACE_CASES
from ledger.management.tests.interest_cases import INTEREST_CASES
from ledger.management.tests.leaving_cases import LEAVING_CASES
from ledger.management.tests.month_cases import MONTH_CASES
from ledger.management.tests.reconciled_cases import RECONCILED_CASES
from ledger.management.tests.reversal_cases import REVERSAL_CASES
from ledger.management.tests.revocation_cases import REVOCATION_CASES
from ledger.management.tests.share_return_cases import SHARE_RETURN_CASES
from ledger.management.tests.undoing_cases import UNDOING_CASES
from ledger.management.tests.wallet_cases import WALLET_CASES
from ledger.management.tests.write_off_cases import WRITE_OFF_CASES
from ledger.management.verdict import TRUE

ROOT = Path(__file__).resolve().parents[3]


def verify(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it said."""
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_books", *arguments, stdout=out)
    return left.value.code, out.getvalue()


def findings(*arguments: str) -> tuple[int, dict[str, list[dict[str, str]]], list[str]]:
    """Run it with --json; return exit code, findings by code of statement, and what was not checked."""
    code, said = verify("--json", *arguments)
    answer = json.loads(said)
    false = {one["code"]: one["findings"] for one in answer["statements"] if one["false"]}
    return code, false, answer["unchecked"]


def harm(owner: psycopg.Connection, sql: str) -> None:
    """Do what the guards forbid: as the owner, where every guard is switched off. % is written plainly."""
    owner.execute(sql)


def rewrite_log(owner: psycopg.Connection, where: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a log entry says and make bytes and hash fit again, as a careful forger would."""
    pk, data = owner.execute(
        f"""SELECT l.id, l.data FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id
             WHERE g.code = 'small' AND {where} ORDER BY l.seq LIMIT 1"""
    ).fetchone()
    envelope = json.loads(data)
    change(envelope["body"])
    data = json.dumps(envelope, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    owner.execute(
        "UPDATE ledger_logentry SET data = %b, leaf_hash = sha256('\\x00'::bytea || %b) WHERE id = %s",
        [data, data, pk],
    )


BOOK = "(SELECT id FROM ledger_book WHERE code = 'small')"
POOL = "(SELECT id FROM members_pool WHERE code = 'small')"
ENTRY = f"(SELECT id FROM ledger_journalentry WHERE book_id = {BOOK} AND key = '{{}}')"
ACCOUNT = f"(SELECT id FROM ledger_account WHERE book_id = {BOOK} AND code = '{{}}')"
PERIOD = f"pool_id = {POOL} AND number = {{}}"
ONE_PERSON = f"(SELECT min(membership_id) FROM members_span WHERE pool_id = {POOL})"
CHARGES = f"ledger_charge WHERE pool_id = {POOL} AND period_no = 1"


def posting(key: str, account: str) -> str:
    """Return the condition for a posting of one of the small pool's entries."""
    return f"entry_id = {ENTRY.format(key)} AND account_id = {ACCOUNT.format(account)}"


# code of the statement, harm, what must be told of the place, the figure that must stand, the one that does
_ROLL = """period_id = (SELECT id FROM ledger_period WHERE number = 1
    AND pool_id = (SELECT id FROM members_pool WHERE code = 'small'))"""
CASES: list[tuple[str, str, str, str, str]] = [
    (
        "roll_has_its_root",
        f"UPDATE ledger_rollsubtree SET records = set_byte(records, 198, 255) WHERE stage = 'freeze' AND {_ROLL}",
        "period small/1, roll freeze, part 0",
        "[7, [7, 0], 0, '",
        "[7, [7, 0], 0, '",
    ),
    (
        "roll_has_its_root",
        f"UPDATE ledger_roll SET own_fen = 5 WHERE stage = 'close' AND {_ROLL}",
        "period small/1, roll close",
        "[7, [7, 0], 0, '",
        "[7, [7, 0], 5, '",
    ),
    (
        "roll_lines_rise",
        f"UPDATE ledger_rollsubtree SET records = set_byte(records, 198, 0) WHERE stage = 'freeze' AND {_ROLL}",
        "period small/1, roll freeze, part 0",
        "[]",
        "['00",
    ),
    (
        "journal_entry_balances",
        f"UPDATE ledger_posting SET amount_fen = 100001 WHERE {posting('award/S-1', '120')}",
        "small entry 1",
        "debits = credits = 100001",
        "credits 100000",
    ),
    (
        "journal_entry_has_postings",
        f"DELETE FROM ledger_posting WHERE entry_id = {ENTRY.format('award/S-1')}",
        "small entry 1",
        "at least 2 postings",
        "0 postings",
    ),
    (
        "entry_stays_in_its_book",
        f"""UPDATE ledger_posting SET account_id = (SELECT a.id FROM ledger_account a JOIN ledger_book b
                ON b.id = a.book_id WHERE b.code = 'large' AND a.code = '120') WHERE {posting("award/S-1", "120")}""",
        "small entry 1",
        "book ",
        "account 120 of book ",
    ),
    (
        "entry_numbers_have_no_gap",
        f"UPDATE ledger_journalentry SET number = 99 WHERE id = {ENTRY.format('award/S-4')}",
        "book small",
        "1…10, 10 entries",
        "1…99, 10 entries",
    ),
    (
        "income_equals_expense",
        f"UPDATE ledger_posting SET account_id = {ACCOUNT.format('140')} WHERE {posting('period/1', '510')}",
        "small entry 3",
        "income = expense = 150000",
        "income 162000",
    ),
    (
        "reversal_mirrors_entry",
        f"UPDATE ledger_posting SET amount_fen = 41 WHERE entry_id = {ENTRY.format('reversal/5')}",
        "small entry 6, account 110",
        "debit 40",
        "41",
    ),
    (
        "entry_checker_is_not_maker",
        f"""ALTER TABLE ledger_journalentry DROP CONSTRAINT entry_checker_is_not_maker;
            UPDATE ledger_journalentry SET checker = maker WHERE id = {ENTRY.format("period/1")}""",
        "small entry 3",
        "a checker other than P-",
        "P-",
    ),
    (
        "balance_is_sum_of_postings",
        f"UPDATE ledger_accountbalance SET credit_fen = credit_fen + 7 WHERE account_id = {ACCOUNT.format('201')}",
        "small account 201, credits",
        "250000",
        "250007",
    ),
    (
        "trial_balance_closes",
        f"UPDATE ledger_accountbalance SET credit_fen = credit_fen + 7 WHERE account_id = {ACCOUNT.format('201')}",
        "book small",
        "",
        "",
    ),
    (
        "account_never_negative",
        f"UPDATE ledger_posting SET amount_fen = 999999 WHERE entry_id = {ENTRY.format('bank_charge/1')}",
        "small account 110 after entry 4",
        "at least 0",
        "-837998",
    ),
    (
        "account_fits_chart",
        f"UPDATE ledger_account SET kind = 'asset' WHERE id = {ACCOUNT.format('501')}",
        "small account 501",
        "expense D",
        "asset D",
    ),
    (
        "log_has_no_gap",
        """DELETE FROM ledger_logentry WHERE log_id = (SELECT id FROM ledger_log WHERE code = 'small')
              AND seq = 3""",
        "small log entry 4",
        "3",
        "4",
    ),
    (
        "log_has_no_gap",
        "UPDATE ledger_log SET size = size + 2 WHERE code = 'small'",
        "small log",
        "29 entries",
        "27 entries",
    ),
    (
        "log_leaf_hash_is_of_its_bytes",
        """UPDATE ledger_logentry SET leaf_hash = sha256('x') WHERE seq = 0
              AND log_id = (SELECT id FROM ledger_log WHERE code = 'small')""",
        "small log entry 0",
        "",
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    ),
    (
        "log_bytes_are_canonical",
        """UPDATE ledger_logentry SET data = convert_to(replace(convert_from(data, 'UTF8'), ',"', ', "'), 'UTF8')
            WHERE seq = 0 AND log_id = (SELECT id FROM ledger_log WHERE code = 'small')""",
        "small log entry 0",
        "canonical bytes",
        "bytes that encode again as {",
    ),
    (
        "log_bytes_are_canonical",
        """UPDATE ledger_logentry SET data = convert_to(replace(convert_from(data, 'UTF8'), '"0":7', '"0":7.0'), 'UTF8')
            WHERE seq = 1 AND log_id = (SELECT id FROM ledger_log WHERE code = 'small')""",
        "small log entry 1",
        "canonical bytes",
        "7.0 is no integer",
    ),
    (
        "log_entry_says_what_it_is",
        """UPDATE ledger_logentry SET type = 'stats' WHERE seq = 1
              AND log_id = (SELECT id FROM ledger_log WHERE code = 'small')""",
        "small log entry 1",
        "'stats'",
        "'roll.freeze'",
    ),
    (
        "every_entry_is_logged",
        "DELETE FROM ledger_logentry WHERE type = 'book.entry' AND key = '4'",
        "small entry 4",
        "1 line in the log",
        "0 lines",
    ),
    (
        "every_entry_is_logged",
        f"""DELETE FROM ledger_posting WHERE entry_id = {ENTRY.format("interest/1")};
            DELETE FROM ledger_journalentry WHERE id = {ENTRY.format("interest/1")}""",
        "small log entry",
        "journal entry 7",
        "no such entry",
    ),
    (
        "log_line_is_the_entry",
        f"UPDATE ledger_journalentry SET source = 'elsewhere' WHERE id = {ENTRY.format('award/S-2')}",
        "small log entry 6",
        "'source': 'elsewhere'",
        "'source': 'award S-2'",
    ),
    (
        "pool_has_book_and_log",
        "UPDATE ledger_log SET code = 'gone' WHERE code = 'small'",
        "pool small",
        "a book, a log",
        "a book, no log",
    ),
    (
        "period_numbers_have_no_gap",
        f"UPDATE ledger_period SET number = 7 WHERE {PERIOD.format(3)}",
        "period small/7",
        "3, 2026-03-01",
        "7, 2026-03-01",
    ),
    (
        "headcount_is_of_publicity_day",
        f"UPDATE ledger_period SET as_of = as_of + interval '1 hour' WHERE {PERIOD.format(1)}",
        "period small/1",
        "2026-01-06 16:00:00+00:00",
        "2026-01-06 17:00:00+00:00",
    ),
    (
        "publicity_lasts_its_days",
        f"UPDATE ledger_period SET publicity_end_date = publicity_end_date - 1 WHERE {PERIOD.format(1)}",
        "period small/1, end of publicity",
        "2026-01-10",
        "2026-01-09",
    ),
    (
        "publicity_lasts_its_days",
        f"UPDATE ledger_period SET announced_at = announced_at + interval '1 day' WHERE {PERIOD.format(1)}",
        "period small/1, charge date",
        "2026-01-15",
        "2026-01-14",
    ),
    (
        "headcount_is_recounted",
        f"DELETE FROM members_span WHERE membership_id = {ONE_PERSON}",
        "period small/1, members",
        "6",
        "7",
    ),
    (
        "charge_equals_class_rate",
        f"DELETE FROM members_span WHERE membership_id = {ONE_PERSON}",
        "period small/1, membership 10",
        "no charge: not counted",
        "23143 fen",
    ),
    (
        "headcount_is_recounted",
        f"UPDATE members_span SET class_no = 5 WHERE membership_id = {ONE_PERSON}",
        "period small/1, classes",
        "{0: 6, 5: 1}",
        "{0: 7}",
    ),
    (
        "headcount_follows_ages",
        f"""UPDATE members_membership SET birth_date = '1980-01-01' WHERE id = {ONE_PERSON};
            UPDATE members_planversion SET terms = jsonb_set(terms, '{{classes}}', '[
                {{"class_no": 0, "weight": 1, "name_en": "A", "name_zh": "甲", "age_from": 18, "age_before": 40}},
                {{"class_no": 1, "weight": 1, "name_en": "B", "name_zh": "乙", "age_from": 40, "age_before": 60}}]')""",
        "period small/1, membership 10",
        "class 1",
        "class 0",
    ),
    (
        "snapshot_is_unchanged",
        f"UPDATE members_span SET class_no = 5 WHERE membership_id = {ONE_PERSON}",
        "period small/1, shard 1, hash of ids and classes",
        "",
        "",
    ),
    (
        # Two charges changed so that every sum stays as it was.
        "charge_equals_class_rate",
        f"""UPDATE ledger_charge SET share_fen = share_fen + CASE membership_id WHEN {ONE_PERSON} THEN -1 ELSE 1 END
             WHERE ctid IN (SELECT ctid FROM {CHARGES} ORDER BY membership_id LIMIT 2)
               AND pool_id = (SELECT id FROM members_pool WHERE code = 'small')""",
        "period small/1, membership 10 and 1 more",
        "23143 fen for class 0",
        "23142 fen",
    ),
    (
        "charge_equals_class_rate",
        f"DELETE FROM {CHARGES} AND membership_id = {ONE_PERSON}",
        "period small/1, membership 10",
        "23143 fen for class 0",
        "no charge",
    ),
    (
        "rooms_follow_charges",
        """UPDATE ledger_manifestline SET rooms = '[[0, 1, 3]]' WHERE shard_no = 1
              AND period_id = (SELECT id FROM ledger_period WHERE """
        + PERIOD.format(1)
        + ")",
        "period small/1, shard 1",
        "None",
        "[[0, 1, 3]]",
    ),
    (
        "shard_matches_manifest",
        f"DELETE FROM {CHARGES} AND membership_id = {ONE_PERSON}",
        "period small/1, shard 1",
        "2 charges of 46286 fen",
        "1 charges of 23143 fen",
    ),
    (
        "shard_matches_manifest",
        """UPDATE ledger_manifestline SET want_fen = want_fen + 1 WHERE shard_no = 1
              AND period_id = (SELECT id FROM ledger_period WHERE """
        + PERIOD.format(1)
        + ")",
        "period small/1, shard 1, fen wanted",
        "46286",
        "46287",
    ),
    (
        "posted_charges_equal_assessed",
        f"""ALTER TABLE ledger_period DROP CONSTRAINT posted_charges_equal_assessed;
            UPDATE ledger_period SET charged_fen = charged_fen - 1 WHERE {PERIOD.format(1)}""",
        "period small/1, fen charged and noted",
        "162001",
        "162000",
    ),
    (
        "plan_version_is_permanent",
        "UPDATE members_planversion SET terms = jsonb_set(terms, '{fee,rate}', '\"9/100\"')",
        "period small/1, plan version 1",
        "",
        "",
    ),
    (
        "fee_follows_plan",
        "UPDATE members_planversion SET terms = jsonb_set(terms, '{fee,rate}', '\"9/100\"')",
        "period small/1",
        "13500",
        "12000",
    ),
    (
        "period_identity_holds",
        f"""ALTER TABLE ledger_period DROP CONSTRAINT period_identity_holds;
            UPDATE ledger_period SET other_costs_fen = other_costs_fen + 3 WHERE {PERIOD.format(3)}""",
        "period small/3",
        "",
        "",
    ),
    (
        "awards_sum_to_aid",
        "UPDATE ledger_award SET aid_fen = 50001 WHERE code = 'S-2'",
        "period small/1",
        "2 cases, 150001 fen",
        "2 cases, 150000 fen",
    ),
    (
        "need_follows_bill",
        f"UPDATE ledger_period SET need_fen = need_fen + 1 WHERE {PERIOD.format(1)}",
        "period small/1, need",
        "162000",
        "162001",
    ),
    (
        "share_follows_need",
        f"UPDATE ledger_period SET classes = jsonb_set(classes, '{{0,share_fen}}', '23144') WHERE {PERIOD.format(1)}",
        "period small/1, class 0",
        "23143",
        "23144",
    ),
    (
        "shown_hash_is_of_the_figures",
        f"UPDATE ledger_period SET charge_date = charge_date + 1 WHERE {PERIOD.format(1)}",
        "period small/1, approved",
        "",
        "",
    ),
    (
        "period_approver_is_not_preparer",
        f"""ALTER TABLE ledger_period DROP CONSTRAINT period_approver_is_not_preparer;
            UPDATE ledger_period SET approved_by = prepared_by WHERE {PERIOD.format(1)}""",
        "period small/1",
        "an approver other than P-",
        "P-",
    ),
    (
        "period_people_hold_their_duty",
        """UPDATE members_dutygrant SET granted_at = '2030-01-01'
            WHERE duty = 'controller' AND pool_id = (SELECT id FROM members_pool WHERE code = 'small')""",
        "period small/1, approved by P-",
        "a controller",
        "0 grants of that duty then",
    ),
    (
        "period_entry_is_the_bill",
        f"""UPDATE ledger_posting SET amount_fen = amount_fen + 2
             WHERE {posting("period/1", "110")} OR {posting("period/1", "230")}""",
        "period small/1, its entry, account 230",
        "-12000",
        "-12002",
    ),
    (
        "carry_follows_the_books",
        f"""ALTER TABLE ledger_period DROP CONSTRAINT period_identity_holds;
            UPDATE ledger_period SET carry_in_fen = 5 WHERE {PERIOD.format(2)}""",
        "period small/2, carry in",
        "12",
        "5",
    ),
    (
        "carry_follows_the_books",
        f"UPDATE ledger_journalentry SET kind = 'opening' WHERE id = {ENTRY.format('bank_charge/1')}",
        "period small/2, bank_charge",
        "0",
        "25",
    ),
    (
        "carry_follows_the_books",
        f"UPDATE ledger_journalentry SET kind = 'opening' WHERE id = {ENTRY.format('interest/1')}",
        "period small/2, other income",
        "0",
        "11",
    ),
    (
        "charges_only_while_posting",
        """INSERT INTO ledger_charge SELECT membership_id, share_fen, pool_id, 9 FROM """ + CHARGES,
        "period small/9",
        "0 charges",
        "7 charges",
    ),
    (
        "one_charge_per_membership_and_period",
        f"""ALTER TABLE ledger_charge DROP CONSTRAINT one_charge_per_membership_and_period;
            INSERT INTO ledger_charge SELECT * FROM {CHARGES} AND membership_id = {ONE_PERSON}""",
        "table ledger_charge_",
        "a valid primary key",
        "no key; 1 memberships charged more than once",
    ),
    (
        "award_is_booked",
        f"UPDATE ledger_journalentry SET key = 'award/X' WHERE id = {ENTRY.format('award/S-1')}",
        "small award S-1",
        "120 D 100000, 201 C 100000",
        "no entry",
    ),
    (
        "aid_payable_is_awards",
        "UPDATE ledger_award SET state = 'withdrawn', shared_fen = NULL WHERE code = 'S-1'",
        "small account 201",
        "150000",
        "250000",
    ),
    (
        "to_be_shared_is_awards",
        "UPDATE ledger_award SET state = 'withdrawn', shared_fen = NULL WHERE code = 'S-4'",
        "small account 120",
        "0",
        "30000",
    ),
    (
        "awards_sum_to_aid",
        "UPDATE ledger_award SET state = 'final', shared_fen = NULL WHERE code = 'S-1'",
        "period small/1, award S-1, its state",
        "shared",
        "final",
    ),
    (
        "rest_is_what_was_not_shared",
        """INSERT INTO ledger_award
                  (pool_id, rest_of_id, code, claim_code, masked, aid_fen, state, announced_at, announced_by)
           SELECT pool_id, id, 'S-1.2', claim_code, masked, 5, 'announced', announced_at, announced_by
             FROM ledger_award WHERE code = 'S-1'""",
        "small award S-1",
        "no rest",
        "S-1.2 of 5 fen",
    ),
]

FORGED: list[tuple[str, str, Callable[[dict[str, Any]], object], str, str, str]] = [
    (
        "log_replays_to_balances",
        "type = 'book.entry' AND key = '1'",
        lambda body: body.update(postings=[["120", "D", 100_009], ["201", "C", 100_009]]),
        "small account 201, credits",
        "250009",
        "250000",
    ),
    (
        "log_follows_the_books",
        "type = 'book.entry' AND key = '2'",
        lambda body: body.update(number=3),
        "small log entry 6",
        "2",
        "3",
    ),
    (
        "freeze_is_logged",
        "type = 'roll.freeze' AND key = '1'",
        lambda body: body.update(counts={"0": 8}),
        "period small/1",
        "{0: 7}",
        "{0: 8}",
    ),
    (
        "publicity_lasts_its_days",
        "type = 'period.announce' AND key = '1'",
        lambda body: body.update(publicity_end="2026-01-09"),
        "period small/1, end of publicity in the log",
        "2026-01-10",
        "2026-01-09",
    ),
    (
        "close_is_logged",
        "type = 'period.close' AND key = '1'",
        lambda body: body.update(S=162_000),
        "period small/1, “S” in the log",
        "162001",
        "162000",
    ),
    (
        "nothing_added_after_announcement",
        "type = 'period.announce' AND key = '1'",
        lambda body: body["cases"].pop(),
        "period small/1, “cases” of its announcement",
        "[['S-1', 100000]]",
        "[['S-1', 100000], ['S-2', 50000]]",
    ),
    (
        "log_bytes_are_canonical",
        "type = 'period.close' AND key = '1'",
        lambda body: body.update(approved=None),
        "small log entry",
        "canonical bytes",
        "a null in it",
    ),
]


def found(false: dict[str, list[dict[str, str]]], code: str, where: str) -> dict[str, str]:
    """Return the finding of that statement whose place begins so."""
    assert code in false, f"{code} was not found false; found: {sorted(false)}"
    matching = [one for one in false[code] if one["where"].startswith(where)]
    assert matching, false[code]
    return matching[0]


def assert_found(
    pool: str, code: str, where: str, expected: str, actual: str
) -> dict[str, list[dict[str, str]]]:
    """Demand that the statement is found false of the pool, there and with these figures; return all findings."""
    exit_code, false, _unchecked = findings("--pool", pool)
    finding = found(false, code, where)
    assert exit_code == 1
    assert expected in finding["expected"]
    assert actual in finding["found"]
    return false


def test_a_true_history_is_true(clone):
    code, said = verify()
    assert code == TRUE, said
    assert said.endswith("All statements are true.\n")
    unexamined = [line for line in said.splitlines() if line.endswith("[0 checked]")]
    assert not unexamined


def test_one_pool_alone(books):
    harm(books, "UPDATE ledger_award SET aid_fen = 1, shared_fen = 1 WHERE code = 'L-1'")
    assert verify("--pool", "small")[0] == 0
    assert verify("--pool", "large")[0] == 1


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    CASES,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)],
)
def test_a_false_history_is_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    exit_code, false, _unchecked = findings("--pool", "small")
    finding = found(false, code, where)
    assert exit_code == 1
    assert finding["expected"].startswith(expected) or expected in finding["expected"]
    assert finding["found"].startswith(actual) or actual in finding["found"]
    assert finding["expected"] != finding["found"]


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), CUSTODY_CASES, ids=[case[0] for case in CUSTODY_CASES]
)
def test_false_custody_is_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("paid", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), WALLET_CASES, ids=[case[0] for case in WALLET_CASES]
)
def test_false_wallets_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("ahead", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    WRITE_OFF_CASES,
    ids=[case[0] for case in WRITE_OFF_CASES],
)
def test_false_write_offs_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("owing", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), ARREARS_CASES, ids=[case[0] for case in ARREARS_CASES]
)
def test_false_arrears_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("late", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), DEBIT_CASES, ids=[case[0] for case in DEBIT_CASES]
)
def test_false_debits_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("debited", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    SHARE_RETURN_CASES,
    ids=[case[0] for case in SHARE_RETURN_CASES],
)
def test_false_returns_of_shares_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("waited", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), COST_CASES, ids=[case[0] for case in COST_CASES]
)
def test_false_costs_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("looked", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), INTEREST_CASES, ids=[case[0] for case in INTEREST_CASES]
)
def test_false_interests_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("paid", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    RECONCILED_CASES,
    ids=[case[0] for case in RECONCILED_CASES],
)
def test_false_reconciliations_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("paid", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    EXPLANATION_CASES,
    ids=[case[2] for case in EXPLANATION_CASES],
)
def test_false_explanations_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("taken", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), MONTH_CASES, ids=[case[2] for case in MONTH_CASES]
)
def test_false_closes_of_months_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("closed", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), REVERSAL_CASES, ids=[case[0] for case in REVERSAL_CASES]
)
def test_false_reversals_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("small", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    REVOCATION_CASES,
    ids=[case[0] for case in REVOCATION_CASES],
)
def test_false_decisions_to_take_aid_back_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("revoked", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), UNDOING_CASES, ids=[case[0] for case in UNDOING_CASES]
)
def test_false_decisions_to_undo_a_match_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("undone", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), FACE_CASES, ids=[case[0] for case in FACE_CASES]
)
def test_false_faces_of_cases_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("small", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    CHECKPOINT_CASES,
    ids=[case[0] for case in CHECKPOINT_CASES],
)
def test_a_signature_that_is_false_is_found(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("small", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"),
    KEY_CASES,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(KEY_CASES)],
)
def test_a_change_of_key_that_is_false_is_found(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found("closed", code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "sql", "where", "expected", "actual"), LEAVING_CASES, ids=[case[0] for case in LEAVING_CASES]
)
def test_false_ends_of_memberships_are_false(books, code, sql, where, expected, actual):
    harm(books, sql)
    assert_found(where.split()[0], code, where, expected, actual)


@pytest.mark.parametrize(
    ("code", "line", "change", "where", "expected", "actual"), FORGED, ids=[case[0] for case in FORGED]
)
def test_a_forged_log_is_found_out_by_the_rows(books, code, line, change, where, expected, actual):
    rewrite_log(books, line, change)
    false = assert_found("small", code, where, expected, actual)
    assert "log_leaf_hash_is_of_its_bytes" not in false


def test_every_statement_is_broken_by_some_case(books):
    tried = {
        case[0]
        for case in (
            *CASES,
            *FORGED,
            *CUSTODY_CASES,
            *WALLET_CASES,
            *WRITE_OFF_CASES,
            *FACE_CASES,
            *CHECKPOINT_CASES,
            *KEY_CASES,
            *LEAVING_CASES,
            *ARREARS_CASES,
            *DEBIT_CASES,
            *SHARE_RETURN_CASES,
            *COST_CASES,
            *EXPLANATION_CASES,
            *REVERSAL_CASES,
            *REVOCATION_CASES,
            *UNDOING_CASES,
            *MONTH_CASES,
            *INTEREST_CASES,
            *RECONCILED_CASES,
        )
    }
    answer = json.loads(verify("--json")[1])
    assert {one["code"] for one in answer["statements"]} == tried


def test_harm_in_the_layout_of_large_pools_is_found(books):
    harm(
        books,
        "UPDATE ledger_charge SET share_fen = 1 WHERE membership_id = (SELECT max(membership_id) FROM ledger_charge"
        " WHERE pool_id = (SELECT id FROM members_pool WHERE code = 'large'))",
    )
    exit_code, false, _unchecked = findings("--pool", "large")
    finding = found(false, "charge_equals_class_rate", "period large/1, membership 25")
    assert (exit_code, finding["found"]) == (1, "1 fen")


def test_a_person_reads_where_and_which_figures(books):
    harm(books, "UPDATE ledger_award SET aid_fen = 50001 WHERE code = 'S-2'")
    exit_code, said = verify()
    assert exit_code == 1
    assert "FALSE  awards_sum_to_aid" in said
    assert "period small/1: must be 2 cases, 150001 fen; is 2 cases, 150000 fen" in said
    assert said.endswith("Post nothing further before it is explained.\n")


def test_a_missing_right_is_no_ok(clone):
    clone.execute("REVOKE SELECT ON members_span FROM aid_app")
    exit_code, false, unchecked = findings()
    assert (exit_code, false) == (2, {})
    assert "permission denied for table members_span" in unchecked[0]


def test_a_database_that_is_away_is_no_ok(clone, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nonexistent")
    exit_code, said = verify()
    assert exit_code == 2
    assert "COULD NOT CHECK  OperationalError" in said
    assert "All statements are true" not in said


def test_a_term_the_verifier_does_not_know_is_no_ok(books):
    harm(
        books,
        """UPDATE members_planversion SET terms = terms || '{"deductible": 5}';
           UPDATE members_planversion SET terms_sha256 = 'x'""",
    )
    _exit_code, _false, unchecked = findings("--pool", "small")
    assert any("terms this recomputation does not know: deductible" in reason for reason in unchecked)


def test_a_pool_that_does_not_exist_is_no_ok(books):
    assert verify("--pool", "nowhere") == (2, verify("--pool", "nowhere")[1])
    assert "there is no pool nowhere" in verify("--pool", "nowhere")[1]


def test_the_process_leaves_with_the_code(clone):
    owner_name = clone.info.dbname
    app_url = connection.settings_dict
    environment = {
        "AID_DATABASE_URL": f"postgresql://{app_url['USER']}:{app_url['PASSWORD']}@/{owner_name}?host={app_url['HOST']}&port={app_url['PORT']}"
    }
    done = run_manage("verify_books", "--json", environment=environment)
    assert (done.returncode, json.loads(done.stdout)["result"]) == (0, "true"), done.stderr


def test_a_report_keeps_few_findings_and_counts_all(books):
    report = Report.of({"sums": "They are right."})
    with connection.cursor():
        report.refute("sums", "SELECT n::text, '0', n::text FROM generate_series(1, 50) n", {})
    assert len(report.statements["sums"].findings) == KEEP
    assert report.statements["sums"].false == 50


def test_the_verifier_shares_no_code_with_what_it_verifies():
    files = [
        ROOT / "ledger/books/verify.py",
        ROOT / "ledger/books/findings.py",
        ROOT / "ledger/openbooks/verify.py",
        ROOT / "ledger/openbooks/checkpoint_verify.py",
        ROOT / "ledger/sharing/recompute.py",
        *sorted((ROOT / "ledger/sharing/verify").glob("*.py")),
    ]
    # Of the framework: the connection, and the mark of a sentence that has a translation.
    allowed = (
        *("ledger.books.findings", "ledger.sharing.verify", "ledger.sharing.recompute"),
        *("django.db", "django.utils.translation"),
    )
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                ours = module.split(".")[0] in {"ledger", "members", "aidplatform", "django"}
                assert not ours or module.startswith(allowed) or module == "ledger.sharing", (file, module)
