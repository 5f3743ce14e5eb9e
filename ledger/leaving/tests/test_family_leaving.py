"""Leaving as a family: the children one has signed for, in the same two clicks; adults are told, and stay."""

import datetime as dt
import uuid

import pytest

from aidplatform.lib import clock
from aidplatform.site.todo_member import of_member
from aidplatform.testing.refusals import refused
from aidplatform.testing.world import World, run_jobs, set_clock
from ledger.custody.owed import open_fen_by_member
from ledger.custody.tests.test_views import client_of
from ledger.leaving.selectors import family_parting_of, parting_of
from ledger.leaving.services import FiguresMovedError, end_child, leave_pool
from ledger.sharing.services import approve_period
from members.joining import payer_news, payers
from members.joining.end_models import MembershipEnd
from members.joining.models import Membership
from members.joining.services import end_cover
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_family import added, person
from members.joining.tests.test_payers import join
from members.joining.tests.test_signing import _sign as sign
from members.people.models import Notice, User
from members.people.notices import body_of

LEAVE = "/pools/test-pool/me/leave/"


@pytest.fixture
def guardian(world: World) -> Membership:
    """Give the test a guardian, number 8, with two children, 9 and 10."""
    mother = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    added(mother)
    added(mother, "CHILD00002")
    return mother


def ended() -> set[int]:
    return set(MembershipEnd.objects.values_list("membership__number", flat=True))


def test_children_leave_with_their_guardian_by_one_receipt(guardian: Membership) -> None:
    shown = family_parting_of(guardian, clock.now())
    assert [one.membership.number for one, _parting in shown.children] == [9, 10]
    assert shown.at_most_fen == 0
    leave_pool(
        membership=guardian,
        leaver=person(guardian),
        shown_sha256=shown.shown_sha256,
        at=clock.now(),
        children=[9, 10],
    )
    assert ended() == {8, 9, 10}
    receipt = Notice.objects.get(kind="left")
    assert [one["number"] for one in receipt.params["family"]] == [9, 10]
    assert "With you leaves member 10" in body_of("left", receipt.params)


def test_who_is_left_out_stays(guardian: Membership) -> None:
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    leave_pool(
        membership=guardian, leaver=person(guardian), shown_sha256=shown, at=clock.now(), children=[10, 1]
    )
    assert ended() == {8, 10}
    told = Notice.objects.get(kind="payer_gone")
    assert (told.person, told.params["member"], told.link) == (
        guardian.person,
        9,
        "/pools/test-pool/me/family/",
    )


def test_what_was_shown_is_over_the_whole_family(guardian: Membership) -> None:
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    added(guardian, "CHILD00003")
    with pytest.raises(FiguresMovedError):
        leave_pool(membership=guardian, leaver=person(guardian), shown_sha256=shown, at=clock.now())


def test_two_clicks_by_the_pages(guardian: Membership) -> None:
    client = client_of(person(guardian))
    page = client.get(LEAVE).content.decode()
    assert page.count('name="children"') == 2
    assert "All of you together still owe" in page
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    given = {"key": str(uuid.uuid4()), "shown_sha256": shown, "children": ["9"]}
    for _click in range(2):
        assert client.post(f"{LEAVE}now/", given).status_code == 302
    assert ended() == {8, 9}


def test_nobody_takes_a_child_of_others_along(world: World, guardian: Membership) -> None:
    other = sign(filled(world.pool, User.objects.create_user("other@example.org"), passport("FATHER0001")))
    client = client_of(person(other))
    shown = family_parting_of(other, clock.now()).shown_sha256
    given = {"key": str(uuid.uuid4()), "shown_sha256": shown, "children": ["9"]}
    assert client.post(f"{LEAVE}now/", given).status_code == 422
    assert ended() == set()


def test_programs_leave_as_a_family(guardian: Membership) -> None:
    client, root = client_of(person(guardian)), "/api/v1/pools/test-pool/my-leaving/"
    shown = client.get(root).json()
    assert [one["member"] for one in shown["children"]] == [9, 10]
    given = {"shown_sha256": shown["shown_sha256"], "children": [9]}
    answer = client.post(
        root, given, content_type="application/json", headers={"Idempotency-Key": str(uuid.uuid4())}
    )
    assert (answer.status_code, ended()) == (201, {8, 9})


