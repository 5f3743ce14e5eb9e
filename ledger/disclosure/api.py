"""A member's own wallet and family for their programs."""

from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.lib.errors import NotFoundError
from ledger.custody.wallet_selectors import wallet_of
from ledger.disclosure.family import FamilyRow, family_rows
from members.joining.own import WHICH, own_membership
from members.joining.selectors import access_membership
from members.people.models import User


class WalletLine(serializers.Serializer[Any]):
    """One line of a wallet in minor units; kind `share` has its period and what the wallet lacked of it."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    amount_fen = serializers.IntegerField()
    balance_fen = serializers.IntegerField()
    period = serializers.IntegerField(source="period_no", allow_null=True)
    gap_fen = serializers.IntegerField()


class WalletBody(serializers.Serializer[Any]):
    """My wallet in minor units. next_fen: what the next charge takes at most, or what the last one took.

    awaited_until: the last day for the first payment; suspended_until: for the one that restores the membership.
    """

    balance_fen = serializers.IntegerField()
    next_fen = serializers.IntegerField(allow_null=True)
    is_next_announced = serializers.BooleanField()
    asked_fen = serializers.IntegerField()
    is_low = serializers.BooleanField()
    has_lapsed = serializers.BooleanField()
    awaited_until = serializers.DateField(allow_null=True)
    suspended_until = serializers.DateField(source="standing.until_date", allow_null=True, default=None)
    movements = WalletLine(many=True)


class MyWallet(PersonalEndpoint):
    """What is in my wallet of a pool whose members pay ahead, newest line first."""

    policy = "member"

    @extend_schema(operation_id="my_wallet", parameters=[WHICH], responses=WalletBody)
    def get(self, request: Request, code: str) -> Response:
        """Return one's own wallet; no pool, no wallets and none of mine answer alike."""
        membership = own_membership(request, code)
        wallet = wallet_of(membership, clock.today(membership.pool.time_zone))
        if wallet is None:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        return Response(WalletBody(wallet).data)


class FamilyMemberBody(serializers.Serializer[Any]):
    """Somebody whom I have added. standing: ended, unpaid, suspended, waiting or eligible; open_fen: shares unpaid.

    payer: the number of who pays their shares; null where nobody does: then `reference` names their own transfer.
    suspended_until: the last day on which money restores a suspended membership. awaited_until: the last day for a
    first payment, before which nothing counts. has_account: they have taken over themselves.
    """

    member = serializers.IntegerField(source="relative.membership.number")
    name = serializers.CharField(source="relative.paper.name")
    relation = serializers.CharField(source="relative.member.relation")
    standing = serializers.CharField()
    eligible_date = serializers.DateField(
        source="relative.cover.eligible_date", allow_null=True, default=None
    )
    class_no = serializers.IntegerField(source="relative.cover.place.class_no", allow_null=True, default=None)
    weight = serializers.IntegerField(source="relative.cover.place.weight", allow_null=True, default=None)
    next_class_no = serializers.IntegerField(source="next_place.class_no", allow_null=True, default=None)
    next_class_date = serializers.DateField(source="next_place_date", allow_null=True)
    joined_date = serializers.DateField(source="relative.membership.joined_date")
    birth_date = serializers.DateField(source="relative.paper.birth_date")
    document_kind = serializers.CharField(source="relative.paper.kind")
    document_ends_in = serializers.SerializerMethodField()
    has_account = serializers.BooleanField(source="relative.has_account")
    awaited_until = serializers.DateField(
        source="relative.membership.awaited_cover.until_date", allow_null=True, default=None
    )
    suspended_from = serializers.DateField(source="suspension.from_date", allow_null=True, default=None)
    open_fen = serializers.IntegerField()
    reference = serializers.CharField(allow_null=True)
    payer = serializers.IntegerField(source="payer_no", allow_null=True)
    suspended_until = serializers.DateField(source="suspension.until_date", allow_null=True, default=None)
    of_age_date = serializers.DateField(source="relative.of_age_date")
    signed_in_capacity = serializers.CharField(source="relative.membership.signature.capacity")
    signed_at = serializers.DateTimeField(source="relative.membership.signature.signed_at")
    covenant_sha256 = serializers.CharField(source="relative.membership.signature.covenant_sha256")
    signature_sha256 = serializers.CharField(source="relative.membership.signature.signature_sha256")

    def get_document_ends_in(self, row: FamilyRow) -> str:
        """Return the last four characters of the number of the document."""
        return row.relative.paper.number[-4:]


class MyFamily(PersonalEndpoint):
    """Whom I have added to a pool and signed for, in joining order."""

    policy = "member"

    @extend_schema(operation_id="my_family", responses=FamilyMemberBody(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        return Response(FamilyMemberBody(family_rows(membership, clock.now()), many=True).data)
