"""Look over a pool's charge tables, and hold its control accounts against its awards."""

from django.utils.translation import gettext_noop as _

from ledger.books.findings import Report, fetch, figure
from ledger.sharing.verify.posted import COSTS
from ledger.sharing.verify.rows import MOVES, PoolRow

SENTENCES = {
    "charges_only_while_posting": _("No charge belongs to a period that is not posted."),
    "one_charge_per_membership_and_period": _("The key that forbids charging anybody twice is in force."),
    "award_is_booked": _(
        "Every final award has its journal entry of the same amount; a rest is booked with its award."
    ),
    "aid_payable_is_awards": _("Aid payable, before what was paid of it, is the sum of the final awards."),
    "to_be_shared_is_awards": _("To be shared is what final awards and booked costs are not shared yet."),
}


def verify_charge_tables(report: Report, pool: PoolRow) -> None:
    """Look for charges of no posted period, and for the key that keeps a membership from being charged twice."""
    parameters = {"pool": pool.id, "code": pool.code, "table": f"ledger_charge_{pool.id}"}
    report.examined("charges_only_while_posting", 1)
    numbers = [n for (n,) in fetch(_CHARGEABLE, parameters)]
    report.refute(
        "charges_only_while_posting",
        """SELECT format('period %%s/%%s', %(code)s::text, period_no), '0 charges', count(*)::text || ' charges'
             FROM ledger_charge WHERE pool_id = %(pool)s AND period_no <> ALL(%(numbers)s::int[])
            GROUP BY period_no ORDER BY period_no""",
        parameters | {"numbers": numbers},
    )
    leaves = fetch(
        """SELECT t.relid::regclass::text, EXISTS (
                   SELECT 1 FROM pg_index i WHERE i.indrelid = t.relid AND i.indisprimary AND i.indisvalid
                      AND (SELECT array_agg(a.attname::text ORDER BY k.place)
                             FROM unnest(i.indkey::int[]) WITH ORDINALITY k (attnum, place)
                             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum)
                          = ARRAY['membership_id', 'pool_id', 'period_no'])
             FROM pg_partition_tree(to_regclass(%(table)s)) t WHERE t.isleaf ORDER BY 1""",
        parameters,
    )
    for leaf, has_key in leaves:
        name = "one_charge_per_membership_and_period"
        report.expect(name, f"table {leaf}", "a valid primary key", _key_or_duplicates(leaf, has_key))


# Kinds of entry by which custody pays aid and takes a payment back.
PAYMENTS = ("payment_released", "payment_cancelled", "payment_returned")
_CHARGEABLE = "SELECT number FROM ledger_period WHERE pool_id = %(pool)s AND state = 'posted'"


def _key_or_duplicates(leaf: str, has_key: bool) -> str:
    """Return what stands in for the key: without one the charges are looked through for duplicates."""
    if has_key:
        return "a valid primary key"
    # Asked of the whole, because nobody may read a part by its own name.
    extra = figure(
        """SELECT count(*) FROM (SELECT 1 FROM ledger_charge WHERE tableoid = to_regclass(%(leaf)s)
                                  GROUP BY membership_id, pool_id, period_no HAVING count(*) > 1) twice""",
        {"leaf": leaf},
    )
    return f"no key; {extra} memberships charged more than once"


def verify_awards(report: Report, pool: PoolRow) -> None:
    """Hold final awards against their entries, and the two control accounts against the awards."""
    parameters = {"pool": pool.id, "book": pool.book_id, "code": pool.code}
    report.examined("award_is_booked", figure(_OWED.format("count(*)"), parameters))
    report.refute(
        "award_is_booked",
        """SELECT format('%%s award %%s', %(code)s::text, w.code),
                  format('120 D %%1$s, 201 C %%1$s', w.aid_fen), coalesce(b.told, 'no entry')
             FROM ledger_award w
             LEFT JOIN LATERAL (
                  SELECT string_agg(format('%%s %%s %%s', a.code, p.side, p.amount_fen), ', ' ORDER BY a.code) AS told
                    FROM ledger_journalentry e JOIN ledger_posting p ON p.entry_id = e.id
                    JOIN ledger_account a ON a.id = p.account_id
                   WHERE e.book_id = %(book)s AND e.key = 'award/' || w.code) b ON true
            WHERE w.pool_id = %(pool)s AND w.state IN ('final', 'shared') AND w.rest_of_id IS NULL
              AND b.told IS DISTINCT FROM format('120 D %%1$s, 201 C %%1$s', w.aid_fen) ORDER BY w.code""",
        parameters,
    )
    # A rest is owed while it waits: the entry of the award that it goes on with has booked it.
    owed, unshared = fetch(
        """SELECT coalesce(sum(coalesce(shared_fen, aid_fen) - lowered_fen), 0)::bigint,
                  coalesce(sum(aid_fen) FILTER (WHERE state <> 'shared'), 0)::bigint
             FROM ledger_award WHERE pool_id = %(pool)s
              AND (state IN ('final', 'shared') OR rest_of_id IS NOT NULL)""",
        parameters,
    )[0]
    payable = _balance(pool, "201", "C", None) - _balance(pool, "201", "C", ["opening", *PAYMENTS])
    report.expect("aid_payable_is_awards", f"{pool.code} account 201", owed, payable)
    booked = _balance(pool, "120", "D", ["opening", "settlement", *COSTS])
    # What wallets lacked has come in with the entries of periods.
    shared = figure(
        """SELECT coalesce(sum(other_costs_fen), 0)::bigint FROM ledger_period
            WHERE pool_id = %(pool)s AND state = 'posted'""",
        parameters,
    )
    to_be_shared = _balance(pool, "120", "D", None)
    report.expect(
        "to_be_shared_is_awards", f"{pool.code} account 120", unshared + booked - shared, to_be_shared
    )


_OWED = """SELECT {} FROM ledger_award
            WHERE pool_id = %(pool)s AND state IN ('final', 'shared') AND rest_of_id IS NULL"""


def _balance(pool: PoolRow, account: str, side: str, kinds: list[str] | None) -> int:
    """Return an account's net postings on a side by entries of those kinds, of all when None."""
    parameters = {"book": pool.book_id, "account": account, "side": side, "kinds": kinds}
    return int(figure(f"SELECT coalesce(sum(fen), 0)::bigint FROM ({MOVES}) moves", parameters))
