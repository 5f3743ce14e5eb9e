"""What somebody has filled in and sent without being signed in any more: kept sealed until they are, and shown to them.

It lies in the session, which goes on when somebody signs in, sealed for the person who was signed in with this browser
last: a mark of them stays in a cookie of its own until they sign out. Whoever else signs in finds nothing. Only what
comes from a page of ours is kept, never a password, and nothing of it stands in an address.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve, reverse

from aidplatform.lib import crypto
from aidplatform.lib.templating import local_address

#: The page that shows it; `aidplatform.site` has it.
PAGE = "kept_input"
SESSION_KEY = "aid_kept"
#: More than any form of ours takes; a paper is chosen anew.
LARGEST = 200_000
_DAYS = 30
_SIGNER = signing.Signer(salt="aid.kept")
_CONTEXT = "lib.kept"


@dataclass(frozen=True)
class Kept:
    """What was filled in: where it goes, on which page it stood, its fields in order, whether files belonged to it."""

    address: str
    page: str
    fields: tuple[tuple[str, str], ...]
    had_files: bool

    @property
    def words(self) -> list[str]:
        """Return what a person has written, without what merely goes along: nobody has to guess it again."""
        return [value for _name, value in self.fields if len(value.split()) > 1 or not value.isascii()]


class KeptInputMiddleware:
    """Remember who is signed in with this browser, until they sign out; let go of what was sent again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 500:
            _let_go(request)
            _remember(request, response)
        return response


def back_to(request: HttpRequest) -> str:
    """Return where somebody goes on once they have signed in: to what they sent, if it could be kept."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    return reverse(PAGE) if keep(request) else _page_of(request)


def keep(request: HttpRequest) -> bool:
    """Keep what was sent, for whoever is signed in or was last; tell whether there was anything that may be kept."""
    mark = _mark(request)
    if mark is None or not _is_ours(request):
        return False
    fields = tuple(
        (name, str(value))
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and "password" not in name
        for value in values
    )
    kept = Kept(request.get_full_path(), _page_of(request), fields, bool(request.FILES))
    text = json.dumps(kept.__dict__)
    if not any(value for _name, value in fields) or len(text) > LARGEST:
        return False
    sealed = crypto.seal_text(text, f"{_CONTEXT}:{mark}")
    request.session[SESSION_KEY] = {
        "address": kept.address,
        "sealed": base64.b64encode(sealed).decode("ascii"),
    }
    request.aid_kept = True  # type: ignore[attr-defined]
    return True


def kept_for(request: HttpRequest) -> Kept | None:
    """Return what was kept for the person who is signed in; of somebody else's nothing is left."""
    held = request.session.get(SESSION_KEY)
    if not held:
        return None
    try:
        sealed = base64.b64decode(held["sealed"])
        read = json.loads(crypto.unseal_text(sealed, f"{_CONTEXT}:{_mark_of(request.user)}"))
    except crypto.UnreadableError:
        drop(request)
        return None
    fields = tuple((name, value) for name, value in read["fields"])
    return Kept(read["address"], read["page"], fields, read["had_files"])


def drop(request: HttpRequest) -> None:
    """Let go of it."""
    request.session.pop(SESSION_KEY, None)


def _is_ours(request: HttpRequest) -> bool:
    """Tell whether a page of ours has sent a plain form to a view that is for people who have signed in."""
    scheme = "https" if request.is_secure() else "http"
    if request.headers.get("Origin") != f"{scheme}://{request.get_host()}" or request.headers.get(
        "HX-Request"
    ):
        return False
    try:
        view: Any = resolve(request.path_info).func
    except Resolver404:
        return False
    # Pages of libraries declare nothing: theirs are the forms with passwords.
    return getattr(view, "aid_policy", "public") != "public" and not request.path.startswith("/api/")


def _page_of(request: HttpRequest) -> str:
    """Return the page on which the form stood; where nobody says, the address that it was sent to."""
    referrer = request.headers.get("Referer", "")
    page = local_address(request, referrer) if referrer else "/"
    return request.get_full_path() if page == "/" and urlsplit(referrer).path != "/" else page


def _mark(request: HttpRequest) -> str | None:
    """Return the mark of whoever is signed in, else of who was last with this browser; None: nobody is known."""
    if request.user.is_authenticated:
        return _mark_of(request.user)
    try:
        return _SIGNER.unsign(request.COOKIES.get(_cookie(), ""))
    except signing.BadSignature:
        return None


def _mark_of(person: object) -> str:
    """Return by what a person is known again without being named."""
    return crypto.blind_index(cast(Any, person).code, _CONTEXT).hex()


def _let_go(request: HttpRequest) -> None:
    """Let go of what has been sent again: where it was refused, the page that refuses it has it."""
    is_sent = request.method == "POST" and getattr(request, "csrf_processing_done", False)
    if is_sent and request.session.accessed and not getattr(request, "aid_kept", False):
        held = request.session.get(SESSION_KEY)
        if held and held["address"] == request.get_full_path():
            drop(request)


def _remember(request: HttpRequest, response: HttpResponse) -> None:
    """Remember who is signed in, if somebody has asked: asking costs a query, and the database may be lost."""
    if getattr(request, "aid_signed_out", False):
        response.delete_cookie(_cookie(), samesite="Lax")
        return
    if not hasattr(request, "_cached_user"):
        return
    if request.user.is_authenticated and not request.path.startswith("/api/"):
        value = _SIGNER.sign(_mark_of(request.user))
        if request.COOKIES.get(_cookie()) != value:
            response.set_cookie(
                _cookie(),
                value,
                max_age=_DAYS * 24 * 3600,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )


def _cookie() -> str:
    return "__Host-aid-person" if settings.SESSION_COOKIE_SECURE else "aid-person"


def _signed_out(request: HttpRequest | None, **_signal: object) -> None:
    if request is not None:
        request.aid_signed_out = True  # type: ignore[attr-defined]


user_logged_out.connect(_signed_out, dispatch_uid="aid.kept")
