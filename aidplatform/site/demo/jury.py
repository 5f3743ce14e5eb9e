"""The jury of the demonstration: a refusal that an appeal left standing is judged by members drawn by lot.

Each deed looks at the rows first: done already, it is nothing.
"""

from collections.abc import Iterable

from aidplatform.lib import clock
from aidplatform.site.demo import deeds
from claims.filing.models import Claim
from claims.filing.selectors import paper_codes
from claims.jury import services
from claims.jury.exam import questions_for
from claims.jury.models import JuryDraw, JurySeat
from claims.jury.selectors import asked_witnesses, jury_in_force
from claims.jury.tasks import follow_juries_due
from claims.review import services as review
from claims.review.selectors import shown_sha256
from ledger.openbooks.draw import AGAINST, FOR, word_commitment
from members.people.models import User
from members.pools.models import Pool

# By what a witness is asked as.
WORDS = {
    "claimant": "seven red kettles on the stove",
    "pool_admin": "a late tram in the rain",
    "controller": "blue gate, wet dog",
    "treasurer": "three plums, one of them green",
    "auditor": "the ferry waits for nobody",
}
#: So many of the jurors are against the claim.
REFUSING = 3


def offer(pool: Pool, people: Iterable[User]) -> None:
    """Let members offer to be jurors, each with their questions answered rightly."""
    at = clock.now()
    version, jury = jury_in_force(pool, clock.today(pool.time_zone))
    for person in people:
        asked = questions_for(version.plan(), jury, person.code)
        answers = {one.code: one.right for one in asked}
        services.offer_to_judge(pool=pool, person=person, answers=answers, at=at)


def hear_appeal(pool: Pool, person: User) -> None:
    """Let two people who had no part refuse an appeal: the new report convinces neither."""
    claim = deeds.latest_claim(pool, person)
    if claim.state != Claim.State.APPEALED:
        return
    papers, at, hearing = paper_codes(claim), clock.now(), deeds.code_of("other_reviewer")
    review.assign_claim(claim=claim, reviewer=hearing, at=at)
    review.recommend(
        claim=claim, reviewer=hearing, outcome="rejected", aid_fen=0, clause="aid", papers=papers, at=at,
        reason="The corrected report still names a nodule of uncertain kind.",
    )  # fmt: skip
    claim.refresh_from_db()
    review.decide(
        claim=claim, decider=deeds.code_of("third_reviewer"), outcome="rejected", clause="aid", papers=papers, at=at,
        reason="I have read both reports and agree.", shown_sha256=shown_sha256(claim),
    )  # fmt: skip


def take(pool: Pool, person: User) -> None:
    """Let the claimant take the refusal to the jury, and all who are asked commit to words that nobody knows."""
    claim = deeds.latest_claim(pool, person)
    if claim.state == Claim.State.REFUSED_FINALLY:
        services.take_to_jury(
            claim=claim,
            claimant=person.code,
            statement="Both reports are of the same tissue. The second one names the illness, and it is signed.",
            shows_reasons=True,
            shows_appeal=True,
            at=clock.now(),
        )
    draw = _draw(claim, JuryDraw.State.CALLED)
    if draw is None:
        return
    for witness, role in asked_witnesses(claim).items():
        if not draw.witnesses.filter(person=witness).exists():
            asked, commitment = User.objects.get(pk=witness), word_commitment(WORDS[role])
            services.commit_to_words(draw=draw, person=asked, commitment=commitment, at=clock.now())


def tell_words(pool: Pool, person: User) -> None:
    """Let the witnesses tell their words, from which the jurors are drawn."""
    draw = _draw(deeds.latest_claim(pool, person), JuryDraw.State.COMMITTED)
    if draw is None:
        return
    for one in draw.witnesses.filter(words=None).select_related("person"):
        services.tell_words(draw=draw, person=one.person, words=WORDS[one.role], at=clock.now())


def vote(pool: Pool, person: User) -> None:
    """Let every juror who is seated vote; most find that the illness is proven."""
    draw = _draw(deeds.latest_claim(pool, person), JuryDraw.State.DRAWN)
    if draw is None:
        return
    seats = draw.drawn.filter(state=JurySeat.State.SEATED).select_related("person").order_by("number")
    for place, seat in enumerate(seats):
        if not hasattr(seat, "ballot"):
            ballot = AGAINST if place < REFUSING else FOR
            services.cast_ballot(seat=seat, juror=seat.person, vote=ballot, at=clock.now())


def close(_pool: Pool, _person: User) -> None:
    """Open the ballots once the hours for voting are over."""
    follow_juries_due()


def _draw(claim: Claim, state: str) -> JuryDraw | None:
    return claim.jury_draws.filter(state=state).select_related("claim__pool", "claim__plan_version").first()
