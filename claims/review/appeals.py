"""Appeals: a refused claim is looked at anew, by two people who had no part in it before."""

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from operator import or_

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import seal_text, unseal_text
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from claims.filing import papers
from claims.filing.models import Claim
from claims.filing.parts import check_no_other_part
from claims.filing.selectors import appeal_until, may_appeal, people_near_to, speaks_for
from claims.filing.services import keep_paper, locked_claim, moved_on, step_claim
from claims.filing.states import ON_THE_DESK, REFUSED
from claims.review.models import Appeal
from claims.review.outside_triggers import NOBODY_LEFT
from claims.review.selectors import public_ref
from ledger.openbooks import services as openbooks
from members.people.models import User
from members.pools.models import DutyGrant

REVIEWER = DutyGrant.Duty.REVIEWER.value
SECOND_REVIEWER = DutyGrant.Duty.SECOND_REVIEWER.value
# Objections are answered by those who hold it.
_ANSWERING = {"objection": SECOND_REVIEWER}
# Who judged a case before its appeal, by where a claim names them, as the guard `heard_by_others` has it in SQL.
# Who answers an objection after the appeal may answer the next one as well.
_HEARD_BEFORE = {
    "recommendations__reviewer": Q(recommendations__round__lt=F("appeal_round")),
    "decisions__decider": Q(decisions__round__lt=F("appeal_round")),
    "concurrences__decider": Q(concurrences__round__lt=F("appeal_round")),
    "blind_review__reviewer": Q(appeal_round__isnull=False),
    "objections__answered_by": Q(objections__answered_at__lte=F("appeals__appealed_at")),
}


class AppealTooLateError(ConflictError):
    """The days for an appeal are over, or the plan knows none."""

    code = "appeal_comes_in_time"


class AppealedBeforeError(ConflictError):
    """A claim is appealed once."""

    code = "one_appeal_per_claim"


class HeardBeforeError(ConflictError):
    """An appeal is heard by people who have not judged the case before."""

    code = "appeal_is_heard_by_others"


def appeal(
    *,
    claim: Claim,
    claimant: str,
    reason: str,
    at: dt.datetime,
    given: Sequence[tuple[str, bytes]] = (),
) -> Appeal:
    """Ask, as who speaks for a refused claim, that two other people look at it; nobody is in charge of it then.

    given: further papers, each with its kind.

    Raises: NotFoundError for somebody else's claim, papers.PaperRefusedError, ClaimMovedOnError, AppealTooLateError,
    AppealedBeforeError, PartOfCaseError.
    """
    # Outside the transaction: decoding may take seconds, and nothing is locked meanwhile.
    cleaned = [(kind, papers.clean(data)) for kind, data in given]
    with transaction.atomic():
        claim = locked_claim(claim, *Claim.State.values)
        _check_may_appeal(claim, claimant, at)
        before = claim.state
        made = Appeal(claim=claim, appellant=claimant, appealed_at=at)
        made.reason_sealed = seal_text(reason, made.context)
        made.save()
        claim.round += 1
        claim.appeal_round = claim.round
        claim.reviewer = None
        step_claim(claim, Claim.State.APPEALED, at)
        for kind, paper in cleaned:
            keep_paper(claim=claim, claimant=claimant, kind=kind, paper=paper, at=at)
        openbooks.append(
            code=claim.pool.code,
            entry_type="claim.appeal",
            key=public_ref(claim),
            body={"ref": public_ref(claim), "round": claim.round, "against": before},
            at=at,
        )
        failpoint("claims.appealed")
        audit.record(actor=claimant, action="appeal_claim", subject=claim.code, round=claim.round)
    return made


def _check_may_appeal(claim: Claim, claimant: str, at: dt.datetime) -> None:
    """Refuse an appeal that is somebody else's, comes again, too early or too late."""
    if not speaks_for(claim, User.objects.get(code=claimant)):
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    if claim.is_appeal:
        raise AppealedBeforeError(_("You have appealed in this case already: once is all."))
    if claim.state not in REFUSED:
        raise moved_on(claim)
    if not may_appeal(claim, clock.day_of(at, claim.pool.time_zone)):
        until = appeal_until(claim)
        raise AppealTooLateError(
            _("An appeal could be made until %(day)s. The courts stay open to you.")
            % {"day": format_day(until)}
            if until
            else _("The rules of this case know no appeal. The courts stay open to you."),
            until=until.isoformat() if until else None,
        )
    check_no_other_part(claim)


def appeal_of(claim: Claim) -> Appeal | None:
    """Return the appeal against a refusal of the claim, or none."""
    return claim.appeals.first() if claim.is_appeal else None