def test_adults_are_told_and_stay(world: World, guardian: Membership) -> None:
    uncle = join(world, "uncle")
    link = payers.ask_payer(membership=uncle, payer_number=guardian.number, at=clock.now())
    payers.accept_link(link=link, person=person(guardian))
    page = client_of(person(guardian)).get(LEAVE).content.decode()
    assert "They have accounts of their own" in page
    assert f"Member {uncle.number} stays. Until 1 Feb 2026 your transfers still count for them" in page
    assert payers.masked_names([uncle])[uncle.pk] in page
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    leave_pool(membership=guardian, leaver=person(guardian), shown_sha256=shown, at=clock.now())
    told = Notice.objects.get(kind="payer_gone", person=uncle.person)
    assert (told.person, told.params["until"], told.params["last"]) == (
        person(uncle),
        "2026-01-02",
        "2026-02-01",
    )
    assert uncle.number not in ended()
    receipt = Notice.objects.get(kind="left")
    assert receipt.params["adults"] == [[uncle.number, False]]
    assert f"Member {uncle.number} stays." in body_of("left", receipt.params)
    assert [one.text for one in of_member(person(uncle))] == [
        "Member 8, who pays your shares in Test pool, leaves: their transfers count until 1 Feb 2026"
    ]
    set_clock(clock.start_of_day(dt.date(2026, 2, 1), world.pool.time_zone))
    assert of_member(person(uncle)) == []


def test_adults_leave_by_their_own_word_alone(world: World, guardian: Membership) -> None:
    uncle, aunt = join(world, "uncle"), join(world, "aunt")
    for one in (uncle, aunt):
        link = payers.ask_payer(membership=one, payer_number=guardian.number, at=clock.now())
        payers.accept_link(link=link, person=person(guardian))
    client = client_of(person(guardian))
    assert client.get(LEAVE).content.decode().count('name="asked"') == 2
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    # The number of a stranger, or of a child, is nobody's to ask.
    bad = {"key": str(uuid.uuid4()), "shown_sha256": shown, "asked": ["1"]}
    assert client.post(f"{LEAVE}now/", bad).status_code == 422
    given = {
        "key": str(uuid.uuid4()),
        "shown_sha256": shown,
        "children": ["9", "10"],
        "asked": [uncle.number],
    }
    for _click in range(2):
        assert client.post(f"{LEAVE}now/", given).status_code == 302
    assert ended() == {8, 9, 10}
    assert [one.kind for one in Notice.objects.filter(person=aunt.person, kind__startswith="payer_")] == [
        "payer_gone"
    ]
    asks = Notice.objects.get(person=uncle.person, kind="payer_asks")
    assert (asks.link, asks.params["last"]) == (LEAVE, "2026-02-01")
    assert "without your own word you stay" in body_of("payer_asks", asks.params)
    receipt = Notice.objects.get(kind="left")
    assert f"Member {uncle.number} is asked whether they leave too" in body_of("left", receipt.params)
    with refused("members_leave_themselves"):
        at = clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
        end_cover(membership=uncle, at=at, reason="left", actor=person(guardian).code)
    own = family_parting_of(uncle, clock.now()).shown_sha256
    leave_pool(membership=uncle, leaver=person(uncle), shown_sha256=own, at=clock.now())
    assert ended() == {8, 9, 10, uncle.number}


def test_who_pays_for_another_adult_meanwhile_reads_it_first(world: World, guardian: Membership) -> None:
    shown = family_parting_of(guardian, clock.now()).shown_sha256
    uncle = join(world, "uncle")
    link = payers.ask_payer(membership=uncle, payer_number=guardian.number, at=clock.now())
    payers.accept_link(link=link, person=person(guardian))
    with pytest.raises(FiguresMovedError):
        leave_pool(membership=guardian, leaver=person(guardian), shown_sha256=shown, at=clock.now())


def test_programs_ask_adults_too(world: World, guardian: Membership) -> None:
    uncle = join(world, "uncle")
    link = payers.ask_payer(membership=uncle, payer_number=guardian.number, at=clock.now())
    payers.accept_link(link=link, person=person(guardian))
    client, root = client_of(person(guardian)), "/api/v1/pools/test-pool/my-leaving/"
    shown = client.get(root).json()
    assert shown["adults"] == [{"member": uncle.number, "last_date": "2026-02-01"}]
    given = {"shown_sha256": shown["shown_sha256"], "asked": [uncle.number]}
    answer = client.post(
        root, given, content_type="application/json", headers={"Idempotency-Key": str(uuid.uuid4())}
    )
    assert (answer.status_code, ended()) == (201, {8})
    assert Notice.objects.filter(person=uncle.person, kind="payer_asks").count() == 1


