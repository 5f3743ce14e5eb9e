"""Proofs of members from a seed, true and false, for whoever reads them: what two verifiers are held against.

Honest ones of cohorts under caps, every lie that has a name, figures changed in statements that are signed anew, parts
of a bundle exchanged, taken out or doubled, and bytes changed blindly.
"""

import contextlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ledger.openbooks.canonical import NotCanonicalError
from ledger.openbooks.notes import b64, read_note, signed
from ledger.openbooks.rolls import Record, RollError
from ledger.openbooks.tests.roll_story import KINDS, PEOPLE, Body, Person, Story
from ledger.openbooks.tests.test_standalone import KEY, LATER, LATER_KEY, ORIGIN, SEED, line_of_key
from ledger.openbooks.tests.test_standalone_rolls import LIES, own_at_the_rate, padded_freeze, two_logs
from ledger.sharing.apportion import Costs, FeeRule, Group, compute_shares

FIGURES = ("S", "E", "V", "C_in", "A", "W", "fee", "R", "C_out")
# What stands there instead of something, written as JSON.
INSTEAD = (
    "0", "1", "-1", "2", "7", "64", "128", "255", "256", "9007199254740991", "9007199254740992", "1.5", "1e3", "-0",
    "01", "NaN", "null", "true", "false", '""', '"L"', '"R"', '"LR"', '"?"', '"0"', '"é"', r'"\ud800"', '"AA=="',
    "[]", "{}", "[0]", "[[0,1,1,1]]", '[["L",[1,0],0,""]]', '{"v":1,"v":1}',
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A bundle as somebody checks it. number (or None), secret, key: what they bring of their own."""

    name: str
    text: str
    number: str | None
    secret: str = ""
    key: str = ""


def of_story(name: str, story: Story, person: Person, **leaf: Any) -> Case:
    bundle = story.bundle(person, **leaf)
    return Case(name, json.dumps(bundle, ensure_ascii=False), person.document)


# --- cohorts ------------------------------------------------------------------------------------------------------


@dataclass
class Cohorts:
    """A period of some members in classes, some under caps, divided as the books divide it; its story is true."""

    rng: random.Random
    groups: list[Group] = field(default_factory=list)

    def story(self) -> tuple[Story, list[Person]]:
        """Return the story, and who is in it."""
        while True:
            told = self._told()
            if told is not None:
                return told

    def _told(self) -> tuple[Story, list[Person]] | None:
        rng = self.rng
        weights = {
            class_no: rng.randint(1, 6) for class_no in sorted(rng.sample(range(64), rng.randint(1, 3)))
        }
        rooms = {
            (class_no, rng.choice([None, rng.randint(0, 300)])): rng.randint(1, 5)
            for class_no in weights
            for _cohort in range(rng.randint(1, 2))
        }
        self.groups = [Group(no, count, weights[no], cap) for (no, cap), count in rooms.items()]
        costs = Costs(
            aid_fens=(rng.randint(0, 3_000), rng.randint(0, 3_000)),
            other_costs_fen=rng.choice([0, rng.randint(0, 300)]),
            reserve_contribution_fen=rng.choice([0, rng.randint(0, 300)]),
            reserve_fen=rng.choice([0, rng.randint(0, 900)]),
            carry_in_fen=rng.choice([0, rng.randint(0, 99)]),
        )
        on_cap = rng.choice(["redistribute", "reserve_pays"])
        fee = FeeRule(Fraction(rng.randint(0, 10), 100))
        sharing = compute_shares(groups=self.groups, costs=costs, fee_rule=fee, on_cap=on_cap)  # type: ignore[arg-type]
        if sharing.shortfall_fen:
            return None
        rows: dict[tuple[int, int], list[int]] = {}
        for share in sharing.shares:
            row = rows.setdefault(
                (share.class_no, share.share_fen), [share.class_no, share.weight, 0, share.share_fen]
            )
            row[2] += share.count
            row[4:] = [max([*row[4:], share.cap_fen])] if share.cap_fen is not None else row[4:]
        bill = {
            "classes": sorted(rows.values(), key=lambda row: (row[0], -row[3])),
            "S": sharing.assessed_fen, "E": sharing.sponsor_fen, "V": sharing.reserve_drawn_fen,
            "C_in": costs.carry_in_fen, "A": sharing.aid_fen, "W": costs.other_costs_fen, "fee": sharing.fee_fen,
            "R": sharing.reserve_contribution_fen, "C_out": sharing.carry_out_fen,
        }  # fmt: skip
        return self._rolled(list(weights), sharing.shares, bill)

    def _rolled(self, classes: list[int], shares: Any, bill: Body) -> tuple[Story, list[Person]]:
        rates = {no: max(one.share_fen for one in shares if one.class_no == no) for no in classes}
        first, people, frozen, closed = self.rng.randrange(10**6), [], [], []
        for share in shares:
            for _member in range(share.count):
                person = Person(first + len(people))
                place, own = classes.index(share.class_no), share.share_fen < rates[share.class_no]
                people.append(person)
                frozen.append(Record(person.commitment, place).encode())
                closed.append(Record(person.commitment, place, share.share_fen, is_explicit=own).encode())
        return Story(frozen=sorted(frozen), closed=sorted(closed), bill=bill, classes=classes), people


def honest(rng: random.Random) -> Case:
    """Return a true one, with or without what its member can bring of their own."""
    story, people = Cohorts(rng).story()
    person = rng.choice(people)
    text = json.dumps(story.bundle(person), ensure_ascii=False, indent=rng.choice([None, 1]))
    number = rng.choice([person.document, person.document, f" {person.document.lower()}-", None])
    return Case("honest", text, number, rng.choice(["", b64(person.secret)]), rng.choice(["", KEY]))


# --- lies ---------------------------------------------------------------------------------------------------------


def told_lies() -> Iterator[Case]:
    """Yield every lie that has a name, as each member hears it."""
    stories = {name: story for name, (story, _code) in LIES.items()} | {"padded freeze": padded_freeze()}
    stories |= {"own at the rate": own_at_the_rate()}
    for name, story in stories.items():
        for person in PEOPLE:
            if any(record[:32] == person.commitment for record in story.closed):
                yield of_story(name, story, person)
    for person in PEOPLE:
        yield Case("two logs", json.dumps(two_logs(person)), person.document)
        yield Case("another's", json.dumps(Story().bundle(person)), PEOPLE[person.number % 9].document)


def renewed() -> Iterator[Case]:
    """Yield proofs of a log that has changed its key, read with the old key, the new one, or none."""
    mine = line_of_key()
    for keys, seed in (
        ([[KEY], mine], LATER),
        ([[KEY], mine], SEED),
        ([[KEY]], LATER),
        ([[KEY], line_of_key(LATER)], LATER),
        ([[KEY], mine[:1]], LATER),
        ([mine], LATER),
    ):
        bundle = Story().bundle(PEOPLE[0])
        text = read_note(bundle["checkpoint"]).text
        bundle["checkpoint"] = signed(text, name=ORIGIN, seed=seed).encode()
        bundle["keys"] = "".join(" ".join(line) + "\n" for line in keys)
        for key in ("", KEY, LATER_KEY):
            yield Case("renewed", json.dumps(bundle), PEOPLE[0].document, key=key)


def changed(rng: random.Random, value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice(
            [value + 1, value - 1, 0, -value, value * 2, value + rng.randint(1, 9_999), 2**53 - 1, True]
        )
    if isinstance(value, str):
        return rng.choice(["", value + "0", value[:-1], value[::-1], value.upper()])
    return rng.choice([[], {}, 0, "0"])


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each part of a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*above, name)
        yield from places(part, (*above, name))


def at(value: Any, way: tuple[Any, ...]) -> Any:
    for name in way:
        value = value[name]
    return value


def restated(rng: random.Random) -> Case:
    """Change a figure, a row or a record; trees, heads, proofs and the real key's signature follow."""
    story, people = Cohorts(rng).story()
    person = rng.choice(people)
    kind = rng.randrange(6)
    if kind == 0:
        story.bill[rng.choice(FIGURES)] += rng.choice([-1, 1, rng.randint(-500, 500)])
    elif kind == 1:
        row = rng.choice(story.bill["classes"])
        place = rng.randrange(len(row))
        row[place] = changed(rng, row[place])
    elif kind == 2:
        rows = story.bill["classes"]
        rows.insert(
            rng.randrange(len(rows) + 1), [*rng.choice(rows)][: rng.randint(3, 5)] + [0] * rng.randint(0, 2)
        )
    elif kind == 3:
        lines = rng.choice([story.frozen, story.closed])
        line = rng.randrange(len(lines))
        flip = bytearray(lines[line])
        flip[rng.choice([32, 40])] ^= rng.choice([1, 2, 64, 128])
        lines[line] = bytes(flip)
    elif kind == 4:
        named = rng.choice(KINDS)
        story.body = lambda told, body: bent_body(rng, body) if told == named else body
    else:
        order = [*KINDS]
        rng.shuffle(order)
        story.order = tuple(order)
    return of_story("restated", story, person)


def bent_body(rng: random.Random, body: Body) -> Body:
    """Change, take out or add a part of what a statement says."""
    copy = json.loads(json.dumps(body))
    *way, last = rng.choice(list(places(copy)))
    inside = at(copy, tuple(way))
    if rng.random() < 0.3:
        del inside[last]
    else:
        inside[last] = changed(rng, inside[last])
    return dict(copy)


def bent(rng: random.Random) -> Case:
    """Put something else in the place of a part of a bundle, or take it out, or write it twice."""
    story, people = Cohorts(rng).story()
    person = rng.choice(people)
    bundle = story.bundle(person)
    ways = [way for way in places(bundle) if way[0] != "entries" or rng.random() < 0.2]
    *way, last = rng.choice(ways)
    inside, kind = at(bundle, tuple(way)), rng.randrange(4)
    if kind == 0:
        del inside[last]
        text = json.dumps(bundle, ensure_ascii=False)
    elif kind == 1:
        inside[last] = changed(rng, inside[last])
        text = json.dumps(bundle, ensure_ascii=False)
    elif kind == 2 and isinstance(inside, dict):
        inside[last], value = "@@", json.dumps(inside[last])
        twice = f'{value},"{last}":{value}'
        text = json.dumps(bundle, ensure_ascii=False).replace('"@@"', twice)
    else:
        inside[last] = "@@"
        text = json.dumps(bundle, ensure_ascii=False).replace('"@@"', rng.choice(INSTEAD))
    return Case(f"bent {way} {last}", text, person.document)


def blind(rng: random.Random) -> Case:
    """Change a character of a bundle: a digit, a letter of base64, a mark."""
    story, people = Cohorts(rng).story()
    person = rng.choice(people)
    text = json.dumps(story.bundle(person), ensure_ascii=False)
    place = rng.randrange(len(text))
    put = rng.choice(["", text[place] * 2, rng.choice('0123456789ABCabc+/=-"\\{}[]:, \n\u2014é')])
    return Case("blind", text[:place] + put + text[place + 1 :], person.document)


def own(rng: random.Random) -> Case:
    """Bring another number, secret or key than the member's own, or one that is none."""
    story, people = Cohorts(rng).story()
    person = rng.choice(people)
    secret = rng.choice(
        ["", b64(rng.randbytes(32)), b64(rng.randbytes(31)), "AA", "=", b64(person.secret) + " "]
    )
    key = rng.choice(
        ["", KEY[:-4] + "AAAA", KEY.replace("test", "best"), "+", KEY + "+", f" {KEY}\n", "a+b+AQ=="]
    )
    number = rng.choice([person.document, "", "E1234", person.document + "\u3000", None])
    return Case("own", json.dumps(story.bundle(person)), number, secret, key)


SHARES: tuple[tuple[Callable[[random.Random], Case], int], ...] = (
    (honest, 3), (restated, 8), (bent, 8), (blind, 4), (own, 2),
)  # fmt: skip


def cases(seed: int, count: int) -> Iterator[Case]:
    """Yield the lies that have names, and so many others from a seed."""
    yield from told_lies()
    yield from renewed()
    rng = random.Random(seed)
    makers = [maker for maker, share in SHARES for _one in range(share)]
    made = 0
    while made < count:
        # A line or a statement may have been changed into what nobody can write.
        with contextlib.suppress(RollError, NotCanonicalError):
            yield rng.choice(makers)(rng)
            made += 1
