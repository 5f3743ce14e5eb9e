"""Family members: added by a covered adult who signs as their guardian, and whose own transfers pay their shares."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from members.joining.again import check_return, is_over
from members.joining.applications import (
    begin_again,
    check_age,
    check_intake,
    check_kind,
    check_signable,
    close,
    identity_of,
    write_signature,
)
from members.joining.child_papers import paper_of_family, sealed_for_child
from members.joining.documents import traits_of
from members.joining.eligibility import AGREES_FROM, SIGNING_AGE, age_on, birthday, covered_from
from members.joining.end_models import MembershipEnd
from members.joining.family_models import FamilyMember
from members.joining.listed import document_index
from members.joining.member_secrets import give_secret
from members.joining.models import CovenantSignature, JoinApplication, Membership
from members.joining.news import tell_coming_rules
from members.joining.payers import begin_family_link
from members.joining.selectors import Cover, covers_of, goes_on
from members.joining.services import admit_member
from members.joining.told import told_of
from members.people import notices
from members.people.identity import Paper, record_identity
from members.people.models import Identity, User
from members.pools.models import Pool
from members.pools.selectors import plan_in_force

# Whom a guardian may sign for; a parent or a spouse is of age, and signs for themselves.
SIGNED_FOR = {JoinApplication.Relation.CHILD, JoinApplication.Relation.OTHER}


class AdultsSignError(DomainError):
    """Somebody of that relation is of age."""

    code = "adults_sign_for_themselves"


class GuardianNotCoveredError(ConflictError):
    """Only a member whose own membership goes on adds others."""

    code = "guardian_is_a_covered_adult"


class AgreementMissingError(DomainError):
    """A child of fourteen or older has to agree."""

    code = "child_has_not_agreed"


class JoinedAlreadyError(ConflictError):
    """The document has joined this pool."""

    code = "one_person_once_per_pool"


def start_family(*, guardian: Membership, relation: str, at: dt.datetime) -> JoinApplication:
    """Return the application by which a member adds somebody, begun if there is none open.

    Raises: IntakeClosedError, GuardianNotCoveredError, AdultsSignError.
    """
    if relation not in SIGNED_FOR:
        raise AdultsSignError(
            _("A parent or a spouse is of age: they sign for themselves, with an account of their own.")
        )
    with transaction.atomic():
        pool = Pool.objects.select_for_update(no_key=True).get(pk=guardian.pool_id)
        check_intake(pool)
        _must_go_on(guardian)
        found = open_application(guardian)
        if found is None:
            assert guardian.person is not None
            return JoinApplication.objects.create(
                pool=pool,
                person=guardian.person,
                relation=relation,
                plan_version=plan_in_force(pool, clock.today(pool.time_zone)),
                started_at=at,
                changed_at=at,
            )
        if found.relation != relation:
            found.relation, found.changed_at = relation, at
            found.save(update_fields=["relation", "changed_at"])
    return found


def go_on(*, guardian: Membership, at: dt.datetime) -> JoinApplication | None:
    """Return the open application, under the plan in force today; None where there is none."""
    with transaction.atomic():
        pool = Pool.objects.select_for_update(no_key=True).get(pk=guardian.pool_id)
        found = open_application(guardian)
        version = plan_in_force(pool, clock.today(pool.time_zone))
        if found is not None and found.plan_version_id != version.pk:
            begin_again(found, version, at)
    return found


def open_application(guardian: Membership) -> JoinApplication | None:
    """Return the application by which a member is adding somebody."""
    drafts = JoinApplication.objects.select_related("pool", "plan_version", "person")
    state = JoinApplication.State.DRAFT
    return (
        drafts.filter(pool=guardian.pool_id, person=guardian.person_id, state=state)
        .exclude(relation="")
        .first()
    )


def sign_for_family(
    *,
    application: JoinApplication,
    guardian: Membership,
    shown_sha256: str,
    has_agreed: bool,
    language: str,
    at: dt.datetime,
) -> Membership:
    """Sign as guardian what was shown: the child is covered from tomorrow, and the guardian pays its shares.

    has_agreed: that the child agrees, asked from its fourteenth birthday on. Signed before, by a double click: the
    membership of the first signature is returned. Where members pay ahead, cover begins with a payment for the child.

    Raises: IntakeClosedError, StepMissingError, TextsChangedError, NotEligibleError, DocumentNotTakenError,
    GuardianNotCoveredError, AgreementMissingError, JoinedAlreadyError, RemovedError, PayersPayForThemselvesError;
    IntegrityError earlier_shares_come_first.
    """
    assert guardian.person is not None
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=guardian.pool_id)
        locked = (
            JoinApplication.objects.select_for_update(of=("self",))
            .select_related("pool", "plan_version")
            .get(pk=application.pk)
        )
        if locked.state == JoinApplication.State.SIGNED:
            return _newest_of(guardian)
        today = clock.today(pool.time_zone)
        _must_go_on(guardian)
        check_signable(locked, pool, shown_sha256, today)
        paper = identity_of(locked)
        assert paper is not None
        check_kind(locked, paper)
        check_age(locked, paper.birth_date)
        capacity = capacity_for(paper.birth_date, today)
        if capacity == CovenantSignature.Capacity.AGREED and not has_agreed:
            raise AgreementMissingError(
                _("From the age of 14 on a child joins only if they agree themselves.")
            )
        plan = locked.plan_version.plan()
        earlier = _earlier_of(pool, paper)
        _must_be_new(pool, paper, earlier, today)
        check_return(earlier, plan, today)
        membership = admit_member(
            pool=pool,
            person=None,
            class_no=plan.class_at(age_on(paper.birth_date, today)),
            from_at=clock.start_of_day(covered_from(today), pool.time_zone),
            joined_date=today,
            actor=guardian.person.code,
            birth_date=paper.birth_date,
            traits=traits_of(paper.kind, paper.number),
            pays_until=today + dt.timedelta(days=plan.funding.top_up_days) if plan.funding else None,
            follows=earlier,
        )
        FamilyMember.objects.create(
            membership=membership,
            pool=pool,
            guardian=guardian,
            relation=locked.relation,
            document_index=document_index(paper),
            sealed=sealed_for_child(membership, paper),
            added_at=at,
        )
        give_secret(membership=membership, paper=paper)
        signature = write_signature(
            application=locked,
            membership=membership,
            birth_date=paper.birth_date,
            language=language,
            capacity=capacity,
            signed_by=guardian.person.code,
            at=at,
        )
        if plan.funding is None:
            begin_family_link(membership=membership, payer=guardian, at=at)
        close(locked, at)
        _confirm(membership, signature, guardian.person)
    return membership


def take_over(*, pool: Pool, person: User, paper: Paper, at: dt.datetime) -> Membership | None:
    """Bind an account to the membership that a guardian signed for this person, who is of age now; tell the guardian.

    None where nobody of this document was added, or is of age, or where they have taken over before. Everything else
    stays: dates, class, and who pays.

    Raises: JoinedAlreadyError where name or birth date are others, OtherIdentityError.
    """
    if birthday(paper.birth_date, SIGNING_AGE) > clock.today(pool.time_zone):
        return None
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        member = _added(pool, paper).select_related("membership__pool").first()
        if member is None:
            return None
        membership, known = member.membership, paper_of_family(member)
        if membership.person_id == person.pk:
            return None
        if membership.person_id or (known.name, known.birth_date) != (paper.name, paper.birth_date):
            raise JoinedAlreadyError(_("Somebody with this document belongs to the pool already."))
        record_identity(person=person, paper=paper, at=at)
        guardians = [one.person for one in told_of(membership)]
        membership.person = person
        membership.save(update_fields=["person"])
        audit.record(actor=person.code, action="take_over_membership", subject=str(membership))
        params = {"pool_en": pool.name_en, "pool_zh": pool.name_zh, "number": membership.number}
        link = f"/pools/{pool.code}/me/family/"
        told = [
            notices.News(one, notices.FAMILY_TOOK_OVER, str(membership), params, link) for one in guardians
        ]
        notices.tell(told, batch=f"took-over/{membership}", actor=person.code)
    return membership


def capacity_for(birth_date: dt.date, day: dt.date) -> CovenantSignature.Capacity:
    """Return in which capacity a guardian signs for a child of that age."""
    is_young = age_on(birth_date, day) < AGREES_FROM
    return CovenantSignature.Capacity.GUARDIAN if is_young else CovenantSignature.Capacity.AGREED


def _must_go_on(guardian: Membership) -> None:
    """Raise GuardianNotCoveredError unless the member's own membership goes on."""
    if not goes_on(guardian):
        raise GuardianNotCoveredError(_("Only a member whose own membership goes on can add somebody."))


