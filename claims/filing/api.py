"""A claimant's own claims for their programs: where each stands and whose turn it is. No health data."""

import datetime as dt
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

    part_of: the first claim of the same case. appeal_until: the last day for an appeal against a refusal, past days
    included; null where there is none. is_appeal: an appeal was made.
    """

    pool = serializers.CharField(source="pool.code")
    member = serializers.IntegerField(source="membership.number")
    part_of = serializers.CharField(source="part_of.code", allow_null=True, default=None)
    holder = serializers.SerializerMethodField()
    appeal_until = serializers.SerializerMethodField()
    is_appeal = serializers.BooleanField()

    class Meta:
        model = Claim
        fields = [
            "code", "pool", "member", "part_of", "state", "holder", "due_date", "created_at", "filed_at", "state_since",
            "appeal_until", "is_appeal",
        ]  # fmt: skip

    def get_holder(self, claim: Claim) -> str:
        """Return who has the ball, as a code word."""
        return STEPS[claim.state].holder

    def get_appeal_until(self, claim: Claim) -> dt.date | None:
        """Return until when a refusal can be appealed against."""
        return selectors.appeal_until(claim)


class MyClaims(PersonalEndpoint, ListAPIView[Claim]):
    """The claims of mine and of children for whom I signed, newest first."""

    serializer_class = ClaimRow
    queryset = Claim.objects.none()

    def get_queryset(self) -> QuerySet[Claim]:
        """Return those of whoever asks."""
        return selectors.claims_of(cast(User, self.request.user))
