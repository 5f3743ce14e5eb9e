"""Looks at built claims: what the application finds out by itself, what a reviewer reads, and what never follows."""

import ast
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image, ImageDraw

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import EVENT, ClaimCases, photograph
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import run_jobs
from claims.filing import services as filing
from claims.filing.models import Claim
from claims.filing.selectors import paper_codes
from claims.review import services as review
from claims.review import signal_services as services
from claims.review.readings import Reading, folded
from claims.review.signal_models import PageHash, PaperReading, SignalMark
from claims.review.signal_selectors import features_of, last_run, precision, read_details
from claims.review.signal_sql import MOST_ALIKE
from claims.review.signal_words import sentence
from members.joining import payers
from members.joining.models import Membership
from members.people.models import User

ROOM = Path(__file__).resolve().parents[1]


def page(words: int, *, quality: int = 90, size: tuple[int, int] = (620, 877)) -> bytes:
    """Return a form with boxes; another number fills it otherwise, quality and size only photograph it otherwise."""
    image = Image.new("L", (620, 877), 250)
    draw = ImageDraw.Draw(image)
    draw.rectangle((150, 40, 470, 80), fill=30)
    state = words * 2654435761 % 2**32
    for row in range(36):
        for column in range(10):
            state = (state * 1103515245 + 12345) % 2**31
            if state >> 16 & 1:
                draw.rectangle((30 + column * 56, 110 + row * 20, 80 + column * 56, 122 + row * 20), fill=40)
    out = io.BytesIO()
    image.resize(size).save(out, "JPEG", quality=quality)
    return out.getvalue()


def another_claim(
    cases: ClaimCases,
    person: User,
    *,
    papers: list[bytes],
    account: str = "6222 9999 0000 1111",
    name: str = "Wang Wei",
) -> Claim:
    """File a claim of a member with an account, with these papers as diagnosis, pathology and hospital record."""
    claim = filing.start_claim(
        membership=Membership.objects.get(person=person, pool=cases.world.pool),
        claimant=person.code,
        at=clock.now(),
    )
    filing.save_draft(
        claim=claim,
        claimant=person.code,
        at=clock.now(),
        event_date=EVENT,
        illness="thyroid_cancer",
        birth_date=dt.date(1985, 1, 1),
        story="It was found.",
        sex="m",
        region="zhejiang",
        payee_name=name,
        payee_account=account,
    )
    kinds = ["diagnosis", "pathology", "hospital_record"]
    for kind, data in [("identity", photograph(77)), *zip(kinds, papers, strict=False)]:
        filing.add_evidence(claim=claim, claimant=person.code, kind=kind, data=data, at=clock.now())
    claim.refresh_from_db()
    _benefit, face = filing.preview(claim, clock.now())
    return filing.file_claim(claim=claim, claimant=person.code, shown_face=face, at=clock.now())


def found(claim: Claim) -> dict[str, Any]:
    run_jobs()
    run = last_run(claim)
    assert run is not None
    return dict(read_details(run))


def note(cases: ClaimCases, claim: Claim, **told: Any) -> PaperReading:
    return services.note_reading(
        claim=claim, reviewer=cases.reviewer.code, reading=Reading(**told), at=clock.now()
    )


def mark(cases: ClaimCases, claim: Claim, signal: str, meaning: str = "explained") -> SignalMark:
    return services.mark_signal(
        claim=claim,
        reviewer=cases.reviewer.code,
        signal=signal,
        meaning=meaning,
        reason="Her husband's account.",
        at=clock.now(),
    )


def test_filing_orders_a_look_that_a_job_takes(cases: ClaimCases) -> None:
    claim = cases.filed()
    assert last_run(claim) is None
    assert found(claim) == {"soon_after_waiting": {"days": 32}}
    run = last_run(claim)
    assert run is not None
    assert (run.number, run.version, run.route, run.points) == (1, 1, "nothing", 30)
    assert (
        sentence("soon_after_waiting", {"days": 32})
        == "It began 32 days after the end of the waiting period."
    )


def test_look_that_finds_the_same_writes_nothing(cases: ClaimCases) -> None:
    claim = cases.filed()
    found(claim)
    assert services.find_signals(claim=claim, pages=[], at=clock.now()) is None
    assert claim.signal_runs.count() == 1


