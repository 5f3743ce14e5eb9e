"""The sandbox and its command: every published vector to the figure, cases of one's own, and named refusals."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aidplatform.testing.stack import ROOT
from ledger.sharing.apportion import ShareInputError
from ledger.sharing.sandbox import play

VECTORS = json.loads((Path(__file__).parent / "data" / "apportionment_vectors.json").read_text("utf-8"))[
    "vectors"
]
PUBLISHED = "published_share_yuan"
PLAIN = {"case_aid_fen": [1000], "fee_rate": "0"}


def apportion(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where nothing is configured at all."""
    return subprocess.run(
        [sys.executable, "manage.py", "apportion", "--input", *(arguments or ["-"])],
        cwd=ROOT,
        env={},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def groups(*rows: tuple[int, int], **fields: int) -> list[dict[str, Any]]:
    """Return groups of (count, balance) with weight 1."""
    return [{"count": count, "weight": 1, "balance_fen": balance, **fields} for count, balance in rows]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_vector_comes_out_as_derived(vector: dict[str, Any]) -> None:
    expected = {key: value for key, value in vector["expected"].items() if key != PUBLISHED}
    told = play(vector["input"])
    assert told == expected
    if PUBLISHED in vector["expected"]:
        assert Decimal(told["shares"][0][0]["share_fen"]) / 100 == Decimal(vector["expected"][PUBLISHED])


def test_command_plays_all_vectors_as_one_list_without_any_configuration(tmp_path: Path) -> None:
    inputs = json.dumps([vector["input"] for vector in VECTORS])
    (tmp_path / "inputs.json").write_text(inputs)
    from_file, from_pipe = apportion("", str(tmp_path / "inputs.json")), apportion(inputs)
    assert (from_file.returncode, from_file.stderr) == (0, "")
    assert from_file.stdout == from_pipe.stdout
    assert json.loads(from_pipe.stdout) == [play(vector["input"]) for vector in VECTORS]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '{"case_aid_fen": [3.5], "fee_rate": "0", "groups": []}',
            "bad_input: case_aid_fen[0] = 3.5: must be a whole",
        ),
        ('{"case_aid_fen": [NaN]}', "bad_json: NaN"),
        ("{", "bad_json: "),
        ("", "bad_json: "),
    ],
)
def test_command_names_what_is_wrong_and_exits_with_one(text: str, said: str) -> None:
    done = apportion(text)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_command_names_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, said in (("missing", "No such file"), ("binary", "not UTF-8")):
        done = apportion("", str(tmp_path / name))
        assert done.returncode == 1
        assert "unreadable: " in done.stderr
        assert said in done.stderr


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"case_aid_fen": None}, "case_aid_fen"),
        ({"case_aid_fen": [True]}, "case_aid_fen[0]"),
        ({"case_aid_fen": [5, -1]}, "case_aid_fen[1]"),
        ({"case_aid_fen": {"x": 1}}, "case_aid_fen"),
        ({"case_aid_fen": {"500": -1}}, "case_aid_fen.500"),
        ({"case_aid_fen": {"500": 10**8}}, "case_aid_fen"),
        ({"fee_rate": 0.08}, "fee_rate"),
        ({"fee_rate": "8%"}, "fee_rate"),
        ({"fee_rate": "1/0"}, "fee_rate"),
        ({"fee_rate": "3/2"}, "fee_rate"),
        ({"fee_rounding": "half_up"}, "fee_rounding"),
        ({"method": "largest_remainder"}, "method"),
        ({"carry_in_fen": 1.0}, "carry_in_fen"),
        ({"groups": {}}, "groups"),
        ({"groups": [{"count": 1}]}, "groups[0].weight"),
        ({"groups": [{"count": 1, "weight": 0}]}, "groups[0].weight"),
        ({"groups": [{"count": -1, "weight": 1}]}, "groups[0].count"),
        ({"groups": [{"count": 1, "weight": 1, "cap": 5}]}, "groups[0].cap"),
        ({"groups": [{"count": 1, "weight": 1, "cap_fen": -5}]}, "groups[0].cap_fen"),
        ({"on_cap": "sponsor"}, "on_cap"),
        ({"on_infeasible": ["defer"]}, "on_infeasible"),
        ({"on_short_balance": "lend"}, "on_short_balance"),
        ({"on_short_balance": "respread"}, "groups[0].balance_fen"),
        ({"beneficiary_pays": "no"}, "beneficiary_pays"),
        ({"fees": 1}, "fees"),
        ({"periods": []}, "periods"),
    ],
)
def test_bad_input_names_its_field(change: dict[str, Any], field: str) -> None:
    given = {**PLAIN, "groups": [{"count": 1, "weight": 1}], **change}
    with pytest.raises(ShareInputError) as refused:
        play(given)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (5, ""),
        ([PLAIN], "[0].groups"),
        ({"periods": [{**PLAIN, "groups": [{"count": "1", "weight": 1}]}]}, "periods[0].groups[0].count"),
        ([{"periods": 5}], "[0].periods"),
    ],
)
def test_error_inside_names_the_whole_path(given: object, field: str) -> None:
    with pytest.raises(ShareInputError) as refused:
        play(given)
    assert refused.value.field == field


