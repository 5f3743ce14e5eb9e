"""The pages about signals and their API: they work, strangers see nothing, other duties are refused, input is kept."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.review.signal_models import PaperReading, SignalMark
from claims.review.signals import SIGNALS
from claims.review.tests.test_signal_looks import another_claim, found, mark, note, page
from members.people.models import User

REVIEW = "/pools/test-pool/review/"
API = "/api/v1/pools/test-pool/signals/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts."""
    cache.clear()


def text_of(person: User, address: str, language: str = "en") -> str:
    answer = client_of(person, language=language).get(address)
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def test_workspace_shows_each_signal_with_reason_and_how_many_honest_cases_do(cases: ClaimCases) -> None:
    claim = cases.under_review()
    workspace = f"{REVIEW}{claim.code}/"
    assert "Not looked at yet" in text_of(cases.reviewer, workspace)
    run_jobs()
    text = text_of(cases.reviewer, workspace)
    assert "It began 32 days after the end of the waiting period." in text
    assert "Honest cases look like this too: by our assumption 9 of 100." in text
    assert "many honest cases fall into these weeks" in text
    assert "Nothing more is suggested than the usual review." in text
    assert "等待期结束" in text_of(cases.reviewer, workspace, "zh-hans")
    # Who does not read the file reads no signals.
    assert "Worth a look" not in text_of(cases.second, workspace)


def test_reviewer_notes_what_the_papers_say(cases: ClaimCases) -> None:
    claim = cases.under_review()
    run_jobs()
    address = f"{REVIEW}{claim.code}/papers-say/"
    form = text_of(cases.reviewer, address)
    assert "Day of issue: Pathology report" in form
    assert "Day of issue: Hospital record" not in form  # the claim holds none
    told = {"symptom_date": "2026-01-20", "hospital": "First", "issued_pathology": "2026-05-06"}
    client = client_of(cases.reviewer)
    for _twice in range(2):
        assert client.post(address, told)["Location"] == f"{REVIEW}{claim.code}/"
    assert PaperReading.objects.count() == 1
    run_jobs()
    workspace = text_of(cases.reviewer, f"{REVIEW}{claim.code}/")
    assert "The papers date the first sign 72 days before the end of the waiting period." in workspace
    assert 'value="2026-01-20"' in text_of(cases.reviewer, address)


@pytest.mark.parametrize(
    "bad", [{"symptom_date": "2027-01-01"}, {"diagnosis_date": "1889-01-01"}, {"issued_pathology": "in May"}]
)
def test_impossible_day_keeps_the_form(cases: ClaimCases, bad: dict[str, str]) -> None:
    claim = cases.under_review()
    answer = client_of(cases.reviewer).post(f"{REVIEW}{claim.code}/papers-say/", {"hospital": "First", **bad})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert 'value="First"' in text
    assert next(iter(bad.values())) in text
    assert not PaperReading.objects.exists()


def test_reviewer_says_what_came_of_a_signal(cases: ClaimCases) -> None:
    claim = cases.under_review()
    run_jobs()
    address = f"{REVIEW}{claim.code}/signals/soon_after_waiting/"
    assert "Soon after the waiting period" in text_of(cases.reviewer, address)
    client = client_of(cases.reviewer)
    empty = client.post(address, {"reason": "The first examination is later."})
    assert empty.status_code == 422
    assert "The first examination is later." in empty.content.decode()
    told = {"meaning": "explained", "reason": "The first examination is later."}
    assert client.post(address, told)["Location"] == f"{REVIEW}{claim.code}/"
    twice = client.post(address, told)
    assert twice.status_code == 409
    assert "marked already" in twice.content.decode()
    assert SignalMark.objects.count() == 1
    workspace = text_of(cases.reviewer, f"{REVIEW}{claim.code}/")
    assert "The first examination is later." in workspace
    assert "Say what came of it" not in workspace


def test_signal_that_does_not_show_has_no_page(cases: ClaimCases) -> None:
    claim = cases.under_review()
    run_jobs()
    for name in ("same_file", "nonsense"):
        assert client_of(cases.reviewer).get(f"{REVIEW}{claim.code}/signals/{name}/").status_code == 404


