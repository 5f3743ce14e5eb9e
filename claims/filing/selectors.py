"""Reads of claims: whose they are, what they hold, where they stand."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import UnreadableError, unseal_apart, unseal_text
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.lib.templating import in_language
from aidplatform.work.models import AuditEntry
from claims.filing.benefits import NO_FIGURES, Benefit, Figures, age_band, derive
from claims.filing.deputy_sql import OVER
from claims.filing.illnesses import ILLNESSES, OBJECTION, needed_papers
from claims.filing.models import Claim, Evidence
from claims.filing.states import OPEN_TO_CLAIMANT, REFUSED
from ledger.sharing.models import Award, Charge, Period
from members.joining.again import chain_ids
from members.joining.deputies import DECEASED, claims_begin_for, live_deputyships
from members.joining.deputy_models import Deputy
from members.joining.kin import is_near, names_of, near_memberships, people_near, spoken_for
from members.joining.models import CovenantSignature, Membership, MembershipSpan
from members.people.models import User
from members.pools.models import PlanVersion, Pool
from members.pools.plan_terms import PlanTerms


class ErasedError(DomainError):
    """The paper's key was destroyed; its row stays."""

    status = 410
    code = "paper_is_erased"


@dataclass(frozen=True)
class Payee:
    """Who receives the aid, and on which account."""

    name: str
    account: str

    @property
    def masked_account(self) -> str:
        """Return the last four characters only."""
        return f"···· {self.account[-4:]}"


def access_claim(*, user: User, code: str) -> Claim:
    """Return a claim that the person speaks for; absent and somebody else's answer alike. Raises: NotFoundError."""
    claim = (
        Claim.objects.filter(_spoken_for_by(user), code=code)
        .select_related(
            "pool",
            "membership__family_member",
            "membership__person",
            "plan_version",
            "claimant",
            "reviewer",
            "part_of",
        )
        .first()
    )
    if claim is None:
        raise NotFoundError(_("There is no such claim, or it is not yours to see."))
    return claim


def claims_of(user: User) -> QuerySet[Claim]:
    """Return the claims that the person speaks for, newest first."""
    found = Claim.objects.filter(_spoken_for_by(user))
    return found.select_related("pool", "part_of", "membership__person", "plan_version").order_by(
        "-created_at", "-pk"
    )


def _spoken_for_by(user: User) -> Q:
    return Q(membership__in=spoken_for(user)) | _named_for(user)


def _named_for(user: User) -> Q:
    """Return the claims for which members have named the person: as `speaks_for_claim_sql` says."""
    live = live_deputyships(user)
    began = Q(claimant=user, membership__in=live.values("membership"))
    beneficiary = live.filter(kind=Deputy.Kind.BENEFICIARY, membership__end__reason=DECEASED)
    over_before = Q(state__in=OVER, state_since__lt=F("membership__end__recorded_at"))
    return began | Q(membership__in=beneficiary.values("membership")) & ~over_before


def speaks_for(claim: Claim, user: User) -> bool:
    """Tell whether the person acts for the claim.

    Who is covered, their guardian while they have no account, and whom they have named for it. One query at most.
    """
    if user.pk == (claim.membership.person_id or claim.claimant_id):
        return True
    return Claim.objects.filter(_named_for(user), pk=claim.pk).exists()


def speakers_of(claim: Claim) -> list[User]:
    """Return who is told of a claim: whose it is, then whom they have named for it. Two queries at most."""
    first = claim.membership.person or claim.claimant
    live = Deputy.objects.filter(membership=claim.membership_id, state=Deputy.State.LIVE)
    people = [one.person for one in live.select_related("person").order_by("pk")]
    others = {person.pk: person for person in people if person.pk != first.pk}
    return [first, *(person for person in others.values() if speaks_for(claim, person))]


def names_for(user: User, memberships: Iterable[Membership]) -> dict[int, str]:
    """Return the names of those that are not the person's own: children, and members who have named them."""
    of_others = [one for one in memberships if one.person_id != user.pk]
    named = {
        one.pk: in_language(one.person.name, one.person.name_zh) or one.person.code
        for one in of_others
        if one.person is not None
    }
    return named | names_of(of_others)


def is_near_to(claim: Claim, person: User) -> bool:
    """Tell whether a person is near to whose claim it is, or to whom these have named and who has filed it."""
    if is_near(claim.membership, person):
        return True
    own = None if claim.claimant_id == person.pk else _membership_of_named_filer(claim)
    return own is not None and is_near(own, person)


