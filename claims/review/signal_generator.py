"""Made-up claims for measuring the signals: honest ones and twelve kinds of fraud, at stated rates. Pure.

Every claim, fraud too, begins as an honest one and shows each mark at the rate in BASE_RATES: noise is in all of
them. A kind of fraud then shows each of its own marks at the rate in KINDS, no mark always, and as strongly as the
draw says. Rates are per mille and assumptions of ours: nobody publishes them. What they are meant to be is that honest
people do the same things, seldom, and that fraud shows itself in part.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from claims.review.signal_draws import Draws
from claims.review.signal_files import Case
from claims.review.signals import Features

CALIBRATION_SEED = 20260101
FRAUD_PER_MILLE = 30
_FIRST_DAY = dt.date(2026, 3, 1)
_ILLNESSES = (
    "thyroid_cancer", "cancer_severe", "cancer_severe", "cancer_mild", "leukemia", "heart_attack", "kidney_failure",
    "stroke_severe", "stroke_mild", "transplant", "accident", "other_illness",
)  # fmt: skip
_GROWN = {"heart_attack", "stroke_severe", "stroke_mild"}
_PAPERS = ("diagnosis", "hospital_record", "pathology")
Mark = Callable[[Draws, "_Story", bool], None]

# How many in a thousand honest claims show the mark.
BASE_RATES: dict[str, int] = {
    "same_file": 2,
    "similar_page": 8,
    "same_report": 1,
    "same_account": 4,
    "account_of_another": 70,
    "account_changed": 15,
    "soon": 90,
    "in_waiting": 10,
    "before_joining": 3,
    "earlier_illness": 25,
    "dates": 14,
    "age": 12,
    "hospital": 4,
    "doctor": 3,
    "inviter": 4,
    "together": 30,
    "arrears": 15,
    "other_claims": 30,
    "same_event": 3,
    "other_pools": 50,
    "objections": 8,
}

# The twelve kinds, and how many in a thousand of each show a mark besides.
KINDS: dict[str, Mapping[str, int]] = {
    # Ill before joining, told as if it had begun after the wait.
    "ill_before": {
        "before_joining": 770, "earlier_illness": 840, "soon": 730, "in_waiting": 300, "dates": 350, "other_pools": 250,
    },
    # Found within the waiting time, the day moved behind it.
    "moved_day": {"dates": 880, "soon": 880, "in_waiting": 800, "similar_page": 300, "objections": 200},
    # An old history that the declaration kept silent about.
    "silent_history": {
        "earlier_illness": 880, "before_joining": 800, "other_claims": 350, "dates": 350, "other_pools": 300,
    },
    # Papers of somebody else under another name.
    "borrowed_papers": {"same_file": 610, "similar_page": 800, "same_report": 610, "age": 530, "dates": 350},
    # A page of an earlier case, changed here and there.
    "altered_page": {"similar_page": 880, "same_report": 650, "dates": 770, "account_of_another": 300},
    # A doctor or a hospital that writes what is asked for.
    "bought_papers": {"doctor": 880, "hospital": 840, "same_report": 300, "dates": 350, "similar_page": 570},
    # One person brings members, tells them what to claim, and takes a part.
    "recruiter": {
        "inviter": 840, "together": 770, "same_account": 650, "account_of_another": 610, "hospital": 530, "doctor": 400,
    },
    # Names of a village or a firm, joined in a row for that purpose.
    "straw_members": {
        "together": 880, "inviter": 730, "same_account": 690, "soon": 610, "similar_page": 530, "hospital": 350,
    },
    # Somebody else has got hold of a sick member's claim.
    "taken_over": {
        "account_changed": 880, "account_of_another": 840, "same_account": 690, "dates": 350, "objections": 350,
    },
    # Had stopped paying, fell ill, paid up, then claimed.
    "paid_up_ill": {
        "arrears": 910, "dates": 690, "earlier_illness": 610, "in_waiting": 400, "before_joining": 300,
        "objections": 250,
    },
    # One illness told again as another event.
    "claimed_again": {
        "same_event": 770, "other_claims": 730, "similar_page": 690, "same_file": 650, "other_pools": 350, "dates": 300,
    },
    # The same illness in as many pools as there are, joined for that purpose.
    "many_pools": {
        "other_pools": 960, "soon": 730, "earlier_illness": 730, "before_joining": 570, "same_file": 400, "dates": 250,
    },
}  # fmt: skip


def generate(
    count: int, seed: int, *, held_out: Mapping[str, Mapping[str, int]] | None = None
) -> Iterator[Case]:
    """Yield that many claims, of them thirty in a thousand fraud, spread evenly over the kinds.

    held_out: further kinds, of which as many are added as there are of one of the twelve.
    """
    draws = Draws(seed)
    frauds = count * FRAUD_PER_MILLE // 1000
    names = list(KINDS)
    kinds = [names[i % len(names)] for i in range(frauds)] + [""] * (count - frauds)
    extra = [name for name in held_out or {} for _one in range(max(1, frauds // len(names)))]
    for number, kind in enumerate(_shuffled(draws, kinds + extra), 1):
        marks = KINDS.get(kind) or (held_out or {}).get(kind, {})
        yield Case(f"S-{number:06d}", kind, kind in (held_out or {}), _claim(draws, marks))


def _shuffled(draws: Draws, items: list[str]) -> list[str]:
    for i in range(len(items) - 1, 0, -1):
        j = draws.below(i + 1)
        items[i], items[j] = items[j], items[i]
    return items


@dataclass
class _Story:
    """A claim in the making: features as they are, and distances in days from which its dates follow.

    symptom_before: days from the first sign to the event. symptom_in: else how many days before joining or before the
    end of the wait it lies. wrong: the dates that contradict the others.
    """

    told: dict[str, Any]
    waiting: int
    after_waiting: int
    symptom_before: int
    diagnosis_after: int
    issued_after: dict[str, int]
    symptom_in: tuple[str, int] | None = None
    wrong: list[str] = field(default_factory=list)


def _claim(draws: Draws, marks: Mapping[str, int]) -> Features:
    """Return an honest claim with whatever marks the base rates give it, and those of its kind."""
    story = _honest(draws)
    for name, mark in _MARKS.items():
        if draws.chance(BASE_RATES[name]):
            mark(draws, story, False)
    for name, mark in _MARKS.items():
        if draws.chance(marks.get(name, 0)):
            mark(draws, story, True)
    return _finished(draws, story)


def _honest(draws: Draws) -> _Story:
    """Return a claim in which nothing is out of the ordinary: well after the wait, papers in order, nobody alike."""
    illness = draws.pick(_ILLNESSES)
    event = _FIRST_DAY + dt.timedelta(days=draws.below(365))
    told: dict[str, Any] = {
        "illness": illness,
        "sex": draws.pick(("f", "m", "f", "m", "")),
        "age": draws.between(35, 59) if illness in _GROWN else draws.between(18, 59),
        "event_date": event,
        "filed_date": event + dt.timedelta(days=draws.between(5, 170)),
    }
    for group, likely in (("hospital", 900), ("doctor", 700), ("inviter", 400)):
        if draws.chance(likely):
            expected = draws.between(50, 2500)
            told[f"{group}_expected_milli"] = expected
            told[f"{group}_claims"] = draws.count(expected)
    if draws.chance(400):
        told["joined_together"] = draws.pick((0, 0, 0, 1, 1, 2, 3))
    return _Story(
        told=told,
        waiting=draws.pick((90, 90, 180)),
        after_waiting=draws.between(61, 1500),
        symptom_before=draws.below(31),
        diagnosis_after=draws.below(8),
        issued_after={kind: draws.between(0, 20) for kind in _PAPERS},
    )


def _finished(draws: Draws, story: _Story) -> Features:
    """Return the features; of thirty claims in a thousand nobody could read the days in the papers."""
    told = story.told
    event: dt.date = told["event_date"]
    eligible = event - _days(story.after_waiting)
    joined = eligible - _days(story.waiting)
    symptom = max(eligible, event - _days(story.symptom_before))
    if story.symptom_in is not None:
        side, days = story.symptom_in
        symptom = joined - _days(days) if side == "joined" else max(joined, eligible - _days(days))
    diagnosis = event + _days(story.diagnosis_after)
    if "apart" in story.wrong:
        diagnosis = event + _days(draws.between(32, 90))
    issued = {kind: diagnosis + _days(days) for kind, days in story.issued_after.items()}
    for paper in story.wrong:
        if paper in issued:
            issued[paper] = symptom - _days(draws.between(1, 60))
    seen = max(told["filed_date"], diagnosis, *issued.values())
    told |= {"joined_date": joined, "eligible_date": eligible, "seen_date": seen}
    if not draws.chance(30):
        told |= {
            "symptom_date": symptom,
            "diagnosis_date": diagnosis,
            "issued": tuple(sorted(issued.items())),
        }
    return Features(**told)


def _days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def _counts(name: str, most: int) -> Mark:
    """Return the mark that something stands in other claims too: in one, or of fraud in up to `most`."""

    def mark(draws: Draws, story: _Story, is_strong: bool) -> None:
        story.told[name] = draws.between(1, most) if is_strong else 1

    return mark


def _is(name: str) -> Mark:
    def mark(_draws: Draws, story: _Story, _is_strong: bool) -> None:
        story.told[name] = True

    return mark


def _burst(group: str) -> Mark:
    """Return the mark of a cluster: three to eight claims where less than one was expected."""

    def mark(draws: Draws, story: _Story, is_strong: bool) -> None:
        story.told[f"{group}_expected_milli"] = draws.between(50, 800)
        story.told[f"{group}_claims"] = draws.between(3, 8) if is_strong else draws.between(3, 5)

    return mark


def _soon(draws: Draws, story: _Story, is_strong: bool) -> None:
    story.after_waiting = draws.between(0, 40) if is_strong else draws.between(0, 60)


def _in_waiting(draws: Draws, story: _Story, _is_strong: bool) -> None:
    story.symptom_in = ("eligible", draws.between(1, 80))


def _before_joining(draws: Draws, story: _Story, is_strong: bool) -> None:
    story.symptom_in = ("joined", draws.between(1, 900 if is_strong else 200))


def _dates(draws: Draws, story: _Story, is_strong: bool) -> None:
    """Let one date contradict the others, as a slip of the pen does; of fraud up to three."""
    for _one in range(draws.between(1, 3) if is_strong else 1):
        story.wrong.append(draws.pick((*_PAPERS, "apart")))


def _age(draws: Draws, story: _Story, _is_strong: bool) -> None:
    story.told |= {"illness": draws.pick(sorted(_GROWN)), "age": draws.between(18, 34)}


def _together(draws: Draws, story: _Story, is_strong: bool) -> None:
    story.told["joined_together"] = draws.between(4, 25) if is_strong else draws.between(4, 9)


def _arrears(draws: Draws, story: _Story, is_strong: bool) -> None:
    after = draws.between(0, 60) if is_strong else draws.between(0, 20)
    paid = story.told["event_date"] + _days(after - 14)
    story.told["arrears_paid_date"] = min(paid, story.told["filed_date"])


# In the order in which they are drawn: a later one may write over an earlier one.
_MARKS: dict[str, Mark] = {
    "same_file": _counts("same_file", 3),
    "similar_page": _counts("similar_page", 4),
    "same_report": _counts("same_report", 2),
    "same_account": _counts("same_account", 5),
    "account_of_another": _is("is_account_of_another"),
    "account_changed": _is("is_account_changed"),
    "soon": _soon,
    "in_waiting": _in_waiting,
    "before_joining": _before_joining,
    "earlier_illness": _is("has_earlier_illness"),
    "dates": _dates,
    "age": _age,
    "hospital": _burst("hospital"),
    "doctor": _burst("doctor"),
    "inviter": _burst("inviter"),
    "together": _together,
    "arrears": _arrears,
    "other_claims": _counts("other_claims", 4),
    "same_event": _counts("same_event", 2),
    "other_pools": _counts("other_pools", 4),
    "objections": _counts("objections", 3),
}
