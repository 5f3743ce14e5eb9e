"""Ends of an application without a signature: thrown away by the person, or left lying; nothing of it is kept."""

import datetime as dt

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError
from members.joining.models import JoinApplication
from members.people.draft_words import DRAFT_FORGOTTEN, DRAFT_LYING
from members.people.models import Notice
from members.people.notices import BATCH, News, tell

# Somebody may wait for a paper, or sleep on it; whoever has not come back after that is not coming.
KEPT_DAYS = 90
# So long before it is emptied, or longer, its person is told.
WARNED_DAYS = 14
SERVICE = "service"
_EMPTY = {
    "state": JoinApplication.State.GIVEN_UP,
    "identity_sealed": None,
    "answers_sealed": None,
    "consent_health": False,
    "consent_publication": False,
}


class SignedAlreadyError(ConflictError):
    """It was signed meanwhile: a membership is ended by leaving."""

    code = "signed_application_stays"


def give_up(*, application: JoinApplication, at: dt.datetime) -> None:
    """End an application and empty it, in whichever step it is; consent goes with it. Done twice, it is done once.

    Raises: SignedAlreadyError.
    """
    with transaction.atomic():
        locked = JoinApplication.objects.select_for_update().get(pk=application.pk)
        if locked.state == JoinApplication.State.SIGNED:
            raise SignedAlreadyError(_("This has been signed meanwhile. Leaving is free at any time."))
        JoinApplication.objects.filter(pk=locked.pk, state=JoinApplication.State.DRAFT).update(
            **_EMPTY, changed_at=at
        )


def warn_left_lying(at: dt.datetime) -> int:
    """Tell whose application is emptied soon, and when: once for each touch. Return how many were told."""
    lying = _drafts(at - dt.timedelta(days=KEPT_DAYS - WARNED_DAYS))
    told, after = 0, 0
    while batch := list(lying.filter(pk__gt=after)[:BATCH]):
        after = batch[-1].pk
        news = [
            _news(one, DRAFT_LYING, _warned_of(one), {"until": _emptied_on(one, at).isoformat()})
            for one in batch
        ]
        with transaction.atomic():
            told += tell(news, batch=f"lying/{at:%Y-%m-%dT%H%M%S}/{after}", actor=SERVICE)
    return told


def forget_left_lying(at: dt.datetime) -> int:
    """End, empty and tell of what nobody has touched for KEPT_DAYS though they were warned; return how many there were.

    Whoever was warned late, because nothing ran, has as many days as everybody from the warning on.
    """
    lying = _drafts(at - dt.timedelta(days=KEPT_DAYS))
    forgotten, after = 0, 0
    while batch := list(lying.filter(pk__gt=after)[:BATCH]):
        after = batch[-1].pk
        with transaction.atomic():
            # Read again under the lock: somebody may have gone on a moment ago.
            locked = list(lying.filter(pk__in=[one.pk for one in batch]).select_for_update(of=("self",)))
            over = _warned_and_over(locked, at)
            JoinApplication.objects.filter(pk__in=[one.pk for one in over]).update(**_EMPTY, changed_at=at)
            news = [_news(one, DRAFT_FORGOTTEN, str(one.pk), {}) for one in over]
            tell(news, batch=f"forgotten/{at:%Y-%m-%dT%H%M%S}/{after}", actor=SERVICE)
        forgotten += len(over)
    return forgotten


def _drafts(untouched_since: dt.datetime) -> QuerySet[JoinApplication]:
    """Return what was last touched before an instant, with pool and person, in the order of its ids."""
    drafts = JoinApplication.objects.filter(
        state=JoinApplication.State.DRAFT, changed_at__lte=untouched_since, person__erased_at=None
    )
    return drafts.select_related("pool", "person").order_by("pk")


def _emptied_on(application: JoinApplication, at: dt.datetime) -> dt.date:
    """Return the day on which an application is emptied of which its person is warned now."""
    end = max(application.changed_at + dt.timedelta(days=KEPT_DAYS), at + dt.timedelta(days=WARNED_DAYS))
    return clock.day_of(end, application.pool.time_zone)


def _warned_of(application: JoinApplication) -> str:
    """Return the key of the warning: another one when somebody has gone on since, and stopped again."""
    return f"{application.pk}/{application.changed_at:%Y-%m-%d}"


def _warned_and_over(applications: list[JoinApplication], at: dt.datetime) -> list[JoinApplication]:
    """Return those whose person was told a day that has come."""
    told = Notice.objects.filter(
        kind=DRAFT_LYING,
        person__in=[one.person_id for one in applications],
        key__in=[_warned_of(one) for one in applications],
    )
    days = {(row.person_id, row.key): dt.date.fromisoformat(row.params["until"]) for row in told}
    never = dt.date.max
    return [
        one
        for one in applications
        if days.get((one.person_id, _warned_of(one)), never) <= clock.day_of(at, one.pool.time_zone)
    ]


def _news(application: JoinApplication, kind: str, key: str, params: dict[str, str]) -> News:
    """Return what its person is told: neither who was entered nor what, and the page that goes on."""
    pool = application.pool
    page = "family_add" if application.relation else "join"
    names = {"pool_en": pool.name_en, "pool_zh": pool.name_zh}
    return News(application.person, kind, key, names | params, reverse(page, args=[pool.code]))
