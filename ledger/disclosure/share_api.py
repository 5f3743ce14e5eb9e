"""A member's own shares for their programs: what the page of shares says of each, and the statements of years."""

from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from ledger.custody.selectors import OwedCharge
from ledger.custody.selectors import charges_of as owed_of
from ledger.disclosure import selectors
from ledger.disclosure.statements import statement_paper, year_statement
from ledger.sharing.face_selectors import FacesOf
from ledger.sharing.faces import words_of
from ledger.sharing.layers import MEMBERS
from members.joining.own import WHICH, own_membership
from members.joining.selectors import access_membership
from members.people.models import User

PAGE = 50
PDF = "application/pdf"


class ShareCause(serializers.Serializer[Any]):
    """What one cause has done to a share, in hundredths of a minor unit, below zero where it made it less.

    code: aid, other_costs, fee, reserve_contribution, reserve_drawn, sponsor, carry_in, rounding, cap; of a change also
    headcount, weight and carry_out.
    """

    code = serializers.CharField()
    name = serializers.CharField()
    amount = serializers.IntegerField(source="signed")


class ShareChange(serializers.Serializer[Any]):
    """How a share differs from the one charged before it, in minor units; the parts add up to it."""

    since_period = serializers.IntegerField(source="before.period.number")
    amount_fen = serializers.IntegerField()
    parts = ShareCause(many=True)


class BillBody(serializers.Serializer[Any]):
    """The bill of the period that all shared, in minor units, and how many shared it."""

    headcount = serializers.IntegerField()
    cases = serializers.IntegerField()
    aid_fen = serializers.IntegerField()
    other_costs_fen = serializers.IntegerField()
    fee_fen = serializers.IntegerField()
    reserve_contribution_fen = serializers.IntegerField()
    reserve_drawn_fen = serializers.IntegerField()
    sponsor_fen = serializers.IntegerField()
    carry_in_fen = serializers.IntegerField()
    need_fen = serializers.IntegerField()
    assessed_fen = serializers.IntegerField()
    carry_out_fen = serializers.IntegerField()


class SharedCase(serializers.Serializer[Any]):
    """A case of the period as members are told of it, in the reader's language, with its aid in minor units."""

    code = serializers.CharField()
    aid_fen = serializers.IntegerField()
    age = serializers.CharField()
    sex = serializers.CharField()
    region = serializers.CharField()
    disease = serializers.CharField()


class ChargeRow(serializers.Serializer[Any]):
    """What I owe for one period, in minor units, with the row of the class table it follows from.

    written_off_fen: what of it is not asked of me any more, because nobody could collect it. collected_fen: what has
    come in; open_fen: what is still owed. cap_fen: the most that the rules let this period charge me; null: no end.
    parts: what the share consists of; they add up to it.
    """

    period = serializers.IntegerField(source="period.number")
    charge_date = serializers.DateField(source="period.charge_date")
    share_fen = serializers.IntegerField()
    written_off_fen = serializers.IntegerField()
    collected_fen = serializers.SerializerMethodField()
    open_fen = serializers.SerializerMethodField()
    class_no = serializers.IntegerField(source="row.class_no", allow_null=True, default=None)
    weight = serializers.IntegerField(source="row.weight", allow_null=True, default=None)
    cap_fen = serializers.IntegerField(source="row.cap_fen", allow_null=True, default=None)
    is_at_cap = serializers.BooleanField(source="row.is_at_cap", default=False)
    parts = ShareCause(many=True)
    bill = BillBody(source="period")
    cases = serializers.SerializerMethodField()
    change = serializers.SerializerMethodField(help_text="null for the first share")

    def get_collected_fen(self, charge: selectors.MyCharge) -> int:
        """Return what has come in of it."""
        return self._owed(charge).collected_fen

    def get_open_fen(self, charge: selectors.MyCharge) -> int:
        """Return what is still owed of it."""
        return self._owed(charge).open_fen

    @extend_schema_field(SharedCase(many=True))
    def get_cases(self, charge: selectors.MyCharge) -> Any:
        """Return the first twenty cases that it paid for; `bill` counts them all."""
        return SharedCase(self.context["cases"][charge.period.number], many=True).data

    @extend_schema_field(ShareChange(allow_null=True))
    def get_change(self, charge: selectors.MyCharge) -> Any:
        """Return how it differs from the share before."""
        change = self.context["changes"][charge.period.number]
        return None if change is None else ShareChange(change).data

    def _owed(self, charge: selectors.MyCharge) -> OwedCharge:
        owed: OwedCharge = self.context["owed"][charge.period.number]
        return owed


