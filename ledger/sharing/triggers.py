"""Guards of periods, awards and manifests. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from ledger.books import chart
from ledger.sharing.bill_sql import BILL_GUARD
from ledger.sharing.causes import OTHER_COSTS

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
    "books_upto_no",
)


def shown_sql(row: str) -> str:
    """Return SQL for the shown text of a row; dates are written out, because a session may choose its own form."""
    parts = (
        f"to_char({row}.{column}, 'YYYY-MM-DD')" if column.endswith("_date") else f"{row}.{column}::text"
        for column in SHOWN_COLUMNS
    )
    return f"concat_ws('|', {', '.join(parts)})"


# What the awards come to is fixed with the rest; it isn't hashed, because the awards themselves are public.
_FIGURES = (*SHOWN_COLUMNS, "awarded_fen")
_OLD_FIGURES = ", ".join(f"OLD.{column}" for column in (*_FIGURES, "prepared_by"))
_NEW_FIGURES = ", ".join(f"NEW.{column}" for column in (*_FIGURES, "prepared_by"))
_NEW_APPROVAL = "NEW.approved_by, NEW.approved_at, NEW.approved_sha256"
_OLD_APPROVAL = _NEW_APPROVAL.replace("NEW.", "OLD.")
_IDENTITY = (
    "pool_id",
    "number",
    "plan_version_id",
    "opening_date",
    "next_opening_date",
    "publicity_date",
    "publicity_end_date",
    "charge_date",
    "announced_at",
    "announced_books_no",
)


def _holds_duty(column: str, duty: str) -> str:
    """Return SQL that tells whether the person in that column holds the duty in the period's pool now."""
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = NEW.{column} AND g.duty = '{duty}' AND g.ended_at IS NULL
           AND (g.pool_id = NEW.pool_id OR (g.pool_id IS NULL AND g.duty = 'pool_admin')))"""


# Columns that come to a period after it is opened.
_LATER = (
    "as_of",
    "headcount_recorded_at",
    "headcount",
    *(c for c in _FIGURES if c not in {*_IDENTITY, "headcount"}),
    "prepared_by",
    "prepared_at",
    "approved_by",
    "approved_at",
    "approved_sha256",
    "posting_paused_at",
    "posting_paused_by",
    "charged_members",
    "charged_fen",
    "wallet_fen",
    "gap_fen",
    "posted_at",
    "charges_notified_at",
    "entry_id",
    "announced_at",
    "announced_books_no",
)

# The entry of a posted period, account by account; expenses of other costs are taken together.
_OTHER_EXPENSES = ", ".join(f"'{code}'" for code in sorted(set(OTHER_COSTS.values())))
_CONTRIBUTIONS = "NEW.aid_fen + NEW.fee_fen + NEW.other_costs_fen - NEW.sponsor_fen - NEW.other_income_fen"
_POSTED = f"""
    SELECT jsonb_agg(jsonb_build_array(code, side, fen) ORDER BY code, side)
      FROM (SELECT a.code, p.side, p.amount_fen AS fen
              FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
             WHERE p.entry_id = NEW.entry_id AND a.code NOT IN ({_OTHER_EXPENSES})
             UNION ALL
            SELECT 'other', 'D', sum(CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END)
              FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
             WHERE p.entry_id = NEW.entry_id AND a.code IN ({_OTHER_EXPENSES})) posted
     WHERE fen <> 0"""
_EXPECTED = f"""
    SELECT jsonb_agg(jsonb_build_array(code, side, fen) ORDER BY code, side)
      FROM (VALUES ('{chart.RECEIVABLE}', 'D', NEW.assessed_fen - coalesce(NEW.wallet_fen + NEW.gap_fen, 0)),
                   ('{chart.PREPAID}', 'D', coalesce(NEW.wallet_fen, 0)),
                   ('{chart.TO_BE_SHARED}', 'D', coalesce(NEW.gap_fen, 0)),
                   ('{chart.SPONSOR_RECEIVABLE}', 'D', NEW.sponsor_fen),
                   ('{chart.RESERVE}', 'D', NEW.reserve_drawn_fen),
                   ('{chart.CARRIED_SURPLUS}', 'D', NEW.carry_in_fen),
                   ('{chart.AID_GRANTED}', 'D', NEW.aid_fen),
                   ('{chart.MANAGEMENT_FEE}', 'D', NEW.fee_fen),
                   ('other', 'D', NEW.other_costs_fen),
                   ('{chart.TO_BE_SHARED}', 'C', NEW.aid_fen + NEW.other_costs_fen),
                   ('{chart.FEE_PAYABLE}', 'C', NEW.fee_fen),
                   ('{chart.RESERVE}', 'C', NEW.reserve_contribution_fen),
                   ('{chart.CARRIED_SURPLUS}', 'C', NEW.carry_out_fen),
                   ('{chart.CONTRIBUTIONS}', 'C', greatest({_CONTRIBUTIONS}, 0)),
                   ('{chart.CONTRIBUTIONS}', 'D', greatest(-({_CONTRIBUTIONS}), 0)),
                   ('{chart.OTHER_INCOME}', 'C', NEW.sponsor_fen + NEW.other_income_fen)
           ) expected (code, side, fen) WHERE fen <> 0"""

# What the awards of a period come to beyond the aid that it shares is no longer owed (entry b).
_LOWERED = """
    SELECT jsonb_agg(jsonb_build_array(a.code, p.side, p.amount_fen) ORDER BY a.code)
      FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id JOIN members_pool m ON m.code = b.code
      JOIN ledger_posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.account_id
     WHERE m.id = NEW.pool_id AND e.key = 'aid_lowered/' || NEW.number
       AND e.maker = NEW.prepared_by AND e.checker = NEW.approved_by"""

# Where the plan lets it wait it stays owed, and goes on as an award of its own.
_WAITS = """(SELECT terms->>'on_infeasible' = 'defer' FROM members_planversion WHERE id = {version})"""
_WITHOUT_REST = """
    SELECT string_agg(a.code, ', ' ORDER BY a.code) FROM ledger_award a
     WHERE a.period_id = NEW.id AND a.shared_fen < a.aid_fen
       AND NOT EXISTS (SELECT 1 FROM ledger_award r WHERE r.rest_of_id = a.id)"""
# What a rest takes over from the award that it goes on with.
_OF_THE_CASE = ("pool_id", "claim_code", "masked", "payee_sealed", "payee_hash", "announced_by")

period_guards = [
    Guard(
        name="period_keeps_its_identity",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("kept", "ledger_period")],
        func=f"""
            IF ({", ".join(f"NEW.{c}" for c in _IDENTITY)}) IS DISTINCT FROM
               ({", ".join(f"OLD.{c}" for c in _IDENTITY)}) THEN
                {refuse("period_keeps_its_identity", "number, plan and dates of a period are fixed")}
            END IF;
            IF OLD.as_of IS NOT NULL AND (NEW.as_of, NEW.headcount_recorded_at, NEW.headcount) IS DISTINCT FROM
                                         (OLD.as_of, OLD.headcount_recorded_at, OLD.headcount) THEN
                {refuse("headcount_is_frozen", "the headcount is taken once")}
            END IF;
            -- A posting that is cancelled takes its approval along, and leaves the figures as they were shown.
            IF OLD.state IN ('approved', 'posting', 'posted') AND
               (({_NEW_FIGURES}) IS DISTINCT FROM ({_OLD_FIGURES})
                OR NEW.state <> 'computed' AND ({_NEW_APPROVAL}) IS DISTINCT FROM ({_OLD_APPROVAL})) THEN
                {refuse("approved_figures_are_fixed", "figures of an approved period never change")}
            END IF;
            -- The announcement of its charges is the one thing that still comes to a posted period, once.
            kept := NEW;
            kept.charges_notified_at := OLD.charges_notified_at;
            IF OLD.state = 'posted' AND (kept IS DISTINCT FROM OLD
               OR OLD.charges_notified_at IS NOT NULL AND NEW.charges_notified_at IS DISTINCT FROM OLD.charges_notified_at) THEN
                {refuse("posted_period_is_permanent", "a posted period never changes")}
            END IF;
            RETURN NEW;
        """,
    ),
    # What an INSERT could smuggle in would never pass the guards of the steps that follow.
    Guard(
        name="period_starts_empty",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("last", "record"), ("zone", "text")],
        func=f"""
            IF num_nonnulls({", ".join(f"NEW.{c}" for c in _LATER)}) > 0 OR NEW.computations <> 0 OR NEW.postings <> 0 THEN
                {refuse("period_starts_empty", "period %s brings figures or people along", "NEW.number")}
            END IF;
            {judged_now()}
            SELECT time_zone INTO zone FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF NEW.plan_version_id IS DISTINCT FROM (
                SELECT id FROM members_planversion WHERE pool_id = NEW.pool_id AND effective_date <= NEW.opening_date
                 ORDER BY effective_date DESC LIMIT 1) THEN
                {refuse("period_follows_plan_in_force", "the plan of period %s is not in force when it opens", "NEW.number")}
            END IF;
            SELECT number, next_opening_date INTO last FROM ledger_period
             WHERE pool_id = NEW.pool_id ORDER BY number DESC LIMIT 1;
            IF NEW.number <> coalesce(last.number, 0) + 1
               OR NEW.opening_date <> coalesce(last.next_opening_date, NEW.opening_date) THEN
                {refuse("period_follows_last", "period %s from %s does not join the last", "NEW.number", "NEW.opening_date")}
            END IF;
            -- No version can be published for the day of a period that is open already.
            IF NEW.opening_date > (aid_now() AT TIME ZONE zone)::date OR NEW.next_opening_date > NEW.opening_date + 62 THEN
                {refuse("period_opens_on_its_day", "period %s from %s", "NEW.number", "NEW.opening_date")}
            END IF;
            RETURN NEW;
        """,
    ),
    # The announcement is what publicity counts from, and the last that the bill looks at in the books. Guards of one event fire in the order of their names: that of the
    # identity has refused whatever a statement brought along for these columns before this one writes them.
    Guard(
        name="publicity_lasts_its_days",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("ends_date", "date")],
        func=f"""
            IF NEW.state <> 'announced' OR OLD.state = 'announced' THEN
                RETURN NEW;
            END IF;
            -- A day counts when the cases were public before its noon.
            SELECT (aid_now() AT TIME ZONE p.time_zone + interval '12 hours')::date + (v.terms#>>'{{calendar,publicity_days}}')::int INTO ends_date
              FROM members_pool p, members_planversion v WHERE p.id = NEW.pool_id AND v.id = NEW.plan_version_id;
            IF ends_date IS NULL THEN
                {refuse("publicity_lasts_its_days", "the plan of period %s does not say how long publicity lasts", "NEW.number")}
            END IF;
            NEW.announced_at := aid_now();
            SELECT b.last_entry_no INTO NEW.announced_books_no
              FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE p.id = NEW.pool_id;
            NEW.publicity_end_date := greatest(OLD.publicity_end_date, ends_date);
            NEW.charge_date := OLD.charge_date + (NEW.publicity_end_date - OLD.publicity_end_date);
            RETURN NEW;
        """,
    ),
    Guard(
        name="publicity_runs_its_course",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF NEW.state = 'settled' AND OLD.state <> 'settled'
               AND aid_now() < (SELECT NEW.publicity_end_date::timestamp AT TIME ZONE time_zone
                                  FROM members_pool WHERE id = NEW.pool_id) THEN
                {refuse("publicity_runs_its_course", "publicity ends on %s", "NEW.publicity_end_date")}
            END IF;
            RETURN NEW;
        """,
    ),
    BILL_GUARD,
    # The hash is the database's own: an application that shows one thing and stores another cannot fake it.
    Guard(
        name="shown_hash_is_of_the_figures",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            NEW.shown_sha256 := CASE WHEN NEW.assessed_fen IS NOT NULL THEN
                encode(sha256(convert_to({shown_sql("NEW")}, 'UTF8')), 'hex') END;
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
            IF NEW.posting_paused_by IS NOT NULL AND NEW.posting_paused_by IS DISTINCT FROM OLD.posting_paused_by
               AND NOT ({_holds_duty("posting_paused_by", "pool_admin")} OR {_holds_duty("posting_paused_by", "controller")}) THEN
                {refuse("period_people_hold_their_duty", "%s is neither pool admin nor controller", "NEW.posting_paused_by")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="posted_period_has_its_entry",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("left_out", "text")],
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
                       AND e.maker = NEW.prepared_by AND e.checker = NEW.approved_by
                ) THEN
                    {refuse("posted_period_has_its_entry", "period %s has no journal entry", "NEW.number")}
                END IF;
                IF ({_POSTED}) IS DISTINCT FROM ({_EXPECTED}) THEN
                    {refuse("posted_period_has_its_entry", "the entry of period %s has other amounts", "NEW.number")}
                END IF;
                IF {_WAITS.format(version="NEW.plan_version_id")} THEN
                    left_out := ({_WITHOUT_REST});
                    IF left_out IS NOT NULL THEN
                        {refuse("waiting_aid_has_its_rests", "of cases %s a part waits, and no rest says so", "left_out")}
                    END IF;
                ELSIF NEW.awarded_fen > NEW.aid_fen AND ({_LOWERED}) IS DISTINCT FROM jsonb_build_array(
                       jsonb_build_array('{chart.TO_BE_SHARED}', 'C', NEW.awarded_fen - NEW.aid_fen),
                       jsonb_build_array('{chart.AID_PAYABLE}', 'D', NEW.awarded_fen - NEW.aid_fen)) THEN
                    {refuse("lowered_aid_has_its_entry", "the aid of period %s is lowered, and no entry says so", "NEW.number")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("periods_are_kept", "periods are never deleted"),
]

