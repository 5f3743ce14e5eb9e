"""Logs from a seed, true and false, for whoever reads them: what both verifiers are held against, check by check.

True ones of every check, every lie that has a name, figures changed in statements that are signed anew, and bytes
changed blindly.
"""

import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from ledger.openbooks.canonical import canonical_bytes
from ledger.openbooks.notes import public_key, read_note, signed
from ledger.openbooks.tests import test_standalone_witnesses as witnessed
from ledger.openbooks.tests.member_cases import Cohorts, bent_body
from ledger.openbooks.tests.roll_story import PERIOD, Story
from ledger.openbooks.tests.test_draw import REF
from ledger.openbooks.tests.test_mutations import Changes, Files, another, published
from ledger.openbooks.tests.test_standalone import (
    KEY,
    LATER,
    LATER_KEY,
    MISWRITTEN,
    OF_SOMEBODY_ELSE,
    ORIGIN,
    REWRITTEN,
    SEED,
    entry,
    line_of_key,
)
from ledger.openbooks.tests.test_standalone_books import found_in
from ledger.openbooks.tests.test_standalone_draws import SPOILT, Told
from ledger.openbooks.tests.test_standalone_rolls import LIES, own_at_the_rate, padded_freeze
from ledger.openbooks.tests.thefts import FOUND, Thief
from ledger.openbooks.tests.years import ACCOUNT, Body, Year


@dataclass(frozen=True)
class Judged:
    """The files of a log as somebody checks them. given: what they bring to this check of their own."""

    name: str
    check: str
    files: Files
    given: str | int = ""
    key: str = KEY


# --- the log and its history --------------------------------------------------------------------------------------


def statements(count: int) -> list[bytes]:
    return [entry(seq) for seq in range(count)]


def of_logs() -> Iterator[Judged]:
    """Yield logs, true and with everything that can stand otherwise in one."""
    for size in (1, 2, 5, 255, 256, 257, 513):
        yield Judged(f"true of {size}", "log", published(statements(size)))
    for harm, code in MISWRITTEN:
        bad = entry(7, **harm) if isinstance(harm, dict) else harm
        yield Judged(code, "log", published([bad if seq == 7 else entry(seq) for seq in range(10)]))
    files = published(statements(300))
    for number, (harm, code) in enumerate(OF_SOMEBODY_ELSE):
        note = harm(files["checkpoint"].decode()).encode()
        yield Judged(f"{code} {number}", "log", files | {"checkpoint": note})
    other = published([entry(seq, body={"n": 0}) for seq in range(300)])
    served = {name: data for name, data in other.items() if name.startswith("tile/entries")}
    yield Judged("other statements", "log", files | served)
    for name in ("checkpoint", "tile/entries/000", "keys"):
        less = {one: data for one, data in files.items() if one != name}
        yield Judged(f"no {name}", "log", less, key="")
    for text in (KEY.encode(), b"\n", f"{KEY[:-4]}AAAA\n".encode(), b"\xff", b" " + KEY.encode()):
        yield Judged("keys", "log", files | {"keys": text}, key="")


def of_histories(rng: random.Random, count: int) -> Iterator[Judged]:
    """Yield kept checkpoints with what is shown afterwards: the same log that went on, or another one."""
    kept = published(statements(200))["checkpoint"].decode()
    for old in (1, 128, 255, 299, 300):
        before = published(statements(old))["checkpoint"].decode()
        yield Judged(f"true from {old}", "history", published(statements(300)), before)
    for forge, code in REWRITTEN:
        yield Judged(code, "history", published(forge(statements(300))), kept)
    files = published(statements(300))
    hashes = files["tile/0/000"][:-32] + sha256(b"another").digest()
    yield Judged("other hashes", "history", files | {"tile/0/000": hashes}, kept)
    yield Judged("too few hashes", "history", files | {"tile/0/000": hashes[:-32]}, kept)
    yield Judged("nothing was kept", "history", files, "")
    for _one in range(count):
        whole = statements(rng.randrange(2, 40))
        size = rng.randrange(2, len(whole) + 1)
        shown = another(whole, size, rng.randrange(size), rng)
        yield Judged("view", "history", published(shown), published(whole[:size])["checkpoint"].decode())


# --- rolls and draws ----------------------------------------------------------------------------------------------


def of_story(name: str, story: Story) -> Judged:
    files = published(list(story.entries().values()))
    return Judged(name, "roll", files | {f"roll/{PERIOD}/part/0": b"".join(story.closed)}, PERIOD)


