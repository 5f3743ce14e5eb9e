"""Writes of going on in another pool at the last age: signed ahead, taken back, and begun on the very day.

The other pool takes over whom it is to count, before each of its headcounts and once a day (`ages.follow_ages`), after
the pools that they come from have ended what ends by age. A payer, a mandate and what is owed stay where they are:
they were agreed with the old pool.
"""

import datetime as dt
import json

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError, guarantee_name
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from members.joining.again import last_membership
from members.joining.applications import TextsChangedError, signature_context
from members.joining.documents import Traits
from members.joining.eligibility import age_on
from members.joining.end_models import MembershipEnd
from members.joining.member_secrets import give_secret
from members.joining.models import CovenantSignature, Membership
from members.joining.services import admit_member
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import (
    Offer,
    Reason,
    counted_since,
    eligible_there,
    joined_there,
    offer_of,
)
from members.people import notices
from members.people.identity import paper_of
from members.people.models import User
from members.pools.models import PlanVersion, Pool

SERVICE = "service"
State = AgeTransfer.State


class NotOfferedError(NotFoundError):
    """No other pool takes over this member now."""

    code = "transfer_not_offered"


class TransferBarredError(ConflictError):
    """Something stands in the way of going on in the other pool; `reason` says what."""

    code = "transfer_is_barred"


class ConsentsMissingError(DomainError):
    """The other pool cannot count somebody without both consents."""

    code = "transfer_has_both_consents"


def sign_ahead(
    *,
    membership: Membership,
    person: User,
    shown_sha256: str,
    health: bool,
    publication: bool,
    language: str,
    at: dt.datetime,
) -> AgeTransfer:
    """Sign the covenant of the other pool, to go on there on the day on which this membership ends by age.

    shown_sha256: hash of the covenant that was seen. Signed before: that signature; of other rules: a new one takes its
    place. It may be revoked until the day. Lock order: the pool that takes over and the one that is left, as headcounts
    do, membership.

    Raises: NotOfferedError, TransferBarredError, TextsChangedError, ConsentsMissingError.
    """
    with transaction.atomic():
        found = offer_of(membership, clock.today(membership.pool.time_zone))
        if found is None:
            raise NotOfferedError(_("No other pool takes over this membership now."))
        for pool in (found.pool, membership.pool):
            Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)
        Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
        offer = offer_of(membership, clock.today(membership.pool.time_zone))
        if offer is None:
            raise NotOfferedError(_("No other pool takes over this membership now."))
        if offer.signed is not None and offer.is_signed:
            return offer.signed
        if offer.obstacle:
            raise TransferBarredError(Reason(offer.obstacle).label, reason=offer.obstacle)
        if shown_sha256 != offer.version.covenant_sha256:
            raise TextsChangedError(
                _("The texts have changed since they were shown. Read the new ones, then sign.")
            )
        if not (health and publication):
            raise ConsentsMissingError(_("Without both consents the other pool cannot take you over."))
        if offer.signed is not None:
            _close(offer.signed, State.REVOKED, at)
        signed = AgeTransfer.objects.create(
            membership=membership,
            pool=offer.pool,
            plan_version=offer.version,
            covenant_sha256=offer.version.covenant_sha256,
            consent_health=health,
            consent_publication=publication,
            language=language,
            signed_by=person.code,
            signed_at=at,
        )
        signed.refresh_from_db(fields=["signed_at", "signature_sha256"])
        audit.record(
            actor=person.code,
            action="sign_transfer",
            subject=str(membership),
            pool=offer.pool.code,
            covenant=signed.covenant_sha256,
            signature=signed.signature_sha256,
        )
        params = _params(membership.pool, offer.pool) | {
            "from": offer.first_date.isoformat(),
            "eligible": offer.eligible_date().isoformat(),
            "sha256": signed.signature_sha256,
        }
        _tell(notices.TRANSFER_SIGNED, signed, params, actor=person.code)
    return signed


