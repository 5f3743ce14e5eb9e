"""The texts a plan is published with when its pool has none of its own, and the shape of a declaration."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from unicodedata import category

from members.pools.plan_terms import TermsError

_FOLDER = Path(__file__).resolve().parent
Effect = Literal["excludes", "limits"]
MAX_TEXT = 2000
_TEXTS = ("question_en", "question_zh", "meaning_en", "meaning_zh")


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a health declaration; meaning says what “yes” leads to before it is answered.

    effect: excludes: with “yes” nobody joins; limits: they join, and what follows from it is not shared.
    """

    code: str
    effect: Effect
    question_en: str
    question_zh: str
    meaning_en: str
    meaning_zh: str


# What the covenant says of paying, where members pay ahead: the sentence that goes, and what stands there then.
_AHEAD_EN = (
    "We pay nothing in advance. When",
    "We pay ahead: each of us has a wallet, which the pool holds apart from the operator's money. It is ours, and"
    " whoever leaves is paid back what is left in it. What a wallet lacks nobody owes; the next period shares it. When",
)
_AHEAD_ZH = (
    "我们不预先付费。",
    "我们预先支付：每人有一个预存账户，由互助计划与运营主体的资金分开保管。余额属于本人，退出时退还。"
    "预存账户不足的部分不成为任何人的欠款，由下一期分摊。",
)


# What it promises of an appeal, which goes where the plan has none.
_APPEAL_EN = (
    " Within the days of the plan they may appeal once, free of charge: two people who had no part in the case look"
    " at it anew."
)
_APPEAL_ZH = ("，并可在方案规定的天数内免费申诉一次：由未曾参与该案例的两个人重新审查。", "。")


def default_covenant(*, pays_ahead: bool = False, has_appeal: bool = True) -> tuple[str, str]:
    """Return the covenant in English and in Chinese; it says of wallets and of an appeal what the plan has of them."""
    english, chinese = _read("covenant.en.md"), _read("covenant.zh.md")
    if pays_ahead:
        english, chinese = english.replace(*_AHEAD_EN), chinese.replace(*_AHEAD_ZH)
    if not has_appeal:
        english, chinese = english.replace(_APPEAL_EN, ""), chinese.replace(*_APPEAL_ZH)
    return english, chinese


def covenant_for(terms: Mapping[str, Any]) -> tuple[str, str]:
    """Return the covenant with which a plan of these terms is published unless it brings its own."""
    return default_covenant(
        pays_ahead=terms.get("funding") is not None, has_appeal=terms.get("appeal_days") is not None
    )


def default_declaration() -> list[dict[str, Any]]:
    """Return the questions that a plan asks unless it brings its own."""
    found: list[dict[str, Any]] = json.loads(_read("declaration.json"))
    return found


def read_declaration(data: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """Return the questions of a plan version.

    Raises: TermsError naming the question that lacks a text, has no known effect, or comes twice.
    """
    questions = tuple(_read_question(place, row) for place, row in enumerate(data))
    codes = [question.code for question in questions]
    for place, code in enumerate(codes):
        if code in codes[:place]:
            raise TermsError(f"declaration[{place}].code", "listed_twice", f"{code} again")
    return questions


def _read_question(place: int, row: Mapping[str, Any]) -> Question:
    for name in ("code", "effect", *_TEXTS):
        if not isinstance(row.get(name), str) or not row[name].strip() or not _is_plain(row[name]):
            raise TermsError(f"declaration[{place}].{name}", "bad_text", "must be a text", most=MAX_TEXT)
    if row["effect"] not in get_args(Effect):
        raise TermsError(f"declaration[{place}].effect", "unknown_choice", f"{row['effect']!r}")
    return Question(**{name: row[name] for name in ("code", "effect", *_TEXTS)})


def _is_plain(text: str) -> bool:
    """Tell whether a text can be stored and shown: no control characters but line ends, nothing half encoded."""
    return len(text) <= MAX_TEXT and not any(category(one) in {"Cc", "Cs"} for one in text.replace("\n", ""))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
