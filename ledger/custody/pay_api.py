"""How a member pays, for their programs: account, reference with its check digits, what is owed and for whom."""

from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.lib.errors import NotFoundError
from ledger.custody.selectors import how_to_pay
from members.joining.selectors import access_membership
from members.people.models import User


class OwedByRow(serializers.Serializer[Any]):
    """What somebody owes for whom I pay, in minor units."""

    member = serializers.IntegerField(source="membership.number")
    open_fen = serializers.IntegerField()


class HowToPayBody(serializers.Serializer[Any]):
    """Where I transfer to, with which reference, and how much, in minor units.

    reference: in groups as on the page, its check digits included; spaces do not count. before_fen: what of my own debt
    is from before the pool moved in. others: for whom I pay, in the order in which a transfer fills what they owe.
    total_fen: what everybody owes together; debited_fen: what of it is debited by itself; to_transfer_fen: the rest,
    which one transfer pays. code, code_of_any_amount: what the QR code of a transfer says, of that rest (null while it
    is nothing) and of an amount that the payer chooses.
    """

    currency = serializers.CharField(source="account.pool.currency")
    holder_name = serializers.CharField(source="account.holder_name")
    account_number = serializers.CharField(source="account.number")
    bank_name = serializers.CharField(source="account.bank_name")
    reference = serializers.CharField()
    open_fen = serializers.IntegerField()
    before_fen = serializers.IntegerField()
    others = OwedByRow(many=True)
    total_fen = serializers.IntegerField()
    debited_fen = serializers.IntegerField()
    to_transfer_fen = serializers.IntegerField()
    code = serializers.CharField(allow_null=True)
    code_of_any_amount = serializers.CharField()


class MyPayment(PersonalEndpoint):
    """How I pay my shares of a pool, or fill my wallet."""

    policy = "member"

    @extend_schema(operation_id="my_payment", responses=HowToPayBody)
    def get(self, request: Request, code: str) -> Response:
        """Return it; no pool, none of mine and no bank account yet answer alike."""
        payment = how_to_pay(access_membership(code=code, person=cast(User, request.user)))
        if payment is None:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        return Response(HowToPayBody(payment).data)
