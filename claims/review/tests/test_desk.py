"""Around the desk: taking back, handing on, notes, sets, the way through the queue, similar cases, loads."""

import datetime as dt
import uuid

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, ForbiddenError, NotFoundError
from aidplatform.testing.claim_cases import AppealCases, ClaimCases, all_papers
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.filing.services import ClaimMovedOnError
from claims.review import desk, selectors, services
from claims.review.models import Recommendation, ReviewNote, Withdrawal
from members.people.models import Notice, User

DESK = "/pools/test-pool/review/"


def other_reviewer(cases: ClaimCases) -> User:
    person = User.objects.create_user("other@test-pool.example.org", name="Other")
    cases.world.grant(person, "reviewer")
    return person


def later(**delta: float) -> None:
    set_clock(clock.now() + dt.timedelta(**delta))


# --- taking back ------------------------------------------------------------------------------------------------


def test_recommendation_is_taken_back_at_once_and_stays_written(cases: ClaimCases) -> None:
    claim = cases.recommended()
    run_jobs()
    waiting = Notice.objects.filter(person=cases.second, kind="claim_waits", read_at=None)
    told = Notice.objects.filter(person=cases.claimant).count()
    assert waiting.count() == 1
    desk.take_back(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    run_jobs()
    claim.refresh_from_db()
    assert (claim.state, claim.round, claim.reviewer) == ("under_review", 2, cases.reviewer)
    assert Recommendation.objects.get().round == 1
    # Nobody hears of it, and nobody is left with it on their list.
    assert waiting.count() == 0
    assert Notice.objects.filter(person=cases.claimant).count() == told
    services.recommend(
        claim=claim, reviewer=cases.reviewer.code, outcome="rejected", aid_fen=0, clause="waiting", papers=[],
        reason="Too early.", at=clock.now(),
    )  # fmt: skip
    claim.refresh_from_db()
    cases.decide(claim, "rejected")
    claim.refresh_from_db()
    assert claim.state == "rejected"


def test_recommendation_is_taken_back_within_seconds_and_by_whoever_made_it(cases: ClaimCases) -> None:
    claim = cases.recommended()
    with pytest.raises(desk.UndoOverError):
        desk.take_back(claim=claim, reviewer=cases.second.code, at=clock.now())
    statement = """INSERT INTO claims_withdrawal (claim_id, round, withdrawn_by, withdrawn_at)
                   VALUES (%s, %s, %s, '2026-01-01')"""
    for round_no, person in ((1, cases.second), (2, cases.reviewer)):
        with refused("recommendation_is_taken_back_at_once"):
            run(statement, claim.pk, round_no, person.code)
    later(seconds=11)
    with pytest.raises(desk.UndoOverError):
        desk.take_back(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    with refused("recommendation_is_taken_back_at_once"):
        run(statement, claim.pk, 1, cases.reviewer.code)
    assert not desk.may_take_back(cases.reviewer, clock.now())


def test_recommendation_that_somebody_acted_on_is_not_taken_back(cases: ClaimCases) -> None:
    claim = cases.recommended()
    cases.decide(claim)
    with pytest.raises(ClaimMovedOnError):
        desk.take_back(claim=claim, reviewer=cases.reviewer.code, at=clock.now())
    claim = cases.recommended()
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'under_review', round = 2 WHERE id = %s", claim.pk)


def test_one_withdrawal_per_round(cases: ClaimCases) -> None:
    claim = cases.recommended()
    statement = """INSERT INTO claims_withdrawal (claim_id, round, withdrawn_by, withdrawn_at)
                   VALUES (%s, 1, %s, now())"""
    run(statement, claim.pk, cases.reviewer.code)
    with refused("one_withdrawal_per_round"):
        run(statement, claim.pk, cases.reviewer.code)


def test_taking_back_and_deciding_at_once_are_one(committed_db: tuple[str, str]) -> None:
    cases = ClaimCases.founded()
    claim = cases.recommended()
    answers = together(
        [
            lambda: desk.take_back(claim=claim, reviewer=cases.reviewer.code, at=clock.now()),
            lambda: cases.decide(claim),
        ]
    )
    (refusal,) = raised(answers)
    assert isinstance(refusal, ConflictError)
    claim.refresh_from_db()
    assert claim.state == ("under_review" if Withdrawal.objects.exists() else "approved")


def test_page_offers_to_take_back_on_the_next_claim(cases: ClaimCases) -> None:
    first, second = cases.under_review(), cases.filed()
    client = client_of(cases.reviewer)
    sent = {
        "outcome": "approved", "aid": "50,000", "clause": "aid", "papers": all_papers(first), "reason": "So it is.",
        "key": str(uuid.uuid4()), "go": "next",
    }  # fmt: skip
    gone = client.post(f"{DESK}{first.code}/recommend/?set=unassigned", sent)
    assert gone["Location"] == f"{DESK}{second.code}/?set=unassigned"
    page = client.get(gone["Location"]).content.decode()
    assert f"{DESK}{first.code}/take-back/?set=unassigned" in page
    assert client_of(cases.second).post(f"{DESK}{first.code}/take-back/").status_code == 403
    back = client.post(f"{DESK}{first.code}/take-back/?set=unassigned")
    assert back["Location"] == f"{DESK}{first.code}/?set=unassigned"
    assert client.post(f"{DESK}{first.code}/take-back/").status_code == 409


# --- handing on -------------------------------------------------------------------------------------------------


def test_claim_is_handed_on_and_keeps_its_day(cases: ClaimCases) -> None:
    other = other_reviewer(cases)
    claim = cases.under_review()
    due = claim.due_date
    later(days=3)
    desk.hand_over(claim=claim, to=other.code, by=cases.reviewer.code, at=clock.now())
    run_jobs()
    claim.refresh_from_db()
    assert (claim.reviewer, claim.due_date, claim.state) == (other, due, "under_review")
    assert Notice.objects.filter(person=other, kind="claim_waits").count() >= 1
    with pytest.raises(services.NotYoursError):
        desk.hand_over(claim=claim, to=cases.reviewer.code, by=cases.reviewer.code, at=clock.now())
    desk.hand_over(claim=claim, to=cases.reviewer.code, by=cases.world.admin.code, at=clock.now())
    claim.refresh_from_db()
    assert claim.reviewer == cases.reviewer


def test_admin_hands_a_new_claim_to_somebody_who_may_review_it(cases: ClaimCases) -> None:
    claim = cases.filed()
    with pytest.raises(ForbiddenError):
        desk.hand_over(claim=claim, to=cases.second.code, by=cases.world.admin.code, at=clock.now())
    with pytest.raises(NotFoundError):
        desk.hand_over(claim=claim, to="P-NOBODY", by=cases.world.admin.code, at=clock.now())
    with pytest.raises(services.NotYoursError):
        desk.hand_over(claim=claim, to=cases.reviewer.code, by=cases.second.code, at=clock.now())
    cases.world.grant(cases.claimant, "reviewer")
    with pytest.raises(services.OwnClaimError):
        desk.hand_over(claim=claim, to=cases.claimant.code, by=cases.world.admin.code, at=clock.now())
    desk.hand_over(claim=claim, to=cases.reviewer.code, by=cases.world.admin.code, at=clock.now())
    claim.refresh_from_db()
    assert (claim.state, claim.reviewer) == ("under_review", cases.reviewer)


def test_appeal_is_handed_to_nobody_who_heard_the_case(db: None) -> None:
    cases = AppealCases.founded(appeal_days=30)
    claim = cases.appealed()
    with pytest.raises(ConflictError):
        desk.hand_over(claim=claim, to=cases.reviewer.code, by=cases.world.admin.code, at=clock.now())


def test_load_page_is_for_reviewers_and_admins_and_names_no_address(cases: ClaimCases) -> None:
    nameless = User.objects.create_user("nameless@example.org")
    cases.world.grant(nameless, "reviewer")
    claim = cases.under_review()
    page = f"{DESK}load/"
    for person, status in (
        (cases.reviewer, 200), (cases.second, 200), (cases.world.admin, 200), (cases.world.treasurer, 403),
        (cases.neighbor, 404),
    ):  # fmt: skip
        assert client_of(person).get(page).status_code == status
    shown = client_of(cases.world.admin).get(page).content.decode()
    assert nameless.code in shown
    assert "example.org" not in shown
    assert "Thyroid" not in shown
    assert client_of(cases.second).get(page).content.decode().count("<select") == 0
    here = f"{DESK}{claim.code}/hand-over/"
    for person, status in ((cases.second, 403), (cases.world.treasurer, 403), (cases.neighbor, 404)):
        assert client_of(person).post(here, {"to": nameless.code}).status_code == status
    assert client_of(cases.world.admin).post(here, {"to": "P-NOBODY"}).status_code == 404
    for _click in range(2):
        assert client_of(cases.world.admin).post(here, {"to": nameless.code}).status_code == 302
    claim.refresh_from_db()
    assert claim.reviewer == nameless


def test_loads_count_what_is_in_hand(cases: ClaimCases) -> None:
    other = other_reviewer(cases)
    cases.under_review()
    cases.under_review()
    later(days=30)
    today = clock.today("Asia/Shanghai")
    found = {
        load.person: (load.open, load.late, load.appeals) for load in selectors.loads(cases.world.pool, today)
    }
    assert (found[cases.reviewer], found[other]) == ((2, 2, 0), (0, 0, 0))


# --- notes ------------------------------------------------------------------------------------------------------


def test_notes_are_read_by_the_reviewers_of_the_case_alone(cases: ClaimCases) -> None:
    claim = cases.under_review()
    page = f"{DESK}{claim.code}/"
    for _click in range(2):
        sent = client_of(cases.reviewer).post(f"{page}notes/", {"text": "Ask Dr. Wang."})
        assert sent.status_code == 302
    note = ReviewNote.objects.get()
    assert b"Wang" not in bytes(note.text_sealed)
    assert "Ask Dr. Wang." in client_of(cases.reviewer).get(page).content.decode()
    assert "Ask Dr. Wang." not in client_of(cases.second).get(page).content.decode()
    assert "Ask Dr. Wang." not in client_of(other_reviewer(cases)).get(page).content.decode()
    services.recommend(
        claim=claim, reviewer=cases.reviewer.code, outcome="rejected", aid_fen=0, clause="aid", papers=[],
        reason="No.", at=clock.now(),
    )  # fmt: skip
    assert "Ask Dr. Wang." in client_of(cases.second).get(page).content.decode()
    assert client_of(cases.second).post(f"{page}notes/", {"text": "I did."}).status_code == 302
    own = client_of(cases.claimant).get(f"/claims/{claim.code}/").content.decode()
    assert "Wang" not in own
    assert client_of(cases.reviewer).post(f"{page}notes/", {"text": ""}).status_code == 422
    for person, status in ((cases.world.admin, 403), (cases.world.auditor, 403), (cases.neighbor, 404)):
        assert client_of(person).post(f"{page}notes/", {"text": "x"}).status_code == status


def test_review_note_is_by_its_reviewers(cases: ClaimCases) -> None:
    claim = cases.under_review()
    statement = """INSERT INTO claims_reviewnote (claim_id, number, author, text_sealed, written_at)
                   VALUES (%s, 1, %s, 'x', now())"""
    for person in (cases.claimant, cases.neighbor, cases.world.admin, other_reviewer(cases)):
        with refused("review_note_is_by_its_reviewers"):
            run(statement, claim.pk, person.code)
    with pytest.raises(services.NotYoursError):
        desk.write_note(claim=claim, author=User.objects.get(name="Other").code, text="x", at=clock.now())
    run(statement, claim.pk, cases.reviewer.code)
    with refused("one_note_per_number"):
        run(statement, claim.pk, cases.reviewer.code)


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("claims_withdrawal", "withdrawal_is_permanent"),
        ("claims_reviewnote", "review_note_is_permanent"),
        ("claims_blindreview", "blind_review_is_permanent"),
        ("claims_concurrence", "concurrence_is_permanent"),
    ],
)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET claim_id = claim_id"])
def test_what_the_desk_wrote_is_permanent(
    owner: psycopg.Connection, db: None, table: str, name: str, statement: str
) -> None:
    with not_permitted():
        run(statement.format(table))
    with refused_to_owner(owner, name):
        owner.execute(statement.format(table))


