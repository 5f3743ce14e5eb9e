"""Guards of duties and plans: two people to grant a duty or change a plan, no rule without its notice."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, refuse
from members.people.erasure_sql import FORMER_ADDRESS, lets_erasure_pass

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
# Without these no case is decided and no money moves; four people can hold them all.
NEEDED_DUTIES = ("pool_admin", "reviewer", "second_reviewer", "treasurer", "controller")
FEWEST_PEOPLE = 4
DUTIES = sorted({duty for pair in MEETING for duty in pair})
_PAIRS = ", ".join(f"('{one}','{other}'), ('{other}','{one}')" for one, other in MEETING)


def _holds(person: str, which: str = "") -> str:
    """Return a query for a live duty of that person where the new grant is to hold."""
    return f"""SELECT 1 FROM members_dutygrant g WHERE g.person_id = {person} AND g.ended_at IS NULL {which}
               AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id)"""


# Who has a birthday on the day of a headcount is counted in the class of that day, or not any more. While a pool ends it
# is counted as of the notice, and nobody moves any more.
headcount_follows_ages = Guard(
    name="headcount_follows_ages",
    when=pgtrigger.Before,
    operation=pgtrigger.Update,
    declare=[("today", "date")],
    condition=pgtrigger.Condition(
        "NEW.ages_followed_date IS DISTINCT FROM OLD.ages_followed_date"
        " OR NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at"
    ),
    func=f"""
        today := (aid_now() AT TIME ZONE NEW.time_zone)::date;
        IF NEW.ages_followed_date IS DISTINCT FROM OLD.ages_followed_date
           AND coalesce(NEW.ages_followed_date < OLD.ages_followed_date OR NEW.ages_followed_date > today,
                        NEW.ages_followed_date IS NULL) THEN
            {refuse("headcount_follows_ages", "ages are followed day by day, up to %s", "today")}
        END IF;
        IF NEW.headcount_recorded_at IS DISTINCT FROM OLD.headcount_recorded_at AND NEW.state = 'open'
           AND coalesce(NEW.ages_followed_date < today, true) AND EXISTS (
               SELECT 1 FROM members_membership WHERE pool_id = NEW.id AND birth_date IS NOT NULL) THEN
            {refuse("headcount_follows_ages", "ages are followed until %s only", "NEW.ages_followed_date")}
        END IF;
        RETURN NEW;
    """,
)

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


def _holds_duty(person: str, duty: str) -> str:
    """Return a query for that person's live duty in the pool of the row."""
    return f"""SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
                WHERE u.code = {person} AND g.duty = '{duty}' AND g.ended_at IS NULL
                  AND (g.pool_id IS NULL OR g.pool_id = NEW.pool_id)"""


def holds_pool_duty(column: str, *duties: str) -> str:
    """Return SQL that tells whether the person in that column holds one of the duties in the row's very pool now."""
    wanted = ", ".join(f"'{duty}'" for duty in duties)
    return f"""EXISTS (
        SELECT 1 FROM members_dutygrant g JOIN members_user u ON u.id = g.person_id
         WHERE u.code = NEW.{column} AND g.duty IN ({wanted}) AND g.ended_at IS NULL AND g.pool_id = NEW.pool_id)"""


_CHANGING = "('gathering', 'open')"


def waiting_days(terms: str, cause: str, joined_age: str) -> str:
    """Return SQL for the days of waiting by those terms, for a cause and for who joined at that age."""
    return f"""coalesce((
        SELECT (rule->>'days')::int FROM jsonb_array_elements({terms}->'waiting_rules') WITH ORDINALITY AS r(rule, place)
         WHERE coalesce(rule->>'cause', {cause}) = {cause}
           AND (NOT rule ? 'joined_from' OR {joined_age} >= (rule->>'joined_from')::int)
           AND (NOT rule ? 'joined_before' OR {joined_age} < (rule->>'joined_before')::int)
         ORDER BY place LIMIT 1), ({terms}->>'waiting_days')::int)"""


