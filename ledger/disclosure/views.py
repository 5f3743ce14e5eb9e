"""Pages of a pool: what it is and what it has cost, for everyone; what I owe, for each member."""

import datetime as dt
from typing import cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from aidplatform.lib import clock
from aidplatform.lib.csv_files import csv_response, plain_fen
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import number_before, policy, public, signed_in
from aidplatform.lib.templating import in_language
from ledger.custody.arrears_selectors import standing_of
from ledger.custody.mandates import live_mandate
from ledger.custody.months import last_closed
from ledger.custody.reconciliation import bank_line
from ledger.custody.selectors import charges_of as owed_of
from ledger.custody.selectors import how_to_pay
from ledger.custody.wallet_selectors import wallet_of
from ledger.disclosure import selectors
from ledger.disclosure.consequences import consequences, known_counts
from ledger.disclosure.feed import feeds_of
from ledger.disclosure.history import PastPeriod, history_plots
from ledger.disclosure.next_charges import next_dates
from ledger.disclosure.plots import floor_plot, shares_plot, size_plot
from ledger.disclosure.readiness import readiness
from ledger.disclosure.share_table import shares_table
from ledger.disclosure.statements import statement_paper, year_statement
from ledger.leaving.again import return_of, stays_of
from ledger.leaving.selectors import coming_of
from ledger.sharing.face_selectors import FacesOf
from ledger.sharing.faces import words_of
from ledger.sharing.figures import Part, share_parts
from ledger.sharing.layers import MEMBERS
from ledger.sharing.models import Award
from ledger.sharing.run_off import FreezeRow, distance_of, freezes_of
from ledger.sharing.selectors import is_large_enough, last_posted, periods, public_periods
from ledger.sharing.views import figures_of, viewer_duties
from members.ending.floor import Distance
from members.ending.selectors import bears_run_off, live_ending
from members.joining.eligibility import takes_children
from members.joining.models import ImportedMember, Membership
from members.joining.payers import payers_of
from members.joining.rule_answers import open_questions
from members.joining.selectors import SMALLEST_PUBLIC_POOL, Cover, access_membership
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import OFFERED_AHEAD, Offer, offer_of
from members.people.models import User
from members.people.parting import coming_words
from members.pools.aid_sense import jumps
from members.pools.funding import funding_words
from members.pools.models import PlanProposal, PlanVersion, Pool
from members.pools.plan_terms import PlanTerms
from members.pools.rules import PLAN_READERS, access_public_pool, duty_required
from members.pools.selectors import access_pool, access_proposal, access_version, newest_plan, version_before
from members.pools.views import shown_plan
from members.rights.contacts import handed_out
from members.rights.selectors import counts_of, is_related

#: Shares that a member's own place shows; the page of shares has them all, so many at a time.
LATEST, SHARES_PAGE = 3, 12


