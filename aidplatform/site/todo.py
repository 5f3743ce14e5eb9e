"""What waits for a person: one sentence and one link per thing, most urgent first."""

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.templating import in_language
from aidplatform.site.todo_arbiters import of_arbiters
from aidplatform.site.todo_desk import of_desks
from aidplatform.site.todo_investigations import of_investigations
from aidplatform.site.todo_member import of_member
from aidplatform.site.todo_money import of_money
from aidplatform.site.todo_outside import of_outside_reviews
from aidplatform.site.todo_row import Todo
from aidplatform.work.models import Job
from claims.filing.models import Claim
from claims.filing.selectors import claims_of
from claims.filing.states import ON_THE_DESK
from claims.jury.selectors import waiting_for as draws_waiting_for
from claims.publicity.models import Redaction
from claims.publicity.redactions import DECIDES_ON_PAPERS, DECIDES_ON_WORDS
from claims.review.appeals import duty_names, lacks_people
from claims.review.selectors import public_ref
from ledger.custody.reconciliation import bank_lines
from ledger.founding.models import OpeningBalances
from ledger.sharing.models import Award, Period
from ledger.sharing.run_off import freezes_of
from members.ending.models import EndingProposal, PoolEnding
from members.joining.correction_models import IdentityCorrection
from members.joining.guardian_models import GuardianRequest
from members.joining.models import MemberImport
from members.joining.rule_answers import open_questions
from members.people.models import User
from members.pools.duty_models import DutyChange
from members.pools.models import DutyGrant, PlanProposal, Pool
from members.pools.selectors import duties_by_pool, invitations_to
from members.rights.contact_models import ContactExport
from members.rights.selectors import is_late
from members.rights.selectors import waiting_for as complaints_waiting_for

_WAITING = (Period.State.SETTLED, Period.State.COMPUTED, Period.State.APPROVED, Period.State.POSTING)


def todos_of(person: User) -> list[Todo]:
    """Return what waits for the person now. Some more queries for each pool in which they have a duty."""
    duties = duties_by_pool(person)
    found = (
        _of_rules(person)
        + _of_juries(person)
        + _of_invitations(person)
        + _of_own_claims(person)
        + of_member(person)
    )
    found += of_investigations(duties, person) + of_arbiters(duties, person)
    found += of_outside_reviews(duties, person)
    # Most people have no duty: not even the questions are put together for them.
    return found + _of_duties(duties, person) if duties else found


