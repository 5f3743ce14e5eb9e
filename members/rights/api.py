"""Complaints for programs: one's own, and those that a pool has to answer."""

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import Cursor, Endpoint, PersonalEndpoint, idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once, scope_of
from members.people.models import User
from members.pools.api import DutyEndpoint, public_pool
from members.pools.selectors import access_pool
from members.rights import selectors, services
from members.rights.contact_models import ContactExport
from members.rights.contacts import exports_of
from members.rights.models import LONGEST_TEXT, Complaint


class NewestComplaint(Cursor):
    """Complaints, newest first."""

    ordering = ("-year", "-number")


class ComplaintRow(serializers.ModelSerializer[Complaint]):
    """A complaint without what was written. due_date, second_due_date: the last days to answer, in the pool's zone."""

    class Meta:
        model = Complaint
        fields = [
            "year", "number", "about", "reference", "state", "filed_at", "due_date", "answered_at", "judged_at",
            "second_due_date", "second_at",
        ]  # fmt: skip


class ComplaintBody(ComplaintRow):
    """A complaint with what was written; empty where nothing was."""

    text = serializers.SerializerMethodField()
    answer = serializers.SerializerMethodField()
    remark = serializers.SerializerMethodField()
    second = serializers.SerializerMethodField()

    class Meta(ComplaintRow.Meta):
        fields = [*ComplaintRow.Meta.fields, "text", "answer", "remark", "second"]

    def get_text(self, found: Complaint) -> str:
        """Return what the complainant wrote."""
        return selectors.text_of(found)

    def get_answer(self, found: Complaint) -> str:
        """Return the answer."""
        return selectors.answer_of(found)

    def get_remark(self, found: Complaint) -> str:
        """Return why it did not settle the matter."""
        return selectors.remark_of(found)

    def get_second(self, found: Complaint) -> str:
        """Return the second person's answer."""
        return selectors.second_of(found)


class Written(serializers.Serializer[Any]):
    """What somebody writes."""

    text = serializers.CharField(max_length=LONGEST_TEXT)


class ComplaintText(Written):
    """A complaint to file. reference: the code of a claim, or the number of a period, of one's own."""

    about = serializers.ChoiceField(choices=Complaint.About.choices)
    reference = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class ComplaintNumber(serializers.Serializer[Any]):
    """Which number a complaint got."""

    year = serializers.IntegerField()
    number = serializers.IntegerField()


