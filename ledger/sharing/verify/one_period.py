"""Compute one period again from its manifest, plan and awards, and look at every charge on its own.

`verify_books` counts charges and people in the database, by the shares that are stored. Here the shares come out
of the recomputation, and Python judges each membership as the rows stream by in the order of their ids: who was
frozen is charged once, by the share of the class, and nobody else is.

By sums it is a matter of seconds at any size: everything is recomputed as well, but of the charges only number and
sum are read, shard by shard. That finds every fen that is missing or too many, not one that was moved within a shard.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure, stream
from ledger.sharing.recompute import Bill, charge
from ledger.sharing.verify import bill, headcount, posted
from ledger.sharing.verify.limits import EARLIER, Limits, limits_of
from ledger.sharing.verify.rows import PeriodRow, PoolRow, periods, read_json, text

SENTENCES = {
    "manifest_is_the_headcount": _("Headcount and classes of the period are the sums of its manifest."),
    "snapshot_is_unchanged": headcount.SENTENCES["snapshot_is_unchanged"],
    "plan_version_is_permanent": bill.SENTENCES["plan_version_is_permanent"],
    "period_identity_holds": bill.SENTENCES["period_identity_holds"],
    "awards_sum_to_aid": bill.SENTENCES["awards_sum_to_aid"],
    "carry_follows_the_books": posted.SENTENCES["carry_follows_the_books"],
    "fee_follows_plan": bill.SENTENCES["fee_follows_plan"],
    "need_follows_bill": bill.SENTENCES["need_follows_bill"],
    "share_follows_need": bill.SENTENCES["share_follows_need"],
    "shown_hash_is_of_the_figures": bill.SENTENCES["shown_hash_is_of_the_figures"],
    "charge_equals_class_rate": headcount.SENTENCES["charge_equals_class_rate"],
    "shard_matches_manifest": headcount.SENTENCES["shard_matches_manifest"],
    "posted_charges_equal_assessed": headcount.SENTENCES["posted_charges_equal_assessed"],
}

_PERSON = "p.class_no, hashint8extended(p.membership_id, p.class_no)"
_PEOPLE = f"SELECT p.membership_id, {_PERSON}, NULL, 0, 0 FROM ({headcount.COVERED}) p ORDER BY 1"
_PEOPLE_AND_CHARGES = f"""
    SELECT coalesce(p.membership_id, c.membership_id), {_PERSON}, c.share_fen, {{earlier}}
      FROM ({headcount.COVERED}) p FULL JOIN ({headcount.CHARGED}) c ON c.membership_id = p.membership_id {{joined}}
     ORDER BY 1"""
_WITHOUT_LIMITS = _PEOPLE_AND_CHARGES.format(earlier="0, 0", joined="")
_WITH_LIMITS = _PEOPLE_AND_CHARGES.format(
    earlier="coalesce(e.of_year, 0), coalesce(e.of_run_off, 0)",
    joined=f"LEFT JOIN ({EARLIER}) e ON e.membership_id = p.membership_id",
)
_SUMS = f"""
    SELECT c.membership_id / %(width)s, count(*), sum(c.share_fen)::bigint FROM ({headcount.CHARGED}) c GROUP BY 1"""
#: What is not looked at by sums.
BY_MEMBERSHIP = ("snapshot_is_unchanged", "charge_equals_class_rate")


@dataclass
class Shard:
    """A line of the manifest, and what was met in its range of ids: people, their hash, charges and their sum."""

    name: str
    members: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    rooms: list[list[int]] | None = None
    ids_hash: int = 0
    want_fen: int | None = 0
    people: dict[int, int] = field(default_factory=dict)
    people_hash: int = 0
    charges: int = 0
    fen: int = 0


@dataclass
class Manifest:
    """The lines in the order of their ids, and a place for ids that are in none."""

    first_ids: list[int]
    end_ids: list[int]
    shards: list[Shard]
    outside: Shard

    @classmethod
    def of(cls, period: PeriodRow) -> "Manifest":
        """Read the period's manifest."""
        lines = fetch(
            """SELECT first_id, end_id, shard_no, members, counts, rooms, ids_hash, want_fen FROM ledger_manifestline
                WHERE period_id = %(period)s ORDER BY first_id""",
            period.parameters,
        )
        shards = [
            Shard(
                f"{period.where}, shard {no}",
                members,
                _by_class(counts),
                read_json(rooms),
                ids_hash,
                want_fen,
            )
            for _first, _end, no, members, counts, rooms, ids_hash, want_fen in lines
        ]
        outside = Shard(f"{period.where}, in no shard")
        return cls([line[0] for line in lines], [line[1] for line in lines], shards, outside)

    def shard_of(self, membership: int) -> Shard:
        """Return the shard whose range holds the membership."""
        place = bisect_right(self.first_ids, membership) - 1
        return self.shards[place] if place >= 0 and membership < self.end_ids[place] else self.outside

    def everywhere(self) -> Iterator[Shard]:
        """Yield every shard, last the place of those that are in none."""
        yield from self.shards
        yield self.outside

    def members_by_class(self) -> dict[int, int]:
        """Return the manifest's sums over all shards."""
        totals: dict[int, int] = {}
        for shard in self.shards:
            for class_no, count in shard.counts.items():
                totals[class_no] = totals.get(class_no, 0) + count
        return totals


