"""Going on in another pool at the last age, for a member's own programs."""

import datetime as dt
from typing import Any, cast

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.lib.errors import NotFoundError
from ledger.disclosure.going_on import costs_of, place_there
from members.joining.models import Membership
from members.joining.selectors import access_membership
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import last_transfer, offer_of
from members.joining.transfers import revoke, sign_ahead
from members.people.models import User


class TransferRow(serializers.ModelSerializer[AgeTransfer]):
    """What I have signed for another pool, and what came of it. first_date: my first day there, once begun."""

    pool = serializers.CharField(source="pool.code")
    plan_version = serializers.IntegerField(source="plan_version.number")
    state = serializers.CharField()
    reason = serializers.CharField()

    class Meta:
        model = AgeTransfer
        fields = [
            "pool",
            "plan_version",
            "covenant_sha256",
            "language",
            "signed_at",
            "signature_sha256",
            "state",
            "reason",
            "first_date",
            "closed_at",
        ]


class ThereCost(serializers.Serializer[Any]):
    """What a member of my class shared in one period of the other pool, in minor units of its currency."""

    number = serializers.IntegerField()
    charge_date = serializers.DateField()
    headcount = serializers.IntegerField()
    share_fen = serializers.IntegerField()


class OfferBody(serializers.Serializer[Any]):
    """Where I may go on on the day on which my membership ends by age; its rules are under plan-versions of that pool.

    first_date: my first day there. eligible_date, accident_date: from when aid can be asked there. obstacle: empty
    where nothing stands in the way. is_signed: the rules of that day are signed; is_outdated: others were.
    """

    pool = serializers.CharField(source="pool.code")
    currency = serializers.CharField(source="pool.currency")
    plan_version = serializers.IntegerField(source="version.number")
    covenant_sha256 = serializers.CharField(source="version.covenant_sha256")
    first_date = serializers.DateField()
    eligible_date = serializers.SerializerMethodField()
    accident_date = serializers.SerializerMethodField()
    waiting_counts = serializers.BooleanField()
    class_no = serializers.SerializerMethodField()
    weight = serializers.SerializerMethodField()
    costs = serializers.SerializerMethodField()
    obstacle = serializers.CharField()
    is_signed = serializers.BooleanField()
    is_outdated = serializers.BooleanField()

    def get_eligible_date(self, offer: Any) -> dt.date:
        """Return from when an illness counts."""
        there: dt.date = offer.eligible_date()
        return there

    def get_accident_date(self, offer: Any) -> dt.date:
        """Return from when an accident counts."""
        there: dt.date = offer.eligible_date("accident")
        return there

    def get_class_no(self, offer: Any) -> int:
        """Return the class in which I would share."""
        return place_there(offer).class_no

    def get_weight(self, offer: Any) -> int:
        """Return its weight."""
        return place_there(offer).weight

    @extend_schema_field(ThereCost(many=True))
    def get_costs(self, offer: Any) -> list[dict[str, Any]]:
        """Return the last shares of that class, newest first."""
        return [dict(ThereCost(one).data) for one in costs_of(offer)]


class GoingOnBody(serializers.Serializer[Any]):
    """The offer, null where there is none now; and the last thing that I have signed."""

    offer = OfferBody(allow_null=True)
    signed = TransferRow(allow_null=True)


class AheadText(serializers.Serializer[Any]):
    """The hash of the covenant that was shown, and both consents."""

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")
    health = serializers.BooleanField()
    publication = serializers.BooleanField()


class MyGoingOn(PersonalEndpoint):
    """Where I may go on at the last age, and what I have signed."""

    policy = "member"

    @extend_schema(operation_id="my_going_on", responses=GoingOnBody)
    def get(self, request: Request, code: str) -> Response:
        """Return it; no pool and none of mine answer alike."""
        return Response(_body(access_membership(code=code, person=cast(User, request.user))))

    @extend_schema(operation_id="sign_ahead", request=AheadText, responses={201: TransferRow})
    def post(self, request: Request, code: str) -> Response:
        """Sign the covenant of the other pool ahead; signed before: that signature is returned."""
        person = cast(User, request.user)
        membership = access_membership(code=code, person=person)
        given = AheadText(data=request.data)
        given.is_valid(raise_exception=True)
        signed = sign_ahead(
            membership=membership,
            person=person,
            language=get_language() or "en",
            at=clock.now(),
            **given.validated_data,
        )
        return Response(TransferRow(signed).data, status=201)


class GoingOnBack(PersonalEndpoint):
    """Taking back what was signed ahead."""

    policy = "member"

    @extend_schema(operation_id="take_back_going_on", request=None, responses=GoingOnBody)
    def post(self, request: Request, code: str) -> Response:
        """Take it back; taken back before: nothing changes."""
        person = cast(User, request.user)
        membership = access_membership(code=code, person=person)
        transfer = last_transfer(membership)
        if transfer is None:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        revoke(transfer=transfer, person=person, at=clock.now())
        return Response(_body(membership))


def _body(membership: Membership) -> dict[str, Any]:
    offer = offer_of(membership, clock.today(membership.pool.time_zone))
    return dict(GoingOnBody({"offer": offer, "signed": last_transfer(membership)}).data)
