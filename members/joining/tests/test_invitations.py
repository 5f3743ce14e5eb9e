"""Invitations to join: made within limits, used once, recorded for good; each guarantee broken by raw SQL."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.refusals import fire_deferred, not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, lay_down_all, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.joining import applications, invitations, payers
from members.joining.invitation_models import Invitation
from members.joining.invitation_triggers import MOST_IN_A_MONTH, MOST_OPEN
from members.joining.models import Membership
from members.joining.payer_models import PayerLink
from members.joining.services import end_cover
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_signing import _sign as sign
from members.people.models import Notice, User

PAGE = "/pools/test-pool/me/invitations/"
JOIN = "/pools/test-pool/join/"
INSERT = """INSERT INTO members_invitation
              (pool_id, inviter_id, token_sha256, label_sealed, pays, state, made_at, expires_at, used_by_id)
            VALUES (%s, %s, %s, '', false, %s, now(), now(), NULL) RETURNING id"""
USE = "UPDATE members_invitation SET state = 'used', used_by_id = %s WHERE id = %s"


@pytest.fixture
def inviter(world: World) -> Membership:
    """Give the test a member who has joined by the wizard: number 8."""
    return sign(filled(world.pool, User.objects.create_user("inviter@example.org")))


@pytest.fixture
def newcomer(world: World) -> User:
    """Give the test a person without any membership."""
    return User.objects.create_user("newcomer@example.org")


def person(membership: Membership) -> User:
    assert membership.person is not None
    return membership.person


def made(inviter: Membership, **changes: Any) -> invitations.Made:
    fields: dict[str, Any] = {"label": "Aunt", "pays": False, "at": clock.now()}
    return invitations.invite(membership=inviter, **(fields | changes))


def joined_by(invitation: Invitation, newcomer: User, number: str = "XX0000001") -> Membership:
    """Return the membership of who has joined by an invitation."""
    applications.start_application(
        pool=invitation.pool, person=newcomer, at=clock.now(), invitation=invitation
    )
    return sign(filled(invitation.pool, newcomer, passport(number)))


def test_invitation_is_used_at_the_signature_and_never_again(inviter: Membership, newcomer: User) -> None:
    one = made(inviter)
    token = one.link.rstrip("/").rsplit("/", 1)[-1]
    assert token not in str(run("SELECT * FROM members_invitation"))
    assert invitations.find_live(pool=inviter.pool, token=token, now=clock.now()) == one.invitation
    membership = joined_by(one.invitation, newcomer)
    assert invitations.inviter_of(membership) == inviter
    assert invitations.find_live(pool=inviter.pool, token=token, now=clock.now()) is None
    told = Notice.objects.filter(person=person(inviter), kind="invited_joined")
    assert [one.params["number"] for one in told] == [membership.number]
    second = joined_by(one.invitation, User.objects.create_user("second@example.org"), "XX0000002")
    assert invitations.inviter_of(second) is None
    assert not PayerLink.objects.exists()


def test_inviter_pays_where_the_invitation_says_so(inviter: Membership, newcomer: User) -> None:
    membership = joined_by(made(inviter, pays=True).invitation, newcomer)
    assert payers.covered_in_force(inviter) == [membership]
    link = PayerLink.objects.get()
    assert (link.asked_by, link.accepted_by) == (newcomer.code, person(inviter).code)


def test_invitation_expires_after_thirty_days(inviter: Membership, newcomer: User) -> None:
    one = made(inviter).invitation
    assert one.expires_at - one.made_at == dt.timedelta(days=30)
    set_clock(one.expires_at)
    assert invitations.invitations_of(inviter, clock.now())[0].has_expired
    assert invitations.inviter_of(joined_by(one, newcomer)) is None


def test_what_is_taken_back_is_over(inviter: Membership, newcomer: User) -> None:
    one = made(inviter).invitation
    invitations.take_back(invitation=one, actor=person(inviter).code)
    invitations.take_back(invitation=one, actor=person(inviter).code)
    one.refresh_from_db()
    assert one.state == "taken_back"
    assert invitations.inviter_of(joined_by(one, newcomer)) is None


def test_limits_against_mass_sign_up(inviter: Membership) -> None:
    for _number in range(MOST_OPEN):
        made(inviter)
    with pytest.raises(invitations.TooManyInvitationsError):
        made(inviter)
    while Invitation.objects.count() < MOST_IN_A_MONTH:
        invitations.take_back(
            invitation=Invitation.objects.filter(state="open").latest("pk"), actor=person(inviter).code
        )
        made(inviter)
    for one in Invitation.objects.filter(state="open"):
        invitations.take_back(invitation=one, actor=person(inviter).code)
    with pytest.raises(invitations.TooManyInvitationsError):
        made(inviter)
    with refused("invitations_stay_within_limits"):
        run(INSERT, inviter.pool_id, inviter.pk, "0" * 64, "open")
    set_clock(clock.now() + dt.timedelta(days=31))
    made(inviter)


def test_only_covered_members_invite(world: World, inviter: Membership) -> None:
    at = clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
    end_cover(membership=inviter, at=at, reason="left", actor=person(inviter).code)
    with pytest.raises(invitations.NotCoveredError):
        made(inviter)
    for membership in (inviter.pk, Membership.objects.get(number=1).pk):
        with refused("members_invite_while_covered"):
            run(INSERT, world.pool.pk, membership, "0" * 64, "open")


# --- guarantees, by raw SQL ---------------------------------------------------------------------------------------


def test_invitation_of_who_left_is_over(world: World, inviter: Membership, newcomer: User) -> None:
    one = made(inviter).invitation
    at = clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
    end_cover(membership=inviter, at=at, reason="left", actor=person(inviter).code)
    assert invitations.inviter_of(joined_by(one, newcomer)) is None


def test_inviter_is_another_of_the_pool_and_the_join_is_signed(
    world: World, inviter: Membership, newcomer: User
) -> None:
    one = made(inviter).invitation
    unsigned = Membership.objects.get(number=1)
    other = sign(filled(World.founded(code="other").pool, newcomer, passport("XX0000001")))
    for membership in (inviter, unsigned, other):
        with refused("inviter_is_another_of_the_pool"):
            run(USE, membership.pk, one.pk)


def test_who_signed_before_was_not_invited(inviter: Membership, newcomer: User) -> None:
    earlier = sign(filled(inviter.pool, newcomer, passport("XX0000001")))
    set_clock(clock.now() + dt.timedelta(hours=1))
    with refused("inviter_is_another_of_the_pool"):
        run(USE, earlier.pk, made(inviter).invitation.pk)


def test_expired_invitation_is_not_used(inviter: Membership, newcomer: User) -> None:
    one = made(inviter).invitation
    set_clock(one.expires_at)
    membership = sign(filled(inviter.pool, newcomer, passport("XX0000001")))
    with refused("invitation_is_live"):
        run(USE, membership.pk, one.pk)


def test_who_invited_whom_never_changes(inviter: Membership, newcomer: User) -> None:
    one = made(inviter).invitation
    joined_by(one, newcomer)
    with refused("invitation_keeps_its_people"):
        run("UPDATE members_invitation SET used_by_id = NULL")
    with refused("invitation_is_used_once"):
        run("UPDATE members_invitation SET state = 'taken_back', used_by_id = NULL")
    for change in ("inviter_id = 1", "expires_at = now()", "pays = true"):
        with not_permitted():
            run(f"UPDATE members_invitation SET {change}")
    with not_permitted():
        run("DELETE FROM members_invitation")


def test_one_joins_by_one_invitation(inviter: Membership, newcomer: User) -> None:
    membership = joined_by(made(inviter).invitation, newcomer)
    with refused("one_joins_by_one_invitation"):
        run(USE, membership.pk, made(inviter).invitation.pk)


def test_invitation_begins_open_and_says_how_it_ended(inviter: Membership) -> None:
    with refused("invitation_is_used_once"):
        run(INSERT, inviter.pool_id, inviter.pk, "0" * 64, "used")
    one = made(inviter).invitation
    with refused("invitation_says_how_it_ended"):
        run("UPDATE members_invitation SET state = 'taken_back', used_by_id = 1 WHERE id = %s", one.pk)
    with refused("one_invitation_per_token"):
        run(INSERT, inviter.pool_id, inviter.pk, one.token_sha256, "open")


def test_invitations_are_kept_by_the_owner_too(owner: psycopg.Connection) -> None:
    with refused_to_owner(owner, "invitations_are_kept"):
        owner.execute("TRUNCATE members_invitation CASCADE")


def test_pool_by_invitation_only(newcomer: User) -> None:
    world = World.founded(code="closed", by_invitation=True)
    application = filled(world.pool, newcomer, passport("XX0000001"))
    with pytest.raises(applications.InvitationNeededError):
        sign(application)
    with refused("joins_by_invitation"):
        sign(filled(world.pool, world.treasurer, passport("XX0000003")))
        lay_down_all(world.treasurer)
        fire_deferred()
    first = sign(filled(world.pool, world.treasurer, passport("XX0000003")))
    fire_deferred()
    assert invitations.inviter_of(joined_by(made(first).invitation, newcomer)) == first
    fire_deferred()
    page = client_of(User.objects.create_user("third@example.org")).get("/pools/closed/join/")
    assert "Members join by an invitation" in page.content.decode()
    assert "Who can join" in client_of(newcomer).get("/pools/closed/plan/").content.decode()


# --- pages --------------------------------------------------------------------------------------------------------


def test_way_of_a_link_by_the_pages(inviter: Membership, newcomer: User) -> None:
    client = client_of(person(inviter))
    page = client.post(PAGE, {"label": "My aunt", "pays": "on"})
    text = page.content.decode()
    assert (page.status_code, "no-store" in page.headers["Cache-Control"]) == (200, True)
    assert "<svg" in text
    assert "nobody is rewarded" in text
    link = text.split('<code id="made-link">')[1].split("</code>")[0]
    address = "/" + link.split("/", 3)[3]
    listed = client.get(PAGE).content.decode()
    assert ("My aunt" in listed, link in listed) == (True, False)
    stranger = client_of(newcomer)
    shown = stranger.get(address).content.decode()
    assert "林**" in shown
    assert "林小雨" not in shown
    token = address.rstrip("/").rsplit("/", 1)[-1]
    stranger.post(f"{JOIN}begin/", {"invitation": token})
    filled(inviter.pool, newcomer, passport("XX0000001"))
    page_to_sign = stranger.get(f"{JOIN}sign/").content.decode()
    assert "Invited by" in page_to_sign
    assert "they pay your shares" in page_to_sign
    version = inviter.pool.plan_versions.get()
    stranger.post(f"{JOIN}sign/", {"shown_sha256": version.covenant_sha256})
    membership = Membership.objects.get(person=newcomer)
    assert invitations.inviter_of(membership) == inviter
    assert f"Member {membership.number}" in client.get(PAGE).content.decode()


def test_link_that_is_over_says_so(inviter: Membership, newcomer: User) -> None:
    page = client_of(newcomer).get(f"{JOIN}by/nothing/")
    assert (page.status_code, "Ask the member who sent it" in page.content.decode()) == (200, True)


def test_invitations_are_their_inviters_alone(world: World, inviter: Membership, newcomer: User) -> None:
    one = made(inviter).invitation
    other = sign(filled(world.pool, newcomer, passport("XX0000001")))
    with pytest.raises(NotFoundError):
        invitations.access_invitation(membership=other, invitation_id=one.pk)
    assert client_of(newcomer).post(f"{PAGE}{one.pk}/take-back/").status_code == 404
    assert client_of(person(inviter)).post(f"{PAGE}{one.pk}/take-back/").status_code == 302
    assert value("SELECT state FROM members_invitation") == "taken_back"


def test_overview_costs_a_fixed_number_of_queries(inviter: Membership) -> None:
    client = client_of(person(inviter))
    made(inviter)
    client.get(PAGE)
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        counts.append(len(queries))
        made(inviter)
    assert counts[0] == counts[1]


def test_invitations_by_the_api(inviter: Membership) -> None:
    client, root = client_of(person(inviter)), "/api/v1/pools/test-pool/my-invitations/"
    made_one = client.post(root, {"for_whom": "Aunt"}, content_type="application/json")
    assert (made_one.status_code, "/join/by/" in made_one.json()["link"]) == (201, True)
    assert client.post(f"{root}{made_one.json()['id']}/end/").status_code == 204
    assert [(row["for_whom"], row["state"]) for row in client.get(root).json()] == [("Aunt", "taken_back")]
