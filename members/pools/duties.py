"""Who holds which duty in a running pool: proposed by an admin, agreed by a second person, or laid down by oneself."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError, DomainError, ForbiddenError, NotFoundError
from aidplatform.work import audit
from members.people import notices
from members.people.duty_words import DUTY_ENDED, DUTY_GIVEN
from members.people.models import User
from members.pools.duty_models import DutyChange
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import duties_of
from members.pools.services import grant_duty
from members.pools.triggers import NEEDED_DUTIES

Kind, State = DutyChange.Kind, DutyChange.State
ADMIN = DutyGrant.Duty.POOL_ADMIN.value


class UnknownPersonError(DomainError):
    """No account has this code."""

    code = "unknown_person"


class OnePersonError(ForbiddenError):
    """Who proposes, who agrees and who is concerned are three people."""

    code = "duty_change_takes_two_people"


class ChangeDecidedError(ConflictError):
    """The change is done or dropped already."""

    code = "duty_change_is_decided_once"


class HeldAlreadyError(ConflictError):
    """The person holds this duty already, or the same change waits."""

    code = "one_open_change_per_person_and_duty"


@dataclass(frozen=True)
class Desk:
    """A duty, who holds it, and whether the pool stands still without anybody."""

    duty: str
    name: object
    grants: list[DutyGrant]

    @property
    def is_missing(self) -> bool:
        """Tell whether nobody holds a duty without which no case is decided or no money moves."""
        return not self.grants and self.duty in NEEDED_DUTIES


def desks(pool: Pool) -> list[Desk]:
    """Return every duty of a pool with who holds it. One query."""
    held: dict[str, list[DutyGrant]] = {duty.value: [] for duty in DutyGrant.Duty}
    grants = DutyGrant.objects.filter(pool=pool, ended_at=None)
    for grant in grants.select_related("person", "proposed_by", "confirmed_by").order_by("granted_at", "pk"):
        held[grant.duty].append(grant)
    names = dict(DutyGrant.Duty.choices)
    return [Desk(duty, names[duty], held[duty]) for duty in held]


def changes_of(pool: Pool) -> QuerySet[DutyChange]:
    """Return the changes of duties of a pool, newest first."""
    return DutyChange.objects.filter(pool=pool).select_related("pool", "person", "grant").order_by("-number")


def access_change(*, pool: Pool, number: int) -> DutyChange:
    """Return a change of the pool's duties. Raises: NotFoundError."""
    found = changes_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such change of duties."))
    return found


def access_grant(*, pool: Pool, grant_id: int) -> DutyGrant:
    """Return a duty that is held in the pool. Raises: NotFoundError."""
    found = DutyGrant.objects.filter(pool=pool, pk=grant_id, ended_at=None).select_related("person").first()
    if found is None:
        raise NotFoundError(_("Nobody holds this duty any more."))
    return found


def waits_for(change: DutyChange, person: User) -> bool:
    """Tell whether a change waits for the agreement of somebody like this person."""
    return change.state == State.OPEN and person.code != change.proposed_by and person.pk != change.person_id


@transaction.atomic
def propose_duty(
    *, pool: Pool, person_code: str, duty: str, reason: str, proposer: User, at: dt.datetime
) -> DutyChange:
    """Propose, as a pool admin, that somebody with an account holds a duty.

    Raises: UnknownPersonError, OnePersonError, HeldAlreadyError; IntegrityError in the name of what refuses.
    """
    pool = Pool.objects.select_for_update().get(pk=pool.pk)
    person = User.objects.filter(code=person_code.strip().upper(), is_active=True).first()
    if person is None:
        raise UnknownPersonError(
            _("No account has this code. It stands on the page “My data” of whoever is to hold the duty.")
        )
    if duty in duties_of(person, pool):
        raise HeldAlreadyError(_("This person holds this duty already."))
    return _proposed(pool, Kind.GRANT, person, duty, None, reason, proposer, at)


@transaction.atomic
def propose_end(*, grant: DutyGrant, reason: str, proposer: User, at: dt.datetime) -> DutyChange:
    """Propose, as a pool admin, that somebody does not hold a duty any more.

    Raises: OnePersonError, HeldAlreadyError.
    """
    pool = _locked_pool(grant)
    return _proposed(pool, Kind.END, grant.person, grant.duty, grant, reason, proposer, at)


