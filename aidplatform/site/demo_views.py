"""Pages of a demonstration: switch person, move the clock, divide over a million. Elsewhere: not found."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.http import public
from aidplatform.lib.templating import local_address
from aidplatform.site import demo
from aidplatform.site.demo_bank import next_statement_file
from aidplatform.site.forms import MoveClockForm
from aidplatform.site.job_views import STATES
from aidplatform.work.models import Job
from ledger.custody.models import BankAccount
from members.people.models import Mail, User
from members.pools.models import Pool
from members.pools.rules import DEMO_MFA

VISITOR = "visitor"
JOBS_SHOWN = 8
# One member in ten pays by transfer on the first day: a file that is looked at and imported within a second.
UNPAID = 0.9


@public
@require_safe
def demo_page(request: HttpRequest) -> HttpResponse:
    """Show what can be played with."""
    demo.require_demo()
    return _demo_page(request, MoveClockForm())


@public
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Become another person of the demonstration, second factor included, and stay on the page."""
    demo.require_demo()
    wanted = request.POST.get("person", "")
    logout(request)
    if wanted:
        person = User.objects.filter(code=wanted, is_demo=True, is_active=True).first()
        if person is None:
            raise NotFoundError(_("The demonstration has no such person."))
        login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
        request.session[DEMO_MFA] = True
    return HttpResponseRedirect(local_address(request, request.POST.get("next", "")))


@public
@require_POST
def move_clock(request: HttpRequest) -> HttpResponse:
    """Move the business day on; the calendar of every pool follows."""
    demo.require_demo()
    form = MoveClockForm(request.POST)
    if not form.is_valid():
        return _demo_page(request, form, status=422)
    demo.move_clock(days=form.cleaned_data["days"], actor=_actor(request))
    messages.success(request, _("The clock has moved. What is due happens by itself within seconds."))
    return redirect("demo")


@public
@require_POST
def start_million(request: HttpRequest) -> HttpResponse:
    """Ask for a pool of a million members whose first period is ready to be divided."""
    demo.require_demo()
    demo.start_million(actor=_actor(request))
    return redirect("demo")


@public
@require_safe
def million(request: HttpRequest) -> HttpResponse:
    """Answer the page that waits for the pool of a million."""
    demo.require_demo()
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("demo")
    return render(request, "site/_million.html", _million())


@public
@require_safe
def bank_statement(request: HttpRequest, code: str) -> HttpResponse:
    """Hand out what the pool's bank would send today: the file that the treasurer imports."""
    demo.require_demo()
    account = BankAccount.objects.select_related("pool").filter(pool__code=code).first()
    if account is None:
        raise NotFoundError(_("There is no pool with this address."))
    today = clock.today(account.pool.time_zone)
    data = next_statement_file(account, until=today, unpaid=UNPAID)
    response = HttpResponse(data, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="statement-{code}-{today}.csv"'
    return response


@public
@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """Show every e-mail that was sent: in a demonstration none leaves the machine."""
    demo.require_demo()
    return render(request, "site/mail.html", {"mails": Mail.objects.order_by("-pk")[:100]})


def _demo_page(request: HttpRequest, form: MoveClockForm, status: int = 200) -> HttpResponse:
    pools = Pool.objects.exclude(state=Pool.State.DRAFT).order_by("code")
    latest = [(job, STATES[job.state]) for job in Job.objects.order_by("-pk")[:JOBS_SHOWN]]
    context = {
        "form": form,
        "now": clock.now(),
        "zone": demo.ZONE,
        "pools": list(pools),
        "jobs": latest,
        **_million(),
    }
    return render(request, "site/demo.html", context, status=status)


def _million() -> dict[str, object]:
    """Return how far the pool of a million is: its job, and its newest period once it exists."""
    pool = Pool.objects.filter(code=demo.MILLION).first()
    period = pool.periods.order_by("-number").first() if pool else None
    job = Job.objects.filter(kind=demo.MAKE_MILLION, key=demo.MILLION).first()
    is_ready = period is not None and period.state not in {"opened", "frozen", "announced"}
    is_coming = job is not None and job.state != Job.State.STUCK and not is_ready
    return {
        "million": pool,
        "million_period": period,
        "million_job": job,
        "is_ready": is_ready,
        "is_coming": is_coming,
    }


def _actor(request: HttpRequest) -> str:
    return request.user.code if request.user.is_authenticated else VISITOR
