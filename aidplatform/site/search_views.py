"""The page of the search."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from aidplatform.lib.http import public
from aidplatform.site.search import reach_of, shortened
from aidplatform.site.search import search as search_everything
from members.pools.rules import has_second_factor


@public
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show what was found of what this person may open; without a text, what can be searched."""
    text = shortened(request.GET.get("q", ""))
    person = request.user if request.user.is_authenticated else None
    reach = reach_of(person, is_strong=person is not None and has_second_factor(request))
    exact, groups = search_everything(text, reach) if text else ([], [])
    context = {"search_text": text, "exact": exact, "groups": groups, "is_staff": bool(reach.staff)}
    return render(request, "site/search.html", context)
