"""The feed of announced cases, for readers that ask again and again."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from aidplatform.lib.http import public
from ledger.disclosure.feed import cases_feed
from members.pools.rules import access_public_pool

#: How long a reader may keep what it has, in seconds.
KEPT = 300


@public
@require_safe
def cases(request: HttpRequest, code: str, language: str) -> HttpResponse:
    """Return a pool's feed in one language; to a reader that has these bytes already, only that it has."""
    body = cases_feed(access_public_pool(request, code), language).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    response = HttpResponse(body, content_type="application/atom+xml; charset=utf-8", headers={"ETag": etag})
    patch_cache_control(response, public=True, max_age=KEPT)
    answer = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(answer, HttpResponse)
    return answer