# --- the queue --------------------------------------------------------------------------------------------------


def test_sets_of_the_queue_are_addresses_with_counts(cases: ClaimCases) -> None:
    mine, new, waiting = cases.under_review(), cases.filed(), cases.recommended()
    client = client_of(cases.reviewer)
    counts = {name: count for name, _label, count in client.get(DESK).context["sets"]}
    assert counts == {"mine": 1, "unassigned": 1, "second": 0, "late": 0, "appeals": 0}

    def codes(person: User, name: str) -> set[str]:
        rows = client_of(person).get(f"{DESK}?set={name}").context["rows"]
        api = client_of(person).get(f"/api/v1/pools/test-pool/desk/?set={name}").json()["results"]
        assert [row[0].code for row in rows] == [row["code"] for row in api]
        return {row[0].code for row in rows}

    assert codes(cases.reviewer, "mine") == {mine.code}
    assert codes(cases.reviewer, "unassigned") == {new.code}
    assert codes(cases.second, "second") == {waiting.code}
    assert codes(cases.reviewer, "second") == set()
    later(days=40)
    assert codes(cases.reviewer, "late") == {mine.code, new.code, waiting.code}
    assert client.get(f"{DESK}?set=poem").status_code == 200
    csv = client.get(f"{DESK}claims.csv?set=mine").getvalue().decode()
    assert (mine.code in csv, new.code in csv) == (True, False)


