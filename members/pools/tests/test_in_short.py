"""Six sentences before a signature, and a covenant that promises no appeal where the rules have none."""

from typing import Any

import pytest
from django.utils.translation import override

from aidplatform.testing.world import TERMS, World
from aidplatform.tests import pages_helpers  # noqa: F401 - compiles the translations
from members.pools.covenants import covenant_for, default_covenant
from members.pools.in_short import in_short
from members.pools.plan_terms import PlanTerms

FUNDING = {"join_fen": 1_000, "warn_below_fen": 500, "top_up_days": 30}


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({}, ["share afterwards", "no upper end", "know no appeal", "owe the shares of periods"]),
        ({"appeal_days": 30}, ["may appeal within 30 days"]),
        ({"period_cap_fen": 5_000}, ["to ¥50.00 for a period at most"]),
        ({"funding": FUNDING}, ["a wallet that they fill beforehand", "left in your wallet is paid back"]),
        ({"waiting_days": 1}, ["waiting period of 1 day or less"]),
        ({"notice_days": 21}, ["21 days of notice"]),
    ],
)
def test_six_sentences_follow_the_rules(terms: dict[str, Any], says: list[str]) -> None:
    sentences = in_short(PlanTerms.from_json(TERMS | terms), "CNY")
    assert len(sentences) == 6
    for part in says:
        assert part in " ".join(sentences)


def test_six_sentences_are_there_in_both_languages() -> None:
    plan = PlanTerms.from_json(TERMS | {"appeal_days": 30})
    with override("zh-hans"):
        chinese = in_short(plan, "CNY")
    assert "可在 30 天内申诉" in chinese[3]
    assert all(sentence.endswith("。") for sentence in chinese)
    assert not set(chinese) & set(in_short(plan, "CNY"))


@pytest.mark.parametrize(("place", "word"), [(0, "appeal"), (1, "申诉")])
def test_covenant_without_an_appeal_promises_none(place: int, word: str) -> None:
    with_it, without = covenant_for({"appeal_days": 30})[place], covenant_for({"appeal_days": None})[place]
    assert with_it == default_covenant()[place]
    assert (word in with_it, word in without) == (True, False)
    differing = [
        (one, other)
        for one, other in zip(with_it.splitlines(), without.splitlines(), strict=True)
        if one != other
    ]
    assert len(differing) == 1
    assert differing[0][1].startswith("3. ")
    # The courts are named in both.
    assert ("courts" in differing[0][1]) or ("法院" in differing[0][1])


def test_version_is_published_with_the_covenant_of_its_rules(db: None) -> None:
    silent = World.founded().pool.plan_versions.get()
    heard = World.founded(code="with-appeal", appeal_days=30).pool.plan_versions.get()
    assert (silent.covenant_en, silent.covenant_zh) == default_covenant(has_appeal=False)
    assert (heard.covenant_en, heard.covenant_zh) == default_covenant()
