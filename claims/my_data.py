"""What the claims hold of one person: the claims they told, with every paper, and the objections they raised.

Who reviewed, decided or objected is not named; what they wrote to or about the claimant is handed out.
"""

from collections.abc import Iterator
from dataclasses import asdict

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.crypto import unseal_text
from aidplatform.lib.my_data import Exporter, Row, Table, fields_of
from claims.filing.models import ENDINGS, Claim, Evidence
from claims.filing.selectors import appeal_until, history_of, read_birth, read_paper, read_payee, read_story
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import told as told_of_arbitration
from claims.jury.models import Juror, JuryCase, JurySeat, JuryWitness
from claims.jury.selectors import read_statement
from claims.publicity.objection_selectors import (
    Reader,
    Told,
    objections_in_full,
    papers_kept_back,
    told_to_claimant,
)
from claims.publicity.objection_selectors import told as told_objection
from claims.review.appeals import read_appeal
from claims.review.investigation_models import Investigation
from claims.review.investigation_pages import for_claimant
from claims.review.models import Appeal, Concurrence, Decision, PaperRequest, Recommendation
from claims.review.openings import openings_of
from claims.review.outside_models import OutsideReview
from claims.review.outside_selectors import outside_told
from claims.review.selectors import decision_of, read_reason, read_request
from claims.review.signal_pages import shown
from claims.review.signal_selectors import last_reading, read_mark
from ledger.custody.models import PaymentOrder
from ledger.my_data import payment_row
from ledger.sharing.models import Award
from members.people.models import User


def _mine(person: User, to_claim: str = "") -> Q:
    """Return whose claims they are: who is covered, of a child without an account who has signed for it.

    What somebody has begun for a member who named them is the member's. to_claim: the way there from another table.
    """
    is_covered = Q(**{f"{to_claim}membership__person": person})
    return is_covered | Q(**{f"{to_claim}membership__person": None, f"{to_claim}claimant": person})


def _claims_of(person: User) -> list[Claim]:
    found = Claim.objects.filter(_mine(person))
    return list(
        found.select_related("pool", "plan_version", "part_of", "membership", "claimant").order_by("pk")
    )


def _claims(person: User) -> Iterator[Row]:
    for claim in _claims_of(person):
        payee = read_payee(claim)
        yield {
            "pool": claim.pool.code,
            **fields_of(claim, "code", "state", "event_date", "illness", "severity", "age", "joined_age"),
            "plan_version": claim.plan_version.number if claim.plan_version else None,
            "part_of": claim.part_of.code if claim.part_of else None,
            **fields_of(claim, "spend_fen", "cases_shared", "aid_fen", "derivation", "sex", "region"),
            "birth_date": read_birth(claim),
            "story": read_story(claim),
            "payee": asdict(payee) if payee else None,
            "published": claim.masked,
            **fields_of(
                claim, "consented_at", "consent_sha256", "due_date", "created_at", "filed_at", "state_since"
            ),
            "appeal_until": appeal_until(claim),
        }


def _begun_for_others(person: User) -> Iterator[Row]:
    """Yield the claims that the person began for somebody else, without what is told in them."""
    begun = Claim.objects.filter(claimant=person).exclude(_mine(person)).select_related("pool")
    for claim in begun.order_by("pk"):
        row = fields_of(claim, "code", "state", "created_at", "filed_at")
        yield {"pool": claim.pool.code, **row}


def _papers(person: User) -> Iterator[Row]:
    found = Evidence.objects.filter(_mine(person, "claim__")).defer("sealed").select_related("claim")
    found = found.exclude(code__in=_kept_back(person))
    for paper in found.order_by("pk"):
        row = fields_of(paper, "kind", "media_type", "size", "sha256", "added_at", "removed_at")
        file = _file_name(paper) if paper.wrapped else None
        yield {"claim": paper.claim.code, "file": file, "is_erased": paper.wrapped is None} | row


