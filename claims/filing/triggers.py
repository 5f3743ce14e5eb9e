"""Guards of claims. Names are the guarantees listed in ARCHITECTURE.md."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from claims.filing.aid_sql import cases_shared, granted_before
from claims.filing.states import OPEN_TO_CLAIMANT, PARTS_ARE_FINAL, REFUSED
from members.joining.deputy_sql import acts_as_deputy_sql
from members.joining.kin_triggers import speaks_for_sql
from members.people.erasure_sql import lets_erasure_pass, person_of
from members.pools.triggers import waiting_asks_for_age

_OPEN = ", ".join(f"'{state}'" for state in OPEN_TO_CLAIMANT)
_FINAL = ", ".join(f"'{state}'" for state in PARTS_ARE_FINAL)
_REFUSED = ", ".join(f"'{state}'" for state in REFUSED)

# What is claimed, by whom it is paid, and what of it becomes public.
TERMS = (
    "event_date",
    "illness",
    "severity",
    "plan_version_id",
    "age",
    "joined_age",
    "spend_fen",
    "cases_shared",
    "aid_fen",
    "derivation",
    "birth_sealed",
    "story_sealed",
    "payee_sealed",
    "payee_index",
    "sex",
    "region",
    "masked",
    "consented_at",
    "consent_sha256",
    "filed_at",
)
# What the aid is judged by.
_JUDGED = (
    "aid_fen",
    "plan_version_id",
    "severity",
    "age",
    "joined_age",
    "event_date",
    "spend_fen",
    "cases_shared",
)
_IDENTITY = ("code", "pool_id", "membership_id", "claimant_id", "part_of_id", "created_at")
# What parts of one case have in common.
_OF_THE_CASE = ("event_date", "illness", "severity", "plan_version_id", "age", "joined_age", "cases_shared")


def _whole_years(first: str, last: str) -> str:
    """Return SQL for completed years between two dates; 29 February completes one on 1 March."""
    return f"""(extract(year FROM {last}) - extract(year FROM {first})
                - CASE WHEN to_char({last}, 'MMDD') < to_char({first}, 'MMDD') THEN 1 ELSE 0 END)"""


def _row(prefix: str, columns: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


_EMPTIED = lets_erasure_pass(
    person_of("OLD.membership_id"),
    birth_sealed="coalesce(NEW.birth_sealed, '') = ''",
    story_sealed="coalesce(NEW.story_sealed, '') = ''",
    payee_sealed="coalesce(NEW.payee_sealed, '') = ''",
)
# Of a row that belongs to a claim: whose erasure empties it.
CLAIMED_BY = person_of("(SELECT membership_id FROM claims_claim WHERE id = OLD.claim_id)")


def of_the_paper(column: str) -> str:
    """Return SQL for the person whose erasure empties a row that belongs to the paper in that column."""
    claim = f"(SELECT claim_id FROM claims_evidence WHERE id = OLD.{column})"
    return person_of(f"(SELECT membership_id FROM claims_claim WHERE id = {claim})")


claim_guards = [
    Guard(
        name="claim_keeps_its_identity",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF {_row("NEW", _IDENTITY)} IS DISTINCT FROM {_row("OLD", _IDENTITY)} THEN
                {refuse("claim_keeps_its_identity", "claim %s stays its claimant's", "OLD.code")}
            END IF;
            IF NEW.round <> OLD.round AND (OLD.state, NEW.state) IS DISTINCT FROM ('recommended', 'under_review')
               AND NEW.state <> 'appealed' THEN
                {refuse("claim_keeps_its_identity", "round %s after %s", "NEW.round", "OLD.round")}
            END IF;
            RETURN NEW;
        """,
    ),
    # Once, and for good: what was heard on appeal is told from what was heard before by this number.
    Guard(
        name="appeal_opens_its_round",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            IF TG_OP = 'INSERT' THEN
                IF NEW.appeal_round IS NOT NULL THEN
                    {refuse("appeal_opens_its_round", "claim %s is not refused", "NEW.code")}
                END IF;
                RETURN NEW;
            END IF;
            IF OLD.state IN ({_REFUSED}) AND NEW.state = 'appealed' THEN
                {judged_now()}
                IF OLD.appeal_round IS NOT NULL OR NEW.round <> OLD.round + 1
                   OR NEW.appeal_round IS DISTINCT FROM NEW.round
                   OR NOT EXISTS (SELECT 1 FROM claims_appeal WHERE claim_id = NEW.id) THEN
                    {refuse("appeal_opens_its_round", "claim %s is appealed by nobody", "NEW.code")}
                END IF;
            ELSIF NEW.appeal_round IS DISTINCT FROM OLD.appeal_round THEN
                {refuse("appeal_opens_its_round", "claim %s keeps its appeal", "NEW.code")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="claim_is_of_its_member",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF NOT ({speaks_for_sql("NEW.membership_id", "NEW.claimant_id")}
                    OR {acts_as_deputy_sql("NEW.membership_id", "NEW.claimant_id")})
               OR NEW.pool_id IS DISTINCT FROM (SELECT pool_id FROM members_membership WHERE id = NEW.membership_id) THEN
                {refuse("claim_is_of_its_member", "claim %s is for somebody else's membership", "NEW.code")}
            END IF;
            RETURN NEW;
        """,
    ),
    # Whoever hands a claim to reviewers has signed what each layer is told of it.
    Guard(
        name="claim_is_filed_with_a_signed_preview",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        condition=pgtrigger.Condition("NEW.state = 'filed'"),
        func=f"""
            IF TG_OP = 'UPDATE' AND OLD.state = 'filed' THEN
                RETURN NULL;
            END IF;
            IF NEW.consented_at IS NULL OR coalesce(NEW.consent_sha256, '') !~ '^[0-9a-f]{{64}}$' THEN
                {refuse("claim_is_filed_with_a_signed_preview", "nobody has signed what is told of claim %s", "NEW.code")}
            END IF;
            RETURN NULL;
        """,
    ),
    Guard(
        name="filed_claim_keeps_its_terms",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            {_EMPTIED}
            IF OLD.state NOT IN ({_OPEN}) AND {_row("NEW", TERMS)} IS DISTINCT FROM {_row("OLD", TERMS)} THEN
                {refuse("filed_claim_keeps_its_terms", "claim %s is with its reviewers", "OLD.code")}
            END IF;
            RETURN NEW;
        """,
    ),
    # Whatever the application computes: the plan version is the one of the event day, and the aid is nothing or
    # what that version grants for the severity at the age, once its waiting period is over and the pool is open. The
    # age at joining is the one that was signed; of who never signed, one that fits the age on the event day.
    Guard(
        name="claim_aid_is_what_its_plan_grants",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[
            ("wanted", "bigint"),
            ("granted", "bigint"),
            ("plan", "jsonb"),
            ("joined", "record"),
            ("years", "int"),
            ("left_over", "bigint"),
        ],
        func=f"""
            -- What earlier awards leave is judged when the aid is derived, and again when it is decided.
            IF NEW.aid_fen IS NULL OR TG_OP = 'UPDATE' AND {_row("NEW", _JUDGED)} IS NOT DISTINCT FROM {_row("OLD", _JUDGED)}
            THEN
                RETURN NEW;
            END IF;
            SELECT id INTO wanted FROM members_planversion
             WHERE pool_id = NEW.pool_id
             ORDER BY effective_date <= NEW.event_date DESC,
                      CASE WHEN effective_date <= NEW.event_date THEN effective_date END DESC, effective_date LIMIT 1;
            IF NEW.plan_version_id IS DISTINCT FROM wanted THEN
                {refuse("claim_aid_is_what_its_plan_grants", "claim %s follows another plan version", "NEW.code")}
            END IF;
            IF NEW.age <> (SELECT {_whole_years("m.birth_date", "NEW.event_date")} FROM members_familymember f
                             JOIN members_membership m ON m.id = f.membership_id WHERE m.id = NEW.membership_id) THEN
                {refuse("family_claim_is_at_its_age", "claim %s tells another age than that of its member", "NEW.code")}
            END IF;
            SELECT terms INTO plan FROM members_planversion WHERE id = wanted;
            SELECT m.joined_date, coalesce(m.waiting_since_date, m.joined_date) AS waits_from, s.joined_age INTO joined
              FROM members_membership m
              LEFT JOIN members_covenantsignature s ON s.membership_id = m.id WHERE m.id = NEW.membership_id;
            years := {_whole_years("joined.waits_from", "NEW.event_date")};
            IF (NEW.joined_age IS NOT NULL) <> {waiting_asks_for_age("plan")}
               OR NEW.joined_age <> joined.joined_age
               OR (joined.joined_age IS NULL AND NEW.joined_age NOT IN
                   (greatest(NEW.age - years, 0), greatest(NEW.age - years - 1, 0))) THEN
                {refuse("claim_aid_is_what_its_plan_grants", "claim %s has another age at joining", "NEW.code")}
            END IF;
            IF (NEW.spend_fen IS NOT NULL) <> (plan ?| ARRAY['spend_steps', 'reimbursement'])
               OR (NEW.cases_shared IS NOT NULL) <> (plan ? 'case_steps')
               OR NEW.cases_shared <> {cases_shared("NEW.membership_id", "NEW.pool_id", "NEW.event_date")} THEN
                {refuse("claim_aid_is_what_its_plan_grants", "claim %s has a spend or cases shared that its plan does not know", "NEW.code")}
            END IF;
            granted := claims_aid_by_plan(NEW, NEW.spend_fen);
            IF plan ? 'lifetime_cap_fen' THEN
                left_over := (plan->>'lifetime_cap_fen')::bigint - {granted_before("NEW.membership_id", "NEW.id")};
                IF NEW.aid_fen > greatest(left_over, 0) THEN
                    {refuse("aid_within_lifetime_cap", "aid %s; earlier cases leave %s", "NEW.aid_fen", "left_over")}
                END IF;
                -- A case that is withdrawn meanwhile leaves more than was read: less than is granted does no harm.
                IF NEW.aid_fen < granted THEN
                    RETURN NEW;
                END IF;
            END IF;
            IF NEW.aid_fen <> 0 AND NEW.aid_fen IS DISTINCT FROM granted THEN
                {refuse("claim_aid_is_what_its_plan_grants", "aid %s; the plan grants %s", "NEW.aid_fen", "coalesce(granted, 0)")}
            END IF;
            RETURN NEW;
        """,
    ),
    # Earlier parts are final, so that what they came to changes no more, and one part is on its way at a time.
    Guard(
        name="part_follows_its_case",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[("first", "claims_claim"), ("first_award", "text")],
        func=f"""
            IF NEW.part_of_id IS NULL THEN
                RETURN NEW;
            END IF;
            SELECT * INTO first FROM claims_claim WHERE id = NEW.part_of_id;
            SELECT state INTO first_award FROM ledger_award
             WHERE pool_id = first.pool_id AND claim_code = first.code AND rest_of_id IS NULL AND state <> 'withdrawn';
            IF first.part_of_id IS NOT NULL OR first.membership_id IS DISTINCT FROM NEW.membership_id
               OR first.spend_fen IS NULL OR first.state NOT IN ({_FINAL})
               OR first_award IS NULL OR first_award NOT IN ('final', 'shared') THEN
                {refuse("part_follows_its_case", "claim %s is no first part of a case that is decided", "first.code")}
            END IF;
            IF NEW.aid_fen IS NOT NULL
               AND {_row("NEW", _OF_THE_CASE)} IS DISTINCT FROM {_row("first", _OF_THE_CASE)} THEN
                {refuse("part_follows_its_case", "claim %s tells another event than %s", "NEW.code", "first.code")}
            END IF;
            RETURN NEW;
        """,
    ),
    # The day of a filing is the database's: whoever writes rows by hand reports no case into the past.
    Guard(
        name="claim_is_reported_in_time",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[("last_date", "date"), ("zone", "text")],
        func=f"""
            IF TG_OP = 'UPDATE' AND OLD.filed_at IS NOT NULL THEN
                IF NEW.filed_at IS DISTINCT FROM OLD.filed_at THEN
                    {refuse("claim_is_reported_in_time", "claim %s was filed at %s", "OLD.code", "OLD.filed_at")}
                END IF;
            ELSIF NEW.filed_at IS NOT NULL THEN
                IF NEW.state = 'draft' THEN
                    {refuse("claim_is_reported_in_time", "claim %s is a draft", "NEW.code")}
                END IF;
                NEW.filed_at := aid_now();
            END IF;
            IF NEW.filed_at IS NULL OR coalesce(NEW.aid_fen, 0) = 0 THEN
                RETURN NEW;
            END IF;
            -- Further bills of a case that was reported in time may come at any time.
            IF NEW.part_of_id IS NOT NULL THEN
                RETURN NEW;
            END IF;
            SELECT NEW.event_date + (v.terms->>'report_days')::int, p.time_zone INTO last_date, zone
              FROM members_planversion v JOIN members_pool p ON p.id = v.pool_id WHERE v.id = NEW.plan_version_id;
            -- What happened after the filing was not reported by it: it takes a claim of its own.
            IF NEW.event_date > (NEW.filed_at AT TIME ZONE zone)::date THEN
                {refuse("claim_is_reported_in_time", "claim %s was filed before its event", "NEW.code")}
            END IF;
            IF (NEW.filed_at AT TIME ZONE zone)::date > last_date THEN
                {refuse("claim_is_reported_in_time", "the last day of claim %s was %s", "NEW.code", "last_date")}
            END IF;
            RETURN NEW;
        """,
    ),
    # A state that stands for a deed needs the deed's row.
    Guard(
        name="claim_step_has_its_paper",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[("award_state", "text")],
        func=f"""
            IF NEW.state = OLD.state THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            IF NEW.state = 'recommended' AND NOT EXISTS (
                   SELECT 1 FROM claims_recommendation WHERE claim_id = NEW.id AND round = NEW.round)
               OR NEW.state IN ('approved', 'rejected') AND OLD.state <> 'before_jury' AND NOT EXISTS (
                   SELECT 1 FROM claims_decision
                    WHERE claim_id = NEW.id AND round = NEW.round AND outcome = NEW.state)
               -- Before the jury a claim is its verdict's, and nobody else's.
               OR NEW.state = 'before_jury' AND NOT EXISTS (SELECT 1 FROM claims_jurycase WHERE claim_id = NEW.id)
               OR (NEW.state = 'approved' AND OLD.state = 'before_jury' OR NEW.state = 'refused_by_jury') AND NOT EXISTS (
                   SELECT 1 FROM claims_juryverdict v JOIN claims_jurydraw d ON d.id = v.draw_id
                    WHERE d.claim_id = NEW.id AND (v.outcome = 'granted') = (NEW.state = 'approved')
                   UNION ALL
                   SELECT 1 FROM claims_arbitration a
                    WHERE a.claim_id = NEW.id AND a.state = 'decided' AND (a.outcome = 'granted') = (NEW.state = 'approved'))
               -- Somebody from outside is asked, and the claim comes back when they have reported or were told to stop.
               OR NEW.state = 'under_investigation' AND NOT EXISTS (
                   SELECT 1 FROM claims_investigation WHERE claim_id = NEW.id AND state = 'ordered')
               OR OLD.state = 'under_investigation' AND EXISTS (
                   SELECT 1 FROM claims_investigation WHERE claim_id = NEW.id AND state IN ('ordered', 'running'))
               -- Refused again, a claim is refused for good.
               OR NEW.state = 'rejected' AND NEW.appeal_round IS NOT NULL
               OR NEW.state = 'refused_finally' AND (NEW.appeal_round IS NULL OR NOT EXISTS (
                   SELECT 1 FROM claims_decision
                    WHERE claim_id = NEW.id AND round = NEW.round AND outcome = 'rejected')) THEN
                {refuse("claim_step_has_its_paper", "claim %s is not %s by anybody", "NEW.code", "NEW.state")}
            END IF;
            IF OLD.state = 'recommended' AND NEW.state = 'under_review' AND NOT EXISTS (
                   SELECT 1 FROM claims_decision
                    WHERE claim_id = NEW.id AND round = NEW.round - 1 AND outcome = 'returned')
               -- Taken back by whoever recommended, before anybody acted on it.
               AND NOT EXISTS (
                   SELECT 1 FROM claims_withdrawal
                    WHERE claim_id = NEW.id AND round = NEW.round - 1 AND NEW.round = OLD.round + 1)
               OR NEW.state = 'overturned' AND NOT EXISTS (
                   SELECT 1 FROM claims_objection WHERE claim_id = NEW.id AND state = 'upheld'
                      AND answered_at > coalesce(
                          (SELECT appealed_at FROM claims_appeal WHERE claim_id = NEW.id), '-infinity'))
               OR NEW.state IN ('in_publicity', 'awarded') AND EXISTS (
                   SELECT 1 FROM claims_objection WHERE claim_id = NEW.id AND state = 'open') THEN
                {refuse("claim_step_has_its_paper", "claim %s is not ready to be %s", "NEW.code", "NEW.state")}
            END IF;
            -- Two people have taken back what was unpaid of its aid, and nothing of the case is to be paid any more.
            IF NEW.state = 'revoked' AND (
                   NOT EXISTS (SELECT 1 FROM ledger_awardrevocation r JOIN ledger_award w ON w.id = r.award_id
                                WHERE w.pool_id = NEW.pool_id AND w.claim_code = NEW.code AND r.state = 'agreed')
                OR EXISTS (SELECT 1 FROM ledger_award w WHERE w.pool_id = NEW.pool_id AND w.claim_code = NEW.code
                              AND (w.state IN ('announced', 'final') OR w.shared_fen - w.lowered_fen > coalesce((
                                   SELECT sum(o.amount_fen) FROM ledger_paymentorder o
                                    WHERE o.award_id = w.id AND o.state = 'confirmed'), 0)))) THEN
                {refuse("claim_step_has_its_paper", "claim %s is not %s in the ledger", "NEW.code", "NEW.state")}
            END IF;
            IF NEW.state IN ('in_publicity', 'awarded', 'shared', 'paid') THEN
                SELECT state INTO award_state FROM ledger_award
                 WHERE pool_id = NEW.pool_id AND claim_code = NEW.code AND rest_of_id IS NULL AND state <> 'withdrawn';
                IF award_state IS NULL
                   OR NEW.state = 'awarded' AND award_state NOT IN ('final', 'shared')
                   OR NEW.state IN ('shared', 'paid') AND award_state <> 'shared'
                   -- Aid of which a rest waits is not paid, however much of it is.
                   OR NEW.state = 'paid' AND EXISTS (
                       SELECT 1 FROM ledger_award
                        WHERE pool_id = NEW.pool_id AND claim_code = NEW.code AND state NOT IN ('shared', 'withdrawn')) THEN
                    {refuse("claim_step_has_its_paper", "claim %s is not %s in the ledger", "NEW.code", "NEW.state")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("claims_are_kept", "claims are withdrawn, never deleted"),
]
