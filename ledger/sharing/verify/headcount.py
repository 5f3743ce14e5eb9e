"""Recount who was covered, and hold every charge against its class's share."""

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.sharing.verify.known import known_then
from ledger.sharing.verify.limits import EARLIER, Limits, limits_of
from ledger.sharing.verify.rows import PeriodRow, logged, read_json, text

SENTENCES = {
    "headcount_is_of_publicity_day": _(
        "Every headcount is as of 00:00 of the publicity day in the pool's zone, or of the notice that the"
        " pool ends."
    ),
    "headcount_is_recounted": _("Counting who was covered again gives every shard's members by class."),
    "headcount_follows_ages": _(
        "Whose age has another class by the rules of the day was counted in that class."
    ),
    "snapshot_is_unchanged": _("The covered people and their classes are the ones that were frozen."),
    "freeze_is_logged": _("The log states every headcount by class."),
    "charge_equals_class_rate": (
        _(
            "Every membership counted is charged its class's share, or what a cap leaves of it, and nobody else is."
        )
    ),
    "rooms_follow_charges": _("What caps leave of a year or a run-off is what the charges before it say."),
    "shard_matches_manifest": _(
        "Every shard holds as many charges, of as many fen, as its manifest line says."
    ),
    "posted_charges_equal_assessed": _("The charges of a period sum to what was assessed."),
}
CLASSES = 64

# The empty second half hides the statistics of ids, by which the planner would expect a group per member and
# leave parallel processes out.
COVERED = """
    SELECT membership_id, membership_id / %(width)s AS bucket, class_no FROM members_span
     WHERE pool_id = %(pool)s AND from_at <= %(as_of)s AND recorded_at <= %(recorded)s
       AND NOT (to_at IS NOT NULL AND to_at <= %(as_of)s AND ended_recorded_at <= %(recorded)s)
     UNION ALL SELECT 0::bigint, 0::bigint, 0::smallint WHERE false"""
CHARGED = """
    SELECT membership_id, share_fen FROM ledger_charge
     WHERE pool_id = %(pool)s AND period_no = %(number)s"""
# One pass over people and charges side by side: per id bucket and class, how many of each, what they sum to,
# and how many charges differ from the class's share. Charges of nobody counted have neither bucket nor class.
_BOTH = f"({COVERED}) p FULL JOIN ({CHARGED}) c ON c.membership_id = p.membership_id"
_BEFORE = f"LEFT JOIN ({EARLIER}) e ON e.membership_id = p.membership_id"
_RATE = "(%(rates)s::bigint[])[p.class_no + 1]"
_SIDE_BY_SIDE = """
    SELECT p.bucket, p.class_no,
           count(p.membership_id), coalesce(bit_xor(hashint8extended(p.membership_id, p.class_no)), 0),
           count(c.membership_id), coalesce(sum(c.share_fen), 0)::bigint, count(*) FILTER (WHERE {is_wrong})
      FROM {both} GROUP BY 1, 2"""
_FIRST_WRONG = """
    SELECT coalesce(p.membership_id, c.membership_id), c.share_fen FROM {both}
     WHERE {is_wrong} AND p.bucket IS NOT DISTINCT FROM %(bucket)s
       AND p.class_no IS NOT DISTINCT FROM %(class_no)s ORDER BY 1 LIMIT 1"""