def waiting_asks_for_age(terms: str) -> str:
    """Return SQL that tells whether waiting by those terms depends on the age at joining."""
    return f"""EXISTS (SELECT 1 FROM jsonb_array_elements({terms}->'waiting_rules') rule
                        WHERE rule ?| ARRAY['joined_from', 'joined_before'])"""


def _is_a_number_if_told(name: str, digits: int) -> str:
    """Return SQL that tells whether a term is a whole number of so many digits at most, or absent."""
    return f"""(NOT NEW.terms ? '{name}' OR (
        jsonb_typeof(NEW.terms->'{name}') = 'number' AND NEW.terms->>'{name}' ~ '^[0-9]{{1,{digits}}}$'))"""


# As its own query, because a list of rules may be absent.
_WAITING_IS_READABLE = """(NOT NEW.terms ? 'waiting_rules' OR (
        jsonb_typeof(NEW.terms->'waiting_rules') = 'array' AND NOT EXISTS (
        SELECT 1 FROM jsonb_path_query(NEW.terms, '$.waiting_rules[*]') rule
         WHERE jsonb_typeof(rule->'days') IS DISTINCT FROM 'number' OR rule->>'days' !~ '^[0-9]{1,4}$'
            OR (rule ? 'joined_from' AND rule->>'joined_from' !~ '^[0-9]{1,3}$')
            OR (rule ? 'joined_before' AND rule->>'joined_before' !~ '^[0-9]{1,3}$'))))"""
# A fraction as terms write it; what it is divided by is not nothing.
_FRACTION = "^[0-9]{1,9}(/[1-9][0-9]{0,8})?$"


def _rows_are_readable(name: str, number: str, digits: int, text: str, pattern: str) -> str:
    """Return SQL that tells whether a list of terms is absent, or rows of a whole number and a text of that form."""
    return f"""(NOT NEW.terms ? '{name}' OR (
        jsonb_typeof(NEW.terms->'{name}') = 'array' AND NOT EXISTS (
        SELECT 1 FROM jsonb_path_query(NEW.terms, '$.{name}[*]') step
         WHERE jsonb_typeof(step->'{number}') IS DISTINCT FROM 'number' OR step->>'{number}' !~ '^[0-9]{{1,{digits}}}$'
            OR jsonb_typeof(step->'{text}') IS DISTINCT FROM 'string' OR step->>'{text}' !~ '{pattern}')))"""


_REIMBURSEMENT_IS_READABLE = f"""(NOT NEW.terms ? 'reimbursement' OR (
        jsonb_typeof(NEW.terms#>'{{reimbursement,at_once}}') IS NOT DISTINCT FROM 'string'
        AND jsonb_typeof(NEW.terms#>'{{reimbursement,part}}') IS NOT DISTINCT FROM 'string'
        AND NEW.terms#>>'{{reimbursement,at_once}}' ~ '{_FRACTION}' AND NEW.terms#>>'{{reimbursement,part}}' ~ '{_FRACTION}'
        AND coalesce(NEW.terms#>>'{{reimbursement,deductible_fen}}', '0') ~ '^[0-9]{{1,16}}$'))"""
_AID_IS_READABLE = f"""{_rows_are_readable("spend_steps", "from_fen", 16, "counts_as", "^[a-z_]{1,30}$")}
               AND {_rows_are_readable("case_steps", "from_cases", 7, "part", _FRACTION)}
               AND {_REIMBURSEMENT_IS_READABLE}"""
