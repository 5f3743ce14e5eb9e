"""SQL by which guards of facts know that a person is being erased just now, and let go what is personal alone."""

import pgtrigger

from aidplatform.lib.guards import Guard, permanent, refuse

FORMER_ADDRESS = "@erased.invalid"
# 32 bytes that no document, address or account gives, for columns whose value must be there and differ.
UNKNOWN = "sha256(convert_to(gen_random_uuid()::text, 'UTF8'))"


def being_erased(person: str) -> str:
    """Return SQL that tells whether a person, by an expression for their id, is erased in this very transaction."""
    return f"EXISTS (SELECT 1 FROM members_erasure e WHERE e.state = 'erasing' AND e.person_id = ({person}))"


def person_of(membership: str) -> str:
    """Return SQL for the id of whose membership it is; of one without an account its guardian's."""
    return f"members_person_of({membership})"


def lets_erasure_pass(person: str, **emptied: str) -> str:
    """Return plpgsql for the head of a guard of rows: an erasure empties these columns, and nothing else.

    emptied: by column the condition on NEW that says it holds nothing personal any more.
    """
    names = ", ".join(f"'{column}'" for column in emptied)
    empty = " AND ".join(f"({condition})" for condition in emptied.values())
    refusal = refuse("erasure_takes_only_what_is_personal", "more would change in %s", "TG_TABLE_NAME")
    return f"""
        IF TG_OP = 'UPDATE' AND {being_erased(person)} THEN
            IF to_jsonb(NEW) - ARRAY[{names}] IS DISTINCT FROM to_jsonb(OLD) - ARRAY[{names}] OR NOT ({empty}) THEN
                {refusal}
            END IF;
            RETURN NEW;
        END IF;"""


def facts_until_erased(name: str, person: str, **emptied: str) -> list[Guard]:
    """Return the guards of a table of facts whose personal columns an erasure empties; the rest stays as it is.

    emptied: as for `lets_erasure_pass`; without any, an erasure takes the whole row.
    """
    refusal = refuse("erasure_takes_only_what_is_personal", "a row of %s that stays", "TG_TABLE_NAME")
    if emptied:
        judged = f"{lets_erasure_pass(person, **emptied)} {refusal}"
    else:
        judged = f"IF TG_OP = 'DELETE' AND {being_erased(person)} THEN RETURN OLD; END IF; {refusal}"
    statements, whole = permanent(name)
    refusal = refuse(name, "%s holds facts: rows are never changed or deleted", "TG_TABLE_NAME")
    operation = "UPDATE" if emptied else "DELETE"
    return [
        Guard(
            name=name,
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=statements.operation,
            func=f"""
                IF TG_OP <> '{operation}' OR NOT EXISTS (SELECT 1 FROM members_erasure WHERE state = 'erasing') THEN
                    {refusal}
                END IF;
                RETURN NULL;
            """,
        ),
        Guard(
            name=f"{name}_but_erased",
            when=pgtrigger.Before,
            operation=statements.operation,
            func=judged,
        ),
        whole,
    ]


# Of a membership the account it is bound to, and before one is, the account of who has signed for it.
PERSON_OF = """
CREATE OR REPLACE FUNCTION members_person_of(p_membership bigint)
RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(m.person_id, (
               SELECT g.person_id FROM members_familymember f JOIN members_membership g ON g.id = f.guardian_id
                WHERE f.membership_id = m.id))
      FROM members_membership m WHERE m.id = p_membership
$$;
REVOKE ALL ON FUNCTION members_person_of(bigint) FROM PUBLIC;
"""
DROP_PERSON_OF = "DROP FUNCTION members_person_of(bigint)"


def eraser(name: str, body: str) -> str:
    """Return the function by which an app destroys what it holds of the person of an erasure that runs.

    body: plpgsql statements; `gone` is the person's id and `done` counts the rows.
    """
    refusal = refuse("erasure_is_asked_for", "nobody is being erased by %s", "p_erasure")
    return f"""
CREATE OR REPLACE FUNCTION {name}(p_erasure bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE gone bigint; done bigint := 0; found_rows bigint; was text;
BEGIN
    SELECT person_id INTO gone FROM members_erasure WHERE id = p_erasure AND state = 'erasing';
    IF gone IS NULL THEN
        {refusal}
    END IF;
{body}
    RETURN done;
END $$;
REVOKE ALL ON FUNCTION {name}(bigint) FROM PUBLIC;
"""


def counted(*statements: str) -> str:
    """Return plpgsql that runs statements and adds the rows of each to `done`."""
    return "\n".join(
        f"    {one};\n    GET DIAGNOSTICS found_rows = ROW_COUNT; done := done + found_rows;"
        for one in statements
    )
