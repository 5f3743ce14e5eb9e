"""Who pays for whom: asked and accepted, or named by a list; each guarantee broken by raw SQL."""

import datetime as dt
from typing import Any

import pytest

from aidplatform.lib import clock
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.joining import payers
from members.joining.models import Membership
from members.joining.payer_models import PayerLink
from members.joining.services import admit_member, end_cover
from members.joining.tests.lists import approved, row, villager
from members.joining.tests.papers import passport
from members.joining.tests.test_importing import sign
from members.people.identity import record_identity
from members.people.models import Notice, User
from members.people.notices import body_of

FUNDING = {"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30}
PAGE = "/pools/test-pool/me/payer/"
INSERT = """INSERT INTO members_payerlink (pool_id, membership_id, payer_id, state, asked_by, asked_at)
            VALUES (%s, %s, %s, %s, %s, now()) RETURNING id"""
ACCEPT = "UPDATE members_payerlink SET state = 'live', accepted_by = %s WHERE id = %s"
END = "UPDATE members_payerlink SET state = 'ended', ended_by = %s WHERE id = %s"

Family = dict[str, Membership]


def join(world: World, name: str) -> Membership:
    """Return the membership of a new person of that name."""
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@example.org", name=name.title()),
        class_no=0,
        from_at=clock.start_of_day(dt.date(2026, 1, 1), world.pool.time_zone),
        joined_date=dt.date(2026, 1, 1),
        actor="test",
    )


@pytest.fixture
def family(world: World) -> Family:
    """Give the test a father, a mother and a son who have joined in this order: numbers 8, 9 and 10."""
    return {name: join(world, name) for name in ("father", "mother", "son")}


def person(membership: Membership) -> User:
    assert membership.person is not None
    return membership.person


def ask(member: Membership, payer: Membership) -> PayerLink:
    return payers.ask_payer(membership=member, payer_number=payer.number, at=clock.now())


def linked(member: Membership, payer: Membership) -> PayerLink:
    """Return the link of a payer who was asked and has accepted."""
    return payers.accept_link(link=ask(member, payer), person=person(payer))


def told(membership: Membership) -> list[str]:
    """Return the kinds of what somebody was told about payers, oldest first."""
    return list(Notice.objects.filter(person=membership.person).order_by("pk").values_list("kind", flat=True))


# --- asking, accepting, ending ------------------------------------------------------------------------------------


def test_who_is_asked_accepts_and_either_ends(family: Family) -> None:
    father, son = family["father"], family["son"]
    link = ask(son, father)
    assert (link.state, payers.payers_of(son, clock.now()).asked, told(father)) == (
        "asked",
        link,
        ["payer_asked"],
    )
    assert payers.covered_in_force(father) == []
    link = payers.accept_link(link=link, person=person(father))
    assert (link.state, link.begun_at, told(son)) == ("live", clock.now(), ["paid_for"])
    assert payers.payers_of(son, clock.now()).paid_by == link
    assert payers.covered_in_force(father) == [son]
    link = payers.end_link(link=link, person=person(son))
    assert (link.state, link.ended_by, link.ended_at) == ("ended", person(son).code, clock.now())
    assert told(father) == ["payer_asked", "pays_no_more"]
    assert payers.covered_in_force(father) == []
    assert payers.end_link(link=link, person=person(father)).ended_by == person(son).code


def test_a_no_and_a_question_taken_back(family: Family) -> None:
    father, son = family["father"], family["son"]
    link = payers.end_link(link=ask(son, father), person=person(father))
    assert (link.state, told(son)) == ("declined", ["payer_declined"])
    link = payers.end_link(link=ask(son, father), person=person(son))
    assert (link.state, told(father)) == ("declined", ["payer_asked", "payer_asked"])
    with pytest.raises(payers.LinkMovedOnError):
        payers.accept_link(link=link, person=person(father))