# A pool ends by these figures: below how many members, with how much notice, and with which run-off.
_ENDING_IS_READABLE = """(NOT NEW.terms ? 'floor' OR (
        jsonb_typeof(NEW.terms#>'{floor,members}') IS NOT DISTINCT FROM 'number'
        AND NEW.terms#>>'{floor,members}' ~ '^[0-9]{1,16}$'
        AND jsonb_typeof(NEW.terms#>'{floor,notice_days}') IS NOT DISTINCT FROM 'number'
        AND NEW.terms#>>'{floor,notice_days}' ~ '^[0-9]{1,4}$'))
    AND (NOT NEW.terms ? 'wind_down' OR (
        jsonb_typeof(NEW.terms#>'{wind_down,run_off_days}') IS NOT DISTINCT FROM 'number'
        AND NEW.terms#>>'{wind_down,run_off_days}' ~ '^[0-9]{1,4}$'
        AND (NEW.terms#>'{wind_down,run_off_cap_fen}' IS NULL
             OR jsonb_typeof(NEW.terms#>'{wind_down,run_off_cap_fen}') = 'number'
                AND NEW.terms#>>'{wind_down,run_off_cap_fen}' ~ '^[0-9]{1,16}$')))"""
_FUNDING_IS_READABLE = """(NOT NEW.terms ? 'funding' OR (
        jsonb_typeof(NEW.terms->'funding') = 'object' AND NOT EXISTS (
        SELECT 1 FROM unnest(ARRAY['join_fen', 'warn_below_fen', 'top_up_days']) name
         WHERE jsonb_typeof(NEW.terms->'funding'->name) IS DISTINCT FROM 'number'
            OR NEW.terms->'funding'->>name !~ '^[0-9]{1,16}$')))"""
# Not beside wallets: who pays ahead owes nothing.
_ARREARS_ARE_READABLE = """(NOT NEW.terms ? 'arrears' OR (
        NOT NEW.terms ? 'funding' AND jsonb_typeof(NEW.terms#>'{arrears,reminder_days}') IS NOT DISTINCT FROM 'array'
        AND NOT EXISTS (SELECT 1 FROM jsonb_path_query(NEW.terms, '$.arrears.reminder_days[*]') day
                         WHERE jsonb_typeof(day) <> 'number' OR day#>>'{}' !~ '^[0-9]{1,3}$')
        AND coalesce(NEW.terms#>>'{arrears,grace_days}', '') ~ '^[0-9]{1,3}$'
        AND coalesce(NEW.terms#>>'{arrears,make_up_days}', '') ~ '^[0-9]{1,3}$'
        AND coalesce(NEW.terms#>>'{arrears,hardship_days}', '0') ~ '^[0-9]{1,3}$'))"""
# Not beside wallets: who pays ahead chooses when and how much.
_DEBIT_IS_READABLE = """(NOT NEW.terms ? 'debit' OR (
        NOT NEW.terms ? 'funding' AND coalesce(NEW.terms#>>'{debit,scheme}', '') IN ('sepa', 'card')
        AND jsonb_typeof(NEW.terms#>'{debit,creditor_id}') IS NOT DISTINCT FROM 'string'
        AND coalesce(NEW.terms#>>'{debit,first_notice_days}', '') ~ '^[0-9]{1,2}$'
        AND coalesce(NEW.terms#>>'{debit,later_notice_days}', '') ~ '^[0-9]{1,2}$'
        AND coalesce(NEW.terms#>>'{debit,refund_days}', '0') ~ '^[0-9]{1,3}$'))"""
# By these figures a guard tells whether a refusal can still go before the jury, and who can be drawn.
_JURY_IS_READABLE = """(NOT NEW.terms ? 'jury' OR (
        jsonb_typeof(NEW.terms->'jury') = 'object'
        AND jsonb_typeof(NEW.terms#>'{jury,inclusive}') IS NOT DISTINCT FROM 'boolean' AND NOT EXISTS (
        SELECT 1 FROM unnest(ARRAY['tenure_days', 'seats', 'reserves', 'quorum', 'threshold_permille', 'voting_hours',
                                   'take_days']) name
         WHERE jsonb_typeof(NEW.terms->'jury'->name) IS DISTINCT FROM 'number'
            OR NEW.terms->'jury'->>name !~ '^[0-9]{1,4}$')
        AND coalesce(NEW.terms#>>'{jury,quorum_permille}', '0') ~ '^[0-9]{1,4}$'
        AND coalesce(NEW.terms#>>'{jury,arbiter_days}', '30') ~ '^[0-9]{1,2}$'))"""
