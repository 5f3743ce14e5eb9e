"""Guards of a pool's end that judge by headcounts, shares and books. Hung on their tables by the app's models."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.books import chart

# The last two headcounts of a pool, the newest first, each with the floor of the rules that its period follows.
_LAST_TWO = """SELECT array_agg(headcount ORDER BY number DESC) AS heads, array_agg(floor ORDER BY number DESC) AS floors,
                      max(number) AS number
                 FROM (SELECT p.number, p.headcount, (v.terms#>>'{{floor,members}}')::bigint AS floor
                         FROM ledger_period p JOIN members_planversion v ON v.id = p.plan_version_id
                        WHERE p.pool_id = {pool} AND p.as_of IS NOT NULL AND p.number <= {upto}
                        ORDER BY p.number DESC LIMIT 2) freezes"""
# Unknown where there are fewer than two, or rules without a floor.
_BOTH_BELOW = "(last.heads[1] < last.floors[1] AND last.heads[2] < last.floors[2])"

# After `ending_is_as_of_its_notice` in the order of names: that one fills in day, dates and people.
intake_stops_below_the_floor = Guard(
    name="intake_stops_below_the_floor",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("last", "record")],
    func=f"""
        {_LAST_TWO.format(pool="NEW.pool_id", upto="2147483647").replace("max(number) AS number", "max(number) AS number INTO last")};
        NEW.after_period_no := coalesce(last.number, 0);
        NEW.first_headcount := NULL;
        NEW.second_headcount := NULL;
        NEW.floor_members := NULL;
        IF NEW.cause = 'decision' THEN
            RETURN NEW;
        END IF;
        IF {_BOTH_BELOW} IS NOT TRUE THEN
            {refuse("intake_stops_below_the_floor", "the last headcounts are %s, the floors %s", "last.heads", "last.floors")}
        END IF;
        NEW.second_headcount := last.heads[1];
        NEW.first_headcount := last.heads[2];
        NEW.floor_members := last.floors[1];
        RETURN NEW;
    """,
)

# After `ending_is_called_off_once`, which has fixed the instant up to which spans count.
intake_reopens_at_the_floor = Guard(
    name="intake_reopens_at_the_floor",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    declare=[("next", "record"), ("begins", "timestamptz"), ("covered", "bigint")],
    func=f"""
        SELECT p.number, p.publicity_date, m.time_zone, m.headcount_recorded_at INTO next
          FROM ledger_period p JOIN members_pool m ON m.id = p.pool_id
         WHERE p.pool_id = NEW.pool_id AND p.state = 'opened' AND p.number > OLD.after_period_no
         ORDER BY p.number LIMIT 1;
        begins := next.publicity_date::timestamp AT TIME ZONE next.time_zone;
        IF (begins <= aid_now() AND next.publicity_date < OLD.cover_end_date) IS NOT TRUE THEN
            {refuse("intake_reopens_at_the_floor", "no headcount is due before cover ends on %s", "OLD.cover_end_date")}
        END IF;
        SELECT count(*) INTO covered
          FROM members_headcount(NEW.pool_id, begins, next.headcount_recorded_at, 0, 9223372036854775807);
        IF covered < OLD.floor_members THEN
            {refuse("intake_reopens_at_the_floor", "%s members, the floor is %s", "covered", "OLD.floor_members")}
        END IF;
        NEW.cancelled_period_no := next.number;
        NEW.cancelled_headcount := covered;
        RETURN NEW;
    """,
)

# A pool that is below its floor cannot go on as if nothing were: its cases do not become public before the notice.
floor_is_heeded = Guard(
    name="floor_is_heeded",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("OLD.state = 'frozen' AND NEW.state = 'announced'"),
    declare=[("last", "record")],
    func=f"""
        {_LAST_TWO.format(pool="NEW.pool_id", upto="NEW.number").replace("max(number) AS number", "max(number) AS number INTO last")};
        IF {_BOTH_BELOW} AND (SELECT state FROM members_pool WHERE id = NEW.pool_id) = 'open' THEN
            {refuse("floor_is_heeded", "headcounts %s, floors %s, and intake goes on", "last.heads", "last.floors")}
        END IF;
        RETURN NEW;
    """,
)

# What the final statement gives back to members may be left: the carry and the reserve, and the bank that holds them.
RESIDUE = (chart.CUSTODY, chart.CARRIED_SURPLUS, chart.RESERVE)
_RESIDUE = ", ".join(f"'{code}'" for code in RESIDUE)
pool_closes_with_nothing_owed = Guard(
    name="pool_closes_with_nothing_owed",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("OLD.state = 'winding_down' AND NEW.state = 'closed'"),
    declare=[("left_open", "text")],
    func=f"""
        {judged_now()}
        SELECT string_agg(number::text, ', ' ORDER BY number) INTO left_open FROM ledger_period
         WHERE pool_id = NEW.id AND state <> 'posted';
        IF left_open IS NOT NULL THEN
            {refuse("pool_closes_with_nothing_owed", "periods not posted: %s", "left_open")}
        END IF;
        SELECT string_agg(code, ', ' ORDER BY code) INTO left_open FROM ledger_award
         WHERE pool_id = NEW.id AND state IN ('announced', 'final');
        IF left_open IS NOT NULL THEN
            {refuse("pool_closes_with_nothing_owed", "cases not shared: %s", "left_open")}
        END IF;
        SELECT string_agg(a.code, ', ' ORDER BY a.code) INTO left_open
          FROM ledger_book b JOIN ledger_account a ON a.book_id = b.id
          JOIN ledger_accountbalance s ON s.account_id = a.id
         WHERE b.code = NEW.code AND a.kind IN ('asset', 'liability') AND a.code NOT IN ({_RESIDUE})
           AND s.debit_fen <> s.credit_fen;
        IF left_open IS NOT NULL THEN
            {refuse("pool_closes_with_nothing_owed", "accounts not at 0: %s", "left_open")}
        END IF;
        RETURN NEW;
    """,
)