class ChargePage(serializers.Serializer[Any]):
    """A page of charges; next: the value of `before` for the following one, null at the end."""

    next = serializers.IntegerField(allow_null=True)
    results = ChargeRow(many=True)


class PageAsked(serializers.Serializer[Any]):
    """The cursor: only periods before this number, and how many at most. member: of which of my memberships."""

    member = serializers.IntegerField(required=False, min_value=1, max_value=2**53)
    before = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=PAGE)


class MyCharges(PersonalEndpoint):
    """What I owe in a pool, newest first."""

    policy = "member"

    @extend_schema(
        operation_id="my_charges",
        responses=ChargePage,
        parameters=[OpenApiParameter(name, int) for name in ("before", "limit", "member")],
    )
    def get(self, request: Request, code: str) -> Response:
        """Return one's own charges; no pool and none of mine answer alike."""
        given = PageAsked(data=request.query_params)
        given.is_valid(raise_exception=True)
        before, limit = given.validated_data.get("before"), given.validated_data["limit"]
        number = str(given.validated_data.get("member", ""))
        membership = access_membership(code=code, person=cast(User, request.user), number=number)
        charges = selectors.charges_of(membership, before_no=before, limit=limit + 1)
        page = charges[:limit]
        following = page[-1].period.number if len(charges) > limit else None
        numbers = [charge.period.number for charge in charges]
        owed = owed_of(pool=membership.pool, membership_id=membership.pk)
        context = {
            "changes": dict(zip(numbers, selectors.changes_of(charges), strict=True)),
            "owed": {one.period_no: one for one in owed},
            "cases": _told_cases(page),
        }
        return Response(ChargePage({"next": following, "results": page}, context=context).data)


def _told_cases(charges: list[selectors.MyCharge]) -> dict[int, list[dict[str, Any]]]:
    """Return the first cases of these charges as members are told of them, by the period's number. Two queries."""
    cases = selectors.cases_of(charges)
    faces = FacesOf([award for told in cases.values() for award in told.shown], MEMBERS)
    return {
        number: [
            {
                "code": award.code,
                "aid_fen": award.payable_fen,
                "age": face.age,
                "sex": face.sex,
                "region": face.region,
                "disease": face.disease,
            }
            for award in told.shown
            for face in (words_of(faces.told(award)),)
        ]
        for number, told in cases.items()
    }


class MyStatementRow(serializers.Serializer[Any]):
    """A calendar year of charge days of which there is a statement, and what was charged in it, in minor units."""

    year = serializers.IntegerField()
    periods = serializers.IntegerField()
    share_fen = serializers.IntegerField()


class MyStatements(PersonalEndpoint):
    """The years of which I can have a statement."""

    policy = "member"

    @extend_schema(operation_id="my_statements", parameters=[WHICH], responses=MyStatementRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return them, newest first; no pool and none of mine answer alike."""
        membership = own_membership(request, code)
        shares = selectors.past_shares_of(membership)
        rows = [
            {
                "year": year,
                "periods": sum(one.charge_date.year == year for one in shares),
                "share_fen": selectors.year_to_date_fen(shares, year),
            }
            for year in sorted({one.charge_date.year for one in shares}, reverse=True)
        ]
        return Response(MyStatementRow(rows, many=True).data)


class MyStatement(PersonalEndpoint):
    """The statement of one year."""

    policy = "member"

    @extend_schema(
        operation_id="my_statement", parameters=[WHICH], responses={(200, PDF): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, code: str, year: int) -> HttpResponse:
        """Return it as PDF, in the language asked for; no such year, no pool and none of mine answer alike."""
        membership = own_membership(request, code)
        content = statement_paper(year_statement(membership, year))
        disposition = {"Content-Disposition": f'attachment; filename="{code}-shares-{year}.pdf"'}
        return HttpResponse(content, content_type=PDF, headers=disposition)