# By these figures a guard judges an investigation; who bears it is never the claimant.
_INVESTIGATION_IS_READABLE = """(NOT NEW.terms ? 'investigation' OR (
        coalesce(NEW.terms#>>'{investigation,borne_by}', '') IN ('shared', 'operator', 'reserve')
        AND (NEW.terms#>>'{investigation,borne_by}' <> 'reserve' OR NEW.terms ? 'reserve') AND NOT EXISTS (
        SELECT 1 FROM unnest(ARRAY['days', 'agreed_above_fen', 'most_fen', 'answer_days']) name
         WHERE jsonb_typeof(NEW.terms->'investigation'->name) IS DISTINCT FROM 'number'
            OR NEW.terms->'investigation'->>name !~ '^[0-9]{1,16}$')))"""
# By these kinds a guard tells whether a document is one that the pool takes.
_DOCUMENTS_ARE_READABLE = """(NOT NEW.terms ? 'documents' OR (
        jsonb_typeof(NEW.terms#>'{documents,kinds}') IS NOT DISTINCT FROM 'array'
        AND NEW.terms#>'{documents,kinds}' <> '[]' AND NOT EXISTS (
        SELECT 1 FROM jsonb_path_query(NEW.terms, '$.documents.kinds[*]') kind
         WHERE jsonb_typeof(kind) <> 'string' OR kind#>>'{}' NOT IN ('resident_id', 'passport', 'other'))))"""
# By these a guard tells whether two pools agree on a transfer. Not into wallets: cover would wait.
_SUCCESSION_IS_READABLE = """(jsonb_typeof(NEW.terms->'successor') IS NOT DISTINCT FROM 'string' OR NOT NEW.terms ? 'successor')
    AND (NOT NEW.terms ? 'takes_over' OR NOT NEW.terms ? 'funding' AND NEW.terms @? '$.takes_over.pools[*]'
        AND NEW.terms @? '$.takes_over.waiting_counts ? (@ == true || @ == false)')"""
# What becomes of who does not answer to new rules.
_CHANGE_BY_IS_READABLE = """(NOT NEW.terms ? 'change_by' OR (
        jsonb_typeof(NEW.terms->'change_by') = 'string' AND NEW.terms->>'change_by' IN ('free_exit', 'consent')))"""
# What becomes of who falls ill in the waiting period. Not beside wallets: their rest goes back.
_ILLNESS_IN_WAIT_IS_READABLE = """(NOT NEW.terms ? 'illness_in_wait' OR (
        jsonb_typeof(NEW.terms->'illness_in_wait') = 'string'
        AND (NEW.terms->>'illness_in_wait' = 'no_aid'
             OR NEW.terms->>'illness_in_wait' = 'shares_back' AND NOT NEW.terms ? 'funding')))"""
# Of what the database itself reads in terms it demands the form; the rest is the services' to judge.
_READABLE = f"""jsonb_typeof(NEW.terms->'notice_days') IS NOT DISTINCT FROM 'number'
               AND (NEW.terms->>'notice_days') ~ '^[0-9]{{1,4}}$'
               AND jsonb_typeof(NEW.terms->'classes') IS NOT DISTINCT FROM 'array'
               AND {_WAITING_IS_READABLE}
               AND {_ENDING_IS_READABLE}
               AND {_is_a_number_if_told("report_days", 4)}
               AND {_is_a_number_if_told("appeal_days", 3)}
               AND {_is_a_number_if_told("objections_per_period", 3)}
               AND {_is_a_number_if_told("lifetime_cap_fen", 16)}
               AND {_is_a_number_if_told("two_deciders_from_fen", 16)}
               AND {_is_a_number_if_told("return_after_removal_days", 4)}
               AND {_AID_IS_READABLE}
               AND {_FUNDING_IS_READABLE}
               AND {_ARREARS_ARE_READABLE}
               AND {_CHANGE_BY_IS_READABLE}
               AND {_ILLNESS_IN_WAIT_IS_READABLE}
               AND {_DEBIT_IS_READABLE}
               AND {_JURY_IS_READABLE}
               AND {_INVESTIGATION_IS_READABLE}
               AND {_DOCUMENTS_ARE_READABLE} AND {_SUCCESSION_IS_READABLE}
               AND jsonb_typeof(NEW.declaration) = 'array' AND isfinite(NEW.effective_date)"""


