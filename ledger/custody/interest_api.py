"""The operator's interests and income for programs: for everyone what holds; for two people to tell and confirm it."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Endpoint
from aidplatform.lib.openapi import KEY_HEADER
from ledger.custody import interests
from ledger.custody.api import Decision, MoneyDeed, OrderState
from ledger.custody.interest_models import IncomeReport, OperatorInterest, State
from ledger.custody.pages import ADMIN, CONTROLLER, READERS
from ledger.sharing.models import Period
from ledger.sharing.selectors import access_period
from members.people.models import User
from members.pools.api import DutyEndpoint, NewestNumber, public_pool
from members.pools.selectors import access_pool

LARGEST_FEN = 2**53 - 1


class InterestRow(serializers.ModelSerializer[OperatorInterest]):
    """A company or body with which the operator has to do, [since_date, until_date); replaces: whose place it took."""

    class Meta:
        model = OperatorInterest
        fields = [
            "number", "kind", "partner", "relation", "since_date", "until_date", "replaces", "state", "proposed_by",
            "proposed_at", "decided_by", "decided_at",
        ]  # fmt: skip


class IncomeRow(serializers.Serializer[Any]):
    """The operator's income of a posted period as reported, null: not stated, and as booked, in minor units.

    gap_*: all reports up to this period less all that was booked.
    """

    period = serializers.IntegerField(source="number")
    referral_fen = serializers.IntegerField(allow_null=True)
    sponsor_fen = serializers.IntegerField(allow_null=True)
    booked_referral_fen = serializers.IntegerField()
    booked_sponsor_fen = serializers.IntegerField()
    gap_referral_fen = serializers.IntegerField()
    gap_sponsor_fen = serializers.IntegerField()


class IncomeReportRow(serializers.ModelSerializer[IncomeReport]):
    """A report of the operator's income, and who decided."""

    period = serializers.IntegerField(source="period.number")

    class Meta:
        model = IncomeReport
        fields = [
            "number", "period", "referral_fen", "sponsor_fen", "note", "state", "proposed_by", "proposed_at",
            "decided_by", "decided_at",
        ]  # fmt: skip


class InterestText(serializers.ModelSerializer[OperatorInterest]):
    """An interest to be confirmed; replaces: the number of one in the register."""

    replaces = serializers.IntegerField(allow_null=True, default=None, min_value=1, max_value=2**31 - 1)
    until_date = serializers.DateField(allow_null=True, default=None)

    class Meta:
        model = OperatorInterest
        fields = ["kind", "partner", "relation", "since_date", "until_date", "replaces"]


class IncomeText(serializers.Serializer[Any]):
    """Income of a period to be confirmed, in minor units; 0 is said."""

    period = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    referral_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)
    sponsor_fen = serializers.IntegerField(min_value=0, max_value=LARGEST_FEN)
    note = serializers.CharField(max_length=300, allow_blank=True, default="")


class InterestNumber(serializers.Serializer[Any]):
    """What was proposed."""

    number = serializers.IntegerField()


class InterestList(Endpoint, ListAPIView[OperatorInterest]):
    """What was confirmed of the operator's interests, newest first."""

    serializer_class = InterestRow
    pagination_class = NewestNumber
    queryset = OperatorInterest.objects.none()

    def get_queryset(self) -> QuerySet[OperatorInterest]:
        """Return those of the pool that the address names."""
        pool = public_pool(self.request, self.kwargs["code"])
        return interests.interests(pool).filter(state=State.CONFIRMED)


class IncomeList(Endpoint):
    """The operator's income, period by period."""

    @extend_schema(operation_id="operator_income", responses=IncomeRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return every posted period, newest first."""
        rows = interests.income_by_period(public_pool(request, code))
        return Response(IncomeRow(rows, many=True).data)


class InterestsTold(DutyEndpoint, ListAPIView[OperatorInterest]):
    """All interests, also those that wait or were withdrawn, newest first."""

    duties = READERS
    serializer_class = InterestRow
    pagination_class = NewestNumber
    queryset = OperatorInterest.objects.none()

    def get_queryset(self) -> QuerySet[OperatorInterest]:
        """Return those of the pool that the address names."""
        return interests.interests(access_pool(code=self.kwargs["code"]))


class IncomeReports(DutyEndpoint, ListAPIView[IncomeReport]):
    """All reports of income, also those that wait or were withdrawn, newest first."""

    duties = READERS
    serializer_class = IncomeReportRow
    pagination_class = NewestNumber
    queryset = IncomeReport.objects.none()

    def get_queryset(self) -> QuerySet[IncomeReport]:
        """Return those of the pool that the address names."""
        return interests.reports(access_pool(code=self.kwargs["code"]))


class InterestProposal(MoneyDeed):
    """A proposal for the register."""

    duties = (ADMIN,)

    @extend_schema(
        operation_id="propose_interest",
        request=InterestText,
        responses={201: InterestNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Propose it; it stands in the register once a controller has confirmed it."""
        given = InterestText(data=request.data)
        given.is_valid(raise_exception=True)
        pool = access_pool(code=code)

        def act(person: User) -> dict[str, Any]:
            made = interests.propose_interest(
                pool=pool, proposer=person.code, at=clock.now(), **given.validated_data
            )
            return {"number": made.number}

        told = {name: str(value) for name, value in given.validated_data.items()}
        return Response(InterestNumber(self.do_once(request, "interest", told, act)).data, status=201)


class IncomeProposal(MoneyDeed):
    """A report of income."""

    duties = (ADMIN,)

    @extend_schema(
        operation_id="report_income",
        request=IncomeText,
        responses={201: InterestNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """Report it; it holds once a controller has confirmed it."""
        given = IncomeText(data=request.data)
        given.is_valid(raise_exception=True)
        told = dict(given.validated_data)
        period = _period(code, told["period"])

        def act(person: User) -> dict[str, Any]:
            made = interests.report_income(
                period=period,
                referral_fen=told["referral_fen"],
                sponsor_fen=told["sponsor_fen"],
                note=told["note"],
                proposer=person.code,
                at=clock.now(),
            )
            return {"number": made.number}

        return Response(InterestNumber(self.do_once(request, "income", told, act)).data, status=201)


def _period(code: str, number: int) -> Period:
    return access_period(pool=access_pool(code=code), number=number)


class _Decision(Decision):
    decision_of = staticmethod(interests.decision_of)


class InterestConfirmation(_Decision):
    """The confirmation of an interest by a second person."""

    duties = (CONTROLLER,)
    deed = "confirm_interest"

    @extend_schema(
        operation_id="confirm_interest", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Put it into the register."""
        return self.decide(request, code, number)


class InterestWithdrawal(_Decision):
    """Taking an interest back that waits."""

    duties = (ADMIN, CONTROLLER)
    deed = "withdraw_interest"

    @extend_schema(
        operation_id="withdraw_interest", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Take it back."""
        return self.decide(request, code, number)


class IncomeConfirmation(_Decision):
    """The confirmation of a report of income by a second person."""

    duties = (CONTROLLER,)
    deed = "confirm_income"

    @extend_schema(operation_id="confirm_income", request=None, responses=OrderState, parameters=[KEY_HEADER])
    def post(self, request: Request, code: str, number: int) -> Response:
        """Let it hold."""
        return self.decide(request, code, number)


class IncomeWithdrawal(_Decision):
    """Taking a report of income back that waits."""

    duties = (ADMIN, CONTROLLER)
    deed = "withdraw_income"

    @extend_schema(
        operation_id="withdraw_income", request=None, responses=OrderState, parameters=[KEY_HEADER]
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Take it back."""
        return self.decide(request, code, number)
