"""Investigations for programs: of a reviewer's desk, of whoever investigates one case, of a claimant's own claim."""

from typing import Any, ClassVar, cast

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint, idempotency_key
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work import audit
from aidplatform.work.idempotency import once
from claims.filing import selectors as filing
from claims.filing.models import LARGEST_PAPER, MEDIA_TYPES, Claim
from claims.filing.paper_api import PaperRow
from claims.filing.papers import refuse
from claims.filing.views import paper_response
from claims.review import investigation_pages as pages
from claims.review import investigations, openings, selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.investigation_models import Investigation
from claims.review.investigation_selectors import (
    access_investigation,
    access_of_claim,
    investigations_of,
    running_of,
    told,
)
from claims.review.link_api import LinkAddress, address_of
from claims.review.opening_api import PaperOpeningRow, PaperOpeningText
from claims.review.opening_models import PaperOpening
from ledger.sharing.payees import Payee
from members.people.models import User
from members.pools.api import DutyEndpoint, StrongEndpoint
from members.pools.selectors import access_pool


class InvestigationRow(serializers.Serializer[Any]):
    """An investigation: question, reason, name, report and answer in words; until_date: the last day of its access.

    bill_fen: what it has cost, in minor units; borne_by: by the plan of the case, never the claimant.
    """

    code = serializers.CharField(source="investigation.code")
    number = serializers.IntegerField(source="investigation.number")
    state = serializers.CharField(source="investigation.state")
    question = serializers.CharField()
    reason = serializers.CharField()
    name = serializers.CharField()
    most_fen = serializers.IntegerField(source="investigation.most_fen")
    borne_by = serializers.CharField(source="investigation.borne_by")
    ordered_at = serializers.DateTimeField(source="investigation.ordered_at")
    until_date = serializers.DateField(source="investigation.until_date", allow_null=True)
    report = serializers.CharField()
    reported_at = serializers.DateTimeField(source="investigation.reported_at", allow_null=True)
    bill_fen = serializers.IntegerField(source="investigation.bill_fen", allow_null=True)
    answer = serializers.CharField()
    answer_until_date = serializers.DateField(source="investigation.answer_until_date", allow_null=True)
    answer_open = serializers.BooleanField()


class InvestigationText(serializers.Serializer[Any]):
    """What somebody from outside is asked, why, who it is, and what it may cost in minor units."""

    question = serializers.CharField(max_length=1000)
    reason = serializers.CharField(max_length=1000)
    name = serializers.CharField(max_length=80)
    most_fen = serializers.IntegerField(min_value=0, max_value=2**53 - 1)


class AgreementText(serializers.Serializer[Any]):
    """Whether a second reviewer agrees to a costly investigation."""

    agrees = serializers.BooleanField()


class LinkText(serializers.Serializer[Any]):
    """The link by which somebody takes an investigation on, once; it is kept nowhere."""

    link = serializers.CharField()


class _OfDesk(DutyEndpoint):
    duties: ClassVar[tuple[str, ...]] = (REVIEWER, SECOND_REVIEWER, pages.POOL_ADMIN)

    def found(self, code: str, claim: str) -> Claim:
        """Return a claim of the pool that has been filed. Raises: NotFoundError."""
        return selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)

    def one(self, request: Request, code: str, claim: str, number: int) -> Investigation:
        """Return an investigation in which the person may do something. Raises: NotFoundError."""
        one = access_of_claim(self.found(code, claim), number)
        if not pages.rights_in(one, cast(User, request.user)):
            raise NotFoundError(_("There is no such investigation."))
        return one

    def shown(self, one: Investigation, status: int = 200) -> Response:
        """Answer with the investigation as it is now."""
        return Response(InvestigationRow(told(access_of_claim(one.claim, one.number))).data, status=status)


