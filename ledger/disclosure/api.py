"""A member's own charges for their programs."""

from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.lib.errors import NotFoundError
from ledger.custody.wallet_selectors import wallet_of
from ledger.disclosure import selectors
from ledger.disclosure.family import family_rows
from members.joining.selectors import access_membership
from members.people.models import User

PAGE = 50


class ShareCause(serializers.Serializer[Any]):
    """What one cause has done to a share, in hundredths of a minor unit, below zero where it made it less."""

    name = serializers.CharField()
    amount = serializers.IntegerField(source="signed")


class ShareChange(serializers.Serializer[Any]):
    """How a share differs from the one charged before it, in minor units; the parts add up to it."""

    since_period = serializers.IntegerField(source="before.period.number")
    amount_fen = serializers.IntegerField()
    parts = ShareCause(many=True)


class ChargeRow(serializers.Serializer[Any]):
    """What I owe for one period, in minor units, with the row of the class table it follows from.

    written_off_fen: what of it is not asked of me any more, because nobody could collect it.
    """

    period = serializers.IntegerField(source="period.number")
    charge_date = serializers.DateField(source="period.charge_date")
    share_fen = serializers.IntegerField()
    written_off_fen = serializers.IntegerField()
    class_no = serializers.IntegerField(source="row.class_no", allow_null=True, default=None)
    weight = serializers.IntegerField(source="row.weight", allow_null=True, default=None)
    change = serializers.SerializerMethodField(help_text="null for the first share")

    @extend_schema_field(ShareChange(allow_null=True))
    def get_change(self, charge: selectors.MyCharge) -> Any:
        """Return how it differs from the share before."""
        change = self.context["changes"][charge.period.number]
        return None if change is None else ShareChange(change).data


class ChargePage(serializers.Serializer[Any]):
    """A page of charges; next: the value of `before` for the following one, null at the end."""

    next = serializers.IntegerField(allow_null=True)
    results = ChargeRow(many=True)


class PageAsked(serializers.Serializer[Any]):
    """The cursor: only periods before this number, and how many at most."""

    before = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=PAGE)


class MyCharges(PersonalEndpoint):
    """What I owe in a pool, newest first."""

    policy = "member"

    @extend_schema(
        operation_id="my_charges",
        responses=ChargePage,
        parameters=[OpenApiParameter("before", int), OpenApiParameter("limit", int)],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return one's own charges; no pool and none of mine answer alike."""
        given = PageAsked(data=request.query_params)
        given.is_valid(raise_exception=True)
        before, limit = given.validated_data.get("before"), given.validated_data["limit"]
        membership = access_membership(code=code, person=cast(User, request.user))
        charges = selectors.charges_of(membership, before_no=before, limit=limit + 1)
        page = charges[:limit]
        following = page[-1].period.number if len(charges) > limit else None
        numbers = [charge.period.number for charge in charges]
        changes = dict(zip(numbers, selectors.changes_of(charges), strict=True))
        answer = ChargePage({"next": following, "results": page}, context={"changes": changes})
        return Response(answer.data)


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

    @extend_schema(operation_id="my_wallet", responses=WalletBody)
    def get(self, request: Request, code: str) -> Response:
        """Return one's own wallet; no pool, no wallets and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        wallet = wallet_of(membership, clock.today(membership.pool.time_zone))
        if wallet is None:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        return Response(WalletBody(wallet).data)


class FamilyMemberBody(serializers.Serializer[Any]):
    """Somebody whom I have added. standing: ended, unpaid, suspended, waiting or eligible; open_fen: shares unpaid.

    payer: the number of who pays their shares; null where nobody does: then `reference` names their own transfer.
    suspended_until: the last day on which money restores a suspended membership.
    """

    member = serializers.IntegerField(source="relative.membership.number")
    name = serializers.CharField(source="relative.paper.name")
    relation = serializers.CharField(source="relative.member.relation")
    standing = serializers.CharField()
    eligible_date = serializers.DateField(
        source="relative.cover.eligible_date", allow_null=True, default=None
    )
    class_no = serializers.IntegerField(source="relative.cover.place.class_no", allow_null=True, default=None)
    open_fen = serializers.IntegerField()
    reference = serializers.CharField(allow_null=True)
    payer = serializers.IntegerField(source="payer_no", allow_null=True)
    suspended_until = serializers.DateField(source="suspension.until_date", allow_null=True, default=None)
    of_age_date = serializers.DateField(source="relative.of_age_date")
    signed_in_capacity = serializers.CharField(source="relative.membership.signature.capacity")
    signature_sha256 = serializers.CharField(source="relative.membership.signature.signature_sha256")


class MyFamily(PersonalEndpoint):
    """Whom I have added to a pool and signed for, in joining order."""

    policy = "member"

    @extend_schema(operation_id="my_family", responses=FamilyMemberBody(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        return Response(FamilyMemberBody(family_rows(membership, clock.now()), many=True).data)
