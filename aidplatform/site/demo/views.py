"""Pages of a demonstration: the tour, the cast, the clock, the bank, the mail. Elsewhere: not found."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock, kept
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import public
from aidplatform.lib.templating import local_address
from aidplatform.site.demo import case, tour, tricks
from aidplatform.site.demo import clock as demo_clock
from aidplatform.site.demo.bank import next_statement_file
from aidplatform.site.demo.clock import ZONE, require_demo
from aidplatform.site.demo.people import cast_member
from aidplatform.site.demo.pools import DEMO, MILLION, start_million
from aidplatform.site.demo.start import is_being_made, require_made
from aidplatform.site.forms import MoveClockForm
from aidplatform.site.job_views import STATES
from aidplatform.work.models import Job
from ledger.custody.models import BankAccount
from members.people.models import Mail, User
from members.pools.models import Pool
from members.pools.rules import DEMO_MFA
from members.pools.selectors import duties_of

VISITOR = "visitor"
LAST_STEP = "aid_demo_last_step"
JOBS_SHOWN = 8
ALL = "all"
# Of the pool of a hundred thousand one member in ten pays by transfer: a file that is imported within a second.
UNPAID = {DEMO: 0.9, MILLION: 0.99}


@public
@require_safe
def demo_page(request: HttpRequest) -> HttpResponse:
    """Show the tour and what else can be played with."""
    require_demo()
    return _demo_page(request, MoveClockForm())


@public
@require_POST
def next_step(request: HttpRequest) -> HttpResponse:
    """Do the next step of the guided case as whoever does it, and become them; an outdated page does nothing."""
    require_made()
    with demo_clock.one_at_a_time():
        claim = case.guided_claim()
        step = case.next_step(claim) if claim else None
        is_wanted = step is not None and step.key == request.POST.get("step")
        if step is not None and is_wanted:
            case.take(step, actor=_actor(request))
    if step is not None and is_wanted:
        _become(request, cast_member(step.role))
        request.session[LAST_STEP] = {"kind": step.kind, "role": step.role, "page": step.page}
    return redirect(reverse("demo") + "#case")


@public
@require_POST
def another_case(request: HttpRequest) -> HttpResponse:
    """Begin another case of the guided member, once the one before has ended."""
    require_made()
    claim = case.guided_claim()
    if claim is not None and case.next_step(claim) is None:
        case.begin_again()
        request.session.pop(LAST_STEP, None)
    return redirect(reverse("demo") + "#case")


@public
@require_POST
def try_trick(request: HttpRequest) -> HttpResponse:
    """Try to take a fen, in one way or in all of them; show by which guarantee it was refused."""
    require_made()
    code = request.POST.get("trick", "")
    if code != ALL and code not in tricks.TRICKS:
        raise NotFoundError(_("The demonstration has no such trick."))
    codes = tricks.TRICKS if code == ALL else [code]
    refusals = [tricks.attempt(one) for one in codes]
    context: dict[str, Any] = {
        "refusals": refusals,
        "refused_count": sum(refusal.was_refused for refusal in refusals),
        "tried": code,
    }
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "site/demo/_refusals.html", context)
    return _demo_page(request, MoveClockForm(), **context)


@public
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Become another person of the demonstration, second factor included, and stay on the page."""
    require_demo()
    wanted = request.POST.get("person", "")
    person = User.objects.filter(code=wanted, is_demo=True, is_active=True).first() if wanted else None
    if wanted and person is None:
        raise NotFoundError(_("The demonstration has no such person."))
    _become(request, person)
    address = local_address(request, request.POST.get("next", ""))
    return HttpResponseRedirect(address if _is_open_to(person, address) else "/")