def test_claims_follow_each_other_as_in_the_queue(cases: ClaimCases) -> None:
    first, second, third = cases.filed(), cases.filed(), cases.filed()
    client = client_of(cases.reviewer)
    shown = client.get(f"{DESK}{second.code}/?set=unassigned")
    assert (shown.context["previous"], shown.context["following"]) == (first.code, third.code)
    assert f'href="{DESK}{third.code}/?set=unassigned" rel="next"' in shown.content.decode()
    last = client.get(f"{DESK}{third.code}/?set=unassigned").context
    assert (last["previous"], last["following"]) == (second.code, "")
    client.post(f"{DESK}{second.code}/assign/?set=unassigned")
    gone = client.get(f"{DESK}{second.code}/?set=unassigned").context
    assert (gone["previous"], gone["following"]) == ("", first.code)


def test_deed_on_the_last_claim_leads_to_the_queue(cases: ClaimCases) -> None:
    claim = cases.under_review()
    sent = {"kinds": ["bill"], "message": "Please.", "go": "next"}
    gone = client_of(cases.reviewer).post(f"{DESK}{claim.code}/request-papers/?set=mine", sent)
    assert gone["Location"] == f"{DESK}?set=mine"


def test_text_of_ours_is_put_into_the_request_in_the_claimants_language(cases: ClaimCases) -> None:
    claim = cases.under_review()
    client = client_of(cases.reviewer)
    form = client.get(f"{DESK}{claim.code}/?ask=bill").context["papers_form"]
    assert form.initial["kinds"] == ["bill"]
    assert form.initial["message"].startswith("Please send the hospital's bill")
    User.objects.filter(pk=cases.claimant.pk).update(language="zh-hans")
    form = client.get(f"{DESK}{claim.code}/?ask=bill").context["papers_form"]
    assert "费用清单" in form.initial["message"]
    assert not client.get(f"{DESK}{claim.code}/?ask=poem").context["papers_form"].initial