def verify_one_period(report: Report, pool: PoolRow, number: int, *, by_sums: bool = False) -> None:
    """Hold a computed or posted period against its recomputation; what has no charges yet is not asked for any.

    by_sums: read numbers and sums of charges only, and nothing of people; the statements of BY_MEMBERSHIP stay open.
    Raises: LookupError where there is no such period, or nothing has been computed.
    """
    found = [period for period in periods(pool) if period.number == number]
    if not found:
        raise LookupError(f"pool {pool.code} has no period {number}")
    period = found[0]
    if period.assessed_fen is None:
        raise LookupError(f"{period.where} is {period.state}: its shares are not computed")
    manifest = Manifest.of(period)
    _hold_headcount(report, period, manifest)
    posted.verify_carry(report, period)
    recomputed = bill.verify_figures(report, period, manifest.members_by_class())
    if recomputed is None:
        return
    if by_sums:
        _sum_up(period, manifest)
    else:
        _walk(report, period, manifest, recomputed.shares)
    for shard in manifest.everywhere():
        if not by_sums:
            _hold_people(report, shard)
        _hold_shard(report, period, shard, recomputed.shares)
    if period.is_posted:
        _hold_totals(report, period, manifest, recomputed)
    else:
        charges = figure(f"SELECT count(*) FROM ({headcount.CHARGED}) c", period.parameters)
        report.expect(
            "posted_charges_equal_assessed" if by_sums else "charge_equals_class_rate",
            f"{period.where}, charges before it is posted",
            0,
            charges,
        )


def _by_class(counts: object) -> dict[int, int]:
    return {int(class_no): count for class_no, count in read_json(counts).items()}


def _hold_headcount(report: Report, period: PeriodRow, manifest: Manifest) -> None:
    """Hold the manifest against itself and against what the period says of it."""
    code, totals = "manifest_is_the_headcount", manifest.members_by_class()
    for shard in manifest.shards:
        report.expect(code, f"{shard.name}, members", sum(shard.counts.values()), shard.members)
    report.expect(code, f"{period.where}, members", sum(totals.values()), period.headcount)
    report.expect(code, f"{period.where}, classes", text(totals), text(period.members_by_class))


