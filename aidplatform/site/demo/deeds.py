"""What the people of a demonstration do, each deed by its service and as somebody who holds the duty for it.

Every deed looks first whether it has been done: done already, it does nothing.
"""

import datetime as dt
import io
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from PIL import Image, ImageDraw
from stdnum import luhn

from aidplatform.lib import clock
from aidplatform.site.demo.bank import next_statement_file
from aidplatform.site.demo.clock import ZONE
from aidplatform.site.demo.people import (
    CAST,
    NEIGHBOR,
    Child,
    born_of,
    card_number,
    cast_member,
    document_of,
)
from claims.filing import parts
from claims.filing import services as filing
from claims.filing.illnesses import BILL, needed_papers
from claims.filing.models import Claim
from claims.filing.selectors import paper_codes
from claims.publicity import services as publicity
from claims.publicity.models import Objection
from claims.review import services as review
from claims.review.models import Outcome
from claims.review.selectors import shown_sha256
from ledger.custody import selectors as custody
from ledger.custody import services as paying
from ledger.custody.mandates import give_mandate, mandates_of, offer_of
from ledger.custody.models import BankAccount, PaymentOrder
from ledger.custody.statement_parts import FileLine
from ledger.leaving.selectors import family_parting_of
from ledger.leaving.services import leave_pool
from ledger.sharing import services as sharing
from ledger.sharing.models import Period
from members.joining import applications, family
from members.joining.models import Membership
from members.joining.rule_answers import agree
from members.joining.selectors import access_membership, end_of
from members.people.identity import Paper, paper_of
from members.people.models import User
from members.pools.models import PlanProposal, Pool
from members.pools.selectors import newest_plan, proposals_of
from members.pools.services import propose_plan, publish_proposal

Work = Callable[[], None]
Deed = Callable[[Work], None]
UNPAID = 0.03
OPERATOR = ("Operator of the demonstration", "6222 0000 0000 9999 01")
REGIONS = ("zhejiang", "sichuan", "guangdong", "henan", "jiangsu", "beijing", "hubei", "shandong")
REASONS = {
    "approved": "The hospital's report establishes the illness after the waiting period; the papers agree.",
    "rejected": "The report names a benign nodule, which the covenant does not list.",
}


def code_of(key: str) -> str:
    """Return the code of one of the cast."""
    return cast_member(key).code


# --- joining ----------------------------------------------------------------------------------------------------


def join(pool: Pool, person: User, number: int, born: dt.date | None = None) -> None:
    """Take a person through the six steps of joining, to the signature. born: else the cast's own day, or any."""
    if Membership.objects.filter(pool=pool, person=person).exists():
        return
    at = clock.now()
    serial = number + 40 * len(pool.code)
    born = next((role.born for role in CAST if role.email == person.email), born or born_of(serial))
    application = applications.start_application(pool=pool, person=person, at=at)
    paper = document_of(person, born, serial)
    known = paper_of(person)
    applications.save_identity(application=application, paper=known or paper, at=at)
    applications.save_consents(application=application, health=True, publication=True, at=at)
    for question in application.plan_version.questions():
        applications.save_answer(application=application, code=question.code, answer=False, at=at)
    applications.save_understood(application=application, at=at)
    applications.save_covenant_read(application=application, at=at)
    applications.sign_covenant(
        application=application,
        signer=person,
        shown_sha256=application.plan_version.covenant_sha256,
        language=person.language,
        at=at,
    )


def add_child(pool: Pool, guardian: User, child: Child) -> None:
    """Let a member add a child: five steps, to the signature as its guardian."""
    at, adult = clock.now(), Membership.objects.select_related("pool").get(pool=pool, person=guardian)
    if any(one.paper.birth_date == child.born for one in family.family_of(adult, at)):
        return
    application = family.start_family(guardian=adult, relation="child", at=at)
    paper = Paper(child.name_zh, child.born, "resident_id", "CN", card_number(child.born, child.number))
    applications.save_identity(application=application, paper=paper, at=at)
    applications.save_consents(application=application, health=True, publication=True, at=at)
    for question in application.plan_version.questions():
        applications.save_answer(application=application, code=question.code, answer=False, at=at)
    applications.save_covenant_read(application=application, at=at)
    family.sign_for_family(
        application=application,
        guardian=adult,
        shown_sha256=application.plan_version.covenant_sha256,
        has_agreed=True,
        language=guardian.language,
        at=at,
    )


# --- claims -----------------------------------------------------------------------------------------------------


