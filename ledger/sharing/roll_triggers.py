"""Guards of rolls: of the headcount and the bill of their period, whole, for good, and stated in the log.

Whether hashes are those of the records is not asked here: everybody can compute them, and `verify_books` does.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, permanent, refuse

#: Leaves of a subtree whose root is kept.
SUBTREE = 1024
# Of a record its commitment and the byte of its class; of an own amount its place in the subtree and the amount.
NAMED_BYTES, OWN_BYTES = 33, 10

# Counts of a roll by class: place among its classes, members at the rate, members with own amounts.
_COUNTED = """
    (SELECT c.class_no, NEW.counts[c.place] AS at_rate, NEW.counts[cardinality(NEW.classes) + c.place] AS own
       FROM unnest(NEW.classes) WITH ORDINALITY AS c (class_no, place))"""

# An unknown stage is left to the check.
_IS_ONE = pgtrigger.Condition("NEW.stage IN ('freeze', 'close')")

roll_guards = [
    *permanent("roll_is_permanent"),
    Guard(
        name="roll_is_of_its_headcount",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=_IS_ONE,
        declare=[("period", "record"), ("frozen", "record"), ("bad", "record")],
        func=f"""
            {judged_now()}
            SELECT state, headcount, assessed_fen, classes INTO period
              FROM ledger_period WHERE id = NEW.period_id FOR NO KEY UPDATE;
            IF cardinality(NEW.counts) <> 2 * cardinality(NEW.classes) OR NEW.own_fen < 0
               OR NEW.size <> (SELECT coalesce(sum(c), 0) FROM unnest(NEW.counts) c)
               OR NEW.size IS DISTINCT FROM period.headcount THEN
                {refuse("roll_is_of_its_headcount", "%s in the roll, %s in the headcount", "NEW.size", "period.headcount")}
            END IF;
            IF NEW.stage = 'freeze' THEN
                IF period.state <> 'frozen' THEN
                    {refuse("roll_comes_before_its_cases", "a period that is %s", "period.state")}
                END IF;
                SELECT coalesce(r.class_no, m.class_no) AS class_no, r.at_rate, m.members INTO bad FROM {_COUNTED} r
                  FULL JOIN (SELECT c.key::int AS class_no, sum(c.value::bigint) AS members
                               FROM ledger_manifestline l, jsonb_each_text(l.counts) c
                              WHERE l.period_id = NEW.period_id GROUP BY 1) m ON m.class_no = r.class_no
                 WHERE r.at_rate IS DISTINCT FROM m.members OR r.own <> 0 LIMIT 1;
                IF FOUND OR NEW.own_fen <> 0 THEN
                    {refuse("roll_is_of_its_headcount", "class %s: %s in the roll, %s in the manifest", "bad.class_no", "bad.at_rate", "bad.members")}
                END IF;
                RETURN NEW;
            END IF;
            IF period.state <> 'posted' THEN
                {refuse("closed_roll_is_of_its_bill", "a period that is %s", "period.state")}
            END IF;
            SELECT classes, counts INTO frozen FROM ledger_roll WHERE period_id = NEW.period_id AND stage = 'freeze';
            IF frozen.classes IS DISTINCT FROM NEW.classes OR EXISTS (
                SELECT 1 FROM {_COUNTED} r JOIN unnest(frozen.classes) WITH ORDINALITY AS f (class_no, place) USING (class_no)
                 WHERE r.at_rate + r.own <> frozen.counts[f.place]) THEN
                {refuse("closed_roll_is_of_its_freeze", "other members or classes than when it was frozen")}
            END IF;
            SELECT r.class_no, r.at_rate, b.at_rate AS billed INTO bad FROM {_COUNTED} r JOIN (
                SELECT DISTINCT ON (1) (k->>'class_no')::int AS class_no, (k->>'members')::bigint AS at_rate,
                       (k->>'share_fen')::bigint AS fen
                  FROM jsonb_array_elements(period.classes) k ORDER BY 1, 3 DESC) b USING (class_no)
             WHERE r.at_rate <> b.at_rate LIMIT 1;
            IF FOUND OR period.assessed_fen IS DISTINCT FROM NEW.own_fen + (
                SELECT coalesce(sum(r.at_rate * b.fen), 0) FROM {_COUNTED} r JOIN (
                    SELECT (k->>'class_no')::int AS class_no, max((k->>'share_fen')::bigint) AS fen
                      FROM jsonb_array_elements(period.classes) k GROUP BY 1) b USING (class_no)) THEN
                {refuse("closed_roll_is_of_its_bill", "class %s: %s at the rate; own amounts %s; assessed %s", "bad.class_no", "bad.at_rate", "NEW.own_fen", "period.assessed_fen")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="roll_is_of_its_subtrees",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=_IS_ONE,
        declare=[("found", "record")],
        func=f"""
            SELECT count(*) AS subtrees, coalesce(sum(size), 0) AS size, coalesce(sum(own_fen), 0) AS own_fen,
                   coalesce(bool_and(number = place - 1 AND (size = {SUBTREE} OR number = last) AND size > 0
                                     AND (before IS NULL OR first > before)), true) AS in_order INTO found
              FROM (SELECT *, row_number() OVER by_number AS place, lag(first) OVER by_number AS before,
                           max(number) OVER () AS last
                      FROM ledger_rollsubtree WHERE period_id = NEW.period_id AND stage = NEW.stage
                    WINDOW by_number AS (ORDER BY number)) s;
            IF NOT found.in_order OR (found.size, found.own_fen) IS DISTINCT FROM (NEW.size::numeric, NEW.own_fen::numeric)
               OR found.subtrees <> div(NEW.size + {SUBTREE} - 1, {SUBTREE})
               OR NEW.size > 0 AND NEW.counts IS DISTINCT FROM (
                   SELECT array_agg(total ORDER BY place) FROM (
                       SELECT c.place, sum(c.members)::bigint AS total
                         FROM ledger_rollsubtree s, unnest(s.counts) WITH ORDINALITY AS c (members, place)
                        WHERE s.period_id = NEW.period_id AND s.stage = NEW.stage GROUP BY 1) summed) THEN
                {refuse("roll_is_of_its_subtrees", "%s members in %s subtrees; the roll says %s", "found.size", "found.subtrees", "NEW.size")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="roll_stands_in_the_log",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=f"""
            IF NOT EXISTS (
                SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id
                  JOIN members_pool p ON p.code = g.code JOIN ledger_period d ON d.pool_id = p.id
                 WHERE d.id = NEW.period_id AND l.type = 'roll.' || NEW.stage AND l.key = d.number::text) THEN
                {refuse("roll_stands_in_the_log", "the log says nothing of the %s of this roll", "NEW.stage")}
            END IF;
            RETURN NULL;
        """,
    ),
]

subtree_guards = [
    *permanent("roll_subtree_is_permanent"),
    Guard(
        name="roll_takes_nobody_in",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF EXISTS (SELECT 1 FROM ledger_roll WHERE period_id = NEW.period_id AND stage = NEW.stage) THEN
                {refuse("roll_takes_nobody_in", "the roll is made")}
            END IF;
            IF NEW.size NOT BETWEEN 1 AND {SUBTREE} OR octet_length(NEW.first) <> 32 OR octet_length(NEW.hash) <> 32
               OR NEW.size <> (SELECT sum(c) FROM unnest(NEW.counts) c)
               OR (CASE NEW.stage WHEN 'freeze' THEN octet_length(NEW.records) <> {NAMED_BYTES} * NEW.size
                                                    OR substring(NEW.records FOR 32) <> NEW.first
                       ELSE octet_length(NEW.records) % {OWN_BYTES} <> 0 OR octet_length(NEW.records) > {OWN_BYTES} * NEW.size END) THEN
                {refuse("roll_subtree_has_its_records", "subtree %s of %s members", "NEW.number", "NEW.size")}
            END IF;
            RETURN NEW;
        """,
    ),
]

