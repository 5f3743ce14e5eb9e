"""Guards of exports of contact data: two people over one hash, one sealed file, taken once, counted for good.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from members.pools.triggers import holds_pool_duty

_SHOWN = ("pool_id", "number", "purpose", "basis", "fields", "people_of", "asked_by")
_FIXED = ("id", *_SHOWN, "shown_sha256", "asked_at")
_MADE = ("people", "parts", "size", "ready_at", "until_at")


def shown_sql(row: str) -> str:
    """Return SQL for the text that an agreement is hashed over."""
    return "concat_ws('|', " + ", ".join(f"{row}.{column}::text" for column in _SHOWN) + ")"


def _row(prefix: str, columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


contact_guards = [
    follows_order(
        "contact_export_follows_order",
        "state",
        {
            "asked": ("agreed", "dropped"),
            "agreed": ("ready",),
            "ready": ("taken", "deleted"),
            "taken": (),
            "deleted": (),
            "dropped": (),
        },
        first="asked",
    ),
    Guard(
        name="contact_export_begins_asked",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF num_nonnulls(NEW.decided_by, NEW.decided_at, {", ".join(f"NEW.{one}" for one in _MADE)}, NEW.taken_at) > 0
               OR NEW.agreed_sha256 IS NOT NULL THEN
                {refuse("contact_export_begins_asked", "it brings an agreement or a file along")}
            END IF;
            IF NOT {holds_pool_duty("asked_by", "pool_admin")} THEN
                {refuse("contact_export_people_hold_their_duty", "%s is no pool admin", "NEW.asked_by")}
            END IF;
            IF jsonb_typeof(NEW.fields) <> 'array' OR jsonb_array_length(NEW.fields) = 0
               OR NOT NEW.fields <@ '["number", "name", "email"]'::jsonb THEN
                {refuse("contact_export_begins_asked", "%s are no contact data", "NEW.fields")}
            END IF;
            NEW.number := 1 + (SELECT count(*) FROM members_contactexport WHERE pool_id = NEW.pool_id);
            NEW.asked_at := aid_now();
            NEW.shown_sha256 := encode(sha256(convert_to({shown_sql("NEW")}, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="contact_export_is_permanent",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF {_row("NEW", _FIXED)} IS DISTINCT FROM {_row("OLD", _FIXED)} OR NEW.state = OLD.state
               OR OLD.state <> 'asked' AND (NEW.decided_by, NEW.decided_at, NEW.agreed_sha256)
                  IS DISTINCT FROM (OLD.decided_by, OLD.decided_at, OLD.agreed_sha256)
               OR OLD.state <> 'agreed' AND {_row("NEW", _MADE)} IS DISTINCT FROM {_row("OLD", _MADE)} THEN
                {refuse("contact_export_is_permanent", "export %s is %s and not edited", "OLD.number", "OLD.state")}
            END IF;
            IF OLD.state = 'asked' THEN
                NEW.decided_at := aid_now();
            END IF;
            IF NEW.state = 'agreed' THEN
                IF NEW.decided_by = NEW.asked_by OR NEW.agreed_sha256 IS DISTINCT FROM NEW.shown_sha256 THEN
                    {refuse("export_needs_two_people", "%s agrees to something else, or to their own wish", "NEW.decided_by")}
                END IF;
                IF NOT {holds_pool_duty("decided_by", "controller", "auditor")} THEN
                    {refuse("contact_export_people_hold_their_duty", "%s is neither controller nor auditor", "NEW.decided_by")}
                END IF;
            END IF;
            IF NEW.state = 'ready' THEN
                NEW.ready_at := aid_now();
                NEW.until_at := NEW.ready_at + interval '24 hours';
            END IF;
            IF NEW.state = 'taken' THEN
                NEW.taken_at := aid_now();
                IF NEW.taken_at >= OLD.until_at THEN
                    {refuse("contact_export_is_kept_for_a_day", "export %s was kept until %s", "OLD.number", "OLD.until_at")}
                END IF;
            ELSIF NEW.taken_at IS DISTINCT FROM OLD.taken_at THEN
                {refuse("contact_export_is_permanent", "export %s is not taken", "OLD.number")}
            END IF;
            -- With the file in hand, or its day over, the sealed copy is gone.
            IF NEW.state IN ('taken', 'deleted') AND EXISTS (
                SELECT 1 FROM members_contactpart WHERE export_id = NEW.id) THEN
                {refuse("contact_file_is_gone", "export %s still has its file", "NEW.number")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("contact_exports_are_kept", "exports are counted for good"),
]

contact_file_is_of_an_agreed_export = Guard(
    name="contact_file_is_of_an_agreed_export",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        {judged_now()}
        PERFORM 1 FROM members_contactexport WHERE id = NEW.export_id AND state = 'agreed' FOR SHARE;
        IF NOT FOUND OR TG_OP = 'UPDATE' THEN
            {refuse("contact_file_is_of_an_agreed_export", "nobody has agreed to export %s, or it is written", "NEW.export_id")}
        END IF;
        RETURN NEW;
    """,
)
