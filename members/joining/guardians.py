"""Another guardian for a child whose own has died or left: asked for by an adult of the pool, decided by two people."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text, unseal_text
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from members.joining.family import AgreementMissingError, GuardianNotCoveredError, capacity_for
from members.joining.guardian_models import GuardianRequest
from members.joining.guardian_triggers import request_shown_sql
from members.joining.kin_triggers import DAYS_TO_ANSWER
from members.joining.models import CovenantSignature, Membership
from members.joining.payers import hand_over_family_link
from members.joining.selectors import goes_on
from members.joining.told import told_of
from members.people import notices
from members.people.guardian_words import GUARDIAN_DECLINED, GUARDIAN_GRANTED, GUARDIAN_REPLACED
from members.pools.models import PlanVersion, Pool
from members.pools.selectors import pays_ahead, plan_in_force

State = GuardianRequest.State


class NotLeftAloneError(NotFoundError):
    """The child has a guardian in the pool, or there is no such child: both answer alike."""

    code = "guardian_is_asked_for_a_child_left_alone"


class RequestWaitsError(ConflictError):
    """Somebody has asked for this child already."""

    code = "one_open_guardian_request_per_child"


class TextsChangedError(ConflictError):
    """Other rules hold than those that were shown."""

    code = "texts_changed"


class RequestMovedOnError(ConflictError):
    """It is decided already, or not proposed yet."""

    code = "guardian_request_is_decided_once"


class OwnRequestError(ConflictError):
    """Nobody decides about themselves."""

    code = "guardian_request_is_anothers"


class SamePersonError(ConflictError):
    """Proposing and granting need two people."""

    code = "guardian_change_needs_two_people"


class ShownChangedError(ConflictError):
    """The controller saw something else than what is stored."""

    code = "guardian_request_is_decided_as_shown"


@dataclass(frozen=True)
class Asked:
    """What an adult asks for. number: of the child; shown_sha256: of the covenant to which they agree for it."""

    number: int
    relation: str
    proof: str
    has_agreed: bool
    shown_sha256: str


def ask_guardianship(*, asker: Membership, asked: Asked, at: dt.datetime) -> GuardianRequest:
    """Ask, as an adult whose membership goes on, to speak for a child that has no guardian in the pool any more.

    Raises: NotLeftAloneError, RequestWaitsError, GuardianNotCoveredError, TextsChangedError, AgreementMissingError;
    IntegrityError guardian_is_a_covered_adult, guardian_request_has_a_proof.
    """
    assert asker.person is not None
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=asker.pool_id)
        child = left_alone(pool).filter(number=asked.number).first()
        if child is None:
            raise NotLeftAloneError(_("There is no child of this number without a guardian in the pool."))
        if not goes_on(asker):
            raise GuardianNotCoveredError(
                _("Only a member whose own membership goes on can speak for a child.")
            )
        if child.guardian_requests.filter(state__in=[State.ASKED, State.PROPOSED]).exists():
            raise RequestWaitsError(_("Somebody has asked for this child already; that is decided first."))
        if asked.shown_sha256 != plan_today(pool).covenant_sha256:
            raise TextsChangedError(_("The rules have changed meanwhile. Read them, then ask again."))
        assert child.birth_date is not None
        capacity = capacity_for(child.birth_date, clock.today(pool.time_zone))
        if capacity == CovenantSignature.Capacity.AGREED and not asked.has_agreed:
            raise AgreementMissingError(
                _("From the age of 14 on a child gets another guardian only if they agree.")
            )
        made = GuardianRequest(
            pool=pool,
            number=1 + (pool.guardian_requests.aggregate(last=Max("number"))["last"] or 0),
            membership=child,
            previous_id=child.family_member.guardian_id,
            asker=asker,
            relation=asked.relation,
            capacity=capacity,
            covenant_sha256=asked.shown_sha256,
            consent_health=True,
            consent_publication=True,
            asked_by=asker.person.code,
            asked_at=at,
        )
        made.proof_sealed = seal_text(asked.proof, made.proof_context)
        made.save()
        audit.record(
            actor=made.asked_by, action="ask_guardianship", subject=str(made), membership=child.number
        )
    return made


def propose_guardian(*, request: GuardianRequest, proposer: str, at: dt.datetime) -> GuardianRequest:
    """Propose, as a pool admin who has seen the paper, that the asker becomes the guardian.

    Raises: RequestMovedOnError, OwnRequestError; IntegrityError guardian_people_hold_their_duty,
    guardian_is_asked_for_a_child_left_alone, guardian_is_a_covered_adult.
    """
    with transaction.atomic():
        locked = _locked(request, State.ASKED)
        _must_be_anothers(locked, proposer)
        locked.state, locked.proposed_by, locked.proposed_at = State.PROPOSED, proposer, at
        locked.save(update_fields=["state", "proposed_by", "proposed_at"])
        locked.refresh_from_db(fields=["shown_sha256"])
        audit.record(actor=proposer, action="propose_guardian", subject=str(locked))
    return locked


def grant_guardian(
    *, request: GuardianRequest, granter: str, shown_sha256: str, at: dt.datetime
) -> GuardianRequest:
    """Grant exactly what was shown: from now on the asker speaks for the child, and pays its shares.

    Raises: RequestMovedOnError, OwnRequestError, SamePersonError, ShownChangedError, PayersPayForThemselvesError;
    IntegrityError as for `propose_guardian`.
    """
    with transaction.atomic():
        locked = _locked(request, State.PROPOSED)
        _must_be_anothers(locked, granter)
        if granter == locked.proposed_by:
            raise SamePersonError(_("The person who proposed a guardian cannot grant it. Ask a controller."))
        if shown_sha256 != locked.shown_sha256:
            raise ShownChangedError(_("This is not what was shown. Look at the request again, then decide."))
        _decide(locked, State.GRANTED, granter, at)
        failpoint("joining.guardian_granted")
        if not pays_ahead(locked.pool):
            hand_over_family_link(
                membership=locked.membership, previous=locked.previous, guardian=locked.asker, at=at
            )
        until = clock.day_of(at, locked.pool.time_zone) + dt.timedelta(days=DAYS_TO_ANSWER)
        _tell(locked, locked.asker, GUARDIAN_GRANTED, until=until.isoformat())
        _tell(locked, locked.previous, GUARDIAN_REPLACED)
    return locked


def decline_guardian(*, request: GuardianRequest, decliner: str, at: dt.datetime) -> GuardianRequest:
    """Decline a request, or take one's own back; the asker is told.

    Raises: RequestMovedOnError; IntegrityError guardian_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(request, State.ASKED, State.PROPOSED)
        _decide(locked, State.DECLINED, decliner, at)
        if decliner != locked.asked_by:
            _tell(locked, locked.asker, GUARDIAN_DECLINED)
    return locked


