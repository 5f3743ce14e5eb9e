"""Invitations to join, for programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.joining.invitations import access_invitation, invitations_of, invite, take_back
from members.joining.selectors import access_membership
from members.people.models import User


class InviteText(serializers.Serializer[Any]):
    """For whom a link is, for oneself, and whether one pays for them."""

    for_whom = serializers.CharField(max_length=60, allow_blank=True, default="")
    pays = serializers.BooleanField(default=False)


class InvitationBody(serializers.Serializer[Any]):
    """One of my invitations: open, used or taken_back; member: who has joined by it."""

    id = serializers.IntegerField(source="invitation.pk")
    for_whom = serializers.CharField(source="label")
    state = serializers.CharField(source="invitation.state")
    has_expired = serializers.BooleanField()
    pays = serializers.BooleanField(source="invitation.pays")
    made_at = serializers.DateTimeField(source="invitation.made_at")
    expires_at = serializers.DateTimeField(source="invitation.expires_at")
    member = serializers.IntegerField(source="invitation.used_by.number", allow_null=True, default=None)


class MadeBody(serializers.Serializer[Any]):
    """A new invitation; link: shown once, its hash alone is kept."""

    id = serializers.IntegerField(source="invitation.pk")
    link = serializers.CharField()
    expires_at = serializers.DateTimeField(source="invitation.expires_at")


class MyInvitations(PersonalEndpoint):
    """My invitations to a pool, newest first."""

    policy = "member"

    @extend_schema(operation_id="my_invitations", responses=InvitationBody(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=cast(User, request.user))
        return Response(InvitationBody(invitations_of(membership, clock.now()), many=True).data)

    @extend_schema(operation_id="invite_to_join", request=InviteText, responses={201: MadeBody})
    def post(self, request: Request, code: str) -> Response:
        """Make a link by which one person may join."""
        membership = access_membership(code=code, person=cast(User, request.user))
        given = InviteText(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        made = invite(membership=membership, label=asked["for_whom"], pays=asked["pays"], at=clock.now())
        return Response(MadeBody(made).data, status=201)


class InvitationTakenBack(PersonalEndpoint):
    """The end of an open invitation."""

    policy = "member"

    @extend_schema(operation_id="take_back_invitation", request=None, responses={204: None})
    def post(self, request: Request, code: str, invitation_id: int) -> Response:
        """Take it back; over already: nothing."""
        person = cast(User, request.user)
        membership = access_membership(code=code, person=person)
        take_back(
            invitation=access_invitation(membership=membership, invitation_id=invitation_id),
            actor=person.code,
        )
        return Response(status=204)