def of_rolls(rng: random.Random, count: int) -> Iterator[Judged]:
    """Yield rolls of members in classes under caps, every lie that has a name, and lines and figures changed."""
    yield of_story("true", Story())
    yield Judged("no such period", "roll", of_story("", Story()).files, PERIOD + 1)
    for name, (story, _code) in LIES.items():
        yield of_story(name, story)
    yield of_story("padded freeze", padded_freeze())
    yield of_story("own at the rate", own_at_the_rate())
    head = Story(body=lambda kind, body: body | {"head": "00" * 32} if kind == "roll.close" else body)
    yield of_story("another head", head)
    true, name = of_story("", Story()), f"roll/{PERIOD}/part/0"
    lines = true.files[name]
    yield Judged(
        "a class that is none", "roll", true.files | {name: lines[:32] + b"\x42" + lines[33:]}, PERIOD
    )
    yield Judged("out of order", "roll", true.files | {name: lines[41:82] + lines[:41] + lines[82:]}, PERIOD)
    for cut in (1, 40, 42):
        yield Judged("cut", "roll", true.files | {name: true.files[name][:-cut]}, PERIOD)
    changes = Changes(rng.randrange(99))
    for number in range(count):
        if number % 3 == 0:
            yield of_story("cohorts", Cohorts(rng).story()[0])
        else:
            yield Judged("changed", "roll", changes.lie_about_a_roll()[1], PERIOD)


def of_case(name: str, case: Told) -> Judged:
    return Judged(name, "draw", published(case.envelopes()) | {f"draw/{REF}/1": b"".join(case.names)}, REF)


def of_draws(rng: random.Random, count: int) -> Iterator[Judged]:
    """Yield a true draw, every lie that has a name, and figures, names and hashes changed."""
    yield of_case("true", Told())
    true = of_case("true of all", Told()).files
    yield Judged("true of all", "draw", true, "")
    yield Judged("no such case", "draw", true, "fedcba9876543210")
    yield Judged("no list", "draw", {name: data for name, data in true.items() if "draw/" not in name}, REF)
    for spoil, code in SPOILT:
        case = Told()
        spoil(case)
        yield of_case(code, case)
    changes = Changes(rng.randrange(99))
    for _one in range(count):
        yield Judged("changed", "draw", changes.lie_about_a_draw()[1], REF)


# --- the cash book ------------------------------------------------------------------------------------------------


def of_year(name: str, entries: list[Body], account: str = "") -> Judged:
    return Judged(name, "book", published([canonical_bytes(one) for one in entries]), account)


def of_books(rng: random.Random, count: int) -> Iterator[Judged]:
    """Yield honest years, every theft, and years of which one figure is another one, signed anew."""
    yield of_year("true", Year(7).entries, f"{ACCOUNT[:4]} {ACCOUNT[4:]}")
    yield of_year("another account", Year(3, periods=1).entries, "6222 1")
    yield of_year("revoked", Year(7, revokes=True).entries)
    unlisted = Year(7).entries
    next(one for one in unlisted if one["type"] == "bank.day" and one["body"]["settled"])["body"][
        "settled_count"
    ] += 1
    yield of_year("not listed", unlisted)
    years = (Year(seed, periods=3).entries for seed in itertools.count())
    adjusted, adjustment = next(
        (year, one["body"]) for year in years for one in year if one["type"] == "award.adjust"
    )
    adjustment["is"] = adjustment["was"] + 1
    yield of_year("more than was announced", adjusted)
    # Where caps of one year are such that rounding brings more than they keep.
    yield of_year("rounding", Year(983).entries)
    for theft in sorted(FOUND):
        seed = rng.randrange(2**30)
        while not (thief := Thief(seed, theft, rng.randint(1, 500), periods=3)).taken:
            seed += 1
        yield of_year(theft, thief.entries)
    # Most who keep what came back overdraw an account as well.
    seed, kept = 0, "aid that came back and is nobody's"
    while found_in((thief := Thief(seed, kept, 1)).entries) != FOUND[kept][0]:
        seed += 1
    yield of_year(kept, thief.entries)
    for number in range(count):
        year = Year(rng.randrange(10**6), periods=rng.randint(1, 2)).entries
        if number % 4:
            one = rng.choice(year)
            one["body"] = bent_body(rng, one["body"])
        yield of_year("bent" if number % 4 else "honest", year)


# --- witnesses ----------------------------------------------------------------------------------------------------


def of_witnesses() -> Iterator[Judged]:
    """Yield checkpoints with signatures of witnesses, and of those who only seem to be some."""
    files, now = published(statements(5)), int(time.time())
    note = files["checkpoint"].decode()
    one, two, three = (witnessed.line(note, name, now) for name in witnessed.SEEDS)
    quantum = witnessed.quantum_line(note, now)
    other = note.replace("\n5\n", "\n4\n", 1)
    policy, with_quantum = witnessed.policy, witnessed.with_quantum
    twice = policy(*witnessed.SEEDS).replace(witnessed.key_of("two"), witnessed.key_of("one"))
    for text, *lines in (
        (policy(*witnessed.SEEDS), one, two),
        (policy(*witnessed.SEEDS, needed=3), one, two, three),
        (policy(*witnessed.SEEDS, needed=3), one, three),
        (policy(*witnessed.SEEDS), one, one),
        (policy(*witnessed.SEEDS),),
        (twice, one, two),
        (policy("one", "three"), one, two),
        (policy(*witnessed.SEEDS), one, witnessed.line(note, "two", now, seed=bytes(32))),
        (policy(*witnessed.SEEDS), one, witnessed.line(other, "two", now)),
        (policy(*witnessed.SEEDS), one, witnessed.line(note, "two", now + 90_000)),
        (policy(*witnessed.SEEDS).replace("witness one", "witness other one"), one, two),
        (policy(*witnessed.SEEDS).replace(KEY, KEY[:-4] + "AAAA"), one, two),
        (f"log {KEY}\nquorum none\n", one),
        (f"log {KEY}\nquorum somebody\n", one),
        (with_quantum(2), one, quantum),
        (with_quantum(2), one, two, quantum),
        (with_quantum(3), one, quantum),
    ):
        yield Judged(
            "witnesses", "witnesses", files | {"checkpoint.witnessed": (note + "".join(lines)).encode()}, text
        )
    yield Judged("no witnessed checkpoint", "witnesses", files, policy(*witnessed.SEEDS))


