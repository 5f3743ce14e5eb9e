"""Reads of the jury: who can be drawn, who witnesses, what a juror may read, what everyone may."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.crypto import blind_index, unseal_text
from aidplatform.lib.errors import NotFoundError
from claims.filing.models import Claim
from claims.filing.selectors import speakers_of
from claims.jury.eligible_sql import has_a_part_sql, is_near_sql, is_ready_sql
from claims.jury.models import Juror, JuryCase, JuryDraw, JurySeat, JuryVerdict, JuryWitness
from claims.jury.triggers import WITNESSING
from claims.review.appeals import appeal_of, read_appeal
from claims.review.models import Decision
from claims.review.selectors import decisions_of, public_ref, read_finding, read_reason
from ledger.openbooks.draw import juror_commitment
from members.joining.models import Membership
from members.people.models import User
from members.pools.jury_terms import JuryTerms
from members.pools.models import DutyGrant, PlanVersion, Pool
from members.pools.selectors import plan_in_force

_ELIGIBLE = f"""
    SELECT u.id, u.code FROM claims_juror offered JOIN members_user u ON u.id = offered.person_id
      JOIN claims_claim claim ON claim.id = %s
     WHERE offered.pool_id = claim.pool_id AND offered.ended_at IS NULL
       AND {is_ready_sql("claim", "u.id")} AND NOT {is_near_sql("claim", "u.id")}
       AND NOT {has_a_part_sql("claim", "u.id")}"""  # noqa: S608 - fixed names


def eligible_for(claim: Claim) -> list[tuple[int, str]]:
    """Return ids and codes of the people who can be drawn for a case now. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_ELIGIBLE, [claim.pk])
        return [(pk, code) for pk, code in cursor.fetchall()]


def salt_of(draw_ref: str, code: str) -> bytes:
    """Return what, with their code, makes the name that somebody bears in the list of one draw."""
    return blind_index(f"{draw_ref}:{code}", "claims.jury")


def draw_ref(claim: Claim, stage: int) -> str:
    """Return the key under which the log states a draw."""
    return f"{public_ref(claim)}/{stage}"


def names_in(draw: JuryDraw) -> list[bytes]:
    """Return the names of a draw's list, in order."""
    data = bytes(draw.eligible)
    return [data[place : place + 32] for place in range(0, len(data), 32)]


def people_of_list(draw: JuryDraw) -> dict[bytes, User]:
    """Return who bears the names of a draw's list: everyone who has ever offered is tried."""
    ref = draw_ref(draw.claim, draw.stage)
    people = User.objects.filter(jury_offers__pool=draw.claim.pool_id).distinct()
    return {juror_commitment(salt_of(ref, one.code), one.code): one for one in people}


def jury_terms_of(claim: Claim) -> JuryTerms | None:
    """Return the jury of the plan version of a claim's event day."""
    return claim.plan_version.plan().jury if claim.plan_version else None


def jury_in_force(pool: Pool, today: dt.date) -> tuple[PlanVersion, JuryTerms]:
    """Return the version in force and its jury. Raises: NotFoundError where the rules know none."""
    version = plan_in_force(pool, today)
    jury = version.plan().jury
    if jury is None:
        raise NotFoundError(_("The rules of this pool know no jury."))
    return version, jury


def offer_of(person: User, pool: Pool) -> Juror | None:
    """Return the offer to be a juror that the person keeps up."""
    return Juror.objects.filter(pool=pool, person=person, ended_at=None).first()


def access_membership_pool(*, user: User, code: str) -> Pool:
    """Return the pool of which the person is a member. Raises: NotFoundError."""
    found = Membership.objects.filter(pool__code=code, person=user).select_related("pool").first()
    if found is None:
        raise NotFoundError(_("There is no such page, or it is not yours to see."))
    return found.pool


def asked_witnesses(claim: Claim) -> dict[int, str]:
    """Return who is asked to witness a draw, by id, and as what: the claimant, and duties that judge no claim."""
    grants = DutyGrant.objects.filter(pool=claim.pool_id, duty__in=WITNESSING, ended_at=None)
    asked = {pk: str(duty) for pk, duty in grants.order_by("-pk").values_list("person_id", "duty")}
    return asked | {_witness_of(claim).pk: "claimant"}


def _witness_of(claim: Claim) -> User:
    """Return who witnesses for the claimant: whoever took the case to the jury, while they speak for it; one alone."""
    speakers, case = speakers_of(claim), JuryCase.objects.filter(claim=claim).first()
    return next((person for person in speakers if case and person.code == case.taken_by), speakers[0])


def current_draw(claim: Claim) -> JuryDraw | None:
    """Return the newest draw of a case."""
    return claim.jury_draws.order_by("-stage").first()


