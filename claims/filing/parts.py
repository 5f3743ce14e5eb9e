"""Further bills of a case: a claim of its own that names the first one."""

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import seal_text
from aidplatform.lib.errors import NotFoundError
from aidplatform.work import audit
from claims.filing.models import Claim
from claims.filing.selectors import context_of, read_birth, read_payee, speaks_for
from claims.filing.services import PartOfCaseError, keep_payee, locked_claim
from claims.filing.states import DONE, PARTS_ARE_FINAL
from members.people.models import User
from members.pools.models import Pool


def may_bring_bills(claim: Claim) -> bool:
    """Tell whether further bills of a claim's case may be filed now: its aid is final and no part is on its way."""
    if claim.spend_fen is None or claim.state not in PARTS_ARE_FINAL:
        return False
    return not _parts_on_the_way(first_part(claim)).exists()


def first_part(claim: Claim) -> Claim:
    """Return the claim that told the event of the case."""
    return claim.part_of or claim


@transaction.atomic
def start_part(*, claim: Claim, claimant: str, at: dt.datetime) -> Claim:
    """Begin a claim for further bills of a case; one that is begun already is gone on with.

    It tells the event of the first claim and pays the same account, which the claimant may still change.

    Raises: NotFoundError for somebody else's claim, PartOfCaseError.
    """
    Pool.objects.select_for_update().get(pk=claim.pool_id)
    first = locked_claim(first_part(claim), *Claim.State.values)
    person = User.objects.get(code=claimant)
    if not speaks_for(first, person):
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    begun = _parts_on_the_way(first).filter(state=Claim.State.DRAFT).first()
    if begun is not None:
        return begun
    if not may_bring_bills(first):
        raise PartOfCaseError(
            _("Further bills come when the aid of the case is final, one claim after another.")
        )
    if Claim.objects.filter(membership=first.membership_id, state=Claim.State.DRAFT).exists():
        raise PartOfCaseError(_("You have begun another claim. File it or take it back first."))
    part = Claim(
        pool_id=first.pool_id,
        membership=first.membership,
        claimant=person,
        part_of=first,
        event_date=first.event_date,
        illness=first.illness,
        severity=first.severity,
        sex=first.sex,
        region=first.region,
        created_at=at,
        state_since=at,
    )
    _take_over_sealed(part, first)
    part.save()
    audit.record(actor=claimant, action="start_part", subject=part.code, first=first.code)
    return part


def check_no_other_part(claim: Claim) -> None:
    """Refuse to bring a part back on its way while another one is. Raises: PartOfCaseError."""
    others = _parts_on_the_way(first_part(claim)).exclude(pk=claim.pk)
    if claim.part_of_id is not None and others.exists():
        raise PartOfCaseError(
            _("Another claim with further bills of this case is on its way. Wait for it, or take it back.")
        )


def _parts_on_the_way(first: Claim) -> QuerySet[Claim]:
    return first.further_parts.exclude(state__in=DONE)


def _take_over_sealed(part: Claim, first: Claim) -> None:
    """Seal birth and payee of the first part for this one."""
    birth, payee = read_birth(first), read_payee(first)
    assert birth is not None, first.code
    assert payee is not None, first.code
    part.birth_sealed = seal_text(birth.isoformat(), context_of(part, "birth"))
    keep_payee(part, payee.name, payee.account)
