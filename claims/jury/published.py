"""What anyone has to recompute a draw by: the log, the rules in it, and the list that the pool publishes."""

import json
from typing import Any

from django.db import connection

from claims.jury.eligible_sql import ref_sql
from ledger.books.findings import Report, fetch
from ledger.openbooks.draw_verify import Line, verify_case


def verify_published(report: Report, case: str) -> None:
    """Check the draw of a case, by its name in the log or the code of its claim. Raises: LookupError."""
    pool, ref, lists = published(case)
    verify_case(report, ref, lines_of(pool), lists, rules_of(pool))


def published(case: str) -> tuple[str, str, dict[int, list[bytes]]]:
    """Return pool, name in the log and lists by stage, as the page of the draw publishes them. Raises: LookupError."""
    rows = fetch(
        f"""SELECT p.code, {ref_sql("claim")}, d.stage, d.eligible
              FROM claims_jurydraw d JOIN claims_claim claim ON claim.id = d.claim_id
              JOIN members_pool p ON p.id = claim.pool_id
             WHERE claim.code = %(case)s OR {ref_sql("claim")} = %(case)s ORDER BY d.stage""",  # noqa: S608 - fixed
        {"case": case},
    )
    if not rows:
        raise LookupError(f"no case {case} was taken to a jury")
    lists = {}
    for _pool, _ref, stage, eligible in rows:
        data = bytes(eligible)
        lists[stage] = [data[place : place + 32] for place in range(0, len(data), 32)]
    return rows[0][0], rows[0][1], lists


def lines_of(pool: str) -> list[Line]:
    """Return the entries of a pool's log that can be about a draw."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT l.seq, l.type, l.key, l.data, l.leaf_hash FROM ledger_logentry l
                 JOIN ledger_log g ON g.id = l.log_id
                WHERE g.code = %s AND l.type IN ('draw.commit', 'draw.reveal', 'draw.result', 'draw.replace',
                                                 'jury.ballot', 'jury.tally', 'incident') ORDER BY l.seq""",
            [pool],
        )
        return [Line(seq, kind, key, bytes(data), bytes(leaf)) for seq, kind, key, data, leaf in cursor]


def rules_of(pool: str) -> dict[int, Any]:
    """Return the jury of every version of the rules, as the log states it."""
    rows = fetch(
        """SELECT (body->>'version')::int, body#>>'{terms,jury}' FROM (
               SELECT convert_from(l.data, 'UTF8')::jsonb->'body' AS body FROM ledger_logentry l
                 JOIN ledger_log g ON g.id = l.log_id WHERE g.code = %(pool)s AND l.type = 'rule.publish') rules""",
        {"pool": pool},
    )
    return {version: json.loads(jury) for version, jury in rows if jury is not None}