def test_nobody_to_pay_is_said_and_not_hidden() -> None:
    told = play({**PLAIN, "groups": []})
    assert (told["shortfall_fen"], told["status"], told["collected_fen"]) == (1000, "no_payers", 0)


def test_short_wallet_leaves_a_deficit_to_the_next_need_and_suspends() -> None:
    """1,000 over three: 334 each; one has 200. The gap of 134 less the rounding of 2 is raised by the other two."""
    period = {**PLAIN, "groups": groups((2, 1000), (1, 200)), "on_short_balance": "deficit_to_next"}
    first, second, third = play({"periods": [period] * 3})["periods"]
    assert first == {
        "share_fen": 334,
        "collected_fen": 868,
        "arrears_fen": [0, 134],
        "carry_out_fen": -132,
        "balances_after": [666, 0],
        "suspended": 1,
    }
    assert (second["share_fen"], second["collected_fen"], second["carry_out_fen"]) == (566, 1132, 0)
    assert (second["arrears_fen"], second["balances_after"]) == ([0, 0], [100, 0])
    assert (third["arrears_fen"], third["collected_fen"], third["suspended"]) == ([400, 0], 200, 3)


def test_top_up_brings_a_suspended_member_back() -> None:
    first = {**PLAIN, "groups": groups((2, 1000), (1, 200)), "on_short_balance": "deficit_to_next"}
    topped_up = {**first, "groups": groups((2, 1000), (1, 900))}
    _before, after = play({"periods": [first, topped_up]})["periods"]
    # 1,000 and the deficit of 132 over three again.
    assert (after["share_fen"], after["balances_after"], after["suspended"]) == (378, [288, 522], 0)


def test_short_wallet_can_be_spread_over_those_with_room() -> None:
    told = play({**PLAIN, "groups": groups((2, 1000), (1, 200)), "on_short_balance": "respread"})
    assert [[row["share_fen"] for row in group] for group in told["shares"]] == [[400], [200]]
    assert (told["carry_out_fen"], told["balances_after"], told["suspended"]) == (0, [600, 0], 0)


def test_sum_of_the_year_grows_from_period_to_period_until_the_cap() -> None:
    """188.00 a year: three periods of 80.00 take 80.00, 80.00 and the last 28.00; the sponsor pays 52.00."""
    row = {"count": 1, "weight": 1, "paid_this_year_fen": 0, "annual_cap_fen": 18_800}
    period = {"case_aid_fen": [8_000], "fee_rate": "0", "groups": [row], "on_cap": "reserve_pays"}
    assert play({"periods": [period] * 3})["share_fen_by_period"] == [8_000, 8_000, 2_800]


def test_deferred_aid_is_told_apart_from_reduced_aid() -> None:
    capped = {**PLAIN, "groups": [{"count": 3, "weight": 1, "cap_fen": 200}]}
    reduced = play({**capped, "on_infeasible": "reduce_aid"})
    deferred = play({**capped, "on_infeasible": "defer"})
    assert reduced["paid_aid_fen"] == deferred["paid_aid_fen"] == [600]
    assert deferred["deferred_aid_fen"] == [400]
    assert "deferred_aid_fen" not in reduced