@public
@require_safe
def pool(request: HttpRequest, code: str) -> HttpResponse:
    """Show a pool to everyone: state, last bill, plan in words, shares of the past, who holds its duties."""
    found = access_public_pool(request, code)
    if found.is_private:
        return redirect("founding", code=code)
    last = last_posted(found)
    shows_periods = last is None or is_large_enough(last)
    figures = figures_of(last) if last else None
    base = figures.base_class if figures else None
    today = clock.today(found.time_zone)
    version = shown_plan(found, today)
    past = selectors.past_shares(found) if shows_periods else []
    drawn = [
        (p.number, p.charge_date, p.headcount or 0, row.share_fen)
        for p in past
        if (row := selectors.base_class(p))
    ]
    exports, exported_people = handed_out(found)
    plan = version.plan() if version else None
    counted = next(iter(freezes_of(found, 2)[-1:]), None) if shows_periods else None
    distance = _distance(counted, plan)
    context = {
        "section": "pools",
        "pool": found,
        "counts": counts_of(found, today),
        "handed_out": exports,
        "handed_out_people": exported_people,
        "is_related": request.user.is_authenticated and is_related(found, request.user),
        "last": last,
        "figures": figures,
        "base": base,
        "parts": share_parts(figures, base) if figures and base else [],
        "shows_periods": shows_periods,
        "current": public_periods(found).exclude(state="posted").first() if shows_periods else None,
        "plan": plan,
        "version": version,
        "card": readiness(found) if found.state == Pool.State.GATHERING else None,
        "shares": shares_plot(drawn),
        "sizes": size_plot(last.headcount if last else None),
        "duty_counts": selectors.duty_counts(found),
        "years": selectors.yearly_totals(found),
        "staff": viewer_duties(request, found),
        "is_member": _is_member(request, found),
        "ending": live_ending(found),
        "below_floor": counted if counted and counted.running and found.state == Pool.State.OPEN else None,
        "distance": distance,
        "floor_bar": floor_plot(distance.headcount, distance.floor) if distance else None,
        "tells_floor": found.state in {Pool.State.OPEN, Pool.State.INTAKE_STOPPED},
        # A very small pool shows its single movements to nobody outside.
        "bank": bank_line(found) if shows_periods else None,
        "closed": last_closed(found),
        "crumbs": [(_("Pools"), reverse("home") + "#pools"), (in_language(found.name_en, found.name_zh), "")],
    }
    return render(request, "ledger/disclosure/pool.html", context)


def _distance(last: FreezeRow | None, plan: PlanTerms | None) -> Distance | None:
    """Return how far the last headcount is from the floor; None without a floor, and where few would be told apart."""
    floor = plan.floor.members if plan and plan.floor else None
    if last is not None and last.freeze.headcount < SMALLEST_PUBLIC_POOL:
        return None
    return distance_of(last, floor)


@public
@require_safe
def period_list(request: HttpRequest, code: str) -> HttpResponse:
    """List a pool's periods; those not announced yet only for its staff."""
    found = access_public_pool(request, code)
    staff = viewer_duties(request, found)
    listed = list((periods(found) if staff else public_periods(found))[:200])
    last = next((period for period in listed if period.headcount is not None), None)
    is_small = last is not None and (last.headcount or 0) < SMALLEST_PUBLIC_POOL and not staff
    context = {
        "section": "pools",
        "pool": found,
        "rows": [] if is_small else [(period, selectors.base_class(period)) for period in listed],
        "is_small": is_small,
        "feeds": feeds_of(code),
        "years": selectors.yearly_totals(found),
        "staff": staff,
        "crumbs": [
            (in_language(found.name_en, found.name_zh), reverse("pool", args=[code])),
            (_("Periods"), ""),
        ],
    }
    return render(request, "ledger/disclosure/periods.html", context)


@public
@require_safe
def history(request: HttpRequest, code: str) -> HttpResponse:
    """Show what every posted period came to, as plots and as one table; of a very small pool whole years."""
    found = access_public_pool(request, code)
    staff = viewer_duties(request, found)
    rows, is_small = _history_of(found, is_near=bool(staff))
    context = {
        "section": "pools",
        "pool": found,
        "rows": rows[::-1],
        "plots": history_plots(rows),
        "is_small": is_small,
        "years": selectors.yearly_totals(found),
        "staff": staff,
        "crumbs": [
            (in_language(found.name_en, found.name_zh), reverse("pool", args=[code])),
            (_("History"), ""),
        ],
    }
    return render(request, "ledger/disclosure/history.html", context)