def asks_consent_sql(version: str) -> str:
    """Return SQL that tells whether a change asks for consent, by the rules in force when it was published."""
    day = f"({version}.published_at AT TIME ZONE at.time_zone)::date"
    return f"""({version}.proposal_id IS NOT NULL AND 'consent' = (
        SELECT coalesce(was.terms->>'change_by', 'free_exit')
          FROM members_planversion was JOIN members_pool at ON at.id = was.pool_id
         WHERE was.pool_id = {version}.pool_id AND was.number < {version}.number
         ORDER BY was.effective_date <= {day} DESC, abs(was.effective_date - {day}) LIMIT 1))"""


# A draft that nobody belongs to has nobody to protect: its founders publish and correct its plan by themselves.
plan_change_keeps_its_notice = Guard(
    name="plan_change_keeps_its_notice",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    declare=[
        ("pool", "record"),
        ("last", "record"),
        ("agreed", "record"),
        ("today", "date"),
        ("notice", "int"),
    ],
    func=f"""
        {judged_now()}
        SELECT state, time_zone INTO pool FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        SELECT id, number, effective_date, terms INTO last FROM members_planversion
         WHERE pool_id = NEW.pool_id ORDER BY number DESC LIMIT 1;
        IF NEW.number < 1 OR NEW.number > coalesce(last.number, 0) + 1 OR NEW.effective_date < last.effective_date
           OR NOT ({_READABLE}) THEN
            {refuse("plan_versions_follow_each_other", "version %s does not follow %s", "NEW.number", "last.number")}
        END IF;
        -- Also in a draft: a pool's charges are all of one kind, whoever joins when.
        IF last.id IS NOT NULL AND (last.terms ? 'funding') <> (NEW.terms ? 'funding') THEN
            {refuse("plan_change_keeps_its_funding", "a pool pays ahead or afterwards, as it began")}
        END IF;
        IF pool.state = 'draft' AND NOT EXISTS (SELECT 1 FROM members_membership WHERE pool_id = NEW.pool_id) THEN
            IF NEW.proposal_id IS NOT NULL THEN
                {refuse("plan_change_needs_two_people", "a draft's plan has no proposal")}
            END IF;
            RETURN NEW;
        END IF;
        IF pool.state NOT IN {_CHANGING} THEN
            {refuse("rules_of_an_ending_pool_stay", "the pool is %s", "pool.state")}
        END IF;
        SELECT * INTO agreed FROM members_planproposal WHERE id = NEW.proposal_id FOR UPDATE;
        -- As text: to jsonb 7 and 7.0 are equal, to its readers they are not.
        IF agreed.state IS DISTINCT FROM 'open' OR agreed.pool_id <> NEW.pool_id OR agreed.base_id <> last.id
           OR (agreed.terms::text, agreed.covenant_en, agreed.covenant_zh, agreed.declaration::text,
               agreed.effective_date)
              IS DISTINCT FROM (NEW.terms::text, NEW.covenant_en, NEW.covenant_zh, NEW.declaration::text,
                                NEW.effective_date) THEN
            {refuse("plan_change_is_what_was_proposed", "version %s is not an open proposal", "NEW.number")}
        END IF;
        IF NEW.published_by = agreed.proposed_by OR NOT EXISTS ({_holds_duty("NEW.published_by", "controller")}) THEN
            {refuse("plan_change_needs_two_people", "a controller publishes what an admin has proposed")}
        END IF;
        NEW.published_at := aid_now();
        today := (aid_now() AT TIME ZONE pool.time_zone)::date;
        SELECT (terms->>'notice_days')::int INTO notice FROM members_planversion
         WHERE pool_id = NEW.pool_id ORDER BY effective_date <= today DESC, abs(effective_date - today) LIMIT 1;
        -- Today has begun under the rules of this morning.
        IF NEW.effective_date < today + greatest(notice, 1) THEN
            {refuse("plan_change_keeps_its_notice", "%s is less than %s days ahead", "NEW.effective_date", "notice")}
        END IF;
        IF NEW.effective_date > today + notice + 366 THEN
            {refuse("plan_change_comes_within_a_year", "%s would shut out every other change", "NEW.effective_date")}
        END IF;
        IF EXISTS (SELECT c->'class_no' FROM jsonb_array_elements(last.terms->'classes') c
                   EXCEPT SELECT c->'class_no' FROM jsonb_array_elements(NEW.terms->'classes') c) THEN
            {refuse("plan_change_keeps_its_classes", "members of a class would have no share any more")}
        END IF;
        IF (last.terms ? 'operator' AND NOT NEW.terms ? 'operator')
           OR (last.terms ? 'wind_down' AND NOT NEW.terms ? 'wind_down') THEN
            {refuse("plan_change_names_who_answers", "operator and ending may change, not disappear")}
        END IF;
        RETURN NEW;
    """,
)

