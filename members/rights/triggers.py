"""Guards of complaints: numbered without a gap, about one's own, answered by another, once, and kept.

Names are the guarantees listed in ARCHITECTURE.md.
"""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, refuse
from members.people.erasure_sql import lets_erasure_pass
from members.pools.triggers import holds_pool_duty

LONGEST_WAIT = 60
_FIXED = (
    "id",
    "pool_id",
    "year",
    "number",
    "person_id",
    "about",
    "reference",
    "text_sealed",
    "filed_at",
    "due_date",
)
_ANSWER = ("answer_sealed", "answered_by", "answered_at")
_JUDGMENT = ("judged_at", "remark_sealed", "second_due_date")
_SECOND = ("second_sealed", "second_by", "second_at")
_TODAY = "(SELECT (aid_now() AT TIME ZONE time_zone)::date FROM members_pool WHERE id = NEW.pool_id)"
_COMPLAINANT = "(SELECT code FROM members_user WHERE id = NEW.person_id)"
# A complaint about the admins, or by one of them, is not theirs to answer.
_OF_ADMINS = """(NEW.about = 'admin' OR EXISTS (
    SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.person_id AND g.duty = 'pool_admin' AND g.ended_at IS NULL
       AND (g.pool_id = NEW.pool_id OR g.pool_id IS NULL)))"""


def _same(*columns: str) -> str:
    return "(({}) IS NOT DISTINCT FROM ({}))".format(
        ", ".join(f"NEW.{column}" for column in columns), ", ".join(f"OLD.{column}" for column in columns)
    )


def _emptied() -> dict[str, str]:
    names = ("text_sealed", "answer_sealed", "remark_sealed", "second_sealed")
    return {name: f"coalesce(NEW.{name}, '') = ''" for name in names}


complaint_guards = [
    follows_order(
        "complaint_state_follows_order",
        "state",
        {
            "filed": ("answered",),
            "answered": ("settled", "passed_on"),
            "passed_on": ("closed",),
            "settled": (),
            "closed": (),
        },
        first="filed",
    ),
    Guard(
        name="complaints_are_numbered",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            PERFORM 1 FROM members_pool WHERE id = NEW.pool_id FOR NO KEY UPDATE;
            IF NEW.year <> extract(year FROM {_TODAY}) OR NEW.number <> 1 + (
                SELECT count(*) FROM members_complaint WHERE pool_id = NEW.pool_id AND year = NEW.year) THEN
                {refuse("complaints_are_numbered", "%s/%s is not the next number", "NEW.year", "NEW.number")}
            END IF;
            IF NOT EXISTS (SELECT 1 FROM members_membership WHERE pool_id = NEW.pool_id AND person_id = NEW.person_id)
               AND NOT EXISTS (SELECT 1 FROM members_joinapplication WHERE pool_id = NEW.pool_id AND person_id = NEW.person_id)
               AND NOT EXISTS (SELECT 1 FROM claims_claim WHERE pool_id = NEW.pool_id AND claimant_id = NEW.person_id) THEN
                {refuse("complaint_is_by_somebody_of_the_pool", "%s neither belongs nor applies to the pool", _COMPLAINANT)}
            END IF;
            IF NOT (NEW.reference = ''
                OR EXISTS (SELECT 1 FROM claims_claim WHERE pool_id = NEW.pool_id AND code = NEW.reference
                              AND (claimant_id = NEW.person_id OR membership_id IN (SELECT members_of_person(NEW.person_id))))
                OR NEW.reference ~ '^[0-9]{{1,6}}$' AND EXISTS (
                       SELECT 1 FROM ledger_charge WHERE pool_id = NEW.pool_id AND period_no = NEW.reference::int
                          AND membership_id IN (SELECT members_of_person(NEW.person_id)))) THEN
                {refuse("complaint_is_about_ones_own", "%s is no claim or share of theirs", "NEW.reference")}
            END IF;
            IF NEW.due_date NOT BETWEEN {_TODAY} + 1 AND {_TODAY} + {LONGEST_WAIT} THEN
                {refuse("complaint_has_its_day", "it is to be answered until %s", "NEW.due_date")}
            END IF;
            IF num_nonnulls({", ".join(f"NEW.{column}" for column in (*_ANSWER, *_JUDGMENT, *_SECOND))}) > 0 THEN
                {refuse("complaint_is_answered_once", "it brings its answer along")}
            END IF;
            NEW.filed_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="complaint_is_answered_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {lets_erasure_pass("OLD.person_id", **_emptied())}
            IF NOT {_same(*_FIXED)} OR OLD.state = NEW.state
               OR NOT {_same(*_ANSWER)} AND NEW.state <> 'answered'
               OR NOT {_same(*_JUDGMENT)} AND NEW.state NOT IN ('settled', 'passed_on')
               OR NOT {_same(*_SECOND)} AND NEW.state <> 'closed' THEN
                {refuse("complaint_is_answered_once", "complaint %s/%s is answered once and never edited", "OLD.year", "OLD.number")}
            END IF;
            IF NEW.state = 'answered' THEN
                NEW.answered_at := aid_now();
                IF NEW.answered_by = {_COMPLAINANT} THEN
                    {refuse("complaint_is_answered_by_another", "%s complains", "NEW.answered_by")}
                END IF;
                IF NOT (CASE WHEN {_OF_ADMINS} THEN {holds_pool_duty("answered_by", "auditor", "controller")}
                             ELSE {holds_pool_duty("answered_by", "pool_admin")} END) THEN
                    {refuse("complaint_is_answered_by_duty", "%s is not asked to answer", "NEW.answered_by")}
                END IF;
            ELSIF NEW.state IN ('settled', 'passed_on') THEN
                NEW.judged_at := aid_now();
                IF NEW.second_due_date NOT BETWEEN {_TODAY} + 1 AND {_TODAY} + {LONGEST_WAIT} THEN
                    {refuse("complaint_has_its_day", "it is to be answered until %s", "NEW.second_due_date")}
                END IF;
            ELSE
                NEW.second_at := aid_now();
                IF NEW.second_by IN (NEW.answered_by, {_COMPLAINANT}) THEN
                    {refuse("complaint_is_answered_by_another", "%s had a part in it", "NEW.second_by")}
                END IF;
                IF NOT {holds_pool_duty("second_by", "auditor", "controller")} THEN
                    {refuse("complaint_is_answered_by_duty", "%s is not asked to answer", "NEW.second_by")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("complaints_are_kept", "complaints are answered, never deleted"),
]