class DeskInvestigations(_OfDesk):
    """The investigations of a claim in hand."""

    duties = (REVIEWER, SECOND_REVIEWER)

    @extend_schema(operation_id="investigations", responses=InvestigationRow(many=True))
    def get(self, request: Request, code: str, claim: str) -> Response:
        """Return them, oldest first, to whom reads the file or may agree to one."""
        found, person = self.found(code, claim), cast(User, request.user)
        rows = [told(one) for one in investigations_of(found) if "read" in pages.rights_in(one, person)]
        return Response(InvestigationRow(rows, many=True).data)

    @extend_schema(
        operation_id="order_investigation",
        request=InvestigationText,
        responses={201: InvestigationRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, claim: str) -> Response:
        """Order one as the reviewer in charge; above the plan's limit it waits for a second reviewer."""
        found, person = self.found(code, claim), cast(User, request.user)
        key = idempotency_key(request)
        given = InvestigationText(data=request.data)
        given.is_valid(raise_exception=True)
        content = dict(given.validated_data)

        def act() -> dict[str, Any]:
            made = investigations.order_investigation(
                claim=found, reviewer=person.code, at=clock.now(), **content
            )
            return {"number": made.number}

        answer = once(scope=f"{person.code}/investigate/{found.code}", key=key, content=content, act=act)
        return self.shown(access_of_claim(found, answer["number"]), 201)


class InvestigationAgreement(_OfDesk):
    """The word of a second reviewer on a costly investigation."""

    duties = (SECOND_REVIEWER,)

    @extend_schema(operation_id="agree_to_investigation", request=AgreementText, responses=InvestigationRow)
    def post(self, request: Request, code: str, claim: str, number: int) -> Response:
        """Agree, or not."""
        one, person = self.one(request, code, claim, number), cast(User, request.user)
        given = AgreementText(data=request.data)
        given.is_valid(raise_exception=True)
        investigations.agree_to_investigation(
            investigation=one, decider=person.code, at=clock.now(), **given.validated_data
        )
        return self.shown(one)


class InvestigationLink(_OfDesk):
    """The link of an investigation."""

    duties = (REVIEWER,)

    @extend_schema(operation_id="link_investigation", request=LinkAddress, responses={201: LinkText})
    def post(self, request: Request, code: str, claim: str, number: int) -> Response:
        """Make it; one made before stops working."""
        one, person = self.one(request, code, claim, number), cast(User, request.user)
        link = investigations.make_link(
            investigation=one, reviewer=person.code, at=clock.now(), address=address_of(request)
        )
        return Response(LinkText({"link": link}).data, status=201)


class InvestigationExtension(_OfDesk):
    """More days for an investigation."""

    duties = (REVIEWER,)

    @extend_schema(operation_id="extend_investigation", request=None, responses=InvestigationRow)
    def post(self, request: Request, code: str, claim: str, number: int) -> Response:
        """Give it its days once more, once."""
        one, person = self.one(request, code, claim, number), cast(User, request.user)
        investigations.extend_investigation(investigation=one, reviewer=person.code, at=clock.now())
        return self.shown(one)


class InvestigationRevocation(_OfDesk):
    """The early end of an investigation."""

    duties = (REVIEWER, pages.POOL_ADMIN)

    @extend_schema(operation_id="revoke_investigation", request=None, responses={204: None})
    def post(self, request: Request, code: str, claim: str, number: int) -> Response:
        """End it; whoever investigates sees nothing of the case from now on."""
        one, person = self.one(request, code, claim, number), cast(User, request.user)
        investigations.revoke_investigation(investigation=one, actor=person.code, at=clock.now())
        return Response(status=204)


# --- whoever investigates -----------------------------------------------------------------------------------------


class CaseRow(serializers.Serializer[Any]):
    """The one case of an investigator; until_date: the last day on which it is theirs to see."""

    code = serializers.CharField(source="investigation.code")
    pool = serializers.CharField(source="investigation.claim.pool.code")
    until_date = serializers.DateField(source="investigation.until_date")
    question = serializers.CharField()
    reason = serializers.CharField()
    most_fen = serializers.IntegerField(source="investigation.most_fen")


class CaseInFull(CaseRow):
    """The same with illness, day and the claimant's words."""

    illness = serializers.CharField(source="investigation.claim.illness")
    event_date = serializers.DateField(source="investigation.claim.event_date")
    birth_date = serializers.SerializerMethodField()
    story = serializers.SerializerMethodField()

    def get_birth_date(self, one: Any) -> str:
        """Return the birth date of who is ill."""
        birth = filing.read_birth(one.investigation.claim)
        return birth.isoformat() if birth else ""

    def get_story(self, one: Any) -> str:
        """Return what the claimant wrote."""
        return filing.read_story(one.investigation.claim)


class AcceptanceText(serializers.Serializer[Any]):
    """The last part of the link by which an investigation is taken on."""

    token = serializers.CharField(max_length=80)


class FindingText(serializers.Serializer[Any]):
    """A photograph (JPEG, PNG) or PDF, 10 MB at most, as multipart/form-data."""

    file = serializers.FileField(allow_empty_file=True, help_text="Its name is not kept.")


class FindingsReportText(serializers.Serializer[Any]):
    """What was found, and what it has cost in minor units; whom to pay, where that is more than nothing."""

    text = serializers.CharField(max_length=8000)
    bill_fen = serializers.IntegerField(min_value=0, max_value=2**53 - 1)
    payee_name = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    payee_account = serializers.RegexField(
        r"^([0-9A-Za-z \-]{5,42})?$", required=False, default="", allow_blank=True
    )


class _Investigates(StrongEndpoint):
    def mine(self, request: Request, investigation: str) -> Investigation:
        """Return what the person investigates now under that code; any other is absent. Raises: NotFoundError."""
        return access_investigation(person=cast(User, request.user), code=investigation)


class MyInvestigations(_Investigates):
    """What I look into from outside, each until its day."""

    @extend_schema(operation_id="my_investigations", responses=CaseRow(many=True))
    def get(self, request: Request) -> Response:
        """Return them, oldest first."""
        found = [told(one) for one in running_of(cast(User, request.user))]
        return Response(CaseRow(found, many=True).data)


class InvestigationAcceptance(_Investigates):
    """Taking an investigation on."""

    @extend_schema(operation_id="accept_investigation", request=AcceptanceText, responses={201: CaseRow})
    def post(self, request: Request) -> Response:
        """Take it on by its link, which is used up by it."""
        given = AcceptanceText(data=request.data)
        given.is_valid(raise_exception=True)
        made = investigations.accept_investigation(
            token=given.validated_data["token"], person=cast(User, request.user), at=clock.now()
        )
        return Response(CaseRow(told(made)).data, status=201)


class MyInvestigation(_Investigates):
    """One case that I look into."""

    @extend_schema(operation_id="my_investigation", responses=CaseInFull)
    def get(self, request: Request, investigation: str) -> Response:
        """Return it; the claimant sees that it was read."""
        one = self.mine(request, investigation)
        person = cast(User, request.user)
        audit.record(actor=person.code, action="open_claim", subject=one.claim.code, purpose="investigation")
        return Response(CaseInFull(told(one)).data)


class InvestigationPapers(_Investigates):
    """The papers of the case that I look into."""

    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="investigation_papers", responses=PaperRow(many=True))
    def get(self, request: Request, investigation: str) -> Response:
        """Return those that count, oldest first, without opening one; mine are of kind `investigation`."""
        one = self.mine(request, investigation)
        return Response(PaperRow(filing.papers_of(one.claim), many=True).data)

    @extend_schema(operation_id="add_finding", request=FindingText, responses={201: PaperRow})
    def post(self, request: Request, investigation: str) -> Response:
        """Add one to the report; the same file again is the one that is there."""
        one = self.mine(request, investigation)
        given = FindingText(data=request.data)
        given.is_valid(raise_exception=True)
        file = given.validated_data["file"]
        if file.size > LARGEST_PAPER:
            raise refuse("too_large")
        kept = investigations.add_finding(
            investigation=one, person=cast(User, request.user), data=file.read(), at=clock.now()
        )
        return Response(PaperRow(kept).data, status=201)