def _kept_back(person: User) -> set[str]:
    """Return the papers of objections that the person cannot read now, or that two people withhold."""
    objected = Claim.objects.filter(_mine(person), objections__isnull=False).distinct()
    return {code for claim in objected for code in papers_kept_back(claim, clock.now())}


def _openings(person: User) -> Iterator[Row]:
    """Yield who opened papers: the duty and the code under which they act in public, and what for."""
    for claim in _claims_of(person):
        for told in openings_of(claim):
            row = fields_of(told.opening, "opened_at", "duty", "purpose")
            paper = told.opening.paper.code
            yield {"claim": claim.code, "paper": paper, "by": told.opening.opener, **row, "note": told.note}


def _files(person: User) -> Iterator[tuple[str, bytes]]:
    """Yield every paper as it is kept, one in memory at a time."""
    readable = Evidence.objects.filter(_mine(person, "claim__")).exclude(key_wrapped=None)
    readable = readable.exclude(code__in=_kept_back(person))
    wanted = readable.order_by("pk").values_list("pk", flat=True)
    for pk in list(wanted):
        paper = Evidence.objects.select_related("claim").get(pk=pk)
        yield _file_name(paper), read_paper(paper)


def _file_name(paper: Evidence) -> str:
    return f"papers/{paper.claim.code}/{paper.code}.{ENDINGS[paper.media_type]}"


def _requests(person: User) -> Iterator[Row]:
    found = PaperRequest.objects.filter(_mine(person, "claim__")).select_related("claim").order_by("pk")
    for one in found:
        row = fields_of(one, "number", "kinds", "requested_at")
        yield {"claim": one.claim.code, **row, "message": read_request(one)}


def _recommendations(person: User) -> Iterator[Row]:
    """Yield what a first reviewer held right, once a second one has decided."""
    for one in Recommendation.objects.filter(_mine(person, "claim__")).select_related("claim").order_by("pk"):
        if Decision.objects.filter(claim=one.claim, round=one.round).exists():
            row = fields_of(
                one, "round", "outcome", "aid_fen", "accepted_spend_fen", "derivation", "clause", "papers"
            )
            yield {
                "claim": one.claim.code,
                **row,
                "recommended_at": one.recommended_at,
                "reason": read_reason(one),
            }


def _decisions(person: User) -> Iterator[Row]:
    for one in Decision.objects.filter(_mine(person, "claim__")).select_related("claim").order_by("pk"):
        row = fields_of(one, "round", "outcome", "aid_fen", "clause", "papers", "shown_sha256", "decided_at")
        yield {"claim": one.claim.code, **row, "reason": read_reason(one)}


def _is_decided(claim: Claim) -> bool:
    """Tell whether what reviewers noted on the way can be read by the claimant: once somebody has decided."""
    return decision_of(claim) is not None


def _signals(person: User) -> Iterator[Row]:
    """Yield what the newest look at each decided claim found."""
    for claim in filter(_is_decided, _claims_of(person)):
        for one in shown(claim):
            yield {"claim": claim.code, "signal": one.signal, "name": str(one.name), "found": one.text}


def _signal_marks(person: User) -> Iterator[Row]:
    for claim in filter(_is_decided, _claims_of(person)):
        for one in claim.signal_marks.order_by("pk"):
            row = fields_of(one, "signal", "version", "round", "meaning", "marked_at")
            yield {"claim": claim.code, **row, "reason": read_mark(one)}


def _paper_readings(person: User) -> Iterator[Row]:
    """Yield what the reviewer read in the papers last."""
    for claim in filter(_is_decided, _claims_of(person)):
        reading, read_at = last_reading(claim)
        if read_at is not None:
            yield {
                "claim": claim.code,
                "read_at": read_at,
                **reading.__dict__,
                "issued": dict(reading.issued),
            }