def access_draw(*, pool: Pool, ref: str) -> JuryDraw:
    """Return the newest draw of the case that bears this name in the log. Raises: NotFoundError.

    Before the log states it there is none for anyone; a name of the log leads to a claim only by trying those that went
    to the jury.
    """
    for draw in draws_of(pool):
        if public_ref(draw.claim) == ref:
            return draw
    raise NotFoundError(_("This pool has no such draw."))


def draw_of_stage(*, pool: Pool, ref: str, stage: int) -> JuryDraw | None:
    """Return one stage of the draws of a case that bears this name in the log."""
    return next((draw for draw in draws_of(pool).filter(stage=stage) if public_ref(draw.claim) == ref), None)


def draws_of(pool: Pool) -> QuerySet[JuryDraw]:
    """Return the draws of a pool, newest first, without their lists."""
    found = JuryDraw.objects.filter(claim__pool=pool).select_related("claim__pool", "claim__plan_version")
    return found.defer("eligible").order_by("-pk")


def witness_of(draw: JuryDraw, person: User) -> JuryWitness | None:
    """Return what the person has committed to for a draw."""
    return draw.witnesses.filter(person=person).first()


def drawn_of(draw: JuryDraw) -> QuerySet[JurySeat]:
    """Return everyone who was drawn, in the order of the draw, with their ballots but not their votes."""
    return draw.drawn.select_related("person", "ballot").defer("ballot__vote_sealed").order_by("number")


def access_seat(*, user: User, code: str, ref: str) -> JurySeat:
    """Return the person's seat of a draw, called upon already; absent and somebody else's answer alike.

    Raises: NotFoundError.
    """
    found = JurySeat.objects.filter(person=user, draw__claim__pool__code=code)
    found = found.exclude(state__in=("reserve", "passed_over"))
    found = found.select_related("draw__claim__pool", "draw__claim__plan_version", "ballot").order_by("-pk")
    for seat in found.defer("draw__eligible"):
        if public_ref(seat.draw.claim) == ref:
            return seat
    raise NotFoundError(_("There is no such page, or it is not yours to see."))


def may_read_brief(seat: JurySeat, at: dt.datetime) -> bool:
    """Tell whether whoever has the seat reads the case now: while the voting is open, and nobody before or after."""
    draw = seat.draw
    is_open = draw.state == "drawn" and draw.closes_at is not None and at < draw.closes_at
    return is_open and seat.state == "seated" and draw.claim.state == "before_jury"


def seats_of(person: User, pool: Pool) -> QuerySet[JurySeat]:
    """Return the seats that the person has or had in this pool, newest first."""
    found = JurySeat.objects.filter(person=person, draw__claim__pool=pool)
    found = found.exclude(state__in=("reserve", "passed_over"))
    return found.select_related("draw__claim__pool", "ballot").defer("draw__eligible").order_by("-pk")


def verdict_of_draw(draw: JuryDraw) -> JuryVerdict | None:
    """Return the verdict, once the voting has closed."""
    return JuryVerdict.objects.filter(draw=draw).first()


@dataclass(frozen=True)
class Brief:
    """What jurors read: both sides, as far as the claimant agreed; empty where not."""

    statement: str
    appeal: str
    reasons: list[tuple[Decision, str, str]]


def brief_of(claim: Claim) -> Brief:
    """Return what the claimant agreed to show to the jurors."""
    case = JuryCase.objects.get(claim=claim)
    made = appeal_of(claim) if case.shows_appeal else None
    decisions = [one for one in decisions_of(claim) if one] if case.shows_reasons else []
    return Brief(
        statement=read_statement(case),
        appeal=read_appeal(made) if made else "",
        reasons=[(one, read_finding(one), read_reason(one)) for one in decisions],
    )


def read_statement(case: JuryCase) -> str:
    """Return what the claimant says to the jurors."""
    return unseal_text(bytes(case.statement_sealed), case.context)


def running_draws() -> QuerySet[JuryDraw]:
    """Return the draws that time takes further."""
    return JuryDraw.objects.filter(state__in=JuryDraw.RUNNING).defer("eligible").order_by("pk")


def waiting_for(person: User) -> list[tuple[JuryDraw, str]]:
    """Return the draws that wait for a person: as a witness to commit or to tell, or as a juror to vote."""
    own = JuryDraw.objects.filter(witnesses__person=person, witnesses__words=None, state="committed")
    seated = JuryDraw.objects.filter(
        drawn__person=person, drawn__state="seated", drawn__ballot=None, state="drawn"
    )
    told = [(draw, "words") for draw in _whole(own)] + [(draw, "vote") for draw in _whole(seated)]
    pools = DutyGrant.objects.filter(person=person, duty__in=WITNESSING, ended_at=None).values("pool")
    called = JuryDraw.objects.filter(claim__pool__in=pools, state="called").exclude(witnesses__person=person)
    return [*((draw, "commit") for draw in _whole(called)), *told]


def _whole(found: QuerySet[JuryDraw]) -> QuerySet[JuryDraw]:
    return found.select_related("claim__pool").defer("eligible").order_by("pk")