def _added(pool: Pool, paper: Paper) -> QuerySet[FamilyMember]:
    """Return the last row of whoever was added with this document."""
    found = FamilyMember.objects.filter(pool=pool, document_index=document_index(paper))
    return found.filter(membership__followed_by=None)


def _earlier_of(pool: Pool, paper: Paper) -> Membership | None:
    """Return the last membership of a child without an account, over or not; None where it is new to the pool."""
    member = _added(pool, paper).filter(membership__person=None).select_related("membership__end").first()
    return member.membership if member else None


def _must_be_new(pool: Pool, paper: Paper, earlier: Membership | None, today: dt.date) -> None:
    """Raise JoinedAlreadyError where the document has joined the pool, with an account or without, and not left it."""
    people = Identity.objects.filter(document_index=document_index(paper)).values("person")
    goes_on_still = earlier is not None and not is_over(earlier, today)
    if goes_on_still or pool.memberships.filter(person__in=people).exists():
        raise JoinedAlreadyError(_("Somebody with this document belongs to the pool already."))


def _newest_of(guardian: Membership) -> Membership:
    return Membership.objects.select_related("pool").filter(family_member__guardian=guardian).latest("number")


def _confirm(membership: Membership, signature: CovenantSignature, signer: User) -> None:
    """Leave a trail, and send the receipt to who signed."""
    pool = membership.pool
    audit.record(
        actor=signer.code,
        action="sign_covenant_for_family",
        subject=str(membership),
        capacity=signature.capacity,
        covenant=signature.covenant_sha256,
        signature=signature.signature_sha256,
    )
    params: dict[str, object] = {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "number": membership.number,
        "covered": covered_from(membership.joined_date).isoformat(),
        "eligible": signature.eligible_date.isoformat(),
        "sha256": signature.signature_sha256,
    }
    kind, funding = notices.FAMILY_JOINED, signature.plan_version.plan().funding
    if funding is not None:
        kind = notices.FAMILY_JOINED_AHEAD
        until = membership.joined_date + dt.timedelta(days=funding.top_up_days)
        params |= {"fen": funding.join_fen, "currency": pool.currency, "until": until.isoformat()}
    elif pool.state == Pool.State.GATHERING:
        kind = notices.FAMILY_JOINED_EARLY
    receipt = notices.News(signer, kind, str(membership), params, f"/pools/{pool.code}/me/family/")
    notices.tell([receipt], batch=f"family-joined/{membership}", actor=signer.code)
    tell_coming_rules(membership=membership, person=signer, actor=signer.code)


