"""The cases behind the year of a preset that asks who fell ill of what and when, written by hand in `preset_cases`."""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

from claims.filing.benefits import Benefit, derive
from ledger.sharing.tests.test_preset_years import fen, year_of
from members.pools.presets import all_presets, find_preset

FOLDER = Path(__file__).with_name("preset_cases")
CODES = sorted(path.stem for path in FOLDER.glob("*.txt"))
COLUMNS = (
    *("period", "born", "joined", "event", "severity", "covered"),
    *("first day", "part", "aid", "refused by", "there"),
)
each = pytest.mark.parametrize("code", CODES)


@dataclass(frozen=True)
class Case:
    """One line: a person and an event, and what has to come out; there_fen: under the rules of Xianghubao."""

    period: str
    born: dt.date
    joined: dt.date
    event: dt.date
    severity: str
    is_covered: bool
    first_day: str
    part: str
    aid_fen: int
    refused_by: str
    there_fen: int

    def under(self, code: str, *, is_covered: bool) -> Benefit:
        """Return what a preset grants for the event, reported at once and the first of its member."""
        return derive(
            plan=find_preset(code).plan(),
            severity=self.severity,
            birth=self.born,
            event=self.event,
            joined=self.joined,
            is_covered=is_covered,
            filed=self.event,
            earlier_fen=0,
        )


@lru_cache
def cases_of(code: str) -> tuple[Case, ...]:
    lines = (FOLDER / f"{code}.txt").read_text(encoding="utf-8").splitlines()
    table = [
        [cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")
    ]
    assert tuple(table[0]) == COLUMNS
    day = dt.date.fromisoformat
    return tuple(
        Case(
            *(period, day(born), day(joined), day(event), severity, covered == "yes", first, part),
            *(fen(aid), "" if refused_by == "-" else refused_by, fen(there)),
        )
        for period, born, joined, event, severity, covered, first, part, aid, refused_by, there in table[1:]
    )


def all_cases():
    return [pytest.param(code, case, id=f"{code}-{case.event}") for code in CODES for case in cases_of(code)]


def test_every_preset_whose_wait_goes_by_cause_or_age_has_its_cases_played():
    assert {preset.code for preset in all_presets() if preset.plan().waiting_rules} == set(CODES)


@pytest.mark.parametrize(("code", "case"), all_cases())
def test_case_is_granted_what_is_written(code, case):
    benefit = case.under(code, is_covered=case.is_covered)
    found = {step.name: step.found for step in benefit.steps}
    assert (benefit.aid_fen, benefit.refused_by) == (case.aid_fen, case.refused_by)
    assert (found["waited"]["first_day"], found["vested"]["part"]) == (case.first_day, case.part)


@pytest.mark.parametrize(("code", "case"), all_cases())
def test_other_rules_grant_what_is_said(code, case):
    """Where members pay afterwards nobody is suspended for a wallet."""
    assert case.under("xianghubao", is_covered=True).aid_fen == case.there_fen


@each
def test_cases_are_those_of_the_year(code):
    for period, line in year_of(code).lines.items():
        granted = sorted(case.aid_fen for case in cases_of(code) if case.period == period)
        assert granted == sorted(line.aid_fens), period
        assert all(case.event < line.expected["public"] for case in cases_of(code) if case.period == period)
    assert {case.period for case in cases_of(code) if not case.aid_fen} == {"-"}


@each
def test_cases_show_what_the_rules_are_about(code):
    cases = cases_of(code)
    assert {case.part for case in cases if case.aid_fen} == {"1/3", "2/3", "1"}
    assert {case.refused_by for case in cases} == {"", "waiting", "cover"}
    assert {case.severity for case in cases} == {"severe", "accident"}
    less, more = (
        [case for case in cases if case.aid_fen < case.there_fen],
        [case for case in cases if case.aid_fen > case.there_fen],
    )
    assert less
    assert more