def read_appeal(made: Appeal) -> str:
    """Return why the claimant appealed."""
    return unseal_text(bytes(made.reason_sealed), made.context)


def read_upheld(claim: Claim) -> str:
    """Return what was answered to the first objection that ended the case of a claim; empty: none did."""
    upheld = claim.objections.filter(state="upheld").order_by("answered_at").first()
    return unseal_text(bytes(upheld.answer_sealed or b""), upheld.answer_context) if upheld else ""


def judged_by(code: str) -> QuerySet[Claim]:
    """Return the claims on which the person of that code recommended, agreed or decided."""
    return Claim.objects.filter(
        Q(recommendations__reviewer=code) | Q(decisions__decider=code) | Q(concurrences__decider=code)
    )


def has_judged(claim: Claim, code: str) -> bool:
    """Tell whether the person of that code recommended, agreed or decided on the claim. One query."""
    return judged_by(code).filter(pk=claim.pk).exists()


def heard_before(claim: Claim) -> set[str]:
    """Return the codes of whoever judged the case before its appeal; of a claim without one, nobody. One query."""
    if claim.appeal_round is None:
        return set()
    first, *more = (
        Claim.objects.filter(before, pk=claim.pk).values_list(who, flat=True)
        for who, before in _HEARD_BEFORE.items()
    )
    return {code for code in first.union(*more) if code}


def heard_before_by(code: str) -> QuerySet[Claim]:
    """Return the claims with an appeal that the person of that code judged before it."""
    parts = (Q(before, **{who: code}) for who, before in _HEARD_BEFORE.items())
    return Claim.objects.filter(reduce(or_, parts))


def check_not_heard_before(claim: Claim, person: str) -> None:
    """Refuse whoever judged the case before its appeal. Raises: HeardBeforeError."""
    if person in heard_before(claim):
        raise HeardBeforeError(
            _("You had a part in this case before the appeal. Two other people look at it now.")
        )


def lacks_people(claim: Claim) -> list[str]:
    """Return the duties for which a pool has nobody left who may hear an appeal now; of other claims none."""
    if not claim.is_appeal or claim.state not in ON_THE_DESK or claim.state == Claim.State.OBJECTED:
        return []
    able = _able_people(claim)
    needed = {REVIEWER: 1, SECOND_REVIEWER: deciders_needed(claim)}
    if claim.state == Claim.State.RECOMMENDED:
        del able[REVIEWER]
        agreed = set(claim.concurrences.filter(round=claim.round).values_list("decider", flat=True))
        able[SECOND_REVIEWER] -= agreed
        needed[SECOND_REVIEWER] -= len(agreed)
    return [duty for duty, people in able.items() if len(people) < needed[duty]]


def nobody_left(claim: Claim) -> str:
    """Return the stage in which a claim waits though nobody of its pool may take it on; empty: somebody may."""
    return _without_people("id", [claim.pk]).get(claim.pk, "")


def claims_without_people(pools: Sequence[int]) -> dict[int, str]:
    """Return the claims of pools that nobody of them may look at, each by its id with its stage. One query."""
    return _without_people("pool_id", pools) if pools else {}


def _without_people(column: str, ids: Sequence[int]) -> dict[int, str]:
    """Ask in the words of the guard that judges whether somebody from outside may be proposed."""
    with connection.cursor() as cursor:
        cursor.execute(NOBODY_LEFT.format(column=column), {"ids": list(ids)})
        return dict(cursor.fetchall())


def deciders_needed(claim: Claim) -> int:
    """Return how many second reviewers have to agree on a claim, by what its plan grants at most."""
    return claim.plan_version.plan().deciders(claim.aid_fen or 0) if claim.plan_version else 1


def _able_people(claim: Claim) -> dict[str, set[str]]:
    """Return who may hear an appeal, by duty (nobody holds both): not concerned, not near, with no part in it yet."""
    judged = heard_before(claim)
    out = {claim.claimant_id, claim.membership.person_id} | people_near_to(claim)
    able: dict[str, set[str]] = {REVIEWER: set(), SECOND_REVIEWER: set()}
    grants = DutyGrant.objects.filter(pool=claim.pool_id, duty__in=able, ended_at=None)
    for duty, code, pk in grants.values_list("duty", "person__code", "person_id"):
        if code not in judged and pk not in out:
            able[duty].add(code)
    return able


def duty_names(duties: Sequence[str]) -> list[object]:
    """Return what duties are called, and those that a stage takes."""
    names = dict(DutyGrant.Duty.choices)
    return [names[_ANSWERING.get(duty, duty)] for duty in duties]
