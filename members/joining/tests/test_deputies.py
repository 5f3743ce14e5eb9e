"""Who may claim for a member: named, agreed to, ended by either; each guarantee broken by raw SQL."""

from typing import Any

import psycopg
import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of
from members.joining import deputies
from members.joining.deputy_models import Deputy
from members.joining.deputy_triggers import MOST_DEPUTIES
from members.joining.kin import is_near, near_memberships, people_near
from members.joining.models import Membership
from members.joining.services import end_cover
from members.joining.tests.test_guardians import died
from members.joining.tests.test_payers import join, person, told
from members.people.models import User

PAGE, STANDING = "/pools/test-pool/me/deputies/", "/standing-by/"
API, API_STANDING = "/api/v1/pools/test-pool/my-deputies/", "/api/v1/me/standing-by/"
INSERT = """INSERT INTO members_deputy (membership_id, person_id, kind, state, named_by, named_at)
            VALUES (%s, %s, 'emergency', 'asked', %s, now()) RETURNING id"""


@pytest.fixture
def member(world: World) -> Membership:
    """Give the test a member with an account."""
    return join(world, "member")


@pytest.fixture
def friend(world: World) -> User:
    """Give the test somebody with an account who belongs to no pool."""
    return User.objects.create_user("friend@example.org", name="Friend")


def name(member: Membership, friend: User, kind: str = "emergency") -> Deputy:
    return deputies.name_deputy(membership=member, code=friend.code, kind=kind, at=clock.now())


def agreed(member: Membership, friend: User, kind: str = "emergency") -> Deputy:
    """Return somebody who was named and has agreed."""
    return deputies.accept_deputy(deputy=name(member, friend, kind), person=friend)


def told_to(somebody: User) -> list[str]:
    return list(somebody.notices.order_by("pk").values_list("kind", flat=True))


def test_who_is_named_agrees_and_either_ends(member: Membership, friend: User) -> None:
    one = name(member, friend)
    assert (one.state, told_to(friend)) == ("asked", ["deputy_named"])
    assert not deputies.claims_begin_for(friend).exists()
    assert name(member, friend) == one
    one = deputies.accept_deputy(deputy=one, person=friend)
    assert (one.state, one.accepted_at, told(member)) == ("live", clock.now(), ["deputy_accepted"])
    assert [found.membership for found in deputies.claims_begin_for(friend)] == [member]
    one = deputies.end_deputy(deputy=one, person=person(member))
    assert (one.state, one.ended_by, told_to(friend)) == (
        "ended",
        person(member).code,
        ["deputy_named", "deputy_ended"],
    )
    assert not deputies.claims_begin_for(friend).exists()
    again = deputies.end_deputy(deputy=agreed(member, friend), person=friend)
    assert (again.state, told(member)[-1]) == ("ended", "deputy_ended")


def test_a_no_is_a_no(member: Membership, friend: User) -> None:
    one = deputies.end_deputy(deputy=name(member, friend), person=friend)
    assert (one.state, told(member)) == ("declined", ["deputy_ended"])
    with pytest.raises(deputies.DeputyMovedOnError):
        deputies.accept_deputy(deputy=one, person=friend)


@pytest.mark.parametrize("code", ["NOBODY", "", "own"])
def test_codes_that_lead_to_nobody_are_refused_alike(member: Membership, code: str) -> None:
    told_code = person(member).code if code == "own" else code
    with pytest.raises(deputies.NoSuchPersonError):
        deputies.name_deputy(membership=member, code=told_code, kind="emergency", at=clock.now())


def test_beneficiary_begins_nothing_while_the_member_lives(
    world: World, member: Membership, friend: User
) -> None:
    contact = User.objects.create_user("contact@example.org")
    agreed(member, friend, "beneficiary")
    agreed(member, contact)
    begins = [deputies.claims_begin_for(one).exists() for one in (friend, contact)]
    assert begins == [False, True]
    died(world, member)
    begins = [deputies.claims_begin_for(one).exists() for one in (friend, contact)]
    assert begins == [True, False]