def test_look_moves_no_claim(cases: ClaimCases) -> None:
    claim = cases.under_review()
    before = Claim.objects.filter(pk=claim.pk).values().get()
    note(cases, claim, symptom_date=dt.date(2020, 1, 1), has_earlier_illness=True)
    details = found(claim)
    run = last_run(claim)
    assert run is not None
    assert run.route == "visit"
    assert {"before_cover", "earlier_illness"} <= set(details)
    mark(cases, claim, "earlier_illness", "confirmed")
    assert Claim.objects.filter(pk=claim.pk).values().get() == before
    assert not claim.recommendations.exists()
    assert not claim.decisions.exists()


def test_code_of_signals_names_no_deed_that_moves_a_claim() -> None:
    """Whoever adds such a call has to take this sentence out first: a signal decides nothing."""
    deeds = {
        "step_claim",
        "recommend",
        "decide",
        "request_papers",
        "assign_claim",
        "appeal",
        "withdraw_claim",
    }
    for path in [*ROOM.glob("signal*.py"), ROOM / "tasks.py"]:
        names = {
            node.attr if isinstance(node, ast.Attribute) else node.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Name | ast.Attribute)
        }
        assert not names & deeds, path.name


def test_same_account_and_file_of_other_people_are_found(cases: ClaimCases) -> None:
    mine = cases.filed()
    assert "same_account" not in found(mine)
    other = another_claim(
        cases, cases.neighbor, papers=[photograph(20), page(3)], account="6222 0000 1111 2222"
    )
    details = found(other)
    assert details["same_account"] == {"count": 1}
    assert details["same_file"] == {"count": 1}


def test_family_may_share_account_and_files(cases: ClaimCases) -> None:
    cases.filed()
    other = another_claim(
        cases, cases.neighbor, papers=[photograph(20), page(3)], account="6222 0000 1111 2222"
    )
    assert features_of(other, clock.now()).same_account == 1
    link = payers.ask_payer(membership=cases.membership, payer_number=other.membership.number, at=clock.now())
    payers.accept_link(link=link, person=cases.neighbor)
    features = features_of(other, clock.now())
    assert (features.same_account, features.same_file) == (0, 0)


