"""Worked examples as text: plan, members, what happens period by period, and the trial balance at the end.

A line is `word figures`. Before the first `period`: `members 0:4 1:3` (class:count), `weights 0:1 1:3`,
`fee 8/100`, `cap 2.00` (per case), `period_cap 20.00`, `year_cap 30.00`, `reserve 5/100 500.00` (contribution and
target), and who bears what caps leave: `rest reduce_aid` or `rest defer`, or the rule `rest reserve_pays`. In a period:
`join 0:2` at its beginning; `case`, `write_off`, `bank_charge`, `bank_charge_reversed`, `interest` with an amount
happen before its announcement; `late_write_off` after it; lines with `=` say what comes out: one figure, `share 0`
what everybody of it pays, or `shares 0 21.00 2 3.00 4`, how many of it pay how much. After `trial` stands the trial
balance. All amounts in the currency unit.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aidplatform.lib import clock
from aidplatform.testing.ledgers import Balances, assert_books_true, balances, read_trial
from aidplatform.testing.reversals import reversed_by_two
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.books import chart
from ledger.books.models import JournalEntry
from ledger.books.services import Line, credit, debit
from ledger.openbooks.services import post_logged_entry
from ledger.sharing import services
from ledger.sharing.models import Charge, Period
from ledger.sharing.selectors import book_of
from members.joining.services import admit_group

BOOKINGS: dict[str, tuple[str, str]] = {
    # As the bank takes money for a written-off share back: of that nobody decides.
    "write_off": (chart.TO_BE_SHARED, chart.CUSTODY),
    "bank_charge": (chart.TO_BE_SHARED, chart.CUSTODY),
    "interest": (chart.CUSTODY, chart.CARRIED_SURPLUS),
}


@dataclass
class Story:
    """One period of an example."""

    happens: list[tuple[str, int]] = field(default_factory=list)
    joins: dict[int, int] = field(default_factory=dict)
    late: list[int] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)


@dataclass
class Example:
    """A parsed example."""

    members: dict[int, int]
    terms: dict[str, Any]
    periods: list[Story]
    trial: Balances


def fen(text: str) -> int:
    """Read 1,234.50 as fen."""
    return int(text.replace(",", "").replace(".", ""))


def parse(text: str) -> Example:
    """Read an example."""
    head, *stories = text.partition("trial")[0].split("period\n")
    members, terms = _plan(head)
    return Example(
        members, terms, [_story(story) for story in stories], read_trial(text.partition("trial")[2])
    )


def _plan(text: str) -> tuple[dict[int, int], dict[str, Any]]:
    words = {line.split()[0]: line.split()[1:] for line in text.strip().splitlines()}
    members = {int(no): int(count) for no, count in (pair.split(":") for pair in words["members"])}
    weights = dict(pair.split(":") for pair in words.get("weights", [f"{no}:1" for no in members]))
    terms: dict[str, Any] = {
        "fee": {"rate": words.get("fee", ["8/100"])[0]},
        "classes": [
            {"class_no": int(no), "weight": int(weight), "name_en": f"Class {no}", "name_zh": f"第{no}类"}
            for no, weight in weights.items()
        ],
    }
    if "cap" in words:
        # A cap that a plan may have: the dearest case must be affordable for the fewest members.
        terms["aid"] = [{"severity": "severe", "age_from": 0, "age_before": 60, "max_aid_fen": 1}]
        terms["per_case_cap_fen"] = fen(words["cap"][0])
    if "period_cap" in words:
        terms["period_cap_fen"] = fen(words["period_cap"][0])
    if "year_cap" in words:
        terms["year_cap_fen"] = fen(words["year_cap"][0])
    if "reserve" in words:
        rate, target = words["reserve"]
        terms["reserve"] = {"contribution_rate": rate, "target_fen": fen(target)}
    rest = words.get("rest", ["sponsor"])[0]
    terms["on_cap" if rest == "reserve_pays" else "on_infeasible"] = rest
    return members, terms


def _story(text: str) -> Story:
    story = Story()
    for line in text.strip().splitlines():
        word, *rest = line.split()
        if word == "join":
            story.joins = {int(no): int(count) for no, count in (pair.split(":") for pair in rest)}
        elif word == "=" and rest[0] == "shares":
            paid = zip(rest[2::2], rest[3::2], strict=True)
            story.expected[f"shares {rest[1]}"] = {fen(amount): int(members) for amount, members in paid}
        elif word == "=":
            story.expected[" ".join(rest[:-1])] = fen(rest[-1]) if "." in rest[-1] else int(rest[-1])
        elif word == "late_write_off":
            story.late.append(fen(rest[0]))
        else:
            story.happens.append((word, fen(rest[0])))
    return story


def play(text: str, *, large: bool) -> None:
    """Play an example through the services and compare every figure it states."""
    example = parse(text)
    world = World.founded(code="worked", members=example.members, large=large, **example.terms)
    for story in example.periods:
        period = _play_period(world, story)
        assert {name: _figure(world, period, name) for name in story.expected} == story.expected
        assert_books_true(world.pool)
    assert balances(book_of(world.pool)) == example.trial


def _play_period(world: World, story: Story) -> Period:
    last = world.pool.periods.order_by("-number").first()
    if last is not None:
        set_clock(clock.start_of_day(last.next_opening_date, world.pool.time_zone))
    for class_no, count in story.joins.items():
        admit_group(
            pool=world.pool,
            count=count,
            class_no=class_no,
            from_at=clock.now(),
            joined_date=clock.today(world.pool.time_zone),
            actor="founding",
        )
    for place, (word, amount) in enumerate(story.happens):
        key = f"{(last.number if last else 0) + 1}/{place}"
        if word == "case":
            world.award(amount, f"C-{key.replace('/', '-')}")
        else:
            _book(world, word, key, amount)
    period = world.announced_period()
    for amount in story.late:
        _book(world, "write_off", f"late/{period.number}", amount)
    period = world.computed_period(period)
    services.approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    period.refresh_from_db()
    assert period.state == "posted"
    return period


def _book(world: World, word: str, key: str, amount: int) -> None:
    common: dict[str, Any] = {"entry_date": dt.date(2026, 1, 5), "at": clock.now()}
    if word == "bank_charge_reversed":
        entry = JournalEntry.objects.filter(kind="bank_charge", reversed_by=None).latest("number")
        assert entry.postings.get(side="D").amount_fen == amount
        reversed_by_two(world, entry, "Paid after all")
        return
    debited, credited = BOOKINGS[word]
    lines: list[Line] = [debit(debited, amount), credit(credited, amount)]
    post_logged_entry(
        book=book_of(world.pool),
        key=f"{word}/{key}",
        kind=word,
        lines=lines,
        description=word,
        source=word,
        maker="P-1",
        **common,
    )


def _figure(world: World, period: Period, name: str) -> Any:
    """Return a stated figure: a column of the period, `share N` as it was charged, or `part N` of the N-th case.

    Of `shares N` it is how many of the class were charged how much.
    """
    if name.startswith("part"):
        award = world.pool.awards.get(code=f"C-{period.number}-{int(name.split()[1]) - 1}")
        return int(award.payable_fen)
    if not name.startswith("share"):
        figure: int = getattr(period, name if name in {"cases", "headcount"} else f"{name}_fen")
        return figure
    class_no = int(name.split()[1])
    charged = Charge.objects.filter(
        pool_id=world.pool.pk,
        period_no=period.number,
        membership_id__in=_members_of_class(world, class_no),
    )
    if name.startswith("shares"):
        return dict(Counter(charged.values_list("share_fen", flat=True)))
    shares = set(charged.values_list("share_fen", flat=True))
    assert len(shares) == 1
    return int(shares.pop())


def _members_of_class(world: World, class_no: int) -> list[int]:
    from members.joining.models import MembershipSpan

    spans = MembershipSpan.objects.filter(pool_id=world.pool.pk, class_no=class_no)
    return list(spans.values_list("membership_id", flat=True))