def _is_open_to(person: User | None, address: str) -> bool:
    """Tell whether a page of the demonstration is public, or of a duty that the person holds in its pool."""
    try:
        match = resolve(urlsplit(address).path)
    except Resolver404:
        return False
    policy = getattr(match.func, "aid_policy", "")
    if not policy.startswith("duty:"):
        return policy == "public"
    pool = Pool.objects.filter(code=match.kwargs.get("code", "")).first()
    held = duties_of(person, pool) if person and pool else set()
    return bool(held & set(policy.removeprefix("duty:").split(",")))


@public
@require_POST
def move_clock(request: HttpRequest) -> HttpResponse:
    """Move the business day on, day by day; the calendar of every pool follows, and the page says what happened."""
    require_made()
    form = MoveClockForm(request.POST)
    if not form.is_valid():
        return _demo_page(request, form, status=422)
    with demo_clock.one_at_a_time():
        before = demo_clock.move_clock(days=form.cleaned_data["days"], actor=_actor(request))
    messages.success(request, _("The clock has moved. What happened on the way stands beside it."))
    return redirect(f"{reverse('demo')}?since={before}#clock")


@public
@require_POST
def make_million(request: HttpRequest) -> HttpResponse:
    """Ask for a pool of a million members whose first period is ready to be divided."""
    require_made()
    start_million(actor=_actor(request))
    return redirect(reverse("demo") + "#million")


@public
@require_safe
def million(request: HttpRequest) -> HttpResponse:
    """Answer the page that waits for the pool of a million."""
    require_demo()
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("demo")
    return render(request, "site/demo/_million.html", tour.million())


@public
@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """Answer the page that waits for the history; once it is played, have the page come again."""
    require_demo()
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("demo")
    response = render(request, "site/demo/_making.html", tour.making())
    if not is_being_made():
        response["HX-Refresh"] = "true"
    return response


@public
@require_safe
def bank_statement(request: HttpRequest, code: str) -> HttpResponse:
    """Hand out what the pool's bank would send today: the file that the treasurer imports."""
    require_demo()
    account = BankAccount.objects.select_related("pool").filter(pool__code=code).first()
    if account is None:
        raise NotFoundError(_("There is no pool with this address."))
    today = clock.today(account.pool.time_zone)
    last = account.statements.order_by("-number").first()
    if last is not None and last.to_date >= today:
        messages.info(request, _("The bank has nothing new today. Move the clock on by a day."))
        return redirect("demo")
    data = next_statement_file(account, until=today, unpaid=UNPAID.get(code, 0.03))
    response = HttpResponse(data, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="statement-{code}-{today}.csv"'
    return response


@public
@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """Show every e-mail that was sent: in a demonstration none leaves the machine."""
    require_demo()
    return render(request, "site/mail.html", {"mails": Mail.objects.order_by("-pk")[:100], "zone": ZONE})


def _demo_page(request: HttpRequest, form: MoveClockForm, status: int = 200, **extra: Any) -> HttpResponse:
    since = request.GET.get("since", "")
    context = {
        "form": form,
        "now": clock.now(),
        "zone": ZONE,
        "pools": list(Pool.objects.exclude(state__in=Pool.PRIVATE).order_by("code")),
        "happened": demo_clock.happened_since(int(since)) if since.isdecimal() and len(since) < 18 else None,
        "jobs": [(job, STATES[job.state]) for job in Job.objects.order_by("-pk")[:JOBS_SHOWN]],
        **tour.tour(request.session.get(LAST_STEP)),
        **tour.million(),
        **extra,
    }
    return render(request, "site/demo/page.html", context, status=status)


def _become(request: HttpRequest, person: User | None) -> None:
    """Sign in as one of the cast, second factor included; nobody: signed out.

    The tour's memory comes along, and what somebody had filled in, which opens for that person alone.
    """
    along = {name: request.session[name] for name in (LAST_STEP, kept.SESSION_KEY) if name in request.session}
    logout(request)
    if person is not None:
        login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
        request.session[DEMO_MFA] = True
    request.session.update(along)


def _actor(request: HttpRequest) -> str:
    return request.user.code if request.user.is_authenticated else VISITOR
