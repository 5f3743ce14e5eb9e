"""The papers of a claim in hand for reviewers' programs: which there are, opened for a purpose, marked as theirs."""

import datetime as dt
from typing import Any, cast

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import idempotency_key
from aidplatform.lib.openapi import KEY_HEADER
from aidplatform.work.idempotency import once
from claims.filing.models import MEDIA_TYPES, Claim
from claims.filing.paper_api import PaperRow
from claims.filing.selectors import papers_of
from claims.filing.views import paper_response
from claims.review import openings, selectors
from claims.review.appeals import REVIEWER, SECOND_REVIEWER
from claims.review.opening_models import PaperOpening, Purpose
from members.people.models import User
from members.pools.api import DutyEndpoint
from members.pools.selectors import access_pool


class PaperOpeningText(serializers.Serializer[Any]):
    """What a paper is opened for; note: in own words, which the claimant reads; needed for `other`."""

    purpose = serializers.ChoiceField(Purpose.choices)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class PaperOpeningRow(serializers.ModelSerializer[PaperOpening]):
    """An opening of a paper; file: where it is read until until_at, with who reads it on every page."""

    paper = serializers.CharField(source="paper.code")
    duty = serializers.CharField()
    purpose = serializers.CharField()
    until_at = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()

    class Meta:
        model = PaperOpening
        fields = ["id", "paper", "duty", "purpose", "opened_at", "until_at", "file"]

    def get_until_at(self, opening: PaperOpening) -> dt.datetime:
        """Return until when the file is handed out."""
        return opening.opened_at + dt.timedelta(minutes=openings.MINUTES_OPEN)

    def get_file(self, opening: PaperOpening) -> str:
        """Return the address of the file."""
        claim = opening.paper.claim
        return reverse("api_opening_file", args=[claim.pool.code, claim.code, opening.pk])


class _InHand(DutyEndpoint):
    duties = (REVIEWER, SECOND_REVIEWER)

    def found(self, code: str, claim: str) -> Claim:
        """Return a claim of the pool that has been filed. Raises: NotFoundError."""
        return selectors.access_claim_of_pool(pool=access_pool(code=code), code=claim)


class DeskPapers(_InHand):
    """The papers of a claim in hand."""

    @extend_schema(operation_id="desk_papers", responses=PaperRow(many=True))
    def get(self, request: Request, code: str, claim: str) -> Response:
        """Return those that count, oldest first, without opening one."""
        found = self.found(code, claim)
        openings.check_opens(found, cast(User, request.user))
        return Response(PaperRow(papers_of(found), many=True).data)


class DeskOpening(_InHand):
    """Opening one paper."""

    @extend_schema(
        operation_id="open_paper",
        request=PaperOpeningText,
        responses={201: PaperOpeningRow},
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, code: str, claim: str, paper: str) -> Response:
        """Note what it is opened for; the same Idempotency-Key again answers with the same opening."""
        found, person = self.found(code, claim), cast(User, request.user)
        key = idempotency_key(request)
        given = PaperOpeningText(data=request.data)
        given.is_valid(raise_exception=True)
        told = given.validated_data
        openings.check_opens(found, person)

        def act() -> dict[str, Any]:
            made = openings.open_paper(claim=found, code=paper, opener=person.code, at=clock.now(), **told)
            return {"opening": made.pk}

        answer = once(scope=f"{person.code}/open/{paper[:24]}", key=key, content=dict(told), act=act)
        opening = openings.access_opening(claim=found, person=person, opening_id=answer["opening"])
        return Response(PaperOpeningRow(opening).data, status=201)


class DeskOpeningFile(_InHand):
    """The paper of one of my openings."""

    @extend_schema(
        operation_id="opened_paper",
        responses={(200, kind): OpenApiTypes.BINARY for kind in MEDIA_TYPES},
    )
    def get(self, request: Request, code: str, claim: str, opening: int) -> HttpResponse:
        """Return it, marked; nothing of it is kept on the way."""
        found, person = self.found(code, claim), cast(User, request.user)
        one = openings.access_opening(claim=found, person=person, opening_id=opening)
        marked = openings.marked_paper(claim=found, opening=one, person=person, at=clock.now())
        return paper_response(marked, f"{one.paper.code}-{one.pk}")
