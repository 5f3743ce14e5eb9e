"""Correction of who a member is on paper: asked for with a reason and a paper, decided by two people of the pool."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import blind_index, seal_text, unseal_text
from aidplatform.lib.db import texts_of
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.lib.templating import in_language
from aidplatform.work import audit
from members.joining.ages import follow_ages
from members.joining.applications import AGE_REFUSALS
from members.joining.correction_models import IdentityCorrection
from members.joining.correction_triggers import correction_shown_sql
from members.joining.documents import traits_of
from members.joining.eligibility import (
    age_on,
    age_refusal,
    age_window,
    birthday,
    covered_from,
    eligible_by_plan,
)
from members.joining.family_models import FamilyMember
from members.joining.models import CovenantSignature, Membership
from members.joining.recorded import Recorded, recorded_of
from members.joining.told import told_of
from members.people import notices
from members.people.correction_words import CORRECTED_ELSEWHERE, CORRECTION_DECLINED, CORRECTION_GRANTED
from members.people.identity import DOCUMENT, Paper
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.plan_terms import ClassTerms
from members.pools.selectors import plan_in_force

State = IdentityCorrection.State


class NotRunningError(NotFoundError):
    """The membership is over, or nobody is identified by it."""

    code = "correction_is_of_a_running_membership"


class NothingChangesError(DomainError):
    """What is asked for is what is recorded."""

    code = "nothing_changes"


class CorrectionWaitsError(ConflictError):
    """The person has asked already."""

    code = "one_open_identity_correction"


class DocumentTakenError(ConflictError):
    """Somebody else is recorded with this document."""

    code = "corrected_document_is_nobody_elses"


class JoiningImpossibleError(ConflictError):
    """Nobody born on that date could have joined, or could still belong."""

    code = "correction_fits_the_rules_of_joining"


class NotYetError(ConflictError):
    """Cover begins tomorrow in the class of today's birth date, or two pools of the person have different days."""

    code = "correction_counts_from_the_next_day"


class CorrectionMovedOnError(ConflictError):
    """It is decided already, or not proposed yet."""

    code = "identity_correction_is_decided_once"


class OwnCorrectionError(ConflictError):
    """Nobody decides about themselves."""

    code = "identity_correction_is_anothers"


class SamePersonError(ConflictError):
    """Proposing and granting need two people."""

    code = "identity_correction_needs_two_people"


class ShownChangedError(ConflictError):
    """The controller saw something else than what is stored."""

    code = "identity_correction_is_decided_as_shown"


@dataclass(frozen=True)
class Wrong:
    """What a member says is wrong. paper: what is right; proof: which paper shows it."""

    paper: Paper
    reason: str
    proof: str


def ask_correction(*, membership: Membership, wrong: Wrong, at: dt.datetime) -> IdentityCorrection:
    """Ask, for oneself, that name, document or birth date are recorded rightly.

    Raises: NotRunningError, NothingChangesError, CorrectionWaitsError, DocumentTakenError, JoiningImpossibleError.
    """
    assert membership.person is not None
    return _ask(membership, membership.person, wrong, at)


def ask_child_correction(*, member: FamilyMember, wrong: Wrong, at: dt.datetime) -> IdentityCorrection:
    """Ask, as the guardian of a child without an account, that it is recorded rightly. Raises: as `ask_correction`."""
    assert member.membership.person_id is None
    assert member.guardian.person is not None
    return _ask(member.membership, member.guardian.person, wrong, at)


def _ask(membership: Membership, asker: User, wrong: Wrong, at: dt.datetime) -> IdentityCorrection:
    """Ask for the member: of an adult in all their pools, of a child without an account in this one."""
    of = Recorded(membership, membership.person)
    with transaction.atomic():
        pool = _lock_pools(of)
        known = of.known()
        if known is None or hasattr(membership, "end"):
            raise NotRunningError(_("Who you are can be corrected while you belong to the pool."))
        if wrong.paper == known:
            raise NothingChangesError(_("This is what is recorded. Change what is wrong."))
        if of.requests().filter(state__in=[State.ASKED, State.PROPOSED]).exists():
            raise CorrectionWaitsError(_("You have asked already; that is decided first, or take it back."))
        _must_be_possible(of, wrong.paper)
        traits = traits_of(wrong.paper.kind, wrong.paper.number)
        made = IdentityCorrection(
            pool=pool,
            number=1 + (pool.identity_corrections.aggregate(last=Max("number"))["last"] or 0),
            membership=membership,
            person=of.person,
            paper_sealed=of.sealed(wrong.paper),
            kind=wrong.paper.kind,
            document_index=_index(wrong.paper),
            birth_date=wrong.paper.birth_date,
            sex=traits.sex,
            region=traits.region,
            asked_by=asker.code,
            asked_at=at,
        )
        made.reason_sealed = seal_text(wrong.reason, made.context("reason"))
        made.proof_sealed = seal_text(wrong.proof, made.context("proof"))
        made.save()
        audit.record(actor=made.asked_by, action="ask_identity_correction", subject=str(made))
    return made


