"""Guards of the jury: who takes a case there, who is drawn, what a ballot is, and what a verdict follows."""

import pgtrigger

from aidplatform.lib.guards import Guard, follows_order, judged_now, kept, permanent, refuse
from claims.filing.aid_sql import granted_before, lock_member
from claims.filing.appeal_sql import jury_until
from claims.filing.deputy_sql import speaks_for_claim_sql
from claims.filing.triggers import CLAIMED_BY
from claims.jury.eligible_sql import (
    can_be_drawn_sql,
    has_a_part_sql,
    is_near_sql,
    is_ready_sql,
    jury_of,
    logged_sql,
    ref_sql,
)
from ledger.openbooks.draw import DOMAIN, LEAST_REVEALS, LEAST_WITNESSES
from members.people.erasure_sql import facts_until_erased
from members.pools.jury_terms import LEAST_ELIGIBLE

# Who witnesses a draw beside the claimant: duties that decide on no claim.
WITNESSING = ("pool_admin", "controller", "treasurer", "auditor")
_WITNESSING = ", ".join(f"'{duty}'" for duty in WITNESSING)
_KEY = f"""{ref_sql("claim")} || '/' || draw.stage"""
_DRAW_AND_CLAIM = """SELECT * INTO draw FROM claims_jurydraw WHERE id = NEW.draw_id FOR NO KEY UPDATE;
            SELECT * INTO claim FROM claims_claim WHERE id = draw.claim_id;"""
_DECLARED = [("draw", "claims_jurydraw"), ("claim", "claims_claim")]

