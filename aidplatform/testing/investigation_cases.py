"""A pool whose plan knows investigations, with somebody from outside, and claims that are looked into."""

from typing import Self

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.world import World
from claims.filing.models import Claim
from claims.review import investigations
from claims.review.investigation_models import Investigation
from ledger.sharing.payees import Payee
from members.people.models import User

INVESTIGATION = {
    "days": 14,
    "agreed_above_fen": 50_000,
    "most_fen": 300_000,
    "borne_by": "shared",
    "answer_days": 7,
}


class InvestigationCases(ClaimCases):
    """The pool of claims, with an outsider who has an account and nothing else."""

    @property
    def outsider(self) -> User:
        """Return whoever investigates."""
        found = User.objects.filter(email="outsider@example.net").first()
        return found or User.objects.create_user("outsider@example.net", name="Outsider")

    @classmethod
    def founded(cls, world: World | None = None, **terms: object) -> Self:
        """Found it with the usual investigations; terms: `investigation` changes them."""
        changed = terms.pop("investigation", {})
        assert isinstance(changed, dict)
        return super().founded(world, investigation=INVESTIGATION | changed, **terms)

    def ordered(self, claim: Claim | None = None, most_fen: int = 40_000) -> Investigation:
        """Order one as the reviewer."""
        return investigations.order_investigation(
            claim=claim or self.under_review(),
            reviewer=self.reviewer.code,
            question="Was she treated there in March?",
            reason="The stamp of the hospital is not readable.",
            name="Wang Fang, Tianjin",
            most_fen=most_fen,
            at=clock.now(),
        )

    def token(self, one: Investigation) -> str:
        """Return the token of a link made by the reviewer."""
        link = investigations.make_link(investigation=one, reviewer=self.reviewer.code, at=clock.now())
        return link.rstrip("/").rpartition("/")[2]

    def running(self, one: Investigation | None = None) -> Investigation:
        """Let the outsider take one on."""
        token = self.token(one or self.ordered())
        return investigations.accept_investigation(token=token, person=self.outsider, at=clock.now())

    def reported(self, one: Investigation | None = None, bill_fen: int = 30_000) -> Investigation:
        """Let the outsider report."""
        return investigations.report(
            investigation=one or self.running(),
            person=self.outsider,
            text="The archive of the hospital has her file.",
            bill_fen=bill_fen,
            payee=Payee.of("Wang Fang", "6222 1111 2222 3333") if bill_fen else None,
            at=clock.now(),
        )