def test_deputies_have_a_limit(member: Membership) -> None:
    people = [User.objects.create_user(f"one{number}@example.org") for number in range(MOST_DEPUTIES + 1)]
    for one in people[:-1]:
        name(member, one)
    with pytest.raises(deputies.TooManyDeputiesError):
        name(member, people[-1])
    with refused("deputies_have_a_limit"):
        run(INSERT, member.pk, people[-1].pk, person(member).code)
    deputies.end_deputy(deputy=deputies.deputies_of(member)[0], person=person(member))
    assert name(member, people[-1]).state == "asked"


def test_deputy_is_named_by_their_member(member: Membership, friend: User) -> None:
    with refused("deputy_is_named_by_their_member"):
        run(INSERT, member.pk, friend.pk, friend.code)
    with refused("deputy_is_named_by_their_member"):
        run(
            """INSERT INTO members_deputy (membership_id, person_id, kind, state, named_by, named_at, accepted_by)
               VALUES (%s, %s, 'emergency', 'asked', %s, now(), %s)""",
            member.pk,
            friend.pk,
            person(member).code,
            friend.code,
        )
    end_cover(membership=member, at=clock.now(), reason="left", actor=person(member).code)
    with pytest.raises(deputies.MembershipOverError):
        name(member, friend)
    with refused("deputy_is_named_by_their_member"):
        run(INSERT, member.pk, friend.pk, person(member).code)


def test_deputy_is_somebody_else(member: Membership, friend: User) -> None:
    with refused("deputy_is_somebody_else"):
        run(INSERT, member.pk, person(member).pk, person(member).code)
    User.objects.filter(pk=friend.pk).update(is_active=False)
    with refused("deputy_is_somebody_else"):
        run(INSERT, member.pk, friend.pk, person(member).code)


def test_deputy_agrees_in_person(member: Membership, friend: User) -> None:
    one = name(member, friend)
    accept = "UPDATE members_deputy SET state = 'live', accepted_by = %s WHERE id = %s"
    with refused("deputy_agrees_in_person"):
        run(accept, person(member).code, one.pk)
    run(accept, friend.code, one.pk)
    assert value("SELECT accepted_at = aid_now() FROM members_deputy WHERE id = %s", one.pk)
    stranger = User.objects.create_user("stranger@example.org")
    with refused("deputy_agrees_in_person"):
        run("UPDATE members_deputy SET state = 'ended', ended_by = %s WHERE id = %s", stranger.code, one.pk)


def test_deputy_keeps_their_people(owner: psycopg.Connection, member: Membership, friend: User) -> None:
    one = agreed(member, friend)
    with not_permitted():
        run("UPDATE members_deputy SET person_id = %s WHERE id = %s", person(member).pk, one.pk)
    with refused("deputy_keeps_their_people"):
        run("UPDATE members_deputy SET accepted_by = 'X' WHERE id = %s", one.pk)
    deputies.end_deputy(deputy=one, person=friend)
    with refused("deputy_follows_order"):
        run("UPDATE members_deputy SET state = 'live' WHERE id = %s", one.pk)


@pytest.mark.parametrize("statement", ["DELETE FROM members_deputy", "TRUNCATE members_deputy CASCADE"])
def test_deputies_are_kept(owner: psycopg.Connection, db: None, statement: str) -> None:
    with not_permitted():
        run(statement)
    with refused_to_owner(owner, "deputies_are_kept"):
        owner.execute(statement)


def test_rows_of_no_shape_are_refused(member: Membership, friend: User) -> None:
    insert = INSERT.replace("'emergency'", "'heir'")
    with refused("deputy_is_of_a_known_kind"):
        run(insert, member.pk, friend.pk, person(member).code)
    name(member, friend)
    with refused("one_open_deputy_per_person_and_kind"):
        run(INSERT, member.pk, friend.pk, person(member).code)
    with refused("deputy_says_since_when"):
        run(
            "UPDATE members_deputy SET state = 'live', accepted_by = %s, ended_by = %s",
            friend.code,
            friend.code,
        )