def propose_correction(
    *, correction: IdentityCorrection, proposer: str, at: dt.datetime
) -> IdentityCorrection:
    """Propose, as a pool admin who has seen the paper, that it is recorded.

    Raises: CorrectionMovedOnError, OwnCorrectionError, DocumentTakenError, JoiningImpossibleError;
    IntegrityError correction_people_hold_their_duty, correction_is_of_a_running_membership.
    """
    with transaction.atomic():
        locked = _locked(correction, State.ASKED)
        _must_be_anothers(locked, proposer)
        _must_be_possible(recorded_of(locked), right_paper(locked), asked_in=locked.pool)
        locked.state, locked.proposed_by, locked.proposed_at = State.PROPOSED, proposer, at
        locked.save(update_fields=["state", "proposed_by", "proposed_at"])
        locked.refresh_from_db(fields=["shown_sha256"])
        audit.record(actor=proposer, action="propose_identity_correction", subject=str(locked))
    return locked


def grant_correction(
    *, correction: IdentityCorrection, granter: str, shown_sha256: str, at: dt.datetime
) -> IdentityCorrection:
    """Grant exactly what was shown: it is recorded now, and counts from the next day on, in every pool of the person.

    Raises: CorrectionMovedOnError, OwnCorrectionError, SamePersonError, ShownChangedError, DocumentTakenError,
    JoiningImpossibleError, NotYetError; IntegrityError as for `propose_correction`.
    """
    with transaction.atomic():
        locked = _locked(correction, State.PROPOSED)
        _must_be_anothers(locked, granter)
        if granter == locked.proposed_by:
            raise SamePersonError(
                _("The person who proposed a correction cannot grant it. Ask a controller.")
            )
        if shown_sha256 != locked.shown_sha256:
            raise ShownChangedError(_("This is not what was shown. Look at the request again, then decide."))
        _must_be_possible(recorded_of(locked), right_paper(locked), asked_in=locked.pool)
        memberships = list(recorded_of(locked).running())
        # Up to today everybody's class follows the birth date that was known.
        for one in memberships:
            follow_ages(pool=one.pool)
        _must_begin_tomorrow(memberships)
        _decide(locked, State.GRANTED, granter, at)
        failpoint("joining.identity_corrected")
        locked.refresh_from_db(fields=["effective_date"])
        assert locked.effective_date is not None
        first = locked.effective_date.isoformat()
        _tell(locked, CORRECTION_GRANTED, **{"from": first})
        _tell_admins(locked, memberships, first)
    return locked


def decline_correction(
    *, correction: IdentityCorrection, decliner: str, at: dt.datetime
) -> IdentityCorrection:
    """Decline a request, or take one's own back; who has asked is told.

    Raises: CorrectionMovedOnError; IntegrityError correction_people_hold_their_duty.
    """
    with transaction.atomic():
        locked = _locked(correction, State.ASKED, State.PROPOSED)
        _decide(locked, State.DECLINED, decliner, at)
        if decliner != locked.asked_by:
            _tell(locked, CORRECTION_DECLINED)
    return locked


def _decide(locked: IdentityCorrection, state: str, decider: str, at: dt.datetime) -> None:
    locked.state, locked.decided_by, locked.decided_at = state, decider, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    audit.record(actor=decider, action=f"identity_correction_{state}", subject=str(locked))


def _must_be_anothers(locked: IdentityCorrection, decider: str) -> None:
    if decider == locked.asked_by:
        raise OwnCorrectionError(_("Nobody decides about a correction of their own."))