def near_to(person: User) -> Q:
    """Return which claims `is_near_to` is true of, for other reads. Two queries."""
    near = near_memberships(person)
    # Filed by somebody whom the member had named, and whose own membership in the pool is near.
    named = Deputy.objects.filter(membership=OuterRef("membership"), person=OuterRef("claimant"))
    files = Membership.objects.filter(pk__in=near, pool=OuterRef("pool"), person=OuterRef("claimant"))
    return Q(membership__in=near) | (Exists(named) & Exists(files) & ~Q(claimant=F("membership__person")))


def people_near_to(claim: Claim) -> set[int]:
    """Return the ids of everyone with an account of whom `is_near_to` is true."""
    own = _membership_of_named_filer(claim)
    near = people_near(claim.membership)
    return near if own is None else near | people_near(own)


def _membership_of_named_filer(claim: Claim) -> Membership | None:
    """Return the own membership of who has filed for a member that has named them; None: the claim is of others."""
    if claim.claimant_id == claim.membership.person_id:
        return None
    named = Deputy.objects.filter(membership=claim.membership_id, person=claim.claimant_id)
    files = Membership.objects.filter(person=claim.claimant_id, pool=claim.pool_id)
    return files.order_by("-number").first() if named.exists() else None


def concerned_by(claim: Claim) -> set[int | None]:
    """Return the ids of the people whose own claim it is: who filed it and who is covered."""
    return {claim.claimant_id, claim.membership.person_id}


def find_claims_of(user: User, text: str) -> QuerySet[Claim]:
    """Return the person's own claims whose code holds the text, newest first."""
    return claims_of(user).filter(code__icontains=text)


def claimable_memberships(user: User) -> QuerySet[Membership]:
    """Return the memberships for which the person can file a claim.

    Their own, children's without an account, and those of members who have named them.
    """
    named = claims_begin_for(user).values("membership")
    found = Membership.objects.filter(Q(pk__in=spoken_for(user)) | Q(pk__in=named))
    found = found.select_related("pool", "person", "end")
    # Of who has joined again the membership that goes on comes first.
    goes_on = F("end__end_date").desc(nulls_first=True)
    return found.order_by("pool__code", F("person").asc(nulls_last=True), goes_on, "number")


def papers_of(claim: Claim) -> QuerySet[Evidence]:
    """Return the papers that count, without their bytes; those that came with objections are none of them."""
    return claim.papers.filter(removed_at=None).exclude(kind=OBJECTION).defer("sealed").order_by("pk")


def paper_codes(claim: Claim) -> list[str]:
    """Return the codes of the papers that count, in the order in which they came."""
    return list(papers_of(claim).values_list("code", flat=True))


def read_birth(claim: Claim) -> dt.date | None:
    """Return the covered person's birth date; of a child what is known now, while the claim can still be told anew."""
    known = known_birth(claim) if claim.state in OPEN_TO_CLAIMANT else None
    if known is not None:
        return known
    if not claim.birth_sealed:
        return None
    return dt.date.fromisoformat(unseal_text(bytes(claim.birth_sealed), context_of(claim, "birth")))


def known_birth(claim: Claim) -> dt.date | None:
    """Return the birth date of a member whom a guardian has added; of others it is told with the claim."""
    is_added = hasattr(claim.membership, "family_member")
    return claim.membership.birth_date if is_added else None


def read_story(claim: Claim) -> str:
    """Return what the claimant wrote."""
    if claim.story_sealed is None:
        return ""
    return unseal_text(bytes(claim.story_sealed), context_of(claim, "story"))


def read_payee(claim: Claim) -> Payee | None:
    """Return who receives the aid."""
    if not claim.payee_sealed:
        return None
    return Payee(**json.loads(unseal_text(bytes(claim.payee_sealed), context_of(claim, "payee"))))


def read_paper(paper: Evidence) -> bytes:
    """Return a paper's bytes, checked against their hash. Raises: ErasedError, lib.crypto.UnreadableError."""
    if paper.wrapped is None:
        raise ErasedError(
            _("This paper has been erased: its key was destroyed. Nobody can read it any more.")
        )
    data = unseal_apart(bytes(paper.sealed), paper.wrapped, paper.context)
    if hashlib.sha256(data).hexdigest() != paper.sha256:
        raise UnreadableError(f"paper {paper.code} is not what its row says")
    return data


def context_of(claim: Claim, part: str) -> str:
    """Return the place a part of a claim is sealed for."""
    return f"claims.claim:{claim.code}:{part}"