# --- a log that changes its key -----------------------------------------------------------------------------------

STRANGER = public_key(name=ORIGIN, seed=bytes(32)).encode()
CHANGED_AT = 5


def renewed(
    *, states: list[str] | None, tells: list[str] | None, size: int = 9, seed: bytes = LATER
) -> Files:
    """Return the files of a log that changes its key; states: what it says of it, tells: what its file of keys does."""
    entries = statements(size)
    if states is not None:
        body = {"number": 2, "old": KEY, "new": states[0], "signature": states[1]}
        entries[CHANGED_AT] = entry(CHANGED_AT, type="key.rotate", body=body)
    files = published(entries)
    note = read_note(files["checkpoint"].decode()).text
    lines = [KEY, *([" ".join(tells)] if tells else [])]
    told = "".join(f"{line}\n" for line in lines)
    return files | {
        "checkpoint": signed(note, name=ORIGIN, seed=seed).encode().encode(),
        "keys": told.encode(),
    }


def of_keys() -> Iterator[Judged]:
    """Yield logs that changed their key, and every lie about it."""
    mine = line_of_key()
    true = renewed(states=mine, tells=mine)
    for key in (KEY, LATER_KEY, "", STRANGER):
        yield Judged(f"true key change {key[:40]}", "log", true, key=key)
    yield Judged("not yet in force", "log", renewed(states=mine, tells=None, size=CHANGED_AT + 1, seed=SEED))
    yield Judged("in force too early", "log", renewed(states=mine, tells=mine, size=CHANGED_AT + 1))
    yield Judged("old key goes on", "log", renewed(states=mine, tells=mine, seed=SEED))
    yield Judged("old key hides it", "log", renewed(states=mine, tells=None, seed=SEED))
    yield Judged("not stated", "log", renewed(states=None, tells=mine))
    yield Judged("not told", "log", renewed(states=mine, tells=None))
    yield Judged("not signed by the old key", "log", renewed(states=mine, tells=line_of_key(LATER)))
    other = line_of_key(new=STRANGER)
    yield Judged("another one stated", "log", renewed(states=other, tells=mine))
    yield Judged("another one signs", "log", renewed(states=mine, tells=mine, seed=bytes(32)))
    for line in ([mine[0]], [*mine, "more"], [mine[0], mine[1][:-4]], ["", *mine]):
        yield Judged("keys written otherwise", "log", renewed(states=mine, tells=line))
    kept = published(statements(3))["checkpoint"].decode()
    for key in (KEY, LATER_KEY, ""):
        yield Judged("kept under the old key", "history", true, kept, key=key)
    yield Judged("forked under the old key", "history", true, published([entry(9)])["checkpoint"].decode())
    before = renewed(states=mine, tells=None, size=CHANGED_AT + 1, seed=SEED)["checkpoint"].decode()
    lines = "".join(witnessed.line(before, name, int(time.time())) for name in ("one", "two"))
    asked = witnessed.policy(*witnessed.SEEDS)
    for key in (KEY, LATER_KEY):
        files = true | {"checkpoint.witnessed": f"{before}{lines}".encode()}
        yield Judged("witnessed before the change", "witnesses", files, asked.replace(KEY, key))


# --- all ----------------------------------------------------------------------------------------------------------


def blind(rng: random.Random, like: list[Judged]) -> Judged:
    """Change, take out or double a byte of a file that is read."""
    case = rng.choice(like)
    name = rng.choice(sorted(case.files))
    data = bytearray(case.files[name])
    at = rng.randrange(len(data) or 1)
    match rng.randrange(3) if data else 3:
        case 0:
            del data[at]
        case 1:
            data.insert(at, data[at])
        case 2:
            data[at] ^= rng.randrange(1, 256)
        case _:
            data += b"\n"
    return Judged(
        f"blind {case.check} {name}", case.check, case.files | {name: bytes(data)}, case.given, case.key
    )


def cases(seed: int, count: int) -> Iterator[Judged]:
    """Yield what has a name of all checks, and so many others from a seed."""
    rng, part = random.Random(seed), count // 6
    made = [
        *of_logs(), *of_histories(rng, part // 2), *of_rolls(rng, part), *of_draws(rng, part),
        *of_books(rng, 2 * part), *of_witnesses(), *of_keys(),
    ]  # fmt: skip
    yield from made
    for _one in range(count - 4 * part - part // 2):
        yield blind(rng, made)