def _must_be_possible(of: Recorded, paper: Paper, asked_in: Pool | None = None) -> None:
    """Raise DocumentTakenError or JoiningImpossibleError where it cannot be recorded.

    asked_in: the pool of whoever decides, who learn of no other one to which the person belongs; None: the person asks.
    """
    if of.is_anothers(_index(paper)):
        raise DocumentTakenError(
            _(
                "Somebody else is recorded with this document. If it is yours, go to whoever runs the pool with the"
                " paper: the other record has to be corrected first."
            )
        )
    for one in what_rules_say(of, paper.birth_date):
        if one.refusal is not None and asked_in not in {None, one.pool}:
            raise JoiningImpossibleError(
                _("By the rules of another pool of the member this cannot be recorded.")
            )
        if one.refusal is not None:
            raise JoiningImpossibleError(
                _(
                    "By the rules of “%(pool)s” this cannot be recorded: %(why)s If the date is right, ask whoever runs"
                    " the pool how the membership ends; shares that were paid stay paid."
                )
                % {"pool": in_language(one.pool.name_en, one.pool.name_zh), "why": one.refusal},
                pool=one.pool.code,
            )


def _must_begin_tomorrow(memberships: list[Membership]) -> None:
    """Raise NotYetError where tomorrow is not the same day in all pools, or cover begins only then."""
    days = {clock.today(one.pool.time_zone) for one in memberships}
    if len(days) > 1 or any(one.joined_date in days for one in memberships):
        raise NotYetError(
            _(
                "It cannot be granted today: cover begins tomorrow, or it is two days at once in the pools. Try"
                " again tomorrow."
            )
        )


def _tell(correction: IdentityCorrection, kind: str, **params: object) -> None:
    pool = correction.pool
    told = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, **params}
    if correction.person is None:
        people = told_of(correction.membership)
        news = [one.news(kind, str(correction), told, pool=pool.code) for one in people]
    else:
        link = reverse("my_identity", args=[pool.code])
        news = [notices.News(correction.person, kind, str(correction), told, link)]
    notices.tell(news, batch=f"{kind}/{correction}", actor=correction.decided_by or "")


def _tell_admins(correction: IdentityCorrection, memberships: list[Membership], first: str) -> None:
    """Tell the admins of the person's other pools, where the class may change as well."""
    others = [one for one in memberships if one.pool_id != correction.pool_id]
    grants = DutyGrant.objects.filter(
        pool__in=[one.pool_id for one in others], duty=DutyGrant.Duty.POOL_ADMIN, ended_at=None
    ).select_related("person")
    of_pool = {one.pool_id: one for one in others}
    news = [
        notices.News(
            grant.person,
            CORRECTED_ELSEWHERE,
            f"{correction}/{of_pool[grant.pool_id or 0]}",
            {
                "pool_en": of_pool[grant.pool_id or 0].pool.name_en,
                "pool_zh": of_pool[grant.pool_id or 0].pool.name_zh,
                "number": of_pool[grant.pool_id or 0].number,
                "from": first,
            },
            reverse("identity_corrections", args=[of_pool[grant.pool_id or 0].pool.code]),
        )
        for grant in grants.order_by("pk")
    ]
    notices.tell(news, batch=f"{CORRECTED_ELSEWHERE}/{correction}", actor=correction.decided_by or "")


def _lock_pools(of: Recorded) -> Pool:
    """Lock all pools of the person, ids ascending; return the one of the membership."""
    pools = of.memberships().values("pool")
    locked = Pool.objects.select_for_update().filter(pk__in=pools).order_by("pk")
    return next(one for one in locked if one.pk == of.membership.pool_id)


def _locked(correction: IdentityCorrection, *states: str) -> IdentityCorrection:
    """Lock the person's pools, then the request, and demand that it waits. Raises: CorrectionMovedOnError."""
    _lock_pools(recorded_of(correction))
    found = IdentityCorrection.objects.select_for_update(of=["self"])
    locked = found.select_related("pool", "membership__family_member", "person").get(pk=correction.pk)
    if locked.state not in states:
        raise CorrectionMovedOnError(
            _("The request is already “%(state)s”. Reload the page to see where it is.")
            % {"state": locked.get_state_display()},
            state=locked.state,
        )
    return locked


def _index(paper: Paper) -> bytes:
    return blind_index(paper.index_text, DOCUMENT)


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RulesSay:
    """What the rules of one membership say of a birth date; refusal: why nobody of it could have joined, or None.

    eligible_date: from when the rules of joining would have counted illnesses; signed_date: what was signed, and stays.
    """

    membership: Membership
    joined_age: int
    place: ClassTerms | None
    eligible_date: dt.date | None
    signed_date: dt.date | None
    refusal: object | None

    @property
    def pool(self) -> Pool:
        """Return its pool."""
        return self.membership.pool


