"""Guards of a pool's beginning: it gathers with rules and people, and opens with a bank account apart and its members."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from members.pools.triggers import FEWEST_PEOPLE, NEEDED_DUTIES

_NEEDED = ", ".join(f"'{duty}'" for duty in NEEDED_DUTIES)


def _folded(name: str) -> str:
    """Return SQL for a name without case, width, spaces and punctuation, Chinese included."""
    return f"lower(regexp_replace(normalize({name}, NFKC), '[[:space:][:punct:]、。·—]', '', 'g'))"


def _is_same(one: str, other: str) -> str:
    return f"{_folded(one)} = {_folded(other)}"


# Hung on the pool by the app's models: the pool itself knows no bank account.
pool_begins_ready = Guard(
    name="pool_begins_ready",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition(
        "OLD.state IN ('draft', 'gathering') AND NEW.state IN ('gathering', 'open')"
    ),
    declare=[("plan", "record"), ("lacking", "text"), ("people", "bigint"), ("covered", "bigint")],
    func=f"""
        {judged_now()}
        IF NEW.state = OLD.state THEN
            RETURN NEW;
        END IF;
        SELECT v.terms INTO plan FROM members_planversion v WHERE v.pool_id = NEW.id ORDER BY v.number DESC LIMIT 1;
        IF NOT FOUND OR coalesce(plan.terms->'operator'->>'name', '') = ''
           OR coalesce(plan.terms->'wind_down'->>'payer', '') = '' THEN
            {refuse("pool_begins_ready", "no published rules that name an operator and an ending")}
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
        IF NEW.state = 'gathering' THEN
            RETURN NEW;
        END IF;
        IF NOT EXISTS (SELECT 1 FROM ledger_bankaccount b WHERE b.pool_id = NEW.id
                        AND NOT {_is_same("b.holder_name", "plan.terms->'operator'->>'name'")}) THEN
            {refuse("custody_is_not_the_operators", "no custody account that is not the operator's own")}
        END IF;
        SELECT count(DISTINCT s.membership_id) INTO covered FROM members_span s
         WHERE s.pool_id = NEW.id AND (s.to_at IS NULL OR s.to_at > aid_now());
        IF covered < (plan.terms->>'minimum_members')::bigint THEN
            {refuse("pool_opens_with_its_members", "%s members of %s", "covered", "plan.terms->>'minimum_members'")}
        END IF;
        RETURN NEW;
    """,
)

custody_is_not_the_operators = Guard(
    name="custody_is_not_the_operators",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("operator", "text")],
    func=f"""
        {judged_now()}
        PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        SELECT v.terms->'operator'->>'name' INTO operator FROM members_planversion v
         WHERE v.pool_id = NEW.pool_id ORDER BY v.number DESC LIMIT 1;
        IF {_is_same("NEW.holder_name", "operator")} THEN
            {refuse("custody_is_not_the_operators", "%s runs the pool and would hold its money", "operator")}
        END IF;
        RETURN NEW;
    """,
)

operator_is_not_the_custodian = Guard(
    name="operator_is_not_the_custodian",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("holder", "text")],
    func=f"""
        {judged_now()}
        PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        SELECT b.holder_name INTO holder FROM ledger_bankaccount b WHERE b.pool_id = NEW.pool_id;
        IF {_is_same("holder", "NEW.terms->'operator'->>'name'")} THEN
            {refuse("custody_is_not_the_operators", "%s holds the money and would run the pool", "holder")}
        END IF;
        RETURN NEW;
    """,
)
