"""Reads of verifications: what one has found, statement by statement, and how far it is."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import NotFoundError
from ledger.books.findings import Finding, Statement
from ledger.verification.models import Verification
from ledger.verification.statements import PERIOD, new_report
from members.pools.models import Pool

NAMES = {
    "books": _("The books"),
    "log": _("The public log"),
    "awards": _("Aid and charges as a whole"),
    "custody": _("Bank, wallets and payments"),
    "ends": _("Memberships that ended"),
}


@dataclass(frozen=True)
class Progress:
    """How far a verification is. part: what is looked at now, in words."""

    done: int
    all: int
    part: str

    @property
    def percent(self) -> int:
        """Return the parts that are done, of 100."""
        return 100 * self.done // self.all


@dataclass
class Outcome:
    """What a verification has found so far. unchecked: (part in words, reason) of what could not be read."""

    statements: dict[str, Statement]
    unchecked: list[tuple[str, str]]

    @property
    def false(self) -> list[tuple[str, Statement]]:
        """Return the statements that are false somewhere."""
        return [(code, found) for code, found in self.statements.items() if found.false]

    @property
    def held(self) -> int:
        """Return how many statements had something to be held against: not every pool has wallets, or a jury."""
        return sum(found.examined > 0 for found in self.statements.values())

    @property
    def examined(self) -> int:
        """Return how many rows were held against statements."""
        return sum(found.examined for found in self.statements.values())


def verifications_of(pool: Pool) -> QuerySet[Verification]:
    """Return a pool's verifications, newest first."""
    return Verification.objects.filter(pool=pool).select_related("pool").order_by("-number")


def last_verdicts(pools: Iterable[int]) -> QuerySet[Verification]:
    """Return the last verification of each of these pools (ids) that is done."""
    done = Verification.objects.filter(pool__in=list(pools), state=Verification.State.DONE)
    return done.select_related("pool").order_by("pool", "-number").distinct("pool")


def access_verification(*, pool: Pool, number: int) -> Verification:
    """Return a verification. Raises: NotFoundError."""
    found = verifications_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("There is no verification with this number."))
    return found


def name_of(part: str) -> str:
    """Return a part's name for people."""
    if part.startswith(PERIOD):
        return gettext("Period %(number)s") % {"number": part.removeprefix(PERIOD)}
    return str(NAMES[part])


def progress_of(verification: Verification) -> Progress:
    """Return how far a verification is. One query."""
    done, parts = verification.results.count(), verification.parts
    return Progress(done, len(parts), name_of(parts[min(done, len(parts) - 1)]))


def outcome_of(verification: Verification) -> Outcome:
    """Return what was found, statement by statement, in the reader's language. One query."""
    statements = new_report().statements
    for statement in statements.values():
        statement.sentence = gettext(statement.sentence)
    outcome = Outcome(statements, [])
    for part in verification.results.order_by("place"):
        for result in part.results:
            found = statements.setdefault(result["code"], Statement(result["code"]))
            found.examined += result["examined"]
            found.false += result["false"]
            found.findings += [Finding(**finding) for finding in result["findings"]]
        name = name_of(verification.parts[part.place])
        outcome.unchecked += [(name, reason) for reason in part.unchecked]
    return outcome
