"""Who may claim for a member, for programs: of the member, and of who is named."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.joining.deputies import (
    accept_deputy,
    access_deputyship,
    access_named,
    deputies_of,
    deputyships_of,
    end_deputy,
    name_deputy,
)
from members.joining.deputy_models import Deputy
from members.joining.selectors import access_membership
from members.people.models import User


class DeputyText(serializers.Serializer[Any]):
    """Who is named, by the code that they told, and as what."""

    code = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(Deputy.Kind.choices)


class DeputyRow(serializers.ModelSerializer[Deputy]):
    """That `person` (a code) may claim for member `member` of `pool`: asked, live, declined or ended.

    kind: emergency (while the member lives) or beneficiary (once their death is recorded).
    """

    pool = serializers.CharField(source="membership.pool.code")
    member = serializers.IntegerField(source="membership.number")
    person = serializers.CharField(source="person.code")

    class Meta:
        model = Deputy
        fields = ["id", "pool", "member", "person", "kind", "state", "named_at", "accepted_at", "ended_at"]


class MyDeputies(PersonalEndpoint):
    """Whom I have named to claim for me."""

    policy = "member"

    @extend_schema(operation_id="my_deputies", responses=DeputyRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return who stands by or has not answered; no pool and none of mine answer alike."""
        membership = access_membership(code=code, person=_person(request))
        found = deputies_of(membership).select_related("membership__pool", "person")
        return Response(DeputyRow(found, many=True).data)

    @extend_schema(operation_id="name_deputy", request=DeputyText, responses={201: DeputyRow})
    def post(self, request: Request, code: str) -> Response:
        """Name somebody; the same naming twice is one."""
        membership = access_membership(code=code, person=_person(request))
        given = DeputyText(data=request.data)
        given.is_valid(raise_exception=True)
        made = name_deputy(membership=membership, at=clock.now(), **given.validated_data)
        return Response(DeputyRow(made).data, status=201)


class NamedEnd(PersonalEndpoint):
    """The end of somebody's standing by for me."""

    policy = "member"

    @extend_schema(operation_id="end_named", request=None, responses=DeputyRow)
    def post(self, request: Request, code: str, deputy_id: int) -> Response:
        """End it, or take the naming back."""
        person = _person(request)
        membership = access_membership(code=code, person=person)
        found = access_named(membership=membership, deputy_id=deputy_id)
        return Response(DeputyRow(end_deputy(deputy=found, person=person)).data)


class StandingBy(PersonalEndpoint):
    """For whom I stand by."""

    @extend_schema(operation_id="standing_by", responses=DeputyRow(many=True))
    def get(self, request: Request) -> Response:
        """Return it, with what I have not answered yet."""
        found = deputyships_of(_person(request)).select_related("membership__pool", "person")
        return Response(DeputyRow(found, many=True).data)


class DeputyAcceptance(PersonalEndpoint):
    """A yes to a member who has named me."""

    @extend_schema(operation_id="accept_deputy", request=None, responses=DeputyRow)
    def post(self, request: Request, deputy_id: int) -> Response:
        """Stand by from now on."""
        person = _person(request)
        found = access_deputyship(person=person, deputy_id=deputy_id)
        return Response(DeputyRow(accept_deputy(deputy=found, person=person)).data)


class DeputyEnd(PersonalEndpoint):
    """A no, or the end of my standing by."""

    @extend_schema(operation_id="end_deputy", request=None, responses=DeputyRow)
    def post(self, request: Request, deputy_id: int) -> Response:
        """End it as who was named."""
        person = _person(request)
        found = access_deputyship(person=person, deputy_id=deputy_id)
        return Response(DeputyRow(end_deputy(deputy=found, person=person)).data)


def _person(request: Request) -> User:
    return cast(User, request.user)