@transaction.atomic
def confirm_change(*, change: DutyChange, confirmer: User, at: dt.datetime) -> DutyChange:
    """Agree as a second person: the duty is given, or ends, at once, and its person is told.

    Raises: ChangeDecidedError, OnePersonError; IntegrityError(duties_do_not_meet, pool_keeps_an_admin, …).
    """
    change = _locked(change)
    if not waits_for(change, confirmer):
        raise OnePersonError(_("Who proposes, who agrees and whose duty it is are three people."))
    change.state, change.decided_by, change.decided_at = State.DONE, confirmer.code, at
    if change.kind == Kind.GRANT:
        change.grant = grant_duty(
            pool=change.pool,
            person=change.person,
            duty=change.duty,
            proposed_by=User.objects.get(code=change.proposed_by),
            confirmed_by=confirmer,
            at=at,
        )
    change.save(update_fields=["state", "decided_by", "decided_at", "grant"])
    if change.kind == Kind.END:
        _end(change, at)
    _tell(change)
    audit.record(actor=confirmer.code, action="confirm_duty_change", subject=str(change), kind=change.kind)
    return change


@transaction.atomic
def drop_change(*, change: DutyChange, dropper: User, at: dt.datetime) -> DutyChange:
    """Take a proposal back, turn it down, or say no as whom it is about. Raises: ChangeDecidedError."""
    change = _locked(change)
    change.state, change.decided_by, change.decided_at = State.DROPPED, dropper.code, at
    change.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=dropper.code, action="drop_duty_change", subject=str(change), kind=change.kind)
    return change


@transaction.atomic
def lay_down(*, grant: DutyGrant, person: User, reason: str, at: dt.datetime) -> DutyChange:
    """Hold one's own duty no more, from this moment on; nobody has to agree.

    Raises: OnePersonError for somebody else's; IntegrityError(pool_keeps_an_admin).
    """
    pool = _locked_pool(grant)
    if grant.person_id != person.pk:
        raise OnePersonError(_("Only whoever holds a duty lays it down."))
    DutyChange.objects.filter(pool=pool, person=person, duty=grant.duty, state=State.OPEN).update(
        state=State.DROPPED, decided_by=person.code, decided_at=at
    )
    change = DutyChange(
        pool=pool, number=_next_number(pool), kind=Kind.LAID_DOWN, person=person, duty=grant.duty, grant=grant,
        reason=reason, proposed_by=person.code, proposed_at=at, state=State.DONE, decided_by=person.code,
        decided_at=at,
    )  # fmt: skip
    change.save()
    _end(change, at)
    audit.record(actor=person.code, action="lay_down_duty", subject=str(change), duty=grant.duty)
    return change


def _proposed(
    pool: Pool,
    kind: str,
    person: User,
    duty: str,
    grant: DutyGrant | None,
    reason: str,
    proposer: User,
    at: dt.datetime,
) -> DutyChange:
    if person.pk == proposer.pk:
        raise OnePersonError(_("Nobody proposes themselves. Lay down your own duty, or ask another admin."))
    if DutyChange.objects.filter(pool=pool, person=person, duty=duty, state=State.OPEN).exists():
        raise HeldAlreadyError(_("A change of this duty of this person waits already."))
    change = DutyChange.objects.create(
        pool=pool, number=_next_number(pool), kind=kind, person=person, duty=duty, grant=grant,
        reason=reason, proposed_by=proposer.code, proposed_at=at,
    )  # fmt: skip
    audit.record(
        actor=proposer.code, action="propose_duty_change", subject=str(change), kind=kind, duty=duty,
        person=person.code,
    )  # fmt: skip
    return change


def _end(change: DutyChange, at: dt.datetime) -> None:
    assert change.grant is not None
    change.grant.ended_at = at
    change.grant.save(update_fields=["ended_at"])


def _tell(change: DutyChange) -> None:
    """Tell whoever holds a duty now, or does not any more."""
    pool = change.pool
    params = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "duty_code": change.duty,
        "reason": change.reason,
    }
    kind = DUTY_GIVEN if change.kind == Kind.GRANT else DUTY_ENDED
    page = "duties" if change.kind == Kind.GRANT or duties_of(change.person, pool) else "pool"
    news = notices.News(change.person, kind, str(change), params, reverse(page, args=[pool.code]))
    notices.tell([news], batch=f"duty/{change}", actor=change.decided_by or "")


def _next_number(pool: Pool) -> int:
    """Return the number of the next change; the pool is locked."""
    return DutyChange.objects.filter(pool=pool).count() + 1


def _locked_pool(grant: DutyGrant) -> Pool:
    assert grant.pool_id is not None
    return Pool.objects.select_for_update().get(pk=grant.pool_id)


def _locked(change: DutyChange) -> DutyChange:
    """Lock pool, then change, and demand that it waits. Raises: ChangeDecidedError."""
    Pool.objects.select_for_update().get(pk=change.pool_id)
    locked = DutyChange.objects.select_for_update(of=["self"]).select_related("pool", "person", "grant")
    found = locked.get(pk=change.pk)
    if found.state != State.OPEN:
        raise ChangeDecidedError(
            _("This change has been decided already: it is “%(state)s”.")
            % {"state": found.get_state_display()},
            state=found.state,
        )
    return found
