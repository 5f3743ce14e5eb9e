"""Who pays for whom: asked by who is covered, accepted by who pays, ended by either; and what there is to read of it.

A list of a pool that moves in may name payers: they pay from the moment at which both have confirmed. What somebody
owes stays theirs, whoever pays it (`ledger.custody.filling`).
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from members.joining.child_papers import child_opened
from members.joining.family_models import FamilyMember
from members.joining.models import ImportedMember, Membership, MembershipSpan
from members.joining.payer_models import PayerLink
from members.joining.payer_news import COUNTS_ON, tell_paid_for, tell_payer, to_paid_for, to_payer
from members.joining.payer_triggers import in_force_sql
from members.joining.selectors import end_of
from members.people import notices
from members.people.identity import masked, names_of
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


class GuardianPaysError(ConflictError):
    """The share of a child is asked from its guardian while they belong to the pool."""

    code = "family_share_has_a_payer"


class LinkMovedOnError(ConflictError):
    """It has been answered or ended already."""

    code = "payer_link_follows_order"


def ask_payer(*, membership: Membership, payer_number: int, at: dt.datetime) -> PayerLink:
    """Ask another member to pay for this one; the same question again is the question that waits.

    For a child without an account its guardian asks, once they do not belong to the pool any more themselves.

    Raises: PaysAheadError, NoSuchPayerError, PayersPayForThemselvesError, AskedAlreadyError, GuardianPaysError.
    """
    asker = membership.person or membership.family_member.guardian.person
    assert asker is not None
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
        if asked is None or asked.pk == membership.pk or asked.person is None or asked.person.erased_at:
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
        _check_guardian(membership)
        link = PayerLink.objects.create(
            pool=pool, membership=membership, payer=asked, asked_by=asker.code, asked_at=at
        )
        tell_payer(link, notices.PAYER_ASKED, asker.code)
        audit.record(actor=asker.code, action="ask_payer", subject=str(link))
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
            if one.payer.person is None or one.payer.person.code != locked.asked_by:
                tell_payer(one, notices.PAYS_NO_MORE, person.code)
        _step(locked, State.LIVE, accepted_by=person.code)
        tell_paid_for(locked, notices.PAID_FOR, person.code)
        audit.record(actor=person.code, action="accept_payer", subject=str(locked))
    return locked


def begin_family_link(*, membership: Membership, payer: Membership, at: dt.datetime) -> PayerLink:
    """Let a guardian pay for the family member for whom they sign; the caller has locked the pool.

    Raises: PayersPayForThemselvesError.
    """
    assert payer.person is not None
    _check_pair(membership, payer)
    return _begin(membership, payer, payer.person, "begin_family_payer", at)


def hand_over_family_link(
    *, membership: Membership, previous: Membership, guardian: Membership, at: dt.datetime
) -> None:
    """Let the new guardian of a child pay in the place of the previous one; another payer goes on, where there is one.

    The caller has locked the pool and changed the guardian. Raises: PayersPayForThemselvesError.
    """
    assert guardian.person is not None
    live = PayerLink.objects.filter(membership=membership, state=State.LIVE).first()
    if live is not None and live.payer_id == previous.pk:
        _step(live, State.ENDED, ended_by=guardian.person.code)
        live = None
    if live is None:
        begin_family_link(membership=membership, payer=guardian, at=at)


def begin_invited_link(*, membership: Membership, payer: Membership, at: dt.datetime) -> PayerLink | None:
    """Let who invited somebody pay for them, as the invitation said and who joined by it has signed.

    None where the inviter is paid for by somebody else meanwhile; the caller has locked the pool.
    """
    assert membership.person is not None
    assert payer.person is not None
    if not may_pay(payer):
        return None
    link = _begin(membership, payer, membership.person, "begin_invited_payer", at)
    tell_payer(link, notices.PAYS_FOR_INVITED, membership.person.code)
    return link


def may_pay(membership: Membership) -> bool:
    """Tell whether a member can pay for others: where members pay afterwards, and for who pays for themselves."""
    if pays_ahead(membership.pool):
        return False
    return not PayerLink.objects.filter(state=State.LIVE, membership=membership).exists()


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
        if locked.payer.person_id == person.pk:
            kind = notices.PAID_FOR_NO_MORE if was_live else notices.PAYER_DECLINED
            tell_paid_for(locked, kind, person.code)
        elif was_live:
            tell_payer(locked, notices.PAYS_NO_MORE, person.code)
        audit.record(actor=person.code, action="end_payer", subject=str(locked))
    return locked


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
        news += [*to_paid_for(link, notices.PAID_FOR), *to_payer(link, notices.PAYS_FOR)]
        audit.record(actor=link.asked_by, action="begin_listed_payer", subject=str(link))
    if links:
        notices.tell(news, batch=f"payers/{links[0].pk}", actor=links[0].asked_by)


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


def _check_guardian(membership: Membership) -> None:
    """Raise GuardianPaysError for a child without an account whose guardian's own membership goes on."""
    added = FamilyMember.objects.filter(membership=membership, membership__person=None)
    if added.filter(guardian__end=None).exists():
        raise GuardianPaysError(
            _(
                "You have signed for this member and pay their shares for as long as you belong to the pool yourself."
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


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Payers:
    """Who pays for a member and for whom the member pays; None and empty where nobody does.

    paid_by: the link that holds; its payer left on left_date, and counts until last_date. asked: what the member has
    asked and nobody has answered. requests: what others ask of the member. pays_for: in the order of the numbers.
    names: by membership, as others see it.
    """

    paid_by: PayerLink | None
    left_date: dt.date | None
    last_date: dt.date | None
    asked: PayerLink | None
    requests: tuple[PayerLink, ...]
    pays_for: tuple[PayerLink, ...]
    names: dict[int, str]

    @property
    def may_ask(self) -> bool:
        """Tell whether the member may ask somebody."""
        return self.asked is None and not self.pays_for


def payers_of(membership: Membership, now: dt.datetime) -> Payers:
    """Return how a member stands to payers. Four queries at most."""
    links = (
        PayerLink.objects.filter(Q(membership=membership) | Q(payer=membership), pool=membership.pool_id)
        .filter(state__in=[State.ASKED, State.LIVE])
        .select_related("membership__person", "membership__end", "payer__person")
        .order_by("membership__number")
    )
    of_me = [link for link in links if link.membership_id == membership.pk]
    of_others = [link for link in links if link.membership_id != membership.pk]
    paid_by = next((link for link in of_me if link.state == State.LIVE), None)
    left = _left_at(paid_by) if paid_by and membership.pool.state not in _ENDING else None
    left = left if left and left <= now else None
    until = left + COUNTS_ON if left else None
    zone = membership.pool.time_zone
    return Payers(
        paid_by=paid_by,
        left_date=clock.day_of(left, zone) if left else None,
        last_date=clock.day_of(until, zone) if until else None,
        asked=next((link for link in of_me if link.state == State.ASKED), None),
        requests=tuple(link for link in of_others if link.state == State.ASKED),
        pays_for=tuple(link for link in of_others if link.state == State.LIVE),
        names=masked_names([side for link in links for side in (link.membership, link.payer)]),
    )


def masked_names(memberships: Iterable[Membership]) -> dict[int, str]:
    """Return names as others see them, on paper where there is one; nothing of who is known by a number alone."""
    members = {one.pk: one for one in memberships}
    known = {pk: one.person for pk, one in members.items() if one.person}
    names = names_of(known.values()) if known else {}
    told = {pk: names[person.pk] for pk, person in known.items()}
    without = members.keys() - known.keys()
    children = (
        FamilyMember.objects.filter(membership__in=without).exclude(sealed=crypto.ERASED) if without else ()
    )
    told |= {
        child.membership_id: child_opened(members[child.membership_id], bytes(child.sealed)).name
        for child in children
    }
    return {pk: masked(name) for pk, name in told.items() if name}


_ENDING = {Pool.State.WINDING_DOWN, Pool.State.CLOSED}


def _left_at(link: PayerLink) -> dt.datetime | None:
    """Return when the payer's cover ended; None where it goes on."""
    spans = MembershipSpan.objects.filter(pool_id=link.pool_id, membership_id=link.payer_id)
    last = spans.order_by("-from_at").first()
    return last.to_at if last else None


def covered_in_force(payer: Membership) -> list[Membership]:
    """Return the members for whom this one pays now, in joining order."""
    ids = covered_ids([payer.pk]).get(payer.pk)
    return (
        list(Membership.objects.filter(pk__in=ids).select_related("person").order_by("number")) if ids else []
    )


def covered_ids(payers: Collection[int]) -> dict[int, list[int]]:
    """Return for whom each of these memberships pays now; who pays for nobody is missing. One query."""
    found: dict[int, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT k.payer_id, k.membership_id FROM members_payerlink k
                 WHERE k.payer_id = ANY(%s) AND {in_force_sql("k")}""",
            [list(payers)],
        )
        for payer, member in cursor.fetchall():
            found.setdefault(payer, []).append(member)
    return found


def counts_until(payer: Membership) -> dt.date | None:
    """Return until when the transfers of somebody who has left count for others; None: with no end in sight."""
    ended = end_of(payer)
    return ended.end_date + COUNTS_ON if ended and payer.pool.state not in _ENDING else None


def payer_numbers(membership_ids: Collection[int]) -> dict[int, int]:
    """Return the number of who pays now for each of these memberships; without a payer it is missing. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT k.membership_id, p.number FROM members_payerlink k JOIN members_membership p ON p.id = k.payer_id
                 WHERE k.membership_id = ANY(%s) AND {in_force_sql("k")}""",
            [list(membership_ids)],
        )
        return dict(cursor.fetchall())


def payers_besides_sql(row: str, payer: str) -> str:
    """Return SQL for the number of who pays now for the membership of a row, where it is not that one, by their id."""
    return f"""(SELECT p.number FROM members_payerlink k JOIN members_membership p ON p.id = k.payer_id
                  WHERE k.membership_id = {row}.id AND k.payer_id <> {payer} AND {in_force_sql("k")})"""


def access_link(*, membership: Membership, link_id: int) -> PayerLink:
    """Return a link of which this member is one of the two. Raises: NotFoundError."""
    found = PayerLink.objects.filter(Q(membership=membership) | Q(payer=membership), pk=link_id).first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found
