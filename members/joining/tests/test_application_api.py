"""Applications in progress and the papers of joining, for their owner's programs alone."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import PageClient, client_of, program_of
from members.joining import applications
from members.joining.tests.papers import filled, paper
from members.joining.tests.test_certificates import joined
from members.people.models import User

MINE = "/api/v1/me/applications/"
PAPERS = "/api/v1/pools/test-pool/my-joining-papers/"


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty throttle counts."""
    cache.clear()


def test_application_says_how_far_it_has_come(world: World) -> None:
    newcomer = User.objects.create_user("newcomer@people.example.org")
    application = applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
    program = program_of(newcomer)
    row = program.get(MINE).json()[0]
    assert (row["pool"], row["relation"], row["next_step"]) == ("test-pool", "", "who")
    assert (row["identity"], row["answers"]) == (None, {})
    applications.save_identity(application=application, paper=paper(), at=clock.now())
    applications.save_consents(application=application, health=True, publication=True, at=clock.now())
    first = application.plan_version.questions()[0]
    applications.save_answer(application=application, code=first.code, answer=False, at=clock.now())
    row = program.get(MINE).json()[0]
    assert row["identity"]["name"] == paper().name
    assert row["identity"]["number_ends_in"] == paper().number[-4:]
    assert paper().number not in program.get(MINE).content.decode()
    assert row["answers"] == {first.code: False}
    filled(world.pool, newcomer)
    row = program.get(MINE).json()[0]
    assert (row["next_step"], row["understood"], row["consent_health"]) == ("sign", True, True)
    assert program_of(world.stranger).get(MINE).json() == []
    assert PageClient().get(MINE).status_code == 401


def test_signed_application_is_none_any_more(world: World) -> None:
    membership = joined(world)
    assert membership.person is not None
    assert program_of(membership.person).get(MINE).json() == []


def test_applications_take_as_many_statements_for_one_as_for_three(db: None) -> None:
    newcomer = User.objects.create_user("newcomer@people.example.org")
    counts = []
    for number in (1, 2, 3):
        world = World.founded(code=f"pool-{number}")
        applications.start_application(pool=world.pool, person=newcomer, at=clock.now())
        program = program_of(newcomer)
        with CaptureQueriesContext(connection) as queries:
            assert len(program.get(MINE).json()) == number
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2]


def test_papers_are_those_of_the_page_and_nobody_elses(world: World) -> None:
    membership = joined(world)
    assert membership.person is not None
    program = program_of(membership.person)
    rows = program.get(PAPERS).json()
    assert {row["kind"] for row in rows} >= {"covenant", "certificate"}
    assert {row["language"] for row in rows} == {"en", "zh-hans"}
    for row in rows:
        one = program.get(f"{PAPERS}{row['kind']}/{row['language']}/")
        page = f"/pools/test-pool/me/papers/{row['kind']}/{row['language']}.pdf"
        assert one.headers["Content-Type"] == "application/pdf"
        assert one.content == client_of(membership.person).get(page).content
    for wrong in ("covenant/fr/", "diary/en/"):
        assert program.get(PAPERS + wrong).status_code == 404
    stranger = program_of(world.stranger)
    for tail in ("", "covenant/en/"):
        refused = stranger.get(PAPERS + tail)
        absent = stranger.get(PAPERS.replace("test-pool", "no-such-pool") + tail)
        assert (refused.status_code, refused.content) == (absent.status_code, absent.content)
        assert refused.status_code == 404
        assert PageClient().get(PAPERS + tail).status_code == 401


def test_who_has_not_signed_here_has_no_papers(world: World) -> None:
    from aidplatform.site.tests.test_todo_member import admitted

    mine = admitted(world, "mine")
    assert mine.person is not None
    program = program_of(mine.person)
    assert program.get(PAPERS).json() == []
    assert program.get(f"{PAPERS}covenant/en/").status_code == 404