@dataclass(frozen=True)
class ShownCorrection:
    """A request as two people decide it: what stands, what is asked for, what their rules say, what is hashed."""

    correction: IdentityCorrection
    known: Paper | None
    right: Paper
    reason: str
    proof: str
    rules: list[RulesSay]
    text: str


def what_rules_say(of: Recorded, birth_date: dt.date) -> Iterator[RulesSay]:
    """Yield, for each running membership whose birth date is known, what its rules say of another one."""
    for one in of.running():
        signature = CovenantSignature.objects.filter(membership=one).first()
        yield _rules_say(one, signature, birth_date)


def _rules_say(one: Membership, signature: CovenantSignature | None, birth_date: dt.date) -> RulesSay:
    tomorrow = covered_from(clock.today(one.pool.time_zone))
    plan, now = plan_in_force(one.pool, one.joined_date).plan(), plan_in_force(one.pool, tomorrow).plan()
    is_child = signature is not None and signature.capacity != CovenantSignature.Capacity.SELF
    reason = age_refusal(plan, birth_date, one.joined_date, for_child=is_child)
    refusal: object | None = None
    # Who has moved in without a signature joined under rules that this software did not ask.
    if reason is not None and (signature is not None or reason == "born_in_future"):
        refusal = AGE_REFUSALS[reason]
    elif birthday(birth_date, age_window(now).before) <= tomorrow:
        refusal = _("The rules end at an age that is reached already.")
    if birth_date > one.joined_date:
        return RulesSay(one, 0, None, None, None, refusal)
    eligible = (
        eligible_by_plan(plan, birth_date, one.joined_date, since_date=one.waiting_since_date)
        if signature is not None
        else None
    )
    place = next(
        (row for row in now.classes if row.class_no == now.class_at(age_on(birth_date, tomorrow))), None
    )
    signed = signature.eligible_date if signature is not None else None
    return RulesSay(one, age_on(birth_date, one.joined_date), place, eligible, signed, refusal)


def corrections_of(pool: Pool) -> QuerySet[IdentityCorrection]:
    """Return the requests of a pool, newest first."""
    return pool.identity_corrections.select_related("pool", "membership", "person").order_by("-number")


def own_corrections(person: User) -> QuerySet[IdentityCorrection]:
    """Return what a person has asked for in any pool, newest first."""
    found = IdentityCorrection.objects.filter(person=person)
    return found.select_related("pool", "membership", "person").order_by("-pk")


def child_corrections(membership: Membership) -> QuerySet[IdentityCorrection]:
    """Return what was asked for a child without an account, newest first."""
    found = Recorded(membership, None).requests()
    return found.select_related("pool", "membership", "person").order_by("-pk")


def access_correction(*, pool: Pool, number: int) -> IdentityCorrection:
    """Return a request of the pool. Raises: NotFoundError."""
    found = corrections_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such request."))
    return found


def access_own(*, membership: Membership, number: int) -> IdentityCorrection:
    """Return a request that the member has made in this pool. Raises: NotFoundError."""
    found = corrections_of(membership.pool).filter(membership=membership, number=number).first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found


def right_paper(correction: IdentityCorrection) -> Paper:
    """Return what is to be recorded."""
    return recorded_of(correction).opened(bytes(correction.paper_sealed))


def former_paper(correction: IdentityCorrection) -> Paper | None:
    """Return what stood before a correction was granted; None before, and once it was erased."""
    return recorded_of(correction).opened(bytes(correction.was_sealed)) if correction.was_sealed else None


def reason_of(correction: IdentityCorrection) -> str:
    """Return why it is asked for; empty once the person was erased."""
    return unseal_text(bytes(correction.reason_sealed), correction.context("reason"))


def proof_of(correction: IdentityCorrection) -> str:
    """Return which paper shows it; empty once the person was erased."""
    return unseal_text(bytes(correction.proof_sealed), correction.context("proof"))


def shown(one: IdentityCorrection) -> ShownCorrection:
    """Return a request that waits, opened for whoever decides, with the text that is hashed."""
    right = right_paper(one)
    return ShownCorrection(
        one,
        recorded_of(one).known(),
        right,
        reason_of(one),
        proof_of(one),
        [said for said in what_rules_say(recorded_of(one), right.birth_date) if said.pool == one.pool],
        texts_of(IdentityCorrection, correction_shown_sql("r"), "r", [one.pk])[one.pk],
    )