def _concurrences(person: User) -> Iterator[Row]:
    """Yield the word of the first of two second reviewers, once the other has decided."""
    for one in Concurrence.objects.filter(_mine(person, "claim__")).select_related("claim").order_by("pk"):
        if Decision.objects.filter(claim=one.claim, round=one.round).exists():
            row = fields_of(
                one, "round", "outcome", "aid_fen", "clause", "papers", "shown_sha256", "agreed_at"
            )
            yield {"claim": one.claim.code, **row, "reason": read_reason(one)}


def _appeals(person: User) -> Iterator[Row]:
    for one in Appeal.objects.filter(_mine(person, "claim__")).select_related("claim").order_by("pk"):
        yield {
            "claim": one.claim.code,
            "round": one.claim.appeal_round,
            "appealed_at": one.appealed_at,
            "reason": read_appeal(one),
        }


def _investigations(person: User) -> Iterator[Row]:
    """Yield what somebody from outside was asked about the person's claims, found, and was answered."""
    for claim in _claims_of(person):
        for told in for_claimant(claim):
            one = told.investigation
            yield {
                "claim": claim.code,
                **fields_of(one, "number", "state", "ordered_at", "until_date", "reported_at", "answered_at"),
                "question": told.question,
                "reason": told.reason,
                "name": told.name,
                "report": told.report,
                "answer": told.answer,
            }


def _investigated(person: User) -> Iterator[Row]:
    """Yield what the person looked into from outside, without whose case it is; their reports are of the claims."""
    for one in Investigation.objects.filter(investigator=person).select_related("claim__pool").order_by("pk"):
        row = fields_of(one, "code", "state", "accepted_at", "until_date", "ended_at", "bill_fen")
        yield {"pool": one.claim.pool.code, **row}


def _arbitrations(person: User) -> Iterator[Row]:
    """Yield how outside arbiters decided the person's claims, and why."""
    found = Arbitration.objects.filter(_mine(person, "claim__")).select_related("claim__plan_version")
    for one in found.order_by("pk"):
        told = told_of_arbitration(one)
        row = fields_of(one, "number", "state", "eligible", "asked_at", "until_date", "outcome", "ended_at")
        yield {"claim": one.claim.code, **row, "name": told.name, "reason": told.reason}


def _arbitrated(person: User) -> Iterator[Row]:
    """Yield what the person took on as an outside arbiter, without whose case it is; the reasons are of the claims."""
    for one in Arbitration.objects.filter(arbiter=person).select_related("claim__pool").order_by("pk"):
        row = fields_of(one, "code", "state", "accepted_at", "until_date", "outcome", "ended_at")
        yield {"pool": one.claim.pool.code, **row}


def _reviewed_from_outside(person: User) -> Iterator[Row]:
    """Yield who looked at the person's claims from outside, and why."""
    for claim in _claims_of(person):
        for one in outside_told(claim):
            row = fields_of(one.review, "code", "stage", "state", "accepted_at", "until_date", "ended_at")
            yield {"claim": claim.code, **row, "name": one.name, "reason": one.reason}


def _outside_reviews(person: User) -> Iterator[Row]:
    """Yield what the person judged from outside, without whose claim it is; the words are the claimant's."""
    for one in OutsideReview.objects.filter(person=person).select_related("claim__pool").order_by("pk"):
        row = fields_of(one, "code", "stage", "state", "accepted_at", "until_date", "ended_at")
        yield {"pool": one.claim.pool.code, **row}


def _jury_cases(person: User) -> Iterator[Row]:
    """Yield what the person told the jurors of their cases, and what these came to."""
    for one in JuryCase.objects.filter(_mine(person, "claim__")).select_related("claim").order_by("pk"):
        draw = one.claim.jury_draws.select_related("verdict").order_by("-stage").first()
        verdict = getattr(draw, "verdict", None)
        row = fields_of(one, "taken_at", "shows_reasons", "shows_appeal")
        outcome = verdict.outcome if verdict else None
        yield {"claim": one.claim.code, **row, "statement": read_statement(one), "verdict": outcome}


