"""What of investigations waits for a person: to agree to one, to look into a case, to answer, to approve a bill."""

from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib.dates import format_day
from aidplatform.lib.templating import in_language
from aidplatform.site.todo_row import Todo
from claims.review.investigation_selectors import agreements_wanted, answers_wanted, running_of
from ledger.custody.cost_models import OutsideCost
from members.people.models import User
from members.pools.models import DutyGrant


def of_investigations(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return them, those of one's own claims first."""
    return _of_claimant(person) + _of_investigator(person) + _of_duties(duties, person)


def _of_claimant(person: User) -> list[Todo]:
    return [
        Todo(
            _("Your claim %(claim)s was looked into: read what was found, and answer until %(day)s")
            % {
                "claim": one.claim.code,
                "day": format_day(one.answer_until_date) if one.answer_until_date else "",
            },
            reverse("claim_findings", args=[one.claim.code, one.number]),
            _("Read and answer"),
        )
        for one in answers_wanted(person)
    ]


def _of_investigator(person: User) -> list[Todo]:
    return [
        Todo(
            _("You look into a case of %(pool)s until %(day)s")
            % {
                "pool": in_language(one.claim.pool.name_en, one.claim.pool.name_zh),
                "day": format_day(one.until_date) if one.until_date else "",
            },
            reverse("investigation_case", args=[one.code]),
            _("Open"),
        )
        for one in running_of(person)
    ]


def _of_duties(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    agreeing = [
        pool for pool, held in duties.items() if pool and DutyGrant.Duty.SECOND_REVIEWER.value in held
    ]
    approving = [pool for pool, held in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in held]
    waiting = OutsideCost.objects.filter(pool__in=approving, state=OutsideCost.State.BILLED)
    return [
        Todo(
            _("An investigation of claim %(claim)s waits for a second person: do you agree?")
            % {"claim": one.claim.code},
            reverse("review_investigation", args=[one.claim.pool.code, one.claim.code, one.number]),
            _("Look at it"),
        )
        for one in agreements_wanted(agreeing, person)
    ] + [
        Todo(
            _("Cost %(number)s of an investigation in %(pool)s waits for your approval")
            % {"number": one.number, "pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("custody_cost", args=[one.pool.code, one.number]),
            _("Look at it"),
        )
        for one in waiting.exclude(billed_by=person.code).select_related("pool").order_by("pk")
    ]
