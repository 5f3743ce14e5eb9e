"""Whom a reader trusts: the log's key, its witnesses and how many of them, as c2sp.org/tlog-policy says. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ledger.openbooks.notes import COSIGNATURE, ED25519, ML_DSA_44, NoteError, VerifierKey, read_key

NONE = "none"
_NEEDED = "needed"


class PolicyError(ValueError):
    """A policy that cannot be read; the message names its line."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: its name inside the policy, its key, and where it takes checkpoints (empty: nowhere)."""

    name: str
    key: VerifierKey
    url: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses by name, groups (how many of which names), and the name that has to have witnessed."""

    logs: tuple[VerifierKey, ...]
    witnesses: dict[str, Witness]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str

    def is_met(self, cosigners: Collection[VerifierKey]) -> bool:
        """Say whether these witnesses are the quorum; a key counts once, under the one name that it has."""
        return self.quorum == NONE or self._has_witnessed(self.quorum, cosigners)

    def _has_witnessed(self, name: str, cosigners: Collection[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].key in cosigners
        needed, members = self.groups[name]
        return sum(self._has_witnessed(member, cosigners) for member in members) >= needed


def read_policy(text: str) -> Policy:
    """Read a policy. Raises: PolicyError, also for a key given twice: one witness would count as two."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if any(ord(character) < 0x20 and character != "\t" for character in line):
            raise PolicyError(f"line {number}: a control character")
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except (NoteError, PolicyError) as error:
            raise PolicyError(f"line {number}: {error}") from None
    if reader.quorum is None:
        raise PolicyError("a policy has one line that begins with quorum")
    return Policy(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum)


class _Reader:
    """Collects the lines of a policy; each may refer to those before it only."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.quorum: str | None = None
        self._keys: set[bytes] = set()
        self._members: set[str] = set()

    def take(self, words: list[str]) -> None:
        """Take one line. Raises: PolicyError, NoteError."""
        match words:
            case ["log", key, *url] if len(url) <= 1:
                self.logs.append(self._key(key, (ED25519,)))
            case ["witness", name, key, *url] if len(url) <= 1:
                self._name(name)
                witness = Witness(name, self._key(key, (COSIGNATURE, ML_DSA_44)), "".join(url))
                self.witnesses[name] = witness
            case ["group", name, how_many, *members] if members:
                self._name(name)
                self.groups[name] = (_threshold(how_many, len(members)), self._take_members(members))
            case ["quorum", name]:
                if self.quorum is not None:
                    raise PolicyError("a second quorum")
                if name != NONE and name not in self.witnesses | self.groups:
                    raise PolicyError(f"{name} is not defined before")
                self.quorum = name
            case _:
                raise PolicyError(f"{' '.join(words)[:60]} is no line of a policy")

    def _name(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise PolicyError(f"the name {name} is taken")

    def _key(self, text: str, kinds: tuple[int, ...]) -> VerifierKey:
        key = read_key(text)
        if key.kind not in kinds:
            raise PolicyError(f"a key of kind {key.kind} does not sign this")
        if key.public in self._keys:
            raise PolicyError(f"the key of {key.name} stands there twice")
        self._keys.add(key.public)
        return key

    def _take_members(self, members: list[str]) -> tuple[str, ...]:
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise PolicyError(f"{member} is not defined before")
            if member in self._members:
                raise PolicyError(f"{member} would count twice")
            self._members.add(member)
        return tuple(members)


def _threshold(text: str, members: int) -> int:
    """Return how many of the members are needed. Raises: PolicyError."""
    if text in {"any", "all"}:
        return 1 if text == "any" else members
    if not (text.isascii() and text.isdecimal() and str(int(text)) == text) or not 1 <= int(text) <= members:
        raise PolicyError(f"{text[:20]} of {members} is no number of them")
    return int(text)


def composed(witnesses: Sequence[tuple[str, str]], needed: int) -> str:
    """Return the lines of a policy in which so many of these witnesses are needed; each is a key and its address.

    Raises: PolicyError, also for a number of witnesses that there are not.
    """
    if not witnesses:
        return f"quorum {NONE}\n"
    names = [key.split("+", 1)[0] for key, _url in witnesses]
    lines = [f"witness {name} {key} {url}" for name, (key, url) in zip(names, witnesses, strict=True)]
    text = "\n".join([*lines, f"group {_NEEDED} {needed} {' '.join(names)}", f"quorum {_NEEDED}"]) + "\n"
    read_policy(text)
    return text