def test_new_payer_takes_over_from_the_last(family: Family) -> None:
    father, mother, son = family["father"], family["mother"], family["son"]
    first = linked(son, father)
    second = linked(son, mother)
    first.refresh_from_db()
    assert (first.state, second.state) == ("ended", "live")
    assert told(father) == ["payer_asked", "pays_no_more"]
    assert payers.payers_of(son, clock.now()).paid_by == second


def test_who_pays_is_told_that_the_membership_ends(family: Family) -> None:
    father, son = family["father"], family["son"]
    linked(son, father)
    end_cover(membership=son, at=clock.now(), reason="left", actor=person(son).code)
    told_of_it = Notice.objects.get(kind="paid_for_ended")
    assert (told_of_it.person, told_of_it.params["number"]) == (father.person, son.number)
    said = body_of("paid_for_ended", told_of_it.params)
    assert "They are covered until 00:00 of" in said
    assert "nothing later is asked for" in said


def test_double_question_is_one_and_another_waits(family: Family) -> None:
    father, mother, son = family["father"], family["mother"], family["son"]
    assert ask(son, father) == ask(son, father)
    with pytest.raises(payers.AskedAlreadyError):
        ask(son, mother)
    assert linked(son, father) == payers.accept_link(link=PayerLink.objects.get(), person=person(father))


def test_nobody_asks_themselves_or_whom_nobody_is(family: Family) -> None:
    for number in (family["son"].number, 1, 999):
        with pytest.raises(payers.NoSuchPayerError):
            payers.ask_payer(membership=family["son"], payer_number=number, at=clock.now())


def test_payer_who_left_counts_for_thirty_days(world: World, family: Family) -> None:
    father, son = family["father"], family["son"]
    linked(son, father)
    begun = clock.start_of_day(dt.date(2026, 1, 2), "Asia/Shanghai")
    end_cover(membership=father, at=begun, reason="left", actor=person(father).code)
    set_clock(begun + dt.timedelta(days=30) - dt.timedelta(seconds=1))
    assert payers.covered_in_force(father) == [son]
    seen = payers.payers_of(son, clock.now())
    assert (seen.left_date, seen.last_date) == (dt.date(2026, 1, 2), dt.date(2026, 2, 1))
    set_clock(begun + dt.timedelta(days=30))
    assert payers.covered_in_force(father) == []


# --- guarantees ---------------------------------------------------------------------------------------------------


def raw(member: Membership, payer: Membership, state: str = "asked", by: str | None = None) -> int:
    asked_by = person(member).code if by is None else by
    return int(value(INSERT, member.pool_id, member.pk, payer.pk, state, asked_by))


def test_payer_link_follows_order(family: Family) -> None:
    father, son = family["father"], family["son"]
    with refused("payer_link_follows_order"):
        raw(son, father, state="live")
    link = raw(son, father)
    with refused("payer_link_follows_order"):
        run(END, person(son).code, link)


def test_payer_link_begins_asked(family: Family) -> None:
    sql = INSERT.replace("asked_at)", "asked_at, accepted_by)").replace("now())", "now(), 'x')")
    father, son = family["father"], family["son"]
    with refused("payer_link_begins_asked"):
        run(sql, son.pool_id, son.pk, father.pk, "asked", person(son).code)


def test_payer_is_another_of_the_pool(family: Family) -> None:
    son, stranger = family["son"], join(World.founded(code="other"), "stranger")
    for payer in (son, stranger):
        with refused("payer_is_another_of_the_pool"):
            raw(son, payer)


def test_payer_agrees_in_person(family: Family) -> None:
    father, mother, son = family["father"], family["mother"], family["son"]
    with refused("payer_agrees_in_person"):
        raw(son, father, by=person(father).code)
    link = raw(son, father)
    with refused("payer_agrees_in_person"):
        run(ACCEPT, person(son).code, link)
    run(ACCEPT, person(father).code, link)
    with refused("payer_agrees_in_person"):
        run(END, person(mother).code, link)
    with refused("payer_agrees_in_person"):
        run("UPDATE members_payerlink SET state = 'ended' WHERE id = %s", link)


