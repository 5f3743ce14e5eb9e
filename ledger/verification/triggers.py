"""Guards of verifications. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, kept, permanent, refuse
from ledger.custody.triggers import holds_duty

_STAFF = " OR ".join(
    holds_duty("asked_by", duty, "NEW.pool_id")
    for duty in ("pool_admin", "treasurer", "controller", "auditor")
)

verification_guards = [
    follows_order("verification_state_follows_order", "state", {"running": ("done",)}, first="running"),
    kept("verifications_are_kept", "verifications stay, whatever they found"),
    Guard(
        name="verification_is_asked_by_staff",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF NOT ({_STAFF}) THEN
                {refuse("verification_is_asked_by_staff", "%s holds no duty that reads the books", "NEW.asked_by")}
            END IF;
            NEW.number := coalesce((SELECT max(number) FROM ledger_verification WHERE pool_id = NEW.pool_id), 0) + 1;
            RETURN NEW;
        """,
    ),
    Guard(
        name="verdict_follows_its_parts",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'done'"),
        declare=[("looked", "record")],
        func=f"""
            SELECT count(DISTINCT p.id) AS parts,
                   CASE WHEN coalesce(bool_or((r->>'false')::bigint > 0), false) THEN 'false'
                        WHEN coalesce(bool_or(p.unchecked <> '[]'), false) THEN 'unchecked' ELSE 'true' END AS verdict
              INTO looked
              FROM ledger_verificationpart p LEFT JOIN LATERAL jsonb_array_elements(p.results) r ON true
             WHERE p.verification_id = NEW.id;
            IF looked.parts <> jsonb_array_length(NEW.parts) OR looked.verdict <> NEW.verdict THEN
                {refuse("verdict_follows_its_parts", "%s parts of verification %s say %s", "looked.parts", "NEW.number", "looked.verdict")}
            END IF;
            RETURN NEW;
        """,
    ),
]

part_guards = [
    *permanent("verification_part_is_permanent"),
    Guard(
        name="verification_goes_part_by_part",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("verification", "record")],
        func=f"""
            SELECT v.number, v.state, v.parts->>NEW.place AS part,
                   (SELECT count(*) FROM ledger_verificationpart p WHERE p.verification_id = v.id) AS done
              INTO verification FROM ledger_verification v WHERE v.id = NEW.verification_id FOR NO KEY UPDATE;
            IF verification.state <> 'running' OR verification.part IS NULL OR verification.done <> NEW.place THEN
                {refuse("verification_goes_part_by_part", "part %s of verification %s is not the next", "NEW.place", "verification.number")}
            END IF;
            RETURN NEW;
        """,
    ),
]