def _walk(report: Report, period: PeriodRow, manifest: Manifest, shares: dict[int, int]) -> None:
    """Meet every membership that was frozen or is charged, and judge it alone."""
    parameters = period.parameters | {
        "as_of": period.as_of,
        "recorded": period.headcount_recorded_at,
        "width": 1,
    }
    limits = limits_of(period)
    if limits is not None:
        parameters |= limits.parameters
    charged = _WITHOUT_LIMITS if limits is None else _WITH_LIMITS
    last, met = None, 0
    for membership, class_no, ids_hash, share, *earlier in stream(
        charged if period.is_posted else _PEOPLE, parameters
    ):
        shard = manifest.shard_of(membership)
        met += 1
        if share is not None:
            shard.charges += 1
            shard.fen += share
        if membership == last:
            where = f"{shard.name}, membership {membership}"
            report.false("charge_equals_class_rate", where, "met once", f"met again, with {_fen(share)}")
            continue
        last = membership
        if class_no is not None:
            shard.people[class_no] = shard.people.get(class_no, 0) + 1
            shard.people_hash ^= ids_hash
        owed = None if class_no is None else _owed(shares.get(class_no), limits, earlier)
        if period.is_posted and (class_no is None or share != owed):
            where = f"{shard.name}, membership {membership}"
            wanted = "no charge: not counted" if class_no is None else f"{_fen(owed)} for class {class_no}"
            report.false("charge_equals_class_rate", where, wanted, _fen(share))
    if period.is_posted:
        report.examined("charge_equals_class_rate", met)


def _sum_up(period: PeriodRow, manifest: Manifest) -> None:
    """Count and sum the charges of every shard in one pass, in the database."""
    # All borders of shards are multiples of it, so that no group of ids lies in two shards.
    width = math.gcd(*manifest.first_ids, *manifest.end_ids) or 1
    for group, charges, fen in fetch(_SUMS, period.parameters | {"width": width}):
        shard = manifest.shard_of(group * width)
        shard.charges += charges
        shard.fen += fen


def _owed(share: int | None, limits: Limits | None, earlier: list[int]) -> int | None:
    """Return what a member of a class with that share owes, who was charged so much before."""
    if share is None or limits is None:
        return share
    return charge(share, limits.room(*earlier))


def _fen(share: int | None) -> str:
    return "no charge" if share is None else f"{share} fen"


def _hold_people(report: Report, shard: Shard) -> None:
    """Hold a line of the manifest against the people met in its range."""
    report.expect("snapshot_is_unchanged", f"{shard.name}, people", text(shard.counts), text(shard.people))
    where = f"{shard.name}, hash of ids and classes"
    report.expect("snapshot_is_unchanged", where, shard.ids_hash, shard.people_hash)


def _hold_shard(report: Report, period: PeriodRow, shard: Shard, shares: dict[int, int]) -> None:
    """Hold a line of the manifest against the charges in its range, and its sum against the shares."""
    wanted = sum(count * shares.get(class_no, 0) for class_no, count in shard.counts.items())
    if shard.rooms is not None:
        wanted = sum(count * charge(shares[class_no], room) for class_no, room, count in shard.rooms)
    report.expect("shard_matches_manifest", f"{shard.name}, fen wanted", wanted, shard.want_fen)
    if period.is_posted:
        expected = f"{shard.members} charges of {wanted} fen"
        found = f"{shard.charges} charges of {shard.fen} fen"
        report.expect("shard_matches_manifest", shard.name, expected, found)


def _hold_totals(report: Report, period: PeriodRow, manifest: Manifest, recomputed: Bill) -> None:
    """Hold what all charges come to against the recomputation and what the period notes."""
    code = "posted_charges_equal_assessed"
    charges = sum(shard.charges for shard in manifest.everywhere())
    fen = sum(shard.fen for shard in manifest.everywhere())
    report.expect(code, f"{period.where}, fen assessed and charged", recomputed.assessed, fen)
    report.expect(code, f"{period.where}, fen charged and noted", fen, period.charged_fen)
    report.expect(code, f"{period.where}, members counted and charged", period.headcount, charges)
    report.expect(code, f"{period.where}, members charged and noted", charges, period.charged_members)
