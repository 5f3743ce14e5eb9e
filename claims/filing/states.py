"""The way of a claim: its states, who has to act in each, and for how many days. Pure."""

from dataclasses import dataclass

CLAIMANT = "claimant"
REVIEWER = "reviewer"
SECOND_REVIEWER = "second_reviewer"
INVESTIGATOR = "investigator"
POOL = "pool"
POOL_ADMIN = "pool_admin"
TREASURER = "treasurer"
JURY = "jury"
NOBODY = "nobody"


@dataclass(frozen=True)
class Step:
    """What a state means: who has the ball, how many days for it (None: no clock), and where it may go."""

    holder: str
    days: int | None
    after: tuple[str, ...]


STEPS: dict[str, Step] = {
    "draft": Step(CLAIMANT, None, ("filed", "withdrawn")),
    "filed": Step(REVIEWER, 5, ("under_review", "withdrawn")),
    "papers_requested": Step(CLAIMANT, 30, ("filed", "withdrawn")),
    "under_review": Step(
        REVIEWER, 10, ("papers_requested", "under_investigation", "recommended", "withdrawn")
    ),
    # Until the day that its plan gives somebody from outside for the report.
    "under_investigation": Step(INVESTIGATOR, 30, ("under_review", "withdrawn")),
    "recommended": Step(
        SECOND_REVIEWER, 5, ("under_review", "approved", "rejected", "refused_finally", "withdrawn")
    ),
    "approved": Step(POOL, 1, ("in_publicity",)),
    "rejected": Step(NOBODY, None, ("appealed",)),
    "in_publicity": Step(POOL, None, ("objected", "awarded", "withdrawn")),
    "objected": Step(SECOND_REVIEWER, 7, ("in_publicity", "overturned", "withdrawn")),
    "overturned": Step(NOBODY, None, ("appealed",)),
    # The review begins anew, by people who had no part in the first one.
    "appealed": Step(REVIEWER, 5, ("under_review", "withdrawn")),
    "refused_finally": Step(NOBODY, None, ("before_jury",)),
    # Days for the witnesses' words and the draw; once it is made, the day on which the voting closes.
    "before_jury": Step(JURY, 10, ("approved", "refused_by_jury", "withdrawn")),
    "refused_by_jury": Step(NOBODY, None, ()),
    "awarded": Step(POOL, None, ("shared",)),
    "shared": Step(TREASURER, 30, ("paid", "revoked")),
    "paid": Step(CLAIMANT, None, ("closed", "revoked")),
    # What was not paid of its aid went back to the members: a review has found that it should not have been granted.
    "revoked": Step(NOBODY, None, ()),
    "closed": Step(NOBODY, None, ()),
    "withdrawn": Step(NOBODY, None, ()),
}
FIRST = "draft"
TRANSITIONS: dict[str, tuple[str, ...]] = {state: step.after for state, step in STEPS.items()}

# The claimant may still change what is claimed.
OPEN_TO_CLAIMANT = ("draft", "papers_requested")
# More papers may be added, also by whoever appeals, until a reviewer takes the claim up.
TAKES_PAPERS = (*OPEN_TO_CLAIMANT, "appealed")
# Refused; for as long as the plan says, and once, the claimant may appeal.
REFUSED = ("rejected", "overturned")
# The aid is final: further bills of the case may follow.
PARTS_ARE_FINAL = ("awarded", "shared", "paid", "closed")
# Nothing more comes of the claim, and no further part waits for it.
DONE = (*PARTS_ARE_FINAL, *REFUSED, "refused_finally", "refused_by_jury", "revoked", "withdrawn")
# Nothing that papers decide can follow: their keys may be destroyed. Of a refusal once no appeal and no jury can come.
ERASABLE = ("paid", "closed", "refused_by_jury", "revoked", "withdrawn")
# The claimant may still take the claim back.
WITHDRAWABLE = tuple(state for state, step in STEPS.items() if "withdrawn" in step.after)
# Still on the desk of reviewers.
ON_THE_DESK = (
    "filed", "appealed", "papers_requested", "under_review", "under_investigation", "recommended", "objected",
)  # fmt: skip
# The reviewer in charge reads papers until the aid is final or the claim is refused; who decides, until then.
READ_BY_ITS_REVIEWER = (*ON_THE_DESK, "approved", "in_publicity")
READ_BY_WHO_DECIDES = ("recommended", "objected")
# Nothing is to be done about the claim any more but by the claimant, who may say that the aid has come or appeal.
DECIDED = (*REFUSED, "refused_finally", "refused_by_jury", "paid", "closed", "revoked", "withdrawn")
# The strip that a claimant sees; side states stand in the place of the step they interrupt.
MAIN_WAY = ("filed", "under_review", "recommended", "in_publicity", "awarded", "shared", "paid")
STANDS_FOR = {
    "appealed": "filed",
    "papers_requested": "under_review",
    "under_investigation": "under_review",
    "approved": "in_publicity",
    "objected": "in_publicity",
    "closed": "paid",
}
# Decided by two people, and whatever has become of it since but a withdrawal.
JUDGED = (
    "approved", "rejected", "in_publicity", "objected", "overturned", "refused_finally", "awarded", "shared", "paid",
    "closed", "revoked",
)  # fmt: skip
