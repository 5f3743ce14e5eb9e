"""The guard of what is told of charges. Its name is the guarantee listed in ARCHITECTURE.md."""

from aidplatform.lib.guards import judges_rows, refuse

# Of one line: what was charged for that membership and period of the pool that the key names.
_AS_CHARGED = """EXISTS (
    SELECT 1 FROM members_pool p
      JOIN members_membership m ON m.pool_id = p.id AND m.id = (l.line->>'membership')::bigint
       AND m.number = (l.line->>'member')::int
      JOIN ledger_charge c ON c.pool_id = p.id AND c.membership_id = m.id
       AND c.period_no = (n.params->>'number')::int AND c.share_fen = (l.line->>'fen')::bigint
     WHERE n.key = p.code || '/' || (n.params->>'number'))"""

# Hung on notices, which know no charge. Most notices are of one thing: those cost a look at the rows that come.
notice_of_shares_says_what_was_charged = judges_rows(
    "notice_of_shares_says_what_was_charged",
    f"""
        IF NOT EXISTS (SELECT 1 FROM new_rows WHERE kind = 'charged' AND params ? 'lines') THEN
            RETURN NULL;
        END IF;
        SELECT n.key INTO bad FROM new_rows n
          CROSS JOIN LATERAL (
               SELECT count(*) AS lines, count(DISTINCT l.line->>'membership') AS members,
                      coalesce(sum((l.line->>'fen')::bigint) FILTER (WHERE l.line->>'payer' IS NULL), 0) AS asked_fen,
                      count(*) FILTER (WHERE {_AS_CHARGED}) AS charged
                 FROM jsonb_array_elements(n.params->'lines') l (line)) told
         WHERE n.kind = 'charged' AND n.params ? 'lines'
           AND (told.lines <> told.members OR told.lines <> told.charged
                OR told.asked_fen IS DISTINCT FROM (n.params->>'fen')::bigint) LIMIT 1;
        IF FOUND THEN
            {refuse("notice_of_shares_says_what_was_charged", "%s was charged otherwise", "bad.key")}
        END IF;
        RETURN NULL;
    """,
)