_ROOMS = f"""
    SELECT p.bucket, p.class_no, {{room}}, count(*) FROM ({COVERED}) p {_BEFORE}
     WHERE p.class_no IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
_PEOPLE_ONLY = f"""
    SELECT bucket, class_no, count(*), bit_xor(hashint8extended(membership_id, class_no)), 0, 0, 0
      FROM ({COVERED}) p GROUP BY 1, 2"""


# Each birth date against the bands of the rules. A first cover that begins with new rules was written by those known
# before, and moves on their second day. width_bucket tells how many bands an age has reached.
_AGED = f"""
    SELECT p.membership_id, p.class_no AS counted, (%(class_nos)s::int[])[greatest(
               width_bucket(date_part('year', age(%(day)s::timestamp, coalesce(k.born, m.birth_date)::timestamp))::int,
                            %(ages)s::int[]), 1)
           ] AS belongs
      FROM ({COVERED}) p JOIN members_membership m ON m.id = p.membership_id AND m.birth_date IS NOT NULL
      LEFT JOIN {known_then("%(day)s::date")} k ON k.membership_id = m.id
     WHERE NOT %(rules_are_new)s OR EXISTS (SELECT 1 FROM members_span s WHERE s.pool_id = m.pool_id
                                               AND s.membership_id = m.id AND s.from_at < %(as_of)s)"""
_MISPLACED = f"""
    SELECT %(where)s || membership_id, 'class ' || belongs, 'class ' || counted FROM ({_AGED}) a
     WHERE counted <> belongs ORDER BY membership_id"""


@dataclass
class Shard:
    """What was counted in one range of membership ids: people by class, their hash, charges and their sum."""

    people: dict[str, int] = field(default_factory=dict)
    ids_hash: int = 0
    charges: int = 0
    fen: int = 0
    rooms: list[list[int]] | None = None


def verify_headcount(report: Report, period: PeriodRow) -> None:
    """Hold manifest, snapshot, totals and, once posted, charges against a new count of the spans."""
    midnight = figure(
        """SELECT coalesce((SELECT notice_date FROM members_poolending
                             WHERE pool_id = %(pool)s AND after_period_no < %(number)s
                               AND (cancelled_period_no IS NULL OR cancelled_period_no > %(number)s)),
                           %(day)s::date)::timestamp AT TIME ZONE %(zone)s""",
        period.parameters | {"day": period.publicity_date, "zone": period.pool.zone},
    )
    report.expect("headcount_is_of_publicity_day", period.where, midnight, period.as_of)
    manifest = fetch(
        """SELECT first_id, end_id - first_id AS width, shard_no, members, counts, ids_hash, rooms, want_fen
             FROM ledger_manifestline WHERE period_id = %(period)s ORDER BY first_id""",
        period.parameters,
    )
    # Without a line there must be nobody, wherever ids are cut.
    widths = {line[1] for line in manifest} or {1 << 40}
    report.expect("headcount_is_recounted", f"{period.where}, widths of its shards", 1, len(widths))
    counted = _count(report, period, min(widths))
    for first_id, width, *line in manifest:
        _hold_shard(report, period, counted.pop(first_id // width, Shard()), line)
    _hold_ages(report, period, min(widths))
    for bucket, shard in counted.items():
        where = f"{period.where}, of nobody counted" if bucket is None else f"{period.where}, in no shard"
        report.expect("headcount_is_recounted", f"{where}: people", 0, sum(shard.people.values()))
        report.expect("shard_matches_manifest", f"{where}: charges", 0, shard.charges)


def _hold_ages(report: Report, period: PeriodRow, width: int) -> None:
    """Hold the class of everybody whose birth date is known against the rules in force on the day of the headcount."""
    assert period.as_of is not None
    day = period.as_of.astimezone(ZoneInfo(period.pool.zone)).date()
    rules = fetch(
        """SELECT terms, effective_date FROM members_planversion WHERE pool_id = %(pool)s AND effective_date <= %(day)s
            ORDER BY effective_date DESC LIMIT 1""",
        period.parameters | {"day": day},
    )
    classes = read_json(rules[0][0])["classes"] if rules else []
    bands = sorted((row["age_from"], row["class_no"]) for row in classes if "age_from" in row)
    if not bands:
        return
    parameters = period.parameters | {
        "as_of": period.as_of,
        "recorded": period.headcount_recorded_at,
        "width": width,
        "day": day,
        "ages": [first for first, _class_no in bands],
        "class_nos": [class_no for _first, class_no in bands],
        "rules_are_new": rules[0][1] == day,
        "where": f"{period.where}, membership ",
    }
    report.examined("headcount_follows_ages", figure(f"SELECT count(*) FROM ({_AGED}) a", parameters))
    report.refute("headcount_follows_ages", _MISPLACED, parameters)


def _count(report: Report, period: PeriodRow, width: int) -> dict[int | None, Shard]:
    """Count people and charges by shard in one pass, and hold each charge against its class's share."""
    rates = [period.rates.get(class_no) for class_no in range(CLASSES)]
    limits = limits_of(period)
    parameters = period.parameters | {
        "as_of": period.as_of,
        "recorded": period.headcount_recorded_at,
        "width": width,
        "rates": rates,
        **(limits.parameters if limits else {}),
    }
    charged = {
        "both": f"{_BOTH} {_BEFORE}" if limits else _BOTH,
        "is_wrong": f"c.share_fen IS DISTINCT FROM {_RATE}"
        if limits is None
        else f"c.share_fen IS DISTINCT FROM CASE WHEN p.class_no IS NOT NULL THEN least({_RATE}, {limits.sql}) END",
    }
    shards: dict[int | None, Shard] = {}
    rows = fetch(_SIDE_BY_SIDE.format(**charged) if period.is_posted else _PEOPLE_ONLY, parameters)
    for bucket, class_no, people, ids_hash, charges, fen, wrong in rows:
        shard = shards.setdefault(bucket, Shard())
        if people:
            shard.people[str(class_no)] = people
            shard.ids_hash ^= ids_hash
        shard.charges += charges
        shard.fen += fen
        if period.is_posted:
            report.examined("charge_equals_class_rate", max(people, charges))
        if wrong:
            rate = (
                "no charge: not counted"
                if class_no is None
                else f"{rates[class_no]} fen for class {class_no}"
            )
            ((membership, share),) = fetch(
                _FIRST_WRONG.format(**charged), parameters | {"bucket": bucket, "class_no": class_no}
            )
            report.false(
                "charge_equals_class_rate",
                f"{period.where}, membership {membership}" + (f" and {wrong - 1} more" if wrong > 1 else ""),
                rate,
                "no charge" if share is None else f"{share} fen",
                wrong,
            )
    _hold_totals(report, period, shards)
    if limits is not None and period.assessed_fen is not None:
        _count_rooms(shards, limits, parameters)
    return shards


