"""How a draw goes on: the list, the witnesses' hashes, the draw itself, reserves, the opening of the ballots.

Each step states itself in the log in its own transaction. What waits for time is taken on by a job.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit, jobs
from claims.filing.models import Claim
from claims.filing.selectors import lifetime_left
from claims.filing.services import step_claim
from claims.jury.models import JuryBallot, JuryDraw, JurySeat, JuryVerdict
from claims.jury.selectors import (
    asked_witnesses,
    draw_ref,
    eligible_for,
    jury_terms_of,
    names_in,
    people_of_list,
    salt_of,
)
from claims.publicity.services import publish_case
from claims.review.selectors import payee_commitment, public_ref
from ledger.openbooks import services as openbooks
from ledger.openbooks.canonical import instant
from ledger.openbooks.draw import (
    FOR,
    GRANTED,
    LEAST_REVEALS,
    LEAST_WITNESSES,
    WITHDRAWN,
    draw_indices,
    draw_seed,
    juror_commitment,
    list_head,
    mixed,
    panel_for,
    verdict_of,
)
from ledger.openbooks.models import LogEntry
from members.joining.again import lock_member
from members.pools.jury_terms import JuryTerms
from members.pools.models import Pool

SERVICE = "service"
TELL = "claims.tell_jury"
# For committing and for telling; whoever is asked lives with other duties.
COMMIT_TIME = dt.timedelta(days=3)
REVEAL_TIME = dt.timedelta(days=3)


def locked_draw(draw: JuryDraw) -> JuryDraw:
    """Lock a draw's claim and then the draw."""
    Claim.objects.select_for_update(of=["self"], no_key=True).get(pk=draw.claim_id)
    return (
        JuryDraw.objects.select_for_update(of=["self"], no_key=True)
        .select_related("claim__pool", "claim__plan_version", "claim__membership", "claim__claimant")
        .get(pk=draw.pk)
    )


def call_draw(*, claim: Claim, stage: int, codes: Iterable[str], at: dt.datetime) -> JuryDraw:
    """Make the list of these people for a locked claim, and ask the witnesses to commit to words."""
    jury, ref = _jury(claim), draw_ref(claim, stage)
    names = sorted(juror_commitment(salt_of(ref, code), code) for code in codes)
    panel = panel_for(
        eligible=len(names),
        seats=jury.seats,
        reserves=jury.reserves,
        quorum=jury.quorum,
        quorum_permille=jury.quorum_permille,
    )
    draw = JuryDraw.objects.create(
        claim=claim,
        stage=stage,
        eligible=b"".join(names),
        head=list_head(names),
        size=len(names),
        seats=panel.seats,
        reserves=panel.reserves,
        quorum=panel.quorum,
        called_at=at,
        commit_until_at=at + COMMIT_TIME,
    )
    tell(draw, "witness")
    return draw


def go_on(draw: JuryDraw, at: dt.datetime) -> None:
    """Take a locked draw a step further where the time for it has come; otherwise leave it."""
    if draw.state not in JuryDraw.RUNNING:
        return
    if draw.claim.state == Claim.State.WITHDRAWN:
        _drop(draw, at)
    elif draw.state == JuryDraw.State.CALLED:
        _commit_if_due(draw, at)
    elif draw.state == JuryDraw.State.COMMITTED:
        _draw_if_due(draw, at)
    elif draw.closes_at is not None and at >= draw.closes_at:
        _close(draw, at)


@transaction.atomic
def follow_draw(*, draw: JuryDraw, at: dt.datetime) -> str:
    """Take a draw on by time, as often as called: what is done already is not done again. Returns its state."""
    Pool.objects.select_for_update(no_key=True).get(pk=draw.claim.pool_id)
    draw = locked_draw(draw)
    go_on(draw, at)
    return str(draw.state)


def _commit_if_due(draw: JuryDraw, at: dt.datetime) -> None:
    """State list and hashes in the log once all who are asked have committed, or at the end of the days enough have."""
    witnesses = list(draw.witnesses.order_by("number"))
    everyone = set(asked_witnesses(draw.claim)) <= {one.person_id for one in witnesses}
    if len(witnesses) < LEAST_WITNESSES or not (everyone or at >= draw.commit_until_at):
        return
    jury = _jury(draw.claim)
    draw.reveal_until_at = at + REVEAL_TIME
    assert draw.claim.plan_version is not None
    body = {
        **_head_of(draw),
        "version": draw.claim.plan_version.number,
        "rule": jury.to_json(),
        "head": bytes(draw.head).hex(),
        "n": draw.size,
        "seats": draw.seats,
        "reserves": draw.reserves,
        "quorum": draw.quorum,
        "beacon": {
            "kind": "commit_reveal",
            # Staff sign everything by their codes; whose case it is nobody is told.
            "witnesses": [
                {
                    "number": one.number,
                    "as": one.role,
                    "commit": bytes(one.commitment).hex(),
                    **({} if one.role == "claimant" else {"who": one.person.code}),
                }
                for one in draw.witnesses.select_related("person").order_by("number")
            ],
            "reveal_until": instant(draw.reveal_until_at),
            "least": LEAST_REVEALS,
            "fallback": "without those who keep silent; with fewer than the least the draw is made anew",
        },
    }
    _log(draw, "draw.commit", draw_ref(draw.claim, draw.stage), body, at)
    draw.state = JuryDraw.State.COMMITTED
    draw.save(update_fields=["state", "reveal_until_at"])
    audit.record(actor=SERVICE, action="commit_draw", subject=draw_ref(draw.claim, draw.stage))
    tell(draw, "words")