def _jury_offers(person: User) -> Iterator[Row]:
    for one in Juror.objects.filter(person=person).select_related("pool", "plan_version").order_by("pk"):
        version = one.plan_version.number
        yield {"pool": one.pool.code, "plan_version": version, **fields_of(one, "offered_at", "ended_at")}


def _jury_seats(person: User) -> Iterator[Row]:
    """Yield the seats that the person was drawn for, with their own vote."""
    found = JurySeat.objects.filter(person=person).select_related("draw__claim__pool", "ballot")
    for one in found.order_by("pk"):
        ballot = getattr(one, "ballot", None)
        row = fields_of(one, "number", "index", "state")
        vote = unseal_text(bytes(ballot.vote_sealed), ballot.context).partition(":")[2] if ballot else None
        cast_at = ballot.cast_at if ballot else None
        yield {"pool": one.draw.claim.pool.code, **row, "cast_at": cast_at, "vote": vote}


def _jury_words(person: User) -> Iterator[Row]:
    found = JuryWitness.objects.filter(person=person).select_related("draw__claim__pool").order_by("pk")
    for one in found:
        row = fields_of(one, "role", "committed_at", "words", "told_at")
        yield {"pool": one.draw.claim.pool.code, **row}


def _objections(person: User) -> Iterator[Row]:
    """Yield the objections to the person's claims as they are told of them: what others wrote is about the claim."""
    for claim in Claim.objects.filter(_mine(person), objections__isnull=False).distinct().order_by("pk"):
        for one in told_to_claimant(claim, clock.now()):
            yield {"claim": claim.code} | _objection(one)


def _raised(person: User) -> Iterator[Row]:
    """Yield the objections that the person raised, as they wrote them."""
    cases = Claim.objects.filter(objections__member=person.code).select_related("pool").distinct()
    for claim in cases.order_by("pk"):
        for one in objections_in_full(claim).filter(member=person.code):
            yield {"pool": claim.pool.code} | _objection(told_objection(one, Reader.WRITER, clock.now()))


def _objection(one: Told) -> Row:
    """Return an objection as whoever gets their data is told of it."""
    row = fields_of(one.objection, "number", "raised_at", "state", "answered_at")
    return row | {
        "waits_until": one.waits_until,
        "reason": one.reason,
        "taken_out": [redaction.ground for redaction in one.taken_out],
        "papers": [{"paper": paper.paper.paper.code, "state": paper.state} for paper in one.papers],
        "reply": one.reply,
        "answer": one.answer,
    }


def _awards_of(person: User) -> list[Award]:
    codes = Claim.objects.filter(_mine(person)).values_list("code", flat=True)
    return list(
        Award.objects.filter(claim_code__in=list(codes)).select_related("pool", "period").order_by("pk")
    )


def _awards(person: User) -> Iterator[Row]:
    for award in _awards_of(person):
        yield {
            "claim": award.claim_code,
            "case": award.code,
            "period": award.period.number if award.period else None,
            **fields_of(award, "state", "aid_fen", "shared_fen", "lowered_fen", "announced_at"),
        }


def _payments(person: User) -> Iterator[Row]:
    found = PaymentOrder.objects.filter(award__in=_awards_of(person)).select_related("pool", "award")
    for order in found.order_by("pk"):
        yield {"case": order.award.code if order.award else None} | payment_row(order)


def _history(person: User) -> Iterator[Row]:
    """Yield what was done with each claim and who opened it: the person, or somebody on duty."""
    for claim in _claims_of(person):
        for line in history_of(claim):
            began = line.actor == claim.claimant.code
            by = "you" if line.actor == person.code else "who began it" if began else "staff or service"
            yield {"claim": claim.code, "at": line.at, "action": line.action, "by": by}


