"""Guards of periods, awards and manifests. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse

# Everything a second person approves, in this order, joined by '|'. `selectors.shown_text` writes the same.
SHOWN_COLUMNS = (
    "pool_id",
    "number",
    "plan_version_id",
    "publicity_date",
    "charge_date",
    "headcount",
    "cases",
    "aid_fen",
    "fee_fen",
    "other_costs_fen",
    "reserve_contribution_fen",
    "reserve_drawn_fen",
    "sponsor_fen",
    "other_income_fen",
    "carry_in_fen",
    "carry_out_fen",
    "need_fen",
    "assessed_fen",
    "classes",
)
_SHOWN = ", ".join(f"NEW.{column}::text" for column in SHOWN_COLUMNS)
_OLD_FIGURES = ", ".join(f"OLD.{column}" for column in (*SHOWN_COLUMNS, "prepared_by"))
_NEW_FIGURES = ", ".join(f"NEW.{column}" for column in (*SHOWN_COLUMNS, "prepared_by"))
_IDENTITY = (
    "pool_id",
    "number",
    "plan_version_id",
    "opening_date",
    "next_opening_date",
    "publicity_date",
    "publicity_end_date",
    "charge_date",
)


def _holds_duty(column: str, duty: str) -> str:
    """Return SQL that tells whether the person in that column holds the duty in the period's pool now."""
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = NEW.{column} AND g.duty = '{duty}' AND g.ended_at IS NULL
           AND (g.pool_id = NEW.pool_id OR (g.pool_id IS NULL AND g.duty = 'pool_admin')))"""


period_guards = [
    Guard(
        name="period_keeps_its_identity",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _IDENTITY)}) IS DISTINCT FROM
               ({", ".join(f"OLD.{c}" for c in _IDENTITY)}) THEN
                {refuse("period_keeps_its_identity", "number, plan and dates of a period are fixed")}
            END IF;
            IF OLD.state <> 'opened' AND (NEW.as_of, NEW.headcount_recorded_at, NEW.headcount) IS DISTINCT FROM
                                         (OLD.as_of, OLD.headcount_recorded_at, OLD.headcount) THEN
                {refuse("headcount_is_frozen", "the headcount is taken once")}
            END IF;
            IF OLD.state IN ('approved', 'posting', 'posted') AND
               ({_NEW_FIGURES}, NEW.approved_by, NEW.approved_at, NEW.approved_sha256) IS DISTINCT FROM
               ({_OLD_FIGURES}, OLD.approved_by, OLD.approved_at, OLD.approved_sha256) THEN
                {refuse("approved_figures_are_fixed", "figures of an approved period never change")}
            END IF;
            IF OLD.state = 'posted' AND NEW IS DISTINCT FROM OLD THEN
                {refuse("posted_period_is_permanent", "a posted period never changes")}
            END IF;
            RETURN NEW;
        """,
    ),
    # The hash is the database's own: an application that shows one thing and stores another cannot fake it.
    Guard(
        name="shown_hash_is_of_the_figures",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            NEW.shown_sha256 := CASE WHEN NEW.assessed_fen IS NOT NULL THEN
                encode(sha256(convert_to(concat_ws('|', {_SHOWN}), 'UTF8')), 'hex') END;
            RETURN NEW;
        """,
    ),
    Guard(
        name="period_people_hold_their_duty",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF NEW.prepared_by IS DISTINCT FROM OLD.prepared_by
               AND NOT {_holds_duty("prepared_by", "pool_admin")} THEN
                {refuse("period_people_hold_their_duty", "%s is no pool admin", "NEW.prepared_by")}
            END IF;
            IF NEW.approved_by IS NOT NULL AND NEW.approved_by IS DISTINCT FROM OLD.approved_by
               AND NOT {_holds_duty("approved_by", "controller")} THEN
                {refuse("period_people_hold_their_duty", "%s is no controller", "NEW.approved_by")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="posted_period_has_its_entry",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF NEW.state = 'posted' AND OLD.state <> 'posted' THEN
                IF EXISTS (SELECT 1 FROM ledger_manifestline WHERE period_id = NEW.id AND written_at IS NULL) THEN
                    {refuse("posted_charges_equal_assessed", "a shard of the period is not written")}
                END IF;
                IF NEW.aid_fen + NEW.fee_fen + NEW.other_costs_fen + NEW.assessed_fen + NEW.carry_in_fen > 0
                   AND NOT EXISTS (
                    SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id
                      JOIN members_pool p ON p.code = b.code
                     WHERE e.id = NEW.entry_id AND p.id = NEW.pool_id AND e.key = 'period/' || NEW.number
                ) THEN
                    {refuse("posted_period_has_its_entry", "period %s has no journal entry", "NEW.number")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="periods_are_kept",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Delete | pgtrigger.Truncate,
        func=refuse("periods_are_kept", "periods are never deleted"),
    ),
]

award_guards = [
    Guard(
        name="award_keeps_its_terms",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF (NEW.pool_id, NEW.code, NEW.claim_code, NEW.aid_fen, NEW.masked, NEW.announced_at, NEW.announced_by)
               IS DISTINCT FROM
               (OLD.pool_id, OLD.code, OLD.claim_code, OLD.aid_fen, OLD.masked, OLD.announced_at, OLD.announced_by)
            THEN
                {refuse("award_keeps_its_terms", "an announced award is not edited")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="awards_join_before_announcement",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            IF NEW.period_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.period_id IS DISTINCT FROM OLD.period_id)
               AND (SELECT state FROM ledger_period WHERE id = NEW.period_id) NOT IN ('opened', 'frozen') THEN
                {refuse("awards_join_before_announcement", "nothing is added after the announcement")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="awards_are_kept",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Delete | pgtrigger.Truncate,
        func=refuse("awards_are_kept", "awards are withdrawn, never deleted"),
    ),
]

manifest_guards = [
    Guard(
        name="manifest_keeps_its_counts",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF (NEW.period_id, NEW.shard_no, NEW.first_id, NEW.end_id, NEW.members, NEW.counts, NEW.ids_hash)
               IS DISTINCT FROM
               (OLD.period_id, OLD.shard_no, OLD.first_id, OLD.end_id, OLD.members, OLD.counts, OLD.ids_hash)
               OR OLD.written_at IS NOT NULL
               OR (NEW.want_fen IS DISTINCT FROM OLD.want_fen AND
                   (SELECT state FROM ledger_period WHERE id = NEW.period_id) IN ('approved', 'posting', 'posted'))
            THEN
                {refuse("manifest_keeps_its_counts", "shard %s is fixed", "OLD.shard_no")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="manifest_is_kept",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Delete | pgtrigger.Truncate,
        func=refuse("manifest_is_kept", "a manifest is never deleted"),
    ),
]
