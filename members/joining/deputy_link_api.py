"""Links that name somebody without an account, for programs: of the member, and of who has got one."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.joining.deputy_api import DeputyRow
from members.joining.deputy_link_models import DeputyLink
from members.joining.deputy_links import (
    DeputyLinkOverError,
    accept_link,
    access_deputy_link,
    find_live_link,
    links_of,
    make_deputy_link,
    name_of_member,
    over,
    take_link_back,
)
from members.joining.deputy_models import Deputy
from members.joining.selectors import access_membership
from members.people.models import User


class DeputyLinkText(serializers.Serializer[Any]):
    """For whom a link is, as what, and where it is mailed; without an address it is mailed nowhere."""

    for_whom = serializers.CharField(max_length=60)
    kind = serializers.ChoiceField(Deputy.Kind.choices)
    address = serializers.EmailField(allow_blank=True, default="")


class DeputyLinkBody(serializers.Serializer[Any]):
    """A link that nobody has used: has_expired says that its days are over."""

    id = serializers.IntegerField(source="row.pk")
    for_whom = serializers.CharField(source="label")
    kind = serializers.ChoiceField(Deputy.Kind.choices, source="row.kind")
    made_at = serializers.DateTimeField(source="row.made_at")
    expires_at = serializers.DateTimeField(source="row.expires_at")
    has_expired = serializers.BooleanField()


class MadeDeputyLink(serializers.Serializer[Any]):
    """A new link: shown once, its hash alone is kept."""

    id = serializers.IntegerField(source="row.pk")
    link = serializers.CharField()
    expires_at = serializers.DateTimeField(source="row.expires_at")


class DeputyLinkEnd(serializers.ModelSerializer[DeputyLink]):
    """What became of a link: open, used or taken_back."""

    class Meta:
        model = DeputyLink
        fields = ["id", "state", "ended_at"]


class AskedBody(serializers.Serializer[Any]):
    """What a link asks: who, of which pool, as what, until when."""

    member = serializers.CharField()
    pool = serializers.CharField()
    kind = serializers.ChoiceField(Deputy.Kind.choices)
    expires_at = serializers.DateTimeField()


class NameText(serializers.Serializer[Any]):
    """Who agrees, as the member knows them."""

    name = serializers.CharField(max_length=60)


class MyDeputyLinks(PersonalEndpoint):
    """My links that nobody has used."""

    policy = "member"

    @extend_schema(operation_id="my_deputy_links", responses=DeputyLinkBody(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them, newest first; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=_person(request))
        return Response(DeputyLinkBody(links_of(membership, clock.now()), many=True).data)

    @extend_schema(operation_id="make_deputy_link", request=DeputyLinkText, responses={201: MadeDeputyLink})
    def post(self, request: Request, code: str) -> Response:
        """Make a link by which one person agrees to claim for me."""
        membership = access_membership(code=code, person=_person(request))
        given = DeputyLinkText(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        made = make_deputy_link(
            membership=membership,
            kind=asked["kind"],
            label=asked["for_whom"],
            address=asked["address"],
            at=clock.now(),
        )
        return Response(MadeDeputyLink(made).data, status=201)


class DeputyLinkTakenBack(PersonalEndpoint):
    """The end of a link that nobody has used."""

    policy = "member"

    @extend_schema(operation_id="take_deputy_link_back", request=None, responses=DeputyLinkEnd)
    def post(self, request: Request, code: str, link_id: int) -> Response:
        """Take it back; over already: as it is."""
        person = _person(request)
        membership = access_membership(code=code, person=person)
        found = access_deputy_link(membership=membership, link_id=link_id)
        return Response(DeputyLinkEnd(take_link_back(row=found, actor=person.code)).data)


class StandingByLink(PersonalEndpoint):
    """A link that I have got."""

    @extend_schema(operation_id="standing_by_link", responses=AskedBody)
    def get(self, request: Request, token: str) -> Response:
        """Return what it asks."""
        found = find_live_link(token, clock.now())
        if found is None:
            raise DeputyLinkOverError(over())
        asked = {
            "member": name_of_member(found.membership),
            "pool": found.membership.pool.code,
            "kind": found.kind,
            "expires_at": found.expires_at,
        }
        return Response(AskedBody(asked).data)

    @extend_schema(operation_id="accept_deputy_link", request=NameText, responses=DeputyRow)
    def post(self, request: Request, token: str) -> Response:
        """Agree to it; the link is used up."""
        given = NameText(data=request.data)
        given.is_valid(raise_exception=True)
        name = given.validated_data["name"]
        agreed = accept_link(token=token, person=_person(request), name=name, at=clock.now())
        return Response(DeputyRow(agreed).data)


def _person(request: Request) -> User:
    return cast(User, request.user)
