"""Count again how many members share what is told of each case, and hold it against what its claimant told."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch
from ledger.sharing.verify.known import known_then
from ledger.sharing.verify.rows import PeriodRow, read_json

SENTENCES = {
    "face_is_shared_by_five": _(
        "What is told of the person of a case is shared by five members at least, by as many as it says."
    ),
    "face_is_of_its_case": _(
        "Nothing is told of a case that is finer than what its claimant told, or something else."
    ),
}

_PARTS = {
    "north": "beijing tianjin hebei shanxi inner_mongolia",
    "northeast": "liaoning jilin heilongjiang",
    "east": "shanghai jiangsu zhejiang anhui fujian jiangxi shandong",
    "central_south": "henan hubei hunan guangdong guangxi hainan",
    "southwest": "chongqing sichuan guizhou yunnan tibet",
    "northwest": "shaanxi gansu qinghai ningxia xinjiang",
    "beyond": "hongkong macao taiwan",
}
_FEWEST = 5


def verify_faces(report: Report, period: PeriodRow) -> None:
    """Look at what is told of each case that was announced with a period."""
    parameters = period.parameters | {
        "zone": period.pool.zone,
        "parts": list(_PARTS),
        "provinces": list(_PARTS.values()),
    }
    for code, masked, told, members, sharing, erased in fetch(_FACES, parameters):
        where, face = f"{period.where}, case {code}", read_json(told)
        of_person = any(face[name] for name in ("age", "sex", "region", "joined"))
        report.examined("face_is_shared_by_five", 1)
        # Of who has been erased since, nobody knows any more what they shared.
        if not (sharing <= members <= sharing + erased and (members >= _FEWEST or not of_person)):
            report.false("face_is_shared_by_five", where, f"{members} members, {_FEWEST} or more", sharing)
        report.expect("face_is_of_its_case", where, "nothing else", _otherwise(face, read_json(masked)))


def _otherwise(face: dict[str, str], masked: dict[str, str]) -> str:
    """Return the fields that tell something else, or something finer, than the claimant did."""
    band = masked.get("age_band", "")
    own = {
        "age": {band, _twenty(band)},
        "sex": {masked.get("sex", "")},
        "region": {masked.get("region", ""), _part(masked.get("region", ""))},
        "joined": _spans(masked.get("joined", "")),
        "month": _spans(masked.get("month", "")),
        "illness": {masked.get("disease", "")},
    }
    wrong = [f"{name} {face[name]}" for name, values in own.items() if face[name] not in {"", *values}]
    return ", ".join(wrong) or "nothing else"


def _twenty(band: str) -> str:
    if not band:
        return ""
    low = int(band.split("-")[0])
    low -= low % 20
    return f"{low}-{low + 19}"


def _part(region: str) -> str:
    return next((part for part, provinces in _PARTS.items() if region in provinces.split()), "")


def _spans(month: str) -> set[str]:
    """Return the month, its quarter and its year, as they are told."""
    if not month:
        return set()
    year, number = month.split("-")
    return {month, year, f"{year}-Q{(int(number) - 1) // 3 + 1}"}


# One pass over the headcount; faces meet groups of members, not members.
_FACES = f"""
    WITH counted AS (
        SELECT p.id, p.pool_id, p.as_of, p.headcount_recorded_at,
               (p.as_of AT TIME ZONE %(zone)s)::date AS day FROM ledger_period p WHERE p.id = %(period)s),
    covered AS MATERIALIZED (
        SELECT m.id, m.person_id,
               CASE WHEN m.sex = '' OR c.day < l.effective_date THEN ''
                    ELSE coalesce(nullif(k.sex, ''), m.sex) END AS sex,
               CASE WHEN m.region = '' OR c.day < l.effective_date THEN ''
                    ELSE coalesce(nullif(k.region, ''), m.region) END AS region, m.joined_date,
               CASE WHEN m.birth_date IS NOT NULL THEN date_part('year', age(
                   c.day::timestamp, coalesce(k.born, m.birth_date)::timestamp))::int END AS years
          FROM counted c CROSS JOIN LATERAL members_headcount(
                   c.pool_id, c.as_of, c.headcount_recorded_at, 0, 9223372036854775807) h
          JOIN members_membership m ON m.id = h.membership_id
          LEFT JOIN members_latetraits l ON l.membership_id = m.id
          LEFT JOIN {known_then("(SELECT day FROM counted)")} k ON k.membership_id = m.id),
    groups AS (
        SELECT years, sex, region, date_trunc('month', joined_date)::date AS joined, count(*) AS members
          FROM covered GROUP BY 1, 2, 3, 4),
    erased AS (
        SELECT count(*) AS members FROM covered v
          LEFT JOIN members_familymember f ON f.membership_id = v.id AND v.person_id IS NULL
          LEFT JOIN members_membership g ON g.id = f.guardian_id
          JOIN members_erasure e ON e.state = 'done' AND e.person_id = coalesce(v.person_id, g.person_id)),
    parts AS (
        SELECT part, regexp_split_to_table(provinces, ' ') AS province
          FROM unnest(%(parts)s::text[], %(provinces)s::text[]) t (part, provinces))
    SELECT a.code, a.masked, to_jsonb(f), f.members, coalesce(s.members, 0)::bigint, erased.members
      FROM ledger_caseface f CROSS JOIN erased
      JOIN LATERAL (SELECT code, masked FROM ledger_award w
                     WHERE w.pool_id = f.pool_id AND w.claim_code = f.claim_code AND w.rest_of_id IS NULL
                     ORDER BY w.id LIMIT 1) a ON true
      LEFT JOIN LATERAL (
           SELECT sum(g.members) AS members FROM groups g LEFT JOIN parts ON parts.province = g.region
            WHERE (f.age = '' OR g.years BETWEEN split_part(f.age, '-', 1)::int AND split_part(f.age, '-', 2)::int)
              AND f.sex IN ('', g.sex) AND (f.region IN ('', g.region) OR f.region = parts.part)
              AND f.joined IN ('', to_char(g.joined, 'YYYY-MM'), to_char(g.joined, 'YYYY'),
                               to_char(g.joined, 'YYYY-"Q"Q'))) s ON true
     WHERE f.period_id = %(period)s ORDER BY a.code"""