def test_claim_is_looked_at_again_when_it_is_taken_up(cases: ClaimCases) -> None:
    """What came in after it was filed may throw another light on it."""
    claim = cases.filed()
    assert "same_account" not in found(claim)
    another_claim(cases, cases.neighbor, papers=[page(1), page(2)], account="6222 0000 1111 2222")
    review.assign_claim(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    assert found(claim)["same_account"] == {"count": 1}


def test_photographs_of_one_page_are_near_and_other_forms_are_not(cases: ClaimCases) -> None:
    cases.filed()
    first = another_claim(cases, cases.neighbor, papers=[page(1), page(2)])
    details = found(first)
    assert "similar_page" not in details
    hashes = list(PageHash.objects.filter(evidence__claim=first).values_list("bits", flat=True))
    assert len(hashes) == 2
    assert not PageHash.objects.filter(evidence__kind="identity").exists()

    again = cases.draft()
    filing.add_evidence(
        claim=again,
        claimant=cases.claimant.code,
        kind="diagnosis",
        data=page(1, quality=60, size=(700, 990)),
        at=clock.now(),
    )
    filing.add_evidence(
        claim=again, claimant=cases.claimant.code, kind="pathology", data=page(9), at=clock.now()
    )
    claim = cases.file(again)
    details = found(claim)
    assert details["similar_page"] == {"count": 1}
    assert "same_file" not in details


def test_page_that_looks_like_many_is_a_form(cases: ClaimCases) -> None:
    claim = another_claim(cases, cases.neighbor, papers=[page(1, quality=60), page(2)])
    run_jobs()
    bits = PageHash.objects.filter(evidence__claim=claim, evidence__kind="diagnosis").get().bits
    for count in range(1, MOST_ALIKE + 2):
        other = cases.filed()
        paper = other.papers.get(kind="diagnosis")
        PageHash.objects.create(evidence=paper, page=1, bits=bits)
        expected = count if count <= MOST_ALIKE else 0
        assert features_of(claim, clock.now()).similar_page == expected


def test_reading_is_sealed_and_looked_at_by_a_job(cases: ClaimCases) -> None:
    claim = cases.under_review()
    noted = note(
        cases,
        claim,
        hospital="First People's Hospital",
        doctor="Dr. Sun",
        report_no="BL-2026/0815",
        symptom_date=dt.date(2026, 1, 20),
        diagnosis_date=EVENT,
        issued=(("pathology", dt.date(2026, 1, 2)),),
        has_earlier_illness=True,
    )
    assert b"Sun" not in bytes(noted.content_sealed)
    details = found(claim)
    assert details["before_cover"] == {"days": 72, "since": "eligible"}
    assert details["dates_out_of_order"] == {"count": 1}
    assert "earlier_illness" in details
    run = last_run(claim)
    assert run is not None
    assert b"days" not in bytes(run.details_sealed)
    assert run.route == "visit"


def test_report_number_is_found_in_whatever_way_it_is_written(cases: ClaimCases) -> None:
    claim = cases.under_review()
    note(cases, claim, report_no="BL-2026/0815")
    other = another_claim(cases, cases.neighbor, papers=[page(1), page(2)])
    other = review.assign_claim(claim=other, reviewer=cases.reviewer.code, at=clock.now())
    note(cases, other, report_no="bl 2026 0815")
    assert found(other)["same_report"] == {"count": 1}
    assert folded("Dr. Sun") == folded("dr sun")


def test_newest_reading_counts(cases: ClaimCases) -> None:
    claim = cases.under_review()
    run_jobs()
    note(cases, claim, has_earlier_illness=True)
    assert "earlier_illness" in found(claim)
    note(cases, claim, has_earlier_illness=False)
    assert "earlier_illness" not in found(claim)
    assert claim.signal_runs.count() == 3


def test_account_changed_after_filing_is_found(cases: ClaimCases) -> None:
    claim = cases.under_review()
    assert "account_changed" not in found(claim)
    review.request_papers(
        claim=claim, reviewer=cases.reviewer.code, kinds=["other"], message="Please.", at=clock.now()
    )
    claim.refresh_from_db()
    filing.save_draft(
        claim=claim,
        claimant=cases.claimant.code,
        payee_name="Li Na",
        payee_account="6222 5555 5555 5555",
        at=clock.now(),
    )
    claim.refresh_from_db()
    cases.file(claim)
    assert "account_changed" in found(claim)


def test_objection_is_a_signal_once_it_is_open(cases: ClaimCases) -> None:
    claim, _objection = cases.objected()
    assert found(claim)["objections"] == {"count": 1}


def test_other_claims_of_the_member_count(cases: ClaimCases) -> None:
    first = cases.filed()
    assert "several_claims" not in found(first)
    second = cases.filed()
    assert found(second)["several_claims"] == {"count": 1, "what": "same"}


def test_features_take_as_many_statements_whatever_the_pool_holds(
    cases: ClaimCases, count_of: Callable[[Callable[[], object]], int]
) -> None:
    claim = cases.under_review()
    note(cases, claim, hospital="First", report_no="1")
    features_of(claim, clock.now())
    alone = count_of(lambda: features_of(claim, clock.now()))
    other = another_claim(cases, cases.neighbor, papers=[page(1), page(2)], account="6222 0000 1111 2222")
    review.assign_claim(claim=other, reviewer=cases.reviewer.code, at=clock.now())
    other.refresh_from_db()
    note(cases, other, hospital="First", report_no="1")
    cases.filed()
    run_jobs()
    assert features_of(claim, clock.now()).same_report == 1
    assert count_of(lambda: features_of(claim, clock.now())) == alone


@pytest.fixture
def count_of() -> Callable[[Callable[[], object]], int]:
    def count(act: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as captured:
            act()
        return len(captured)

    return count


def test_only_the_reviewer_in_charge_notes_and_marks(cases: ClaimCases) -> None:
    claim = cases.under_review()
    found(claim)
    for person in (cases.second, cases.claimant, cases.world.admin):
        with pytest.raises(review.ForbiddenError):
            services.note_reading(claim=claim, reviewer=person.code, reading=Reading(), at=clock.now())
    with pytest.raises(services.NotShownError):
        mark(cases, claim, "same_file")
    mark(cases, claim, "soon_after_waiting")
    with pytest.raises(services.AlreadyMarkedError):
        mark(cases, claim, "soon_after_waiting", "confirmed")


def test_signals_are_noted_by_the_reviewer(cases: ClaimCases) -> None:
    claim = cases.under_review()
    found(claim)
    for code, round_no in ((cases.second.code, 1), ("P-NOBODY", 1), (cases.reviewer.code, 2)):
        with refused("signals_are_noted_by_the_reviewer"):
            _insert_reading(claim, read_by=code, round=round_no)
        with refused("signals_are_noted_by_the_reviewer"):
            _insert_mark(claim, marked_by=code, round=round_no)
    _insert_reading(claim, read_by=cases.reviewer.code)
    review.recommend(
        claim=claim,
        reviewer=cases.reviewer.code,
        outcome="approved",
        aid_fen=5_000_000,
        clause="aid",
        reason="It is so.",
        papers=paper_codes(claim),
        at=clock.now(),
    )
    with refused("signals_are_noted_by_the_reviewer"):
        _insert_reading(claim, read_by=cases.reviewer.code, number=2)


def test_signal_mark_is_of_what_was_shown(cases: ClaimCases) -> None:
    claim = cases.under_review()
    by = cases.reviewer.code
    with refused("signal_mark_is_of_what_was_shown"):
        _insert_mark(claim, marked_by=by)
    found(claim)
    for columns in ({"signal": "same_file"}, {"version": 2}):
        with refused("signal_mark_is_of_what_was_shown"):
            _insert_mark(claim, marked_by=by, **columns)
    with refused("signal_mark_has_a_meaning"):
        _insert_mark(claim, marked_by=by, meaning="fraud")
    _insert_mark(claim, marked_by=by)
    with refused("one_mark_per_signal_and_round"):
        _insert_mark(claim, marked_by=by, meaning="confirmed")


@pytest.mark.parametrize("route", ["rejected", "approved", "", "refuse"])
def test_signals_suggest_no_outcome(cases: ClaimCases, route: str) -> None:
    claim = cases.filed()
    with refused("signals_suggest_no_outcome"):
        run(
            "INSERT INTO claims_signalrun (claim_id, number, version, findings, details_sealed,"
            " points, route, found_at) VALUES (%s, 1, 1, '[]', 'x', 0, %s, now())",
            claim.pk,
            route,
        )


def test_page_hash_has_its_bits(cases: ClaimCases) -> None:
    paper = cases.filed().papers.all()[0]
    for bits in ("", "0" * 63, "g" * 64):
        with refused("page_hash_has_its_bits"):
            run("INSERT INTO claims_pagehash (evidence_id, page, bits) VALUES (%s, 1, %s)", paper.pk, bits)


FACTS = {
    "claims_paperreading": "paper_reading_is_permanent",
    "claims_pagehash": "page_hash_is_permanent",
    "claims_signalrun": "signal_run_is_permanent",
    "claims_signalmark": "signal_mark_is_permanent",
}


@pytest.mark.parametrize("table", FACTS)
def test_what_was_found_and_noted_is_permanent(cases: ClaimCases, table: str) -> None:
    claim = cases.under_review()
    found(claim)
    with not_permitted():
        run(f"UPDATE {table} SET id = id")
    with not_permitted():
        run(f"DELETE FROM {table}")


def test_precision_counts_claims_and_what_reviewers_said(cases: ClaimCases) -> None:
    claim = cases.under_review()
    found(claim)
    mark(cases, claim, "soon_after_waiting")
    other = another_claim(cases, cases.neighbor, papers=[page(1), page(2)])
    other = review.assign_claim(claim=other, reviewer=cases.reviewer.code, at=clock.now())
    found(other)
    mark(cases, other, "soon_after_waiting", "confirmed")
    note(cases, other, hospital="First")
    found(other)
    row = next(one for one in precision(cases.world.pool) if one.signal == "soon_after_waiting")
    assert (row.shown, row.explained, row.confirmed, row.confirmed_per_mille) == (2, 1, 1, 500)
    assert row.base_rate == 90
    assert all(one.shown == 0 for one in precision(cases.world.pool) if one.signal == "objections")


def _insert_reading(claim: Claim, **columns: Any) -> None:
    row = {
        "claim_id": claim.pk,
        "number": 1,
        "round": 1,
        "content_sealed": b"x",
        "read_by": "P-NOBODY",
        "read_at": "2026-05-20T00:00:00Z",
        **columns,
    }
    _insert("claims_paperreading", row)


def _insert_mark(claim: Claim, **columns: Any) -> None:
    row = {
        "claim_id": claim.pk,
        "signal": "soon_after_waiting",
        "version": 1,
        "round": 1,
        "meaning": "explained",
        "reason_sealed": b"x",
        "marked_by": "P-NOBODY",
        "marked_at": "2026-05-20T00:00:00Z",
        **columns,
    }
    _insert("claims_signalmark", row)


def _insert(table: str, row: dict[str, Any]) -> None:
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())
