"""A person's applications in progress and the papers of what they have signed, for their programs."""

from typing import Any, cast

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib.drf import PersonalEndpoint
from aidplatform.lib.errors import NotFoundError
from members.joining.applications import answers_of, identity_in, step_after
from members.joining.certificates import PDF, paper_file, papers_of, signature_of
from members.joining.own import WHICH, own_membership
from members.joining.selectors import applications_of
from members.people.identity import Paper, paper_of
from members.people.models import User


class IdentityBody(serializers.Serializer[Any]):
    """Who joins, as entered; of the document's number the end alone."""

    name = serializers.CharField()
    birth_date = serializers.DateField()
    kind = serializers.CharField()
    country = serializers.CharField()
    number_ends_in = serializers.SerializerMethodField()

    def get_number_ends_in(self, paper: Paper) -> str:
        """Return its last four characters."""
        return paper.number[-4:]


class ApplicationRow(serializers.Serializer[Any]):
    """An application that is not signed yet. relation: of whom I add to my family; empty: I join myself.

    next_step: the first one that is not done: who, health, plainly, covenant, consent or sign. answers: by the code of
    each question of the declaration; those that are missing are not given yet.
    """

    pool = serializers.CharField()
    relation = serializers.CharField()
    plan_version = serializers.IntegerField()
    next_step = serializers.CharField()
    identity = IdentityBody(allow_null=True)
    answers = serializers.DictField(child=serializers.BooleanField())
    understood = serializers.BooleanField()
    has_read_covenant = serializers.BooleanField()
    consent_health = serializers.BooleanField()
    consent_publication = serializers.BooleanField()
    started_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


class MyApplications(PersonalEndpoint):
    """My applications that are not signed yet."""

    @extend_schema(operation_id="my_applications", responses=ApplicationRow(many=True))
    def get(self, request: Request) -> Response:
        """Return them by pool, mine before those of whom I add."""
        person = cast(User, request.user)
        recorded = paper_of(person)
        rows = [
            {
                "pool": one.pool.code,
                "relation": one.relation,
                "plan_version": one.plan_version.number,
                "next_step": step_after(one, who),
                "identity": who,
                "answers": answers_of(one),
                "understood": one.understood,
                "has_read_covenant": one.has_read_covenant,
                "consent_health": one.consent_health,
                "consent_publication": one.consent_publication,
                "started_at": one.started_at,
                "changed_at": one.changed_at,
            }
            for one in applications_of(person)
            for who in (identity_in(one) or (None if one.is_family else recorded),)
        ]
        return Response(ApplicationRow(rows, many=True).data)


class JoiningPaperRow(serializers.Serializer[Any]):
    """A paper of my joining, as a PDF in one language. kind: covenant, certificate or secret (for the rolls)."""

    kind = serializers.CharField()
    language = serializers.CharField()


class MyJoiningPapers(PersonalEndpoint):
    """The papers of my joining."""

    policy = "member"

    @extend_schema(operation_id="my_joining_papers", parameters=[WHICH], responses=JoiningPaperRow(many=True))
    def get(self, request: Request, code: str) -> Response:
        """Return which there are, none before I have signed; no pool and none of mine answer alike."""
        signature = signature_of(own_membership(request, code))
        return Response(JoiningPaperRow(papers_of(signature) if signature else [], many=True).data)


class MyJoiningPaper(PersonalEndpoint):
    """One paper of my joining."""

    policy = "member"

    @extend_schema(
        operation_id="my_joining_paper", parameters=[WHICH], responses={(200, PDF): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, code: str, kind: str, language: str) -> HttpResponse:
        """Return it as PDF; no such paper, none signed and not mine answer alike."""
        signature = signature_of(own_membership(request, code))
        if signature is None:
            raise NotFoundError(_("There is no such page, or it is not yours to see."))
        file = paper_file(signature, kind, language)
        disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return HttpResponse(file.content, content_type=file.content_type, headers=disposition)
