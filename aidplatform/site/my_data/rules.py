"""Who may order and take their data: whoever has just proven once more that they are the one who signed in."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from aidplatform.lib.http import signed_in
from members.pools.rules import DEMO_MFA

View = Callable[..., HttpResponseBase]


def freshly_signed_in(view: View) -> View:
    """Ask for a fresh proof before the view, and come back to it; in demo the person switch stands for it."""
    guarded: Any = reauthentication_required(enabled=_asks)(view)
    opened: View = signed_in(guarded)
    return opened


def _asks(request: HttpRequest) -> bool:
    return not (settings.DEMO and request.session.get(DEMO_MFA))
