"""The papers of a claimant's own claim for their programs: list, add, take out."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from aidplatform.lib import clock
from aidplatform.lib.drf import PersonalEndpoint
from claims.filing import services
from claims.filing.illnesses import KINDS
from claims.filing.models import LARGEST_PAPER, Claim, Evidence
from claims.filing.papers import refuse
from claims.filing.selectors import access_claim, papers_of
from members.people.models import User


class PaperRow(serializers.ModelSerializer[Evidence]):
    """A paper of a claim; size and sha256 are of what is kept, not of what was sent. is_erased: unreadable for good."""

    is_erased = serializers.SerializerMethodField()

    class Meta:
        model = Evidence
        fields = ["code", "kind", "media_type", "size", "sha256", "added_at", "is_erased"]

    def get_is_erased(self, paper: Evidence) -> bool:
        """Tell whether its key was destroyed."""
        return paper.wrapped is None


class PaperText(serializers.Serializer[Any]):
    """A photograph (JPEG, PNG) or PDF, 10 MB at most, as multipart/form-data."""

    kind = serializers.ChoiceField(KINDS)
    file = serializers.FileField(allow_empty_file=True, help_text="Its name is not kept.")


class _OwnPapers(PersonalEndpoint):
    def own(self, request: Request, claim: str) -> Claim:
        """Return the person's claim; absent and somebody else's answer alike. Raises: NotFoundError."""
        return access_claim(user=cast(User, request.user), code=claim)


class MyPapers(_OwnPapers):
    """The papers of one of my claims."""

    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="my_papers", responses=PaperRow(many=True))
    def get(self, request: Request, claim: str) -> Response:
        """Return those that count, oldest first."""
        return Response(PaperRow(papers_of(self.own(request, claim)), many=True).data)

    @extend_schema(operation_id="add_paper", request=PaperText, responses={201: PaperRow})
    def post(self, request: Request, claim: str) -> Response:
        """Add one; the same paper again is the one that is there. Refusals are those of the page."""
        found = self.own(request, claim)
        given = PaperText(data=request.data)
        given.is_valid(raise_exception=True)
        file = given.validated_data["file"]
        if file.size > LARGEST_PAPER:
            raise refuse("too_large")
        paper = services.add_evidence(
            claim=found,
            claimant=cast(User, request.user).code,
            kind=given.validated_data["kind"],
            data=file.read(),
            at=clock.now(),
        )
        return Response(PaperRow(paper).data, status=201)


class MyPaper(_OwnPapers):
    """One paper of one of my claims."""

    @extend_schema(operation_id="take_paper_out", responses={204: None})
    def delete(self, request: Request, claim: str, paper: str) -> Response:
        """Take it out before review; taken out already: nothing happens."""
        services.remove_evidence(
            claim=self.own(request, claim),
            claimant=cast(User, request.user).code,
            code=paper,
            at=clock.now(),
        )
        return Response(status=204)