def test_payers_pay_for_themselves(family: Family) -> None:
    father, mother, son = family["father"], family["mother"], family["son"]
    waiting = [raw(mother, son), raw(father, mother)]
    linked(son, father)
    for link, payer in zip(waiting, (son, mother), strict=True):
        with refused("payers_pay_for_themselves"):
            run(ACCEPT, person(payer).code, link)
    with pytest.raises(payers.PayersPayForThemselvesError):
        payers.accept_link(link=PayerLink.objects.get(pk=waiting[0]), person=person(son))


def test_one_payer_at_a_time(family: Family) -> None:
    father, mother, son = family["father"], family["mother"], family["son"]
    linked(son, father)
    link = raw(son, mother)
    with refused("one_payer_at_a_time"):
        run(ACCEPT, person(mother).code, link)
    with refused("one_open_request_to_pay"):
        raw(son, mother)


def test_payer_link_keeps_its_people(family: Family) -> None:
    link = linked(family["son"], family["father"])
    for column in ("payer_id", "begun_at", "ended_at", "asked_at", "listed_id"):
        with not_permitted():
            run(f"UPDATE members_payerlink SET {column} = NULL WHERE id = %s", link.pk)
    with refused("payer_link_keeps_its_people"):
        run("UPDATE members_payerlink SET accepted_by = 'x' WHERE id = %s", link.pk)


def test_payer_links_are_kept_by_the_owner_too(owner: Any) -> None:
    for sql in ("DELETE FROM members_payerlink", "TRUNCATE members_payerlink CASCADE"):
        with refused_to_owner(owner, "payer_links_are_kept"):
            owner.execute(sql)


def test_payer_link_says_since_when(family: Family) -> None:
    link = linked(family["son"], family["father"])
    payers.end_link(link=link, person=person(family["son"]))
    asked = raw(family["son"], family["father"])
    with refused("payer_link_says_since_when"):
        run(
            "UPDATE members_payerlink SET state = 'declined', ended_by = %s, accepted_by = 'x' WHERE id = %s",
            person(family["son"]).code,
            asked,
        )


def test_payers_are_where_members_pay_afterwards(db: None) -> None:
    world = World.founded(members=3, funding=FUNDING)
    father, son = join(world, "father"), join(world, "son")
    with refused("payers_are_where_members_pay_afterwards"):
        raw(son, father)
    with pytest.raises(payers.PaysAheadError):
        ask(son, father)
    page = client_of(person(son)).get(PAGE).content.decode()
    assert "reference on the transfer" in page
    assert "Ask them to pay" not in page


# --- named by a list ----------------------------------------------------------------------------------------------


@prepared
def moving() -> World:
    """Give the test a pool that gathers; the first of four villagers has paid for the second and the third."""
    world = World.founded(members=0, gathering=True, minimum_members=1)
    paid = {"Paid by": "villager-1@example.org"}
    approved(world, row(1), row(2, **paid), row(3, **paid), row(4))
    return world


def test_listed_payer_begins_when_both_have_confirmed(moving: World) -> None:
    second = sign(moving, villager(2), 2)
    assert not PayerLink.objects.exists()
    first = sign(moving, villager(1), 1)
    (link,) = PayerLink.objects.all()
    assert (link.membership, link.payer, link.state) == (second, first, "live")
    assert (link.asked_by, link.accepted_by) == (moving.admin.code, moving.controller.code)
    third = sign(moving, villager(3), 3)
    assert payers.covered_in_force(first) == [second, third]
    assert "paid_for" in told(third)
    assert told(first).count("pays_for") == 2
    payers.end_link(link=link, person=person(first))
    assert payers.covered_in_force(first) == [third]


def test_what_was_arranged_meanwhile_stays(moving: World) -> None:
    second, fourth = sign(moving, villager(2), 2), sign(moving, villager(4), 4)
    linked(second, fourth)
    sign(moving, villager(1), 1)
    assert payers.payers_of(second, clock.now()).paid_by == PayerLink.objects.get()