def _draw_if_due(draw: JuryDraw, at: dt.datetime) -> None:
    """Draw once all words are told, or at the end of their days enough are; with fewer the draw is made anew."""
    witnesses = list(draw.witnesses.order_by("number"))
    told = [one.words for one in witnesses if one.words is not None]
    assert draw.reveal_until_at is not None
    if len(told) < len(witnesses) and at < draw.reveal_until_at:
        return
    missing = [one.number for one in witnesses if one.words is None]
    if len(told) < LEAST_REVEALS:
        _log(draw, "incident", draw_ref(draw.claim, draw.stage), {**_head_of(draw), "missing": missing}, at)
        draw.state = JuryDraw.State.FAILED
        draw.save(update_fields=["state"])
        audit.record(actor=SERVICE, action="fail_draw", subject=draw_ref(draw.claim, draw.stage))
        # The same people, under other names; who cannot be a juror any more is passed over then.
        people = people_of_list(draw)
        codes = [people[name].code for name in names_in(draw)]
        call_draw(claim=draw.claim, stage=draw.stage + 1, codes=codes, at=at)
        return
    _draw(draw, mixed(told), missing, at)


def _draw(draw: JuryDraw, randomness: bytes, missing: list[int], at: dt.datetime) -> None:
    """Draw seats and reserves, state both, and seat whoever can still be a juror."""
    ref = draw_ref(draw.claim, draw.stage)
    commit = LogEntry.objects.get(log__code=draw.claim.pool.code, type="draw.commit", key=ref)
    seed = draw_seed(bytes(commit.leaf_hash), randomness)
    names, people = names_in(draw), people_of_list(draw)
    drawn = draw_indices(seed, draw.size, draw.seats + draw.reserves)
    body = {
        **_head_of(draw),
        "missing": missing,
        "randomness": randomness.hex(),
        "seed": seed.hex(),
        "drawn": [[index, names[index].hex()] for index in drawn],
    }
    _log(draw, "draw.result", ref, body, at)
    draw.state, draw.closes_at = JuryDraw.State.DRAWN, at + dt.timedelta(hours=_jury(draw.claim).voting_hours)
    draw.save(update_fields=["state", "closes_at"])
    for number, index in enumerate(drawn, start=1):
        person = people[names[index]]
        JurySeat.objects.create(
            draw=draw, number=number, index=index, person=person, salt=salt_of(ref, person.code)
        )
    ready = _ready(draw)
    for seat in draw.drawn.order_by("number")[: draw.seats]:
        if seat.person_id in ready:
            _set(seat, JurySeat.State.SEATED)
        else:
            _set(seat, JurySeat.State.PASSED_OVER)
    for seat in draw.drawn.filter(state=JurySeat.State.PASSED_OVER).order_by("number"):
        replace(draw, seat, "not_eligible", at)
    failpoint("claims.jury_drawn")
    draw.claim.due_date = clock.day_of(draw.closes_at, draw.claim.pool.time_zone)
    draw.claim.save(update_fields=["due_date"])
    audit.record(actor=SERVICE, action="draw_jury", subject=draw.claim.code, stage=draw.stage)
    tell(draw, "seat")


def replace(draw: JuryDraw, out: JurySeat, why: str, at: dt.datetime) -> None:
    """Let the next reserve who can still be a juror take the place of somebody, and state each step in the log."""
    ready, ref = _ready(draw), draw_ref(draw.claim, draw.stage)
    while True:
        reserve = draw.drawn.filter(state=JurySeat.State.RESERVE).order_by("number").first()
        body: dict[str, Any] = {**_head_of(draw), "out": out.number, "why": why}
        if reserve is not None:
            body["by"] = reserve.number
        _log(draw, "draw.replace", f"{ref}/{out.number}", body, at)
        if reserve is None:
            return
        if reserve.person_id in ready:
            _set(reserve, JurySeat.State.SEATED)
            tell(draw, "seat")
            return
        _set(reserve, JurySeat.State.PASSED_OVER)
        out, why = reserve, "not_eligible"


def _ready(draw: JuryDraw) -> set[int]:
    return {pk for pk, _code in eligible_for(draw.claim)}


def _set(seat: JurySeat, state: str) -> None:
    seat.state = state
    seat.save(update_fields=["state"])


