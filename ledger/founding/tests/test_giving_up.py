"""A draft that goes no further: given up once and for good, by its admin, and only while nothing has come of it."""

from typing import Any

import pytest
from django.db import IntegrityError

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import TERMS, World
from aidplatform.tests.pages_helpers import client_of
from ledger.disclosure.selectors import pool_cards
from ledger.founding.tests.test_founding import TODAY, a_draft, founder, name_operator, staff
from members.joining.services import admit_group
from members.people.models import User
from members.pools.founding import NotADraftError, give_up, invite
from members.pools.models import DutyInvitation, PlanDraft, Pool
from members.pools.selectors import invitations_to
from members.pools.services import publish_plan

__all__ = ["founder"]
PAGE = "/pools/new/founding/"
GIVE_UP = "UPDATE members_pool SET state = 'given_up' WHERE id = %s"


@pytest.fixture
def draft(founder: User) -> PlanDraft:
    """Return the rules of a pool that was just founded."""
    return a_draft(founder)


def admit(pool: Pool) -> None:
    at = clock.start_of_day(TODAY, pool.time_zone)
    admit_group(pool=pool, count=1, class_no=0, from_at=at, joined_date=TODAY, actor="test")


def publish(pool: Pool) -> None:
    publish_plan(pool=pool, terms=TERMS, effective_date=TODAY, publisher="test", at=clock.now())


def test_admin_gives_a_draft_up_by_its_page_and_a_double_click_does_it_once(
    draft: PlanDraft, founder: User
) -> None:
    asked = invite(
        pool=draft.pool, duty="treasurer", email="asked@example.org", inviter=founder, at=clock.now()
    )
    person = User.objects.create_user("asked@example.org")
    client = client_of(founder)
    assert "Give it up for good" in client.get(PAGE).content.decode()
    assert any("New pool" in str(todo.text) for todo in todos_of(founder))
    for _click in range(2):
        answer = client.post(f"{PAGE}give-up/")
        assert (answer.status_code, answer["Location"]) == (302, PAGE)
    page = client.get(PAGE).content.decode()
    assert "This draft was given up" in page
    assert "Give it up for good" not in page
    asked.refresh_from_db()
    assert asked.state == DutyInvitation.State.WITHDRAWN
    assert not invitations_to(person).exists()
    assert not any("New pool" in str(todo.text) for todo in todos_of(founder))


def test_nobody_else_sees_what_was_given_up(draft: PlanDraft, founder: User) -> None:
    give_up(pool=draft.pool, by=founder.code, at=clock.now())
    assert pool_cards() == []
    for client in (client_of(None), client_of(User.objects.create_user("somebody@example.org"))):
        for address in ("/pools/new/", "/pools/new/plan/", "/api/v1/pools/new/"):
            assert client.get(address).status_code == 404, address
    assert client_of(founder).get("/pools/new/")["Location"] == PAGE
    assert client_of(founder).get(f"{PAGE}rules/").status_code == 404


def test_only_an_admin_gives_up(draft: PlanDraft) -> None:
    staff(draft.pool)
    controller = User.objects.get(duty_grants__duty="controller")
    assert "Give it up for good" not in client_of(controller).get(PAGE).content.decode()
    assert client_of(controller).post(f"{PAGE}give-up/").status_code == 403
    assert client_of(None).post(f"{PAGE}give-up/").status_code == 302
    assert Pool.objects.get().state == Pool.State.DRAFT


def test_program_gives_a_draft_up(draft: PlanDraft, founder: User, world: World) -> None:
    client = client_of(founder)
    for _call in range(2):
        answer = client.post("/api/v1/pools/new/giving-up/")
        assert (answer.status_code, answer.json()["state"]) == (200, "given_up")
    refusal = client_of(world.admin).post("/api/v1/pools/test-pool/giving-up/")
    assert refusal.status_code == 409
    assert "Only a draft can be given up." in refusal.content.decode()


def test_pool_that_has_left_its_draft_is_not_given_up(world: World) -> None:
    with pytest.raises(NotADraftError):
        give_up(pool=world.pool, by=world.admin.code, at=clock.now())
    with refused("pool_state_follows_order"):
        run(GIVE_UP, world.pool.pk)


@pytest.mark.parametrize("begin", [admit, publish])
def test_only_empty_drafts_are_given_up(draft: PlanDraft, founder: User, begin: Any) -> None:
    begin(draft.pool)
    with refused("only_empty_drafts_are_given_up"):
        run(GIVE_UP, draft.pool.pk)
    with pytest.raises(IntegrityError):
        give_up(pool=draft.pool, by=founder.code, at=clock.now())


def test_given_up_draft_stays_given_up(draft: PlanDraft, founder: User) -> None:
    give_up(pool=draft.pool, by=founder.code, at=clock.now())
    for state in ("draft", "gathering", "open"):
        with refused("pool_state_follows_order"):
            run("UPDATE members_pool SET state = %s WHERE id = %s", state, draft.pool.pk)
    with refused("plan_draft_ends_with_the_draft"):
        name_operator(draft)
    with refused("nobody_joins_an_ending_pool"):
        admit(draft.pool)