def _count_rooms(shards: dict[int | None, Shard], limits: Limits, parameters: dict[str, Any]) -> None:
    """Count what members may still be charged, shard by shard."""
    for shard in shards.values():
        shard.rooms = []
    for bucket, class_no, room, members in fetch(_ROOMS.format(room=limits.sql), parameters):
        rooms = shards[bucket].rooms
        assert rooms is not None
        rooms.append([class_no, room, members])


def _hold_shard(report: Report, period: PeriodRow, shard: Shard, line: list[Any]) -> None:
    """Hold a line of the manifest against what was counted in its range."""
    shard_no, members, counts, ids_hash, rooms, want_fen = line
    rooms = read_json(rooms)
    where = f"{period.where}, shard {shard_no}"
    counts = read_json(counts)
    report.expect("headcount_is_recounted", where, text(shard.people), text(counts))
    report.expect("headcount_is_recounted", f"{where}, members", sum(shard.people.values()), members)
    report.expect("snapshot_is_unchanged", f"{where}, hash of ids and classes", ids_hash, shard.ids_hash)
    if period.assessed_fen is not None:
        report.expect("rooms_follow_charges", where, text(shard.rooms), text(rooms))
    if period.is_posted:
        fen = sum(count * period.rates.get(int(class_no), 0) for class_no, count in counts.items())
        if shard.rooms is not None:
            fen = sum(count * min(period.rates[class_no], room) for class_no, room, count in shard.rooms)
        report.expect("shard_matches_manifest", f"{where}, fen wanted", fen, want_fen)
        expected, found = (
            f"{members} charges of {want_fen} fen",
            f"{shard.charges} charges of {shard.fen} fen",
        )
        report.expect("shard_matches_manifest", where, expected, found)


def _hold_totals(report: Report, period: PeriodRow, shards: dict[int | None, Shard]) -> None:
    """Hold the period's own totals and the log against the recount."""
    totals: dict[str, int] = {}
    for shard in shards.values():
        for class_no, count in shard.people.items():
            totals[class_no] = totals.get(class_no, 0) + count
    report.expect(
        "headcount_is_recounted", f"{period.where}, members", sum(totals.values()), period.headcount
    )
    if period.classes is not None:
        stored = {str(class_no): members for class_no, members in period.members_by_class.items() if members}
        report.expect("headcount_is_recounted", f"{period.where}, classes", text(totals), text(stored))
    told = logged(period, "roll.freeze").get("counts", "no line")
    if period.state == "frozen" and told == "no line":
        told = text(totals)  # The roll is being made; publicity does not begin without it.
    report.expect("freeze_is_logged", period.where, text(totals), text(told))
    if period.is_posted:
        code, where = "posted_charges_equal_assessed", period.where
        charges = sum(shard.charges for shard in shards.values())
        fen = sum(shard.fen for shard in shards.values())
        report.expect(code, f"{where}, fen assessed and charged", period.assessed_fen, fen)
        report.expect(code, f"{where}, fen charged and noted", fen, period.charged_fen)
        report.expect(code, f"{where}, members counted and charged", period.headcount, charges)
        report.expect(code, f"{where}, members charged and noted", charges, period.charged_members)
