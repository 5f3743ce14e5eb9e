"""What the pages of custody share: doing a deed once, showing a refusal, the frame of a page."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.lib.http import attempt
from aidplatform.lib.templating import in_language
from aidplatform.work.idempotency import once, scope_of
from ledger.custody import services
from ledger.custody.forms import KeyForm, PayeeForm
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import duties_of, pays_ahead

ADMIN = DutyGrant.Duty.POOL_ADMIN.value
CONTROLLER = DutyGrant.Duty.CONTROLLER.value
TREASURER = DutyGrant.Duty.TREASURER.value
AUDITOR = DutyGrant.Duty.AUDITOR.value
READERS = (ADMIN, CONTROLLER, TREASURER, AUDITOR)
MONEY = (CONTROLLER, TREASURER)
SECOND_REVIEWER = DutyGrant.Duty.SECOND_REVIEWER.value
REVOKING = (CONTROLLER, SECOND_REVIEWER)
PAGE = 100


class DecisionOf(Protocol):
    """Finds what a deed decides about, and returns it as a function of person and instant. Raises: NotFoundError."""

    def __call__(
        self, deed: str, *, pool: Pool, number: int
    ) -> Callable[[str, dt.datetime], dict[str, Any]]: ...


def do_once(
    request: HttpRequest, pool: Pool, deed: str, form: KeyForm, act: Callable[[], dict[str, Any]]
) -> DomainError | None:
    """Do it once per key, whatever the browser repeats; return the refusal, if it is one."""
    key = form.cleaned_data.get("key")
    if key is None:
        return DomainError(_("The form is incomplete. Reload the page and try again."), code="no_key")
    content = {name: str(value) for name, value in form.cleaned_data.items() if name != "key"}
    scope = scope_of(person_of(request).code, pool.code, deed)
    return attempt(lambda: once(scope=scope, key=str(key), content=content, act=act))[1]


def do_each(
    deeds: Mapping[str, Callable[[], DomainError | None]],
) -> tuple[int, list[tuple[str, DomainError]]]:
    """Do what was chosen, each for itself, so that one refusal stops no other.

    deeds: by what a person calls it. Returns how many are done, and the others with their refusals.
    """
    refusals = [(name, refusal) for name, act in deeds.items() if (refusal := act())]
    return len(deeds) - len(refusals), refusals


def nothing_chosen() -> DomainError:
    """Return the refusal of a list from which nothing was chosen."""
    return DomainError(_("Choose at least one line of the list."), code="nothing_chosen")


def decide_once(
    request: HttpRequest, pool: Pool, deed: str, number: int, decision_of: DecisionOf
) -> DomainError | None:
    """Decide about what waits under a number, once per key, whatever the browser repeats; return the refusal."""
    form = KeyForm(request.POST)
    form.is_valid()
    decide = decision_of(deed, pool=pool, number=number)
    person = person_of(request).code
    return do_once(request, pool, f"{deed}/{number}", form, lambda: decide(person, clock.now()))


def cursor(request: HttpRequest, name: str) -> int:
    """Read a cursor; anything but a whole number is nothing."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def newest(request: HttpRequest, found: QuerySet[Any], here: str) -> tuple[list[Any], dict[str, str]]:
    """Return the rows of the page of a list by number, newest first, and the addresses of its neighbors: newer, older.

    here: the address of the list. One query.
    """
    before = cursor(request, "before")
    page = list((found.filter(number__lt=before) if before else found)[: PAGE + 1])
    older = f"{here}?before={page[PAGE - 1].number}" if len(page) > PAGE else ""
    return page[:PAGE], {"newer": here if before else "", "older": older}


def person_of(request: HttpRequest) -> User:
    return cast(User, request.user)


def page_context(request: HttpRequest, pool: Pool, tab: str, *crumbs: tuple[object, str]) -> dict[str, Any]:
    own = [(_("Bank"), reverse("custody", args=[pool.code]) if tab != "custody" or crumbs else ""), *crumbs]
    pool_crumb = (in_language(pool.name_en, pool.name_zh), reverse("pool", args=[pool.code]))
    return {
        "section": "pools",
        "pool": pool,
        "tab": tab,
        "pays_ahead": pays_ahead(pool),
        "duties": duties_of(person_of(request), pool),
        "crumbs": [pool_crumb, *own],
    }


def render_page(request: HttpRequest, page: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    refusal = context.get("refusal")
    return render(
        request,
        f"ledger/custody/{page}.html",
        context,
        status=refusal.status if refusal is not None else status,
    )


def order_once(
    request: HttpRequest, pool: Pool, form: PayeeForm, *, deed: str = "order", **what: Any
) -> DomainError | None:
    """Order a payment once per key and deed; return the refusal, if it is one."""
    given = form.cleaned_data

    def act() -> dict[str, Any]:
        made = services.order_payment(
            pool=pool,
            amount_fen=given["amount"],
            payee_name=given.get("payee_name", ""),
            payee_account=given.get("payee_account", ""),
            orderer=person_of(request).code,
            at=clock.now(),
            **what,
        )
        return {"order": made.number}

    return do_once(request, pool, deed, form, act)
