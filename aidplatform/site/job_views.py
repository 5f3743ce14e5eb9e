"""The page of background jobs: what runs, what failed, what needs a person."""

from typing import cast

from django.contrib import messages
from django.db.models import Case, Count, IntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from aidplatform.lib.errors import ConflictError, NotFoundError
from aidplatform.work.jobs import retry_stuck
from aidplatform.work.models import Job
from members.people.models import User
from members.pools.models import DutyGrant
from members.pools.rules import duty_anywhere

READERS = (DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.CONTROLLER.value)
SHOWN = 100
STATES = {"queued": _("queued"), "running": _("running"), "done": _("done"), "stuck": _("stuck")}
_ORDER = {"stuck": 0, "running": 1, "queued": 2, "done": 3}


class NotStuckError(ConflictError):
    """Only a stuck job can be tried again by hand."""

    code = "job_not_stuck"


@duty_anywhere(*READERS)
@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """List jobs: stuck ones first, then running, queued, and the newest that are done."""
    wanted = request.GET.get("state", "")
    rank = Case(
        *[When(state=state, then=Value(place)) for state, place in _ORDER.items()],
        output_field=IntegerField(),
    )
    found = Job.objects.annotate(rank=rank).order_by("rank", "-pk")
    if wanted in STATES:
        found = found.filter(state=wanted)
    counts = dict(Job.objects.values_list("state").annotate(Count("pk")).order_by())
    context = {
        "section": "jobs",
        "jobs": [(job, STATES[job.state]) for job in found[:SHOWN]],
        "counts": [(state, label, counts.get(state, 0)) for state, label in STATES.items()],
        "wanted": wanted,
    }
    return render(request, "site/jobs.html", context)


@duty_anywhere(*READERS)
@require_POST
def retry(request: HttpRequest, job_id: int) -> HttpResponse:
    """Queue a stuck job once more."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFoundError(_("There is no such job."))
    if job.state != Job.State.STUCK:
        raise NotStuckError(_("This job is not stuck any more. Reload the page to see where it is."))
    retry_stuck(job=job, actor=cast(User, request.user).code)
    messages.success(request, _("The job is queued again."))
    return redirect("jobs")
