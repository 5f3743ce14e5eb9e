"""Pages of the manual."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import public
from aidplatform.site.manual import manual_pages


@public
@require_safe
def docs(request: HttpRequest, name: str = "start") -> HttpResponse:
    """Show a page of the manual in the reader's language."""
    pages = manual_pages()
    place = next((place for place, page in enumerate(pages) if page.name == name), None)
    if place is None:
        raise NotFoundError(_("The manual has no such page."))
    context = {
        "section": "docs",
        "pages": pages,
        "page": pages[place],
        "before": pages[place - 1] if place else None,
        "after": pages[place + 1] if place + 1 < len(pages) else None,
    }
    return render(request, "site/docs.html", context)
