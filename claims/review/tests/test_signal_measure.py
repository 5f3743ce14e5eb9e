"""The generator of made-up claims, files of others, and the command that measures."""

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from claims.review.signal_draws import Draws
from claims.review.signal_files import BadLineError, Case, read_lines, to_line
from claims.review.signal_generator import BASE_RATES, CALIBRATION_SEED, KINDS, generate
from claims.review.signal_held_out import HELD_OUT
from claims.review.signal_measure import measure
from claims.review.signal_versions import CURRENT
from claims.review.signals import SIGNALS, Features

SEED = 20260201


def run(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("signals", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as done:
        return out.getvalue(), int(str(done.code))
    return out.getvalue(), 0


def test_twelve_kinds_and_two_that_are_held_out() -> None:
    assert len(KINDS) == 12
    assert len(HELD_OUT) == 2
    assert not set(KINDS) & set(HELD_OUT)
    for marks in (*KINDS.values(), *HELD_OUT.values()):
        assert len(marks) >= 4
        assert set(marks) <= set(BASE_RATES)
        assert max(marks.values()) < 1000  # no mark is always there


def test_same_seed_gives_the_same_claims_and_another_seed_others() -> None:
    first, again, other = (list(map(to_line, generate(300, seed))) for seed in (5, 5, 6))
    assert first == again != other


def test_three_in_a_hundred_are_fraud_of_every_kind() -> None:
    cases = list(generate(4000, SEED, held_out=HELD_OUT))
    assert sum(not case.fraud for case in cases) == 3880
    for kind in (*KINDS, *HELD_OUT):
        assert sum(case.fraud == kind for case in cases) == 10
    assert {case.fraud for case in cases if case.is_held_out} == set(HELD_OUT)


def test_bars_hold_on_seeds_that_no_limit_was_set_by() -> None:
    for seed in (SEED, 7):
        assert seed != CALIBRATION_SEED
        found = measure(generate(10_000, seed, held_out=HELD_OUT), CURRENT)
        assert found.recall >= 950
        assert found.honest_flagged <= 50
        for kind in found.kinds:
            assert kind.recall >= (600 if kind.is_held_out else 760), kind


def test_honest_claims_show_each_signal_about_as_often_as_is_said() -> None:
    found = measure(generate(20_000, 99), CURRENT)
    for one in found.signals:
        said = CURRENT.base_rates[one.signal]
        assert abs(one.honest - said) <= 4 + said // 8, one


@given(st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_order_of_claims_does_not_matter(chance: random.Random) -> None:
    cases = list(generate(400, SEED, held_out=HELD_OUT))
    shuffled = cases[:]
    chance.shuffle(shuffled)
    assert measure(shuffled, CURRENT) == measure(cases, CURRENT)


def test_kind_that_shows_nothing_is_missed_and_lowers_recall() -> None:
    shown, nothing = Features(same_file=1), Features()
    told = [("a", "silent", nothing), ("b", "loud", shown), ("c", "", nothing)]
    found = measure([Case(name, fraud, False, features) for name, fraud, features in told], CURRENT)
    assert {kind.kind: kind.recall for kind in found.kinds} == {"silent": 0, "loud": 1000}
    assert (found.recall, found.precision, found.honest_flagged, found.holds) == (500, 1000, 0, False)


def test_draws_are_in_their_range_and_evenly_spread() -> None:
    draws = Draws(1)
    counts = [0] * 10
    for _one in range(10_000):
        counts[draws.below(10)] += 1
    assert min(counts) > 850
    assert {draws.between(3, 4) for _one in range(50)} == {3, 4}
    assert not any(draws.chance(0) for _one in range(50))
    assert all(draws.chance(1000) for _one in range(50))


def test_line_reads_back_as_the_same_claim() -> None:
    cases = list(generate(500, SEED, held_out=HELD_OUT))
    assert list(read_lines(map(to_line, cases))) == cases


GOOD: dict[str, Any] = {"id": "a", "fraud": None, "features": {"age": 40}}


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "no JSON"),
        ("[]", "not an object"),
        ('{"id": NaN}', "no JSON"),
        (json.dumps(GOOD | {"id": ""}), "id"),
        (json.dumps(GOOD | {"fraud": "A Kind"}), "fraud"),
        (json.dumps({"id": "a", "features": {}}), "fraud"),
        (json.dumps(GOOD | {"held_out": 1}), "held_out"),
        (json.dumps(GOOD | {"features": 3}), "features"),
        (json.dumps(GOOD | {"kind": 3}), "kind: there is no such field"),
        (json.dumps(GOOD | {"features": {"same_fil": 3}}), "features.same_fil: there is no such field"),
        (json.dumps(GOOD | {"features": {"age": -1}}), "features.age"),
        (json.dumps(GOOD | {"features": {"age": True}}), "features.age"),
        (json.dumps(GOOD | {"features": {"age": 1.5}}), "features.age"),
        (json.dumps(GOOD | {"features": {"event_date": "4 May"}}), "features.event_date"),
        (json.dumps(GOOD | {"features": {"issued": {"bill": 1}}}), "features.issued.bill"),
        (json.dumps(GOOD | {"features": {"issued": []}}), "features.issued"),
        (json.dumps(GOOD | {"features": {"has_earlier_illness": "no"}}), "features.has_earlier_illness"),
        (json.dumps(GOOD | {"features": {"illness": 3}}), "features.illness"),
    ],
)
def test_bad_line_is_named(line: str, named: str) -> None:
    with pytest.raises(BadLineError, match=r"^line 3: ") as refusal:
        list(read_lines([json.dumps(GOOD), "", line]))
    assert named in str(refusal.value)