class InvestigatorOpeningRow(PaperOpeningRow):
    """An opening of a paper by an investigator."""

    def get_file(self, opening: PaperOpening) -> str:
        """Return the address of the file."""
        return reverse("api_investigation_file", args=[self.context["investigation"], opening.pk])


class InvestigationOpening(_Investigates):
    """Opening one paper."""

    parser_classes = (JSONParser,)

    @extend_schema(
        operation_id="open_paper_of_investigation",
        request=PaperOpeningText,
        responses={201: InvestigatorOpeningRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, investigation: str, paper: str) -> Response:
        """Note what it is opened for; the same Idempotency-Key again answers with the same opening."""
        one, person = self.mine(request, investigation), cast(User, request.user)
        key = idempotency_key(request)
        given = PaperOpeningText(data=request.data)
        given.is_valid(raise_exception=True)
        what_for = dict(given.validated_data)

        def act() -> dict[str, Any]:
            made = openings.open_paper(
                claim=one.claim, code=paper, opener=person.code, at=clock.now(), **what_for
            )
            return {"opening": made.pk}

        answer = once(scope=f"{person.code}/open/{paper[:24]}", key=key, content=what_for, act=act)
        opening = openings.access_opening(claim=one.claim, person=person, opening_id=answer["opening"])
        row = InvestigatorOpeningRow(opening, context={"investigation": one.code})
        return Response(row.data, status=201)


class InvestigationFile(_Investigates):
    """The paper of one of my openings."""

    @extend_schema(
        operation_id="opened_paper_of_investigation",
        responses={(200, kind): OpenApiTypes.BINARY for kind in MEDIA_TYPES},
    )
    def get(self, request: Request, investigation: str, opening: int) -> HttpResponse:
        """Return it, marked; nothing of it is kept on the way."""
        found, person = self.mine(request, investigation), cast(User, request.user)
        one = openings.access_opening(claim=found.claim, person=person, opening_id=opening)
        marked = openings.marked_paper(claim=found.claim, opening=one, person=person, at=clock.now())
        return paper_response(marked, f"{one.paper.code}-{one.pk}")


class InvestigationReport(_Investigates):
    """The report that ends an investigation."""

    @extend_schema(operation_id="report_investigation", request=FindingsReportText, responses={204: None})
    def post(self, request: Request, investigation: str) -> Response:
        """Hand it in; the case is absent from then on."""
        one, person = self.mine(request, investigation), cast(User, request.user)
        given = FindingsReportText(data=request.data)
        given.is_valid(raise_exception=True)
        content = given.validated_data
        named = content["payee_name"] and content["payee_account"]
        payee = Payee.of(content["payee_name"], content["payee_account"]) if named else None
        investigations.report(
            investigation=one,
            person=person,
            text=content["text"],
            bill_fen=content["bill_fen"],
            payee=payee,
            at=clock.now(),
        )
        return Response(status=204)


# --- the claimant -------------------------------------------------------------------------------------------------


class FindingsAnswerText(serializers.Serializer[Any]):
    """What the claimant says to the findings; empty: nothing."""

    text = serializers.CharField(max_length=4000, allow_blank=True)


class InvestigationsOfMyClaim(PersonalEndpoint):
    """The investigations of one of my claims."""

    @extend_schema(operation_id="investigations_of_my_claim", responses=InvestigationRow(many=True))
    def get(self, request: Request, claim: str) -> Response:
        """Return what was asked and found, oldest first."""
        found = filing.access_claim(user=cast(User, request.user), code=claim)
        return Response(InvestigationRow(pages.for_claimant(found), many=True).data)


class FindingsAnswer(PersonalEndpoint):
    """My answer to what was found."""

    @extend_schema(operation_id="answer_findings", request=FindingsAnswerText, responses=InvestigationRow)
    def post(self, request: Request, claim: str, number: int) -> Response:
        """Answer, once, before anything is recommended."""
        person = cast(User, request.user)
        found = filing.access_claim(user=person, code=claim)
        given = FindingsAnswerText(data=request.data)
        given.is_valid(raise_exception=True)
        one = access_of_claim(found, number)
        investigations.answer_findings(
            investigation=one, claimant=person.code, at=clock.now(), **given.validated_data
        )
        return Response(InvestigationRow(told(access_of_claim(found, number))).data)
