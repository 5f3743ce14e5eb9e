"""Hold what an operator reports of its interests and income against the books and the people who said it."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.custody.interest_sql import BOOKED, REPORTED

SENTENCES = {
    "interest_needs_two_people": _(
        "Every confirmed interest and income of the operator was told by one person and confirmed by another, a controller."
    ),
    "operator_income_is_booked": _(
        "What the operator reports of referral and sponsor income is what the books have taken in, up to the last report."
    ),
}
_TOLD = """
    (SELECT 'interest' AS what, number, proposed_by, decided_by, decided_at FROM ledger_operatorinterest
      WHERE pool_id = %(pool)s AND state = 'confirmed'
     UNION ALL
     SELECT 'income report', number, proposed_by, decided_by, decided_at FROM ledger_incomereport
      WHERE pool_id = %(pool)s AND state = 'confirmed') t"""


def verify_interests(report: Report, parameters: dict[str, object]) -> None:
    """Hold a pool against SENTENCES; where nothing was told there is nothing to say. parameters: pool, code."""
    told = figure(f"SELECT count(*) FROM {_TOLD}", parameters)
    if not told:
        return
    report.examined("interest_needs_two_people", told)
    report.refute(
        "interest_needs_two_people",
        f"""SELECT format('%%s %%s %%s', %(code)s::text, what, number), 'two people, the second a controller',
                   concat_ws(', ', proposed_by, decided_by) FROM {_TOLD}
             WHERE proposed_by = decided_by OR NOT EXISTS (
                   SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                    WHERE u.code = t.decided_by AND g.duty = 'controller' AND g.pool_id = %(pool)s
                      AND g.granted_at <= t.decided_at AND (g.ended_at IS NULL OR g.ended_at >= t.decided_at))
             ORDER BY what, number""",
        parameters,
    )
    _verify_income(report, parameters)


def _verify_income(report: Report, parameters: dict[str, object]) -> None:
    """Compare the sums up to the last reported period: what arrives later than it was reported makes up for it."""
    rows = fetch(
        f"""SELECT max(r.number), sum(r.referral_fen)::bigint, sum(r.sponsor_fen)::bigint FROM ({REPORTED}) r
            HAVING count(*) > 0""",
        parameters,
    )
    for last, *reported in rows:
        booked = fetch(
            f"""SELECT coalesce(sum(b.referral_fen), 0)::bigint, coalesce(sum(b.sponsor_fen), 0)::bigint
                  FROM ({BOOKED}) b WHERE b.number <= %(last)s""",
            parameters | {"last": last},
        )[0]
        for kind, said, found in zip(("referral", "sponsor"), reported, booked, strict=True):
            where = f"{parameters['code']} {kind} income to period {last}"
            report.expect("operator_income_is_booked", where, said, found)