def test_only_the_reviewer_in_charge_opens_the_forms(cases: ClaimCases) -> None:
    claim = cases.under_review()
    run_jobs()
    for address in (f"{REVIEW}{claim.code}/papers-say/", f"{REVIEW}{claim.code}/signals/soon_after_waiting/"):
        for person in (cases.second, cases.world.auditor, cases.world.admin):
            assert client_of(person).get(address).status_code == 403
            assert client_of(person).post(address, {"meaning": "explained", "reason": "x"}).status_code == 403
        for person in (cases.claimant, cases.world.stranger):
            assert client_of(person).get(address).status_code == 404
    other = User.objects.create_user("other@example.org")
    cases.world.grant(other, "reviewer")
    assert client_of(other).get(f"{REVIEW}{claim.code}/papers-say/").status_code == 403


def test_claim_that_moved_on_takes_no_more_notes(cases: ClaimCases) -> None:
    claim = cases.recommended()
    run_jobs()
    client = client_of(cases.reviewer)
    answer = client.post(f"{REVIEW}{claim.code}/papers-say/", {"hospital": "First"})
    assert answer.status_code == 409
    assert 'value="First"' in answer.content.decode()
    told = {"meaning": "explained", "reason": "x"}
    assert client.post(f"{REVIEW}{claim.code}/signals/soon_after_waiting/", told).status_code == 409


def test_precision_is_for_admin_and_auditor(cases: ClaimCases) -> None:
    claim = cases.under_review()
    found(claim)
    mark(cases, claim, "soon_after_waiting", "confirmed")
    for person in (cases.world.admin, cases.world.auditor):
        page_text = text_of(person, f"{REVIEW}signals/")
        assert "Soon after the waiting period" in page_text
        assert claim.code not in page_text
        csv = b"".join(client_of(person).get(f"{REVIEW}signals.csv").streaming_content).decode()
        assert "1,soon_after_waiting,90,1,0,1,1000" in csv
        rows = client_of(person).get(API).json()
        assert [row["signal"] for row in rows] == list(SIGNALS)
        (row,) = [row for row in rows if row["shown"]]
        assert row == {
            "version": 1,
            "signal": "soon_after_waiting",
            "base_rate": 90,
            "shown": 1,
            "explained": 0,
            "confirmed": 1,
            "confirmed_per_mille": 1000,
        }
    for address in (f"{REVIEW}signals/", f"{REVIEW}signals.csv", API):
        for person in (cases.reviewer, cases.second, cases.world.treasurer):
            assert client_of(person).get(address).status_code == 403
        for person in (cases.claimant, cases.world.stranger):
            assert client_of(person).get(address).status_code == 404


def test_pages_cost_the_same_for_any_number_of_signals_and_claims(
    cases: ClaimCases, count_of: Callable[[str, User], int]
) -> None:
    claim = cases.under_review()
    run_jobs()
    workspace, overview = f"{REVIEW}{claim.code}/", f"{REVIEW}signals/"
    note(cases, claim, hospital="First")
    run_jobs()
    one = count_of(workspace, cases.reviewer), count_of(overview, cases.world.admin)
    another_claim(cases, cases.neighbor, papers=[page(1), page(2)], account="6222 0000 1111 2222")
    note(cases, claim, hospital="First", has_earlier_illness=True)
    assert len(found(claim)) >= 3
    assert (count_of(workspace, cases.reviewer), count_of(overview, cases.world.admin)) == one


@pytest.fixture
def count_of() -> Callable[[str, User], int]:
    def count(address: str, person: User) -> int:
        client = client_of(person)
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    return count


def test_claimant_takes_signals_along_once_it_is_decided(cases: ClaimCases) -> None:
    from claims.my_data import EXPORTER

    tables = {table.name: table for table in EXPORTER.tables}
    claim = cases.under_review()
    found(claim)
    mark(cases, claim, "soon_after_waiting")
    note(cases, claim, hospital="First")
    for name in ("signals", "signal_marks", "paper_readings"):
        assert list(tables[name].rows(cases.claimant)) == []
    _decide(cases, claim)
    (shown,) = tables["signals"].rows(cases.claimant)
    assert shown["signal"] == "soon_after_waiting"
    assert "32 days" in shown["found"]
    (said,) = tables["signal_marks"].rows(cases.claimant)
    assert (said["meaning"], said["reason"]) == ("explained", "Her husband's account.")
    (read,) = tables["paper_readings"].rows(cases.claimant)
    assert read["hospital"] == "First"


def _decide(cases: ClaimCases, claim: Claim) -> None:
    from claims.review import services as review

    run_jobs()
    review.recommend(
        claim=claim,
        reviewer=cases.reviewer.code,
        outcome="rejected",
        aid_fen=0,
        clause="aid",
        reason="It is not established.",
        papers=[],
        at=clock.now(),
    )
    claim.refresh_from_db()
    cases.decide(claim, "rejected")
    run_jobs()