def tell(pool: Pool, person: User, illness: str, ends: str, place: int) -> None:
    """Take a claim one day further on its way, as far as the script lets it come.

    place 0: it is filed; 1: it is reviewed; 2: it is decided.
    """
    if place == 0:
        claim = draft_claim(pool, person, illness)
        if ends != "draft" and claim.state == Claim.State.DRAFT:
            file_claim(claim)
        return
    claim = latest_claim(pool, person)
    if ends == "withdrawn":
        if claim.state == Claim.State.FILED:
            publicity.withdraw_claim(claim=claim, claimant=person.code, at=clock.now())
    elif place == 1 and ends not in {"draft", "filed"}:
        _review(claim, ends)
    elif place == 2 and ends not in {"draft", "filed", "under_review", "papers_requested", "recommended"}:
        decide(claim, "rejected" if ends == "rejected" else "approved")


def draft_claim(pool: Pool, person: User, illness: str, spend_fen: int | None = None) -> Claim:
    """Return the person's claim of this illness, or begin one and tell everything but the consent.

    spend_fen: the bills of its treatment, where the plan asks for them.
    """
    found = Claim.objects.filter(pool=pool, claimant=person, illness=illness).order_by("-pk").first()
    return found or _tell_everything(pool, person, illness, spend_fen)


def _tell_everything(pool: Pool, person: User, illness: str, spend_fen: int | None = None) -> Claim:
    """Fill in a claim with all its papers: a new one, or the draft that somebody has begun."""
    membership = Membership.objects.get(pool=pool, person=person)
    paper = paper_of(person)
    assert paper is not None
    claim = filing.start_claim(membership=membership, claimant=person.code, at=clock.now())
    filing.save_draft(
        claim=claim,
        claimant=person.code,
        at=clock.now(),
        event_date=clock.today(ZONE) - dt.timedelta(days=6),
        illness=illness,
        birth_date=paper.birth_date,
        story="It was found at the yearly check-up; the hospital's report is attached.",
        sex="f" if membership.number % 2 else "m",
        region=REGIONS[membership.number % len(REGIONS)],
        payee_name=person.name_zh,
        payee_account=f"6222 0000 5000 {membership.number:04d} {person.pk % 1000:03d}",
        spend_fen=spend_fen,
    )
    papers = needed_papers(illness, spend_fen=spend_fen or 0, is_part=False)
    # Each paper is rewritten by a process of its own: together they take as long as one.
    with ThreadPoolExecutor() as hands:
        list(hands.map(lambda kind: _add_paper(claim, kind), papers))
    return claim


def _add_paper(claim: Claim, kind: str) -> None:
    try:
        data = photograph(claim.code, kind)
        filing.add_evidence(claim=claim, claimant=claim.claimant.code, kind=kind, data=data, at=clock.now())
    finally:
        connection.close()


def file_further_bills(pool: Pool, person: User, spend_fen: int) -> None:
    """File a claim for further bills of the person's case, with one paper for them."""
    claim = latest_claim(pool, person)
    if claim.part_of is not None and claim.state != Claim.State.DRAFT:
        return
    part = parts.start_part(claim=claim, claimant=person.code, at=clock.now())
    filing.save_draft(
        claim=part,
        claimant=person.code,
        at=clock.now(),
        story="The treatment has gone on; its bills are attached.",
        spend_fen=spend_fen,
    )
    if not part.papers.exists():
        _add_paper(part, BILL)
    file_claim(part)


def file_claim(claim: Claim) -> None:
    """File a claim with consent to the face that would be published."""
    claim = _as_stored(claim)
    if filing.what_is_missing(claim):
        claim = _as_stored(_tell_everything(claim.pool, claim.claimant, claim.illness or "cancer_mild"))
    _benefit, face = filing.preview(claim, clock.now())
    filing.file_claim(claim=claim, claimant=claim.claimant.code, shown_face=face, at=clock.now())


def _as_stored(claim: Claim) -> Claim:
    return Claim.objects.select_related("pool", "membership", "claimant").get(pk=claim.pk)


def take_up(claim: Claim) -> None:
    """Let the reviewer take a claim up."""
    review.assign_claim(claim=claim, reviewer=code_of("reviewer"), at=clock.now())


def recommend(claim: Claim, outcome: str = "approved") -> None:
    """Let the reviewer recommend."""
    claim.refresh_from_db()
    review.recommend(
        claim=claim, reviewer=code_of("reviewer"), outcome=outcome, clause="aid", papers=paper_codes(claim),
        aid_fen=(claim.aid_fen or 0) if outcome == Outcome.APPROVED else 0, reason=REASONS[outcome], at=clock.now(),
    )  # fmt: skip


