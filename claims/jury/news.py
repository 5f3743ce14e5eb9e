"""What jurors, witnesses and the claimant are told of a draw; a step orders it as a job in its own transaction."""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.urls import reverse

from aidplatform.work import jobs
from claims.filing.selectors import speakers_of
from claims.jury.models import JuryDraw, JurySeat
from claims.jury.selectors import asked_witnesses, draw_ref
from claims.review.selectors import public_ref
from members.people import claim_words, jury_words
from members.people.models import User
from members.people.notices import News, tell

SERVICE = "service"


def tell_draw(lease: jobs.Lease) -> dict[str, int]:
    """Tell of one step of a draw. payload: draw; what: witness, words, seat, verdict, off."""
    with lease.transaction():
        found = JuryDraw.objects.select_related("claim__pool", "claim__membership__person", "claim__claimant")
        draw, what = found.defer("eligible").get(pk=lease.payload["draw"]), lease.payload["what"]
        news = {
            "witness": _to_witnesses,
            "words": _to_witnesses,
            "seat": _to_seated,
            "verdict": _to_seated,
            "off": _to_seated,
        }[what](draw, what)
        return {"told": tell(news, batch=f"jury/{draw.pk}/{lease.job_id}", actor=SERVICE)}


def _to_witnesses(draw: JuryDraw, what: str) -> list[News]:
    """Ask for a hash, or for the words; the claimant is a witness on the claim's own page."""
    if what == "witness":
        ids, kind, until = set(asked_witnesses(draw.claim)), jury_words.JURY_WITNESS, draw.commit_until_at
    else:
        ids = set(draw.witnesses.values_list("person_id", flat=True))
        assert draw.reveal_until_at is not None
        kind, until = jury_words.JURY_WORDS, draw.reveal_until_at
    people = User.objects.filter(pk__in=ids).order_by("pk")
    link = reverse("jury_draw", args=[draw.claim.pool.code, public_ref(draw.claim)])
    return _each(people, kind, draw, until, link)


def _to_seated(draw: JuryDraw, what: str) -> list[News]:
    """Tell jurors of their seat or of how it ended; of the draw also its claimant."""
    kind = {
        "seat": jury_words.JURY_SEAT,
        "verdict": jury_words.JURY_VERDICT,
        "off": jury_words.JURY_OFF,
    }[what]
    people = User.objects.filter(jury_seats__draw=draw, jury_seats__state=JurySeat.State.SEATED).order_by(
        "pk"
    )
    link = reverse("jury_seat", args=[draw.claim.pool.code, public_ref(draw.claim)])
    news = _each(people, kind, draw, draw.closes_at, link)
    if what == "seat":
        params = {**_params(draw, draw.closes_at), "claim": draw.claim.code}
        page = reverse("claim", args=[draw.claim.code])
        key = f"{draw.claim.code}/{draw.stage}"
        kind = claim_words.CLAIM_JURY_DRAWN
        news += [News(person, kind, key, params, page) for person in speakers_of(draw.claim)]
    return news


def _each(
    people: Iterable[User], kind: str, draw: JuryDraw, until: dt.datetime | None, link: str
) -> list[News]:
    key = draw_ref(draw.claim, draw.stage)
    return [News(person, kind, key, _params(draw, until), link) for person in people]


def _params(draw: JuryDraw, until: dt.datetime | None) -> dict[str, object]:
    pool = draw.claim.pool
    local = until.astimezone(ZoneInfo(pool.time_zone)) if until else None
    return {
        "pool_en": pool.name_en,
        "pool_zh": pool.name_zh,
        "until": local.strftime("%Y-%m-%d %H:%M") if local else "",
        "due": local.date().isoformat() if local else "",
    }
