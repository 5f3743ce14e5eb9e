"""What a membership that ends still owes, and what it gets back. Writes nothing."""

import datetime as dt
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from aidplatform.lib import clock
from ledger.custody.selectors import charges_of
from ledger.custody.wallet_selectors import balance_fen, free_fen
from ledger.sharing.models import Period
from members.ending.selectors import bears_run_off, live_ending
from members.joining.family import Relative, family_of
from members.joining.models import Membership, MembershipSpan
from members.joining.payer_news import counted_until
from members.joining.payers import payers_of
from members.joining.selectors import end_of
from members.pools.models import Pool
from members.pools.plan_terms import OperatorTerms
from members.pools.selectors import pays_ahead


@dataclass(frozen=True)
class Coming:
    """A period that has counted a membership, or will still count it, and is not charged yet (fen).

    at_most_fen: what it charges at most, and will charge if no case falls away; None before its cases are announced.
    cap_fen: what the rules let it charge at most; None: they have no such cap.
    """

    period_no: int
    state: str
    publicity_date: dt.date
    publicity_end_date: dt.date
    charge_date: dt.date
    at_most_fen: int | None
    cap_fen: int | None

    @property
    def is_exact(self) -> bool:
        """Tell whether the figure is approved: nothing changes it any more."""
        return self.state in {Period.State.APPROVED, Period.State.POSTING}

    @property
    def row(self) -> list[Any]:
        """Return it as plain data, for the words that say it."""
        return [
            self.period_no,
            self.state,
            self.at_most_fen,
            self.cap_fen,
            self.publicity_end_date.isoformat(),
        ]

    @property
    def is_public(self) -> bool:
        """Tell whether its cases are in publicity, which ends on a day that is known."""
        return self.state == Period.State.ANNOUNCED


@dataclass(frozen=True)
class Wallet:
    """What is in a member's wallet, and what of it can be paid back at once (fen); the rest follows the last charge."""

    balance_fen: int
    free_fen: int


