"""Who holds which duty in a pool, for programs of those who hold one."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from members.people.models import User
from members.pools import duties
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.duty_models import LONGEST_REASON, DutyChange
from members.pools.models import DutyGrant
from members.pools.selectors import access_pool

ADMIN = DutyGrant.Duty.POOL_ADMIN.value


class HeldDutyRow(serializers.ModelSerializer[DutyGrant]):
    """A duty that somebody holds. proposed_by, confirmed_by: codes; null from the founding."""

    person = serializers.CharField(source="person.code")
    proposed_by = serializers.CharField(source="proposed_by.code", allow_null=True, default=None)
    confirmed_by = serializers.CharField(source="confirmed_by.code", allow_null=True, default=None)

    class Meta:
        model = DutyGrant
        fields = ["id", "duty", "person", "is_founding", "proposed_by", "confirmed_by", "granted_at"]


class DutyChangeRow(serializers.ModelSerializer[DutyChange]):
    """A change of who holds a duty: grant, end or laid_down; open, done or dropped."""

    person = serializers.CharField(source="person.code")

    class Meta:
        model = DutyChange
        fields = [
            "number", "kind", "duty", "person", "reason", "proposed_by", "proposed_at", "state", "decided_by",
            "decided_at",
        ]  # fmt: skip


class ReasonText(serializers.Serializer[Any]):
    """Why; whom it concerns is told."""

    reason = serializers.CharField(max_length=LONGEST_REASON)


class ProposedDuty(ReasonText):
    """Who is to hold which duty; the person by their code."""

    duty = serializers.ChoiceField(choices=DutyGrant.Duty.choices)
    person = serializers.CharField(max_length=40)


class HeldDuties(DutyEndpoint):
    """The duties of a pool and who holds them."""

    @extend_schema(operation_id="held_duties", responses=HeldDutyRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them, in the order of the duties."""
        found = [grant for desk in duties.desks(access_pool(code=code)) for grant in desk.grants]
        return Response(HeldDutyRow(found, many=True).data)


class DutyChangeList(DutyEndpoint, ListAPIView[DutyChange]):
    """The changes of who holds a duty, newest first."""

    serializer_class = DutyChangeRow
    pagination_class = NewestNumber
    queryset = DutyChange.objects.none()

    def get_queryset(self) -> QuerySet[DutyChange]:
        """Return those of the pool that the address names."""
        return duties.changes_of(access_pool(code=self.kwargs["code"]))


class DutyProposal(DutyEndpoint):
    """A proposal that somebody holds a duty."""

    duties = (ADMIN,)

    @extend_schema(operation_id="propose_duty", request=ProposedDuty, responses={201: DutyChangeRow})
    def post(self, request: Request, code: str) -> Response:
        """Propose it; a second person agrees."""
        asked = ProposedDuty(data=request.data)
        asked.is_valid(raise_exception=True)
        made = duties.propose_duty(
            pool=access_pool(code=code),
            person_code=asked.validated_data["person"],
            duty=asked.validated_data["duty"],
            reason=asked.validated_data["reason"],
            proposer=_person(request),
            at=clock.now(),
        )
        return Response(DutyChangeRow(made).data, status=201)


class DutyEnd(DutyEndpoint):
    """A proposal that somebody does not hold a duty any more."""

    duties = (ADMIN,)

    @extend_schema(operation_id="propose_duty_end", request=ReasonText, responses={201: DutyChangeRow})
    def post(self, request: Request, code: str, grant_id: int) -> Response:
        """Propose it; a second person agrees."""
        grant = duties.access_grant(pool=access_pool(code=code), grant_id=grant_id)
        made = duties.propose_end(
            grant=grant, reason=_reason(request), proposer=_person(request), at=clock.now()
        )
        return Response(DutyChangeRow(made).data, status=201)


class DutyLaidDown(DutyEndpoint):
    """The end of one's own duty."""

    @extend_schema(operation_id="lay_down_duty", request=ReasonText, responses={201: DutyChangeRow})
    def post(self, request: Request, code: str, grant_id: int) -> Response:
        """Lay it down, from this moment on."""
        grant = duties.access_grant(pool=access_pool(code=code), grant_id=grant_id)
        made = duties.lay_down(grant=grant, person=_person(request), reason=_reason(request), at=clock.now())
        return Response(DutyChangeRow(made).data, status=201)


class DutyConfirmation(DutyEndpoint):
    """A second person's yes."""

    @extend_schema(operation_id="confirm_duty_change", request=None, responses=DutyChangeRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Agree: the duty is given, or ends, at once."""
        change = duties.access_change(pool=access_pool(code=code), number=number)
        done = duties.confirm_change(change=change, confirmer=_person(request), at=clock.now())
        return Response(DutyChangeRow(done).data)


class DutyRefusal(DutyEndpoint):
    """A no, or a proposal that is taken back."""

    @extend_schema(operation_id="drop_duty_change", request=None, responses=DutyChangeRow)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Drop it: everything stays as it is."""
        change = duties.access_change(pool=access_pool(code=code), number=number)
        dropped = duties.drop_change(change=change, dropper=_person(request), at=clock.now())
        return Response(DutyChangeRow(dropped).data)


def _reason(request: Request) -> str:
    asked = ReasonText(data=request.data)
    asked.is_valid(raise_exception=True)
    return str(asked.validated_data["reason"])


def _person(request: Request) -> User:
    return cast(User, request.user)
