"""Pages of the whole site: landing, switches, health, refusals."""

from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.i18n import set_language as django_set_language

from aidplatform.lib import kept
from aidplatform.lib.errors import ForbiddenError
from aidplatform.lib.http import public, refusal
from aidplatform.lib.templating import THEME_COOKIE, THEMES, local_address
from aidplatform.site.demo.tour import tour
from aidplatform.site.places import my_places
from aidplatform.site.todo import todos_of
from ledger.disclosure.selectors import pool_cards
from members.ending.selectors import endings_of_person
from members.people.services import remember_language

ROBOTS = """User-agent: *
Disallow: /
Allow: /$
Allow: /pools/
Allow: /docs/
Disallow: /pools/*/ledger/
"""


@public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what this is, list the pools with their last figures, and tell the signed-in what waits for them."""
    person = request.user if request.user.is_authenticated else None
    todos = todos_of(person) if person else None
    context = {
        "section": "home",
        "cards": pool_cards(),
        "todos": todos,
        "my_places": my_places(person) if person else [],
        "my_endings": endings_of_person(person) if person else [],
    }
    if settings.DEMO and person is None:
        context |= tour()
    return render(request, "site/home.html", context)


@public
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language and stay on the page; a person is written to in it from then on."""
    if request.user.is_authenticated:
        remember_language(person=request.user, language=request.POST.get("language", ""))
    return django_set_language(request)


@public
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's choice, and stay on the page."""
    response = HttpResponseRedirect(local_address(request, request.POST.get("next", "")))
    theme = request.POST.get("theme", "auto")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=365 * 24 * 3600,
            secure=not settings.DEMO,
            httponly=True,
            samesite="Lax",
        )
    return response


@public
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Tell a load balancer whether database and broker can be reached; says nothing else."""
    parts = {"database": _database_answers(), "broker": _broker_answers()}
    return JsonResponse(
        {"status": "ok" if all(parts.values()) else "unavailable", **parts},
        status=200 if all(parts.values()) else 503,
    )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        return False
    return True


def _broker_answers() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


@public
@require_GET
def robots(request: HttpRequest) -> HttpResponse:
    """Let search engines read the public pages and nothing else."""
    return HttpResponse(ROBOTS, content_type="text/plain")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a form that came without its token: mostly a page left open too long, and then what it held is kept."""
    if kept.keep(request):
        shown = reverse(kept.PAGE)
        return redirect(shown) if request.user.is_authenticated else redirect_to_login(shown)
    error = ForbiddenError(
        _("This form has expired or came from another site. Go back, reload the page and send it again."),
        code="form_expired",
    )
    return refusal(request, error)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the page for an address that leads nowhere."""
    return render(request, "404.html", status=404)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the page for something that is not this person's to do."""
    return render(request, "403.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the page for a request that makes no sense."""
    return HttpResponse(_plain("400.html", request), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Show a failure with the request's id, without asking the database anything."""
    return HttpResponse(_plain("500.html", request), status=500)


def _plain(template: str, request: HttpRequest) -> str:
    """Render a page without context processors: whatever failed may be one of them."""
    context: dict[str, Any] = {"request_id": getattr(request, "aid_request_id", "")}
    return render_to_string(template, context)
