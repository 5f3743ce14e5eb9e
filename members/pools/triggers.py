"""Guards of duties: two people to grant one, and no two in one hand that meet in one flow."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse

# A treasurer orders and a controller releases; an admin decides on plans and periods; an auditor only looks.
MEETING = (
    ("pool_admin", "treasurer"),
    ("pool_admin", "controller"),
    ("treasurer", "controller"),
    ("reviewer", "second_reviewer"),
    ("reviewer", "treasurer"),
    ("reviewer", "controller"),
    ("second_reviewer", "treasurer"),
    ("second_reviewer", "controller"),
    ("auditor", "pool_admin"),
    ("auditor", "treasurer"),
    ("auditor", "controller"),
    ("auditor", "reviewer"),
    ("auditor", "second_reviewer"),
)
DUTIES = sorted({duty for pair in MEETING for duty in pair})
_PAIRS = ", ".join(f"('{one}','{other}'), ('{other}','{one}')" for one, other in MEETING)


def _holds(person: str, which: str = "") -> str:
    """Return a query for a live duty of that person where the new grant is to hold."""
    return f"""SELECT 1 FROM members_dutygrant g WHERE g.person_id = {person} AND g.ended_at IS NULL {which}
               AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id)"""


duty_needs_two_people = Guard(
    name="duty_needs_two_people",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=f"""
        IF TG_OP = 'UPDATE' THEN
            IF (NEW.pool_id, NEW.person_id, NEW.duty, NEW.is_founding, NEW.proposed_by_id, NEW.confirmed_by_id,
                NEW.granted_at) IS DISTINCT FROM
               (OLD.pool_id, OLD.person_id, OLD.duty, OLD.is_founding, OLD.proposed_by_id, OLD.confirmed_by_id,
                OLD.granted_at) OR OLD.ended_at IS NOT NULL THEN
                {refuse("duty_needs_two_people", "a grant can only be ended, once")}
            END IF;
            RETURN NEW;
        END IF;
        {judged_now()}
        IF NEW.is_founding THEN
            IF NEW.pool_id IS NULL THEN
                LOCK TABLE members_dutygrant IN SHARE ROW EXCLUSIVE MODE;
                IF NEW.duty <> 'pool_admin'
                   OR (SELECT count(*) FROM members_dutygrant WHERE pool_id IS NULL) >= 2 THEN
                    {refuse("duty_needs_two_people", "only the first two administrators are founding")}
                END IF;
            ELSIF (SELECT state FROM members_pool WHERE id = NEW.pool_id FOR SHARE) <> 'draft' THEN
                {refuse("duty_needs_two_people", "founding grants are made while the pool is a draft")}
            END IF;
        ELSIF NEW.proposed_by_id IS NULL OR NEW.confirmed_by_id IS NULL
              OR NEW.proposed_by_id = NEW.confirmed_by_id
              OR NEW.person_id IN (NEW.proposed_by_id, NEW.confirmed_by_id) THEN
            {refuse("duty_needs_two_people", "two other people must agree")}
        ELSIF NOT EXISTS ({_holds("NEW.proposed_by_id", "AND g.duty = 'pool_admin'")})
              OR NOT EXISTS ({_holds("NEW.confirmed_by_id")}) THEN
            {refuse("duty_needs_two_people", "an admin proposes and another holder of a duty there confirms")}
        END IF;
        RETURN NEW;
    """,
)

duties_do_not_meet = Guard(
    name="duties_do_not_meet",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[("held", "text")],
    func=f"""
        PERFORM 1 FROM members_user WHERE id = NEW.person_id FOR UPDATE;
        SELECT duty INTO held FROM members_dutygrant
         WHERE person_id = NEW.person_id AND ended_at IS NULL
           AND (pool_id = NEW.pool_id OR pool_id IS NULL OR NEW.pool_id IS NULL)
           AND (duty, NEW.duty) IN (VALUES {_PAIRS}) LIMIT 1;
        IF FOUND THEN
            {refuse("duties_do_not_meet", "%s and %s may not be in one hand", "held", "NEW.duty")}
        END IF;
        RETURN NEW;
    """,
)

# What a member signs is named by these hashes, so nobody else may write them.
plan_version_hashes_are_real = Guard(
    name="plan_version_hashes_are_real",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="""
        NEW.covenant_sha256 :=
            encode(sha256(convert_to(NEW.covenant_en || E'\\n' || NEW.covenant_zh, 'UTF8')), 'hex');
        NEW.declaration_sha256 := encode(sha256(convert_to(NEW.declaration::text, 'UTF8')), 'hex');
        RETURN NEW;
    """,
)
