"""Who pays for whom: asked by who is covered, accepted by who pays, ended by either; and what there is to read of it.

A list of a pool that moves in may name payers: they pay from the moment at which both have confirmed. What somebody
owes stays theirs, whoever pays it (`ledger.custody.filling`).
"""

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from members.joining.models import ImportedMember, Membership, MembershipSpan
from members.joining.payer_models import PayerLink
from members.joining.payer_triggers import DAYS_TO_FIND_A_PAYER, in_force_sql
from members.people import notices
from members.people.models import User
from members.pools.models import Pool
from members.pools.selectors import pays_ahead

State = PayerLink.State


class PaysAheadError(ConflictError):
    """Members of this pool pay ahead: there is nothing that somebody else's transfer could fill."""

    code = "payers_are_where_members_pay_afterwards"


class NoSuchPayerError(DomainError):
    """Nobody of that number can be asked."""

    code = "no_such_payer"


class PayersPayForThemselvesError(ConflictError):
    """A payer is paid for by nobody, and who is paid for pays for nobody."""

    code = "payers_pay_for_themselves"


class AskedAlreadyError(ConflictError):
    """A request waits for its answer."""

    code = "one_open_request_to_pay"


class LinkMovedOnError(ConflictError):
    """It has been answered or ended already."""

    code = "payer_link_follows_order"


def ask_payer(*, membership: Membership, payer_number: int, at: dt.datetime) -> PayerLink:
    """Ask another member to pay for this one; the same question again is the question that waits.

    Raises: PaysAheadError, NoSuchPayerError, PayersPayForThemselvesError, AskedAlreadyError.
    """
    assert membership.person is not None
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=membership.pool_id)
        if pays_ahead(pool):
            raise PaysAheadError(
                _(
                    "Members of this pool pay ahead, each into a wallet. Whoever pays for another writes that member's"
                    " reference on the transfer."
                )
            )
        asked = pool.memberships.select_related("person").filter(number=payer_number).first()
        if asked is None or asked.person is None or asked.pk == membership.pk:
            raise NoSuchPayerError(
                _("No other member with the number %(number)s can be asked.") % {"number": payer_number},
                number=payer_number,
            )
        waiting = PayerLink.objects.filter(membership=membership, state=State.ASKED).first()
        if waiting is not None and waiting.payer_id == asked.pk:
            return waiting
        if waiting is not None:
            raise AskedAlreadyError(_("You have asked somebody already. Take that back first."))
        _check_pair(membership, asked)
        link = PayerLink.objects.create(
            pool=pool, membership=membership, payer=asked, asked_by=membership.person.code, asked_at=at
        )
        _tell(link, notices.PAYER_ASKED, asked.person, membership.number, membership.person.code)
        audit.record(actor=membership.person.code, action="ask_payer", subject=str(link))
    return link


def accept_link(*, link: PayerLink, person: User) -> PayerLink:
    """Pay for who asks, from now on; whoever has paid for them so far does not any more. Accepted already: nothing.

    Raises: LinkMovedOnError, PayersPayForThemselvesError; IntegrityError payer_agrees_in_person.
    """
    with transaction.atomic():
        locked = _locked(link)
        if locked.state == State.LIVE:
            return locked
        _must_be(locked, State.ASKED)
        _check_pair(locked.membership, locked.payer)
        earlier = PayerLink.objects.select_related("payer__person").filter(
            membership=locked.membership, state=State.LIVE
        )
        for one in earlier:
            _step(one, State.ENDED, ended_by=locked.asked_by)
            _tell(one, notices.PAYS_NO_MORE, one.payer.person, locked.membership.number, person.code)
        _step(locked, State.LIVE, accepted_by=person.code)
        _tell(locked, notices.PAID_FOR, locked.membership.person, locked.payer.number, person.code)
        audit.record(actor=person.code, action="accept_payer", subject=str(locked))
    return locked


def begin_family_link(*, membership: Membership, payer: Membership, at: dt.datetime) -> PayerLink:
    """Let a guardian pay for the family member for whom they sign; the caller has locked the pool.

    Raises: PayersPayForThemselvesError.
    """
    assert payer.person is not None
    _check_pair(membership, payer)
    return _begin(membership, payer, payer.person, "begin_family_payer", at)


def begin_invited_link(*, membership: Membership, payer: Membership, at: dt.datetime) -> PayerLink | None:
    """Let who invited somebody pay for them, as the invitation said and who joined by it has signed.

    None where the inviter is paid for by somebody else meanwhile; the caller has locked the pool.
    """
    assert membership.person is not None
    assert payer.person is not None
    if PayerLink.objects.filter(state=State.LIVE, membership=payer).exists():
        return None
    link = _begin(membership, payer, membership.person, "begin_invited_payer", at)
    _tell(link, notices.PAYS_FOR_INVITED, payer.person, membership.number, membership.person.code)
    return link