def test_fields_of_others_are_passed_over() -> None:
    (case,) = read_lines([json.dumps(GOOD | {"x_note": "?", "features": {"x_ip": "1", "same_account": 2}})])
    assert case.features == Features(same_account=2)


def test_command_generates_what_it_evaluates(tmp_path: Path) -> None:
    file = tmp_path / "claims.jsonl"
    run("generate", "--count", "2000", "--seed", "11", "--output", str(file))
    from_file, code = run("evaluate", "--input", str(file), "--json")
    from_seed, same = run("evaluate", "--count", "2000", "--seed", "11", "--json")
    assert (json.loads(from_file), code) == (json.loads(from_seed), same)
    told = json.loads(from_file)
    assert {kind["kind"] for kind in told["kinds"] if kind["held_out"]} == set(HELD_OUT)
    assert [one["signal"] for one in told["signals"]] == list(SIGNALS)
    printed, _code = run("generate", "--count", "2000", "--seed", "11")
    assert printed == file.read_text()


def test_command_prints_each_kind_and_what_it_missed() -> None:
    text, code = run("evaluate", "--count", "10000")
    assert code == 0
    for word in (*KINDS, *HELD_OUT, *SIGNALS, "bar: at least 950", "bar: at most 50", "missed:"):
        assert word in text


def test_command_says_when_a_bar_does_not_hold(tmp_path: Path) -> None:
    file = tmp_path / "claims.jsonl"
    honest = Case("h", "", False, Features())
    file.write_text("\n".join(map(to_line, [honest, Case("f", "unseen", False, Features())])))
    assert run("evaluate", "--input", str(file))[1] == 1
    flagged = Case("h", "", False, Features(same_file=1))
    file.write_text("\n".join(map(to_line, [flagged, Case("f", "seen", False, Features(same_file=1))])))
    assert run("evaluate", "--input", str(file))[1] == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--input", "/no/such/file"], "unreadable"),
        (["--count", "0"], "--count is 0"),
        (["--limits", "99"], "no version 99"),
    ],
)
def test_command_refuses_bad_input_by_name(arguments: list[str], named: str) -> None:
    with pytest.raises(CommandError, match=named) as refusal:
        run("evaluate", *arguments)
    assert refusal.value.returncode == 2


def test_command_names_the_bad_line(tmp_path: Path) -> None:
    file = tmp_path / "claims.jsonl"
    for text, named in ((to_line(Case("a", "", False, Features())) + "\nx", "line 2"), ("", "neither bar")):
        file.write_text(text)
        with pytest.raises(CommandError, match=named) as refusal:
            run("evaluate", "--input", str(file))
        assert refusal.value.returncode == 2
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="not UTF-8"):
        run("evaluate", "--input", str(file))