def test_who_stands_by_is_near(world: World, member: Membership, friend: User) -> None:
    other = join(world, "other")
    one = name(member, friend)
    assert not is_near(member, friend)
    deputies.accept_deputy(deputy=one, person=friend)
    agreed(member, person(other))
    for somebody in (friend, person(other)):
        assert is_near(member, somebody)
    assert people_near(member) == {friend.pk, person(other).pk}
    assert is_near(other, person(member))
    assert near_memberships(friend) == {member.pk}
    assert near_memberships(person(other)) == {member.pk}


# --- pages and programs -------------------------------------------------------------------------------------------


def test_pages_name_agree_and_end(member: Membership, friend: User) -> None:
    mine, theirs = client_of(person(member)), client_of(friend)
    bad = mine.post(PAGE, {"code": "NOBODY", "kind": "emergency"})
    assert (bad.status_code, 'value="NOBODY"' in bad.content.decode()) == (422, True)
    assert mine.post(PAGE, {"code": friend.code, "kind": "heir"}).status_code == 422
    for _click in range(2):
        assert mine.post(PAGE, {"code": friend.code.lower(), "kind": "emergency"}).status_code == 302
    one = Deputy.objects.get()
    page = mine.get(PAGE).content.decode()
    assert friend.code in page
    assert "Friend" not in page
    assert "Member" in theirs.get(STANDING).content.decode()
    assert theirs.get("/claims/new/?pool=test-pool").status_code == 404
    assert mine.post(f"{STANDING}{one.pk}/accept/").status_code == 404
    assert theirs.post(f"{STANDING}{one.pk}/accept/").status_code == 302
    assert "Friend" in mine.get(PAGE).content.decode()
    begin = f"/claims/new/?pool=test-pool&amp;member={member.number}"
    assert begin in theirs.get(STANDING).content.decode()
    assert "Member" in theirs.get(begin.replace("&amp;", "&")).content.decode()
    assert theirs.post(f"{PAGE}{one.pk}/end/").status_code == 404
    assert mine.post(f"{PAGE}{one.pk}/end/").status_code == 302
    assert theirs.get("/claims/new/?pool=test-pool").status_code == 404
    assert theirs.post(f"{STANDING}{one.pk}/accept/").status_code == 409
    assert theirs.post(f"{STANDING}{one.pk}/end/").status_code == 302


def test_programs_do_the_same(member: Membership, friend: User) -> None:
    mine, theirs = client_of(person(member)), client_of(friend)

    def post(client: Any, address: str, **body: str) -> Any:
        return client.post(address, body, content_type="application/json")

    assert post(mine, API, code="NOBODY", kind="emergency").status_code == 422
    made = post(mine, API, code=friend.code, kind="beneficiary")
    assert (made.status_code, made.json()["state"], made.json()["member"]) == (201, "asked", member.number)
    pk = made.json()["id"]
    assert [row["id"] for row in mine.get(API).json()] == [pk]
    assert [row["kind"] for row in theirs.get(API_STANDING).json()] == ["beneficiary"]
    assert post(mine, f"{API_STANDING}{pk}/acceptance/").status_code == 404
    assert post(theirs, f"{API_STANDING}{pk}/acceptance/").json()["state"] == "live"
    assert post(theirs, f"{API_STANDING}{pk}/end/").json()["state"] == "ended"
    assert post(mine, f"{API}{pk}/end/").json()["state"] == "ended"
    assert theirs.get(API).status_code == 404


def test_pages_ask_as_much_for_three_as_for_one(
    member: Membership, friend: User, django_assert_max_num_queries: Any
) -> None:
    mine = client_of(person(member))
    agreed(member, friend)
    mine.get(PAGE)
    with django_assert_max_num_queries(60) as one:
        mine.get(PAGE)
    for number in range(2):
        agreed(member, User.objects.create_user(f"more{number}@example.org"))
    with django_assert_max_num_queries(60) as three:
        mine.get(PAGE)
    assert len(three.captured_queries) == len(one.captured_queries)


def test_nobody_reaches_the_naming_of_others(world: World, member: Membership, friend: User) -> None:
    one, other = name(member, friend), join(world, "other")
    with pytest.raises(NotFoundError):
        deputies.access_named(membership=other, deputy_id=one.pk)
    with pytest.raises(NotFoundError):
        deputies.access_deputyship(person=person(other), deputy_id=one.pk)
