"""Hold what periods have left of awards against the awards that go on with it."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.sharing.verify.rows import PoolRow

SENTENCES = {
    "rest_is_what_was_not_shared": _(
        "What a period left of an award waits as one of the same case, if the plan says so."
    ),
}


def verify_rests(report: Report, pool: PoolRow) -> None:
    """Look at every shared award, and meet each of which less was shared than granted and each that has a rest."""
    report.examined("rest_is_what_was_not_shared", figure(_SHARED, {"pool": pool.id}))
    for code, left_fen, waits, is_same, rests in fetch(_LEFT, {"pool": pool.id}):
        wanted = [f"{_next_code(code)} of {left_fen} fen"] if waits and left_fen else []
        found = rests if is_same else [*rests, "of another case or payee"]
        where = f"{pool.code} award {code}"
        if found != wanted:
            report.false("rest_is_what_was_not_shared", where, _told(wanted), _told(found))


def _next_code(code: str) -> str:
    """Return the number after that of an award: C-1, C-1.2, C-1.3."""
    case, _dot, part = code.partition(".")
    return f"{case}.{int(part) + 1 if part else 2}"


def _told(rests: list[str]) -> str:
    return ", ".join(rests) or "no rest"


_SHARED = "SELECT count(*) FROM ledger_award WHERE pool_id = %(pool)s AND state = 'shared'"
_LEFT = """
    SELECT w.code, coalesce(w.aid_fen - w.shared_fen, 0), coalesce(v.terms->>'on_infeasible' = 'defer', false),
           coalesce(bool_and(r.pool_id = w.pool_id AND r.claim_code = w.claim_code AND r.masked = w.masked
                             AND r.payee_hash IS NOT DISTINCT FROM w.payee_hash
                             AND r.payee_sealed IS NOT DISTINCT FROM w.payee_sealed), true),
           coalesce(array_agg(format('%%s of %%s fen', r.code, r.aid_fen) ORDER BY r.code)
                    FILTER (WHERE r.id IS NOT NULL), '{}')
      FROM ledger_award w LEFT JOIN ledger_period p ON p.id = w.period_id
      LEFT JOIN members_planversion v ON v.id = p.plan_version_id LEFT JOIN ledger_award r ON r.rest_of_id = w.id
     WHERE w.pool_id = %(pool)s AND (r.id IS NOT NULL OR w.shared_fen < w.aid_fen AND p.state = 'posted')
     GROUP BY w.id, v.id ORDER BY w.code"""
