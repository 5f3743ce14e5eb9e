"""Guards of a pool's beginning: it gathers with rules and people, and opens with a bank account apart and its members."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from ledger.custody.opening_debts import opening_in_force_sql
from ledger.disclosure.names import IGNORED
from members.pools.triggers import FEWEST_PEOPLE, NEEDED_DUTIES

_NEEDED = ", ".join(f"'{duty}'" for duty in NEEDED_DUTIES)


def _folded(name: str) -> str:
    """Return SQL for a name without case, width, spaces, punctuation and invisible letters."""
    return f"lower(regexp_replace(normalize({name}, NFKC), '[{IGNORED}]', '', 'g'))"


def _is_same(one: str, other: str) -> str:
    return f"{_folded(one)} = {_folded(other)}"


def _standing(pool: str) -> str:
    """Return SQL for the rules in force and those that come: nobody begins under the lighter of two."""
    return f"""members_planversion v JOIN members_pool z ON z.id = v.pool_id
         WHERE v.pool_id = {pool} AND v.effective_date >= coalesce(
            (SELECT max(f.effective_date) FROM members_planversion f
              WHERE f.pool_id = {pool} AND f.effective_date <= (aid_now() AT TIME ZONE z.time_zone)::date), '-infinity')"""


# Hung on the pool by the app's models: the pool itself knows no bank account.
pool_begins_ready = Guard(
    name="pool_begins_ready",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "OLD.state IN ('draft', 'gathering') AND NEW.state IN ('gathering', 'open') AND NEW.state <> OLD.state"
    ),
    declare=[
        ("is_named", "boolean"),
        ("fewest", "bigint"),
        ("lacking", "text"),
        ("people", "bigint"),
        ("covered", "bigint"),
        ("today", "date"),
    ],
    func=f"""
        {judged_now()}
        SELECT bool_and(coalesce(v.terms->'operator'->>'name', '') <> ''
                        AND coalesce(v.terms->'wind_down'->>'payer', '') <> ''),
               max((v.terms->>'minimum_members')::bigint)
          INTO is_named, fewest FROM {_standing("NEW.id")};
        IF is_named IS NOT TRUE OR fewest IS NULL THEN
            {refuse("pool_begins_ready", "no published rules that name an operator, an ending and the fewest members")}
        END IF;
        SELECT string_agg(d, ', '), (SELECT count(DISTINCT g.person_id) FROM members_dutygrant g
                                      WHERE g.duty IN ({_NEEDED}) AND g.ended_at IS NULL
                                        AND (g.pool_id = NEW.id OR g.pool_id IS NULL))
          INTO lacking, people
          FROM unnest(ARRAY[{_NEEDED}]) d
         WHERE NOT EXISTS (SELECT 1 FROM members_dutygrant g WHERE g.duty = d AND g.ended_at IS NULL
                                                              AND (g.pool_id = NEW.id OR g.pool_id IS NULL));
        IF lacking IS NOT NULL OR people < {FEWEST_PEOPLE} THEN
            {refuse("pool_begins_ready", "duties nobody holds: %s; people: %s", "lacking", "people")}
        END IF;
        -- Where members pay ahead, whoever joins a gathering pool has to know where to.
        IF NEW.state = 'gathering' AND NOT EXISTS (SELECT 1 FROM {_standing("NEW.id")} AND v.terms ? 'funding') THEN
            RETURN NEW;
        END IF;
        IF NOT EXISTS (SELECT 1 FROM ledger_bankaccount b WHERE b.pool_id = NEW.id)
           OR EXISTS (SELECT 1 FROM ledger_bankaccount b, {_standing("NEW.id")}
                         AND b.pool_id = NEW.id AND {_is_same("b.holder_name", "v.terms->'operator'->>'name'")}) THEN
            {refuse("custody_is_not_the_operators", "no custody account that is not the operator's own")}
        END IF;
        IF NEW.state = 'gathering' THEN
            RETURN NEW;
        END IF;
        IF EXISTS ({opening_in_force_sql("NEW.id")} AND o.custody_fen > 0)
           AND NOT EXISTS (SELECT 1 FROM ledger_bankstatement s JOIN ledger_bankaccount b ON b.id = s.account_id
                            WHERE b.pool_id = NEW.id) THEN
            {refuse("bank_shows_the_opening", "no statement shows what custody begins with")}
        END IF;
        SELECT count(DISTINCT s.membership_id) INTO covered FROM members_span s
         WHERE s.pool_id = NEW.id AND (s.to_at IS NULL OR s.to_at > aid_now());
        IF covered < fewest THEN
            {refuse("pool_opens_with_its_members", "%s members of %s", "covered", "fewest")}
        END IF;
        -- Nobody is covered before the opening, so its day is the database's; a demonstration plays the past.
        today := (aid_now() AT TIME ZONE NEW.time_zone)::date;
        IF NEW.opened_date IS NULL OR NEW.opened_date > today
           OR NOT EXISTS (SELECT 1 FROM work_installation WHERE demo) THEN
            NEW.opened_date := today;
        END IF;
        RETURN NEW;
    """,
)

# Hung on the pool as well: it knows no books.
only_empty_drafts_are_given_up = Guard(
    name="only_empty_drafts_are_given_up",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("OLD.state = 'draft' AND NEW.state = 'given_up'"),
    func=f"""
        {judged_now()}
        IF EXISTS (SELECT 1 FROM members_membership WHERE pool_id = NEW.id)
           OR EXISTS (SELECT 1 FROM members_span WHERE pool_id = NEW.id)
           OR EXISTS (SELECT 1 FROM members_planversion WHERE pool_id = NEW.id)
           OR EXISTS (SELECT 1 FROM ledger_journalentry e JOIN ledger_book b ON b.id = e.book_id WHERE b.code = NEW.code) THEN
            {refuse("only_empty_drafts_are_given_up", "%s has members, published rules or entries", "NEW.code")}
        END IF;
        RETURN NEW;
    """,
)

custody_is_not_the_operators = Guard(
    name="custody_is_not_the_operators",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func=f"""
        {judged_now()}
        PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        IF EXISTS (SELECT 1 FROM {_standing("NEW.pool_id")}
                      AND {_is_same("NEW.holder_name", "v.terms->'operator'->>'name'")}) THEN
            {refuse("custody_is_not_the_operators", "%s runs the pool and would hold its money", "NEW.holder_name")}
        END IF;
        RETURN NEW;
    """,
)

operator_is_not_the_custodian = Guard(
    name="operator_is_not_the_custodian",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func=f"""
        {judged_now()}
        PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        IF EXISTS (SELECT 1 FROM ledger_bankaccount b WHERE b.pool_id = NEW.pool_id
                      AND {_is_same("b.holder_name", "NEW.terms->'operator'->>'name'")}) THEN
            {refuse("custody_is_not_the_operators", "its custodian would run the pool")}
        END IF;
        RETURN NEW;
    """,
)