def _begin(membership: Membership, payer: Membership, asker: User, action: str, at: dt.datetime) -> PayerLink:
    """Begin a link to which both sides have agreed already."""
    assert payer.person is not None
    link = PayerLink.objects.create(
        pool_id=payer.pool_id, membership=membership, payer=payer, asked_by=asker.code, asked_at=at
    )
    _step(link, State.LIVE, accepted_by=payer.person.code)
    audit.record(actor=asker.code, action=action, subject=str(link))
    return link


def end_link(*, link: PayerLink, person: User) -> PayerLink:
    """End it as one of the two, decline it or take the question back; the other one is told. Ended already: nothing.

    Raises: IntegrityError payer_agrees_in_person, family_share_has_a_payer.
    """
    with transaction.atomic():
        locked = _locked(link)
        if locked.state not in {State.ASKED, State.LIVE}:
            return locked
        was_live = locked.state == State.LIVE
        _step(locked, State.ENDED if was_live else State.DECLINED, ended_by=person.code)
        if locked.membership.person_id != person.pk:
            kind = notices.PAID_FOR_NO_MORE if was_live else notices.PAYER_DECLINED
            _tell(locked, kind, locked.membership.person, locked.payer.number, person.code)
        elif was_live:
            _tell(locked, notices.PAYS_NO_MORE, locked.payer.person, locked.membership.number, person.code)
        audit.record(actor=person.code, action="end_payer", subject=str(locked))
    return locked


def tell_left_behind(*, payer: Membership, end_date: dt.date, actor: str) -> int:
    """Tell those with an account for whom somebody pays that this membership ends, and until when it counts."""
    links = PayerLink.objects.filter(payer=payer, state=State.LIVE, membership__person__isnull=False)
    links = links.exclude(membership__end__isnull=False)
    pool, last = payer.pool, end_date + dt.timedelta(days=DAYS_TO_FIND_A_PAYER)
    news = [
        notices.News(
            link.membership.person,
            notices.PAYER_GONE,
            str(link.pk),
            {
                "pool_en": pool.name_en,
                "pool_zh": pool.name_zh,
                "number": payer.number,
                "until": end_date.isoformat(),
                "last": last.isoformat(),
            },
            reverse("my_payer", args=[pool.code]),
        )
        for link in links.select_related("membership__person")
        if link.membership.person is not None
    ]
    return notices.tell(news, batch=f"payer-gone/{payer}", actor=actor) if news else 0


def link_listed(*, row: ImportedMember, membership: Membership) -> None:
    """Let payers that an approved list names begin to pay, now that this member has confirmed too.

    Both directions: who pays for this member, and for whom this member pays. What has been arranged otherwise
    meanwhile stays. The caller's transaction has locked the pool and confirmed the row.
    """
    if pays_ahead(row.pool):
        return
    confirmed = ImportedMember.objects.filter(pool=row.pool, state=ImportedMember.State.CONFIRMED)
    confirmed = confirmed.select_related("membership__person")
    live = PayerLink.objects.filter(pool=row.pool, state=State.LIVE).values_list("membership_id", "payer_id")
    paid_for, paying = {covered for covered, _payer in live}, {payer for _covered, payer in live}
    named = confirmed.filter(email=row.payer).first() if row.payer else None
    if named is not None and named.membership_id not in paid_for and membership.pk not in paid_for | paying:
        assert named.membership is not None
        _begin_listed([(row, named.membership)])
    elif membership.pk not in paid_for:
        rows = confirmed.filter(payer=row.email).exclude(membership__in=paid_for | paying)
        _begin_listed([(one, membership) for one in rows])


def _begin_listed(pairs: list[tuple[ImportedMember, Membership]]) -> None:
    """Begin the links of confirmed rows and their payers, and tell everybody concerned."""
    now, news = clock.now(), []
    links = PayerLink.objects.bulk_create(
        PayerLink(
            pool_id=row.pool_id,
            membership=row.membership,
            payer=payer,
            listed=row,
            asked_by=row.member_import.proposed_by,
            asked_at=now,
        )
        for row, payer in pairs
    )
    for link in links:
        _step(link, State.LIVE, accepted_by=link.listed.member_import.decided_by if link.listed else None)
        news.append(_news(link, notices.PAID_FOR, link.membership.person, link.payer.number))
        news.append(_news(link, notices.PAYS_FOR, link.payer.person, link.membership.number))
        audit.record(actor=link.asked_by, action="begin_listed_payer", subject=str(link))
    if links:
        notices.tell([one for one in news if one], batch=f"payers/{links[0].pk}", actor=links[0].asked_by)