class MyComplaints(PersonalEndpoint):
    """My complaints in a pool."""

    policy = "member"

    @extend_schema(operation_id="my_complaints", responses=ComplaintRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return the last fifty, newest first; no pool and none of mine answer alike."""
        pool = selectors.access_related(code=code, person=_person(request))
        return Response(ComplaintRow(selectors.own_complaints(pool, _person(request))[:50], many=True).data)

    @extend_schema(
        operation_id="file_complaint",
        request=ComplaintText,
        responses={201: ComplaintNumber},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str) -> Response:
        """File one."""
        person = _person(request)
        pool = selectors.access_related(code=code, person=person)
        given = ComplaintText(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data

        def act() -> dict[str, Any]:
            made = services.file_complaint(pool=pool, person=person, at=clock.now(), **asked)
            return {"year": made.year, "number": made.number}

        scope = scope_of(person.code, code, "file_complaint")
        answer = once(scope=scope, key=idempotency_key(request), content=dict(asked), act=act)
        return Response(ComplaintNumber(answer).data, status=201)


class MyComplaint(PersonalEndpoint):
    """One complaint of mine."""

    policy = "member"

    @extend_schema(operation_id="my_complaint", responses=ComplaintBody)
    def get(self, request: Request, code: str, year: int, number: int) -> Response:
        """Return it with what was written."""
        return Response(ComplaintBody(_own(request, code, year, number)).data)


class ComplaintSettled(PersonalEndpoint):
    """My word that an answer settles the matter."""

    policy = "member"

    @extend_schema(operation_id="settle_complaint", request=None, responses=ComplaintRow)
    def post(self, request: Request, code: str, year: int, number: int) -> Response:
        """Say so, once."""
        found = _own(request, code, year, number)
        done = services.settle_complaint(complaint=found, person=_person(request), at=clock.now())
        return Response(ComplaintRow(done).data)


class ComplaintPassedOn(PersonalEndpoint):
    """My wish that a second person looks at it."""

    policy = "member"

    @extend_schema(operation_id="pass_complaint_on", request=Written, responses=ComplaintRow)
    def post(self, request: Request, code: str, year: int, number: int) -> Response:
        """Ask for it, once; text: why the answer does not settle the matter."""
        found = _own(request, code, year, number)
        text = _written(request)
        done = services.pass_on(complaint=found, person=_person(request), remark=text, at=clock.now())
        return Response(ComplaintRow(done).data)


class ComplaintList(DutyEndpoint, ListAPIView[Complaint]):
    """The complaints of a pool that I may read, newest first."""

    duties = selectors.READERS
    serializer_class = ComplaintRow
    pagination_class = NewestComplaint
    queryset = Complaint.objects.none()

    def get_queryset(self) -> QuerySet[Complaint]:
        """Return them; `state`, `about` and `late=1` of the address leave out the others."""
        pool = access_pool(code=self.kwargs["code"])
        asked = self.request.query_params
        return selectors.filtered(
            selectors.readable_complaints(pool, _person(self.request)),
            state=asked.get("state", "")[:9],
            about=asked.get("about", "")[:8],
            late_on=clock.today(pool.time_zone) if asked.get("late") else None,
        )

    @extend_schema(
        operation_id="complaints",
        parameters=[OpenApiParameter(name, str) for name in ("state", "about", "late")],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page of them."""
        return super().get(request, *args, **kwargs)


class ComplaintDetail(DutyEndpoint):
    """One complaint of a pool."""

    duties = selectors.READERS

    @extend_schema(operation_id="complaint", responses=ComplaintBody)
    def get(self, request: Request, code: str, year: int, number: int) -> Response:
        """Return it with what was written."""
        return Response(ComplaintBody(_readable(request, code, year, number)).data)


class ComplaintAnswer(DutyEndpoint):
    """The answer to a complaint."""

    duties = selectors.READERS

    @extend_schema(operation_id="answer_complaint", request=Written, responses=ComplaintRow)
    def post(self, request: Request, code: str, year: int, number: int) -> Response:
        """Answer as whom it waits for, the first time or as the second person."""
        found = _readable(request, code, year, number)
        done = services.answer_complaint(
            complaint=found, answerer=_person(request), text=_written(request), at=clock.now()
        )
        return Response(ComplaintRow(done).data)


class CountsBody(serializers.Serializer[Any]):
    """Complaints of a pool in figures; median_days: from filing to the first answer, null before there is one."""

    all = serializers.IntegerField()
    waiting = serializers.IntegerField()
    in_time = serializers.IntegerField()
    late = serializers.IntegerField()
    median_days = serializers.IntegerField(allow_null=True)


class HandedOutRow(serializers.ModelSerializer[ContactExport]):
    """Contact data that left the pool's own pages: when, what for, of how many people."""

    class Meta:
        model = ContactExport
        fields = ["number", "purpose", "people", "ready_at"]


class RightsBody(serializers.Serializer[Any]):
    """What everybody sees of how a pool keeps people's rights."""

    complaints = CountsBody()
    contact_exports = HandedOutRow(many=True)


class Rights(Endpoint):
    """Complaints and exports of contact data of a pool, in figures."""

    @extend_schema(operation_id="rights", responses=RightsBody)
    def get(self, request: Request, code: str) -> Response:
        """Return them; none is an empty list."""
        pool = public_pool(request, code)
        body = {
            "complaints": selectors.counts_of(pool, clock.today(pool.time_zone)),
            "contact_exports": exports_of(pool).filter(people__isnull=False),
        }
        return Response(RightsBody(body).data)


def _own(request: Request, code: str, year: int, number: int) -> Complaint:
    pool = selectors.access_related(code=code, person=_person(request))
    return selectors.access_own(pool=pool, person=_person(request), year=year, number=number)


def _readable(request: Request, code: str, year: int, number: int) -> Complaint:
    pool = access_pool(code=code)
    return selectors.access_readable(pool=pool, person=_person(request), year=year, number=number)


def _written(request: Request) -> str:
    given = Written(data=request.data)
    given.is_valid(raise_exception=True)
    return str(given.validated_data["text"])


def _person(request: Request) -> User:
    return cast(User, request.user)
