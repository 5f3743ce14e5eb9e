"""A claimant's own claims for their programs: where each stands and whose turn it is. No health data."""

from typing import cast

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from aidplatform.lib.drf import PersonalEndpoint
from claims.filing import selectors
from claims.filing.models import Claim
from claims.filing.states import STEPS
from members.people.models import User


class ClaimRow(serializers.ModelSerializer[Claim]):
    """A claim on its way; holder: who has to act now, until due_date. member: whom it is for.

    part_of: the first claim of the same case.
    """

    pool = serializers.CharField(source="pool.code")
    member = serializers.IntegerField(source="membership.number")
    part_of = serializers.CharField(source="part_of.code", allow_null=True, default=None)
    holder = serializers.SerializerMethodField()

    class Meta:
        model = Claim
        fields = [
            "code", "pool", "member", "part_of", "state", "holder", "due_date", "created_at", "filed_at", "state_since",
        ]  # fmt: skip

    def get_holder(self, claim: Claim) -> str:
        """Return who has the ball, as a code word."""
        return STEPS[claim.state].holder


class MyClaims(PersonalEndpoint, ListAPIView[Claim]):
    """The claims of mine and of children for whom I signed, newest first."""

    serializer_class = ClaimRow
    queryset = Claim.objects.none()

    def get_queryset(self) -> QuerySet[Claim]:
        """Return those of whoever asks."""
        return selectors.claims_of(cast(User, self.request.user))
