"""Who pays for whom, for programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.joining.family import access_child
from members.joining.models import Membership
from members.joining.payer_models import PayerLink
from members.joining.payers import accept_link, access_link, ask_payer, end_link, payers_of
from members.joining.selectors import access_membership
from members.people.models import User


def _of(request: Request, code: str, number: int | None) -> Membership:
    """Return whose payers are meant: mine, or those of a child without an account whom I have added."""
    own = access_membership(code=code, person=cast(User, request.user))
    return own if number is None else access_child(guardian=own, number=number).membership


class AskedText(serializers.Serializer[Any]):
    """The number of the member who is asked to pay."""

    payer = serializers.IntegerField(min_value=1, max_value=10**9 - 1)


class PayerLinkRow(serializers.ModelSerializer[PayerLink]):
    """That `payer` pays for `member`, both by their numbers: asked, live, declined or ended."""

    member = serializers.IntegerField(source="membership.number")
    payer = serializers.IntegerField(source="payer.number")

    class Meta:
        model = PayerLink
        fields = ["id", "member", "payer", "state", "asked_at", "begun_at", "ended_at"]


class PayersBody(serializers.Serializer[Any]):
    """How I stand to payers. last_date: until when a payer who has left counts; asked: what I have asked."""

    paid_by = PayerLinkRow(allow_null=True)
    last_date = serializers.DateField(allow_null=True)
    asked = PayerLinkRow(allow_null=True)
    requests = PayerLinkRow(many=True)
    pays_for = PayerLinkRow(many=True)


class MyPayer(PersonalEndpoint):
    """Who pays for me, and for whom I pay."""

    policy = "member"

    @extend_schema(operation_id="my_payer", responses=PayersBody)
    def get(self, request: Request, code: str) -> Response:
        """Return it; no pool and none of mine answer alike."""
        return Response(PayersBody(payers_of(_of(request, code, None), clock.now())).data)


class PayerRequest(PersonalEndpoint):
    """A question to another member."""

    policy = "member"

    @extend_schema(operation_id="ask_payer", request=AskedText, responses={201: PayerLinkRow})
    def post(self, request: Request, code: str) -> Response:
        """Ask a member to pay for me; the same question twice is one."""
        return _ask(request, _of(request, code, None))


class PayerAcceptance(PersonalEndpoint):
    """A yes to somebody's question."""

    policy = "member"

    @extend_schema(operation_id="accept_payer", request=None, responses=PayerLinkRow)
    def post(self, request: Request, code: str, link_id: int) -> Response:
        """Pay for who has asked, from now on."""
        link = access_link(membership=_of(request, code, None), link_id=link_id)
        return Response(PayerLinkRow(accept_link(link=link, person=cast(User, request.user))).data)


class PayerEnd(PersonalEndpoint):
    """The end of it, a no, or a question that is taken back."""

    policy = "member"

    @extend_schema(operation_id="end_payer", request=None, responses=PayerLinkRow)
    def post(self, request: Request, code: str, link_id: int) -> Response:
        """End it as one of the two."""
        return _end(request, _of(request, code, None), link_id)


class ChildPayer(PersonalEndpoint):
    """Who pays for a child whom I have added and who has no account."""

    policy = "member"

    @extend_schema(operation_id="child_payer", responses=PayersBody)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return it; no child of mine answers like no pool."""
        return Response(PayersBody(payers_of(_of(request, code, number), clock.now())).data)


class ChildPayerRequest(PersonalEndpoint):
    """A question to another member, for a child that stays when I have left."""

    policy = "member"

    @extend_schema(operation_id="ask_child_payer", request=AskedText, responses={201: PayerLinkRow})
    def post(self, request: Request, code: str, number: int) -> Response:
        """Ask a member to pay for the child; the same question twice is one."""
        return _ask(request, _of(request, code, number))


class ChildPayerEnd(PersonalEndpoint):
    """The end of somebody's paying for a child, or a question that is taken back."""

    policy = "member"

    @extend_schema(operation_id="end_child_payer", request=None, responses=PayerLinkRow)
    def post(self, request: Request, code: str, number: int, link_id: int) -> Response:
        """End it as the child's guardian."""
        return _end(request, _of(request, code, number), link_id)


def _ask(request: Request, membership: Membership) -> Response:
    given = AskedText(data=request.data)
    given.is_valid(raise_exception=True)
    link = ask_payer(membership=membership, payer_number=given.validated_data["payer"], at=clock.now())
    return Response(PayerLinkRow(link).data, status=201)


def _end(request: Request, membership: Membership, link_id: int) -> Response:
    link = access_link(membership=membership, link_id=link_id)
    return Response(PayerLinkRow(end_link(link=link, person=cast(User, request.user))).data)
