"""The bill of a period in SQL: the guard that figures are those which awards, plan, headcount and books give.

Whoever prepares and approves: asked whenever figures are stored, and once more when they are approved. A second
implementation of what `plan_shares` and `apportion` do, on purpose; it shares no line with them.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.books import chart
from ledger.sharing.causes import OTHER_COSTS, OTHER_INCOME

_SOURCES = "period_figures_follow_their_sources"
_COST_KINDS = ", ".join(f"'{kind}'" for kind in OTHER_COSTS)
_INCOME_KINDS = ", ".join(f"'{kind}'" for kind in OTHER_INCOME)


def _fee(aid: str) -> str:
    """Return SQL for the fee on that aid: rate rounded up once, plus the fixed sum, up to the ceiling."""
    return f"""least((plan#>>'{{fee,ceiling_fen}}')::numeric,
                      coalesce((plan#>>'{{fee,fixed_fen}}')::numeric, 0) + div(rate[1] * {aid} + rate[2] - 1, rate[2]))"""


_AWARDED = f"""
    SELECT count(*)::int AS cases, coalesce(sum(aid_fen), 0)::numeric AS aid,
           count(*) FILTER (WHERE state <> 'final') AS waiting
      INTO awarded FROM ledger_award WHERE period_id = NEW.id AND state <> 'withdrawn';
    IF awarded.waiting > 0 OR (NEW.cases, NEW.awarded_fen::numeric) IS DISTINCT FROM (awarded.cases, awarded.aid) THEN
        {refuse(_SOURCES, "%s cases, aid %s; the final awards say %s and %s", "NEW.cases", "NEW.awarded_fen", "awarded.cases", "awarded.aid")}
    END IF;
"""

# Entries up to the announcement (and the last period's own, should it come later), those of the last period's figures left out; a reversal counts as what it reverses.
_FROM_THE_BOOKS = f"""
    IF EXISTS (SELECT 1 FROM ledger_period WHERE pool_id = NEW.pool_id AND number < NEW.number AND state <> 'posted') THEN
        {refuse("periods_are_posted_in_order", "an earlier period than %s is not posted", "NEW.number")}
    END IF;
    SELECT coalesce(max(p.books_upto_no), 0) AS upto, coalesce(max(e.number), 0) AS entry_no INTO last
      FROM ledger_period p LEFT JOIN ledger_journalentry e ON e.id = p.entry_id
     WHERE p.pool_id = NEW.pool_id AND p.number < NEW.number;
    SELECT b.id INTO book FROM ledger_book b JOIN members_pool p ON p.code = b.code WHERE p.id = NEW.pool_id;
    upto := greatest(NEW.announced_books_no, last.upto, last.entry_no);
    IF NEW.books_upto_no IS DISTINCT FROM upto THEN
        {refuse(_SOURCES, "books up to %s instead of %s", "NEW.books_upto_no", "upto")}
    END IF;
    SELECT coalesce(-sum(net) FILTER (WHERE code = '{chart.CARRIED_SURPLUS}'), 0)::bigint AS carry,
           coalesce(-sum(net) FILTER (WHERE code = '{chart.RESERVE}'), 0)::numeric AS reserve,
           coalesce(sum(net) FILTER (WHERE code = '{chart.TO_BE_SHARED}' AND kind IN ({_COST_KINDS})), 0)::bigint AS costs,
           coalesce(-sum(net) FILTER (WHERE code = '{chart.CARRIED_SURPLUS}' AND kind IN ({_INCOME_KINDS})
                                        AND number > last.upto), 0)::bigint AS income INTO books
      FROM (SELECT a.code, e.number,
                   -- What wallets lacked is on the other side of their period's entry than what it has shared.
                   CASE WHEN coalesce(r.kind, e.kind) = 'period' AND (p.side = 'D') = (r.id IS NULL) THEN 'wallet_gap'
                        ELSE coalesce(r.kind, e.kind) END AS kind,
                   CASE p.side WHEN 'D' THEN p.amount_fen ELSE -p.amount_fen END AS net
              FROM ledger_account a JOIN ledger_posting p ON p.account_id = a.id
              JOIN ledger_journalentry e ON e.id = p.entry_id LEFT JOIN ledger_journalentry r ON r.id = e.reverses_id
             WHERE a.book_id = book.id AND e.number <= NEW.books_upto_no
               AND (a.code IN ('{chart.CARRIED_SURPLUS}', '{chart.RESERVE}')
                    OR (a.code = '{chart.TO_BE_SHARED}' AND e.number > last.upto))) moved;
    IF (NEW.carry_in_fen, NEW.other_costs_fen, NEW.other_income_fen) IS DISTINCT FROM (books.carry, books.costs, books.income) THEN
        {refuse(_SOURCES, "carry %s, costs %s, income %s; the books say %s, %s, %s", "NEW.carry_in_fen", "NEW.other_costs_fen", "NEW.other_income_fen", "books.carry", "books.costs", "books.income")}
    END IF;
"""

# Whose rooms they are is asked anew: charges posted since they were taken have made them smaller.
_WHAT_LIMITS = """
    PERFORM take_rooms(NEW.id);
    SELECT run_off_cap IS NOT NULL, run_off_cap IS NOT NULL OR year_cap IS NOT NULL INTO run_off, has_rooms
      FROM caps_of_period(NEW.id);
    member_cap := (plan->>'period_cap_fen')::numeric;
    -- In a run-off with a cap, whoever the plan names for it pays what members do not.
    takes_all := plan->>'on_cap' = 'reserve_pays' AND NOT run_off;
    sponsor_pays := run_off OR takes_all OR plan->>'on_infeasible' = 'sponsor';
"""

# Members who pay alike: class, weight, cap and how many, from the manifest. reach: the share of weight 1 at which they
# meet their cap; 30 digits tell any two apart.
_COUNTED = """
    (SELECT w.class_no, w.weight, r.cap, sum(r.members) AS members,
            coalesce(r.cap::numeric(60, 30) / w.weight, 'Infinity') AS reach
       FROM ledger_manifestline l CROSS JOIN LATERAL
            (SELECT c.key::int AS class_no, member_cap AS cap, c.value::numeric AS members
               FROM jsonb_each_text(l.counts) c WHERE NOT has_rooms
              UNION ALL
             SELECT (x->>0)::int, (x->>1)::numeric, (x->>2)::numeric FROM jsonb_array_elements(l.rooms) x WHERE has_rooms) r
       JOIN (SELECT (k->>'class_no')::int AS class_no, (k->>'weight')::numeric AS weight
               FROM jsonb_array_elements(plan->'classes') k) w USING (class_no)
      WHERE l.period_id = NEW.id GROUP BY 1, 2, 3)"""

# A cap per case, which is of the whole awards with their fee, goes to the sponsor: the sum is rounded down once.
_ABOVE_THE_CASE_CAP = f"""
    SELECT coalesce(sum(members * weight), 0) AS weight, coalesce(sum(members), 0) AS members,
           CASE WHEN NOT coalesce(bool_or(cap IS NULL), true) THEN sum(members * cap) END AS caps
      INTO payers FROM {_COUNTED} counted;
    rate := string_to_array(plan#>>'{{fee,rate}}', '/')::numeric[];
    costs := awarded.aid + {_fee("awarded.aid")};
    SELECT coalesce(div(sum(greatest(0, a.aid_fen * costs * lightest - cap * payers.weight * awarded.aid)),
                        awarded.aid * lightest), 0) INTO sponsored
      FROM ledger_award a, (SELECT min((k->>'weight')::numeric) AS lightest, (plan->>'per_case_cap_fen')::numeric AS cap
                              FROM jsonb_array_elements(plan->'classes') k) terms
     WHERE a.period_id = NEW.id AND a.state <> 'withdrawn' AND payers.weight > 0
     GROUP BY lightest, cap;
    besides := NEW.other_costs_fen - NEW.carry_in_fen - coalesce(sponsored, 0);
"""

# What goes into the reserve: up to its target, and as far as caps leave room.
_INTO_THE_RESERVE = f"""
    held := CASE WHEN plan ? 'reserve' THEN books.reserve ELSE 0 END;
    contribution := 0;
    IF plan ? 'reserve' AND payers.members > 0 AND NOT run_off THEN
        SELECT CASE WHEN takes_all THEN min(div(cap * payers.weight, weight)) ELSE payers.caps END INTO room FROM {_COUNTED} counted;
        rate := string_to_array(coalesce(plan#>>'{{reserve,contribution_rate}}', '0/1'), '/')::numeric[];
        contribution := greatest(0, least(
            coalesce((plan#>>'{{reserve,contribution_fen}}')::numeric, 0) + div(rate[1] * costs + rate[2] - 1, rate[2]),
            (plan#>>'{{reserve,target_fen}}')::numeric - held, room - costs - besides));
        rate := string_to_array(plan#>>'{{fee,rate}}', '/')::numeric[];
    END IF;
"""

# Where the plan lowers the aid: the most that with its fee is within what caps and reserve allow.
# Without a ceiling a + fixed + ceil(a·n/d) <= room is a·(d + n) <= (room - fixed)·d; any aid may have the ceiling as fee.
_SHARED_AID = f"""
    aid := awarded.aid;
    room := payers.caps + held - besides - contribution;
    IF payers.members > 0 AND NOT sponsor_pays AND costs > room THEN
        aid := greatest(0, least(aid, greatest(
            floor((room - coalesce((plan#>>'{{fee,fixed_fen}}')::numeric, 0)) * rate[2] / (rate[1] + rate[2])),
            room - (plan#>>'{{fee,ceiling_fen}}')::numeric)));
    END IF;
    need := aid + {_fee("aid")} + besides + contribution;
"""

# Everyone by weight, rounded up, nobody above the cap. What caps keep from some the others bear: those who meet theirs
# first, up to the first that stay below (`free`); where reserve or sponsor take all of it, they bear no more for it.
# Who pays alike is one row; with rooms a class may have several, the one of its full share first.
_SHARES = f"""
    SELECT reach, weight, rest INTO free
      FROM (SELECT f.reach, f.cap AS met, f.weight AS by_weight, sum(c.members * c.weight) FILTER (WHERE c.reach >= f.reach) AS weight,
                   need - coalesce(sum(c.members * c.cap) FILTER (WHERE c.reach < f.reach), 0) AS rest
              FROM (SELECT DISTINCT ON (reach) reach, cap, weight FROM {_COUNTED} w) f, {_COUNTED} c GROUP BY 1, 2, 3) levels
     WHERE met IS NULL OR takes_all OR rest * by_weight <= met * weight ORDER BY reach LIMIT 1;
    SELECT coalesce(jsonb_agg(jsonb_build_object('class_no', class_no, 'weight', weight, 'members', members, 'share_fen', share)
                              || CASE WHEN has_rooms THEN jsonb_build_object('cap_fen', cap) ELSE '{{}}' END
                              ORDER BY class_no, share DESC), '[]') AS classes,
           coalesce(sum(members * share), 0) AS assessed INTO want
      FROM (SELECT class_no, weight, share, sum(members) AS members, max(cap) AS cap
              FROM (SELECT *, CASE WHEN need <= 0 THEN 0 WHEN free.reach IS NULL OR reach < free.reach THEN cap
                                   ELSE least(cap, div(free.rest * weight + free.weight - 1, free.weight)) END AS share
                      FROM {_COUNTED} counted) charged GROUP BY 1, 2, 3) shared;
    left_over := CASE WHEN payers.members > 0 THEN greatest(0, need - want.assessed) ELSE 0 END;
    drawn := least(held, left_over);
    IF sponsor_pays THEN
        sponsored := coalesce(sponsored, 0) + left_over - drawn;
    END IF;
    IF (NEW.aid_fen::numeric, NEW.fee_fen::numeric) IS DISTINCT FROM (aid, {_fee("aid")}) THEN
        {refuse(_SOURCES, "aid %s, fee %s; the plan says %s and %s", "NEW.aid_fen", "NEW.fee_fen", "aid", _fee("aid"))}
    END IF;
    IF (NEW.reserve_contribution_fen::numeric, NEW.reserve_drawn_fen::numeric, NEW.sponsor_fen::numeric)
       IS DISTINCT FROM (contribution, drawn, coalesce(sponsored, 0)) THEN
        {refuse(_SOURCES, "into the reserve %s, from it %s, sponsor %s; the plan says %s, %s, %s", "NEW.reserve_contribution_fen", "NEW.reserve_drawn_fen", "NEW.sponsor_fen", "contribution", "drawn", "coalesce(sponsored, 0)")}
    END IF;
    IF NEW.need_fen IS DISTINCT FROM NEW.aid_fen + NEW.other_costs_fen + NEW.fee_fen + NEW.reserve_contribution_fen
                                     - NEW.carry_in_fen - NEW.reserve_drawn_fen - NEW.sponsor_fen THEN
        {refuse(_SOURCES, "need %s does not follow from its parts", "NEW.need_fen")}
    END IF;
    IF (NEW.classes, NEW.assessed_fen) IS DISTINCT FROM (want.classes, want.assessed::bigint) THEN
        {refuse(_SOURCES, "shares %s; headcount and need say %s", "NEW.classes", "want.classes")}
    END IF;
"""

BILL_GUARD = Guard(
    name=_SOURCES,
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    declare=[
        ("plan", "jsonb"),
        ("rate", "numeric[]"),
        ("awarded", "record"),
        ("last", "record"),
        ("book", "record"),
        ("books", "record"),
        ("upto", "bigint"),
        ("payers", "record"),
        ("free", "record"),
        ("want", "record"),
        ("member_cap", "numeric"),
        ("held", "numeric"),
        ("run_off", "boolean"),
        ("has_rooms", "boolean"),
        ("takes_all", "boolean"),
        ("sponsor_pays", "boolean"),
        ("costs", "numeric"),
        ("besides", "numeric"),
        ("sponsored", "numeric"),
        ("contribution", "numeric"),
        ("aid", "numeric"),
        ("room", "numeric"),
        ("need", "numeric"),
        ("left_over", "numeric"),
        ("drawn", "numeric"),
    ],
    func=f"""
    IF NOT (NEW.state = 'computed' AND OLD.state IN ('settled', 'computed') OR NEW.state = 'approved' AND OLD.state = 'computed') THEN
        RETURN NEW;
    END IF;
    {judged_now()}
    SELECT terms INTO plan FROM members_planversion WHERE id = NEW.plan_version_id;
    {_AWARDED}
    {_FROM_THE_BOOKS}
    {_WHAT_LIMITS}
    {_ABOVE_THE_CASE_CAP}
    {_INTO_THE_RESERVE}
    {_SHARED_AID}
    {_SHARES}
    RETURN NEW;
""",
)
