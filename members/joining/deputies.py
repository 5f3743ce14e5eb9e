"""Who may claim for a member: named by a code that they told, agreed to by themselves, ended by either of the two.

Naming is what the member says beforehand. An emergency contact may begin a claim from then on, a beneficiary once the
death is recorded; which claims each of them sees is for the room of claims to say.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from members.joining.deputy_models import Deputy
from members.joining.deputy_triggers import MOST_DEPUTIES
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership
from members.joining.selectors import end_of
from members.joining.told import told_of
from members.people import notices
from members.people.cover_words import CHILD_DIED, NAMER_DIED
from members.people.deputy_words import DEPUTY_ACCEPTED, DEPUTY_ENDED, DEPUTY_NAMED
from members.people.models import User

State = Deputy.State
OPEN = (State.ASKED, State.LIVE)
DECEASED = MembershipEnd.Reason.DECEASED
# Of a live deputy, beside its membership: whether they may begin a claim now.
MAY_BEGIN = Q(kind=Deputy.Kind.EMERGENCY) & ~Q(membership__end__reason=DECEASED) | Q(
    kind=Deputy.Kind.BENEFICIARY, membership__end__reason=DECEASED
)


class NoSuchPersonError(DomainError):
    """No account has this code, or it is the member's own."""

    code = "deputy_is_somebody_else"


class TooManyDeputiesError(ConflictError):
    """As many people stand by, or are asked to, as one member may name."""

    code = "deputies_have_a_limit"


class MembershipOverError(ConflictError):
    """Who does not belong any more names nobody."""

    code = "deputy_is_named_by_their_member"


class DeputyMovedOnError(ConflictError):
    """It has been answered or ended already."""

    code = "deputy_follows_order"


@transaction.atomic
def name_deputy(*, membership: Membership, code: str, kind: str, at: dt.datetime) -> Deputy:
    """Name, as a member, somebody with an account by the code that they told; named already: what stands.

    Raises: NoSuchPersonError, TooManyDeputiesError, MembershipOverError.
    """
    member = membership.person
    assert member is not None
    Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
    if end_of(membership) is not None:
        raise MembershipOverError(
            _("Your membership is over. What you named before stays until one of you ends it.")
        )
    person = User.objects.filter(code=code.strip().upper(), is_active=True).exclude(pk=member.pk).first()
    if person is None:
        raise NoSuchPersonError(
            _("No other account has this code. It stands on the page “My data” of whoever you want to name.")
        )
    open_ones = membership.deputies.filter(state__in=OPEN)
    standing = open_ones.filter(person=person, kind=kind).first()
    if standing is not None:
        return standing
    if open_ones.count() >= MOST_DEPUTIES:
        raise TooManyDeputiesError(
            _("You have named %(most)s people. End one of them first.") % {"most": MOST_DEPUTIES},
            most=MOST_DEPUTIES,
        )
    made = Deputy.objects.create(
        membership=membership, person=person, kind=kind, named_by=member.code, named_at=at
    )
    _tell(made, person, DEPUTY_NAMED, member.code, reverse("standing_by"))
    audit.record(actor=member.code, action="name_deputy", subject=str(made), kind=kind)
    return made


@transaction.atomic
def accept_deputy(*, deputy: Deputy, person: User) -> Deputy:
    """Agree to stand by; agreed already: nothing.

    Raises: DeputyMovedOnError; IntegrityError deputy_agrees_in_person.
    """
    locked = _locked(deputy)
    if locked.state == State.LIVE:
        return locked
    if locked.state != State.ASKED:
        raise DeputyMovedOnError(_("This has been answered or ended already. Reload the page."))
    _step(locked, State.LIVE, accepted_by=person.code)
    assert locked.membership.person is not None
    page = reverse("my_deputies", args=[locked.membership.pool.code])
    _tell(locked, locked.membership.person, DEPUTY_ACCEPTED, person.code, page)
    audit.record(actor=person.code, action="accept_deputy", subject=str(locked))
    return locked


