"""What somebody sent without being signed in any more: the form as they had filled it, to be sent again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import kept
from aidplatform.lib.http import signed_in


@signed_in
@never_cache
@require_safe
def kept_input(request: HttpRequest) -> HttpResponseBase:
    """Show it to the person whose it is; a reload shows it again, until it is sent or thrown away."""
    found = kept.kept_for(request)
    if found is None:
        return redirect("home")
    return _shown(request, found)


def _shown(request: HttpRequest, found: kept.Kept) -> HttpResponse:
    return render(request, "site/kept.html", {"kept": found, "section": ""})


@signed_in
@require_POST
def drop_kept(request: HttpRequest) -> HttpResponseBase:
    """Throw it away and go to the page that it stood on."""
    found = kept.kept_for(request)
    kept.drop(request)
    messages.success(request, _("Thrown away."))
    return redirect(found.page if found else "home")
