"""The jury by its pages and by programs: who may, what is shown, what is refused."""

import datetime as dt
import hashlib
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.jury_cases import WORDS, JuryCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.jury import services
from claims.jury.exam import questions_for
from claims.jury.models import Juror, JuryBallot, JuryDraw
from claims.my_data import EXPORTER
from claims.review.selectors import public_ref
from members.people.models import User
from members.pools.selectors import newest_plan

POOL, API = "/pools/test-pool/", "/api/v1/pools/test-pool/"
KEY = {"Idempotency-Key": "0b6c6a1e-7c54-4b5e-8a27-6f1c2f9d0001"}


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts: the table is rolled back, but the clock of a window is not."""
    cache.clear()


@prepared
def cases() -> JuryCases:
    """Return a pool of 32 members who have offered to judge."""
    return JuryCases.founded()


def read(person: User | None, address: str, status: int = 200) -> str:
    answer = client_of(person).get(address)
    assert answer.status_code == status, answer.content[:400]
    return str(answer.content.decode())


def post(person: User | None, address: str, **given: object) -> Any:
    return client_of(person).post(address, given)


def program(person: User | None, address: str, **given: object) -> Any:
    return client_of(person).post(address, given, "application/json", headers=KEY)


def statement(**given: object) -> dict[str, object]:
    return {"statement": "Please read the report.", "key": str(uuid.uuid4()), **given}


def draw_of(claim: Claim) -> str:
    return f"{POOL}draws/{public_ref(claim)}/"


def test_claimant_takes_a_refusal_to_the_jury(cases: JuryCases) -> None:
    claim = cases.refused()
    page = read(cases.claimant, f"/claims/{claim.code}/")
    assert "You can take it to the jury" in page
    assert "Inside the pool this is final" not in page
    address = f"/claims/{claim.code}/jury/"
    assert "at least half of the votes" in read(cases.claimant, address)
    bad = post(cases.claimant, address, key=str(uuid.uuid4()), shows_reasons="on")
    assert bad.status_code == 422
    told = statement(shows_reasons="on")
    for _click in range(2):
        assert post(cases.claimant, address, **told).status_code == 302
    claim.refresh_from_db()
    assert (claim.state, claim.jury_case.shows_reasons, claim.jury_case.shows_appeal) == (
        "before_jury",
        True,
        False,
    )
    assert post(cases.claimant, address, **statement()).status_code == 409
    page = read(cases.claimant, f"/claims/{claim.code}/")
    assert "You are asked to be a witness of the draw" in page
    assert "Now with the jury" in page
    assert client_of(cases.claimant).get(address).status_code == 302


def test_nobody_else_takes_it(cases: JuryCases) -> None:
    claim = cases.refused()
    for person in (cases.neighbor, cases.reviewer, cases.world.admin):
        assert post(person, f"/claims/{claim.code}/jury/", **statement()).status_code == 404
        assert read(person, f"/claims/{claim.code}/jury/", 404)
        assert program(person, f"/api/v1/me/claims/{claim.code}/jury/").status_code == 404
    assert post(None, f"/claims/{claim.code}/jury/", **statement()).status_code == 302


def test_refusals_are_said_in_words(cases: JuryCases) -> None:
    claim = cases.refused()
    set_clock(clock.now() + dt.timedelta(days=31))
    answer = post(cases.claimant, f"/claims/{claim.code}/jury/", **statement())
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "The case could go before the jury until" in page
    assert "Please read the report." in page


def test_member_offers_after_five_questions(cases: JuryCases) -> None:
    person, pool = cases.neighbor, cases.world.pool
    assert "What a juror does" in read(person, f"{POOL}jury/")
    assert "What a juror does, and offer to judge" in read(person, f"{POOL}me/")
    plan = newest_plan(pool).plan()
    assert plan.jury is not None
    right = {one.code: one.right for one in questions_for(plan, plan.jury, person.code)}
    name, rest = next(iter(right)), dict(list(right.items())[1:])
    assert post(person, f"{POOL}jury/offer/", **rest).status_code == 422
    question = next(one for one in questions_for(plan, plan.jury, person.code) if one.code == name)
    wrong = next(answer for answer in question.answers if answer != question.right)
    refused = post(person, f"{POOL}jury/offer/", **right | {name: wrong})
    assert refused.status_code == 422
    assert "This is not what the rules say." in refused.content.decode()
    assert not Juror.objects.filter(person=person).exists()
    for _click in range(2):
        assert post(person, f"{POOL}jury/offer/", **right).status_code == 302
    assert Juror.objects.filter(person=person, ended_at=None).count() == 1
    assert "You can be drawn" in read(person, f"{POOL}jury/")
    assert post(person, f"{POOL}jury/step-back/").status_code == 302
    assert not Juror.objects.filter(person=person, ended_at=None).exists()
    read(cases.world.stranger, f"{POOL}jury/", 404)
    assert post(cases.world.stranger, f"{POOL}jury/offer/", **right).status_code == 404


def test_pool_without_a_jury_has_no_page_of_it(db: None) -> None:
    cases = JuryCases.founded(offering=0, jury=None)
    read(cases.neighbor, f"{POOL}jury/", 404)
    assert "offer to judge" not in read(cases.neighbor, f"{POOL}me/")
    assert "There is no jury" in read(None, f"{POOL}plan/")


def test_witnesses_commit_and_tell_by_the_page(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.take(claim)
    address = draw_of(claim)
    assert "You are a witness: commit to words" in read(cases.claimant, address)
    assert "commit to words" not in read(cases.neighbor, address)
    assert post(cases.neighbor, f"{address}commit/", sha256="0" * 64).status_code == 409
    assert post(cases.claimant, f"{address}commit/", sha256="no hash").status_code == 422
    for role, person in cases.witnesses.items():
        assert any("as a witness" in one.text for one in todos_of(person)) == (role != "claimant")
        told = hashlib.sha256(WORDS[role].encode()).hexdigest()
        assert post(person, f"{address}commit/", sha256=told).status_code == 302
    assert post(cases.claimant, f"{address}commit/", sha256="0" * 64).status_code == 409
    cases.later(draw, draw.commit_until_at)
    assert "Tell your words" in read(cases.claimant, address)
    assert post(cases.claimant, f"{address}words/", words="short").status_code == 422
    other = post(cases.claimant, f"{address}words/", words="entirely other words")
    assert other.status_code == 422
    assert "other words than those you committed to" in other.content.decode()
    for role, person in cases.witnesses.items():
        assert post(person, f"{address}words/", words=WORDS[role]).status_code == 302
    draw.refresh_from_db()
    assert draw.state == "drawn"
    page = read(None, address)
    for said in ("seven red kettles", "Who was drawn", "0 have voted so far", "verify_draw"):
        assert said in page, said
    listed = read(None, f"{address}list.txt").split()
    assert len(listed) == 32
    file = f"/t/{cases.world.pool.code}/draw/{public_ref(claim)}/"
    raw = client_of(cases.claimant).get(f"{file}1")
    assert raw.content == bytes.fromhex("".join(listed))
    assert (
        "no-store" in raw["Cache-Control"]
    )  # a pool of fewer than a hundred: what its log says is for its members
    assert client_of(None).get(f"{file}1").status_code == 403
    assert client_of(cases.claimant).get(f"{file}2").status_code == 404
    assert page.count("Name in the list") == 1


def test_juror_reads_the_brief_and_votes_once(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    seat = cases.seated(draw)[0]
    address = f"{draw_of(claim)}seat/"
    page = read(seat.person, address)
    for said in (
        "Please read the report.",
        "I agree.",
        "second pathology report",
        "at least half of the votes",
    ):
        assert said in page, said
    for hidden in ("Li Na", claim.code, cases.claimant.code, cases.claimant.email, "A lump was found"):
        assert hidden not in page, hidden
    assert post(seat.person, f"{address}vote/", key=str(uuid.uuid4())).status_code == 422
    vote = {"vote": "for", "key": str(uuid.uuid4())}
    for _click in range(2):
        assert post(seat.person, f"{address}vote/", **vote).status_code == 302
    assert JuryBallot.objects.count() == 1
    assert post(seat.person, f"{address}vote/", vote="against", key=str(uuid.uuid4())).status_code == 409
    assert post(seat.person, f"{address}decline/").status_code == 409
    page = read(seat.person, address)
    assert bytes(JuryBallot.objects.get().commitment).hex() in page
    assert "grant the aid</td>" not in read(None, draw_of(claim))
    assert "1 have voted so far" in read(None, draw_of(claim))
    second = cases.seated(draw)[1]
    assert post(second.person, f"{address}decline/").status_code == 302
    assert "You have declined" in read(second.person, address)
    assert "Please read the report." not in read(second.person, address)


def test_only_who_is_seated_reads_the_brief(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    address = f"{draw_of(claim)}seat/"
    reserve = draw.drawn.get(number=6).person
    for person in (reserve, cases.claimant, cases.world.admin, cases.reviewer, cases.neighbor):
        read(person, address, 404)
        assert post(person, f"{address}vote/", vote="for", key=str(uuid.uuid4())).status_code == 404
        assert post(person, f"{address}decline/").status_code == 404
        assert client_of(person).get(f"{API}draws/{public_ref(claim)}/seat/").status_code == 404
    assert client_of(None).get(address).status_code == 302
    who = cases.seated(draw)[0].person
    cases.close(draw)
    assert "Please read the report." not in read(who, address)


def test_verdict_is_shown_to_everyone(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    cases.vote(draw, "for", "for", "against")
    cases.close(draw)
    page = read(None, draw_of(claim))
    for said in ("2 to grant the aid, 1 to leave it refused", "grant the aid</td>", "Opened ballots"):
        assert said in page, said
    assert claim.code not in page
    mine = read(cases.claimant, f"/claims/{claim.code}/")
    assert "2 to grant the aid, 1 to leave it refused" in mine
    assert "Verdict of the jury" in mine
    assert public_ref(claim) in read(None, f"{POOL}draws/")


def test_taken_back_the_page_says_that_no_ballot_is_opened(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    who = cases.seated(draw)[0].person
    assert client_of(cases.claimant).post(f"/claims/{claim.code}/withdraw/").status_code == 302
    assert "No ballot is opened" in read(who, f"{draw_of(claim)}seat/")
    assert "no ballot is opened" in read(cases.claimant, f"/claims/{claim.code}/")
    cases.later(draw, clock.now())
    assert "No ballot is opened" in read(None, draw_of(claim))


def test_program_goes_the_whole_way(cases: JuryCases) -> None:
    claim = cases.refused()
    mine = f"/api/v1/me/claims/{claim.code}/jury/"
    told = {"statement": "Please.", "shows_reasons": False, "shows_appeal": False}
    assert program(cases.claimant, mine).status_code == 400
    assert client_of(cases.claimant).post(mine, told, "application/json").status_code == 400
    first, again = program(cases.claimant, mine, **told), program(cases.claimant, mine, **told)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    row = first.json()
    assert (row["eligible"], row["seats"], row["state"], row["outcome"]) == (32, 5, "called", None)
    address = f"{API}draws/{row['ref']}/"
    for role, person in cases.witnesses.items():
        answer = program(
            person, f"{address}commitment/", sha256=hashlib.sha256(WORDS[role].encode()).hexdigest()
        )
        assert answer.status_code == 200, answer.content
    draw = cases.later(JuryDraw.objects.get(), JuryDraw.objects.get().commit_until_at)
    for role, person in cases.witnesses.items():
        assert program(person, f"{address}words/", words=WORDS[role]).status_code == 200
    draw.refresh_from_db()
    assert client_of(None).get(address).json()["state"] == "drawn"
    seat, other, third = cases.seated(draw)[:3]
    brief = client_of(seat.person).get(f"{address}seat/").json()
    assert (brief["statement"], brief["appeal"], brief["reasons"]) == ("Please.", "", [])
    for _click in range(2):
        assert program(seat.person, f"{address}seat/ballot/", vote="for").status_code == 201
    assert program(seat.person, f"{address}seat/ballot/", vote="maybe").status_code == 400
    assert program(other.person, f"{address}seat/decline/").json()["state"] == "declined"
    mine_now = client_of(seat.person).get(f"{API}my-jury/").json()
    assert [(one["number"], one["has_voted"]) for one in mine_now["seats"]] == [(1, True)]
    assert [one["ref"] for one in client_of(None).get(f"{API}draws/").json()] == [row["ref"]]
    shown = client_of(third.person).get(address).json()
    assert (shown["votes_cast"], shown["votes_for"], shown["outcome"]) == (1, None, None)
    cases.close(draw)
    assert client_of(None).get(address).json()["outcome"] == "no_quorum"


def test_program_offers_and_steps_back(cases: JuryCases) -> None:
    client, person = client_of(cases.neighbor), cases.neighbor
    plan = newest_plan(cases.world.pool).plan()
    assert plan.jury is not None
    questions = client.get(f"{API}my-jury/").json()["questions"]
    right = {one.code: one.right for one in questions_for(plan, plan.jury, person.code)}
    assert [one["code"] for one in questions] == list(right)
    assert program(person, f"{API}my-jury/offer/", answers={}).status_code == 422
    assert program(person, f"{API}my-jury/offer/", answers=right).json()["offered_at"]
    assert program(person, f"{API}my-jury/step-back/").json()["offered_at"] is None
    assert client_of(cases.world.stranger).get(f"{API}my-jury/").status_code == 404


def test_lists_take_as_many_queries_for_three_rows_as_for_one(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.tell(cases.commit(cases.take(claim)), "claimant")

    def queries(address: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            read(None, address)
        return len(caught)

    first = queries(f"{POOL}draws/")
    draw = cases.later(draw, draw.reveal_until_at or clock.now())
    again = claim.jury_draws.get(state="called")
    again = cases.tell(cases.commit(again), "claimant")
    cases.later(again, again.reveal_until_at or clock.now())
    assert JuryDraw.objects.count() == 3
    assert queries(f"{POOL}draws/") == first


def test_one_takes_along_what_is_kept_of_oneself(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    seat = cases.seated(draw)[0]
    cases.vote(draw, "for")
    tables = {table.name: table for table in EXPORTER.tables}
    (case,) = tables["jury_cases"].rows(cases.claimant)
    assert case["statement"] == "Please read the report."
    (offer,) = tables["jury_offers"].rows(seat.person)
    (own,) = tables["jury_seats"].rows(seat.person)
    assert (offer["pool"], own["number"], own["vote"]) == ("test-pool", 1, "for")
    (words,) = tables["jury_words"].rows(cases.claimant)
    assert words["words"] == WORDS["claimant"]


def test_services_refuse_a_vote_after_the_closing_by_the_page(cases: JuryCases) -> None:
    claim = cases.refused()
    draw = cases.drawn(claim)
    seat = cases.seated(draw)[0]
    set_clock(draw.closes_at)
    answer = post(seat.person, f"{draw_of(claim)}seat/vote/", vote="for", key=str(uuid.uuid4()))
    assert answer.status_code == services.VotingOverError.status == 409