def _of_duties(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return what waits for the person because of a duty."""
    everywhere = duties.get(None, set())
    waiting = Period.objects.filter(state__in=_WAITING).select_related("pool").order_by("charge_date", "pk")
    if not everywhere:
        waiting = waiting.filter(pool__in=[pool_id for pool_id in duties if pool_id])
    found = _of_banks(duties) + _stuck_jobs(everywhere.union(*duties.values()))
    for period in waiting:
        todo = _of_period(period, duties.get(period.pool_id, set()) | everywhere, person)
        found += [todo] if todo else []
    found += _of_foundings(duties) + _of_complaints(person) + _of_contacts(duties, person)
    found += _of_duty_changes(duties, person) + _of_plans(duties, person) + _of_moves(duties, person)
    found += _of_endings(duties, person) + _of_guardians(duties, person)
    found += _of_corrections(duties, person) + _of_redactions(duties, person)
    return found + _of_appeals(duties) + of_money(duties, person) + of_desks(duties, person)


def _of_rules(person: User) -> list[Todo]:
    """Return the new rules to which the person, or a child for whom they speak, has not answered."""
    return [
        Todo(
            _("The rules of %(pool)s change on %(day)s: do you agree, or leave?")
            % {
                "pool": in_language(one.pool.name_en, one.pool.name_zh),
                "day": format_day(one.version.effective_date),
            },
            reverse("my_rules", args=[one.pool.code, one.version.number]),
            _("Read and answer"),
        )
        for one in open_questions(person)
    ]


def _of_juries(person: User) -> list[Todo]:
    """Return the draws that wait for the person, as a witness or as a juror."""
    says = {
        "commit": _("A draw of jurors in %(pool)s waits for you as a witness: commit to words"),
        "words": _("A draw of jurors in %(pool)s waits for you as a witness: tell your words"),
        "vote": _("You are drawn as a juror in %(pool)s: read the case and vote"),
    }
    return [
        Todo(
            says[what] % {"pool": in_language(draw.claim.pool.name_en, draw.claim.pool.name_zh)},
            reverse(
                "jury_seat" if what == "vote" else "jury_draw",
                args=[draw.claim.pool.code, public_ref(draw.claim)],
            ),
            _("Open"),
        )
        for draw, what in draws_waiting_for(person)
    ]


def _to_decide(duties: dict[int | None, set[str]], person: User) -> Q:
    """Return which requests wait for the person: asked ones for an admin who sees the paper, then for a controller."""
    run, held = (
        [pool for pool, found in duties.items() if pool and duty.value in found]
        for duty in (DutyGrant.Duty.POOL_ADMIN, DutyGrant.Duty.CONTROLLER)
    )
    proposed = Q(pool__in=held, state="proposed") & ~Q(proposed_by=person.code)
    return (Q(pool__in=run, state="asked") | proposed) & ~Q(asked_by=person.code)


def _of_redactions(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return what somebody else wants to take out of an objection, for whoever may decide on it."""
    words, papers = (
        [pool for pool, held in duties.items() if pool and held & deciding]
        for deciding in (DECIDES_ON_WORDS, DECIDES_ON_PAPERS)
    )
    own = Q(paper=None, objection__claim__pool__in=words) | Q(
        paper__isnull=False, objection__claim__pool__in=papers
    )
    waiting = list(
        Redaction.objects.filter(own, state=Redaction.State.PROPOSED)
        .exclude(proposed_by=person.code)
        .exclude(objection__member=person.code)
        .exclude(objection__claim__claimant=person)
        .select_related("objection__claim__pool")
        .order_by("pk")[:20]
    )
    claims = [one.objection.claim.code for one in waiting]
    # Of a case that came back on appeal the newest award is the one that is public.
    awards = Award.objects.filter(claim_code__in=claims, rest_of=None).order_by("pk")
    cases = dict(awards.values_list("claim_code", "code"))
    return [
        Todo(
            _("Something is to be taken out of an objection of %(pool)s: look at it, and decide")
            % {"pool": in_language(pool.name_en, pool.name_zh)},
            reverse("objection", args=[pool.code, cases[one.objection.claim.code], one.objection.number]),
            _("Look at it"),
        )
        for one in waiting
        for pool in (one.objection.claim.pool,)
    ]


def _of_corrections(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the members who ask to be recorded as somebody else."""
    waiting = IdentityCorrection.objects.filter(_to_decide(duties, person))
    return [
        Todo(
            _("A member of %(pool)s asks for a correction of name, document or birth date")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("identity_correction", args=[one.pool.code, one.number]),
            _("Look at it"),
        )
        for one in waiting.select_related("pool").order_by("pk")
    ]


def _of_guardians(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the children for whom somebody asks to speak."""
    waiting = GuardianRequest.objects.filter(_to_decide(duties, person))
    return [
        Todo(
            _("Somebody asks to be the guardian of a child of %(pool)s")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("guardians", args=[one.pool.code]),
            _("Look at it"),
        )
        for one in waiting.select_related("pool").order_by("pk")
    ]


def _of_invitations(person: User) -> list[Todo]:
    """Return the duties that the person was asked to take."""
    return [
        Todo(
            _("%(inviter)s asks you to be %(duty)s of %(pool)s")
            % {
                "inviter": one.invited_by,
                "duty": one.get_duty_display(),
                "pool": in_language(one.pool.name_en, one.pool.name_zh),
            },
            reverse("duty_invitation", args=[one.pool.code]),
            _("Answer"),
        )
        for one in invitations_to(person).order_by("pk")
    ]


def _of_foundings(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return the pools that are not open yet, for those who bring them there."""
    drafts = Pool.objects.filter(state__in=[Pool.State.DRAFT, Pool.State.GATHERING]).order_by("code")
    if not duties.get(None):
        founders = {DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.CONTROLLER.value}
        drafts = drafts.filter(pk__in=[pool for pool, held in duties.items() if held & founders])
    return [
        Todo(
            _("%(pool)s is not open yet") % {"pool": in_language(pool.name_en, pool.name_zh)},
            reverse("founding", args=[pool.code]),
            _("What it needs"),
        )
        for pool in drafts
    ]


def _of_complaints(person: User) -> list[Todo]:
    """Return the complaints that wait for this person, overdue ones said to be so."""
    now = clock.now()
    return [
        Todo(
            (
                _("Complaint %(complaint)s of %(pool)s is overdue since %(day)s")
                if is_late(one, now)
                else _("Complaint %(complaint)s of %(pool)s waits for an answer until %(day)s")
            )
            % {
                "complaint": one,
                "pool": in_language(one.pool.name_en, one.pool.name_zh),
                "day": format_day(one.until_date),
            },
            reverse("complaint", args=[one.pool.code, one.year, one.number]),
            _("Answer"),
        )
        for one in complaints_waiting_for(person)[:20]
    ]


def _of_contacts(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the exports of contact data that wait for this controller or auditor."""
    agreeing = {DutyGrant.Duty.CONTROLLER.value, DutyGrant.Duty.AUDITOR.value}
    held = [pool for pool, found in duties.items() if pool and found & agreeing]
    waiting = ContactExport.objects.filter(pool__in=held, state=ContactExport.State.ASKED)
    return [
        Todo(
            _("Contact data of people of %(pool)s were asked for: do you agree?")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("contact_exports", args=[one.pool.code]),
            _("Look at it"),
        )
        for one in waiting.exclude(asked_by=person.code).select_related("pool").order_by("pk")
    ]


def _of_duty_changes(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the pools in which a change of duties waits for somebody like this person."""
    waiting = DutyChange.objects.filter(state=DutyChange.State.OPEN).exclude(person=person)
    if not duties.get(None):
        waiting = waiting.filter(pool__in=[pool for pool in duties if pool])
    pools = waiting.exclude(proposed_by=person.code).values("pool__code", "pool__name_en", "pool__name_zh")
    return [
        Todo(
            _("Changes of duties in %(pool)s wait for a second person: %(count)s")
            % {"pool": in_language(row["pool__name_en"], row["pool__name_zh"]), "count": row["count"]},
            reverse("duties", args=[row["pool__code"]]),
            _("Look at them"),
        )
        for row in pools.annotate(count=Count("pk")).order_by("pool__code")
    ]


def _of_plans(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the proposals to change the rules that wait for this controller."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in found]
    waiting = PlanProposal.objects.filter(pool__in=held, state=PlanProposal.State.OPEN)
    return [
        Todo(
            _("New rules of %(pool)s wait for your decision")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("plan_proposal", args=[one.pool.code, one.number]),
            _("Read them"),
        )
        for one in waiting.exclude(proposed_by=person.code).select_related("pool").order_by("pool__code")
    ]


def _of_moves(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return the lists and opening balances of pools that move in that wait for this controller."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in found]
    lists = MemberImport.objects.filter(pool__in=held, state=MemberImport.State.PROPOSED)
    openings = OpeningBalances.objects.filter(pool__in=held, state=OpeningBalances.State.PROPOSED)
    return [
        Todo(
            _("A list of members of %(pool)s waits for your approval")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("move_in_import", args=[one.pool.code, one.number]),
            _("Look at it"),
        )
        for one in lists.exclude(proposed_by=person.code).select_related("pool").order_by("pk")
    ] + [
        Todo(
            _("Opening balances of %(pool)s wait for your approval")
            % {"pool": in_language(one.pool.name_en, one.pool.name_zh)},
            reverse("opening_balances", args=[one.pool.code]),
            _("Look at it"),
        )
        for one in openings.exclude(proposed_by=person.code).select_related("pool").order_by("pk")
    ]


def _of_endings(duties: dict[int | None, set[str]], person: User) -> list[Todo]:
    """Return what the end of pools asks for: a proposal to decide, a floor that is near, a pool that may close."""
    admins = {pool for pool, held in duties.items() if pool and DutyGrant.Duty.POOL_ADMIN.value in held}
    controllers = {pool for pool, held in duties.items() if pool and DutyGrant.Duty.CONTROLLER.value in held}
    waiting = EndingProposal.objects.filter(
        pool__in=controllers, pool__state=Pool.State.OPEN, state=EndingProposal.State.OPEN
    ).exclude(proposed_by=person.code)
    asked = [
        (one.pool, _("A proposal to end %(pool)s waits for your decision"), _("Read it"))
        for one in waiting.select_related("pool").order_by("pool__code")
    ]
    for pool in Pool.objects.filter(pk__in=admins, state=Pool.State.OPEN).order_by("code"):
        if (last := freezes_of(pool, 1)) and last[0].running:
            asked.append((pool, _("%(pool)s is below its floor: one more headcount ends it"), _("Look")))
    over = PoolEnding.objects.filter(
        pool__in=controllers | admins, pool__state=Pool.State.WINDING_DOWN, cancelled_at=None
    )
    for ending in over.select_related("pool").order_by("pool__code"):
        if ending.run_off_end_date <= clock.today(ending.pool.time_zone):
            asked.append((ending.pool, _("The run-off of %(pool)s is over: what is still open?"), _("Look")))
    return [
        Todo(
            text % {"pool": in_language(pool.name_en, pool.name_zh)},
            reverse("ending", args=[pool.code]),
            action,
        )
        for pool, text, action in asked
    ]


def _of_banks(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return where the bank contradicts the books, or has been silent for long: for who keeps or checks them."""
    keepers = {DutyGrant.Duty.TREASURER.value, DutyGrant.Duty.CONTROLLER.value, DutyGrant.Duty.AUDITOR.value}
    kept = [pool for pool, held in duties.items() if pool and held & keepers]
    off = _("Bank and ledger of %(pool)s differ")
    silent = _("No bank statement of %(pool)s for %(days)s days")
    return [
        Todo(
            (silent if line.agrees else off)
            % {
                "pool": in_language(line.account.pool.name_en, line.account.pool.name_zh),
                "days": line.age_days,
            },
            reverse("custody", args=[line.account.pool.code]),
            _("Look"),
        )
        for line in bank_lines(Pool.objects.filter(pk__in=kept).exclude(state=Pool.State.GIVEN_UP))
        if line.is_old or not line.agrees
    ]


def _of_own_claims(person: User) -> list[Todo]:
    """Return the claims whose next step is the person's own."""
    state = Claim.State
    texts = {
        state.DRAFT: (_("Your claim %(code)s is not filed yet"), _("Go on")),
        state.PAPERS_REQUESTED: (_("A reviewer asks you for papers: claim %(code)s"), _("Send them")),
        state.PAID: (_("The aid of claim %(code)s has been paid. Has it come?"), _("Confirm")),
    }
    mine = claims_of(person).values("pk")
    waiting = Claim.objects.filter(pk__in=mine, state__in=texts).order_by("state_since")
    return [
        Todo(
            texts[state(claim.state)][0] % {"code": claim.code},
            reverse("claim", args=[claim.code]),
            texts[state(claim.state)][1],
        )
        for claim in waiting.only("code", "state")[:20]
    ]


def _of_appeals(duties: dict[int | None, set[str]]) -> list[Todo]:
    """Return the appeals that nobody of a pool can hear, for its admins: they name somebody."""
    held = [pool for pool, found in duties.items() if pool and DutyGrant.Duty.POOL_ADMIN.value in found]
    waiting = Claim.objects.filter(pool__in=held, appeal_round__isnull=False, state__in=ON_THE_DESK)
    return [
        Todo(
            _("An appeal in %(pool)s can be heard by nobody; it lacks: %(duties)s")
            % {
                "pool": in_language(one.pool.name_en, one.pool.name_zh),
                "duties": ", ".join(str(duty) for duty in duty_names(lacking)),
            },
            reverse("pool", args=[one.pool.code]),
            _("Look"),
        )
        for one in waiting.select_related("pool", "membership").order_by("pool__code", "pk")
        if (lacking := lacks_people(one))
    ]


def _stuck_jobs(duties: set[str]) -> list[Todo]:
    if not duties & {DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.CONTROLLER.value}:
        return []
    stuck = Job.objects.filter(state=Job.State.STUCK).count()
    if not stuck:
        return []
    return [Todo(_("Jobs that are stuck: %(count)s") % {"count": stuck}, reverse("jobs"), _("Look"))]


def _of_period(period: Period, duties: set[str], person: User) -> Todo | None:
    """Return what one period asks of somebody with these duties."""
    names = {
        "number": period.number,
        "pool": in_language(period.pool.name_en, period.pool.name_zh),
    }
    address = reverse("period", args=[period.pool.code, period.number])
    if period.state == Period.State.SETTLED and DutyGrant.Duty.POOL_ADMIN.value in duties:
        return Todo(_("Period %(number)s of %(pool)s waits for its dry run") % names, address, _("Prepare"))
    if period.state == Period.State.COMPUTED and DutyGrant.Duty.CONTROLLER.value in duties:
        if period.prepared_by == person.code:
            return None
        return Todo(
            _("Period %(number)s of %(pool)s waits for your approval") % names, address, _("Look at it")
        )
    if period.state in {Period.State.APPROVED, Period.State.POSTING} and duties:
        return Todo(_("Period %(number)s of %(pool)s is being posted") % names, address, _("Watch"))
    return None