# --- reads ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Relative:
    """A family member as their guardian sees them. of_age_date: from when they may take over with an account."""

    member: FamilyMember
    paper: Paper
    cover: Cover | None
    of_age_date: dt.date
    is_of_age: bool

    @property
    def membership(self) -> Membership:
        """Return their membership."""
        return self.member.membership

    @property
    def has_account(self) -> bool:
        """Tell whether they have taken over themselves; then their place is theirs to see."""
        return self.membership.person_id is not None


# A guardian who has not died: the account of one who has sees and decides nothing for a child any more.
ALIVE = Q(guardian__end=None) | ~Q(guardian__end__reason=MembershipEnd.Reason.DECEASED)


def _of(guardian: Membership) -> Q:
    """Return whom a member has added, before they joined again as well."""
    return Q(guardian=guardian) | Q(guardian__person=guardian.person_id, pool=guardian.pool_id)


def family_of(guardian: Membership, now: dt.datetime) -> list[Relative]:
    """Return whom a member has added, in joining order. A fixed number of queries."""
    members = list(
        FamilyMember.objects.filter(ALIVE, _of(guardian))
        .exclude(sealed=crypto.ERASED)
        .select_related(
            "membership__pool", "membership__end", "membership__signature", "membership__awaited_cover"
        )
        .order_by("membership__number")
    )
    covers = covers_of([one.membership for one in members], now)
    relatives = []
    for one in members:
        paper = paper_of_family(one)
        of_age = birthday(paper.birth_date, SIGNING_AGE)
        today = clock.day_of(now, one.membership.pool.time_zone)
        relatives.append(Relative(one, paper, covers.get(one.membership_id), of_age, today >= of_age))
    return relatives


def access_child(*, guardian: Membership, number: int) -> FamilyMember:
    """Return somebody whom the member has added and for whom they speak: without an account. Raises: NotFoundError."""
    found = FamilyMember.objects.filter(ALIVE, _of(guardian), membership__number=number)
    member = (
        found.filter(membership__person=None)
        .select_related("membership__pool", "membership__end", "guardian__end", "guardian__pool")
        .first()
    )
    if member is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return member
