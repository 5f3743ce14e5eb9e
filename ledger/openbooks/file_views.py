"""The public files of a log: checkpoint, tiles, entries and policy, as c2sp.org/tlog-tiles says.

Nobody signs in for them, and whoever keeps a copy may hand it on: each address but the checkpoint's has one answer
for ever. What is not signed yet is not there.
"""

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.errors import ForbiddenError, NotFoundError
from aidplatform.lib.http import public
from ledger.openbooks.checkpoint_models import Checkpoint, LogKey
from ledger.openbooks.keys import keys_in_use, keys_of, published_keys
from ledger.openbooks.models import LogEntry
from ledger.openbooks.selectors import (
    NOTHING_SIGNED,
    policy_in_force,
    published_checkpoint,
    published_policy,
    witnessing_of,
)
from ledger.openbooks.stamp_models import TimeStamp
from ledger.openbooks.stamps import REPLY, stamps_of
from ledger.openbooks.tiles import Tile, TileError, entry_bundle, read_tile, tile_hashes
from members.joining.selectors import may_read_statements
from members.pools.models import Pool
from members.pools.rules import access_public_pool

STANDALONE = Path(__file__).with_name("standalone")
FRESH = 5
FOR_EVER = 365 * 24 * 3600


@public
@require_safe
def checkpoint(request: HttpRequest, code: str) -> HttpResponse:
    """Return the last signed head, with the signatures of its witnesses."""
    note = published_checkpoint(_last_checkpoint(access_public_pool(request, code)))
    return fresh(HttpResponse(note, content_type="text/plain; charset=utf-8"), max_age=FRESH)


@public
@require_safe
def witnessed_checkpoint(request: HttpRequest, code: str) -> HttpResponse:
    """Return the last signed head under which as many witnesses stand as are needed."""
    witnessing = witnessing_of(access_public_pool(request, code).code)
    if witnessing is None or witnessing.whole_until is None:
        raise _absent()
    note = published_checkpoint(witnessing.whole_until)
    return fresh(HttpResponse(note, content_type="text/plain; charset=utf-8"), max_age=FRESH)


@public
@require_safe
def policy(request: HttpRequest, code: str) -> HttpResponse:
    """Return whom to trust: the key of the log, its witnesses, how many of them."""
    pool = access_public_pool(request, code)
    key = _keys_in_use(pool)[-1]
    text = published_policy(key, policy_in_force(pool.code))
    return fresh(HttpResponse(text, content_type="text/plain; charset=utf-8"), max_age=FRESH)


@public
@require_safe
def keys(request: HttpRequest, code: str) -> HttpResponse:
    """Return the keys of the log, the first one first, each later one with the signature of the one before it."""
    text = published_keys(_keys_in_use(access_public_pool(request, code)))
    return fresh(HttpResponse(text, content_type="text/plain; charset=utf-8"), max_age=FRESH)


@public
@require_safe
def tile(request: HttpRequest, code: str, level: str, place: str) -> HttpResponse:
    """Return the hashes of one tile."""
    pool = access_public_pool(request, code)
    wanted = _wanted(pool, int(level), place)
    first, behind = wanted.leaves
    rows = LogEntry.objects.filter(log__code=pool.code, seq__gte=first, seq__lt=behind).order_by("seq")
    leaves = [bytes(leaf) for leaf in rows.values_list("leaf_hash", flat=True)]
    return for_ever(tile_hashes(wanted, leaves))


@public
@require_safe
def entries(request: HttpRequest, code: str, place: str) -> HttpResponse:
    """Return the bytes of up to 256 entries; of a very small pool to its own people only."""
    pool = access_public_pool(request, code)
    wanted = _wanted(pool, 0, place)
    is_open = demand_readable(request, pool)
    first, behind = wanted.leaves
    rows = LogEntry.objects.filter(log__code=pool.code, seq__gte=first, seq__lt=behind).order_by("seq")
    response = for_ever(entry_bundle([bytes(data) for data in rows.values_list("data", flat=True)]))
    return response if is_open else kept_by_nobody(response)


