"""Guards of papers: when they join, that they stay as they are, and what may become of their keys."""

import pgtrigger

from aidplatform.lib.guards import Guard, judged_now, kept, refuse
from claims.filing.appeal_sql import appeal_until, jury_until
from claims.filing.illnesses import INVESTIGATION, OBJECTION
from claims.filing.states import DONE, ERASABLE, OPEN_TO_CLAIMANT, REFUSED, TAKES_PAPERS
from claims.filing.triggers import CLAIMED_BY
from members.people.erasure_sql import lets_erasure_pass

_OPEN = ", ".join(f"'{state}'" for state in OPEN_TO_CLAIMANT)
_TAKES_PAPERS = ", ".join(f"'{state}'" for state in TAKES_PAPERS)
_ERASABLE = ", ".join(f"'{state}'" for state in ERASABLE)
_REFUSED = ", ".join(f"'{state}'" for state in REFUSED)
_DONE = ", ".join(f"'{state}'" for state in DONE)
PAPERS_PER_CLAIM = 40
# Those of objections are no claimant's, and use up nothing of the claim's.
PAPERS_PER_OBJECTION = 3
REWRAP = "rewrap_paper"
ERASE = "erase_paper"

_FACTS = ("claim_id", "code", "kind", "media_type", "size", "sha256", "sealed", "added_at")


def _row(prefix: str, *columns: str) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in columns) + ")"


def needed_no_more(claim: str) -> str:
    """Return SQL that tells whether nothing can follow for a claim (an alias of claims_claim) that its papers decide.

    Its aid is paid, it was taken back, or it is refused and no appeal and no jury can come; and no further bills of the
    case are on their way, which rest on the papers of the first part.
    """
    return f"""(({claim}.state IN ({_ERASABLE})
            OR {claim}.state IN ({_REFUSED}) AND ({claim}.appeal_round IS NOT NULL
               OR coalesce({appeal_until(claim)} < (aid_now() AT TIME ZONE
                  (SELECT time_zone FROM members_pool WHERE id = {claim}.pool_id))::date, true))
            OR {claim}.state = 'refused_finally' AND coalesce({jury_until(claim)} < (aid_now() AT TIME ZONE
                  (SELECT time_zone FROM members_pool WHERE id = {claim}.pool_id))::date, true))
        AND NOT EXISTS (SELECT 1 FROM claims_claim part
                         WHERE part.part_of_id = coalesce({claim}.part_of_id, {claim}.id) AND part.id <> {claim}.id
                           AND part.state NOT IN ({_DONE})))"""


# An erasure takes the bytes and their key.
_EMPTIED = lets_erasure_pass(
    CLAIMED_BY, sealed="NEW.sealed = ''", key_id="NEW.key_id IS NULL", key_wrapped="NEW.key_wrapped IS NULL"
)

