"""Guards of periods, awards and manifests. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.books import chart
from ledger.sharing.causes import OTHER_COSTS, OTHER_INCOME

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


_OLD_FIGURES = ", ".join(f"OLD.{column}" for column in (*SHOWN_COLUMNS, "prepared_by"))
_NEW_FIGURES = ", ".join(f"NEW.{column}" for column in (*SHOWN_COLUMNS, "prepared_by"))
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
    *(c for c in SHOWN_COLUMNS if c not in {*_IDENTITY, "headcount"}),
    "prepared_by",
    "prepared_at",
    "approved_by",
    "approved_at",
    "approved_sha256",
    "posting_paused_at",
    "posting_paused_by",
    "charged_members",
    "charged_fen",
    "posted_at",
    "charges_notified_at",
    "entry_id",
    "announced_at",
)

# Whoever prepares and approves, the figures are those that awards, plan, headcount and books give: a second
# implementation of the bill, in SQL, asked whenever figures are stored and once more when they are approved.
_SOURCES = "period_figures_follow_their_sources"
_COST_KINDS = ", ".join(f"'{kind}'" for kind in OTHER_COSTS)
_INCOME_KINDS = ", ".join(f"'{kind}'" for kind in OTHER_INCOME)

_AID_AND_FEE = f"""
    SELECT count(*)::int AS cases, coalesce(sum(aid_fen), 0)::bigint AS aid,
           count(*) FILTER (WHERE state <> 'final') AS waiting
      INTO want FROM ledger_award WHERE period_id = NEW.id AND state <> 'withdrawn';
    IF want.waiting > 0 OR (NEW.cases, NEW.aid_fen) IS DISTINCT FROM (want.cases, want.aid) THEN
        {refuse(_SOURCES, "%s cases, aid %s; the final awards say %s and %s", "NEW.cases", "NEW.aid_fen", "want.cases", "want.aid")}
    END IF;
    rate := string_to_array(plan#>>'{{fee,rate}}', '/')::numeric[];
    SELECT least((plan#>>'{{fee,ceiling_fen}}')::numeric,
                 coalesce((plan#>>'{{fee,fixed_fen}}')::numeric, 0)
                 + div(rate[1] * NEW.aid_fen + rate[2] - 1, rate[2])) AS fee INTO want;
    IF NEW.fee_fen IS DISTINCT FROM want.fee THEN
        {refuse(_SOURCES, "fee %s; the plan says %s", "NEW.fee_fen", "want.fee")}
    END IF;
"""

# Entries up to books_upto_no, those of the last period's figures left out; a reversal counts as what it reverses.
_FROM_THE_BOOKS = f"""
    IF EXISTS (SELECT 1 FROM ledger_period WHERE pool_id = NEW.pool_id AND number < NEW.number AND state <> 'posted') THEN
        {refuse("periods_are_posted_in_order", "an earlier period than %s is not posted", "NEW.number")}
    END IF;
    SELECT coalesce(max(p.books_upto_no), 0) AS upto, coalesce(max(e.number), 0) AS entry_no INTO last
      FROM ledger_period p LEFT JOIN ledger_journalentry e ON e.id = p.entry_id
     WHERE p.pool_id = NEW.pool_id AND p.number < NEW.number;
    SELECT b.id, b.last_entry_no INTO book FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE p.id = NEW.pool_id;
    IF NEW.books_upto_no IS NULL OR NEW.books_upto_no NOT BETWEEN greatest(last.upto, last.entry_no) AND book.last_entry_no THEN
        {refuse(_SOURCES, "books up to %s of %s", "NEW.books_upto_no", "book.last_entry_no")}
    END IF;
    SELECT coalesce(-sum(net) FILTER (WHERE code = '{chart.CARRIED_SURPLUS}'), 0)::bigint AS carry,
           coalesce(sum(net) FILTER (WHERE code = '{chart.TO_BE_SHARED}' AND kind IN ({_COST_KINDS})), 0)::bigint AS costs,
           coalesce(-sum(net) FILTER (WHERE code = '{chart.CARRIED_SURPLUS}' AND kind IN ({_INCOME_KINDS})
                                        AND number > last.upto), 0)::bigint AS income INTO want
      FROM (SELECT a.code, e.number, coalesce(r.kind, e.kind) AS kind,
                   CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END AS net
              FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
              JOIN ledger_journalentry e ON e.id = p.entry_id LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
             WHERE a.book_id = book.id AND e.number <= NEW.books_upto_no
               AND (a.code = '{chart.CARRIED_SURPLUS}' OR (a.code = '{chart.TO_BE_SHARED}' AND e.number > last.upto))) moved;
    IF (NEW.carry_in_fen, NEW.other_costs_fen, NEW.other_income_fen) IS DISTINCT FROM (want.carry, want.costs, want.income) THEN
        {refuse(_SOURCES, "carry %s, costs %s, income %s; the books say %s, %s, %s", "NEW.carry_in_fen", "NEW.other_costs_fen", "NEW.other_income_fen", "want.carry", "want.costs", "want.income")}
    END IF;
"""

# Shares without a cap per member: need × weight / Σ weight, rounded up. A cap per case goes to the sponsor.
_SHARES = f"""
    SELECT coalesce(sum(c.value::bigint * w.weight), 0) AS weight INTO payers
      FROM ledger_manifestline l, jsonb_each_text(l.counts) c,
           (SELECT (k->>'class_no')::int AS class_no, (k->>'weight')::numeric AS weight
              FROM jsonb_array_elements(plan->'classes') k) w
     WHERE l.period_id = NEW.id AND w.class_no = c.key::int;
    SELECT coalesce(div(sum(greatest(0, a.aid_fen::numeric * (NEW.aid_fen + NEW.fee_fen) * lightest
                                        - cap * payers.weight * NEW.aid_fen)), NEW.aid_fen * lightest), 0) AS excess
      INTO want
      FROM ledger_award a, (SELECT min((k->>'weight')::numeric) AS lightest, (plan->>'per_case_cap_fen')::numeric AS cap
                              FROM jsonb_array_elements(plan->'classes') k) terms
     WHERE a.period_id = NEW.id AND a.state <> 'withdrawn' AND payers.weight > 0
     GROUP BY lightest, cap;
    IF (NEW.sponsor_fen, NEW.reserve_contribution_fen, NEW.reserve_drawn_fen) IS DISTINCT FROM (coalesce(want.excess, 0)::bigint, 0::bigint, 0::bigint) THEN
        {refuse(_SOURCES, "sponsor %s; the plan says %s, and it has no reserve", "NEW.sponsor_fen", "coalesce(want.excess, 0)")}
    END IF;
    IF NEW.need_fen IS DISTINCT FROM NEW.aid_fen + NEW.other_costs_fen + NEW.fee_fen - NEW.carry_in_fen - NEW.sponsor_fen THEN
        {refuse(_SOURCES, "need %s does not follow from its parts", "NEW.need_fen")}
    END IF;
    SELECT coalesce(jsonb_agg(jsonb_build_object('class_no', class_no, 'weight', weight, 'members', members,
                                                 'share_fen', share) ORDER BY class_no), '[]') AS classes,
           coalesce(sum(members * share), 0) AS assessed INTO want
      FROM (SELECT c.key::int AS class_no, w.weight, sum(c.value::bigint) AS members,
                   CASE WHEN NEW.need_fen > 0
                        THEN div(NEW.need_fen * w.weight + payers.weight - 1, payers.weight) ELSE 0 END AS share
              FROM ledger_manifestline l, jsonb_each_text(l.counts) c,
                   (SELECT (k->>'class_no')::int AS class_no, (k->>'weight')::numeric AS weight
                      FROM jsonb_array_elements(plan->'classes') k) w
             WHERE l.period_id = NEW.id AND w.class_no = c.key::int GROUP BY 1, 2) shared;
    IF (NEW.classes, NEW.assessed_fen) IS DISTINCT FROM (want.classes, want.assessed::bigint) THEN
        {refuse(_SOURCES, "shares %s; headcount and need say %s", "NEW.classes", "want.classes")}
    END IF;
"""

_FIGURES = f"""
    IF NOT (NEW.state = 'computed' AND OLD.state IN ('settled', 'computed') OR NEW.state = 'approved' AND OLD.state = 'computed') THEN
        RETURN NEW;
    END IF;
    {judged_now()}
    SELECT terms INTO plan FROM members_planversion WHERE id = NEW.plan_version_id;
    {_AID_AND_FEE}
    {_FROM_THE_BOOKS}
    {_SHARES}
    RETURN NEW;
"""

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
      FROM (VALUES ('{chart.RECEIVABLE}', 'D', NEW.assessed_fen),
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
    # The announcement is what publicity counts from. Guards of one event fire in the order of their names: that of the
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
    Guard(
        name="period_figures_follow_their_sources",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[
            ("plan", "jsonb"),
            ("rate", "numeric[]"),
            ("last", "record"),
            ("book", "record"),
            ("payers", "record"),
            ("want", "record"),
        ],
        func=_FIGURES,
    ),
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
            IF (NEW.pool_id, NEW.code, NEW.claim_code, NEW.aid_fen, NEW.masked, NEW.announced_at, NEW.announced_by,
                NEW.payee_sealed, NEW.payee_hash)
               IS DISTINCT FROM
               (OLD.pool_id, OLD.code, OLD.claim_code, OLD.aid_fen, OLD.masked, OLD.announced_at, OLD.announced_by,
                OLD.payee_sealed, OLD.payee_hash)
            THEN
                {refuse("award_keeps_its_terms", "an announced award is not edited")}
            END IF;
            RETURN NEW;
        """,
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
               -- Written it stays as it is, unless a paused posting is cancelled and its charges are discarded.
               OR OLD.written_at IS NOT NULL AND (NEW.written_at IS NOT NULL OR NOT EXISTS (
                   SELECT 1 FROM ledger_period WHERE id = NEW.period_id AND posting_paused_at IS NOT NULL))
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
