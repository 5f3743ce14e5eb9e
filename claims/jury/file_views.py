"""The public file of a draw: the list that the log has the hash of, as the stand-alone verifier reads it."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import public
from claims.jury import selectors
from claims.jury.models import JuryDraw
from ledger.openbooks.file_views import demand_readable, for_ever, kept_by_nobody
from ledger.openbooks.selectors import NOTHING_SIGNED
from members.pools.rules import access_public_pool


@public
@require_safe
def eligible(request: HttpRequest, code: str, ref: str, stage: str) -> HttpResponse:
    """Return the names of the eligible of a stage, 32 bytes each, in their order."""
    pool = access_public_pool(request, code)
    is_open = demand_readable(request, pool)
    draw = selectors.draw_of_stage(pool=pool, ref=ref, stage=int(stage))
    if draw is None or draw.state == JuryDraw.State.CALLED:
        raise NotFoundError(NOTHING_SIGNED)
    response = for_ever(bytes(draw.eligible))
    return response if is_open else kept_by_nobody(response)
