"""Whose paper is recorded: a person's, in all their pools, or a child's without an account. A correction changes it."""

from dataclasses import dataclass

from django.db.models import QuerySet

from members.joining.child_papers import child_opened, paper_of_family, sealed_for_child
from members.joining.correction_models import IdentityCorrection
from members.joining.family_models import FamilyMember
from members.joining.models import Membership
from members.people.identity import Paper, opened, paper_of, sealed_for
from members.people.models import Identity, User


@dataclass(frozen=True)
class Recorded:
    """Whose paper a request is about: a person's, in all their pools, or a child's without an account."""

    membership: Membership
    person: User | None

    def known(self) -> Paper | None:
        """Return what is recorded."""
        return paper_of(self.person) if self.person else paper_of_family(self.membership.family_member)

    def opened(self, sealed: bytes) -> Paper:
        """Open what is, was or is to be recorded."""
        return opened(self.person, sealed) if self.person else child_opened(self.membership, sealed)

    def sealed(self, paper: Paper) -> bytes:
        """Seal what is to be recorded."""
        return sealed_for(self.person, paper) if self.person else sealed_for_child(self.membership, paper)

    def requests(self) -> QuerySet[IdentityCorrection]:
        """Return what was asked for."""
        found = IdentityCorrection.objects.filter(person=self.person)
        return found if self.person else found.filter(membership=self.membership)

    def memberships(self) -> QuerySet[Membership]:
        """Return the memberships that follow what is recorded."""
        return (
            self.person.memberships.all() if self.person else Membership.objects.filter(pk=self.membership.pk)
        )

    def running(self) -> QuerySet[Membership]:
        """Return those that go on and by whose birth date classes follow."""
        found = self.memberships().filter(birth_date__isnull=False, end=None)
        return found.select_related("pool").order_by("pool_id")

    def is_anothers(self, index: bytes) -> bool:
        """Tell whether a document is recorded of somebody else: a child's of anybody in its pool."""
        holders = Identity.objects.filter(document_index=index)
        children = FamilyMember.objects.filter(
            pool__in=self.memberships().values("pool"), document_index=index, membership__followed_by=None
        )
        if self.person is None:
            of_pool = holders.filter(person__memberships__pool=self.membership.pool_id)
            return of_pool.exists() or children.exclude(membership=self.membership).exists()
        return (
            holders.exclude(person=self.person).exists()
            or children.exclude(membership__person=self.person).exists()
        )


def recorded_of(correction: IdentityCorrection) -> Recorded:
    """Return whose record a correction is about."""
    return Recorded(correction.membership, correction.person)
