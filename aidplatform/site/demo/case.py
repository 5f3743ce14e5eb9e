"""One case led from its draft to its aid: who acts next, on which day, and what they do.

The steps follow from the rows, not from a script: whatever a visitor has done by hand in between, the next step is
the one that the claim, its period and its payment wait for.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.site.demo import deeds
from aidplatform.site.demo.clock import ZONE, move_clock_to, wait_for_worker
from aidplatform.site.demo.history import TOWN
from aidplatform.site.demo.people import MEMBER, cast_member
from claims.filing.models import Claim
from claims.filing.services import supply_papers
from claims.publicity.selectors import award_of
from ledger.custody.models import BankAccount, PaymentOrder
from ledger.custody.selectors import payable_awards
from ledger.disclosure.next_charges import next_dates
from ledger.disclosure.selectors import rules_on
from ledger.sharing.models import Period
from members.ending.selectors import live_ending
from members.people.models import User
from members.pools.models import Pool

AGAIN = ("leukemia", "heart_attack", "kidney_failure", "transplant", "stroke_severe", "cancer_mild")
# What a person does, after their name.
TEXTS: dict[str, object] = {
    "file": _("files the claim: papers attached, consent to what will be public"),
    "supply": _("hands the claim back to the reviewer"),
    "take_up": _("takes the claim up"),
    "recommend": _("recommends the aid that the plan grants, with clause and reason"),
    "decide": _("decides: a second person agrees over exactly what was shown"),
    "publish": _("waits for the worker to publish the case"),
    "announce": _("waits for the publicity day: headcount frozen, case announced to everyone"),
    "publicity_ends": _("waits: every member may object until publicity ends"),
    "answer": _("answers the objection; until then no money moves for the case"),
    "prepare": _("asks for the dry run: what everyone would pay, nothing charged yet"),
    "approve": _("looks at these figures and approves them; the worker charges every member"),
    "collect": _("imports the bank's statement: members have paid their shares"),
    "order": _("orders the aid, to the account that the claimant named"),
    "release": _("releases the payment; the treasurer who ordered it cannot"),
    "confirm": _("imports the next statement: the bank has paid the aid"),
    "receipt": _("confirms that the money has come"),
}
_OVER = (Claim.State.CLOSED, Claim.State.REJECTED, Claim.State.WITHDRAWN, Claim.State.OVERTURNED)
State = Claim.State


@dataclass(frozen=True)
class Step:
    """What comes next: who of the cast does it, what it is, and where it can be seen afterwards.

    kind: which sentence of TEXTS says it. day: to which the clock moves first; None: it stays.
    """

    kind: str
    role: str
    act: Callable[[], object]
    page: str
    day: dt.date | None = None

    @property
    def key(self) -> str:
        """Name the step, so that a page that is out of date does not do another one."""
        return f"{self.kind}/{self.day or ''}"

    @property
    def text(self) -> object:
        """Say what the person does, after their name."""
        return TEXTS[self.kind]


def guided_claim() -> Claim | None:
    """Return the claim that the tour leads: the newest one of the cast's member in the town's pool."""
    return (
        Claim.objects.filter(pool__code=TOWN, claimant__email=f"{MEMBER}@demo.invalid")
        .select_related("pool", "membership", "claimant", "plan_version")
        .order_by("-pk")
        .first()
    )


def next_step(claim: Claim) -> Step | None:
    """Return what the claim waits for; None when its way has ended."""
    if claim.state in _OVER:
        return None
    if claim.state in {State.IN_PUBLICITY, State.OBJECTED}:
        return _in_publicity(claim)
    if claim.state == State.AWARDED:
        award = award_of(claim)
        assert award is not None
        assert award.period is not None
        return _of_period(award.period)
    if claim.state == State.SHARED:
        return _of_payment(claim)
    return _of_claim(claim)


def take(step: Step, actor: str) -> None:
    """Move to the day of a step, do it, and let the worker do its part. Raises: DomainError, WorkerSilentError."""
    if step.day is not None:
        move_clock_to(step.day, actor=actor)
    step.act()
    wait_for_worker()


def begin_again() -> Claim | None:
    """Begin another claim of the same member; None when no illness is left to begin with."""
    pool, person = Pool.objects.get(code=TOWN), cast_member(MEMBER)
    illness = _not_had_yet(person)
    return deeds.draft_claim(pool, person, illness) if illness else None


def can_begin_again(claim: Claim) -> bool:
    """Tell whether the member has an illness left that they have not had yet."""
    return bool(_not_had_yet(claim.claimant))


def _not_had_yet(person: User) -> str:
    had = set(Claim.objects.filter(pool__code=TOWN, claimant=person).values_list("illness", flat=True))
    return next((illness for illness in AGAIN if illness not in had), "")


def _nothing() -> None:
    """Do nothing but let the day come and the worker work."""


def _of_claim(claim: Claim) -> Step:
    """Return the step of a claim on the desks of its claimant and of reviewers."""
    own, desk = (
        reverse("claim", args=[claim.code]),
        reverse("review_claim", args=[claim.pool.code, claim.code]),
    )
    steps = {
        State.DRAFT: Step(
            "file", MEMBER,
            lambda: deeds.file_claim(claim), own,
        ),
        State.PAPERS_REQUESTED: Step(
            "supply", MEMBER,
            lambda: supply_papers(claim=claim, claimant=claim.claimant.code, at=clock.now()), own,
        ),
        State.FILED: Step(
            "take_up", "reviewer",
            lambda: deeds.take_up(claim), desk,
        ),
        State.UNDER_REVIEW: Step(
            "recommend", "reviewer",
            lambda: deeds.recommend(claim), desk,
        ),
        State.RECOMMENDED: Step(
            "decide", "second_reviewer",
            lambda: deeds.decide(claim), desk,
        ),
        State.APPROVED: Step(
            "publish", "second_reviewer", _nothing, desk,
        ),
        State.PAID: Step(
            "receipt", MEMBER,
            lambda: deeds.confirm_receipt(claim.pool, claim.claimant), own,
        ),
    }  # fmt: skip
    return steps[State(claim.state)]


def _in_publicity(claim: Claim) -> Step:
    """Return the step of an approved case: shown to every member with its period, for the days of the plan."""
    award = award_of(claim)
    assert award is not None
    case = reverse("case", args=[claim.pool.code, award.code])
    if award.period is None:
        return _before_announcement(claim, case)
    if claim.state == State.OBJECTED:
        return Step(
            "answer", "third_reviewer",
            lambda: deeds.answer(claim.pool, claim.claimant, upheld=False), case,
        )  # fmt: skip
    return Step(
        "publicity_ends", MEMBER,
        _nothing, case, award.period.publicity_end_date,
    )  # fmt: skip


def _before_announcement(claim: Claim, case: str) -> Step:
    """Return the step that leads to the next announcement: an earlier period first, then the day itself."""
    running = (
        claim.pool.periods.exclude(state=Period.State.POSTED)
        .select_related("pool")
        .order_by("number")
        .first()
    )
    if running is not None and running.state in {"settled", "computed", "approved", "posting"}:
        return _of_period(running)
    if running is not None and running.state == Period.State.ANNOUNCED:
        day = running.publicity_end_date
    else:
        today = clock.today(ZONE)
        dates = next_dates(claim.membership, rules_on(claim.pool, today), today, live_ending(claim.pool))
        assert dates is not None
        day = dates.publicity_date
    return Step(
        "announce", MEMBER,
        _nothing, case, day,
    )  # fmt: skip


def _of_period(period: Period) -> Step:
    """Return the step of a period whose publicity has ended: computed by one, approved by another, posted."""
    page = reverse("period", args=[period.pool.code, period.number])
    if period.state == Period.State.SETTLED:
        return Step(
            "prepare", "pool_admin",
            lambda: deeds.prepare_period(period), page,
        )  # fmt: skip
    return Step(
        "approve", "controller",
        lambda: deeds.approve_period(period), page,
    )  # fmt: skip


def _of_payment(claim: Claim) -> Step:
    """Return the step of a shared case: collected, ordered by one, released by another, confirmed by the bank."""
    award = award_of(claim)
    assert award is not None
    assert award.period is not None
    pool = claim.pool
    open_orders = award.payment_orders.exclude(state__in=["cancelled", "returned", "confirmed"])
    order = open_orders.order_by("-pk").first()
    if order is not None:
        return _of_order(pool, order)
    payable = next(
        (one for one in payable_awards(pool) if one.award.pk == award.pk and one.payable_fen), None
    )
    if payable is None or _imported_until(pool) <= award.period.charge_date:
        return _bank_day(pool, "collect", award.period.charge_date)
    return Step(
        "order", "treasurer",
        lambda: deeds.order_aid(pool, payable), reverse("custody_payments", args=[pool.code]),
    )  # fmt: skip


def _of_order(pool: Pool, order: PaymentOrder) -> Step:
    if order.state == PaymentOrder.State.ORDERED:
        return Step(
            "release", "controller",
            lambda: deeds.release(order), reverse("custody_payment", args=[pool.code, order.number]),
        )  # fmt: skip
    assert order.released_at is not None
    return _bank_day(pool, "confirm", order.released_at.astimezone(ZoneInfo(ZONE)).date())


def _bank_day(pool: Pool, kind: str, day: dt.date) -> Step:
    """Return the import of a statement that holds a day: on the morning after it, or today when that has passed."""
    until = max(clock.today(ZONE), max(day, _imported_until(pool)) + dt.timedelta(days=1))
    return Step(
        kind, "treasurer",
        lambda: deeds.import_bank(pool, until), reverse("custody", args=[pool.code]), until,
    )  # fmt: skip


def _imported_until(pool: Pool) -> dt.date:
    """Return the day up to and without which the bank's statements are in; the pool's first day before any is."""
    last = BankAccount.objects.get(pool=pool).statements.order_by("-number").first()
    return last.to_date if last else pool.opened_date or clock.today(ZONE)