# Attached to the log, which knows no roll.
log_states_rolls_as_made = Guard(
    name="log_states_rolls_as_made",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    condition=pgtrigger.Condition("NEW.type IN ('roll.freeze', 'roll.close')"),
    declare=[("body", "jsonb")],
    func=f"""
        body := convert_from(NEW.data, 'UTF8')::jsonb->'body';
        IF NOT EXISTS (
            SELECT 1 FROM ledger_roll r JOIN ledger_period d ON d.id = r.period_id JOIN members_pool p ON p.id = d.pool_id
              JOIN ledger_log g ON g.code = p.code
             WHERE g.id = NEW.log_id AND d.number::text = NEW.key AND 'roll.' || r.stage = NEW.type
               AND (body->>'period', body->>'n', body->>'x', body->>'root', body->>'head', body->'classes', body->'tree')
                   IS NOT DISTINCT FROM (d.number::text, r.size::text, r.own_fen::text, encode(r.root, 'hex'),
                                         encode(r.head, 'hex'), to_jsonb(r.classes), to_jsonb(r.counts))
        ) THEN
            {refuse("log_states_rolls_as_made", "there is no such roll of period %s", "NEW.key")}
        END IF;
        RETURN NULL;
    """,
)

# Attached to periods. One that was frozen before there were rolls has its statement without one; none is added now.
roll_is_stated_before_publicity = Guard(
    name="roll_is_stated_before_publicity",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    condition=pgtrigger.Condition("OLD.state = 'frozen' AND NEW.state = 'announced'"),
    func=f"""
        IF NOT EXISTS (
            SELECT 1 FROM ledger_logentry l JOIN ledger_log g ON g.id = l.log_id JOIN members_pool p ON p.code = g.code
             WHERE p.id = NEW.pool_id AND l.type = 'roll.freeze' AND l.key = NEW.number::text) THEN
            {refuse("roll_is_stated_before_publicity", "the log says nothing of who shares period %s", "NEW.number")}
        END IF;
        RETURN NEW;
    """,
)