# Written by the database, so that no version is in force while its proposal reads withdrawn.
plan_change_closes_its_proposal = Guard(
    name="plan_change_closes_its_proposal",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    func="""
        UPDATE members_planproposal SET state = 'published', decided_by = NEW.published_by, decided_at = aid_now()
         WHERE id = NEW.proposal_id;
        RETURN NULL;
    """,
)

proposal_guards = [
    Guard(
        name="plan_proposal_begins_open",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("pool_state", "text")],
        func=f"""
            {judged_now()}
            SELECT state INTO pool_state FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
            IF NEW.state <> 'open' OR NEW.decided_by <> '' OR NEW.decided_at IS NOT NULL OR NOT ({_READABLE}) THEN
                {refuse("plan_proposal_begins_open", "the proposal is decided or cannot be read")}
            END IF;
            IF pool_state NOT IN {_CHANGING} THEN
                {refuse("rules_of_an_ending_pool_stay", "the pool is %s", "pool_state")}
            END IF;
            IF NOT EXISTS ({_holds_duty("NEW.proposed_by", "pool_admin")}) THEN
                {refuse("plan_change_needs_two_people", "%s is no pool admin", "NEW.proposed_by")}
            END IF;
            NEW.base_id := (SELECT id FROM members_planversion WHERE pool_id = NEW.pool_id ORDER BY number DESC LIMIT 1);
            NEW.number := coalesce((SELECT max(number) FROM members_planproposal
                                     WHERE pool_id = NEW.pool_id), 0) + 1;
            NEW.proposed_at := aid_now();
            NEW.shown_sha256 := encode(sha256(convert_to(jsonb_build_array(
                NEW.number, NEW.base_id, NEW.terms, NEW.covenant_en, NEW.covenant_zh, NEW.declaration,
                NEW.effective_date, NEW.reason, NEW.proposed_by)::text, 'UTF8')), 'hex');
            RETURN NEW;
        """,
    ),
    Guard(
        name="plan_proposal_is_decided_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            {judged_now()}
            IF TG_OP = 'DELETE' OR OLD.state <> 'open' OR NEW.state NOT IN ('published', 'withdrawn')
               OR (NEW.id, NEW.pool_id, NEW.number, NEW.base_id, NEW.terms::text, NEW.covenant_en, NEW.covenant_zh,
                   NEW.declaration::text, NEW.effective_date, NEW.reason, NEW.shown_sha256, NEW.proposed_by,
                   NEW.proposed_at)
                  IS DISTINCT FROM
                  (OLD.id, OLD.pool_id, OLD.number, OLD.base_id, OLD.terms::text, OLD.covenant_en, OLD.covenant_zh,
                   OLD.declaration::text, OLD.effective_date, OLD.reason, OLD.shown_sha256, OLD.proposed_by,
                   OLD.proposed_at) THEN
                {refuse("plan_proposal_is_decided_once", "proposal %s can only be decided, once", "OLD.number")}
            END IF;
            IF (NEW.state = 'published')
               <> EXISTS (SELECT 1 FROM members_planversion v WHERE v.proposal_id = NEW.id) THEN
                {refuse("plan_proposal_is_decided_once", "proposal %s and its version do not agree", "OLD.number")}
            END IF;
            IF NOT EXISTS ({_holds_duty("NEW.decided_by", "controller")})
               AND NOT EXISTS ({_holds_duty("NEW.decided_by", "pool_admin")}) THEN
                {refuse("plan_change_needs_two_people", "%s may not decide about a plan", "NEW.decided_by")}
            END IF;
            NEW.decided_at := aid_now();
            RETURN NEW;
        """,
    ),
]

plan_draft_ends_with_the_draft = Guard(
    name="plan_draft_ends_with_the_draft",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    declare=[("pool_state", "text")],
    func=f"""
        SELECT state INTO pool_state FROM members_pool WHERE id = NEW.pool_id FOR UPDATE;
        IF pool_state <> 'draft' OR (TG_OP = 'UPDATE' AND NEW.pool_id <> OLD.pool_id) THEN
            {refuse("plan_draft_ends_with_the_draft", "the pool is %s", "pool_state")}
        END IF;
        NEW.changes := CASE WHEN TG_OP = 'UPDATE' THEN OLD.changes ELSE 0 END + 1;
        NEW.changed_at := aid_now();
        RETURN NEW;
    """,
)

# The address is theirs who accepted, or of the account that has it.
_INVITED_EMPTIED = lets_erasure_pass(
    """coalesce(OLD.person_id, (SELECT u.id FROM members_user u WHERE lower(u.email) = OLD.email),
        (SELECT a.user_id FROM account_emailaddress a WHERE lower(a.email) = OLD.email LIMIT 1))""",
    email=f"NEW.email LIKE '%{FORMER_ADDRESS}'",
)

invitation_guards = [
    Guard(
        name="founders_invite_to_a_draft",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            {judged_now()}
            IF (SELECT state FROM members_pool WHERE id = NEW.pool_id FOR UPDATE) <> 'draft'
               OR NEW.state <> 'open' OR NEW.email <> lower(NEW.email)
               OR NOT EXISTS ({_holds("NEW.invited_by_id", "AND g.duty = 'pool_admin'")}) THEN
                {refuse("founders_invite_to_a_draft", "a pool admin invites while the pool is a draft")}
            END IF;
            NEW.invited_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="invitation_is_answered_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            {_INVITED_EMPTIED}
            {judged_now()}
            IF TG_OP = 'DELETE' OR OLD.state <> 'open' OR NEW.state = 'open'
               OR (NEW.id, NEW.pool_id, NEW.duty, NEW.email, NEW.invited_by_id, NEW.invited_at) IS DISTINCT FROM
                  (OLD.id, OLD.pool_id, OLD.duty, OLD.email, OLD.invited_by_id, OLD.invited_at) THEN
                {refuse("invitation_is_answered_once", "the invitation is %s", "OLD.state")}
            END IF;
            IF NEW.state = 'accepted' AND NOT EXISTS (
                {_holds("NEW.person_id", "AND g.pool_id = NEW.pool_id AND g.duty = NEW.duty")}) THEN
                {refuse("invitation_is_answered_once", "an accepted invitation is a duty that is held")}
            END IF;
            NEW.decided_at := aid_now();
            RETURN NEW;
        """,
    ),
]