def _check_pair(membership: Membership, payer: Membership) -> None:
    """Raise PayersPayForThemselvesError unless the payer pays for themselves and the member for nobody else."""
    live = PayerLink.objects.filter(state=State.LIVE)
    if live.filter(Q(membership=payer) | Q(payer=membership)).exists():
        raise PayersPayForThemselvesError(
            _(
                "Whoever pays for others pays for themselves: this member is paid for by somebody else, or you pay for"
                " somebody."
            )
        )


def _locked(link: PayerLink) -> PayerLink:
    """Lock pool, then link."""
    Pool.objects.select_for_update().get(pk=link.pool_id)
    found = PayerLink.objects.select_for_update(of=["self"])
    return found.select_related("pool", "membership__pool", "membership__person", "payer__person").get(
        pk=link.pk
    )


def _must_be(link: PayerLink, state: str) -> None:
    if link.state != state:
        raise LinkMovedOnError(_("This has been answered or ended already. Reload the page."))


def _step(link: PayerLink, state: str, **who: str | None) -> None:
    """Take a step; its instant is the database's own."""
    link.state = state
    for column, code in who.items():
        setattr(link, column, code)
    link.save(update_fields=["state", *who])
    link.refresh_from_db(fields=["begun_at", "ended_at"])


def _tell(link: PayerLink, kind: str, person: User | None, number: int, actor: str) -> None:
    news = _news(link, kind, person, number)
    if news is not None:
        notices.tell([news], batch=f"payer/{link.pk}/{kind}", actor=actor)


def _news(link: PayerLink, kind: str, person: User | None, number: int) -> notices.News | None:
    """Return what one of the two is told, with the other one's number."""
    if person is None:
        return None
    pool = link.membership.pool
    params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "number": number}
    return notices.News(person, kind, str(link.pk), params, reverse("my_payer", args=[pool.code]))


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Payers:
    """Who pays for a member and for whom the member pays; None and empty where nobody does.

    paid_by: the link that holds; its payer left on left_date, and counts until last_date. asked: what the member has
    asked and nobody has answered. requests: what others ask of the member. pays_for: in the order of the numbers.
    """

    paid_by: PayerLink | None
    left_date: dt.date | None
    last_date: dt.date | None
    asked: PayerLink | None
    requests: tuple[PayerLink, ...]
    pays_for: tuple[PayerLink, ...]

    @property
    def may_ask(self) -> bool:
        """Tell whether the member may ask somebody."""
        return self.asked is None and not self.pays_for


def payers_of(membership: Membership, now: dt.datetime) -> Payers:
    """Return how a member stands to payers. Two queries at most."""
    links = (
        PayerLink.objects.filter(Q(membership=membership) | Q(payer=membership), pool=membership.pool_id)
        .filter(state__in=[State.ASKED, State.LIVE])
        .select_related("membership__person", "payer__person")
        .order_by("membership__number")
    )
    of_me = [link for link in links if link.membership_id == membership.pk]
    of_others = [link for link in links if link.membership_id != membership.pk]
    paid_by = next((link for link in of_me if link.state == State.LIVE), None)
    left = _left_at(paid_by) if paid_by and membership.pool.state not in _ENDING else None
    left = left if left and left <= now else None
    until = left + dt.timedelta(days=DAYS_TO_FIND_A_PAYER) if left else None
    zone = membership.pool.time_zone
    return Payers(
        paid_by=paid_by,
        left_date=clock.day_of(left, zone) if left else None,
        last_date=clock.day_of(until, zone) if until else None,
        asked=next((link for link in of_me if link.state == State.ASKED), None),
        requests=tuple(link for link in of_others if link.state == State.ASKED),
        pays_for=tuple(link for link in of_others if link.state == State.LIVE),
    )


_ENDING = {Pool.State.WINDING_DOWN, Pool.State.CLOSED}


def _left_at(link: PayerLink) -> dt.datetime | None:
    """Return when the payer's cover ended; None where it goes on."""
    spans = MembershipSpan.objects.filter(pool_id=link.pool_id, membership_id=link.payer_id)
    last = spans.order_by("-from_at").first()
    return last.to_at if last else None


def covered_in_force(payer: Membership) -> list[Membership]:
    """Return the members for whom this one pays now, in joining order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT k.membership_id FROM members_payerlink k WHERE k.payer_id = %s AND {in_force_sql('k')}",
            [payer.pk],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return (
        list(Membership.objects.filter(pk__in=ids).select_related("person").order_by("number")) if ids else []
    )


def access_link(*, membership: Membership, link_id: int) -> PayerLink:
    """Return a link of which this member is one of the two. Raises: NotFoundError."""
    found = PayerLink.objects.filter(Q(membership=membership) | Q(payer=membership), pk=link_id).first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found
