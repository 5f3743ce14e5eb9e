"""The jury on pages of other rooms: on a claim's own page, and on a member's place."""

import datetime as dt
from dataclasses import dataclass

from django import template

from aidplatform.lib import clock
from claims.filing.models import Claim
from claims.filing.selectors import jury_until
from claims.jury.arbiter_selectors import ArbitrationTold, arbitration_of, told
from claims.jury.models import JuryDraw, JuryVerdict
from claims.jury.selectors import current_draw, verdict_of_draw
from claims.review.selectors import public_ref

register = template.Library()


@dataclass(frozen=True)
class JuryOfClaim:
    """What a claim's page says of the jury: until when it can go there, that it could, or how its draw stands."""

    until: dt.date | None = None
    past: dt.date | None = None
    draw: JuryDraw | None = None
    verdict: JuryVerdict | None = None
    arbiter: ArbitrationTold | None = None
    ref: str = ""


@register.simple_tag
def jury_of_claim(claim: Claim) -> JuryOfClaim:
    """Return it; no query of a claim that was never refused on appeal."""
    until = jury_until(claim)
    if until is not None:
        is_open = bool(claim.aid_fen) and clock.today(claim.pool.time_zone) <= until
        return JuryOfClaim(until=until if is_open else None, past=None if is_open else until)
    draw = current_draw(claim) if claim.is_appeal else None
    if draw is None:
        one = arbitration_of(claim) if claim.is_appeal else None
        return JuryOfClaim(arbiter=told(one), ref=public_ref(claim)) if one else JuryOfClaim()
    return JuryOfClaim(draw=draw, verdict=verdict_of_draw(draw), ref=public_ref(claim))
