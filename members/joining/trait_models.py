"""That sex and province of a member were read later than at joining."""

from django.db import models

from aidplatform.lib.guards import permanent
from members.joining.models import Membership


class LateTraits(models.Model):
    """From which day on sex and province of a membership are known that were not read at joining. A fact.

    effective_date: the first day that counts with them; of days before, nobody knew. Written by the SQL function
    `members_read_traits` together with the membership, and by nothing else.
    """

    membership = models.OneToOneField(
        Membership, on_delete=models.PROTECT, primary_key=True, related_name="late_traits"
    )
    effective_date = models.DateField()

    class Meta:
        triggers = permanent("late_traits_are_permanent")

    def __str__(self) -> str:
        return f"{self.membership} known from {self.effective_date}"