def decide(claim: Claim, outcome: str = "approved") -> None:
    """Let the second reviewer decide as it was recommended; a job publishes an approved case."""
    claim.refresh_from_db()
    if claim.state == Claim.State.RECOMMENDED:
        review.decide(
            claim=claim,
            decider=code_of("second_reviewer"),
            outcome=outcome,
            clause="aid",
            papers=paper_codes(claim),
            reason="I have read the papers and agree.",
            shown_sha256=shown_sha256(claim),
            at=clock.now(),
        )


def _review(claim: Claim, ends: str) -> None:
    if claim.state == Claim.State.FILED:
        take_up(claim)
        claim.refresh_from_db()
    if claim.state != Claim.State.UNDER_REVIEW or ends == "under_review":
        return
    if ends == "papers_requested":
        review.request_papers(
            claim=claim,
            reviewer=code_of("reviewer"),
            kinds=["hospital_record"],
            message="Please send the discharge letter: the report names no date of admission.",
            at=clock.now(),
        )
    else:
        recommend(claim, "rejected" if ends == "rejected" else "approved")


def object_to(pool: Pool, person: User) -> None:
    """Let the neighbor object to a person's case."""
    claim = latest_claim(pool, person)
    if claim.state == Claim.State.IN_PUBLICITY and not claim.objections.exists():
        publicity.object_to_case(
            claim=claim,
            member=code_of(NEIGHBOR),
            reason="I believe this illness was known before the person joined.",
            at=clock.now(),
        )


def answer(pool: Pool, person: User, *, upheld: bool) -> None:
    """Let the reviewer who had no part answer the open objection to a person's case."""
    claim = latest_claim(pool, person)
    objection = claim.objections.filter(state=Objection.State.OPEN).select_related("claim").first()
    if objection is not None:
        publicity.answer_objection(
            objection=objection,
            answerer=code_of("third_reviewer"),
            upheld=upheld,
            answer="An older report was found: it began before joining."
            if upheld
            else "The first report is of this year; nothing earlier was found.",
            at=clock.now(),
        )


def change_rules(pool: Pool) -> None:
    """Let the pool admin propose more aid for milder illnesses and a shorter wait, and the controller publish it."""
    if pool.plan_versions.count() > 1:
        return
    proposal = proposals_of(pool).filter(state="open").first() or _propose(pool)
    publish_proposal(
        proposal=proposal,
        publisher=code_of("controller"),
        shown_sha256=proposal.shown_sha256,
        at=clock.now(),
    )


