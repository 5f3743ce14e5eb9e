"""What people are told of a claim: its claimant every step, whoever holds the duty what waits for them.

A step orders the telling as a job in its own transaction, so that nobody is told of what did not happen, and a claim is
filed in as many statements as before, however many reviewers a pool has.
"""

import datetime as dt
from collections.abc import Iterable

from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.work import jobs
from claims.filing.models import Claim
from claims.filing.selectors import speakers_of
from claims.filing.states import INVESTIGATOR, REVIEWER, SECOND_REVIEWER, STEPS, TREASURER
from claims.publicity.selectors import award_of
from claims.review.appeals import heard_before, nobody_left
from claims.review.outside_news import news_of_wanted
from claims.review.selectors import decision_of
from members.joining.kin import people_near
from members.people import claim_words as words
from members.people.models import User
from members.people.notices import News, put_away, tell
from members.pools.models import DutyGrant, Pool

FOLLOW = "claims.follow_overdue"
SERVICE = "service"
# The state before → the state reached → what the claimant is told; before "": whatever it was.
_STEPS_TOLD: dict[tuple[str, str], str] = {
    ("", "filed"): words.CLAIM_FILED,
    ("", "papers_requested"): words.CLAIM_ASKED,
    ("filed", "under_review"): words.CLAIM_TAKEN_UP,
    ("appealed", "under_review"): words.CLAIM_TAKEN_UP,
    ("recommended", "under_review"): words.CLAIM_RETURNED,
    ("", "under_investigation"): words.CLAIM_INVESTIGATED,
    ("under_investigation", "under_review"): words.CLAIM_FINDINGS,
    ("", "approved"): words.CLAIM_APPROVED,
    ("", "rejected"): words.CLAIM_REJECTED,
    ("", "objected"): words.CLAIM_OBJECTED,
    ("objected", "in_publicity"): words.CLAIM_GOES_ON,
    ("", "overturned"): words.CLAIM_OVERTURNED,
    ("", "appealed"): words.CLAIM_APPEALED,
    ("", "refused_finally"): words.CLAIM_REFUSED_FINALLY,
    ("", "before_jury"): words.CLAIM_BEFORE_JURY,
    ("before_jury", "approved"): words.CLAIM_JURY_GRANTED,
    ("", "refused_by_jury"): words.CLAIM_JURY_REFUSED,
    ("", "awarded"): words.CLAIM_AWARDED,
    ("", "shared"): words.CLAIM_SHARED,
    ("", "paid"): words.CLAIM_PAID,
    ("", "revoked"): words.CLAIM_REVOKED,
}
# Where too few could be drawn an outside arbiter takes the jury's place.
_BY_ARBITER = {
    words.CLAIM_BEFORE_JURY: words.CLAIM_BEFORE_ARBITER,
    words.CLAIM_JURY_GRANTED: words.CLAIM_ARBITER_GRANTED,
    words.CLAIM_JURY_REFUSED: words.CLAIM_ARBITER_REFUSED,
}
# These lead to the letter of the decision, which leads to the claim.
_WITH_A_LETTER = {words.CLAIM_APPROVED, words.CLAIM_REJECTED, words.CLAIM_REFUSED_FINALLY}
# Who has a claim by a duty of the same name.
_STAFF = {REVIEWER, SECOND_REVIEWER, TREASURER}


def _duty_over(state: str) -> str:
    """Return who has a claim of that state; whoever is from outside answers to the reviewer in charge, who ends it."""
    holder = STEPS[state].holder
    return REVIEWER if holder == INVESTIGATOR else holder


# Where a person has the claim for a number of days whom somebody in the pool can hurry.
CAN_BE_LATE = [state for state, step in STEPS.items() if step.days and _duty_over(state) in _STAFF]


def told_of(before: str, state: str) -> str | None:
    """Return the kind of notice by which a claimant learns of a step; None: nothing new to them."""
    return _STEPS_TOLD.get((before, state)) or _STEPS_TOLD.get(("", state))


def tell_step(lease: jobs.Lease) -> dict[str, int]:
    """Tell of one step. payload: claim; step: its key; before, state; due: ISO date or None; is_undone: tell nobody."""
    with lease.transaction():
        claim = Claim.objects.select_related(*_WHOLE).get(pk=lease.payload["claim"])
        before, state = lease.payload["before"], lease.payload["state"]
        key = lease.payload["step"]
        params = _params(claim, state, lease.payload["due"])
        if claim.state == state:
            _put_away(claim, before)
        if lease.payload.get("is_undone"):
            return {"told": 0}
        kind = told_of(before, state)
        if kind in _BY_ARBITER and claim.arbitrations.exists():
            kind = _BY_ARBITER[kind]
        news = _to_claimant(claim, kind, key, params) if kind else []
        holder = STEPS[state].holder
        # Passed on to somebody, who has not acted yet.
        if holder in {REVIEWER, SECOND_REVIEWER} and holder != STEPS[before].holder and claim.state == state:
            people, link = _who_can(claim, holder), _link(claim, holder)
            news += [News(person, words.CLAIM_WAITS, key, params, link) for person in people]
        if claim.state == state and nobody_left(claim):
            news += news_of_wanted(claim, key)
        return {"told": tell(news, batch=f"claim/{key}", actor=SERVICE)}


_WHOLE = ("pool", "membership__person", "claimant", "reviewer", "part_of")


