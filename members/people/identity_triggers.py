"""Guards of who a person is on paper: it changes as a granted correction says, and goes with an erasure.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, permanent, refuse
from members.people.erasure_sql import being_erased

_PERMANENT = refuse(
    "identity_is_permanent", "%s holds facts: rows are never changed or deleted", "TG_TABLE_NAME"
)


def _replaces(identity: str) -> str:
    """Return SQL for a granted correction `r` of what stands in a row of identities, so that it is still to be done."""
    return f"""members_identitycorrection r WHERE r.state = 'granted' AND r.person_id = {identity}.person_id
                   AND (r.was_sealed, r.was_recorded_at) = ({identity}.sealed, {identity}.recorded_at)"""


identity_guards = [
    # Statements pass the first guard only within an erasure, or while a granted correction waits for its one change.
    Guard(
        name="identity_is_permanent",
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT 1 FROM members_erasure WHERE state = 'erasing')
               OR TG_OP = 'UPDATE' AND NOT EXISTS (SELECT 1 FROM members_identity i, {_replaces("i")}) THEN
                {_PERMANENT}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="identity_is_permanent_but_erased",
        when=pgtrigger.Before,
        operation=pgtrigger.Delete,
        func=f"""
            IF {being_erased("OLD.person_id")} THEN
                RETURN OLD;
            END IF;
            {refuse("erasure_takes_only_what_is_personal", "a row of %s that stays", "TG_TABLE_NAME")}
        """,
    ),
    Guard(
        name="identity_changes_as_granted",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF (NEW.id, NEW.person_id) IS DISTINCT FROM (OLD.id, OLD.person_id) OR NOT EXISTS (
                SELECT 1 FROM {_replaces("OLD")}
                   AND (r.kind, r.document_index, r.paper_sealed, r.decided_at)
                       = (NEW.kind, NEW.document_index, NEW.sealed, NEW.recorded_at)) THEN
                {refuse("identity_changes_as_granted", "nobody has granted another identity of person %s", "OLD.person_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    permanent("identity_is_permanent")[1],
]
