"""Answering objections from outside, for programs."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from claims.publicity.objection_api import ObjectionAnswerText, ToldObjectionRow
from claims.publicity.objection_selectors import Reader, objections_in_full, told
from claims.publicity.outside_answers import answer_from_outside, objections_for_outside
from claims.review.outside_selectors import access_review
from members.people.models import User
from members.pools.api import StrongEndpoint


class OutsideObjections(StrongEndpoint):
    """The objections to a claim that is mine from outside."""

    @extend_schema(operation_id="outside_objections", responses=ToldObjectionRow(many=True))
    def get(self, request: Request, review: str) -> Response:
        """Return them as they were written, by number."""
        one = access_review(person=cast(User, request.user), code=review)
        return Response(ToldObjectionRow(objections_for_outside(one, clock.now()), many=True).data)


class OutsideAnswer(StrongEndpoint):
    """My answer to one of them."""

    @extend_schema(
        operation_id="answer_from_outside", request=ObjectionAnswerText, responses=ToldObjectionRow
    )
    def post(self, request: Request, review: str, number: int) -> Response:
        """Answer it; the same answer again is the one that stands. After the last one the claim is absent."""
        person = cast(User, request.user)
        given = ObjectionAnswerText(data=request.data)
        given.is_valid(raise_exception=True)
        words: dict[str, Any] = given.validated_data
        one = access_review(person=person, code=review)
        made = answer_from_outside(review=one, person=person, number=number, at=clock.now(), **words)
        row = told(objections_in_full(one.claim).get(pk=made.pk), Reader.IN_FULL, clock.now())
        return Response(ToldObjectionRow(row).data)