def _propose(pool: Pool) -> PlanProposal:
    last = newest_plan(pool)
    aid = [
        row | {"max_aid_fen": row["max_aid_fen"] * 3 // 2} if row["severity"] == "mild" else row
        for row in last.terms["aid"]
    ]
    return propose_plan(
        pool=pool,
        base=last.number,
        terms=last.terms | {"aid": aid, "waiting_days": 20},
        covenant=(last.covenant_en, last.covenant_zh),
        declaration=last.declaration,
        effective_date=dt.date(2026, 3, 1),
        reason="A year has shown that milder illnesses cost families more than the aid covers, and that the wait can"
        " be shorter. 一年来的经验表明，轻症家庭的实际花费高于互助金，等待期也可以缩短。",
        proposer=code_of("pool_admin"),
        at=clock.now(),
    )


def answer_rules(pool: Pool, agreeing: Collection[User], leaving: User) -> None:
    """Let some members agree to the coming rules, and one leave before them; the others have not answered yet."""
    version = newest_plan(pool)
    assert version.proposal is not None
    for person in agreeing:
        membership = access_membership(code=pool.code, person=person)
        agree(
            version=version,
            person=person,
            numbers=[membership.number],
            shown_sha256=version.proposal.shown_sha256,
            language=person.language,
            at=clock.now(),
        )
    membership = access_membership(code=pool.code, person=leaving)
    if end_of(membership) is None:
        leave_pool(
            membership=membership,
            leaver=leaving,
            shown_sha256=family_parting_of(membership, clock.now()).shown_sha256,
            at=clock.now(),
        )


def give_mandates(pool: Pool, people: Collection[User]) -> None:
    """Let these members give a mandate, each over an invented card."""
    for person in people:
        membership = access_membership(code=pool.code, person=person)
        offer = offer_of(membership)
        if offer is None or mandates_of(membership).exists():
            continue
        digits = f"62220000{membership.number:08d}"
        give_mandate(
            membership=membership,
            holder_name=person.name,
            account=digits + luhn.calc_check_digit(digits),
            shown_sha256=offer.sha256,
            language=person.language,
            at=clock.now(),
        )


def confirm_receipt(pool: Pool, person: User) -> None:
    """Let the person who was helped say that the money has come."""
    for claim in Claim.objects.filter(pool=pool, claimant=person, state=Claim.State.PAID):
        publicity.confirm_receipt(claim=claim, claimant=person.code, at=clock.now())


def latest_claim(pool: Pool, person: User) -> Claim:
    """Return the person's newest claim."""
    return (
        Claim.objects.filter(pool=pool, claimant=person)
        .select_related("pool", "membership", "claimant")
        .order_by("-pk")[0]
    )


def photograph(code: str, kind: str) -> bytes:
    """Return a JPEG that says what it stands for; each claim and kind its own picture."""
    picture = Image.new("RGB", (840, 594), (250, 248, 240))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((24, 24, 816, 570), outline=(120, 130, 126), width=3)
    draw.text((60, 60), "DEMONSTRATION", fill=(160, 60, 50), font_size=30)
    draw.text((60, 130), kind.replace("_", " ").upper(), fill=(40, 50, 48), font_size=44)
    draw.text((60, 220), f"for claim {code}", fill=(40, 50, 48), font_size=26)
    draw.text((60, 500), "An invented paper of an invented person.", fill=(120, 130, 126), font_size=22)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


# --- periods and money ------------------------------------------------------------------------------------------


def prepare_period(period: Period) -> None:
    """Let the pool admin ask for the dry run of a settled period."""
    period.refresh_from_db()
    if period.state == Period.State.SETTLED:
        sharing.request_computation(period=period, preparer=code_of("pool_admin"))


def approve_period(period: Period) -> None:
    """Let the controller approve the figures of a computed period; the worker posts it."""
    period.refresh_from_db()
    if period.state == Period.State.COMPUTED:
        sharing.approve_period(
            period=period,
            approver=code_of("controller"),
            shown_sha256=period.shown_sha256 or "",
            at=clock.now(),
        )


def share(pool: Pool, work: Work) -> None:
    """Prepare and approve what waits; the worker posts it."""
    for period in pool.periods.exclude(state=Period.State.POSTED).order_by("number"):
        prepare_period(period)
        work()
        approve_period(period)


def import_bank(
    pool: Pool,
    until: dt.date,
    unpaid: float = UNPAID,
    *,
    silent: Collection[int] = (),
    extra: tuple[FileLine, ...] = (),
) -> None:
    """Let the treasurer import the bank's statement up to and without a day, unless it is there.

    unpaid, silent: who pays nothing. extra: what else the bank has booked.
    """
    account = BankAccount.objects.select_related("pool").get(pool=pool)
    last = account.statements.order_by("-number").first()
    if last is not None and last.to_date >= until:
        return
    data = next_statement_file(account, until=until, unpaid=unpaid, silent=silent, extra=extra)
    paying.import_statement(
        account=account,
        data=data,
        filename=f"statement-{until}.csv",
        importer=code_of("treasurer"),
        at=clock.now(),
    )


def pay_out(pool: Pool) -> None:
    """Order and release all aid that can be paid, then the fee that was earned; what is ordered already comes first."""
    for order in pool.payment_orders.filter(state=PaymentOrder.State.ORDERED).order_by("number"):
        release(order)
    for payable in custody.payable_awards(pool):
        if payable.payable_fen:
            release(order_aid(pool, payable))
    for period in pool.periods.filter(state=Period.State.POSTED).order_by("number"):
        fee_fen = custody.payable_fee_fen(period)
        if fee_fen:
            release(
                paying.order_payment(
                    pool=pool,
                    kind=PaymentOrder.Kind.FEE,
                    period=period,
                    amount_fen=fee_fen,
                    payee_name=OPERATOR[0],
                    payee_account=OPERATOR[1],
                    orderer=code_of("treasurer"),
                    at=clock.now(),
                )
            )


def order_aid(pool: Pool, payable: custody.Payable) -> PaymentOrder:
    """Let the treasurer order what can be paid of an award, to the account that its claimant named."""
    return paying.order_payment(
        pool=pool,
        kind=PaymentOrder.Kind.AID,
        award=payable.award,
        amount_fen=payable.payable_fen,
        orderer=code_of("treasurer"),
        at=clock.now(),
    )


def release(order: PaymentOrder) -> None:
    """Let the controller release an order."""
    order.refresh_from_db()
    paying.release_payment(
        order=order, releaser=code_of("controller"), shown_sha256=order.shown_sha256 or "", at=clock.now()
    )
