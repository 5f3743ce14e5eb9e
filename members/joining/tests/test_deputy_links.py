"""Naming somebody without an account by a link: made, mailed, used in person, taken back; each guarantee by raw SQL."""

import re
from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.joining import deputies, deputy_links
from members.joining.deputy_link_models import DeputyLink
from members.joining.deputy_link_triggers import MOST_IN_A_MONTH
from members.joining.deputy_triggers import MOST_DEPUTIES
from members.joining.models import Membership
from members.joining.services import end_cover
from members.joining.tests.test_deputies import agreed, told_to
from members.joining.tests.test_payers import join, person, told
from members.people.models import Mail, User

PAGE = "/pools/test-pool/me/deputies/"
API = "/api/v1/pools/test-pool/my-deputies/links/"
INSERT = """INSERT INTO members_deputylink
            (membership_id, kind, label_sealed, token_sha256, state, made_by, made_at, expires_at)
            VALUES (%s, 'emergency', 'x', %s, 'open', %s, now(), now()) RETURNING id"""
USE = "UPDATE members_deputylink SET state = 'used', deputy_id = %s, name_sealed = 'x' WHERE id = %s"


@pytest.fixture
def member(world: World) -> Membership:
    """Give the test a member with an account."""
    return join(world, "member")


@pytest.fixture
def sister(world: World) -> User:
    """Give the test somebody who has just made an account."""
    return User.objects.create_user("sister@example.org")


def make(member: Membership, kind: str = "emergency", address: str = "") -> deputy_links.MadeLink:
    return deputy_links.make_deputy_link(
        membership=member, kind=kind, label="My sister", address=address, at=clock.now()
    )


def token_of(made: deputy_links.MadeLink) -> str:
    return made.link.rstrip("/").rpartition("/")[2]


def accept(made: deputy_links.MadeLink, person: User) -> deputies.Deputy:
    return deputy_links.accept_link(token=token_of(made), person=person, name="Li", at=clock.now())


def test_who_opens_the_link_agrees_and_the_member_is_told(member: Membership, sister: User) -> None:
    made = make(member)
    one = accept(made, sister)
    assert (one.state, one.kind, one.person) == ("live", "emergency", sister)
    assert [found.membership for found in deputies.claims_begin_for(sister)] == [member]
    assert told(member) == ["deputy_accepted"]
    assert deputy_links.named_by_link(member) == {one.pk: "Li"}
    assert accept(made, sister) == one
    with pytest.raises(deputy_links.DeputyLinkOverError):
        accept(made, User.objects.create_user("other@example.org"))
    assert not deputy_links.links_of(member, clock.now())


def test_link_is_mailed_where_the_member_says(member: Membership) -> None:
    made = make(member, address="sister@example.org")
    mail = Mail.objects.get(to_address="sister@example.org")
    assert made.link in mail.body
    assert mail.person is None
    make(member)
    assert Mail.objects.filter(key__startswith="deputy-link/").count() == 1


def test_link_completes_what_was_asked_by_a_code(member: Membership, sister: User) -> None:
    made = make(member)
    asked = deputies.name_deputy(membership=member, code=sister.code, kind="emergency", at=clock.now())
    assert accept(made, sister) == asked
    assert told_to(sister) == ["deputy_named"]
    second = make(member)
    with pytest.raises(deputy_links.StandsByAlreadyError):
        accept(second, sister)
    assert deputy_links.find_live_link(token_of(second), clock.now()) is not None


def test_own_link_ended_membership_and_taken_back_link_lead_nowhere(member: Membership, sister: User) -> None:
    made, back = make(member), make(member)
    with pytest.raises(deputies.NoSuchPersonError):
        accept(made, person(member))
    deputy_links.take_link_back(row=back.row, actor=person(member).code)
    with pytest.raises(deputy_links.DeputyLinkOverError):
        accept(back, sister)
    end_cover(membership=member, at=clock.now(), reason="left", actor=person(member).code)
    with pytest.raises(deputy_links.DeputyLinkOverError):
        accept(made, sister)
    with pytest.raises(deputies.MembershipOverError):
        make(member)


def test_link_is_made_by_its_member(member: Membership, sister: User) -> None:
    with refused("deputy_link_is_made_by_its_member"):
        run(INSERT, member.pk, "a" * 64, sister.code)
    end_cover(membership=member, at=clock.now(), reason="left", actor=person(member).code)
    with refused("deputy_link_is_made_by_its_member"):
        run(INSERT, member.pk, "a" * 64, person(member).code)


def test_links_have_a_limit(member: Membership, sister: User) -> None:
    agreed(member, sister)
    made = [make(member) for _one in range(MOST_DEPUTIES - 1)]
    with pytest.raises(deputies.TooManyDeputiesError):
        make(member)
    with refused("deputy_links_have_a_limit"):
        run(INSERT, member.pk, "a" * 64, person(member).code)
    for one in made:
        deputy_links.take_link_back(row=one.row, actor=person(member).code)
    for _one in range(MOST_IN_A_MONTH - len(made)):
        deputy_links.take_link_back(row=make(member).row, actor=person(member).code)
    with pytest.raises(deputies.TooManyDeputiesError):
        make(member)
    with refused("deputy_links_have_a_limit"):
        run(INSERT, member.pk, "a" * 64, person(member).code)