@public
@require_safe
def history_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download what the page of the history shows."""
    found = access_public_pool(request, code)
    past, _is_small = _history_of(found, is_near=bool(viewer_duties(request, found)))
    money = ("share", "aid", "fee", "assessed")
    header = ("period", "charge_date", "members", "cases", *(f"{name}_{found.currency}" for name in money))
    rows = [
        (
            row.number,
            row.charge_date.isoformat(),
            row.members,
            row.cases,
            "" if row.share_fen is None else plain_fen(row.share_fen),
            plain_fen(row.aid_fen),
            plain_fen(row.fee_fen),
            plain_fen(row.assessed_fen),
        )
        for row in past
    ]
    return csv_response(f"{code}-history.csv", header, rows)


def _history_of(found: Pool, *, is_near: bool) -> tuple[list[PastPeriod], bool]:
    """Return the periods that the viewer may see, and whether there are none because the pool is very small."""
    if is_near:
        return selectors.history(found), False
    last = last_posted(found)
    if last is not None and not is_large_enough(last):
        return [], True
    return selectors.history(found, at_least=SMALLEST_PUBLIC_POOL), False


@public
@require_safe
def award_period(request: HttpRequest, code: str, award: str) -> HttpResponse:
    """Lead from a case's number to the period that shares it."""
    found = Award.objects.filter(pool=access_pool(code=code), code=award).select_related("period").first()
    if found is None or found.period is None:
        raise NotFoundError(_("This pool has published no such case."))
    return redirect("period", code=code, number=found.period.number)


def _is_member(request: HttpRequest, found: Pool) -> bool:
    """Tell whether the viewer belongs to the pool."""
    person = request.user
    return person.is_authenticated and Membership.objects.filter(pool=found, person=person).exists()


