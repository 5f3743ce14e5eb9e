"""What those who appoint an outside reviewer, the reviewer, and the claimant are told; nothing of the case."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.urls import reverse

from aidplatform.work import jobs
from claims.filing.models import Claim
from claims.filing.selectors import concerned_by, speakers_of
from claims.review.outside_models import OutsideReview
from claims.review.outside_reviews import SERVICE
from claims.review.outside_selectors import CONTROLLER, POOL_ADMIN
from members.people import claim_words, outside_words
from members.people.models import User
from members.people.notices import News, tell
from members.pools.models import DutyGrant


def tell_outside_review(lease: jobs.Lease) -> dict[str, int]:
    """Tell of one step of an outside review. payload: review; what: proposed, appointed, running, ended."""
    with lease.transaction():
        found = OutsideReview.objects.select_related("claim__pool", "claim__membership__person", "person")
        one, what = found.get(pk=lease.payload["review"]), lease.payload["what"]
        return {"told": tell(_news(one, what), batch=f"outside/{one.pk}/{lease.job_id}", actor=SERVICE)}


def _news(one: OutsideReview, what: str) -> list[News]:
    claim = one.claim
    match what:
        case "proposed":
            people = _holding(claim, CONTROLLER).exclude(code=one.proposed_by)
            return _to_appointing(claim, people, outside_words.OUTSIDE_PROPOSED, one.code)
        case "appointed":
            admins = _holding(claim, POOL_ADMIN)
            told = _to_appointing(claim, admins, outside_words.OUTSIDE_APPOINTED, one.code)
            link = reverse("claim", args=[claim.code])
            kind, params = claim_words.CLAIM_OUTSIDE, _params(claim, one)
            return told + [News(person, kind, one.code, params, link) for person in speakers_of(claim)]
        case "running":
            assert one.person is not None
            link = reverse("outside_review_case", args=[one.code])
            return [News(one.person, outside_words.OUTSIDE_CASE, one.code, _params(claim, one), link)]
    return news_of_wanted(claim, one.code)


def news_of_wanted(claim: Claim, key: str) -> list[News]:
    """Return what pool admins are told of a claim that nobody of the pool may look at."""
    return _to_appointing(claim, _holding(claim, POOL_ADMIN), outside_words.OUTSIDE_WANTED, f"{key}/wanted")


def _holding(claim: Claim, duty: str) -> QuerySet[User]:
    grants = DutyGrant.objects.filter(pool=claim.pool_id, duty=duty, ended_at=None)
    concerned = {pk for pk in concerned_by(claim) if pk}
    return User.objects.filter(pk__in=grants.values("person")).exclude(pk__in=concerned).order_by("pk")


def _to_appointing(claim: Claim, people: Iterable[User], kind: str, key: str) -> list[News]:
    link = reverse("outside_review", args=[claim.pool.code, claim.code])
    return [News(person, kind, key, _params(claim), link) for person in people]


def _params(claim: Claim, one: OutsideReview | None = None) -> dict[str, object]:
    until = one.until_date.isoformat() if one is not None and one.until_date else ""
    pool = claim.pool
    return {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "claim": claim.code,
        "until": until,
        "due": until,
    }
