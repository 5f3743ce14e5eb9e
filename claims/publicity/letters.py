"""The letter of a decision: what was decided, by which clause and papers, why, and what can be done now.

Made from the facts of the decision alone, so that it says the same whenever it is read, and as PDF has the same bytes.
It names nobody who judged.
"""

import datetime as dt
from dataclasses import dataclass
from html.parser import HTMLParser

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from aidplatform.lib import clock
from aidplatform.lib.dates import format_day
from aidplatform.lib.errors import NotFoundError
from aidplatform.lib.money import format_money
from aidplatform.lib.pdf import Sheet
from aidplatform.lib.templating import in_language
from claims.filing.models import Claim
from claims.filing.views import in_words
from claims.filing.words import EVERY_KIND
from claims.review.clauses import clause_text
from claims.review.models import Decision, Outcome
from claims.review.selectors import cited_papers, concurrence_of, read_reason, recommendation_of
from ledger.sharing.faces import DISEASES

_WIDTHS_MM = (55, 20, 95)


@dataclass(frozen=True)
class Letter:
    """A letter in one language.

    facts: terms and what they are. rows: how the aid comes about. parts: texts by heading.
    """

    title: str
    facts: list[tuple[str, str]]
    rows: list[list[str]]
    parts: list[tuple[str, list[str]]]
    foot: str
    at: dt.datetime


def access_decision(*, claim: Claim, round_no: int) -> Decision:
    """Return a decision that the claimant was told; they hear of no return. Raises: NotFoundError."""
    found = claim.decisions.exclude(outcome=Outcome.RETURNED).filter(round=round_no).first()
    if found is None:
        raise NotFoundError(_("There is no such letter."))
    return found


def letter_in(decision: Decision, language: str) -> Letter:
    """Return the letter in one language. Raises: NotFoundError for one that is none of ours."""
    if language not in dict(settings.LANGUAGES):
        raise NotFoundError(_("There is no such letter."))
    with override(language):
        return _letter(decision)


def letter_pdf(decision: Decision, language: str) -> bytes:
    """Return the letter as PDF. Raises: NotFoundError."""
    letter = letter_in(decision, language)
    with override(language):
        sheet = Sheet(title=letter.title, language=language, at=letter.at, foot=letter.foot)
        sheet.facts(letter.facts)
        sheet.heading(_("How the aid comes about"), 2)
        for cells in letter.rows:
            sheet.row(cells, _WIDTHS_MM)
        for heading, paragraphs in letter.parts:
            sheet.heading(heading, 2)
            for text in paragraphs:
                sheet.paragraph(text)
        sheet.paragraph(_ending(), is_small=True)
        return sheet.content()


def _letter(decision: Decision) -> Letter:
    claim, pool = decision.claim, decision.claim.pool
    advised = recommendation_of(claim, decision.round)
    agreed = concurrence_of(claim, decision.round)
    steps = (advised and advised.derivation) or claim.derivation or []
    return Letter(
        title=_("Decision on claim %(claim)s") % {"claim": claim.code},
        facts=_facts(decision),
        rows=_cells_of(
            render_to_string("claims/filing/_derivation.html", {"derivation": in_words(steps), "pool": pool})
        ),
        parts=[
            (_("The clause"), [str(decision.get_clause_display()), *_clause(decision)]),
            (_("Papers on which it rests"), _papers(decision)),
            (_("What the first reviewer found"), _lines(read_reason(advised) if advised else "")),
            *([(_("Reason of another second reviewer"), _lines(read_reason(agreed)))] if agreed else []),
            (_("Reason of the second reviewer"), _lines(read_reason(decision))),
            (_("What you can do now"), _ways_on(decision)),
        ],
        foot=f"{pool.code} · {claim.code} · {decision.shown_sha256[:16]}",
        at=decision.decided_at,
    )