@public
@require_safe
def plan_shares(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show what cases would cost under a version of the plan, beside the version before it."""
    found = access_public_pool(request, code)
    version = access_version(pool=found, number=number)
    before = version_before(version)
    title = _("Plan, version %(number)s") % {"number": number}
    address = reverse("plan_version", args=[code, number])
    return _shares_page(request, found, (before, version), (title, address))


@duty_required(*PLAN_READERS)
@require_safe
def proposal_shares(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show what cases would cost under a proposal, beside the rules published last."""
    found = access_pool(code=code)
    proposal = access_proposal(pool=found, number=number)
    title = _("Proposal %(number)s") % {"number": number}
    address = reverse("plan_proposal", args=[code, number])
    return _shares_page(request, found, (newest_plan(found), proposal), (title, address))


def _shares_page(
    request: HttpRequest,
    found: Pool,
    versions: tuple[PlanVersion | None, PlanVersion | PlanProposal],
    origin: tuple[object, str],
) -> HttpResponse:
    """Answer with the table alone where a page asks for it, else with a page of its own."""
    before, after = versions
    person = request.user if request.user.is_authenticated else None
    context = {
        "section": "pools",
        "pool": found,
        "currency": found.currency,
        "costs": consequences(before.plan() if before else None, after.plan(), known_counts(found, person)),
        "jumps": jumps(after.plan()),
        "crumbs": [
            (in_language(found.name_en, found.name_zh), reverse("pool", args=[found.code])),
            origin,
            (_("What cases would cost"), ""),
        ],
    }
    name = "_plan_shares" if request.htmx else "plan_shares"  # type: ignore[attr-defined]
    return render(request, f"ledger/disclosure/{name}.html", context)


@policy("member")
@signed_in
@require_safe
def my_pool(request: HttpRequest, code: str) -> HttpResponse:
    """Show a member their place in the pool: since when, from when, what next, and each share with its sum."""
    person = cast(User, request.user)
    membership = access_membership(code=code, person=person, number=_member(request))
    found, now = membership.pool, clock.now()
    stays = stays_of(membership, now)
    today = clock.day_of(now, found.time_zone)
    plans = selectors.plans_of(found)
    rules = selectors.in_force(plans, today)
    shares = selectors.past_shares_of(membership)
    latest = {one.period_no: one.share_fen for one in shares[-LATEST - 1 :]}
    charges = selectors.described(membership, latest)
    ending = live_ending(found)
    # All rules of a pool say the same of whether members pay ahead.
    pays_ahead = any(plan.funding for _day, plan in plans)
    wallet = wallet_of(membership, today) if pays_ahead else None
    # What no rules of the pool, past or to come, know of is not asked for.
    is_late_ever = any(plan.arrears for _day, plan in plans)
    may_debit_ever = any(plan.debit for _day, plan in plans)
    changes = any(first_day > today for first_day, _plan in plans)
    cover = next(stay.once.cover for stay in stays if stay.membership == membership)
    mandate = live_mandate(membership) if may_debit_ever else None
    dates = next_dates(membership, rules, today, ending)
    listed = ImportedMember.objects.filter(membership=membership).first()
    is_over_by_then = dates is not None and cover is not None and cover.ends_by(dates.publicity_date)
    context = {
        "section": "pools",
        "pool": found,
        "membership": membership,
        "cover": cover,
        "listed": listed,
        "ending": ending,
        "questions": [one for one in open_questions(person) if one.pool == found] if changes else [],
        "bears": ending is not None and bears_run_off(ending, membership),
        # What the next publicity shows is no business of whose cover ends before; what still is stands under `coming`.
        "dates": None if is_over_by_then else dates,
        "rows": _share_rows(charges, LATEST),
        "shares": shares,
        "coming": [(one, coming_words(one.row, found.currency)) for one in coming_of(membership, now)],
        "payment": how_to_pay(membership, is_debited=mandate is not None),
        "mandate": mandate,
        "offers_debit": rules is not None and rules.debit is not None,
        "wallet": wallet,
        "stands": standing_of(membership, today) if is_late_ever else None,
        "payers": payers_of(membership, now),
        "year": today.year,
        "today": today,
        "whose": _whose(request),
        "stays": stays,
        "again": return_of(membership, stays, now),
        "going_on": _going_on(membership, cover, today),
        "came_by": _came_by(membership, listed),
        "year_fen": selectors.year_to_date_fen(shares, today.year),
        "before_fen": selectors.charged_before_fen(membership, stays, today.year),
        "year_cap_fen": rules.year_cap_fen if rules else None,
        "takes_children": rules is not None and takes_children(rules),
        "has_jury": rules is not None and rules.jury is not None,
        "crumbs": [
            (in_language(found.name_en, found.name_zh), reverse("pool", args=[code])),
            (_("My place"), ""),
        ],
    }
    return render(request, "ledger/disclosure/my_pool.html", context)


def _going_on(membership: Membership, cover: Cover | None, today: dt.date) -> Offer | None:
    """Return where the member may go on; asked for only where the last age is near."""
    is_near = cover and cover.ages_out_date and cover.ages_out_date <= today + OFFERED_AHEAD
    return offer_of(membership, today) if is_near else None


def _came_by(membership: Membership, listed: ImportedMember | None) -> AgeTransfer | None:
    """Return by which transfer a member has come whose waiting time no list has brought."""
    if listed is not None or membership.waiting_since_date is None:
        return None
    return AgeTransfer.objects.filter(begun=membership).select_related("membership__pool").first()


@policy("member")
@signed_in
@require_safe
def my_wallet(request: HttpRequest, code: str) -> HttpResponse:
    """Show a member who pays ahead what is in the wallet, how it got there, and how to top it up."""
    membership = access_membership(code=code, person=cast(User, request.user), number=_member(request))
    found = membership.pool
    wallet = wallet_of(membership, clock.today(found.time_zone))
    if wallet is None:
        raise NotFoundError(_("The members of this pool pay afterwards: there are no wallets."))
    context = {
        "section": "pools",
        "pool": found,
        "membership": membership,
        "wallet": wallet,
        "payment": how_to_pay(membership),
        "rules": funding_words(wallet.funding, found.currency),
        "crumbs": [
            (in_language(found.name_en, found.name_zh), reverse("pool", args=[code])),
            (_("My place"), reverse("my_pool", args=[code])),
            (_("My wallet"), ""),
        ],
    }
    return render(request, "ledger/disclosure/my_wallet.html", context)


@policy("member")
@signed_in
@require_safe
def my_shares(request: HttpRequest, code: str) -> HttpResponse:
    """Show a member every share of their own, newest first: its cases, its sum, what is paid, and why it changed."""
    membership = access_membership(code=code, person=cast(User, request.user), number=_member(request))
    found = membership.pool
    before = number_before(request)
    charges = selectors.charges_of(membership, before_no=before, limit=SHARES_PAGE + 1)
    page = charges[:SHARES_PAGE]
    cases = selectors.cases_of(page)
    faces = FacesOf([award for told in cases.values() for award in told.shown], MEMBERS)
    owed = {one.period_no: one for one in owed_of(pool=found, membership_id=membership.pk)}
    past = selectors.past_shares_of(membership)
    drawn = [
        (one.period_no, one.charge_date, one.members, one.share_fen) for one in past[-selectors.PLOTTED :]
    ]
    here, now = reverse("my_shares", args=[code]), clock.now()
    today = clock.day_of(now, found.time_zone)
    rules = selectors.rules_on(found, today)
    context = {
        "section": "pools",
        "pool": found,
        "membership": membership,
        "rows": [
            (
                *row,
                [(award, words_of(faces.told(award))) for award in cases[number].shown],
                cases[number].count,
                owed[number],
            )
            for row in _share_rows(charges, SHARES_PAGE)
            for number in [row[0].period.number]
        ],
        "shares": past,
        "whose": _whose(request),
        "plot": shares_plot(drawn),
        "year": today.year,
        "year_fen": selectors.year_to_date_fen(past, today.year),
        "before_fen": selectors.charged_before_fen(membership, stays_of(membership, now), today.year),
        "year_cap_fen": rules.year_cap_fen if rules else None,
        "all_fen": sum(one.share_fen for one in past),
        "years": sorted({one.charge_date.year for one in past}, reverse=True),
        "newer": here + _whose(request) if before is not None else "",
        "older": f"{here}{_whose(request, before=page[-1].period.number)}"
        if len(charges) > SHARES_PAGE
        else "",
        "crumbs": [
            (in_language(found.name_en, found.name_zh), reverse("pool", args=[code])),
            (_("My place"), reverse("my_pool", args=[code])),
            (_("My shares"), ""),
        ],
    }
    return render(request, "ledger/disclosure/my_shares.html", context)


def _member(request: HttpRequest) -> str:
    """Return which of one's memberships the address asks for: a number; empty: the last one."""
    return request.GET.get("member", "")


def _whose(request: HttpRequest, **more: int) -> str:
    """Return what addresses bear that stay with the membership that is looked at."""
    said = ({"member": _member(request)} if _member(request) else {}) | more
    return f"?{urlencode(said)}" if said else ""


def _share_rows(
    charges: list[selectors.MyCharge], shown: int
) -> list[tuple[selectors.MyCharge, list[Part], selectors.Change | None]]:
    """Return the newest of these charges, each with its parts and how it differs from the one before."""
    changes = selectors.changes_of(charges)
    return [(charge, charge.parts, change) for charge, change in zip(charges, changes, strict=True)][:shown]


@policy("member")
@signed_in
@require_safe
def my_shares_csv(request: HttpRequest, code: str) -> HttpResponseBase:
    """Download every share of one's own, with its parts and the most that its year may ask."""
    membership = access_membership(code=code, person=cast(User, request.user), number=_member(request))
    header, rows = shares_table(membership)
    return csv_response(f"{code}-my-shares.csv", header, rows)


@policy("member")
@signed_in
@require_safe
def my_statement(request: HttpRequest, code: str, year: int) -> HttpResponse:
    """Download one's own shares of a calendar year as PDF, in the language of the page."""
    membership = access_membership(code=code, person=cast(User, request.user), number=_member(request))
    content = statement_paper(year_statement(membership, year))
    disposition = {"Content-Disposition": f'attachment; filename="{code}-shares-{year}.pdf"'}
    return HttpResponse(content, content_type="application/pdf", headers=disposition)
