"""What waits for somebody as a member: an application to go on with, a question to answer, shares to pay."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.money import format_money
from aidplatform.lib.templating import in_language
from aidplatform.site.todo_row import Todo
from ledger.custody.charge_selectors import on_the_way_fen
from ledger.custody.mandates import with_live_mandate
from ledger.custody.owed import to_transfer_fen
from ledger.custody.wallet_selectors import low_wallets
from members.joining.deputy_models import Deputy
from members.joining.models import JoinApplication, Membership
from members.joining.payer_models import PayerLink
from members.joining.payer_news import counted_until
from members.joining.selectors import end_of
from members.joining.transfer_offers import open_offers
from members.people.models import User
from members.pools.models import PlanVersion, Pool

_ENDING = {Pool.State.WINDING_DOWN, Pool.State.CLOSED}


def of_member(person: User) -> list[Todo]:
    """Return it. Eight queries, however many pools the person belongs to, and a few for each last age that is near.

    One more where members pay ahead, and for each mandate under which something is owed.
    """
    rules = PlanVersion.objects.filter(pool=OuterRef("pool"), terms__has_key="funding")
    stays = Membership.objects.filter(person=person).select_related("pool", "person", "end")
    stays = stays.annotate(has_wallet=Exists(rules))
    mine = list(stays.order_by("pool__code", "-number"))
    return [
        *_of_shares(mine),
        *_of_wallets(mine),
        *_of_payers(mine),
        *_of_last_ages(mine),
        *_of_deputies(person),
        *_of_applications(person),
    ]


def _of_shares(memberships: Sequence[Membership]) -> list[Todo]:
    """Return what a member has to transfer for themselves and those they pay for, and what no debit fetches.

    Of an earlier membership as well: what it owes is paid with its own reference.
    """
    last = {one.pk for one in memberships} - {one.follows_id for one in memberships}
    owed = to_transfer_fen(memberships) if memberships else {}
    debited = with_live_mandate(memberships) if any(owed.values()) else set()
    for one in memberships:
        if one.pk in debited and owed[one.pk]:
            owed[one.pk] = max(owed[one.pk] - on_the_way_fen(one), 0)
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
        if owed.get(one.pk)
    ]


def _of_wallets(memberships: Sequence[Any]) -> list[Todo]:
    """Return the wallets that are low, or that a suspended membership or one that has not begun waits for."""
    found = low_wallets([one for one in memberships if one.has_wallet and not hasattr(one, "end")])
    return [
        Todo(
            _("Your wallet in %(pool)s is low: %(amount)s is in it")
            % {"pool": _named(one.pool), "amount": format_money(fen, one.pool.currency)},
            reverse("my_wallet", args=[one.pool.code]),
            _("How to top up"),
        )
        for one, fen in found
    ]


def _of_payers(memberships: Sequence[Membership]) -> list[Todo]:
    """Return who asks the person to pay for them, and whose own payer has left, while that payer's transfers count."""
    mine = {one.pk for one in memberships}
    links = PayerLink.objects.filter(
        Q(payer__in=mine, state=PayerLink.State.ASKED) | Q(membership__in=mine, state=PayerLink.State.LIVE)
    )
    found = links.select_related("pool", "membership__end", "payer__end").order_by("pk")[:40] if mine else ()
    told = [_asked(link) if link.payer_id in mine else _left_behind(link) for link in found]
    return [one for one in told if one is not None]


def _asked(link: PayerLink) -> Todo:
    return Todo(
        _("Member %(number)s of %(pool)s asks you to pay for them")
        % {"number": link.membership.number, "pool": _named(link.pool)},
        reverse("my_payer", args=[link.pool.code]),
        _("Answer"),
    )


def _left_behind(link: PayerLink) -> Todo | None:
    """Return what to do where the payer leaves; None where they stay, or the pool ends for everybody."""
    ended = end_of(link.payer)
    if ended is None or end_of(link.membership) is not None or link.pool.state in _ENDING:
        return None
    last = counted_until(ended.end_date)
    if clock.today(link.pool.time_zone) >= last:
        return None
    return Todo(
        _("Member %(number)s, who pays your shares in %(pool)s, leaves: their transfers count until %(day)s")
        % {"number": link.payer.number, "pool": _named(link.pool), "day": format_day(last)},
        reverse("my_payer", args=[link.pool.code]),
        _("Who pays"),
    )


def _of_last_ages(memberships: Sequence[Membership]) -> list[Todo]:
    """Return where the person can go on at the last age of a pool, and has not signed what holds there on that day."""
    aged = [one for one in memberships if one.birth_date is not None]
    return [
        Todo(
            (
                _("%(there)s has new rules: to go on there after %(pool)s, sign them by %(day)s")
                if offer.is_outdated
                else _("%(pool)s ends for you by age on %(day)s: you can go on in %(there)s")
            )
            % {
                "pool": _named(offer.membership.pool),
                "there": _named(offer.pool),
                "day": format_day(offer.first_date),
            },
            reverse("going_on", args=[offer.membership.pool.code]),
            _("Read and decide"),
        )
        for offer in (open_offers(aged, clock.now()) if aged else ())
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