@transaction.atomic
def end_deputy(*, deputy: Deputy, person: User) -> Deputy:
    """End it, decline it or take the naming back, as one of the two; the other one is told. Ended already: nothing.

    Raises: IntegrityError deputy_agrees_in_person.
    """
    locked = _locked(deputy)
    if locked.state not in OPEN:
        return locked
    ends = State.ENDED if locked.state == State.LIVE else State.DECLINED
    _step(locked, ends, ended_by=person.code)
    member = locked.membership.person
    assert member is not None
    if person.pk == member.pk:
        _tell(locked, locked.person, DEPUTY_ENDED, person.code, reverse("standing_by"))
    else:
        page = reverse("my_deputies", args=[locked.membership.pool.code])
        _tell(locked, member, DEPUTY_ENDED, person.code, page)
    audit.record(actor=person.code, action="end_deputy", subject=str(locked))
    return locked


def _locked(deputy: Deputy) -> Deputy:
    found = Deputy.objects.select_for_update(of=["self"])
    return found.select_related("membership__pool", "membership__person", "person").get(pk=deputy.pk)


def _step(deputy: Deputy, state: str, **who: str) -> None:
    """Take a step; its instant is the database's own."""
    deputy.state = state
    for column, code in who.items():
        setattr(deputy, column, code)
    deputy.save(update_fields=["state", *who])
    deputy.refresh_from_db(fields=["accepted_at", "ended_at"])


def _tell(deputy: Deputy, person: User, kind: str, actor: str, page: str) -> None:
    pool = deputy.membership.pool
    params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh}
    news = notices.News(person, kind, str(deputy.pk), params, page)
    notices.tell([news], batch=f"deputy/{deputy.pk}/{kind}", actor=actor)


def tell_of_death(*, membership: Membership, end_date: dt.date, actor: str) -> None:
    """Tell of a recorded death whoever may act now: beneficiaries who have agreed, and the guardian of a child.

    Into the caller's transaction, which has recorded it. The account of who has died is told nothing, an emergency
    contact nothing either: what they began goes on and is theirs to see.
    """
    pool = membership.pool
    params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh}
    named = membership.deputies.filter(state=State.LIVE, kind=Deputy.Kind.BENEFICIARY).select_related(
        "person"
    )
    news = [
        notices.News(one.person, NAMER_DIED, str(one.pk), params, reverse("standing_by")) for one in named
    ]
    until = params | {"until": end_date.isoformat()}
    news += [one.news(CHILD_DIED, str(membership), until, pool=pool.code) for one in told_of(membership)]
    notices.tell(news, batch=f"died/{membership}", actor=actor)


# --- reads ------------------------------------------------------------------------------------------------------


def deputies_of(membership: Membership) -> QuerySet[Deputy]:
    """Return whom a member has named and who has not declined or ended it, oldest first. One query."""
    return membership.deputies.filter(state__in=OPEN).select_related("person").order_by("pk")


def deputyships_of(person: User) -> QuerySet[Deputy]:
    """Return for whom a person stands by, or is asked to, oldest first. One query."""
    found = person.deputyships.filter(state__in=OPEN)
    return found.select_related("membership__pool", "membership__person", "membership__end").order_by("pk")


def has_died(membership: Membership) -> bool:
    """Tell whether a death is recorded of a membership. One query."""
    return MembershipEnd.objects.filter(membership=membership, reason=DECEASED).exists()


def access_named(*, membership: Membership, deputy_id: int) -> Deputy:
    """Return somebody whom a member has named. Raises: NotFoundError."""
    return _one(Deputy.objects.filter(membership=membership, pk=deputy_id))


def access_deputyship(*, person: User, deputy_id: int) -> Deputy:
    """Return a naming of this person by somebody else. Raises: NotFoundError."""
    return _one(Deputy.objects.filter(person=person, pk=deputy_id))


def _one(found: QuerySet[Deputy]) -> Deputy:
    one = found.select_related("membership__pool", "membership__person").first()
    if one is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return one


def live_deputyships(person: User) -> QuerySet[Deputy]:
    """Return the namings of a person to which they have agreed, as a subquery of other reads."""
    return Deputy.objects.filter(person=person, state=State.LIVE)


def claims_begin_for(person: User) -> QuerySet[Deputy]:
    """Return those by which a person may begin a claim now."""
    return live_deputyships(person).filter(MAY_BEGIN)
