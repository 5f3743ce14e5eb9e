"""Who may do what in a pool, as decorators of views."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ForbiddenError, NotFoundError
from aidplatform.lib.http import policy, signed_in
from aidplatform.lib.kept import back_to
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import access_pool, duties_of, holds_anywhere

DEMO_MFA = "aid_demo_mfa"
# Who reads proposals to change the rules: those who decide, and who audits.
PLAN_READERS = (
    DutyGrant.Duty.POOL_ADMIN.value,
    DutyGrant.Duty.CONTROLLER.value,
    DutyGrant.Duty.AUDITOR.value,
)
View = Callable[..., HttpResponseBase]


def has_second_factor(request: HttpRequest) -> bool:
    """Tell whether this session was opened with a second factor; in demo the person switch stands for it.

    A passkey counts alone: it is something one has, and it asks for a PIN, a finger or a face each time.
    """
    if settings.DEMO and request.session.get(DEMO_MFA):
        return True
    methods = request.session.get("account_authentication_methods", [])
    return any(method.get("method") == "mfa" for method in methods)


def proved_afresh(request: HttpRequest) -> bool:
    """Tell whether the person has just confirmed with a second factor; in demo the person switch stands for it."""
    if settings.DEMO and request.session.get(DEMO_MFA):
        return True
    methods = get_authentication_records(request, request.user)
    anew = [method for method in methods if method.get("reauthenticated")]
    return bool(anew) and anew[-1].get("method") == "mfa" and did_recently_reauthenticate(request)


def confirm_anew(request: HttpRequest, back_to: str) -> HttpResponseBase:
    """Return the redirect to confirm with a second factor, and from there back to an address."""
    kinds = set(Authenticator.objects.filter(user=request.user.pk).values_list("type", flat=True))
    if not kinds:
        return redirect("mfa_index")
    has_passkey = Authenticator.Type.WEBAUTHN in kinds
    return redirect_to_login(back_to, "mfa_reauthenticate_webauthn" if has_passkey else "mfa_reauthenticate")


def duty_required(*duties: str) -> Callable[[View], View]:
    """Let in people who hold one of the duties, or any where none is named, in the pool of the view's `code`.

    Strangers get the 404 of a pool that does not exist; people of the pool with another duty get 403; anyone
    with a duty must have signed in with a second factor.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, code: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            refused = _sign_in_first(request)
            if refused is not None:
                return refused
            pool = access_pool(code=code)
            held = duties_of(cast(User, request.user), pool)
            if not held:
                raise NotFoundError(_("There is no pool with this address."))
            if duties and not held & set(duties):
                raise ForbiddenError(_("Your duties in this pool do not include this."))
            return view(request, code, *args, **kwargs)

        return policy("duty:" + ",".join(duties) if duties else "staff")(guarded)

    return decorate


def duty_anywhere(*duties: str) -> Callable[[View], View]:
    """Let in people who hold one of the duties in any pool, signed in with a second factor."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            refused = _sign_in_first(request)
            if refused is not None:
                return refused
            person = cast(User, request.user)
            if not holds_anywhere(person, *duties):
                raise NotFoundError(_("There is no such page, or it is not yours to see."))
            return view(request, *args, **kwargs)

        return policy("duty-anywhere:" + ",".join(duties))(guarded)

    return decorate


def freshly_signed_in(view: View) -> View:
    """Ask for a fresh proof before the view, and come back to it; in demo the person switch stands for it."""
    guarded: Any = reauthentication_required(enabled=_asks_anew)(view)
    opened: View = signed_in(guarded)
    return opened


def second_factor_required(view: View) -> View:
    """Let in anyone with an account who has signed in with a second factor; the view says what is theirs."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refused = _sign_in_first(request)
        return refused if refused is not None else view(request, *args, **kwargs)

    return policy("second_factor")(guarded)


def _asks_anew(request: HttpRequest) -> bool:
    return not (settings.DEMO and request.session.get(DEMO_MFA))


def access_public_pool(request: HttpRequest, code: str) -> Pool:
    """Return the pool; a private one exists only for those who hold a duty in it. Raises: NotFoundError."""
    found = access_pool(code=code)
    if not found.is_private:
        return found
    if request.user.is_authenticated and duties_of(request.user, found):
        return found
    raise NotFoundError(_("There is no pool with this address."))


def _sign_in_first(request: HttpRequest) -> HttpResponseBase | None:
    """Return the redirect to sign-in or second factor, or None where both are there."""
    if not request.user.is_authenticated:
        return redirect_to_login(back_to(request))
    if has_second_factor(request):
        return None
    return confirm_anew(request, back_to(request))
