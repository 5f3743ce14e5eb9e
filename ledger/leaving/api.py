"""Leaving a pool, for members' programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once, scope_of
from ledger.leaving.again import return_of, stays_of
from ledger.leaving.selectors import family_parting_of, parting_of
from ledger.leaving.services import end_child, leave_pool
from members.joining.end_models import MembershipEnd
from members.joining.family import access_child
from members.joining.models import Membership
from members.joining.selectors import access_membership
from members.people.models import User


class ComingRow(serializers.Serializer[Any]):
    """A period that counts me and is not charged yet, in minor units; at_most_fen: null before its cases are public."""

    period = serializers.IntegerField(source="period_no")
    state = serializers.CharField()
    publicity_date = serializers.DateField()
    publicity_end_date = serializers.DateField()
    charge_date = serializers.DateField()
    at_most_fen = serializers.IntegerField(allow_null=True)
    cap_fen = serializers.IntegerField(allow_null=True)
    is_exact = serializers.BooleanField()


class PartingAnswer(serializers.Serializer[Any]):
    """What leaving today means, in minor units: cover ends at 00:00 of end_date in the pool's zone.

    wallet_fen, free_fen: what is in the wallet, and what of it can be paid back at once; null where members pay
    afterwards. shown_sha256: what the request to leave names.
    """

    end_date = serializers.DateField()
    open_fen = serializers.IntegerField()
    coming = ComingRow(many=True)
    wallet_fen = serializers.IntegerField(source="wallet.balance_fen", allow_null=True, default=None)
    free_fen = serializers.IntegerField(source="wallet.free_fen", allow_null=True, default=None)
    bears_run_off = serializers.BooleanField()
    run_off_cap_fen = serializers.IntegerField(allow_null=True)
    shown_sha256 = serializers.CharField()


class ChildParting(serializers.Serializer[Any]):
    """What leaving means for a child whom I have added: the number, and minor units."""

    member = serializers.IntegerField()
    open_fen = serializers.IntegerField()
    at_most_fen = serializers.IntegerField(allow_null=True)
    coming = ComingRow(many=True)


class AdultStays(serializers.Serializer[Any]):
    """Somebody with an account for whom I pay: they stay, and my transfers count for them until last_date."""

    member = serializers.IntegerField()
    last_date = serializers.DateField()


class FamilyPartingAnswer(PartingAnswer):
    """The same, with the children who can leave with me and the adults who stay; shown_sha256 is over all of it."""

    children = ChildParting(many=True)
    adults = AdultStays(many=True)


class LeaveText(serializers.Serializer[Any]):
    """The hash of what was shown: exactly under these figures I leave. children: the numbers of who leaves with me.

    asked: the numbers of adults whom I ask to leave too; they stay unless they leave themselves.
    """

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")
    children = serializers.ListField(child=serializers.IntegerField(min_value=1), default=list)
    asked = serializers.ListField(child=serializers.IntegerField(min_value=1), default=list)


class LeaveAnswer(serializers.Serializer[Any]):
    """The first day without cover."""

    end_date = serializers.DateField()


class MyLeaving(PersonalEndpoint):
    """Leaving a pool: what it means today, and doing it."""

    policy = "member"

    @extend_schema(operation_id="my_parting", responses=FamilyPartingAnswer)
    def get(self, request: Request, code: str) -> Response:
        """Return what is owed and what comes back if one leaves today."""
        membership = access_membership(code=code, person=cast(User, request.user))
        family = family_parting_of(membership, clock.now())
        children = [
            {
                "member": one.membership.number,
                "open_fen": its.open_fen,
                "at_most_fen": its.at_most_fen,
                "coming": ComingRow(its.coming, many=True).data,
            }
            for one, its in family.children
        ]
        adults = [{"member": one.number, "last_date": family.last_date} for one in family.adults]
        own = PartingAnswer(family.own).data
        return Response({**own, "shown_sha256": family.shown_sha256, "children": children, "adults": adults})

    @extend_schema(
        operation_id="leave_pool",
        request=LeaveText,
        responses={201: LeaveAnswer},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Leave: one's own membership ends with the day, and nothing takes it back."""
        leaver = cast(User, request.user)
        membership, given = access_membership(code=code, person=leaver), LeaveText(data=request.data)
        given.is_valid(raise_exception=True)

        def act() -> dict[str, Any]:
            parting = leave_pool(membership=membership, leaver=leaver, at=clock.now(), **given.validated_data)
            return {"end_date": parting.end_date.isoformat()}

        answer = once(
            scope=scope_of(leaver.code, code, "leave"),
            key=idempotency_key(request),
            content=dict(given.validated_data),
            act=act,
        )
        return Response(LeaveAnswer(answer).data, status=201)


