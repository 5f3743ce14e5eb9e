"""A person's memberships for their programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from members.joining.end_models import MembershipEnd
from members.joining.selectors import covers_of, end_of, memberships_of
from members.people.models import User

MEMBERSHIP_STATES = ["unpaid", "waiting", "eligible", "suspended", "ended"]


class MembershipRow(serializers.Serializer[Any]):
    """A membership and what it means today; instants in UTC, dates in the pool's zone."""

    pool = serializers.CharField()
    number = serializers.IntegerField()
    joined_date = serializers.DateField()
    waiting_since_date = serializers.DateField(
        allow_null=True, help_text="Since when waiting time was served in a pool that moved in."
    )
    covered_from = serializers.DateTimeField(allow_null=True)
    covered_until = serializers.DateTimeField(allow_null=True)
    eligible_date = serializers.DateField(allow_null=True)
    state = serializers.ChoiceField(
        MEMBERSHIP_STATES,
        help_text="How it stands today. Unpaid: cover begins with a first payment; suspended: it comes back with one.",
    )
    is_waiting = serializers.BooleanField()
    class_no = serializers.IntegerField(allow_null=True, help_text="Where the rules have several classes.")
    next_class_no = serializers.IntegerField(allow_null=True, help_text="Where the class goes by age.")
    next_class_date = serializers.DateField(allow_null=True)
    ages_out_date = serializers.DateField(allow_null=True, help_text="When the rules end by age.")
    end_reason = serializers.ChoiceField(
        MembershipEnd.Reason.choices, allow_null=True, help_text="Why the membership is over for good."
    )
    end_date = serializers.DateField(allow_null=True, help_text="The first day without cover.")


class MyMemberships(PersonalEndpoint):
    """Where I belong: a person belongs to few pools, so they come on one page."""

    @extend_schema(operation_id="my_memberships", responses=MembershipRow(many=True))
    def get(self, request: Request) -> Response:
        """Return one's own memberships."""
        memberships = list(memberships_of(cast(User, request.user)))
        covers = covers_of(memberships, clock.now()) if memberships else {}
        rows = []
        for membership in memberships:
            cover, end = covers.get(membership.pk), end_of(membership)
            rows.append(
                {
                    "pool": membership.pool.code,
                    "number": membership.number,
                    "joined_date": membership.joined_date,
                    "waiting_since_date": membership.waiting_since_date,
                    "covered_from": cover.covered_from if cover else None,
                    "covered_until": cover.covered_until if cover else None,
                    "eligible_date": cover.eligible_date if cover else None,
                    "state": cover.state if cover else "ended" if end else "unpaid",
                    "is_waiting": bool(cover and cover.is_waiting),
                    "class_no": cover.place.class_no if cover and cover.place else None,
                    "next_class_no": cover.next_place[1].class_no if cover and cover.next_place else None,
                    "next_class_date": cover.next_place[0] if cover and cover.next_place else None,
                    "ages_out_date": cover.ages_out_date if cover else None,
                    "end_reason": end.reason if end else None,
                    "end_date": end.end_date if end else None,
                }
            )
        return Response(MembershipRow(rows, many=True).data)
