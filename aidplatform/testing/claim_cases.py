"""A pool with a claimant, reviewers and members who have accounts, and claims on every step of their way."""

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self
from zoneinfo import ZoneInfo

from PIL import Image

from aidplatform.lib import clock
from aidplatform.testing.world import World, run_jobs, set_clock
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.filing.selectors import paper_codes as all_papers
from claims.publicity import services as publicity
from claims.publicity.models import Objection
from claims.publicity.triggers import DAYS_FOR_TWO, DAYS_TO_REPLY
from claims.review import appeals
from claims.review import services as review
from claims.review.models import Appeal
from claims.review.selectors import shown_sha256
from ledger.sharing import services as sharing
from ledger.sharing.models import Award, Period
from members.joining.models import Membership
from members.joining.services import admit_member
from members.people.models import User
from members.pools.models import Pool

TODAY = dt.datetime(2026, 5, 20, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
EVENT = dt.date(2026, 5, 4)
BIRTH = dt.date(1990, 2, 28)


def photograph(shade: int = 200) -> bytes:
    """Return a small JPEG; another shade is another paper."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 120, 90)).save(out, "JPEG")
    return out.getvalue()


@dataclass
class ClaimCases:
    """The pool of World, five months on, with the people of claims."""

    world: World
    reviewer: User
    second: User
    third: User
    claimant: User
    neighbor: User
    membership: Membership

    @classmethod
    def founded(cls, world: World | None = None, **terms: object) -> Self:
        """Grant the duties of review, admit two members with accounts, move on to 20 May 2026."""
        world = world or World.founded(**terms)  # type: ignore[arg-type]
        code = world.pool.code
        people = {
            name: User.objects.create_user(f"{name}@{code}.example.org", name=name.title())
            for name in ("reviewer", "second", "third", "claimant", "neighbor")
        }
        for name, duty in (
            ("reviewer", "reviewer"),
            ("second", "second_reviewer"),
            ("third", "second_reviewer"),
        ):
            world.grant(people[name], duty)
        memberships = [
            admit_member(
                pool=world.pool,
                person=people[name],
                class_no=0,
                from_at=clock.now(),
                joined_date=dt.date(2026, 1, 1),
                actor="founding",
            )
            for name in ("claimant", "neighbor")
        ]
        set_clock(TODAY)
        return cls(world=world, membership=memberships[0], **people)

    def draft(self, spend_fen: int | None = None) -> Claim:
        """Tell everything and add every paper, without filing; with a spend also a bill of it."""
        claim = filing.start_claim(membership=self.membership, claimant=self.claimant.code, at=clock.now())
        filing.save_draft(
            claim=claim,
            claimant=self.claimant.code,
            at=clock.now(),
            event_date=EVENT,
            illness="thyroid_cancer",
            birth_date=BIRTH,
            story="A lump was found at the yearly check.",
            sex="f",
            region="zhejiang",
            payee_name="Li Na",
            payee_account="6222 0000 1111 2222",
            spend_fen=spend_fen,
        )
        papers = [(10, "identity"), (20, "diagnosis"), (30, "pathology")]
        for shade, kind in papers + [(40, "bill")] * bool(spend_fen):
            filing.add_evidence(
                claim=claim,
                claimant=self.claimant.code,
                kind=kind,
                data=photograph(shade),
                at=clock.now(),
            )
        claim.refresh_from_db()
        return claim

    def filed(self, spend_fen: int | None = None) -> Claim:
        """File it with consent to what would be published."""
        return self.file(self.draft(spend_fen))

    def file(self, claim: Claim) -> Claim:
        """File a draft with consent to what would be published."""
        _benefit, face = filing.preview(claim, clock.now())
        return filing.file_claim(claim=claim, claimant=self.claimant.code, shown_face=face, at=clock.now())

    def under_review(self, spend_fen: int | None = None) -> Claim:
        """Let the reviewer take it up."""
        return review.assign_claim(claim=self.filed(spend_fen), reviewer=self.reviewer.code, at=clock.now())

    def recommended(self, outcome: str = "approved", aid_fen: int = 5_000_000) -> Claim:
        """Recommend."""
        claim = self.under_review()
        review.recommend(
            claim=claim,
            reviewer=self.reviewer.code,
            outcome=outcome,
            aid_fen=aid_fen if outcome == "approved" else 0,
            clause="aid",
            papers=all_papers(claim),
            reason="The pathology report of 4 May establishes it.",
            at=clock.now(),
        )
        claim.refresh_from_db()
        return claim

    def decided(self, outcome: str = "approved") -> Claim:
        """Decide as it was recommended; an approved case is published by its job."""
        claim = self.recommended(outcome)
        self.decide(claim, outcome)
        run_jobs()
        claim.refresh_from_db()
        return claim

    def decide(self, claim: Claim, outcome: str = "approved", decider: User | None = None) -> None:
        """Decide over what is stored now."""
        review.decide(
            claim=claim,
            decider=(decider or self.second).code,
            outcome=outcome,
            clause="aid",
            papers=all_papers(claim),
            reason="I agree.",
            shown_sha256=shown_sha256(claim),
            at=clock.now(),
        )

    def published(self) -> Claim:
        """Run the calendar until the case stands in a period in publicity."""
        claim = self.decided()
        self.to_publicity()
        return claim

    def to_publicity(self) -> None:
        """Open, freeze and announce periods until one is in publicity that holds a waiting award."""
        pool = self.world.pool
        while True:
            period = _running(pool) or sharing.open_period(pool=pool, at=clock.now())
            begin = clock.start_of_day(period.publicity_date, pool.time_zone)
            set_clock(max(begin, clock.now()))
            if period.state == "opened":
                period = sharing.freeze_headcount(period=period, at=clock.now())
            if period.state == "frozen":
                period = sharing.announce_period(period=period, at=clock.now())
            if period.awards.exists():
                return
            self.end_publicity()

    def end_publicity(self) -> None:
        """Settle the period in publicity, at the end of its days."""
        period = _running(self.world.pool)
        assert period is not None
        end = clock.start_of_day(period.publicity_end_date, self.world.pool.time_zone)
        set_clock(max(end, clock.now()))
        sharing.settle_period(period=period, at=clock.now())
        run_jobs()

    def post(self) -> None:
        """Compute, approve and post every settled period."""
        for period in self.world.pool.periods.filter(state="settled").order_by("number"):
            computed = sharing.compute_shares(period=period, preparer=self.world.admin.code, at=clock.now())
            sharing.approve_period(
                period=computed,
                approver=self.world.controller.code,
                shown_sha256=computed.shown_sha256 or "",
                at=clock.now(),
            )
            run_jobs()

    def objected(self) -> tuple[Claim, Objection]:
        """Let the neighbor object to the published case."""
        claim = self.published()
        objection = publicity.object_to_case(
            claim=claim, member=self.neighbor.code, reason="I saw her ill in 2024.", at=clock.now()
        )
        claim.refresh_from_db()
        return claim, objection

    def hear(self) -> None:
        """Let the days pass in which the claimant can read an objection and reply."""
        set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO + DAYS_TO_REPLY))

    def award(self, claim: Claim) -> Award:
        """Return the award of a claim that stands, or the one that was withdrawn."""
        found = Award.objects.filter(claim_code=claim.code, rest_of=None)
        return found.exclude(state="withdrawn").first() or found.get()


@dataclass
class AppealCases(ClaimCases):
    """The same with two more people, who had no part in a case when it is refused."""

    other_reviewer: User = field(default_factory=User)
    other_second: User = field(default_factory=User)

    @classmethod
    def founded(cls, world: World | None = None, **terms: object) -> Self:
        """Grant the duties of review to two people more; terms: with `appeal_days`, or the plan knows no appeal."""
        cases = super().founded(world, **terms)
        code = cases.world.pool.code
        for name, duty in (("other_reviewer", "reviewer"), ("other_second", "second_reviewer")):
            setattr(cases, name, User.objects.create_user(f"{name}@{code}.example.org", name=name.title()))
            cases.world.grant(getattr(cases, name), duty)
        return cases

    def appeal(self, claim: Claim, given: Sequence[tuple[str, bytes]] = ()) -> Appeal:
        """Appeal as the claimant."""
        reason = "The second pathology report names it."
        return appeals.appeal(
            claim=claim, claimant=self.claimant.code, reason=reason, given=given, at=clock.now()
        )

    def appealed(self) -> Claim:
        """Refuse a claim, and appeal."""
        claim = self.decided("rejected")
        self.appeal(claim)
        claim.refresh_from_db()
        return claim

    def recommend(self, claim: Claim, outcome: str) -> None:
        """Let the other reviewer take an appeal up and recommend."""
        review.assign_claim(claim=claim, reviewer=self.other_reviewer.code, at=clock.now())
        review.recommend(
            claim=claim,
            reviewer=self.other_reviewer.code,
            outcome=outcome,
            aid_fen=5_000_000 if outcome == "approved" else 0,
            clause="aid",
            papers=all_papers(claim),
            reason="I have read the new report.",
            at=clock.now(),
        )
        claim.refresh_from_db()

    def heard(self, claim: Claim, outcome: str) -> Claim:
        """Let two people who had no part decide on an appeal."""
        self.recommend(claim, outcome)
        self.decide(claim, outcome, self.third)
        run_jobs()
        claim.refresh_from_db()
        return claim

    def overturned(self) -> Claim:
        """Let the third person uphold an objection to an approved case."""
        claim, objection = self.objected()
        self.hear()
        publicity.answer_objection(
            objection=objection, answerer=self.third.code, upheld=True, answer="It is so.", at=clock.now()
        )
        claim.refresh_from_db()
        return claim


def _running(pool: Pool) -> Period | None:
    """Return the period before the end of its publicity."""
    return pool.periods.filter(state__in=["opened", "frozen", "announced"]).first()