def _facts(decision: Decision) -> list[tuple[str, str]]:
    claim, pool = decision.claim, decision.claim.pool
    filed_at = claim.filed_at or decision.decided_at
    version = str(claim.plan_version.number) if claim.plan_version else "–"
    return [
        (_("Pool"), in_language(pool.name_en, pool.name_zh)),
        (_("Member"), str(claim.membership.number)),
        (_("Illness"), str(DISEASES[claim.illness])),
        (_("Began on"), str(claim.event_date)),
        (_("Filed"), str(clock.day_of(filed_at, pool.time_zone))),
        (_("Plan version in force on that day"), version),
        (_("Decided"), str(clock.day_of(decision.decided_at, pool.time_zone))),
        (_("Outcome"), str(decision.get_outcome_display())),
        (_("Aid"), format_money(decision.aid_fen, pool.currency)),
        (_("Fingerprint of what was decided on"), decision.shown_sha256),
    ]


def _clause(decision: Decision) -> list[str]:
    """Return the text of the clause in the covenant of the event day."""
    version = decision.claim.plan_version
    return (
        clause_text(in_language(version.covenant_en, version.covenant_zh), decision.clause) if version else []
    )


def _papers(decision: Decision) -> list[str]:
    """Return each cited paper: its kind, the day on which it came, and the beginning of its hash."""
    zone = decision.claim.pool.time_zone
    told = [
        f"{EVERY_KIND[paper.kind]}, {clock.day_of(paper.added_at, zone)}, SHA-256 {paper.sha256[:16]}…"
        for paper in cited_papers(decision)
    ]
    return told or [_("None is cited.")]


def _ways_on(decision: Decision) -> list[str]:
    """Return what the claimant can do, as it was on the day of the decision."""
    claim = decision.claim
    if decision.outcome == Outcome.APPROVED:
        return [
            _(
                "The case is published in the form to which you have agreed. Until its publicity ends members can"
                " object; somebody who had no part in the decision answers, and you are told. You need do nothing."
            ),
            _("Until the aid is final you can take the claim back on its page."),
        ]
    courts = _("The courts stay open to you.")
    on_appeal = claim.appeal_round is not None and decision.round >= claim.appeal_round
    plan = claim.plan_version.plan() if claim.plan_version else None
    decided_date = clock.day_of(decision.decided_at, claim.pool.time_zone)
    until = plan.last_day_to_appeal(decided_date) if plan else None
    told = []
    if on_appeal:
        told.append(_("This was decided on your appeal. Inside the pool it is final."))
    elif until is None:
        told.append(_("The rules of this case know no appeal."))
    else:
        told.append(
            _(
                "You can appeal until %(day)s, once and free of charge, on the page of the claim: two people who had no"
                " part in the case look at it anew. You can add papers."
            )
            % {"day": format_day(until)}
        )
    if claim.plan_version and "jury" in claim.plan_version.terms:
        told.append(_("The plan knows a jury of members; the page of the claim says how it is called."))
    address = settings.PUBLIC_URL + reverse("claim", args=[claim.code])
    return [*told, courts, _("The page of the claim: %(address)s") % {"address": address}]


def _ending() -> str:
    return _(
        "Two people decided, apart from each other. They are not named, and neither of them is near to you."
    )


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


class _Cells(HTMLParser):
    """Collects the cells of the rows of a table's body, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._is_body = self._is_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row or a cell."""
        self._is_body = self._is_body or tag == "tbody"
        if self._is_body and tag == "tr":
            self.rows.append([])
        if self._is_body and tag in {"td", "th"}:
            self.rows[-1].append("")
            self._is_cell = True

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        self._is_cell = self._is_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        """Take the text of a cell."""
        if self._is_cell:
            self.rows[-1][-1] += data


def _cells_of(html: str) -> list[list[str]]:
    """Return question, answer and what was found of each step of a derivation, as the pages say them."""
    parser = _Cells()
    parser.feed(html)
    return [[" ".join(cell.split()) for cell in row[: len(_WIDTHS_MM)]] for row in parser.rows]


def letter_languages() -> list[tuple[str, str]]:
    """Return the languages in which there are letters, by code and name."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]
