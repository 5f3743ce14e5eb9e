"""Family members: covered people without an account, whom another member has added and signed for."""

from django.db import models
from django.db.models import F, Q

from members.joining.family_triggers import family_guards
from members.joining.models import JoinApplication, Membership
from members.pools.models import Pool


class FamilyMember(models.Model):
    """That a membership is that of a child whom a guardian has added: who they are on paper, and who speaks for it.

    A fact but for the guardian, who changes by a granted request alone; who has signed stands in the signature.
    document_index: the blind index that identities have too, so that nobody joins a pool twice. sealed: name, birth
    date and document. When the child is of age, an account is bound to the membership; this stays as it was.
    """

    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, primary_key=True, related_name="family_member"
    )
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+", db_index=False)
    guardian = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="family")
    relation = models.CharField(max_length=8, choices=JoinApplication.Relation)
    document_index = models.BinaryField(max_length=32)
    sealed = models.BinaryField()
    added_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["pool", "document_index"], name="family_by_document")]
        constraints = [
            models.CheckConstraint(condition=~Q(guardian=F("membership")), name="guardian_is_another_member"),
        ]
        triggers = family_guards

    def __str__(self) -> str:
        return f"{self.membership} of #{self.guardian.number}"