def revoke(*, transfer: AgeTransfer, person: User, at: dt.datetime) -> None:
    """Take back what was signed ahead, before it has begun; taken back before: nothing."""
    with transaction.atomic():
        locked = AgeTransfer.objects.select_for_update().get(pk=transfer.pk)
        if locked.state == State.REVOKED:
            return
        if locked.state != State.SIGNED:
            raise ConflictError(_("It has begun, or the day has passed: there is nothing to take back."))
        _close(locked, State.REVOKED, at)
        audit.record(
            actor=person.code,
            action="revoke_transfer",
            subject=str(locked.membership),
            pool=locked.pool.code,
        )


def pools_before(pool: Pool) -> QuerySet[Pool]:
    """Return the pools from which somebody has signed to come over, by their ids."""
    signed = AgeTransfer.objects.filter(pool=pool, state=State.SIGNED)
    return Pool.objects.filter(pk__in=signed.values("membership__pool")).order_by("pk")


def waiting_for_a_closed_pool(day: dt.date) -> QuerySet[Pool]:
    """Return the pools that take nobody any more and for which somebody has signed whose membership is over by now."""
    due = AgeTransfer.objects.filter(state=State.SIGNED, membership__end__end_date__lte=day)
    return Pool.objects.filter(pk__in=due.values("pool")).exclude(state=Pool.State.OPEN)


def take_over_due(*, pool: Pool) -> int:
    """Begin, or give up, what was signed for this pool by those whose membership is over today; return how many.

    The caller has locked the pool. Begun from the very instant at which the old cover ended, however late this runs;
    done once, it finds nothing to do.
    """
    today = clock.today(pool.time_zone)
    due = AgeTransfer.objects.select_for_update(of=("self",)).filter(
        pool=pool, state=State.SIGNED, membership__end__end_date__lte=today
    )
    due = due.select_related("membership__pool", "membership__end", "membership__person", "plan_version")
    done = 0
    for one in due.order_by("membership__end__end_date", "pk"):
        offer, reason = _as_of_the_day(one)
        if offer is not None and not reason:
            reason = _begin(one, offer)
        if reason:
            _give_up(one, reason)
        done += 1
        failpoint("joining.taken_over")
    return done


def _as_of_the_day(one: AgeTransfer) -> tuple[Offer | None, str]:
    """Return what is offered on the day on which the membership has ended, and what stands in the way."""
    end = one.membership.end
    if end.reason != MembershipEnd.Reason.AGED_OUT:
        return None, Reason.ENDED
    offer = offer_of(one.membership, end.end_date, ended_date=end.end_date)
    if offer is None or offer.pool.pk != one.pool_id:
        return None, Reason.TERMS
    if offer.version.pk != one.plan_version_id:
        return offer, Reason.RULES
    return offer, offer.obstacle


def _begin(one: AgeTransfer, offer: Offer) -> str:
    """Write the new membership, the transfer and the signature; return the reason where shares of before bar it."""
    old, person, first_date = one.membership, one.membership.person, offer.first_date
    assert person is not None
    assert old.birth_date is not None
    paper = paper_of(person)
    assert paper is not None
    pool = one.pool
    try:
        with transaction.atomic():
            membership = admit_member(
                pool=pool,
                person=person,
                class_no=offer.plan.class_at(offer.age),
                from_at=clock.start_of_day(first_date, pool.time_zone),
                joined_date=joined_there(first_date),
                actor=SERVICE,
                birth_date=old.birth_date,
                traits=Traits(old.sex, old.region),
                waiting_since_date=counted_since(offer.plan, old),
                follows=last_membership(pool, person),
            )
            one.state, one.begun, one.first_date, one.closed_at = (
                State.BEGUN,
                membership,
                first_date,
                clock.now(),
            )
            one.save(update_fields=["state", "begun", "first_date", "closed_at"])
            give_secret(membership=membership, paper=paper)
            eligible = _write_signature(one, membership, old.birth_date)
    except IntegrityError as error:
        if guarantee_name(error) != "earlier_shares_come_first":
            raise
        one.state, one.begun, one.first_date, one.closed_at = State.SIGNED, None, None, None
        return Reason.MEMBER
    audit.record(actor=SERVICE, action="begin_transfer", subject=str(membership), before=str(old))
    params = _params(old.pool, pool) | {"from": first_date.isoformat(), "eligible": eligible.isoformat()}
    _tell(notices.TRANSFER_BEGUN, one, params, actor=SERVICE)
    return ""