def test_listed_payer_is_as_imported(moving: World) -> None:
    """No list names the fourth as payer; a link that a list names begins once."""
    second, fourth = sign(moving, villager(2), 2), sign(moving, villager(4), 4)
    listed = INSERT.replace("asked_at)", "asked_at, listed_id)").replace(
        "now())", f"now(), {second.imported_as.pk})"
    )
    with refused("listed_payer_is_as_imported"):
        run(listed, moving.pool.pk, second.pk, fourth.pk, "asked", "x")
    first = sign(moving, villager(1), 1)
    payers.end_link(link=PayerLink.objects.get(), person=person(first))
    with refused("listed_payer_begins_once"):
        run(listed, moving.pool.pk, second.pk, first.pk, "asked", "x")


# --- page and API -------------------------------------------------------------------------------------------------


def test_names_of_who_pays_are_masked_as_their_papers_write_them(world: World, family: Family) -> None:
    record_identity(person=person(family["father"]), paper=passport("XX0000001"), at=clock.now())
    linked(family["son"], family["father"])
    assert payers.payers_of(family["son"], clock.now()).names == {
        family["father"].pk: "A** E**",
        family["son"].pk: "S**",
    }
    page = client_of(person(family["son"])).get("/pools/test-pool/me/").content.decode()
    assert "Member 8 · A** E**" in page
    assert "Ana Example" not in page
    assert "Member 10 · S**" in client_of(person(family["father"])).get(PAGE).content.decode()


def test_page_asks_accepts_and_ends(family: Family) -> None:
    father, son = client_of(person(family["father"])), client_of(person(family["son"]))
    assert "You pay for yourself" in son.get(PAGE).content.decode()
    for _click in range(2):
        assert son.post(PAGE, {"number": family["father"].number}).status_code == 302
    link = PayerLink.objects.get()
    assert "not answered yet" in son.get(PAGE).content.decode()
    page = father.get(PAGE).content.decode()
    assert all(text in page for text in ("You are asked to pay", "Member 10", "S**", "Accept"))
    assert "Son" not in page
    assert "Somebody asks you to pay" in father.get("/pools/test-pool/me/").content.decode()
    for _click in range(2):
        assert father.post(f"{PAGE}{link.pk}/accept/").status_code == 302
    assert "Member 8" in son.get("/pools/test-pool/me/").content.decode()
    assert "Member 10" in father.get("/pools/test-pool/me/").content.decode()
    for _click in range(2):
        assert son.post(f"{PAGE}{link.pk}/end/").status_code == 302
    assert "You pay for yourself" in son.get(PAGE).content.decode()


def test_page_refuses_strangers_and_bad_input(world: World, family: Family) -> None:
    link = ask(family["son"], family["father"])
    mother = client_of(person(family["mother"]))
    for step in ("accept", "end"):
        assert mother.post(f"{PAGE}{link.pk}/{step}/").status_code == 404
    assert client_of(person(family["son"])).post(f"{PAGE}{link.pk}/accept/").status_code == 409
    assert client_of(world.stranger).get(PAGE).status_code == 404
    for number, status in (("", 422), ("-1", 422), ("999", 422), (str(family["mother"].number), 422)):
        assert mother.post(PAGE, {"number": number}).status_code == status
    with pytest.raises(NotFoundError):
        payers.access_link(membership=family["mother"], link_id=link.pk)


def test_programs_ask_accept_and_end(family: Family) -> None:
    root = "/api/v1/pools/test-pool/my-payer/"
    father, son = client_of(person(family["father"])), client_of(person(family["son"]))
    made = son.post(f"{root}request/", {"payer": 8}, content_type="application/json")
    assert (made.status_code, made.json()["state"], made.json()["payer"]) == (201, "asked", 8)
    assert father.get(root).json()["requests"][0]["member"] == 10
    link = made.json()["id"]
    assert son.post(f"{root}{link}/acceptance/").json()["type"] == "urn:aid:payer_agrees_in_person"
    assert father.post(f"{root}{link}/acceptance/").json()["state"] == "live"
    assert son.get(root).json()["paid_by"]["payer"] == 8
    assert father.post(f"{root}{link}/end/").json()["state"] == "ended"
    assert father.get(root).json()["pays_for"] == []