def _params(claim: Claim, state: str, due: str | None) -> dict[str, object]:
    """Return what the sentences say: codes, dates and amounts, nothing of the illness."""
    params: dict[str, object] = {
        "pool_en": claim.pool.name_en,
        "pool_zh": claim.pool.name_zh,
        "claim": claim.code,
        "due": due or "",
        "currency": claim.pool.currency,
    }
    if state in words.CLAIM_STEPS:
        params["claim_state"] = state
    award, decision = award_of(claim), decision_of(claim)
    if award is not None:
        params["case"] = award.code
    if decision is not None:
        params["fen"] = award.aid_fen if award is not None else decision.aid_fen
    return params


def _to_claimant(claim: Claim, kind: str, key: str, params: dict[str, object]) -> list[News]:
    """Return what whose claim it is, and whom they have named for it, are told."""
    link = reverse("claim", args=[claim.code])
    decision = decision_of(claim) if kind in _WITH_A_LETTER else None
    if decision is not None:
        link = reverse("claim_letter", args=[claim.code, decision.round])
    return [News(person, kind, key, params, link) for person in speakers_of(claim)]


def _link(claim: Claim, holder: str) -> str:
    """Return the page on which whoever has the claim acts."""
    if holder == TREASURER:
        return reverse("custody_payments", args=[claim.pool.code])
    return reverse("review_claim", args=[claim.pool.code, claim.code])


def _who_can(claim: Claim, holder: str) -> list[User]:
    """Return whoever can act on the claim now: who has taken it up, else all with the duty and no part in the case."""
    people = _holding(claim.pool, holder)
    # Who looked at it from outside, or has given the duty up, does not have it any more.
    if holder == REVIEWER and claim.reviewer in people:
        return [claim.reviewer]
    if holder == TREASURER:
        return people
    have_judged = set(claim.recommendations.values_list("reviewer", flat=True))
    have_judged |= heard_before(claim)
    have_judged |= set(claim.concurrences.values_list("decider", flat=True))
    have_judged |= set(claim.decisions.exclude(outcome="returned").values_list("decider", flat=True))
    out = {claim.claimant_id, claim.membership.person_id} | people_near(claim.membership)
    return [person for person in people if person.pk not in out and person.code not in have_judged]


def _put_away(claim: Claim, before: str) -> None:
    """Leave nobody with a claim on their list that somebody has taken on: neither who had it nor the pool admins."""
    holder = _duty_over(before)
    if holder not in _STAFF:
        return
    people = [*_holding(claim.pool, holder), *_holding(claim.pool, DutyGrant.Duty.POOL_ADMIN)]
    put_away(people=people, kinds=words.OF_REVIEWERS, subject=claim.code, at=clock.now())


def _holding(pool: Pool, duty: str) -> list[User]:
    grants = DutyGrant.objects.filter(pool=pool, duty=duty, ended_at=None)
    return list(User.objects.filter(pk__in=grants.values("person")).order_by("pk"))


def follow_overdue_due(at: dt.datetime) -> None:
    """Have each pool's claims looked at once a day has begun; doubled, late or lost ticks change nothing."""
    for pool in Pool.objects.filter(claims__state__in=CAN_BE_LATE).distinct():
        key = f"{pool.code}/{clock.day_of(at, pool.time_zone)}"
        jobs.enqueue(kind=FOLLOW, key=key, payload={"pool": pool.pk}, actor=SERVICE)


def follow_overdue(lease: jobs.Lease) -> dict[str, int]:
    """Tell of each step that is late, once: its claimant, whoever can take it, and the pool admins."""
    with lease.transaction():
        pool = Pool.objects.get(pk=lease.payload["pool"])
        late, admins = _overdue(pool, clock.today(pool.time_zone)), _holding(pool, DutyGrant.Duty.POOL_ADMIN)
        news = [one for claim in late for one in _of_late(claim, admins)]
        return {
            "late": len(late),
            "told": tell(news, batch=f"overdue/{lease.payload['pool']}", actor=SERVICE),
        }


def _overdue(pool: Pool, today: dt.date) -> list[Claim]:
    """Return the claims of a pool whose step should have been taken before today."""
    found = Claim.objects.filter(pool=pool, state__in=CAN_BE_LATE, due_date__lt=today)
    return list(found.select_related(*_WHOLE).order_by("pk"))


def _of_late(claim: Claim, admins: Iterable[User]) -> list[News]:
    due = claim.due_date.isoformat() if claim.due_date else None
    # Within a state the day moves on where somebody from outside is awaited: a link is to be made, then to be used.
    key = f"{claim.code}/{claim.state}/{claim.state_since.isoformat()}/{due}"
    params = _params(claim, claim.state, due)
    holder = _duty_over(claim.state)
    # Where nobody of the pool may take it, its admins propose somebody from outside.
    of_pool = reverse("pool", args=[claim.pool.code])
    outside = reverse("outside_review", args=[claim.pool.code, claim.code])
    links = dict.fromkeys(admins, outside if nobody_left(claim) else of_pool)
    links |= dict.fromkeys(_who_can(claim, holder), _link(claim, holder))
    told = _to_claimant(claim, words.CLAIM_LATE, key, params)
    return told + [News(person, words.CLAIM_OVERDUE, key, params, link) for person, link in links.items()]