def test_link_is_live(member: Membership, sister: User) -> None:
    made = make(member)
    one = agreed(member, sister)
    set_clock(made.row.expires_at)
    with pytest.raises(deputy_links.DeputyLinkOverError):
        accept(made, User.objects.create_user("late@example.org"))
    with refused("deputy_link_is_live"):
        run(USE, one.pk, made.row.pk)
    assert [row.has_expired for row in deputy_links.links_of(member, clock.now())] == [True]


def test_link_names_who_agreed_by_it(member: Membership, sister: User) -> None:
    made, heir = make(member), agreed(member, sister, "beneficiary")
    with refused("deputy_link_names_who_agreed"):
        run(USE, heir.pk, made.row.pk)
    with not_permitted():
        run("UPDATE members_deputylink SET kind = 'beneficiary' WHERE id = %s", made.row.pk)
    with refused("deputy_link_keeps_what_it_says"):
        run("UPDATE members_deputylink SET name_sealed = 'x' WHERE id = %s", made.row.pk)
    accept(made, User.objects.create_user("brother@example.org"))
    with refused("deputy_link_is_used_once"):
        run("UPDATE members_deputylink SET state = 'taken_back' WHERE id = %s", made.row.pk)


def test_links_of_no_shape_are_refused(member: Membership, sister: User) -> None:
    mine = person(member).code
    with refused("deputy_link_is_of_a_known_kind"):
        run(INSERT.replace("'emergency'", "'heir'"), member.pk, "a" * 64, mine)
    first, second = make(member).row, make(member).row
    with refused("one_deputy_link_per_token"):
        run(INSERT, member.pk, first.token_sha256, mine)
    with refused("deputy_link_says_how_it_ended"):
        run("UPDATE members_deputylink SET state = 'taken_back', name_sealed = 'x' WHERE id = %s", first.pk)
    one = agreed(member, sister)
    run(USE, one.pk, first.pk)
    with refused("one_deputy_by_one_link"):
        run(USE, one.pk, second.pk)


@pytest.mark.parametrize("statement", ["DELETE FROM members_deputylink", "TRUNCATE members_deputylink"])
def test_links_are_kept(owner: psycopg.Connection, db: None, statement: str) -> None:
    with not_permitted():
        run(statement)
    with refused_to_owner(owner, "deputy_links_are_kept"):
        owner.execute(statement)


# --- pages and programs -------------------------------------------------------------------------------------------


def test_pages_make_open_and_agree(member: Membership, sister: User) -> None:
    mine, stranger, theirs = client_of(person(member)), client_of(None), client_of(sister)
    bad = mine.post(f"{PAGE}links/", {"label": "", "kind": "heir", "address": "nowhere"})
    assert (bad.status_code, 'value="nowhere"' in bad.content.decode()) == (422, True)
    shown = mine.post(f"{PAGE}links/", {"label": "My sister", "kind": "emergency", "address": ""})
    found = re.search(r"/standing-by/by/[\w-]+/", shown.content.decode())
    assert (shown.status_code, found is not None) == (200, True)
    assert found is not None
    link = found.group()
    assert link not in mine.get(PAGE).content.decode()
    assert "My sister" in mine.get(PAGE).content.decode()
    before = stranger.get(link).content.decode()
    assert f"/accounts/signup/?next={link}" in before
    assert stranger.post(link, {"name": "Li"}).status_code == 200
    assert theirs.post(link, {"name": ""}).status_code == 422
    for _click in range(2):
        assert theirs.post(link, {"name": "Li"}).status_code == 302
    assert "Li" in mine.get(PAGE).content.decode()
    assert "/claims/new/?pool=test-pool" in theirs.get("/standing-by/").content.decode()
    assert client_of(User.objects.create_user("x@example.org")).post(link, {"name": "X"}).status_code == 409
    assert stranger.get("/standing-by/by/nothing/").status_code == 200
    row = make(member).row
    assert theirs.post(f"{PAGE}links/{row.pk}/take-back/").status_code == 404
    assert mine.post(f"{PAGE}links/{row.pk}/take-back/").status_code == 302
    assert DeputyLink.objects.get(pk=row.pk).state == "taken_back"


def test_programs_do_the_same(member: Membership, sister: User) -> None:
    mine, theirs = client_of(person(member)), client_of(sister)

    def post(client: Any, path: str, **body: str) -> Any:
        return client.post(path, body, content_type="application/json")

    assert post(mine, API, for_whom="My sister", kind="heir").status_code == 400
    made = post(mine, API, for_whom="My sister", kind="beneficiary", address="sister@example.org").json()
    assert [row["for_whom"] for row in mine.get(API).json()] == ["My sister"]
    asked = f"/api/v1/me/standing-by/links/{made['link'].rstrip('/').rpartition('/')[2]}/"
    assert theirs.get(asked).json()["kind"] == "beneficiary"
    assert post(theirs, asked, name="Li").json()["state"] == "live"
    assert theirs.get(asked).status_code == 409
    assert post(theirs, API, for_whom="x", kind="emergency").status_code == 404
    second = post(mine, API, for_whom="Brother", kind="emergency").json()
    assert post(mine, f"{API}{second['id']}/take-back/").json()["state"] == "taken_back"
