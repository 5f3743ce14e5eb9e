"""Guards of aid taken back before it was paid. Names are the guarantees listed in ARCHITECTURE.md.

What was charged stands and what was paid stays. Every figure is the database's own, computed when it is proposed and
once more when it is agreed.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse
from ledger.books import chart
from ledger.custody.decided_sql import proposal_guards
from ledger.custody.triggers import fee_lowered_sql
from ledger.sharing.causes import AWARD_REVOKED as KIND

PROPOSER = "second_reviewer"
_LIVE = "state NOT IN ('cancelled', 'returned')"
# Orders wait for the same two rows, so that none is made or released between the judgment and the commit.
_LOCK = """
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            PERFORM 1 FROM ledger_bankaccount WHERE pool_id = NEW.pool_id FOR NO KEY UPDATE;"""
# The fee on what stays of the aid: rate rounded up once, plus the fixed sum, up to the ceiling.
_FEE_ON_THE_REST = """
    SELECT least((v.terms#>>'{fee,ceiling_fen}')::numeric,
                 coalesce((v.terms#>>'{fee,fixed_fen}')::numeric, 0)
                 + div(rate[1] * (award.aid - award.unpaid) + rate[2] - 1, rate[2])) INTO rest
      FROM members_planversion v, LATERAL (SELECT string_to_array(v.terms#>>'{fee,rate}', '/')::numeric[] AS rate) f
     WHERE v.id = award.plan_version_id;"""

_JUDGED = f"""
    SELECT w.pool_id, w.state, p.state AS period_state, coalesce(w.shared_fen, 0) - w.lowered_fen - coalesce(paid.fen, 0) AS unpaid,
           p.fee_fen - {fee_lowered_sql("p")} AS fee, coalesce(taken.fen, 0) AS taken,
           coalesce(paid.open, 0) + coalesce(taken.open, 0) AS open,
           (SELECT sum(o.shared_fen - o.lowered_fen) FROM ledger_award o WHERE o.period_id = p.id) AS aid,
           p.id AS period_id, p.plan_version_id INTO award
      FROM ledger_award w LEFT JOIN ledger_period p ON p.id = w.period_id
      LEFT JOIN LATERAL (SELECT sum(o.amount_fen) AS fen, count(*) FILTER (WHERE o.state IN ('ordered', 'released')) AS open
                           FROM ledger_paymentorder o WHERE o.award_id = w.id AND o.{_LIVE}) paid ON true
      LEFT JOIN LATERAL (SELECT sum(o.amount_fen) AS fen, count(*) FILTER (WHERE o.state IN ('ordered', 'released')) AS open
                           FROM ledger_paymentorder o WHERE o.period_id = p.id AND o.{_LIVE}) taken ON true
     WHERE w.id = NEW.award_id;
    IF award.state IS DISTINCT FROM 'shared' OR award.period_state IS DISTINCT FROM 'posted'
       OR award.pool_id IS DISTINCT FROM NEW.pool_id THEN
        {refuse("only_a_shared_award_is_revoked", "the award is %s", "award.state")}
    END IF;
    IF award.open > 0 THEN
        {refuse("revocation_waits_for_orders", "%s orders of the case or of its fee are not confirmed or cancelled", "award.open")}
    END IF;
    IF EXISTS (SELECT 1 FROM ledger_finalsettlement WHERE pool_id = NEW.pool_id AND state = 'approved') THEN
        {refuse("revocation_comes_before_the_settlement", "pool %s is settled", "NEW.pool_id")}
    END IF;
    IF award.unpaid <= 0 THEN
        {refuse("only_unpaid_aid_is_revoked", "nothing of the award is unpaid")}
    END IF;
    {_FEE_ON_THE_REST}
    back := greatest(0, award.fee - rest);
    -- What of the fee was paid already cannot be taken from what is owed: the operator owes it to the members.
    owed := greatest(0, back - greatest(0, award.fee - award.taken));
"""
_ENTRY = f"""
    IF NOT EXISTS (
        SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool p ON p.code = b.code
         WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.kind = '{KIND}' AND e.key = '{KIND}/' || NEW.number
           AND e.maker = NEW.proposed_by AND e.checker = NEW.decided_by
           AND (SELECT jsonb_agg(jsonb_build_array(a.code, o.side, o.amount_fen) ORDER BY a.code)
                  FROM ledger_posting o JOIN ledger_account a ON a.id = o.account_id WHERE o.entry_id = e.id)
             = (SELECT jsonb_agg(jsonb_build_array(code, side, fen) ORDER BY code)
                  FROM (VALUES ('{chart.AID_PAYABLE}', 'D', NEW.aid_fen),
                               ('{chart.FEE_PAYABLE}', 'D', NEW.fee_fen - NEW.fee_owed_fen),
                               ('{chart.SPONSOR_RECEIVABLE}', 'D', NEW.fee_owed_fen),
                               ('{chart.CARRIED_SURPLUS}', 'C', NEW.aid_fen + NEW.fee_fen),
                               ('{chart.CONTRIBUTIONS}', 'D', NEW.aid_fen + NEW.fee_fen),
                               ('{chart.AID_GRANTED}', 'C', NEW.aid_fen),
                               ('{chart.MANAGEMENT_FEE}', 'C', NEW.fee_fen)) line (code, side, fen) WHERE fen <> 0)) THEN
        {refuse("agreed_revocation_has_its_entry", "revocation %s is not booked as it was proposed", "NEW.number")}
    END IF;
"""
_AS_PROPOSED = f"""
    IF (NEW.aid_fen, NEW.fee_fen, NEW.fee_owed_fen) IS DISTINCT FROM (award.unpaid::bigint, back::bigint, owed::bigint) THEN
        {refuse("revocation_is_of_the_books", "aid %s, fee %s, of it owed %s by now", "award.unpaid", "back", "owed")}
    END IF;
    {_ENTRY}
"""

revocation_guards = [
    *proposal_guards(
        "revocation",
        "ledger_awardrevocation",
        fixed=("award_id", "reason", "aid_fen", "fee_fen", "fee_owed_fen"),
        lock=_LOCK,
        judged=_JUDGED,
        figures="NEW.aid_fen := award.unpaid; NEW.fee_fen := back; NEW.fee_owed_fen := owed;",
        agreed=_AS_PROPOSED,
        proposer=PROPOSER,
        declare=(("award", "record"), ("rest", "numeric"), ("back", "numeric"), ("owed", "numeric")),
    ),
    # Written by the database: what payments may still pay of the award.
    Guard(
        name="agreed_revocation_lowers_its_award",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'agreed' AND OLD.state = 'proposed'"),
        func="""
            UPDATE ledger_award SET lowered_fen = lowered_fen + NEW.aid_fen WHERE id = NEW.award_id;
            RETURN NULL;
        """,
    ),
    # At the end of the transaction: the log comes after everything else that is locked.
    Guard(
        name="revocation_is_in_the_log",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Condition("NEW.state = 'agreed'"),
        func=f"""
            IF NOT EXISTS (
                SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id JOIN members_pool p ON p.code = g.code
                  JOIN ledger_award w ON w.id = NEW.award_id JOIN ledger_journalentry e ON e.id = NEW.entry_id
                 WHERE p.id = NEW.pool_id AND l.type = 'award.adjust' AND l.key = 'revoked/' || NEW.number || '/' || w.code
                   AND convert_from(l.data, 'UTF8')::jsonb->'body' @> jsonb_build_object(
                       'case', w.code, 'why', 'revoked', 'reason', NEW.reason, 'entry', e.number, 'fee_back', NEW.fee_fen)) THEN
                {refuse("revocation_is_in_the_log", "revocation %s is not in the log with its reason", "NEW.number")}
            END IF;
            RETURN NULL;
        """,
    ),
]

# Hung on the journal: what two codes on an entry claim is worth nothing without the decision of two people.
revoked_aid_has_its_decision = Guard(
    name="revoked_aid_has_its_decision",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    timing=pgtrigger.Deferred,
    condition=pgtrigger.Condition(f"NEW.kind = '{KIND}'"),
    func=f"""
        IF NOT EXISTS (SELECT 1 FROM ledger_awardrevocation WHERE entry_id = NEW.id AND state = 'agreed') THEN
            {refuse("revoked_aid_has_its_decision", "entry %s takes aid back that nobody agreed to", "NEW.number")}
        END IF;
        RETURN NULL;
    """,
)