evidence_guards = [
    # The lock on the claim makes its state final for this judgment: filing waits, or has gone before.
    Guard(
        name="evidence_joins_before_review",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[
            ("claim_state", "text"),
            ("is_found", "boolean"),
            ("is_objectors", "boolean"),
            ("most", "int"),
        ],
        func=f"""
            {_EMPTIED}
            IF TG_OP = 'UPDATE' THEN
                IF {_row("NEW", *_FACTS)} IS DISTINCT FROM {_row("OLD", *_FACTS)} THEN
                    {refuse("evidence_is_permanent", "paper %s keeps its bytes and what is said of them", "OLD.code")}
                END IF;
                -- Whether the key may change is judged by a guard of its own.
                IF NEW.removed_at IS NOT DISTINCT FROM OLD.removed_at
                   AND {_row("NEW", "key_id", "key_wrapped")} IS DISTINCT FROM {_row("OLD", "key_id", "key_wrapped")} THEN
                    RETURN NEW;
                END IF;
                IF OLD.removed_at IS NOT NULL OR NEW.removed_at IS NULL
                   OR {_row("NEW", "key_id", "key_wrapped")} IS DISTINCT FROM {_row("OLD", "key_id", "key_wrapped")} THEN
                    {refuse("evidence_is_permanent", "a paper can only be taken out, once")}
                END IF;
            END IF;
            {judged_now()}
            SELECT state INTO claim_state FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            -- What an investigator brings comes while one investigates, and nobody takes it out.
            is_found := NEW.kind = '{INVESTIGATION}';
            IF is_found AND (TG_OP = 'UPDATE' OR claim_state <> 'under_investigation' OR NOT EXISTS (
                   SELECT 1 FROM claims_investigation WHERE claim_id = NEW.claim_id AND state = 'running')) THEN
                {refuse("evidence_of_an_investigation_is_its_own", "nobody investigates this claim, or a finding would be taken out")}
            END IF;
            -- What a member lays beside an objection comes while one is open, and nobody takes it out.
            is_objectors := NEW.kind = '{OBJECTION}';
            IF is_objectors AND (TG_OP = 'UPDATE' OR claim_state <> 'objected' OR NOT EXISTS (
                   SELECT 1 FROM claims_objection WHERE claim_id = NEW.claim_id AND state = 'open')) THEN
                {refuse("evidence_of_an_objection_is_its_own", "no objection to this claim is open, or a paper of one would be taken out")}
            END IF;
            IF NOT is_found AND NOT is_objectors AND claim_state NOT IN ({_OPEN})
               AND (TG_OP = 'UPDATE' OR claim_state NOT IN ({_TAKES_PAPERS})) THEN
                {refuse("evidence_joins_before_review", "the papers of this claim are with its reviewers")}
            END IF;
            most := CASE WHEN is_objectors
                THEN {PAPERS_PER_OBJECTION} * (SELECT count(*) FROM claims_objection WHERE claim_id = NEW.claim_id)
                ELSE {PAPERS_PER_CLAIM} END;
            IF TG_OP = 'INSERT' AND (SELECT count(*) FROM claims_evidence
                                      WHERE claim_id = NEW.claim_id AND (kind = '{OBJECTION}') = is_objectors) >= most THEN
                {refuse("evidence_has_a_limit", "a claim holds at most %s papers", "most")}
            END IF;
            RETURN NEW;
        """,
    ),
    # No database can see that a key wrapped anew is the same key: whoever wraps or destroys one leaves a line.
    Guard(
        name="paper_key_changes_with_a_line",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        declare=[("claim", "claims_claim")],
        func=f"""
            {_EMPTIED}
            IF TG_OP = 'INSERT' THEN
                IF NEW.key_wrapped IS NULL THEN
                    {refuse("paper_key_changes_with_a_line", "paper %s comes without its key", "NEW.code")}
                END IF;
                RETURN NEW;
            END IF;
            IF {_row("NEW", "key_id", "key_wrapped")} IS NOT DISTINCT FROM {_row("OLD", "key_id", "key_wrapped")} THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF OLD.key_wrapped IS NULL
               OR NEW.key_wrapped IS NOT NULL AND NEW.key_id IS NOT DISTINCT FROM OLD.key_id
               OR NOT EXISTS (SELECT 1 FROM work_auditentry l WHERE l.subject = claim.code
                     AND l.action = (CASE WHEN NEW.key_wrapped IS NULL THEN '{ERASE}' ELSE '{REWRAP}' END)
                     AND l.detail->>'evidence' = OLD.code
                     AND l.detail->>'key' IS NOT DISTINCT FROM NEW.key_id) THEN
                {refuse("paper_key_changes_with_a_line", "the key of paper %s changes and no line says so", "OLD.code")}
            END IF;
            IF NEW.key_wrapped IS NULL AND NOT {needed_no_more("claim")} THEN
                {refuse("paper_is_erased_when_needed_no_more", "claim %s is %s", "claim.code", "claim.state")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("evidence_is_kept", "papers are never deleted", guarantee="evidence_is_permanent"),
]
