"""Guards of notices and tokens: what was told stays told, what has ended stays ended."""

import pgtrigger

from aidplatform.lib.guards import Guard, refuse
from members.people.erasure_sql import being_erased

_ERASED = f"IF TG_OP = 'DELETE' AND {being_erased('OLD.person_id')} THEN RETURN OLD; END IF;"

notice_is_read_once = Guard(
    name="notice_is_read_once",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    func=f"""
        {_ERASED}
        IF TG_OP = 'DELETE'
           OR (NEW.read_at, NEW.digest_date) IS NOT DISTINCT FROM (OLD.read_at, OLD.digest_date)
           OR OLD.read_at IS NOT NULL AND NEW.read_at IS DISTINCT FROM OLD.read_at
           OR OLD.digest_date IS NOT NULL AND NEW.digest_date IS DISTINCT FROM OLD.digest_date
           OR (NEW.id, NEW.person_id, NEW.kind, NEW.key, NEW.params, NEW.link, NEW.at, NEW.way)
              IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.kind, OLD.key, OLD.params, OLD.link, OLD.at, OLD.way) THEN
            {refuse("notice_is_read_once", "notice %s can only be marked as read or in a digest, once", "OLD.id")}
        END IF;
        RETURN NEW;
    """,
)

zone_of_notices_is_known = Guard(
    name="zone_of_notices_is_known",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        IF NOT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = NEW.time_zone) THEN
            {refuse("zone_of_notices_is_known", "%s is no time zone", "NEW.time_zone")}
        END IF;
        RETURN NEW;
    """,
)

token_ends_once = Guard(
    name="token_ends_once",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    func=f"""
        {_ERASED}
        IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
           OR (NEW.id, NEW.person_id, NEW.token_sha256, NEW.is_strong, NEW.created_at)
              IS DISTINCT FROM (OLD.id, OLD.person_id, OLD.token_sha256, OLD.is_strong, OLD.created_at) THEN
            {refuse("token_ends_once", "token %s can only be ended, once", "OLD.id")}
        END IF;
        RETURN NEW;
    """,
)
