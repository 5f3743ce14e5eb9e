"""The appeal of the demonstration: a refused claimant brings another report."""

from aidplatform.lib import clock
from aidplatform.site.demo import deeds
from claims.filing.models import Claim
from claims.review import appeals
from members.people.models import User
from members.pools.models import Pool


def appeal(pool: Pool, person: User) -> None:
    """Let a person whose claim was refused appeal; appealed already: nothing."""
    claim = deeds.latest_claim(pool, person)
    if claim.state == Claim.State.REJECTED:
        appeals.appeal(
            claim=claim,
            claimant=person.code,
            reason="The first report was of another sample. The hospital has corrected it; the new one is attached.",
            given=[("pathology", deeds.photograph(claim.code, "second pathology report"))],
            at=clock.now(),
        )
