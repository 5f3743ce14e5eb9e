"""What every endpoint of the API shares: declared policies, problem+json, cursors, amounts as integers."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import exceptions, serializers, status
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from aidplatform.lib.db import as_unavailable
from aidplatform.lib.errors import (
    DomainError,
    ForbiddenError,
    NotFoundError,
    as_domain_error,
)


class KeyMissingError(DomainError):
    """A request that moves money came without the key that makes its repetition harmless."""

    status = 400
    code = "idempotency_key_missing"


class NestedTooDeeplyError(DomainError):
    """A body of brackets inside brackets: a bad request, not a fault of ours."""

    status = 400
    code = "nested_too_deeply"


class Endpoint(APIView):
    """An endpoint for anyone; what may be opened is declared by `policy`, which `as_view` writes on the view."""

    policy: ClassVar[str] = "public"
    permission_classes: ClassVar[list[type[BasePermission]]] = [AllowAny]  # type: ignore[misc]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # type: ignore[override]
        """Return the view with its policy declared."""
        view = super().as_view(**initkwargs)
        view.aid_policy = cls.policy  # type: ignore[attr-defined]
        return view


class PersonalEndpoint(Endpoint):
    """An endpoint for whoever has signed in, about themselves."""

    policy = "signed_in"
    permission_classes = [IsAuthenticated]  # type: ignore[misc]


class Cursor(CursorPagination):
    """Pages that neither skip nor repeat a row while others are written."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "-pk"


class Problem(serializers.Serializer[Any]):
    """An error as RFC 9457 has it; `type` ends in a stable word, a guarantee's name where the database refused."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()


def idempotency_key(request: Request) -> str:
    """Return the header that makes a repeated POST harmless. Raises: KeyMissingError."""
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= 80:
        raise KeyMissingError(
            _("Send an Idempotency-Key header of 8 to 80 characters: the same key moves money once.")
        )
    return key


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every anticipated refusal as problem+json, by the same mapping as the pages."""
    known = _known(error)
    if known is not None:
        set_rollback()
        return _answer(known.code, str(known), known.status)
    if isinstance(error, exceptions.APIException):
        set_rollback()
        headers = {}
        if auth_header := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = auth_header
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait) + 1)
        response = _answer(error.default_code, _title(error), error.status_code)
        for name, value in headers.items():
            response[name] = value
        return response
    return None


def _known(error: Exception) -> DomainError | None:
    if isinstance(error, DomainError):
        return error
    if isinstance(error, IntegrityError):
        return as_domain_error(error)
    if isinstance(error, OperationalError):
        return as_unavailable(error)
    if isinstance(error, RecursionError):
        return NestedTooDeeplyError(_("This JSON is nested too deeply."))
    if isinstance(error, Http404):
        return NotFoundError(_("There is no such page, or it is not yours to see."))
    if isinstance(error, PermissionDenied):
        return ForbiddenError(_("Your duties in this pool do not include this."))
    return None


def _title(error: exceptions.APIException) -> str:
    detail = error.detail
    if isinstance(detail, dict):
        return "; ".join(f"{field}: {' '.join(map(str, texts))}" for field, texts in detail.items())
    return " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)


def _answer(code: str, title: str, number: int) -> Response:
    body = {"type": f"urn:aid:{code}", "title": title, "status": number}
    assert status.is_client_error(number) or status.is_server_error(number)
    return Response(body, status=number, content_type="application/problem+json")
