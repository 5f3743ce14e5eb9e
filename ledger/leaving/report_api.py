"""Deaths and removals for programs: the list, a report, its confirmation by a second person, its withdrawal."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody.api import MoneyDeed, OrderAnswer, OrderState, ReleaseText
from ledger.custody.pages import ADMIN, AUDITOR, CONTROLLER
from ledger.custody.selectors import access_membership_no
from ledger.leaving import reports
from members.joining.end_models import REPORTED, MembershipEnd, ReportedEnd
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber
from members.pools.selectors import access_pool


class ReportedEndRow(serializers.ModelSerializer[ReportedEnd]):
    """A reported death or removal, with the hash that a confirmation names; membership: its number."""

    membership = serializers.IntegerField(source="membership.number")

    class Meta:
        model = ReportedEnd
        fields = [
            "number", "membership", "reason", "event_date", "reference", "statement", "state", "shown_sha256",
            "reported_by", "reported_at", "decided_by", "decided_at",
        ]  # fmt: skip


class ReportText(serializers.Serializer[Any]):
    """Whose membership ends, why, and what shows it. event_date: the day of a death, and only of a death."""

    membership = serializers.IntegerField(min_value=1, max_value=10**9 - 1)
    reason = serializers.ChoiceField(REPORTED)
    event_date = serializers.DateField(required=False, allow_null=True, default=None)
    reference = serializers.CharField(max_length=200)
    statement = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand the day of a death and the statement of a removal. Raises: ValidationError."""
        is_death = attrs["reason"] == MembershipEnd.Reason.DECEASED
        if is_death != (attrs["event_date"] is not None) or not (is_death or attrs["statement"]):
            raise serializers.ValidationError({"reason": ["invalid"]})
        return attrs


class EndAnswer(serializers.Serializer[Any]):
    """The first day without cover."""

    end_date = serializers.DateField()


class ReportedEndList(DutyEndpoint, ListAPIView[ReportedEnd]):
    """The deaths and removals that were reported in a pool, newest first."""

    duties = (ADMIN, CONTROLLER, AUDITOR)
    serializer_class = ReportedEndRow
    pagination_class = NewestNumber
    queryset = ReportedEnd.objects.none()

    def get_queryset(self) -> QuerySet[ReportedEnd]:
        """Return those of the pool that the address names."""
        return reports.reports_of(access_pool(code=self.kwargs["code"]))


class EndReport(MoneyDeed):
    """A report that a member has died, or is to be removed."""

    duties = (ADMIN,)

    @extend_schema(
        operation_id="report_end", request=ReportText, responses={201: OrderAnswer}, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str) -> Response:
        """Report it; the membership goes on until a controller confirms."""
        given = ReportText(data=request.data)
        given.is_valid(raise_exception=True)
        told = dict(given.validated_data)
        content = {name: str(value) for name, value in told.items()}
        member = access_membership_no(pool=access_pool(code=code), number=told.pop("membership"))

        def act(person: User) -> dict[str, Any]:
            made = reports.report_end(membership=member, reporter=person.code, at=clock.now(), **told)
            return {"number": made.number, "shown_sha256": made.shown_sha256}

        return Response(OrderAnswer(self.do_once(request, "report_end", content, act)).data, status=201)


class EndConfirmation(MoneyDeed):
    """The confirmation of a death or a removal by a second person."""

    duties = (CONTROLLER,)

    @extend_schema(
        operation_id="confirm_end", request=ReleaseText, responses=EndAnswer, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """End the membership exactly as it was shown."""
        given = ReleaseText(data=request.data)
        given.is_valid(raise_exception=True)
        found = reports.access_report(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            ended = reports.confirm_end(
                report=found, confirmer=person.code, at=clock.now(), **given.validated_data
            )
            return {"end_date": ended.end_date.isoformat()}

        answer = self.do_once(request, f"confirm_end/{number}", given.validated_data, act)
        return Response(EndAnswer(answer).data)


class EndWithdrawal(MoneyDeed):
    """Taking a report back, or turning it down."""

    duties = (ADMIN, CONTROLLER)

    @extend_schema(operation_id="withdraw_end", request=None, responses=OrderState, parameters=[KEY_HEADER])
    def post(self, request: Request, code: str, number: int) -> Response:
        """Withdraw what waits; the membership goes on."""
        found = reports.access_report(pool=access_pool(code=code), number=number)

        def act(person: User) -> dict[str, Any]:
            done = reports.withdraw_report(report=found, withdrawer=person.code, at=clock.now())
            return {"state": done.state}

        return Response(OrderState(self.do_once(request, f"withdraw_end/{number}", {}, act)).data)
