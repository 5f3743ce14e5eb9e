"""What waits for somebody as a member: an application to go on with, a question to answer, shares to pay."""

from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib.money import format_money
from aidplatform.lib.templating import in_language
from aidplatform.site.todo_row import Todo
from ledger.custody.mandates import with_live_mandate
from ledger.custody.owed import to_transfer_fen
from members.joining.deputy_models import Deputy
from members.joining.models import JoinApplication, Membership
from members.joining.payer_models import PayerLink
from members.people.models import User
from members.pools.models import Pool


def of_member(person: User) -> list[Todo]:
    """Return it. Eight queries, however many pools the person belongs to."""
    return [*_of_shares(person), *_of_payers(person), *_of_deputies(person), *_of_applications(person)]


def _of_shares(person: User) -> list[Todo]:
    """Return what a member has to transfer for themselves and those they pay for, where no debit will fetch it."""
    # Of an earlier membership as well: what it owes is paid with its own reference.
    stays = Membership.objects.filter(person=person).select_related("pool").order_by("pool__code", "-number")
    memberships = list(stays)
    last = {one.pk for one in memberships} - {one.follows_id for one in memberships}
    owed = to_transfer_fen(memberships) if memberships else {}
    debited = with_live_mandate(memberships) if any(owed.values()) else set()
    return [
        Todo(
            _("%(amount)s of your shares in %(pool)s are not paid")
            % {"amount": format_money(owed[one.pk], one.pool.currency), "pool": _named(one.pool)},
            reverse("my_pool", args=[one.pool.code])
            + ("" if one.pk in last else f"?member={one.number}")
            + "#pay",
            _("How to pay"),
        )
        for one in memberships
        if owed.get(one.pk) and one.pk not in debited
    ]


def _of_payers(person: User) -> list[Todo]:
    """Return who asks the person to pay for them."""
    asked = PayerLink.objects.filter(payer__person=person, state=PayerLink.State.ASKED)
    return [
        Todo(
            _("Member %(number)s of %(pool)s asks you to pay for them")
            % {"number": link.membership.number, "pool": _named(link.pool)},
            reverse("my_payer", args=[link.pool.code]),
            _("Answer"),
        )
        for link in asked.select_related("pool", "membership").order_by("pk")[:20]
    ]


def _of_deputies(person: User) -> list[Todo]:
    """Return who wants the person to claim for them."""
    asked = Deputy.objects.filter(person=person, state=Deputy.State.ASKED)
    return [
        Todo(
            _("Somebody in %(pool)s asks you to claim for them when they cannot")
            % {"pool": _named(one.membership.pool)},
            reverse("standing_by"),
            _("Answer"),
        )
        for one in asked.select_related("membership__pool").order_by("pk")[:20]
    ]


def _of_applications(person: User) -> list[Todo]:
    """Return the pools that the person has begun to join and can still join."""
    begun = JoinApplication.objects.filter(
        person=person,
        relation="",
        state=JoinApplication.State.DRAFT,
        pool__state__in=[Pool.State.OPEN, Pool.State.GATHERING],
    )
    return [
        Todo(
            _("You have begun to join %(pool)s") % {"pool": _named(one.pool)},
            reverse("join", args=[one.pool.code]),
            _("Go on"),
        )
        for one in begun.select_related("pool").order_by("pk")[:20]
    ]


def _named(pool: Pool) -> str:
    return in_language(pool.name_en, pool.name_zh)