def _decide(locked: GuardianRequest, state: str, decider: str, at: dt.datetime) -> None:
    locked.state, locked.decided_by, locked.decided_at = state, decider, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=decider, action=f"guardian_{state}", subject=str(locked))


def _must_be_anothers(locked: GuardianRequest, decider: str) -> None:
    if decider == locked.asked_by:
        raise OwnRequestError(_("Nobody decides whether they become a guardian themselves."))


def _tell(request: GuardianRequest, membership: Membership, kind: str, **params: object) -> None:
    """Tell whose membership it is, where they are told anything any more."""
    pool = request.pool
    told = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "number": request.membership.number, **params}
    link = reverse("family" if kind == GUARDIAN_GRANTED else "my_guardianships", args=[pool.code])
    news = [
        notices.News(one.person, kind, str(request), told, link) for one in told_of(membership) if one.is_own
    ]
    notices.tell(news, batch=f"{kind}/{request}", actor=request.decided_by or "")


def _locked(request: GuardianRequest, *states: str) -> GuardianRequest:
    """Lock pool, then request, and demand that it waits. Raises: RequestMovedOnError."""
    Pool.objects.select_for_update().get(pk=request.pool_id)
    found = GuardianRequest.objects.select_for_update(of=["self"])
    locked = found.select_related(
        "pool", "membership__pool", "membership__person", "previous__person", "asker__person", "asker__pool"
    ).get(pk=request.pk)
    if locked.state not in states:
        raise RequestMovedOnError(
            _("The request is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownRequest:
    """A request with the proof it names and the text whose SHA-256 a grant names."""

    request: GuardianRequest
    proof: str
    text: str


def left_alone(pool: Pool) -> QuerySet[Membership]:
    """Return the children without an account whose guardian's membership is over, by number.

    has_died: whether the guardian has; who has left still speaks for the child. is_asked: whether a request waits.
    """
    waiting = GuardianRequest.objects.filter(
        membership=OuterRef("pk"), state__in=[State.ASKED, State.PROPOSED]
    )
    children = pool.memberships.filter(
        person=None, end=None, family_member__guardian__end__isnull=False
    ).select_related("family_member__guardian__end")
    return children.annotate(
        is_asked=Exists(waiting), why=F("family_member__guardian__end__reason")
    ).order_by("number")


def requests_of(pool: Pool) -> QuerySet[GuardianRequest]:
    """Return the requests of a pool, newest first."""
    return pool.guardian_requests.select_related("pool", "membership", "previous", "asker").order_by(
        "-number"
    )


def own_requests(asker: Membership) -> QuerySet[GuardianRequest]:
    """Return what a member has asked for, newest first."""
    return requests_of(asker.pool).filter(asker=asker)


def access_request(*, pool: Pool, number: int) -> GuardianRequest:
    """Return a request of the pool. Raises: NotFoundError."""
    found = requests_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such request."))
    return found


def access_own(*, asker: Membership, number: int) -> GuardianRequest:
    """Return a request of the member's own. Raises: NotFoundError."""
    found = own_requests(asker).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def plan_today(pool: Pool) -> PlanVersion:
    """Return the rules to which a new guardian agrees for the child."""
    return plan_in_force(pool, clock.today(pool.time_zone))


def proof_of(request: GuardianRequest) -> str:
    """Return which paper gives the right; empty once the asker was erased."""
    return unseal_text(bytes(request.proof_sealed), request.proof_context)


def with_texts(requests: list[GuardianRequest]) -> list[ShownRequest]:
    """Return them with the texts that were hashed. One query."""
    texts = texts_of(GuardianRequest, request_shown_sql("r"), "r", [one.pk for one in requests])
    return [ShownRequest(one, proof_of(one), texts[one.pk]) for one in requests]
