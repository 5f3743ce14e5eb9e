"""The page of whom a member has added to the pool."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.http import policy, signed_in
from aidplatform.lib.templating import in_language
from ledger.custody.selectors import account_of
from ledger.disclosure.family import family_rows
from members.joining.payers import counts_until, payers_of
from members.joining.selectors import access_membership, end_of
from members.people.models import User
from members.pools.models import Pool
from members.pools.selectors import pays_ahead


@policy("member")
@signed_in
@require_safe
def family(request: HttpRequest, code: str) -> HttpResponse:
    """Show a member whom they have added: state, class, what is open, and what was signed."""
    membership = access_membership(code=code, person=cast(User, request.user))
    pool, ended = membership.pool, end_of(membership)
    rows, payers = family_rows(membership, clock.now()), payers_of(membership, clock.now())
    added = {row.relative.membership.pk for row in rows}
    context = {
        "section": "pools",
        "pool": pool,
        "guardian": membership,
        "rows": rows,
        "adults": [link for link in payers.pays_for if link.membership_id not in added],
        "adult_names": payers.names,
        "pays_ahead": pays_ahead(pool),
        "account": account_of(pool),
        "has_left": ended is not None,
        "mine_until": counts_until(membership),
        "is_over": pool.state in {Pool.State.WINDING_DOWN, Pool.State.CLOSED},
        "takes_members": pool.state in {Pool.State.OPEN, Pool.State.GATHERING} and ended is None,
        "crumbs": [
            (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[code])),
            (_("My place"), reverse("my_pool", args=[code])),
            (_("My family"), ""),
        ],
    }
    return render(request, "ledger/disclosure/family.html", context)
