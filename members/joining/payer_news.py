"""What is told of who pays for whom: of questions, answers and ends, and of a membership that ends on either side."""

import datetime as dt
from collections.abc import Collection

from django.db.models import Q
from django.urls import reverse

from members.joining.family_models import FamilyMember
from members.joining.models import Membership
from members.joining.payer_models import PayerLink
from members.joining.payer_triggers import DAYS_TO_FIND_A_PAYER
from members.joining.told import told_of
from members.people import notices
from members.pools.models import Pool

State = PayerLink.State
COUNTS_ON = dt.timedelta(days=DAYS_TO_FIND_A_PAYER)


def counted_until(end_date: dt.date) -> dt.date:
    """Return until when the transfers of a payer count whose membership ends with that day: the first day without."""
    return end_date + COUNTS_ON


def tell_of_end(*, ended: Membership, end_date: dt.date, actor: str, asked: Collection[int] = ()) -> int:
    """Tell of a membership that ends those for whom it pays, and who pays for it; return how many were told.

    asked: the ids of the memberships of adults whom the member asks to leave as well.
    """
    return _tell_left_behind(ended, end_date, actor, asked) + _tell_who_pays(ended, end_date, actor)


def tell_of_ends(*, pool: Pool, reason: str, day: dt.date, actor: str) -> int:
    """Tell of all memberships that end with that day for that reason; told again, nobody is told twice."""
    ended = Membership.objects.filter(pool=pool, end__reason=reason, end__end_date=day)
    linked = ended.filter(Q(pays_for__state=State.LIVE) | Q(paid_by__state=State.LIVE))
    return sum(
        tell_of_end(ended=one, end_date=day, actor=actor)
        for one in linked.select_related("pool").order_by("pk").distinct()
    )


def _tell_who_pays(ended: Membership, end_date: dt.date, actor: str) -> int:
    """Tell who pays for a member whose membership ends, unless they end it themselves or are told as its guardian."""
    links = PayerLink.objects.filter(membership=ended, state=State.LIVE).exclude(payer__person__code=actor)
    guarded = FamilyMember.objects.filter(membership=ended, membership__person=None).values("guardian")
    until: dict[str, object] = {"until": end_date.isoformat()}
    news = [
        one
        for link in links.exclude(payer__in=guarded).select_related("pool", "membership", "payer__person")
        for one in to_payer(link, notices.PAID_FOR_ENDED, until)
    ]
    return notices.tell(news, batch=f"paid-for-ended/{ended}", actor=actor) if news else 0


def _tell_left_behind(payer: Membership, end_date: dt.date, actor: str, asked: Collection[int]) -> int:
    """Tell those for whom somebody pays, or their guardian, that this membership ends, and until when it counts."""
    links = PayerLink.objects.filter(payer=payer, state=State.LIVE).exclude(membership__end__isnull=False)
    pool, last = payer.pool, counted_until(end_date)
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "number": payer.number,
        "until": end_date.isoformat(),
        "last": last.isoformat(),
    }
    news = [
        one.news(notices.PAYER_ASKS, str(link.pk), params, pool=pool.code, page="leaving")
        if one.is_own and link.membership_id in asked
        else one.news(notices.PAYER_GONE, str(link.pk), params, pool=pool.code, page="my_payer")
        for link in links.select_related("membership")
        for one in told_of(link.membership)
    ]
    return notices.tell(news, batch=f"payer-gone/{payer}", actor=actor) if news else 0


def tell_payer(link: PayerLink, kind: str, actor: str) -> None:
    """Tell the payer, with the number of who is paid for."""
    notices.tell(to_payer(link, kind), batch=f"payer/{link.pk}/{kind}", actor=actor)


def tell_paid_for(link: PayerLink, kind: str, actor: str) -> None:
    """Tell who is paid for, or their guardian, with the number of the payer."""
    notices.tell(to_paid_for(link, kind), batch=f"payer/{link.pk}/{kind}", actor=actor)


def to_payer(link: PayerLink, kind: str, more: dict[str, object] | None = None) -> list[notices.News]:
    """Return what the payer is told, with the number of who is paid for."""
    return [
        notices.News(
            one.person, kind, str(link.pk), _params(link, link.membership) | (more or {}), _page_of(link)
        )
        for one in told_of(link.payer)
    ]


def to_paid_for(link: PayerLink, kind: str) -> list[notices.News]:
    """Return what who is paid for, or their guardian, is told, with the number of the payer."""
    return [
        one.news(kind, str(link.pk), _params(link, link.payer), pool=link.pool.code, page="my_payer")
        for one in told_of(link.membership)
    ]


def _params(link: PayerLink, other: Membership) -> dict[str, object]:
    return {"pool_en": link.pool.name_en, "pool_zh": link.pool.name_zh, "number": other.number}


def _page_of(link: PayerLink) -> str:
    return reverse("my_payer", args=[link.pool.code])