award_guards = [
    Guard(
        name="award_keeps_its_terms",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF (NEW.pool_id, NEW.code, NEW.claim_code, NEW.aid_fen, NEW.masked, NEW.announced_at, NEW.announced_by,
                NEW.payee_sealed, NEW.payee_hash, NEW.rest_of_id)
               IS DISTINCT FROM
               (OLD.pool_id, OLD.code, OLD.claim_code, OLD.aid_fen, OLD.masked, OLD.announced_at, OLD.announced_by,
                OLD.payee_sealed, OLD.payee_hash, OLD.rest_of_id)
            THEN
                {refuse("award_keeps_its_terms", "an announced award is not edited")}
            END IF;
            RETURN NEW;
        """,
    ),
    # What is shared of an award never changes, so that its rest can be judged once, when it is made.
    Guard(
        name="rest_is_what_was_not_shared",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("NEW.rest_of_id IS NOT NULL"),
        declare=[("whole", "record")],
        func=f"""
            {judged_now()}
            SELECT a.*, {_WAITS.format(version="p.plan_version_id")} AS waits INTO whole
              FROM ledger_award a JOIN ledger_period p ON p.id = a.period_id WHERE a.id = NEW.rest_of_id;
            IF whole.state IS DISTINCT FROM 'shared' OR whole.waits IS NOT TRUE
               OR NEW.aid_fen <> whole.aid_fen - whole.shared_fen THEN
                {refuse("rest_is_what_was_not_shared", "rest of %s of award %s: %s of %s is shared", "NEW.aid_fen", "whole.code", "whole.shared_fen", "whole.aid_fen")}
            END IF;
            IF ({", ".join(f"NEW.{c}" for c in _OF_THE_CASE)}) IS DISTINCT FROM ({", ".join(f"whole.{c}" for c in _OF_THE_CASE)})
               OR NEW.code <> split_part(whole.code, '.', 1) || '.' || coalesce(nullif(split_part(whole.code, '.', 2), ''), '1')::int + 1
            THEN
                {refuse("rest_is_of_its_case", "award %s tells another case or payee than %s", "NEW.code", "whole.code")}
            END IF;
            RETURN NEW;
        """,
    ),
    # Publicity of the whole award has ended without an objection, and all of it is owed.
    Guard(
        name="rest_stays_owed",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        condition=pgtrigger.Condition(
            "NEW.rest_of_id IS NOT NULL AND (NEW.is_held OR NEW.state = 'withdrawn')"
        ),
        func=refuse("rest_stays_owed", "award %s is the rest of aid that is owed", "NEW.code"),
    ),
    # The share lock on the period makes its state final for this judgment: an announcement or approval that is
    # under way is waited for.
    Guard(
        name="awards_join_before_announcement",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[("joins", "record"), ("was_in", "text")],
        func=f"""
            IF TG_OP = 'UPDATE' AND NEW.period_id IS NOT DISTINCT FROM OLD.period_id OR TG_OP = 'INSERT' AND NEW.period_id IS NULL THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            SELECT state, pool_id INTO joins FROM ledger_period WHERE id = NEW.period_id FOR SHARE;
            IF NEW.period_id IS NOT NULL AND (joins.state NOT IN ('opened', 'frozen') OR joins.pool_id <> NEW.pool_id) THEN
                {refuse("awards_join_before_announcement", "nothing is added to this period any more")}
            END IF;
            IF TG_OP = 'UPDATE' THEN
                SELECT state INTO was_in FROM ledger_period WHERE id = OLD.period_id FOR SHARE;
                IF OLD.state <> 'announced' OR was_in NOT IN ('opened', 'frozen', 'announced') THEN
                    {refuse("awards_leave_before_publicity_ends", "award %s stays in its period", "OLD.code")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="award_step_fits_its_period",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("period_state", "text")],
        func=f"""
            IF NEW.state = OLD.state THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            SELECT state INTO period_state FROM ledger_period WHERE id = NEW.period_id FOR SHARE;
            IF NEW.state = 'final' AND period_state IS DISTINCT FROM 'announced'
               OR NEW.state = 'shared' AND period_state IS DISTINCT FROM 'posting'
               OR NEW.state = 'withdrawn' AND period_state IN ('approved', 'posting', 'posted') THEN
                {refuse("award_step_fits_its_period", "award %s is not %s in a period that is %s", "OLD.code", "NEW.state", "coalesce(period_state, 'none')")}
            END IF;
            RETURN NEW;
        """,
    ),
    # Every award gets its part of the aid that its period shares: in proportion, whole fen by largest remainder.
    Guard(
        name="award_gets_its_part",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[("period", "record")],
        func=f"""
            IF NEW.shared_fen IS DISTINCT FROM OLD.shared_fen THEN
                {refuse("award_gets_its_part", "what is shared of award %s follows from its period", "NEW.code")}
            END IF;
            IF NEW.state <> 'shared' OR OLD.state = 'shared' THEN
                RETURN NEW;
            END IF;
            SELECT awarded_fen::numeric AS awarded, aid_fen::numeric AS aid INTO period FROM ledger_period WHERE id = NEW.period_id;
            NEW.shared_fen := NEW.aid_fen;
            IF period.aid < period.awarded THEN
                SELECT part INTO NEW.shared_fen
                  FROM (SELECT id, div(aid_fen * period.aid, period.awarded)
                               + (row_number() OVER (ORDER BY mod(aid_fen * period.aid, period.awarded) DESC, aid_fen DESC, code)
                                  <= period.aid - sum(div(aid_fen * period.aid, period.awarded)) OVER ())::int AS part
                          FROM ledger_award WHERE period_id = NEW.period_id AND state <> 'withdrawn') parts WHERE id = NEW.id;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("awards_are_kept", "awards are withdrawn, never deleted"),
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
               -- Written it stays as it is, unless a paused posting is cancelled and its charges are discarded.
               OR OLD.written_at IS NOT NULL AND (NEW.written_at IS NOT NULL OR NOT EXISTS (
                   SELECT 1 FROM ledger_period WHERE id = NEW.period_id AND posting_paused_at IS NOT NULL))
               OR ((NEW.want_fen, NEW.rooms) IS DISTINCT FROM (OLD.want_fen, OLD.rooms) AND
                   (SELECT state FROM ledger_period WHERE id = NEW.period_id) IN ('approved', 'posting', 'posted'))
            THEN
                {refuse("manifest_keeps_its_counts", "shard %s is fixed", "OLD.shard_no")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("manifest_is_kept", "a manifest is never deleted"),
]