def test_similar_cases_tell_outcomes_and_nobody(cases: ClaimCases) -> None:
    cases.decided("rejected")
    cases.decided()
    later(days=65)
    claim = cases.under_review()
    shown = client_of(cases.reviewer).get(f"{DESK}{claim.code}/").context["similar"]
    assert [(str(one.outcome), one.aid_fen, one.months) for one in shown] == [
        ("approved", 5_000_000, 2),
        ("rejected", 0, 2),
    ]
    assert set(vars(shown[0])) == {"outcome", "aid_fen", "clause", "months"}


def test_workspace_costs_the_same_for_any_number_of_claims(cases: ClaimCases) -> None:
    claim = cases.under_review()
    run_jobs()  # signals are looked for
    client = client_of(cases.reviewer)
    address = f"{DESK}{claim.code}/?set=mine"
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for _number in range(2):
        cases.under_review()
        cases.decided()
        desk.write_note(claim=claim, author=cases.reviewer.code, text="x", at=clock.now())
    with CaptureQueriesContext(connection) as three:
        client.get(address)
    assert len(three) == len(one)
    for page in (DESK, f"{DESK}load/"):
        client.get(page)
        with CaptureQueriesContext(connection) as before:
            client.get(page)
        cases.under_review()
        with CaptureQueriesContext(connection) as after:
            client.get(page)
        assert len(after) == len(before)


def test_who_else_has_a_claim_open_is_shown(cases: ClaimCases) -> None:
    claim = cases.recommended()
    page = f"{DESK}{claim.code}/"
    client_of(cases.second).get(page)
    assert "has it open as well" not in client_of(cases.second).get(page).content.decode()
    assert f"{cases.second.code} has it open as well" in client_of(cases.third).get(page).content.decode()
    assert Claim.objects.get(pk=claim.pk).state == "recommended"
