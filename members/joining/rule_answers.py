"""What a member answers to new rules: the questions that are open, and the consent, which is kept for good.

Leaving is the other answer (`ledger.leaving`). Who does neither has no row; what follows from that is said by the
rules under which the change was published (`PlanTerms.change_by`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from members.joining.kin import names_of, spoken_for
from members.joining.models import Membership
from members.joining.rule_models import RuleConsent
from members.people.models import User
from members.pools.models import PlanVersion, Pool


class RulesBegunError(ConflictError):
    """The rules hold already, or the membership is over: there is nothing to agree to any more."""

    code = "consent_comes_in_time"


class OtherRulesError(ConflictError):
    """Other rules were shown than those that were published."""

    code = "consent_is_to_what_was_shown"


class NobodyAgreesError(DomainError):
    """No membership was named for which the person speaks."""

    code = "consent_is_given_in_person"


@dataclass(frozen=True)
class Answer:
    """What one membership has answered. name: of a child, as the guardian gave it; consent: None: not yet."""

    membership: Membership
    name: str
    consent: RuleConsent | None


@dataclass(frozen=True)
class Question:
    """New rules of a pool that one or more memberships of a person have not answered."""

    version: PlanVersion
    pool: Pool


def access_change(*, pool: Pool, number: int) -> PlanVersion:
    """Return a version that members are asked about: one that changed rules which they had. Raises: NotFoundError."""
    changes = pool.plan_versions.select_related("pool", "proposal").filter(proposal__isnull=False)
    version = changes.filter(number=number).first()
    if version is None:
        raise NotFoundError(_("This pool has no such version of its plan."))
    return version


def is_open(version: PlanVersion) -> bool:
    """Tell whether a change can still be answered: until the end of the day before it comes into force."""
    return clock.today(version.pool.time_zone) < version.effective_date


def answers_of(version: PlanVersion, person: User) -> list[Answer]:
    """Return the memberships for which a person answers, their own first, each with its consent.

    Whoever has joined under these very rules was never asked; whose membership is over is not asked any more.
    """
    found = _asked(person).filter(pool=version.pool_id, joined_date__lt=version.effective_date)
    memberships = sorted(found, key=lambda one: (one.person_id is None, one.number))
    names = names_of(memberships)
    given = RuleConsent.objects.filter(plan_version=version, membership__in=memberships)
    consents = {one.membership_id: one for one in given}
    return [Answer(one, names.get(one.pk, ""), consents.get(one.pk)) for one in memberships]


def open_questions(person: User) -> list[Question]:
    """Return the changes that wait for an answer of this person, the one that comes into force first before others."""
    memberships = list(_asked(person).select_related("pool"))
    if not memberships:
        return []
    pools = {one.pool_id: one.pool for one in memberships}
    soonest = min(clock.today(pool.time_zone) for pool in pools.values())
    coming = PlanVersion.objects.filter(
        pool__in=pools, proposal__isnull=False, effective_date__gt=soonest
    ).order_by("effective_date", "pk")
    versions = [one for one in coming if one.effective_date > clock.today(pools[one.pool_id].time_zone)]
    if not versions:
        return []
    given = set(
        RuleConsent.objects.filter(plan_version__in=versions, membership__in=memberships).values_list(
            "membership_id", "plan_version_id"
        )
    )
    return [
        Question(version, pools[version.pool_id])
        for version in versions
        if any(
            one.pool_id == version.pool_id
            and one.joined_date < version.effective_date
            and (one.pk, version.pk) not in given
            for one in memberships
        )
    ]


def agree(
    *,
    version: PlanVersion,
    person: User,
    numbers: Sequence[int],
    shown_sha256: str,
    language: str,
    at: dt.datetime,
) -> list[RuleConsent]:
    """Agree to new rules for oneself, for children whom one speaks for, or both; return the consents of all of them.

    numbers: of the memberships. Agreed already: nothing is written anew.

    Raises: RulesBegunError, OtherRulesError, NobodyAgreesError.
    """
    with transaction.atomic():
        Pool.objects.select_for_update(no_key=True).get(pk=version.pool_id)
        if not is_open(version):
            raise RulesBegunError(
                _("These rules hold since %(day)s: there is nothing to agree to any more.")
                % {"day": format_day(version.effective_date)}
            )
        assert version.proposal is not None
        if shown_sha256 != version.proposal.shown_sha256:
            raise OtherRulesError(
                _("These are not the rules that were published. Reload the page and read them.")
            )
        answers = {one.membership.number: one for one in answers_of(version, person)}
        if not numbers or not set(numbers) <= set(answers):
            raise NobodyAgreesError(
                _("Say for whom you agree: for yourself, or for a child you have signed for.")
            )
        return [
            answers[number].consent or _consent(version, answers[number].membership, person, language, at)
            for number in sorted(set(numbers))
        ]


def _consent(
    version: PlanVersion, membership: Membership, person: User, language: str, at: dt.datetime
) -> RuleConsent:
    assert version.proposal is not None
    is_own = membership.person_id == person.pk
    consent = RuleConsent.objects.create(
        membership=membership,
        plan_version=version,
        shown_sha256=version.proposal.shown_sha256,
        capacity=RuleConsent.Capacity.SELF if is_own else RuleConsent.Capacity.GUARDIAN,
        given_by=person.code,
        language=language,
        given_at=at,
    )
    # The instant is the database's own.
    consent.refresh_from_db(fields=["given_at"])
    audit.record(
        actor=person.code,
        action="agree_to_rules",
        subject=str(membership),
        version=version.number,
        sha256=consent.shown_sha256,
    )
    return consent


def _asked(person: User) -> QuerySet[Membership]:
    """Return the memberships that go on and for which a person speaks."""
    return Membership.objects.filter(Q(pk__in=spoken_for(person)), end=None).select_related("pool")