juror_guards = [
    Guard(
        name="juror_is_a_member",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF NOT EXISTS (SELECT 1 FROM members_membership m
                            WHERE m.pool_id = NEW.pool_id AND m.person_id = NEW.person_id) THEN
                {refuse("juror_is_a_member", "person %s is no member of this pool", "NEW.person_id")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="juror_steps_back_once",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
               OR (NEW.pool_id, NEW.person_id, NEW.plan_version_id, NEW.right_answers, NEW.offered_at) IS DISTINCT FROM
                  (OLD.pool_id, OLD.person_id, OLD.plan_version_id, OLD.right_answers, OLD.offered_at) THEN
                {refuse("juror_steps_back_once", "an offer is only ended, once")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("jurors_are_kept", "offers are ended, never deleted", guarantee="juror_steps_back_once"),
]

case_guards = [
    *facts_until_erased("jury_case_is_permanent", CLAIMED_BY, statement_sealed="NEW.statement_sealed = ''"),
    Guard(
        name="jury_hears_what_an_appeal_refused",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim"), ("until", "date"), ("today", "date")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF NOT {speaks_for_claim_sql("claim", "(SELECT id FROM members_user WHERE code = NEW.taken_by)")} THEN
                {refuse("jury_is_asked_by_the_claimant", "%s does not speak for claim %s", "NEW.taken_by", "claim.code")}
            END IF;
            IF claim.state <> 'refused_finally' OR coalesce(claim.aid_fen, 0) = 0 THEN
                {refuse("jury_hears_what_an_appeal_refused", "claim %s was not refused on appeal, or its plan grants nothing", "claim.code")}
            END IF;
            until := {jury_until("claim")};
            SELECT (aid_now() AT TIME ZONE time_zone)::date INTO today FROM members_pool WHERE id = claim.pool_id;
            IF until IS NULL OR today > until THEN
                {refuse("jury_is_asked_in_time", "claim %s could go before the jury until %s", "claim.code", "coalesce(until::text, '-')")}
            END IF;
            NEW.taken_at := aid_now();
            RETURN NEW;
        """,
    ),
]

_LIST = ("claim_id", "stage", "eligible", "head", "size", "seats", "reserves", "quorum", "called_at")


def _row(prefix: str) -> str:
    return "(" + ", ".join(f"{prefix}.{column}" for column in _LIST) + ")"


draw_guards = [
    follows_order(
        "draw_follows_its_order",
        "state",
        {
            "called": ("committed", "dropped"),
            "committed": ("drawn", "failed", "dropped"),
            "drawn": ("tallied", "dropped"),
        },
        first="called",
    ),
    # A draw is made anew only where the one before came to nothing because the witnesses kept silent.
    Guard(
        name="one_draw_per_case",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("claim", "claims_claim"), ("found", "int")],
        func=f"""
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id FOR NO KEY UPDATE;
            IF EXISTS (SELECT 1 FROM claims_arbitration WHERE claim_id = NEW.claim_id) THEN
                {refuse("arbiter_decides_where_no_jury_can_be_drawn", "an arbiter decides on claim %s", "claim.code")}
            END IF;
            IF claim.state <> 'before_jury' OR EXISTS (
                   SELECT 1 FROM claims_jurydraw WHERE claim_id = NEW.claim_id AND state <> 'failed')
               OR NEW.stage <> 1 + (SELECT count(*) FROM claims_jurydraw WHERE claim_id = NEW.claim_id) THEN
                {refuse("one_draw_per_case", "claim %s has its draw, or none is due", "claim.code")}
            END IF;
            IF NEW.size < {LEAST_ELIGIBLE} THEN
                {refuse("jury_takes_enough_people", "%s can be drawn, {LEAST_ELIGIBLE} at least", "NEW.size")}
            END IF;
            -- A list may say anything; a draw that is made anew takes the list of the one before.
            IF NEW.stage = 1 THEN
                {can_be_drawn_sql("claim", LEAST_ELIGIBLE, "found")}
                IF found < {LEAST_ELIGIBLE} THEN
                    {refuse("jury_takes_enough_people", "%s can be drawn, {LEAST_ELIGIBLE} at least", "found")}
                END IF;
            END IF;
            IF octet_length(NEW.eligible) <> 32 * NEW.size OR NEW.head IS DISTINCT FROM sha256(
                   convert_to('{DOMAIN.decode()}/list', 'UTF8') || int8send(NEW.size) || NEW.eligible) THEN
                {refuse("draw_list_is_its_head", "the head is not of the %s names", "NEW.size")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="draw_moves_on_its_evidence",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=[
            ("claim", "claims_claim"),
            ("words", "int"),
            ("told", "int"),
            ("logged", "jsonb"),
            ("draw", "claims_jurydraw"),
        ],
        func=f"""
            IF {_row("NEW")} IS DISTINCT FROM {_row("OLD")} OR OLD.reveal_until_at IS NOT NULL
               AND NEW.reveal_until_at IS DISTINCT FROM OLD.reveal_until_at
               OR OLD.closes_at IS NOT NULL AND NEW.closes_at IS DISTINCT FROM OLD.closes_at THEN
                {refuse("draw_keeps_its_list", "list, figures and instants of a draw stay")}
            END IF;
            IF NEW.state = OLD.state OR NEW.state = 'dropped' AND (
                   SELECT state FROM claims_claim WHERE id = NEW.claim_id) = 'withdrawn' THEN
                RETURN NEW;
            END IF;
            {judged_now()}
            SELECT * INTO claim FROM claims_claim WHERE id = NEW.claim_id;
            draw := NEW;
            SELECT count(*), count(w.words) INTO words, told FROM claims_jurywitness w WHERE w.draw_id = NEW.id;
            IF NEW.state = 'committed' THEN
                logged := {logged_sql("claim", "draw.commit", _KEY)};
                IF words < {LEAST_WITNESSES} OR logged->>'head' IS DISTINCT FROM encode(NEW.head, 'hex')
                   OR (logged->>'n')::int <> NEW.size OR NEW.reveal_until_at IS NULL
                   OR jsonb_array_length(logged#>'{{beacon,witnesses}}') <> words THEN
                    {refuse("draw_moves_on_its_evidence", "%s witnesses, or the log does not say what is drawn from", "words")}
                END IF;
            ELSIF NEW.state = 'drawn' THEN
                IF told < {LEAST_REVEALS} OR NEW.closes_at IS NULL
                   OR (told < words AND aid_now() < NEW.reveal_until_at)
                   OR {logged_sql("claim", "draw.result", _KEY)} IS NULL THEN
                    {refuse("draw_moves_on_its_evidence", "%s of %s witnesses have told their words", "told", "words")}
                END IF;
            ELSIF NEW.state = 'failed' THEN
                IF told >= {LEAST_REVEALS} OR aid_now() < NEW.reveal_until_at THEN
                    {refuse("draw_moves_on_its_evidence", "%s witnesses have told their words", "told")}
                END IF;
            ELSIF NEW.state = 'tallied' THEN
                IF NOT EXISTS (SELECT 1 FROM claims_juryverdict WHERE draw_id = NEW.id) THEN
                    {refuse("draw_moves_on_its_evidence", "there is no verdict")}
                END IF;
            ELSE
                {refuse("draw_moves_on_its_evidence", "the claimant has not taken the claim back")}
            END IF;
            RETURN NEW;
        """,
    ),
    kept("draws_are_kept", "draws are never deleted", guarantee="draw_keeps_its_list"),
]

witness_guards = [
    Guard(
        name="witness_is_asked",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=_DECLARED,
        func=f"""
            {judged_now()}
            {_DRAW_AND_CLAIM}
            IF draw.state <> 'called' OR NEW.words IS NOT NULL OR NEW.number <> 1 + (
                   SELECT count(*) FROM claims_jurywitness WHERE draw_id = NEW.draw_id) THEN
                {refuse("witness_commits_before_the_draw", "the hashes of this draw are in the log already")}
            END IF;
            IF NOT (NEW.role = 'claimant' AND {speaks_for_claim_sql("claim", "NEW.person_id")}
                    OR NEW.role IN ({_WITNESSING}) AND EXISTS (
                           SELECT 1 FROM members_dutygrant g WHERE g.person_id = NEW.person_id AND g.duty = NEW.role
                              AND g.pool_id = claim.pool_id AND g.ended_at IS NULL)) THEN
                {refuse("witness_is_asked", "person %s is no %s here", "NEW.person_id", "NEW.role")}
            END IF;
            -- Of those who speak for a claim one alone, so that its side has one word among three.
            IF NEW.role = 'claimant' AND EXISTS (
                   SELECT 1 FROM claims_jurywitness WHERE draw_id = NEW.draw_id AND role = 'claimant'
                      AND person_id <> NEW.person_id) THEN
                {refuse("witness_is_asked", "somebody else speaks for the claimant in this draw", "NEW.role")}
            END IF;
            NEW.committed_at := aid_now();
            RETURN NEW;
        """,
    ),
    Guard(
        name="witness_words_fit_their_hash",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=_DECLARED,
        func=f"""
            {judged_now()}
            {_DRAW_AND_CLAIM}
            IF OLD.words IS NOT NULL OR NEW.words IS NULL
               OR (NEW.draw_id, NEW.number, NEW.person_id, NEW.role, NEW.commitment, NEW.committed_at) IS DISTINCT FROM
                  (OLD.draw_id, OLD.number, OLD.person_id, OLD.role, OLD.commitment, OLD.committed_at) THEN
                {refuse("witness_tells_once", "words are told once, and stay")}
            END IF;
            IF sha256(convert_to(NEW.words, 'UTF8')) <> NEW.commitment THEN
                {refuse("witness_words_fit_their_hash", "these are other words than those of witness %s", "NEW.number")}
            END IF;
            IF draw.state <> 'committed' OR aid_now() >= draw.reveal_until_at THEN
                {refuse("witness_tells_in_time", "words of this draw are not taken now")}
            END IF;
            NEW.told_at := aid_now();
            RETURN NEW;
        """,
    ),
    kept("witnesses_are_kept", "witnesses are never deleted", guarantee="witness_tells_once"),
]

seat_guards = [
    follows_order(
        "seat_follows_its_order",
        "state",
        {"reserve": ("seated", "passed_over"), "seated": ("declined",)},
        first="reserve",
    ),
    Guard(
        name="seat_is_as_drawn",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[*_DECLARED, ("drawn", "jsonb")],
        func=f"""
            {judged_now()}
            {_DRAW_AND_CLAIM}
            drawn := {logged_sql("claim", "draw.result", _KEY)}->'drawn'->(NEW.number - 1);
            IF draw.state <> 'drawn' OR drawn IS DISTINCT FROM
                   jsonb_build_array(NEW.index, encode(substring(draw.eligible FROM NEW.index * 32 + 1 FOR 32), 'hex'))
               OR sha256(convert_to('{DOMAIN.decode()}/juror', 'UTF8') || NEW.salt || convert_to(
                      (SELECT code FROM members_user WHERE id = NEW.person_id), 'UTF8'))
                  IS DISTINCT FROM substring(draw.eligible FROM NEW.index * 32 + 1 FOR 32) THEN
                {refuse("seat_is_as_drawn", "seat %s is somebody else's by the log", "NEW.number")}
            END IF;
            RETURN NEW;
        """,
    ),
    Guard(
        name="juror_is_eligible",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        declare=_DECLARED,
        func=f"""
            {judged_now()}
            {_DRAW_AND_CLAIM}
            IF (NEW.draw_id, NEW.number, NEW.index, NEW.person_id, NEW.salt) IS DISTINCT FROM
               (OLD.draw_id, OLD.number, OLD.index, OLD.person_id, OLD.salt) THEN
                {refuse("seat_is_as_drawn", "seat %s stays whose it is", "OLD.number")}
            END IF;
            IF draw.state <> 'drawn' OR aid_now() >= draw.closes_at THEN
                {refuse("seats_change_before_the_closing", "the voting is over")}
            END IF;
            IF NEW.state = 'declined' AND EXISTS (SELECT 1 FROM claims_juryballot WHERE seat_id = NEW.id) THEN
                {refuse("ballot_is_permanent", "seat %s has voted", "NEW.number")}
            END IF;
            IF OLD.state = 'reserve' AND (
                   EXISTS (SELECT 1 FROM claims_juryseat s
                            WHERE s.draw_id = NEW.draw_id AND s.state = 'reserve' AND s.number < NEW.number)
                OR NEW.state = 'seated' AND draw.seats <= (
                       SELECT count(*) FROM claims_juryseat s WHERE s.draw_id = NEW.draw_id AND s.state = 'seated')) THEN
                {refuse("reserves_follow_in_order", "it is not the turn of seat %s", "NEW.number")}
            END IF;
            IF NEW.state = 'seated' AND OLD.state <> 'seated' THEN
                IF {is_near_sql("claim", "NEW.person_id")} THEN
                    {refuse("juror_is_not_near", "seat %s is of somebody near to the case", "NEW.number")}
                END IF;
                IF {has_a_part_sql("claim", "NEW.person_id")} THEN
                    {refuse("juror_had_no_part", "seat %s is of somebody with a duty or a part in the case", "NEW.number")}
                END IF;
                IF NOT {is_ready_sql("claim", "NEW.person_id")} THEN
                    {refuse("juror_is_eligible", "seat %s is of somebody who cannot be a juror now", "NEW.number")}
                END IF;
            END IF;
            RETURN NEW;
        """,
    ),
    kept("seats_are_kept", "seats are never deleted", guarantee="seat_is_as_drawn"),
]

ballot_guards = [
    *permanent("ballot_is_permanent"),
    Guard(
        name="ballot_is_by_a_seated_juror",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[("draw", "claims_jurydraw"), ("seat", "claims_juryseat"), ("claim_state", "text")],
        func=f"""
            {judged_now()}
            SELECT * INTO seat FROM claims_juryseat WHERE id = NEW.seat_id FOR NO KEY UPDATE;
            SELECT * INTO draw FROM claims_jurydraw WHERE id = seat.draw_id FOR NO KEY UPDATE;
            SELECT state INTO claim_state FROM claims_claim WHERE id = draw.claim_id;
            IF seat.state <> 'seated' THEN
                {refuse("ballot_is_by_a_seated_juror", "seat %s is %s", "seat.number", "seat.state")}
            END IF;
            IF draw.state <> 'drawn' OR aid_now() >= draw.closes_at OR claim_state <> 'before_jury' THEN
                {refuse("ballot_comes_before_the_closing", "the voting is over")}
            END IF;
            NEW.cast_at := aid_now();
            RETURN NEW;
        """,
    ),
]

verdict_guards = [
    *permanent("verdict_is_permanent"),
    # Counted again from the openings in the log, each held against what was published when it was cast.
    Guard(
        name="verdict_follows_the_tally",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        declare=[
            *_DECLARED,
            ("tally", "jsonb"),
            ("votes", "int"),
            ("granting", "int"),
            ("threshold", "int"),
            ("inclusive", "bool"),
            ("left_over", "bigint"),
        ],
        func=f"""
            {judged_now()}
            {_DRAW_AND_CLAIM}
            tally := {logged_sql("claim", "jury.tally", ref_sql("claim"))};
            IF draw.state <> 'drawn' OR aid_now() < draw.closes_at OR claim.state <> 'before_jury' OR tally IS NULL THEN
                {refuse("ballots_open_at_the_closing", "claim %s has no tally yet", "claim.code")}
            END IF;
            IF EXISTS (
                SELECT 1 FROM (SELECT s.number, b.commitment FROM claims_juryballot b
                                 JOIN claims_juryseat s ON s.id = b.seat_id WHERE s.draw_id = draw.id) cast_
                  FULL JOIN (SELECT (one->>0)::int AS number, one FROM jsonb_array_elements(tally->'ballots') one) opened
                    ON opened.number = cast_.number
                 WHERE (encode(cast_.commitment, 'hex'), cast_.commitment) IS DISTINCT FROM
                       (one->>1, sha256(decode(one->>2, 'hex') || convert_to(one->>3, 'UTF8')))) THEN
                {refuse("votes_open_as_they_were_cast", "the tally of claim %s opens other votes", "claim.code")}
            END IF;
            SELECT count(*), count(*) FILTER (WHERE one->>3 = 'for') INTO votes, granting
              FROM jsonb_array_elements(tally->'ballots') one;
            threshold := {jury_of("claim", "threshold_permille")};
            SELECT (terms#>>'{{jury,inclusive}}')::bool INTO inclusive FROM members_planversion WHERE id = claim.plan_version_id;
            IF (NEW.votes_for, NEW.votes_against, NEW.outcome) IS DISTINCT FROM (granting, votes - granting,
                   CASE WHEN votes < draw.quorum OR votes = 0 THEN 'no_quorum'
                        WHEN granting * 1000 > votes * threshold OR inclusive AND granting * 1000 = votes * threshold
                        THEN 'granted' ELSE 'refused' END) THEN
                {refuse("verdict_follows_the_tally", "%s of %s votes, a quorum of %s", "granting", "votes", "draw.quorum")}
            END IF;
            IF NEW.aid_fen > claim.aid_fen OR (NEW.outcome = 'granted') <> (NEW.aid_fen > 0) THEN
                {refuse("verdict_grants_what_the_plan_gives", "aid %s, the plan gives %s", "NEW.aid_fen", "claim.aid_fen")}
            END IF;
            {lock_member("claim.membership_id")}
            SELECT (terms->>'lifetime_cap_fen')::bigint - {granted_before("claim.membership_id", "claim.id")}
              INTO left_over FROM members_planversion WHERE id = claim.plan_version_id;
            IF NEW.aid_fen > greatest(left_over, 0) AND left_over IS NOT NULL THEN
                {refuse("aid_within_lifetime_cap", "aid %s; earlier cases leave %s", "NEW.aid_fen", "left_over")}
            END IF;
            RETURN NEW;
        """,
    ),
]