def plan_of_event(pool: Pool, event: dt.date) -> PlanVersion:
    """Return the version in force on the event day; before there was one, the first: its waiting time decides."""
    versions = pool.plan_versions.all()
    found = versions.filter(effective_date__lte=event).order_by("-effective_date").first()
    return found or versions.order_by("effective_date")[0]


def was_covered(membership: Membership, start: dt.datetime, end: dt.datetime) -> bool:
    """Tell whether the membership was covered at any instant of [start, end)."""
    return (
        MembershipSpan.objects.filter(
            pool_id=membership.pool_id, membership_id=membership.pk, from_at__lt=end
        )
        .filter(Q(to_at=None) | Q(to_at__gt=start))
        .exists()
    )


def last_day_to_file(claim: Claim) -> dt.date | None:
    """Return until when a claim that has not been filed is in time; None: no limit, no event told, filed, a part."""
    if claim.event_date is None or claim.filed_at is not None or claim.part_of_id is not None:
        return None
    return plan_of_event(claim.pool, claim.event_date).plan().last_day_to_report(claim.event_date)


def appeal_until(claim: Claim) -> dt.date | None:
    """Return the last day on which a refusal can be appealed against, past days included; None: there is no appeal.

    None also of a claim that is not refused, and of one that was appealed before.
    """
    if claim.state not in REFUSED or claim.is_appeal or claim.plan_version is None:
        return None
    refused_date = clock.day_of(claim.state_since, claim.pool.time_zone)
    return claim.plan_version.plan().last_day_to_appeal(refused_date)


def may_appeal(claim: Claim, today: dt.date) -> bool:
    """Tell whether the claimant may appeal on a day."""
    until = appeal_until(claim)
    return until is not None and today <= until


def jury_until(claim: Claim) -> dt.date | None:
    """Return the last day on which a refusal on appeal can go before the jury, past days included; None: none can."""
    if claim.state != Claim.State.REFUSED_FINALLY or claim.plan_version is None:
        return None
    refused_date = clock.day_of(claim.state_since, claim.pool.time_zone)
    return claim.plan_version.plan().last_day_to_take_to_jury(refused_date)


def derived(
    claim: Claim,
    version: PlanVersion,
    birth: dt.date,
    covered: bool,
    at: dt.datetime,
    spend_fen: int | None = None,
) -> Benefit:
    """Derive the aid of a claim whose event and illness are told; not filed yet, as if it were filed now.

    spend_fen: what reviewers accept of the bills; None: what was told.
    """
    assert claim.event_date is not None
    plan = version.plan()
    reported_at = claim.part_of.filed_at if claim.part_of else claim.filed_at
    return derive(
        plan=plan,
        severity=ILLNESSES[claim.illness].severity,
        birth=birth,
        event=claim.event_date,
        joined=claim.membership.joined_date,
        is_covered=covered,
        earlier_fen=0 if plan.lifetime_cap_fen is None else granted_before(claim),
        filed=clock.day_of(reported_at or at, claim.pool.time_zone),
        proven_age=_proven_age(claim) if plan.waiting_asks_for_age else None,
        waited_since=claim.membership.waiting_since_date,
        figures=_figures(claim, plan, claim.spend_fen if spend_fen is None else spend_fen),
    )


def _figures(claim: Claim, plan: PlanTerms, spend_fen: int | None) -> Figures:
    """Return the figures of the case that the plan asks for."""
    if not (plan.asks_for_spend or plan.case_steps):
        return NO_FIGURES
    return Figures(
        spend_fen=(spend_fen or 0) if plan.asks_for_spend else 0,
        earlier_spend_fen=sum(part.accepted_spend_fen for part in earlier_parts(claim)),
        earlier_aid_fen=sum(part.award.aid_fen for part in earlier_parts(claim)),
        cases_shared=cases_shared(claim) if plan.case_steps else 0,
        is_part=claim.part_of_id is not None,
    )


@dataclass(frozen=True)
class EarlierPart:
    """A part of the same case whose aid is final, with what was accepted of its bills (fen)."""

    code: str
    award: Award
    accepted_spend_fen: int


def earlier_parts(claim: Claim) -> list[EarlierPart]:
    """Return the other parts of a case whose further bills a claim brings; of a first part none."""
    if claim.part_of_id is None:
        return []
    others = (
        Claim.objects.filter(
            Q(pk=claim.part_of_id) | Q(part_of=claim.part_of_id), recommendations__round=F("round")
        )
        .exclude(pk=claim.pk)
        .order_by("pk")
        .values_list("code", "recommendations__accepted_spend_fen")
    )
    accepted = dict(others)
    awards = Award.objects.filter(pool=claim.pool_id, claim_code__in=accepted, rest_of=None).exclude(
        state=Award.State.WITHDRAWN
    )
    found = {award.claim_code: award for award in awards}
    return [EarlierPart(code, found[code], spend or 0) for code, spend in accepted.items() if code in found]


