"""A pool whose plan knows a jury: members who offer to judge, and a case on every step of its way before them."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any, Self

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import AppealCases
from aidplatform.testing.world import World, run_jobs, set_clock
from claims.filing.models import Claim
from claims.jury import services
from claims.jury.models import Juror, JuryDraw, JurySeat
from claims.jury.tasks import follow_juries_due
from ledger.sharing.services import log_version
from members.joining.services import admit_member
from members.people.models import User
from members.pools.selectors import newest_plan

JURY = {
    "tenure_days": 30,
    "seats": 5,
    "reserves": 4,
    "quorum": 3,
    "threshold_permille": 500,
    "inclusive": True,
    "voting_hours": 72,
    "take_days": 30,
}
WORDS = {
    "claimant": "seven red kettles",
    "pool_admin": "a late tram in the rain",
    "controller": "blue gate, wet dog",
}


@dataclass
class JuryCases(AppealCases):
    """The same with members who have offered to judge."""

    jurors: list[User] = field(default_factory=list)

    @classmethod
    def founded(cls, world: World | None = None, **terms: Any) -> Self:
        """Admit members with accounts who have all offered to be jurors: 32, or as many as `offering` says."""
        offering = terms.pop("offering", 32)
        terms = {"appeal_days": 30, "jury": JURY} | terms
        cases = super().founded(world, **terms)
        pool = cases.world.pool
        version = newest_plan(pool)
        log_version(pool, version)  # as it is where a pool is founded by people
        for number in range(offering):
            person = User.objects.create_user(
                f"juror-{number}@{pool.code}.example.org", name=f"Juror {number}"
            )
            admit_member(
                pool=pool, person=person, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
                actor="founding",
            )  # fmt: skip
            Juror.objects.create(
                pool=pool, person=person, plan_version=version, right_answers=5, offered_at=clock.now()
            )
            cases.jurors.append(person)
        return cases

    def refused(self) -> Claim:
        """Refuse a claim, and refuse it again on appeal."""
        return self.heard(self.appealed(), "rejected")

    def take(self, claim: Claim, **given: bool) -> JuryDraw:
        """Take it to the jury as the claimant."""
        consents = {"shows_reasons": True, "shows_appeal": True} | given
        services.take_to_jury(
            claim=claim,
            claimant=self.claimant.code,
            statement="Please read the report.",
            at=clock.now(),
            **consents,
        )
        run_jobs()
        claim.refresh_from_db()
        return claim.jury_draws.get(state="called")

    @property
    def witnesses(self) -> dict[str, User]:
        """Return three witnesses by what they are asked as."""
        return {
            "claimant": self.claimant,
            "pool_admin": self.world.admin,
            "controller": self.world.controller,
        }

    def commit(self, draw: JuryDraw) -> JuryDraw:
        """Let three witnesses commit, and the days for it pass."""
        for role, person in self.witnesses.items():
            commitment = hashlib.sha256(WORDS[role].encode()).digest()
            services.commit_to_words(draw=draw, person=person, commitment=commitment, at=clock.now())
        return self.later(draw, draw.commit_until_at)

    def tell(self, draw: JuryDraw, *roles: str) -> JuryDraw:
        """Let witnesses tell their words: all, or these."""
        for role in roles or WORDS:
            services.tell_words(draw=draw, person=self.witnesses[role], words=WORDS[role], at=clock.now())
        run_jobs()
        draw.refresh_from_db()
        return draw

    def drawn(self, claim: Claim | None = None) -> JuryDraw:
        """Go on until jurors are drawn."""
        return self.tell(self.commit(self.take(claim or self.refused())))

    def seated(self, draw: JuryDraw) -> list[JurySeat]:
        """Return the seats that vote."""
        return list(draw.drawn.filter(state="seated").select_related("person").order_by("number"))

    def vote(self, draw: JuryDraw, *votes: str) -> None:
        """Let the first jurors vote so, one after another."""
        for seat, vote in zip(self.seated(draw), votes, strict=False):
            services.cast_ballot(seat=seat, juror=seat.person, vote=vote, at=clock.now())

    def close(self, draw: JuryDraw) -> Claim:
        """Let the voting end."""
        assert draw.closes_at is not None
        return self.later(draw, draw.closes_at).claim

    def later(self, draw: JuryDraw, at: dt.datetime) -> JuryDraw:
        """Let time pass, and what is due happen."""
        set_clock(at)
        follow_juries_due()
        run_jobs()
        return JuryDraw.objects.select_related("claim__pool", "claim__plan_version").get(pk=draw.pk)