def _write_signature(one: AgeTransfer, membership: Membership, birth_date: dt.date) -> dt.date:
    """Write what was signed ahead as the signature of the new membership; return when its waiting is over.

    No question is asked anew: the answers given in the old pool stay with that membership.
    """
    version = one.plan_version
    plan = version.plan()
    assert one.first_date is not None
    eligible = eligible_there(plan, one.membership, one.first_date)
    CovenantSignature.objects.create(
        membership=membership,
        plan_version=version,
        covenant_sha256=one.covenant_sha256,
        declaration_sha256=version.declaration_sha256,
        answers_sealed=crypto.seal_text(json.dumps({}), signature_context(membership.pk)),
        consent_health=one.consent_health,
        consent_publication=one.consent_publication,
        language=one.language,
        capacity=CovenantSignature.Capacity.SELF,
        signed_by=one.signed_by,
        joined_age=age_on(birth_date, membership.waits_from) if plan.waiting_asks_for_age else None,
        eligible_date=eligible,
        signed_at=one.signed_at,
    )
    return eligible


def _give_up(one: AgeTransfer, reason: str) -> None:
    """Record why nothing came of it, and tell: whoever reads it is covered by neither pool now."""
    one.reason = reason
    _close(one, State.LAPSED, clock.now())
    audit.record(actor=SERVICE, action="lapse_transfer", subject=str(one.membership), reason=reason)
    params = _params(one.membership.pool, one.pool)
    params |= {"until": one.membership.end.end_date.isoformat(), "why": reason}
    _tell(notices.TRANSFER_OFF, one, params, actor=SERVICE)


def _close(one: AgeTransfer, state: AgeTransfer.State, at: dt.datetime) -> None:
    one.state, one.closed_at = state, at
    one.save(update_fields=["state", "reason", "closed_at"])


# --- telling ----------------------------------------------------------------------------------------------------


def offer_news(offer: Offer, *, on: dt.date) -> notices.News:
    """Return the notice that another pool takes over; on: the day on which it is told, once each."""
    person = offer.membership.person
    assert person is not None
    params = _params(offer.membership.pool, offer.pool) | {
        "until": offer.first_date.isoformat(),
        "age": offer.age,
    }
    return notices.News(
        person, notices.TRANSFER_OFFERED, f"{offer.membership}/{on}", params, link_of(offer.membership.pool)
    )


def tell_of_new_rules(*, version: PlanVersion, actor: str) -> int:
    """Ask those anew who have signed for a pool whose rules on their day are now others; once for each version."""
    signed = AgeTransfer.objects.filter(pool=version.pool, state=State.SIGNED)
    told = 0
    for one in signed.select_related("membership__pool", "membership__person", "pool").order_by("pk"):
        with transaction.atomic():
            offer = offer_of(one.membership, clock.today(version.pool.time_zone))
            if offer is None or not offer.is_outdated or offer.version.pk != version.pk:
                continue
            params = _params(one.membership.pool, one.pool) | {"until": offer.first_date.isoformat()}
            told += _tell(notices.TRANSFER_ANEW, one, params, actor=actor, key=f"{one.membership}/{version}")
    return told


def link_of(pool: Pool) -> str:
    """Return the address of the page on which a member of a pool signs to go on elsewhere."""
    return f"/pools/{pool.code}/me/going-on/"


def _params(old: Pool, new: Pool) -> dict[str, object]:
    """Return the names of both pools; the old one is the notice's own."""
    return {
        "pool_en": old.name_en,
        "pool_zh": old.name_zh,
        "there_en": new.name_en,
        "there_zh": new.name_zh,
    }


def _tell(kind: str, one: AgeTransfer, params: dict[str, object], *, actor: str, key: str = "") -> int:
    person, pool = one.membership.person, one.membership.pool
    assert person is not None
    link = f"/pools/{one.pool.code}/me/" if kind == notices.TRANSFER_BEGUN else link_of(pool)
    news = notices.News(person, kind, key or f"{one.membership}/{one.pk}", params, link)
    return notices.tell([news], batch=f"{kind}/{news.key}", actor=actor)