def cases_shared(claim: Claim) -> int:
    """Return how many cases the member had shared before the event day: of periods posted by then.

    A case that was shared in several periods counts once.
    """
    assert claim.event_date is not None
    begin = clock.start_of_day(claim.event_date, claim.pool.time_zone)
    charged = Charge.objects.filter(pool_id=claim.pool_id, membership_id=claim.membership_id)
    shared = Award.objects.filter(
        pool=claim.pool_id,
        state=Award.State.SHARED,
        period__state=Period.State.POSTED,
        period__posted_at__lt=begin,
        period__number__in=charged.values("period_no"),
    )
    return shared.aggregate(cases=Count("claim_code", distinct=True))["cases"] or 0


def asks_for_spend(claim: Claim) -> bool:
    """Tell whether the rules of the event day ask what was spent; before it is told, none do."""
    if claim.event_date is None:
        return False
    return plan_of_event(claim.pool, claim.event_date).plan().asks_for_spend


def pool_asks_for_spend(pool: Pool) -> bool:
    """Tell whether rules of any day ask what was spent: the day of an event may be told together with it."""
    return any(version.plan().asks_for_spend for version in pool.plan_versions.all())


def papers_needed(claim: Claim) -> tuple[str, ...]:
    """Return the kinds of paper that a claim needs; none before its illness is told."""
    if not claim.illness:
        return ()
    spend_fen = claim.spend_fen or 0 if asks_for_spend(claim) else 0
    return needed_papers(claim.illness, spend_fen=spend_fen, is_part=claim.part_of_id is not None)


def granted_before(claim: Claim) -> int:
    """Return what other claims of the member were granted: their awards that stand, and decisions on the way."""
    others = Claim.objects.filter(membership__in=chain_ids(claim.membership_id)).exclude(pk=claim.pk)
    awards = Award.objects.filter(pool=claim.pool_id, claim_code__in=others.values("code"), rest_of=None)
    standing = awards.exclude(state=Award.State.WITHDRAWN)
    revoked = others.filter(state=Claim.State.REVOKED).values("code")
    awarded = standing.exclude(claim_code__in=revoked).aggregate(sum=Sum("aid_fen"))
    # Of aid that was taken back, what was paid before counts: also what was of a rest.
    paid = Award.objects.filter(pool=claim.pool_id, claim_code__in=revoked).aggregate(
        sum=Sum(F("shared_fen") - F("lowered_fen"))
    )
    on_the_way = (
        others.filter(decisions__outcome="approved", decisions__round=F("round"))
        .exclude(state__in=[Claim.State.WITHDRAWN, Claim.State.OVERTURNED])
        .exclude(code__in=standing.values("claim_code"))
        .aggregate(sum=Sum("decisions__aid_fen"))
    )
    return (awarded["sum"] or 0) + (paid["sum"] or 0) + (on_the_way["sum"] or 0)


def lifetime_left(claim: Claim) -> int | None:
    """Return what the claim's plan leaves its member now, over all cases; None: without end."""
    cap_fen = claim.plan_version.plan().lifetime_cap_fen if claim.plan_version else None
    return None if cap_fen is None else max(cap_fen - granted_before(claim), 0)


def _proven_age(claim: Claim) -> int | None:
    """Return the age at joining that was signed; None for who moved in, or signed when nobody asked for it."""
    signed = CovenantSignature.objects.filter(membership=claim.membership_id)
    return signed.values_list("joined_age", flat=True).first()


def face_to_publish(claim: Claim, age: int) -> dict[str, str]:
    """Return what is told of a case, to everyone and to members as widely as five share it; to jurors as it is.

    Band of ages, sex, region, illness, month of the event, and the month of joining.
    """
    assert claim.event_date is not None
    return {
        "age_band": age_band(age),
        "sex": claim.sex,
        "region": claim.region,
        "disease": claim.illness,
        "month": claim.event_date.strftime("%Y-%m"),
        "joined": claim.membership.joined_date.strftime("%Y-%m"),
    }


def history_of(claim: Claim) -> list[AuditEntry]:
    """Return what happened to a claim, oldest first."""
    return list(AuditEntry.objects.filter(subject=claim.code).order_by("pk"))


def as_data(face: dict[str, Any]) -> str:
    """Return the published face as one text, so that a consent can name it."""
    return json.dumps(face, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
