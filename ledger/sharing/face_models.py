"""What is told of a case, from its announcement on."""

from django.db import models
from django.db.models import Q

from ledger.sharing.face_triggers import face_guards
from ledger.sharing.layers import LAST_STEP, SMALLEST_GROUP, fields_told
from ledger.sharing.models import Period
from members.pools.models import Pool


class CaseFace(models.Model):
    """What members are told of a claim's case, and everyone in part: a fact, the same for all awards of the claim.

    period: with which it was announced, and whose headcount was counted. step: of layers.STEPS. members: how many of
    that headcount share what is said of the person: age, sex, region, joined. helped: how many people the pool has
    helped since the time that joined names, else in all. is_public: the pool had a hundred members; else everyone is
    shown the sums of years alone. An empty field is not told.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="+", db_index=False)
    claim_code = models.CharField(max_length=40)
    period = models.ForeignKey(Period, on_delete=models.PROTECT, related_name="faces")
    step = models.PositiveSmallIntegerField()
    members = models.PositiveBigIntegerField()
    age = models.CharField(max_length=10, blank=True)
    sex = models.CharField(max_length=1, blank=True)
    region = models.CharField(max_length=20, blank=True)
    joined = models.CharField(max_length=7, blank=True)
    month = models.CharField(max_length=7, blank=True)
    illness = models.CharField(max_length=40, blank=True)
    disease = models.CharField(max_length=20, blank=True)
    helped = models.PositiveIntegerField()
    is_public = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "claim_code"], name="one_face_per_claim"),
            models.CheckConstraint(
                condition=Q(members__gte=SMALLEST_GROUP) | Q(age="", sex="", region="", joined=""),
                name="face_says_who_shares_it",
            ),
            models.CheckConstraint(condition=Q(step__lte=LAST_STEP), name="face_is_told_by_a_step"),
        ]
        triggers = face_guards

    def told_to(self, layer: str) -> dict[str, str | int]:
        """Return what a layer is told of the person and the illness; what is not told is left out."""
        return fields_told(layer, self.__dict__)