@public
@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """Return the stand-alone verifier, to be read and run elsewhere."""
    return _program("verify.py")


@public
@require_safe
def witness(request: HttpRequest) -> HttpResponse:
    """Return the reference witness, which others run."""
    return _program("witness.py")


@public
@require_safe
def stamped_checkpoint(request: HttpRequest, code: str, size: int) -> HttpResponse:
    """Return the bytes of a checkpoint that an authority of time has stamped."""
    return for_ever(_stamps(request, code, size)[0].checkpoint.note.encode())


@public
@require_safe
def time_stamp(request: HttpRequest, code: str, size: int, authority: str) -> HttpResponse:
    """Return what an authority of time has answered over a checkpoint, as RFC 3161 has it."""
    of_authority = [one for one in _stamps(request, code, size) if one.authority == authority]
    if not of_authority:
        raise _absent()
    response = for_ever(bytes(of_authority[0].response))
    response.headers["Content-Type"] = REPLY
    return response


def _stamps(request: HttpRequest, code: str, size: int) -> list[TimeStamp]:
    """Return the stamps of a checkpoint, one at least. Raises: NotFoundError."""
    pool = access_public_pool(request, code)
    found = list(stamps_of(pool.code).filter(checkpoint__size=size)) if size < 2**63 else []
    if not found:
        raise _absent()
    return found


def _program(name: str) -> HttpResponse:
    response = HttpResponse((STANDALONE / name).read_bytes(), content_type="text/x-python; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return fresh(response, max_age=FRESH)


def demand_readable(request: HttpRequest, pool: Pool) -> bool:
    """Return whether everyone may read single statements of a pool. Raises: ForbiddenError where this reader may not.

    Asked without a person first: the answer to everyone must not depend on who asks, or nobody could keep it.
    """
    is_open = may_read_statements(pool, None)
    if not is_open and not may_read_statements(pool, request.user if request.user.is_authenticated else None):
        raise ForbiddenError(
            _(
                "This pool has fewer than 100 members: what its log says is for them. Everyone sees the hashes."
            )
        )
    return is_open


def kept_by_nobody(response: HttpResponse) -> HttpResponse:
    """Let no cache keep what is for some people only."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _wanted(pool: Pool, level: int, place: str) -> Tile:
    """Return the tile that is asked for. Raises: NotFoundError for one that no signed head has."""
    try:
        wanted = read_tile(level, place)
    except TileError:
        raise _absent() from None
    if not wanted.is_in(_last_checkpoint(pool).size):
        raise _absent()
    return wanted


def _last_checkpoint(pool: Pool) -> Checkpoint:
    """Return the last checkpoint. Raises: NotFoundError before the first."""
    last = Checkpoint.objects.filter(log__code=pool.code).order_by("-size").first()
    if last is None:
        raise _absent()
    return last


def _keys_in_use(pool: Pool) -> list[LogKey]:
    """Return the keys up to the one of the last checkpoint. Raises: NotFoundError before the first."""
    return keys_in_use(keys_of(pool.code), _last_checkpoint(pool))


def _absent() -> NotFoundError:
    return NotFoundError(NOTHING_SIGNED)


def for_ever(data: bytes) -> HttpResponse:
    """Answer with what never changes under this address."""
    response = HttpResponse(data, content_type="application/octet-stream")
    patch_cache_control(response, public=True, max_age=FOR_EVER, immutable=True)
    return _for_anyone(response)


def fresh(response: HttpResponse, *, max_age: int = FRESH) -> HttpResponse:
    """Let caches keep an answer so many seconds."""
    patch_cache_control(response, public=True, max_age=max_age)
    return _for_anyone(response)


def _for_anyone(response: HttpResponse) -> HttpResponse:
    """Let pages of elsewhere read it: whoever checks a pool need not do so on our pages."""
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