@dataclass(frozen=True)
class Parting:
    """What leaving today means: cover ends at 00:00 of end_date; what is owed, and what comes back (fen).

    open_fen: earlier shares that are not paid. coming: periods that count the membership and are not charged yet.
    wallet: None where members pay afterwards. run_off_cap_fen: what the run-off of a pool that ends may still charge in
    all, leaving or not; bears_run_off: whether it does.
    """

    end_date: dt.date
    open_fen: int
    coming: tuple[Coming, ...]
    wallet: Wallet | None
    bears_run_off: bool
    run_off_cap_fen: int | None

    @property
    def at_most_fen(self) -> int | None:
        """Return what the periods to come charge together at most; None while one of them is not known."""
        figures = [one.at_most_fen for one in self.coming]
        return None if None in figures else sum(fen for fen in figures if fen is not None)

    @property
    def figures(self) -> dict[str, Any]:
        """Return everything that a receipt keeps, as plain data."""
        return {
            "until": self.end_date.isoformat(),
            "open_fen": self.open_fen,
            "coming": [one.row for one in self.coming],
            "wallet_fen": self.wallet.balance_fen if self.wallet else None,
            "free_fen": self.wallet.free_fen if self.wallet else None,
            "bears_run_off": self.bears_run_off,
        }

    @property
    def shown_sha256(self) -> str:
        """Return the hash that leaving names, so that nobody leaves under other figures than they saw."""
        return hashlib.sha256(json.dumps(self.figures, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Adult:
    """Somebody with an account for whom the member pays: they stay unless they leave themselves.

    name: masked, as payers see it; may be empty. is_asked: whether the leaver asks them to leave too.
    """

    membership: Membership
    name: str
    is_asked: bool = False

    @property
    def number(self) -> int:
        """Return the number of their membership."""
        return self.membership.number


@dataclass(frozen=True)
class FamilyParting:
    """What leaving together means: the member's own parting, that of each child who can be taken along, and who stays.

    adults: those with an account for whom the member pays; nobody takes them along. last_date: until then the
    transfers of who has left count for those who stay.
    """

    own: Parting
    children: tuple[tuple[Relative, Parting], ...]
    adults: tuple[Adult, ...]

    @property
    def last_date(self) -> dt.date:
        """Return the first day on which they do not count any more."""
        return counted_until(self.own.end_date)

    def chosen(self, numbers: Collection[int], asked: Collection[int]) -> "FamilyParting":
        """Return it with those children alone, and with those adults asked; numbers that are nobody's count nothing."""
        kept = [pair for pair in self.children if pair[0].membership.number in numbers]
        adults = [replace(one, is_asked=one.number in asked) for one in self.adults]
        return FamilyParting(self.own, tuple(kept), tuple(adults))

    @property
    def figures(self) -> dict[str, Any]:
        """Return everything that the one receipt keeps."""
        figures = self.own.figures
        if self.children:
            family = [{"number": one.membership.number, **parting.figures} for one, parting in self.children]
            figures["family"] = family
        if self.adults:
            figures["adults"] = [[one.number, one.is_asked] for one in self.adults]
            figures["adults_until"] = self.last_date.isoformat()
        return figures

    @property
    def shown_sha256(self) -> str:
        """Return the hash over all that was shown, whoever is taken along or asked."""
        return hashlib.sha256(json.dumps(self.figures, sort_keys=True).encode()).hexdigest()

    @property
    def at_most_fen(self) -> int | None:
        """Return what all of them owe and may still be charged, at most; None while a figure is not known."""
        parts = [self.own, *(parting for _one, parting in self.children)]
        figures = [one.at_most_fen for one in parts]
        if None in figures:
            return None
        return sum(one.open_fen for one in parts) + sum(fen for fen in figures if fen is not None)


def family_parting_of(membership: Membership, at: dt.datetime) -> FamilyParting:
    """Return what leaving means together with the children for whom the member has signed, and who have no account.

    Whoever has an account and is paid for by the member stands beside them: they stay.
    """
    children = [
        (one, parting_of(one.membership, at))
        for one in family_of(membership, at)
        if not one.has_account and end_of(one.membership) is None
    ]
    payers = payers_of(membership, at)
    adults = [
        Adult(link.membership, payers.names.get(link.membership_id, ""))
        for link in payers.pays_for
        if link.membership.person_id and end_of(link.membership) is None
    ]
    return FamilyParting(parting_of(membership, at), tuple(children), tuple(adults))


def operator_on(pool: Pool, day: dt.date) -> OperatorTerms | None:
    """Return who runs the pool by the rules of that day; None where they name nobody."""
    version = pool.plan_versions.filter(effective_date__lte=day).order_by("-effective_date").first()
    return version.plan().operator if version else None


def parting_of(membership: Membership, at: dt.datetime) -> Parting:
    """Return what leaving at that instant would mean. A fixed number of queries."""
    pool = membership.pool
    today = clock.day_of(at, pool.time_zone)
    ending = live_ending(pool)
    bears = ending is not None and bears_run_off(ending, membership)
    owed = charges_of(pool=pool, membership_id=membership.pk)
    return Parting(
        end_date=today + dt.timedelta(days=1),
        open_fen=sum(charge.open_fen for charge in owed),
        coming=coming_of(membership, at),
        wallet=Wallet(
            balance_fen(pool=pool, membership_id=membership.pk),
            free_fen(pool=pool, membership_id=membership.pk),
        )
        if pays_ahead(pool)
        else None,
        bears_run_off=bears,
        run_off_cap_fen=ending.run_off_cap_fen if ending is not None and bears else None,
    )


def coming_of(membership: Membership, at: dt.datetime) -> tuple[Coming, ...]:
    """Return the periods that have counted the membership, or are about to, and are not charged yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM most_charged(%s, %s)", [membership.pool_id, membership.pk])
        figures = {period: (share, room) for period, share, room in cursor.fetchall()}
    late = _late(membership.pool, at)
    found = Period.objects.filter(pk__in=[*figures, *([late.pk] if late else [])]).order_by("number")
    return tuple(
        Coming(
            period_no=period.number,
            state=period.state,
            publicity_date=period.publicity_date,
            publicity_end_date=period.publicity_end_date,
            charge_date=period.charge_date,
            at_most_fen=figures.get(period.pk, (None, None))[0],
            cap_fen=figures.get(period.pk, (None, None))[1],
        )
        for period in found
        if period.pk in figures or _is_counted(period, membership)
    )


def _late(pool: Pool, at: dt.datetime) -> Period | None:
    """Return the period whose publicity day has begun and whose headcount is not taken yet.

    A pool that ends counts as of its notice: what its run-off charges is told for itself.
    """
    if pool.state != Pool.State.OPEN:
        return None
    today = clock.day_of(at, pool.time_zone)
    return pool.periods.filter(state=Period.State.OPENED, publicity_date__lte=today).first()


def _is_counted(period: Period, membership: Membership) -> bool:
    """Tell whether a headcount taken now, as of its publicity day, would find the membership."""
    as_of = clock.start_of_day(period.publicity_date, membership.pool.time_zone)
    spans = MembershipSpan.objects.filter(
        pool_id=membership.pool_id, membership_id=membership.pk, from_at__lte=as_of
    )
    return any(span.to_at is None or span.to_at > as_of for span in spans)
