"""What the frame of every page shows: who is signed in, the switches, the banner of a demonstration.

Everything that asks the database is lazy: an error page, a download and a fragment draw no frame and pay nothing.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, get_language_info

from aidplatform.lib import clock
from aidplatform.lib.templating import THEME_COOKIE, THEMES, way_back
from members.people.models import User
from members.people.notices import unread_count
from members.pools.models import DutyGrant

STAFF_OF_JOBS = {DutyGrant.Duty.POOL_ADMIN.value, DutyGrant.Duty.CONTROLLER.value}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of base.html."""
    return {
        "site_name": settings.SITE_NAME,
        "demo": settings.DEMO,
        "theme": theme_of(request),
        "stay_url": way_back(request),
        "languages": [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES],
        "language": get_language() or settings.LANGUAGE_CODE,
        "unread_notices": _lazy(lambda: unread_of(request)),
        "my_duties": _lazy(lambda: duties_held(request)),
        "demo_people": _lazy(demo_people),
        "business_day": _lazy(lambda: clock.today("Asia/Shanghai")),
    }


def theme_of(request: HttpRequest) -> str:
    """Return the chosen theme; auto follows the system."""
    theme = request.COOKIES.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


def unread_of(request: HttpRequest) -> int:
    """Return how many notices wait for the person; none for a visitor."""
    return unread_count(request.user) if request.user.is_authenticated else 0


def duties_held(request: HttpRequest) -> set[str]:
    """Return every duty the person holds anywhere; nothing for a visitor."""
    if not request.user.is_authenticated:
        return set()
    grants = DutyGrant.objects.filter(person=request.user, ended_at=None)
    return set(grants.values_list("duty", flat=True))


def demo_people() -> list[dict[str, Any]]:
    """Return the people of a demonstration with their duties, in two queries; none in a real installation."""
    if not settings.DEMO:
        return []
    people = User.objects.filter(is_demo=True, is_active=True).order_by("pk").prefetch_related("duty_grants")
    return [
        {
            "person": person,
            "duties": sorted({str(g.get_duty_display()) for g in person.duty_grants.all() if not g.ended_at}),
        }
        for person in people
    ]


def _lazy(make: Callable[[], Any]) -> Any:
    return SimpleLazyObject(make)
