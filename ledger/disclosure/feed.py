"""The announced cases of a pool as an Atom feed: what everyone is told of them, in one language."""

import datetime as dt
import uuid

from django.conf import settings
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.money import format_money
from aidplatform.lib.templating import in_language
from ledger.sharing.face_selectors import FacesOf
from ledger.sharing.faces import Face, words_of
from ledger.sharing.layers import PUBLIC
from ledger.sharing.models import Award
from ledger.sharing.selectors import published_awards
from members.joining.selectors import SMALLEST_PUBLIC_POOL
from members.pools.models import Pool
from members.pools.selectors import newest_plan

#: So many of the newest cases; readers ask again long before there are as many new ones.
ENTRIES = 50


class _Feed(Atom1Feed):
    """A feed whose instant is of what it holds, so that the same cases are the same bytes."""

    empty_since: dt.datetime

    def latest_post_date(self) -> dt.datetime:
        """Return when the newest entry was announced; without any, since when there could be some."""
        return max((item["updateddate"] for item in self.items), default=self.empty_since)


def cases_feed(pool: Pool, language: str) -> str:
    """Return the feed of a pool. Three queries. Raises: NotFoundError for a language that there is not."""
    if language not in dict(settings.LANGUAGES):
        raise NotFoundError(_("There is no feed in this language."))
    found = published_awards(pools=[pool], near=[]).filter(rest_of=None).exclude(period__announced_at=None)
    awards = list(found.order_by("-period__announced_at", "-code")[:ENTRIES])
    faces = FacesOf(awards, PUBLIC)
    with override(language):
        feed = _head(pool, language)
        for award in awards:
            _add(feed, award, words_of(faces.told(award)))
        return feed.writeString("utf-8")


def feeds_of(code: str) -> list[tuple[str, str, str]]:
    """Return the feeds of a pool: code and name of the language, address."""
    return [(one, str(name), reverse("cases_feed", args=[code, one])) for one, name in settings.LANGUAGES]


def _head(pool: Pool, language: str) -> _Feed:
    name = in_language(pool.name_en, pool.name_zh)
    feed = _Feed(
        title=_("Cases of %(pool)s") % {"pool": name},
        subtitle=_(
            "Every case from its announcement on. A pool of fewer than %(members)s members shows sums of years"
            " alone."
        )
        % {"members": SMALLEST_PUBLIC_POOL},
        link=settings.PUBLIC_URL + reverse("periods", args=[pool.code]),
        feed_url=settings.PUBLIC_URL + reverse("cases_feed", args=[pool.code, language]),
        feed_guid=_urn(f"{pool.code}/cases/{language}"),
        author_name=name,
        description="",
        language=language,
    )
    feed.empty_since = (
        clock.start_of_day(pool.opened_date, pool.time_zone)
        if pool.opened_date
        else newest_plan(pool).published_at
    )
    return feed


def _add(feed: _Feed, award: Award, face: Face) -> None:
    assert award.period is not None
    assert award.period.announced_at is not None
    told = _(
        "%(disease)s. Age: %(age)s, sex: %(sex)s, region: %(region)s. Month: %(month)s. Aid: %(aid)s."
    ) % {
        "disease": face.disease,
        "age": face.age,
        "sex": face.sex,
        "region": face.region,
        "month": face.month,
        "aid": format_money(award.aid_fen, award.pool.currency),
    }
    public = _("Public until %(day)s, period %(number)s.") % {
        "day": award.period.publicity_end_date.isoformat(),
        "number": award.period.number,
    }
    page = reverse("period", args=[award.pool.code, award.period.number])
    feed.add_item(
        title=_("Case %(number)s") % {"number": award.code},
        link=f"{settings.PUBLIC_URL}{page}#case-{award.code}",
        description=f"{told} {public}",
        unique_id=_urn(f"{award.pool.code}/cases/{award.code}"),
        pubdate=award.period.announced_at,
        updateddate=award.period.announced_at,
    )


def _urn(name: str) -> str:
    """Return an id that stays, whatever address the installation moves to."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"aid:{name}").urn
