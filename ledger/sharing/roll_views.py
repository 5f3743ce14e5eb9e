"""The public files of rolls, and each member's own proof.

With the amounts a roll lies under roll/PERIOD/, from its posting on, and never changes; as it was frozen, which is the
same without amounts, under roll/PERIOD/freeze/. Who asks for a prefix of commitments is not told by it.
"""

import json
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import policy, public, signed_in
from aidplatform.lib.templating import in_language
from ledger.openbooks.canonical import canonical_bytes
from ledger.openbooks.file_views import demand_readable, for_ever, fresh, kept_by_nobody
from ledger.openbooks.selectors import NOTHING_SIGNED
from ledger.sharing.roll_models import Roll
from ledger.sharing.roll_proofs import proof_of
from ledger.sharing.roll_selectors import prefix_records, records_of
from ledger.sharing.roll_triggers import SUBTREE
from members.joining.selectors import access_membership
from members.people.models import User
from members.pools.models import Pool
from members.pools.rules import access_public_pool

PART = 65_536


@public
@require_safe
def head(request: HttpRequest, code: str, number: str) -> HttpResponse:
    """Return what is stated of a period's rolls, as canonical JSON."""
    pool = access_public_pool(request, code)
    is_open = demand_readable(request, pool)
    rolls = Roll.objects.filter(period__pool=pool, period__number=int(number))
    said = {roll.stage: _figures(roll) for roll in rolls}
    if not said:
        raise NotFoundError(NOTHING_SIGNED)
    data = canonical_bytes({"format": "huzhu-roll/1", "pool": pool.code, "period": int(number)} | said)
    response = fresh(HttpResponse(data, content_type="application/json"))
    return response if is_open else kept_by_nobody(response)


@public
@require_safe
def part(
    request: HttpRequest, code: str, number: str, part: str, stage: str = Roll.Stage.CLOSE
) -> HttpResponse:
    """Return up to 65,536 records of a roll."""
    pool = access_public_pool(request, code)
    is_open, roll = demand_readable(request, pool), _roll(pool, int(number), stage)
    first = int(part) * (PART // SUBTREE)
    if first * SUBTREE >= max(roll.size, 1):
        raise NotFoundError(NOTHING_SIGNED)
    response = for_ever(b"".join(records_of(roll, first=first, end=first + PART // SUBTREE)))
    return response if is_open else kept_by_nobody(response)


@public
@require_safe
def prefix(
    request: HttpRequest, code: str, number: str, prefix: str, stage: str = Roll.Stage.CLOSE
) -> HttpResponse:
    """Return the records whose commitments begin with these four hexadecimal digits."""
    pool = access_public_pool(request, code)
    is_open, roll = demand_readable(request, pool), _roll(pool, int(number), stage)
    response = for_ever(b"".join(prefix_records(roll, bytes.fromhex(prefix))))
    return response if is_open else kept_by_nobody(response)


@policy("member")
@signed_in
@require_safe
def my_proof(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Download one's own proof of a period."""
    member = request.GET.get("member", "")
    membership = access_membership(code=code, person=cast(User, request.user), number=member)
    text = json.dumps(proof_of(membership, number), ensure_ascii=False, separators=(",", ":"))
    disposition = {"Content-Disposition": f'attachment; filename="{code}-{number}-proof.json"'}
    return kept_by_nobody(HttpResponse(text, content_type="application/json", headers=disposition))


@policy("member")
@signed_in
@require_safe
def check_charge(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show where a member's own browser checks their charge; it fetches the proof itself, or is given files."""
    member = request.GET.get("member", "")
    membership = access_membership(code=code, person=cast(User, request.user), number=member)
    pool, whose = membership.pool, f"?{urlencode({'member': member})}" if member else ""
    context = {
        "section": "pools",
        "pool": pool,
        "number": number,
        "whose": whose,
        "files": request.build_absolute_uri(f"/t/{code}/"),
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("My shares"), reverse("my_shares", args=[code]) + whose),
            (_("Check my charge"), ""),
        ],
    }
    return render(request, "ledger/sharing/check_charge.html", context)


def _roll(pool: Pool, number: int, stage: str) -> Roll:
    """Return a roll of a period. Raises: NotFoundError."""
    rolls = Roll.objects.filter(period__pool=pool, period__number=number, stage=stage)
    roll = rolls.select_related("period").first()
    if roll is None:
        raise NotFoundError(NOTHING_SIGNED)
    return roll


def _figures(roll: Roll) -> dict[str, Any]:
    return {
        "n": roll.size,
        "classes": roll.classes,
        "tree": roll.counts,
        "x": roll.own_fen,
        "root": bytes(roll.root).hex(),
        "head": bytes(roll.head).hex(),
    }
