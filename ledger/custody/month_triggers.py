"""Guards of closed months. Names are the guarantees listed in ARCHITECTURE.md.

Both they and every new entry take the row of the book first: an entry is in a close or comes after it.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from aidplatform.lib.proposals import is_agreed_once
from ledger.custody.decided_sql import decides_sql
from ledger.custody.month_sql import CONDITIONS, FIGURES, IN_FORCE, NEXT, digest_sql
from members.pools.triggers import holds_pool_duty

_LOCK = """PERFORM 1 FROM ledger_book b JOIN members_pool p ON p.code = b.code
                    WHERE p.id = NEW.pool_id FOR NO KEY UPDATE OF b;"""
_RECORDED = ("balances", "entries", "bank_fen", "later_fen")
_FIXED = ("id", "pool_id", "number", "month_date", *_RECORDED, "sha256", "proposed_by", "proposed_at")
_REOPENED = ("id", "pool_id", "close_id", "reason", "proposed_by", "proposed_at")


def _sql(text: str) -> str:
    return text.format(pool="NEW.pool_id", month="NEW.month_date")


_JUDGED = "".join(
    f"""
            IF NOT {_sql(sql)} THEN
                {refuse(name, "%s of pool %s", "NEW.month_date", "NEW.pool_id")}
            END IF;"""
    for name, sql in CONDITIONS.items()
)
_NAMES = ", ".join(_RECORDED)


def _is_in_the_log(noun: str, log_key: str) -> Guard:
    """Return the guard that what is agreed stands in the log: at the end, for the book's row is taken before the log."""
    return Guard(
        name=f"{noun}_is_in_the_log",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'agreed'"),
        func=f"""
            IF NOT EXISTS (
                SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id JOIN members_pool p ON p.code = g.code
                 WHERE p.id = NEW.pool_id AND l.type = 'stats' AND l.key = {log_key}) THEN
                {refuse(f"{noun}_is_in_the_log", "%s is not in the log", log_key)}
            END IF;
            RETURN NULL;
        """,
    )


def _begins(noun: str) -> str:
    """Return plpgsql that judges who proposes, and that the decision is still to come."""
    return f"""
            {judged_now()}
            {_LOCK}
            IF num_nonnulls(NEW.decided_by, NEW.decided_at) > 0 THEN
                {refuse(f"{noun}_begins_proposed", "it brings its decision along")}
            END IF;
            IF NOT {holds_pool_duty("proposed_by", "treasurer")} THEN
                {refuse(f"{noun}_people_hold_their_duty", "%s is no treasurer", "NEW.proposed_by")}
            END IF;
            NEW.proposed_at := aid_now();"""


def _stays(noun: str, fixed: tuple[str, ...]) -> str:
    new, old = (", ".join(f"{row}.{column}" for column in fixed) for row in ("NEW", "OLD"))
    return f"""
            IF ({new}) IS DISTINCT FROM ({old}) OR OLD.state <> 'proposed' AND NEW IS DISTINCT FROM OLD THEN
                {refuse(f"{noun}_is_agreed_as_proposed", "it is not edited")}
            END IF;
            {judged_now()}
            {_LOCK}"""


close_guards = [
    is_agreed_once("month_close_is_decided_once", "agreed"),
    Guard(
        name="month_close_begins_proposed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {_begins("month_close")}
            IF NEW.month_date <> date_trunc('month', NEW.month_date)::date THEN
                {refuse("month_begins_on_its_first_day", "%s", "NEW.month_date")}
            END IF;
            {_JUDGED}
            SELECT {_NAMES} INTO {", ".join(f"NEW.{one}" for one in _RECORDED)} FROM ({_sql(FIGURES)}) f;
            NEW.number := coalesce((SELECT max(number) FROM ledger_monthclose WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.sha256 := {digest_sql("NEW")};
            RETURN NEW;
        """,
    ),
    Guard(
        name="month_close_is_agreed_as_proposed",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {_stays("month_close", _FIXED)}
            IF NEW.state = 'agreed' THEN
                {_JUDGED}
                IF ({", ".join(f"NEW.{one}" for one in _RECORDED)}) IS DISTINCT FROM
                   (SELECT ({", ".join(f"f.{one}" for one in _RECORDED)}) FROM ({_sql(FIGURES)}) f) THEN
                    {refuse("month_is_closed_as_counted", "the balances of %s are not as they were proposed", "NEW.month_date")}
                END IF;
            END IF;
            {decides_sql("month_close")}
            RETURN NEW;
        """,
    ),
    _is_in_the_log("month_close", "'month/' || NEW.number"),
    kept("month_closes_are_kept", "they are withdrawn or opened again, never deleted"),
]

reopening_guards = [
    is_agreed_once("month_reopening_is_decided_once", "agreed"),
    Guard(
        name="month_reopening_begins_proposed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {_begins("month_reopening")}
            IF NOT EXISTS (SELECT 1 FROM ledger_monthclose c WHERE c.id = NEW.close_id AND c.pool_id = NEW.pool_id AND {IN_FORCE}
                              AND (c.month_date + interval '1 month')::date = {_sql(NEXT)}) THEN
                {refuse("only_the_last_closed_month_reopens", "close %s", "NEW.close_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="month_reopening_is_agreed_as_proposed",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {_stays("month_reopening", _REOPENED)}
            IF NEW.state = 'agreed' AND NOT EXISTS (
                SELECT 1 FROM ledger_monthclose c WHERE c.id = NEW.close_id AND (c.month_date + interval '1 month')::date = {_sql(NEXT)}) THEN
                {refuse("only_the_last_closed_month_reopens", "close %s", "NEW.close_id")}
            END IF;
            {decides_sql("month_reopening")}
            RETURN NEW;
        """,
    ),
    _is_in_the_log(
        "month_reopening",
        "'month-reopened/' || (SELECT number FROM ledger_monthclose WHERE id = NEW.close_id)",
    ),
    kept("month_reopenings_are_kept", "they are withdrawn, never deleted"),
]

# Attached to the journal, which knows no closes: what was closed stays as it was counted.
closed_month_takes_no_entry = Guard(
    name="closed_month_takes_no_entry",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("open_from", "date")],
    func=f"""
        {judged_now()}
        PERFORM 1 FROM ledger_book WHERE id = NEW.book_id FOR NO KEY UPDATE;
        SELECT (max(c.month_date) + interval '1 month')::date INTO open_from
          FROM ledger_monthclose c JOIN members_pool p ON p.id = c.pool_id JOIN ledger_book b ON b.code = p.code
         WHERE b.id = NEW.book_id AND {IN_FORCE};
        IF NEW.entry_date < open_from THEN
            {refuse("closed_month_takes_no_entry", "the books are closed up to %s; the entry is of %s", "open_from", "NEW.entry_date")}
        END IF;
        RETURN NEW;
    """,
)