def test_who_is_paid_for_is_told_however_the_membership_ends(world: World, guardian: Membership) -> None:
    uncle = join(world, "uncle")
    link = payers.ask_payer(membership=uncle, payer_number=guardian.number, at=clock.now())
    payers.accept_link(link=link, person=person(guardian))
    at = clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone)
    end_cover(membership=guardian, at=at, reason="aided", actor="service", reference="C-1")
    assert Notice.objects.filter(kind="payer_gone", person=uncle.person).count() == 1
    assert (
        payer_news.tell_of_ends(pool=world.pool, reason="aged_out", day=dt.date(2026, 1, 2), actor="service")
        == 0
    )


# --- one child alone ----------------------------------------------------------------------------------------------

CHILD = "/pools/test-pool/me/family/9/leave/"


def test_one_child_is_ended_alone_in_two_clicks(guardian: Membership) -> None:
    client = client_of(person(guardian))
    assert f'href="{CHILD}"' in client.get("/pools/test-pool/me/family/").content.decode()
    page = client.get(CHILD).content.decode()
    assert "No further period counts them" in page
    shown = parting_of(Membership.objects.get(number=9), clock.now()).shown_sha256
    given = {"key": str(uuid.uuid4()), "shown_sha256": shown}
    for _click in range(2):
        assert client.post(f"{CHILD}now/", given).headers["Location"] == "/pools/test-pool/me/family/"
    assert ended() == {9}
    receipt = Notice.objects.get(kind="left")
    assert (receipt.person, receipt.params["member"], receipt.link) == (
        guardian.person,
        9,
        "/pools/test-pool/me/family/",
    )
    assert "They are covered until 00:00 of 2 Jan 2026" in body_of("left", receipt.params)
    assert client.get(CHILD).headers["Location"] == "/pools/test-pool/me/family/"
    assert CHILD not in client.get("/pools/test-pool/me/family/").content.decode()


def test_child_is_ended_as_it_was_shown(guardian: Membership) -> None:
    client = client_of(person(guardian))
    given = {"key": str(uuid.uuid4()), "shown_sha256": "0" * 64}
    assert client.post(f"{CHILD}now/", given).status_code == 409
    assert client.post(f"{CHILD}now/", {"key": "x"}).status_code == 422
    assert ended() == set()


def test_nobody_ends_the_child_of_others(world: World, guardian: Membership) -> None:
    other = sign(filled(world.pool, User.objects.create_user("other@example.org"), passport("FATHER0001")))
    client = client_of(person(other))
    root = "/api/v1/pools/test-pool/my-family/9/leaving/"
    assert [client.get(one).status_code for one in (CHILD, root)] == [404, 404]
    assert client.post(f"{CHILD}now/", {}).status_code == 404
    child = Membership.objects.get(number=9)
    shown = parting_of(child, clock.now()).shown_sha256
    with refused("members_leave_themselves"):
        end_child(child=child, guardian=person(other), shown_sha256=shown, at=clock.now())


def test_programs_end_one_child(guardian: Membership) -> None:
    client, root = client_of(person(guardian)), "/api/v1/pools/test-pool/my-family/9/leaving/"
    shown = client.get(root).json()
    assert (shown["open_fen"], shown["coming"], shown["end_date"]) == (0, [], "2026-01-02")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    given = {"shown_sha256": shown["shown_sha256"]}
    for _time in range(2):
        answer = client.post(root, given, content_type="application/json", headers=key)
        assert (answer.status_code, answer.json()) == (201, {"end_date": "2026-01-02"})
    assert ended() == {9}
    another = {"Idempotency-Key": str(uuid.uuid4())}
    late = client.post(root, given, content_type="application/json", headers=another)
    assert late.status_code == 409
    assert "membership_is_over" in late.content.decode()


def test_at_most_of_a_child_alone_is_what_it_is_charged(world: World, guardian: Membership) -> None:
    set_clock(clock.start_of_day(dt.date(2026, 1, 8), world.pool.time_zone))
    world.award(100_000)
    period = world.announced_period()
    child = Membership.objects.get(number=9)
    shown = parting_of(child, clock.now())
    assert shown.at_most_fen is not None
    assert (
        f"at most ¥{shown.at_most_fen / 100:,.2f}" in client_of(person(guardian)).get(CHILD).content.decode()
    )
    end_child(child=child, guardian=person(guardian), shown_sha256=shown.shown_sha256, at=clock.now())
    world.computed_period(period)
    period.refresh_from_db()
    approve_period(
        period=period,
        approver=world.controller.code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    run_jobs()
    assert sum(open_fen_by_member(world.pool, [child.pk])[child.pk]) == shown.at_most_fen
    told = Notice.objects.get(kind="charged", person=guardian.person)
    (line,) = [line for line in told.params["lines"] if line["member"] == 9]
    assert line["fen"] == shown.at_most_fen