def _close(draw: JuryDraw, at: dt.datetime) -> None:
    """Open every ballot, state the tally, and take the claim where the verdict sends it."""
    claim, jury = draw.claim, _jury(draw.claim)
    ballots = JuryBallot.objects.filter(seat__draw=draw).select_related("seat").order_by("seat__number")
    opened = [_opened(one) for one in ballots]
    votes_for = sum(vote == FOR for *_seat, vote in opened)
    votes_against = len(opened) - votes_for
    outcome = verdict_of(
        votes_for=votes_for,
        votes_against=votes_against,
        quorum=draw.quorum,
        threshold_permille=jury.threshold_permille,
        inclusive=jury.inclusive,
    )
    counts = {"for": votes_for, "against": votes_against, "outcome": outcome}
    body = {**_head_of(draw), **counts, "quorum": draw.quorum, "ballots": opened}
    _log(draw, "jury.tally", public_ref(claim), body, at)
    JuryVerdict.objects.create(
        draw=draw,
        outcome=outcome,
        votes_for=votes_for,
        votes_against=votes_against,
        aid_fen=aid_of(claim) if outcome == GRANTED else 0,
        decided_at=at,
    )
    draw.state = JuryDraw.State.TALLIED
    draw.save(update_fields=["state"])
    failpoint("claims.jury_tallied")
    audit.record(actor=SERVICE, action="jury_verdict", subject=claim.code, outcome=outcome)
    _step(draw, at)
    tell(draw, "verdict")


def _opened(ballot: JuryBallot) -> list[Any]:
    """Return seat, published hash, salt and vote of a ballot."""
    salt, _colon, vote = unseal_text(bytes(ballot.vote_sealed), ballot.context).partition(":")
    return [ballot.seat.number, bytes(ballot.commitment).hex(), salt, vote]


def aid_of(claim: Claim) -> int:
    """Return what the plan gives, or what other cases have left of the most for one person."""
    lock_member(claim.membership_id)
    left = lifetime_left(claim)
    return claim.aid_fen or 0 if left is None else min(claim.aid_fen or 0, left)


def _step(draw: JuryDraw, at: dt.datetime) -> None:
    """Take the claim to publicity with the aid of the verdict, or refuse it for good."""
    claim, verdict = draw.claim, draw.verdict
    if verdict.outcome != GRANTED:
        step_claim(claim, Claim.State.REFUSED_BY_JURY, at)
        return
    grant(claim, verdict.aid_fen, at, jury=draw_ref(claim, draw.stage))


def grant(claim: Claim, aid_fen: int, at: dt.datetime, **by: str) -> None:
    """Take a claim to publicity with the aid of a verdict. by: whose, as the log names it."""
    step_claim(claim, Claim.State.APPROVED, at)
    openbooks.append(
        code=claim.pool.code,
        entry_type="claim.decide",
        key=f"{public_ref(claim)}/jury",
        body={
            "ref": public_ref(claim),
            "round": claim.round,
            "outcome": "approved",
            "aid": aid_fen,
            "clause": "aid",
            "payee": payee_commitment(claim),
            "on_appeal": True,
            **by,
        },
        at=at,
    )
    # In the same transaction: a grant that no award carries yet would be missing from the member's lifetime limit.
    publish_case(claim=claim, granted_fen=aid_fen, at=at)


def _drop(draw: JuryDraw, at: dt.datetime) -> None:
    """Call a draw off whose claim was taken back; what the log has begun it ends, and no ballot is opened."""
    if draw.state != JuryDraw.State.CALLED:
        body = {**_head_of(draw), "outcome": WITHDRAWN}
        _log(draw, "jury.tally", public_ref(draw.claim), body, at)
    was_drawn = draw.state == JuryDraw.State.DRAWN
    draw.state = JuryDraw.State.DROPPED
    draw.save(update_fields=["state"])
    audit.record(actor=SERVICE, action="drop_draw", subject=draw_ref(draw.claim, draw.stage))
    if was_drawn:
        tell(draw, "off")


def tell(draw: JuryDraw, what: str) -> None:
    """Order the telling of a step of a draw: witness, words, seat, verdict or off."""
    count = draw.drawn.exclude(state=JurySeat.State.RESERVE).count()
    jobs.enqueue(
        kind=TELL,
        key=f"{draw.claim.code}/{draw.stage}/{what}/{count}",
        payload={"draw": draw.pk, "what": what},
        actor=SERVICE,
    )


def _head_of(draw: JuryDraw) -> dict[str, Any]:
    return {"ref": public_ref(draw.claim), "stage": draw.stage}


def _log(draw: JuryDraw, entry_type: str, key: str, body: dict[str, Any], at: dt.datetime) -> None:
    openbooks.append(code=draw.claim.pool.code, entry_type=entry_type, key=key, body=body, at=at)


def _jury(claim: Claim) -> JuryTerms:
    jury = jury_terms_of(claim)
    assert jury is not None, claim.code
    return jury
