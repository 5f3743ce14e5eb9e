"""What every request passes: an id, no caching of private pages, refusals as pages or problem JSON.

Policies: every URL declares who may see it by one of the decorators here; a test walks the resolver and
fails on a view without one.
"""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import structlog
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.db import as_unavailable
from aidplatform.lib.errors import DomainError, as_domain_error
from aidplatform.lib.kept import back_to

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
GetResponse = Callable[[HttpRequest], HttpResponse]


def policy(name: str) -> Callable[[View], View]:
    """Declare in one word who may open the view; the word is checked against the list in the tests."""

    def declare(view: View) -> View:
        view.aid_policy = name  # type: ignore[attr-defined]
        return view

    return declare


public = policy("public")


def signed_in(view: View) -> View:
    """Let in anyone with an account; others are sent to the sign-in page, and find what they had filled in."""

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(back_to(request))
        return view(request, *args, **kwargs)

    guarded: View = policy("signed_in")(cast(Any, opened))
    return guarded


class BadCursorError(DomainError):
    """The address asks for a place of a list that is none."""

    code = "bad_cursor"


def number_before(request: HttpRequest) -> int | None:
    """Return the number that a list goes on below, from the address. Raises: BadCursorError."""
    text = request.GET.get("before", "")
    if not text:
        return None
    if not text.isdecimal() or int(text) >= 2**31:
        raise BadCursorError(_("“before” must be a number of this list."))
    return int(text)


class RequestIdMiddleware:
    """Give each request an id that the log lines and the error page share."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.aid_request_id = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.aid_request_id)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.aid_request_id  # type: ignore[attr-defined]
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class NoStoreMiddleware:
    """Keep pages of a session out of every cache."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # The cookie, not request.user: asking who it is would need the database that may just be lost.
        if settings.SESSION_COOKIE_NAME in (request.COOKIES.keys() | response.cookies.keys()):
            patch_cache_control(response, no_store=True, private=True)
        return response


class DomainErrorMiddleware:
    """Answer an anticipated refusal with its status and its sentence; anything else stays a 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Map DomainError, a named guarantee and a lost database to a page."""
        error: DomainError | None = None
        if isinstance(exception, DomainError):
            error = exception
        elif isinstance(exception, IntegrityError):
            error = as_domain_error(exception)
        elif isinstance(exception, OperationalError):
            error = as_unavailable(exception)
        return None if error is None else refusal(request, error)


def attempt(act: Callable[[], Any]) -> tuple[Any, DomainError | None]:
    """Return what was done, or the refusal a page shows; a guarantee that is not one of ours stays an error."""
    try:
        return act(), None
    except DomainError as error:
        return None, error
    except IntegrityError as error:
        named = as_domain_error(error)
        if named is None:
            raise
        return None, named


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Render a refusal: problem+json for programs, a page for people."""
    if request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json"):
        body = {"type": f"urn:aid:{error.code}", "title": str(error), "status": error.status}
        return JsonResponse(body, status=error.status, content_type="application/problem+json")
    return render(request, "refusal.html", {"error": error}, status=error.status)