EXPORTER = Exporter(
    tables=(
        Table("claims", _("Your claims, with what you told and what was published."), _claims),
        Table("claims_for_others", _("Claims that you began for somebody else."), _begun_for_others),
        Table("papers", _("The papers of your claims; the files themselves lie beside this list."), _papers),
        Table("paper_openings", _("Who opened your papers, when and for what."), _openings),
        Table("paper_requests", _("What reviewers asked you for."), _requests),
        Table(
            "recommendations", _("What first reviewers held right, once it was decided."), _recommendations
        ),
        Table("agreements", _("What the first of two second reviewers held right."), _concurrences),
        Table("decisions", _("Decisions on your claims, with their reasons."), _decisions),
        Table("signals", _("What looked worth a second look in your claims, once it was decided."), _signals),
        Table("signal_marks", _("What reviewers said of that."), _signal_marks),
        Table("paper_readings", _("What reviewers noted from your papers."), _paper_readings),
        Table("investigations", _("What was looked into from outside in your claims."), _investigations),
        Table("investigated", _("What you looked into from outside."), _investigated),
        Table("appeals", _("Your appeals against refusals, and why you made them."), _appeals),
        Table("jury_cases", _("What you told the jurors of your cases."), _jury_cases),
        Table("arbitrations", _("How outside arbiters decided your claims, and why."), _arbitrations),
        Table("arbitrated", _("What you decided as an outside arbiter."), _arbitrated),
        Table(
            "outside_reviews", _("Who looked at your claims from outside, and why."), _reviewed_from_outside
        ),
        Table("reviewed_outside", _("What you judged as an outside reviewer."), _outside_reviews),
        Table("jury_offers", _("Your offers to be a juror."), _jury_offers),
        Table("jury_seats", _("The seats that you were drawn for, with your own vote."), _jury_seats),
        Table("jury_words", _("The words that you gave as a witness of draws."), _jury_words),
        Table("objections", _("Objections to your cases, without who raised them."), _objections),
        Table("objections_raised", _("Objections you raised, without whose case it is."), _raised),
        Table("awards", _("What your claims were granted, and what was shared of it."), _awards),
        Table("payments", _("Payments of aid to the account you named."), _payments),
        Table("history", _("What was done with your claims, and when somebody opened them."), _history),
    ),
    exported={
        "claims.Claim.claimant": "claims",
        "claims.Claim.membership": "claims",
        "claims.Claim.part_of": "claims",
        "claims.Evidence.claim": "papers",
        "claims.PaperRequest.claim": "paper_requests",
        "claims.Recommendation.claim": "recommendations",
        "claims.Decision.claim": "decisions",
        "claims.Concurrence.claim": "agreements",
        "claims.Appeal.claim": "appeals",
        "claims.Investigation.claim": "investigations",
        "claims.Investigation.investigator": "investigated",
        "claims.SignalRun.claim": "signals",
        "claims.SignalMark.claim": "signal_marks",
        "claims.PaperReading.claim": "paper_readings",
        "claims.Objection.claim": "objections",
        "claims.JuryCase.claim": "jury_cases",
        "claims.Arbitration.claim": "arbitrations",
        "claims.Arbitration.arbiter": "arbitrated",
        "claims.OutsideReview.claim": "outside_reviews",
        "claims.OutsideReview.person": "reviewed_outside",
        "claims.Juror.person": "jury_offers",
        "claims.JurySeat.person": "jury_seats",
        "claims.JuryWitness.person": "jury_words",
    },
    left_out={
        "claims.JuryDraw.claim": "a draw is published, without whose case it is",
        "claims.Claim.reviewer": "the claim is the claimant's; what a reviewer did is among the deeds",
        "claims.Withdrawal.claim": "of a recommendation that nobody acted on",
        "claims.ReviewNote.claim": "what reviewers note for each other before they judge",
        "claims.BlindReview.claim": "it measures reviewers and changes nothing of the claim",
    },
    files=_files,
)
