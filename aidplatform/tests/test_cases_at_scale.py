"""The pages of one claim and one case ask as much of 10,000 members, and of many papers and objections, as of a few."""

import datetime as dt
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.claim_cases import ClaimCases, photograph
from aidplatform.testing.investigation_cases import InvestigationCases
from aidplatform.testing.jury_cases import JuryCases
from aidplatform.testing.signing import TestSigner
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import (
    client_of,
    many_join,
    post_another_period,
    public_world,
    statements_of,
)
from claims.filing import services as filing
from claims.filing.selectors import papers_of
from claims.filing.views import STEP_NAMES
from claims.publicity import services as publicity
from claims.publicity.triggers import DAYS_FOR_TWO
from claims.review.selectors import public_ref
from members.joining.services import admit_member
from members.joining.tests.test_secrets import joined
from members.people.models import User

MANY = 10_000
# Whose browser opens it, and what.
Place = tuple[User, str]


def counted(places: list[Place]) -> dict[str, int]:
    """Return how many statements each page takes, by its address; all of them open."""
    clients: dict[int, Client] = {}
    counts, shut = {}, {}
    for person, path in places:
        client = clients.get(person.pk)
        if client is None:
            client = clients[person.pk] = client_of(person)
            client.get("/")  # a session notes once that it is in use
        counts[path], status = statements_of(client, path)
        if status != 200:
            shut[path] = status
    assert shut == {}
    return counts


def objectors_of(cases: ClaimCases, count: int) -> list[User]:
    """Return members with accounts who can object to a case."""
    people = []
    for number in range(count):
        person = User.objects.create_user(f"objector-{number}@example.org", name=f"Objector {number}")
        admit_member(
            pool=cases.world.pool, person=person, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
            actor="founding",
        )  # fmt: skip
        people.append(person)
    return people


@pytest.mark.usefixtures("db")
def test_pages_of_a_claim_before_a_jury() -> None:
    cases = JuryCases.founded()
    refused = cases.refused()
    at = [refused.code]
    draw = cases.drawn(refused)
    seat = cases.seated(draw)[0]
    of_draw = draw.claim.pool.code, public_ref(draw.claim)
    places = [
        (cases.claimant, reverse("claim", args=at)),
        (cases.claimant, reverse("claim_letter", args=[*at, 1])),
        (cases.claimant, reverse("claim_letter_pdf", args=[*at, 1, "en"])),
        (seat.person, reverse("my_jury", args=[draw.claim.pool.code])),
        (seat.person, reverse("jury_seat", args=of_draw)),
    ]
    few = counted(places)
    many_join(cases.world, MANY)
    assert counted(places) == few


@pytest.mark.usefixtures("db")
def test_page_that_takes_a_refusal_to_a_jury() -> None:
    cases = JuryCases.founded()
    places = [(cases.claimant, reverse("take_to_jury", args=[cases.refused().code]))]
    few = counted(places)
    many_join(cases.world, MANY)
    assert counted(places) == few


@pytest.mark.usefixtures("db")
def test_pages_of_a_case_with_many_objections() -> None:
    cases = ClaimCases.founded(World.founded(members=120))
    claim = cases.published()
    case = cases.award(claim).code
    first, *others = objectors_of(cases, 6)
    objection = publicity.object_to_case(
        claim=claim, member=first.code, reason="I saw her ill in 2024.", at=clock.now(), data=photograph(99)
    )
    set_clock(clock.now() + dt.timedelta(days=DAYS_FOR_TWO))
    paper = objection.papers.get()
    places = [
        (cases.claimant, reverse("claim", args=[claim.code])),
        (cases.claimant, reverse("told_paper", args=[claim.code, objection.number, paper.paper.code])),
        (cases.neighbor, reverse("case", args=[claim.pool.code, case])),
        (cases.neighbor, reverse("notice_board", args=[claim.pool.code])),
        (first, reverse("case", args=[claim.pool.code, case])),
    ]
    few = counted(places)
    for number, person in enumerate(others):
        publicity.object_to_case(
            claim=claim,
            member=person.code,
            reason="So did I.",
            at=clock.now(),
            data=photograph(60 + 25 * number),
        )
    many_join(cases.world, MANY)
    assert counted(places) == few


@pytest.mark.usefixtures("db")
def test_pages_of_a_draft_with_many_papers() -> None:
    cases = ClaimCases.founded()
    claim = cases.draft()
    paper = papers_of(claim)[0]
    places = [(cases.claimant, reverse("claim_step", args=[claim.code, step])) for step in STEP_NAMES]
    places.append((cases.claimant, reverse("own_paper", args=[claim.code, paper.code])))
    few = counted(places)
    for number in range(12):
        filing.add_evidence(
            claim=claim,
            claimant=cases.claimant.code,
            kind="bill",
            data=photograph(60 + number),
            at=clock.now(),
        )
    many_join(cases.world, MANY)
    assert counted(places) == few


@pytest.mark.usefixtures("db")
def test_pages_of_an_investigation() -> None:
    cases = InvestigationCases.founded()
    one = cases.reported()
    places = [(cases.claimant, reverse("claim_findings", args=[one.claim.code, one.number]))]
    few = counted(places)
    many_join(cases.world, MANY)
    assert counted(places) == few


@pytest.mark.usefixtures("committed_db")
def test_proof_of_a_member_in_a_large_period(tmp_path: Path) -> None:
    world = public_world()
    membership = joined(world)
    signer = TestSigner(tmp_path / "state")
    paths = {}
    world.award(1_000_000, "C-0")
    world.posted_period()
    for number in (2, 3):
        period = post_another_period(world, f"C-{number}")
        signer.sign()
        paths[number] = reverse("my_proof", args=[world.pool.code, period.number])
        if number == 2:
            many_join(world, MANY)
    assert period.headcount == MANY + 151
    counts = counted([(membership.person, path) for path in paths.values()])
    assert counts[paths[2]] == counts[paths[3]]
