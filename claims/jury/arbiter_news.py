"""What those who appoint an arbiter, and the arbiter, are told; nothing of the case, which its pages show."""

from django.urls import reverse

from aidplatform.work import jobs
from claims.filing.selectors import concerned_by, speakers_of
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import CONTROLLER, POOL_ADMIN
from claims.jury.draws import SERVICE
from claims.review.selectors import public_ref
from members.people import claim_words, jury_words
from members.people.models import User
from members.people.notices import News, tell
from members.pools.models import DutyGrant


def tell_arbitration(lease: jobs.Lease) -> dict[str, int]:
    """Tell of one step of an arbitration. payload: arbitration; what: wanted, proposed, running, off, late."""
    with lease.transaction():
        found = Arbitration.objects.select_related("claim__pool", "claim__membership", "arbiter")
        one, what = found.get(pk=lease.payload["arbitration"]), lease.payload["what"]
        news = _TOLD.get(what, _to_arbiter)(one, what)
        return {"told": tell(news, batch=f"arbiter/{one.pk}/{lease.job_id}", actor=SERVICE)}


def _to_appointing(one: Arbitration, what: str) -> list[News]:
    """Tell pool admins that one is wanted, or is to be reached; controllers that one is proposed."""
    duty = POOL_ADMIN if what == "wanted" else CONTROLLER
    kind = jury_words.ARBITER_WANTED if what == "wanted" else jury_words.ARBITER_PROPOSED
    grants = DutyGrant.objects.filter(pool=one.claim.pool_id, duty=duty, ended_at=None)
    people = User.objects.filter(pk__in=grants.values("person"))
    if what == "proposed":
        people = people.exclude(code=one.proposed_by)
    concerned = {pk for pk in concerned_by(one.claim) if pk}
    link = reverse("arbitration", args=[one.claim.pool.code, public_ref(one.claim)])
    return [
        News(person, kind, f"{one.code}/{one.state}", _params(one), link)
        for person in people.exclude(pk__in=concerned).order_by("pk")
    ]


def _to_arbiter(one: Arbitration, what: str) -> list[News]:
    """Tell the arbiter until when they decide, or that the claimant has taken the claim back."""
    assert one.arbiter is not None
    kind = jury_words.ARBITER_CASE if what == "running" else jury_words.ARBITER_OFF
    link = reverse("arbitration_case", args=[one.code]) if what == "running" else reverse("my_arbitrations")
    return [News(one.arbiter, kind, one.code, _params(one), link)]


def _of_late(one: Arbitration, _what: str) -> list[News]:
    """Tell those who appoint, and whose claim it is, that a step was due; taken meanwhile, nobody."""
    claim = one.claim
    if one.state in _OVER or claim.state != "before_jury" or claim.due_date is None:
        return []
    due, pool = claim.due_date.isoformat(), claim.pool
    grants = DutyGrant.objects.filter(pool=pool, duty__in=[POOL_ADMIN, CONTROLLER], ended_at=None)
    concerned = {pk for pk in concerned_by(claim) if pk}
    people = User.objects.filter(pk__in=grants.values("person")).exclude(pk__in=concerned).order_by("pk")
    link, key = reverse("arbitration", args=[pool.code, public_ref(claim)]), f"{one.code}/{one.state}/{due}"
    params = _params(one) | {"due": due}
    told = [News(person, jury_words.ARBITER_LATE, key, params, link) for person in people]
    own = params | {"claim": claim.code, "claim_state": claim.state}
    page = reverse("claim", args=[claim.code])
    return told + [News(person, claim_words.CLAIM_LATE, key, own, page) for person in speakers_of(claim)]


_OVER = (Arbitration.State.DECIDED, Arbitration.State.ENDED)
_TOLD = {"wanted": _to_appointing, "proposed": _to_appointing, "late": _of_late}


def _params(one: Arbitration) -> dict[str, object]:
    pool, until = one.claim.pool, one.until_date
    return {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "until": until.isoformat() if until else "",
        "due": until.isoformat() if until else "",
    }