class StayRow(serializers.Serializer[Any]):
    """One of my memberships of the pool: dates in the pool's zone, minor units; end_date: the first day without cover.

    owed_fen: what of its announced shares was never paid, written off or not; its transfers bear `reference`.
    """

    number = serializers.IntegerField(source="membership.number")
    joined_date = serializers.DateField(source="membership.joined_date")
    end_reason = serializers.ChoiceField(
        MembershipEnd.Reason.choices, source="once.end.reason", allow_null=True, default=None
    )
    end_date = serializers.DateField(source="once.end.end_date", allow_null=True, default=None)
    owed_fen = serializers.IntegerField()
    reference = serializers.CharField()


class ReturnRow(serializers.Serializer[Any]):
    """What joining again takes today, which is done by hand: first_date null: never. eligible_date: if signed today."""

    is_possible = serializers.BooleanField()
    first_date = serializers.DateField(allow_null=True)
    takes_members = serializers.BooleanField()
    owed_fen = serializers.IntegerField()
    age_refusal = serializers.CharField(source="age", allow_null=True)
    needs_invitation = serializers.BooleanField()
    plan_version = serializers.IntegerField(source="version.number")
    signed_version = serializers.IntegerField(source="signed_no", allow_null=True)
    eligible_date = serializers.DateField(allow_null=True)


class StaysAnswer(serializers.Serializer[Any]):
    """All my memberships of a pool, newest first. join_again: null while the newest goes on."""

    memberships = StayRow(many=True)
    join_again = ReturnRow(allow_null=True)


class MyStays(PersonalEndpoint):
    """My memberships of one pool, those that are over as well, and whether I can join again."""

    policy = "member"

    @extend_schema(operation_id="my_stays", responses=StaysAnswer)
    def get(self, request: Request, code: str) -> Response:
        """Return them; no pool and none of mine answer alike."""
        membership, now = access_membership(code=code, person=cast(User, request.user)), clock.now()
        stays = stays_of(membership, now)
        answer = {"memberships": stays, "join_again": return_of(membership, stays, now)}
        return Response(StaysAnswer(answer).data)


class EndChildText(serializers.Serializer[Any]):
    """The hash of what was shown: exactly under these figures the membership ends."""

    shown_sha256 = serializers.RegexField(r"^[0-9a-f]{64}$")


class ChildLeaving(PersonalEndpoint):
    """Ending the membership of a child whom I have added and who has no account: what it means today, and doing it."""

    policy = "member"

    @extend_schema(operation_id="child_parting", responses=PartingAnswer)
    def get(self, request: Request, code: str, number: int) -> Response:
        """Return what is owed and what comes back if the child's membership ends today."""
        return Response(PartingAnswer(parting_of(self._child(request, code, number), clock.now())).data)

    @extend_schema(
        operation_id="end_child", request=EndChildText, responses={201: LeaveAnswer}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """End it: the membership is over with the day, and nothing takes it back."""
        guardian, child = cast(User, request.user), self._child(request, code, number)
        given = EndChildText(data=request.data)
        given.is_valid(raise_exception=True)

        def act() -> dict[str, Any]:
            parting = end_child(child=child, guardian=guardian, at=clock.now(), **given.validated_data)
            return {"end_date": parting.end_date.isoformat()}

        answer = once(
            scope=scope_of(guardian.code, code, f"end_child/{number}"),
            key=idempotency_key(request),
            content=dict(given.validated_data),
            act=act,
        )
        return Response(LeaveAnswer(answer).data, status=201)

    def _child(self, request: Request, code: str, number: int) -> Membership:
        guardian = access_membership(code=code, person=cast(User, request.user))
        return access_child(guardian=guardian, number=number).membership
