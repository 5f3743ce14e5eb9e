"""The secret by which a member, and nobody else, finds themselves in the roll of a period."""

from django.db import models

from members.joining.models import Membership
from members.joining.secret_triggers import secret_guards


class MemberSecret(models.Model):
    """What commitments of a membership are made of, see `aidplatform.lib.commitments`; an erasure deletes it.

    sealed: the 32 bytes, and whom they commit to. commit_key, id_inner: follow from these, and lead neither back to
    them nor to a document; they stand in clear, so that the leaves of a million members are computed where they lie.
    """

    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, primary_key=True, related_name="secret"
    )
    sealed = models.BinaryField()
    commit_key = models.BinaryField(max_length=32)
    id_inner = models.BinaryField(max_length=32)

    class Meta:
        triggers = secret_guards
