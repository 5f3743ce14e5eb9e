"""A member's own debit mandates, for programs. Giving and revoking one asks for a fresh sign-in: on the page."""

from typing import cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from ledger.custody.mandate_models import DebitMandate
from ledger.custody.mandates import mandates_of
from members.joining.selectors import access_membership
from members.people.models import User


class MandateRow(serializers.ModelSerializer[DebitMandate]):
    """A mandate: what a bank calls it, the account by its last four characters, and the text in both languages.

    scheme: sepa or card; *_notice_days: how long before a debit it is announced.
    """

    scheme = serializers.CharField(source="debit.scheme")
    creditor_id = serializers.CharField(source="debit.creditor_id")
    first_notice_days = serializers.IntegerField(source="debit.first_notice_days")
    later_notice_days = serializers.IntegerField(source="debit.later_notice_days")
    refund_days = serializers.IntegerField(source="debit.refund_days")

    class Meta:
        model = DebitMandate
        fields = [
            "reference", "state", "scheme", "creditor_id", "creditor_name", "account_hint", "first_notice_days",
            "later_notice_days", "refund_days", "text_en", "text_zh", "text_sha256", "language", "signed_date",
            "signed_at", "revoked_at",
        ]  # fmt: skip


class MyMandates(PersonalEndpoint):
    """My debit mandates."""

    policy = "member"

    @extend_schema(operation_id="my_mandates", responses=MandateRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them, newest first, those that were revoked as well; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        return Response(MandateRow(mandates_of(membership)[:50], many=True).data)
