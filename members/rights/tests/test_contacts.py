"""Contact data leave by two people, once, counted; no page, API or CSV of any duty gives them in bulk."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from rest_framework.views import APIView
from stdnum import luhn

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.site.todo import todos_of
from aidplatform.testing.debits import give_mandate
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused, refused_to_owner, run
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.tests.test_policies import addresses
from aidplatform.work.models import AuditEntry
from members.joining.services import admit_member
from members.joining.tests.papers import filled
from members.joining.tests.test_signing import _sign as sign
from members.people.models import Notice, User
from members.people.phones import sealed_number
from members.people.text_models import Phone
from members.pools.models import DutyGrant
from members.rights import contacts
from members.rights.contact_models import ContactExport, ContactPart

PAGE = "/pools/test-pool/contact-data/"
ASKED = {
    "purpose": "authority",
    "basis": "Order 12/2026 of the district court",
    "people_of": "members",
    "fields_": ["number", "email"],
}


@pytest.fixture
def peopled(world: World) -> World:
    """Give the test a pool in which twelve members have accounts."""
    for number in range(12):
        person = User.objects.create_user(f"m{number}@people.example.net", name=f"=Person {number}")
        admit_member(
            pool=world.pool, person=person, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
            actor="founding",
        )  # fmt: skip
    return world


def asked(world: World, **changes: Any) -> ContactExport:
    given: dict[str, Any] = {
        "purpose": "authority", "basis": "Order 12/2026", "fields": ["number", "name", "email"],
        "people_of": "members",
    } | changes  # fmt: skip
    return contacts.ask_export(pool=world.pool, asker=world.admin, at=clock.now(), **given)


def agreed(world: World) -> ContactExport:
    export = asked(world)
    return contacts.agree_to_export(
        export=export, agreer=world.controller, shown_sha256=export.shown_sha256, at=clock.now()
    )


def ready(world: World) -> ContactExport:
    export = agreed(world)
    run_jobs()
    export.refresh_from_db()
    return export


def test_file_names_people_as_their_papers_do(peopled: World) -> None:
    joined = sign(filled(peopled.pool, User.objects.create_user("wizard@people.example.net")))
    export = ready(peopled)
    data = contacts.take_file(export=export, taker=peopled.admin, at=clock.now()).decode()
    assert f"{joined.number},林小雨,wizard@people.example.net" in data.splitlines()


def test_file_holds_what_was_agreed_and_everybody_in_it_is_told(peopled: World) -> None:
    export = ready(peopled)
    assert (export.state, export.people, export.parts) == ("ready", 12, 1)
    assert b"example.net" not in b"".join(bytes(one.sealed) for one in ContactPart.objects.all())
    data = contacts.take_file(export=export, taker=peopled.admin, at=clock.now()).decode()
    lines = data.lstrip("\ufeff").splitlines()
    assert lines[0] == "number,name,email"
    assert lines[1].split(",")[1:] == ["'=Person 0", "m0@people.example.net"]
    assert len(lines) == 13
    told = Notice.objects.filter(kind="contacts_handed_out")
    assert told.count() == 12
    first = told.first()
    assert first is not None
    assert first.params["basis"] == "Order 12/2026"
    deeds = AuditEntry.objects.filter(subject=str(export)).order_by("pk").values_list("action", flat=True)
    assert list(deeds) == [
        "ask_contact_export", "agree_to_contact_export", "make_contact_export", "take_contact_export",
    ]  # fmt: skip


def test_file_is_taken_once_by_whoever_asked(peopled: World) -> None:
    export = ready(peopled)
    with pytest.raises(DomainError, match="Only whoever asked"):
        contacts.take_file(export=export, taker=peopled.controller, at=clock.now())
    contacts.take_file(export=export, taker=peopled.admin, at=clock.now())
    assert ContactPart.objects.count() == 0
    with pytest.raises(DomainError, match="moved on"):
        contacts.take_file(export=export, taker=peopled.admin, at=clock.now())


def test_file_is_deleted_after_a_day(peopled: World) -> None:
    export = ready(peopled)
    assert export.until_at is not None
    assert contacts.delete_due(clock.now()) == 0
    set_clock(export.until_at)
    with pytest.raises(DomainError, match="day of this file"):
        contacts.take_file(export=export, taker=peopled.admin, at=clock.now())
    assert contacts.delete_due(clock.now()) == 1
    export.refresh_from_db()
    assert (export.state, export.people, ContactPart.objects.count()) == ("deleted", 12, 0)


def test_public_page_counts_every_export(peopled: World) -> None:
    assert "0 exports, 0 people" in client_of(None).get("/pools/test-pool/").content.decode()
    ready(peopled)
    body = client_of(None).get("/pools/test-pool/").content.decode()
    assert "handed out 1 time, of 12 people" in body
    assert "an authority or a court orders it" in body
    told = client_of(None).get("/api/v1/pools/test-pool/rights/").json()["contact_exports"]
    assert [(row["number"], row["purpose"], row["people"]) for row in told] == [(1, "authority", 12)]


# --- what the database refuses --------------------------------------------------------------------------------------

_AGREE = """UPDATE members_contactexport SET state = 'agreed', decided_by = %s, decided_at = now(), agreed_sha256 = %s
             WHERE id = %s"""


def test_export_needs_two_people(peopled: World) -> None:
    export = asked(peopled)
    with refused("export_needs_two_people"):
        run(_AGREE, peopled.admin.code, export.shown_sha256, export.pk)
    with refused("export_needs_two_people"):
        run(_AGREE, peopled.controller.code, "0" * 64, export.pk)
    with pytest.raises(DomainError, match="cannot agree"):
        contacts.agree_to_export(
            export=export, agreer=peopled.admin, shown_sha256=export.shown_sha256, at=clock.now()
        )
    with pytest.raises(DomainError, match="not what was shown"):
        contacts.agree_to_export(export=export, agreer=peopled.auditor, shown_sha256="x", at=clock.now())


def test_contact_export_people_hold_their_duty(peopled: World) -> None:
    with refused("contact_export_people_hold_their_duty"):
        contacts.ask_export(
            pool=peopled.pool, asker=peopled.treasurer, at=clock.now(), purpose="audit", basis="x",
            fields=["email"], people_of="members",
        )  # fmt: skip
    export = asked(peopled)
    with refused("contact_export_people_hold_their_duty"):
        run(_AGREE, peopled.treasurer.code, export.shown_sha256, export.pk)


def test_contact_export_begins_asked(peopled: World) -> None:
    with refused("contact_export_begins_asked"):
        asked(peopled, fields=[])
    insert = """INSERT INTO members_contactexport (pool_id, number, purpose, basis, fields, people_of, state, asked_by,
                                                   asked_at, {column})
                VALUES (%s, 1, 'audit', 'x', %s::jsonb, 'members', 'asked', %s, now(), {value})"""
    for column, value, fields in (
        ("agreed_sha256", "'x'", '["email"]'),
        ("people", "3", '["email"]'),
        ("decided_by", "NULL", '["email", "document"]'),
    ):
        with refused("contact_export_begins_asked"):
            run(insert.format(column=column, value=value), peopled.pool.pk, fields, peopled.admin.code)


def test_contact_export_says_what_for(peopled: World) -> None:
    with refused("contact_export_says_what_for"):
        asked(peopled, basis="")


def test_one_contact_export_at_a_time(peopled: World) -> None:
    asked(peopled)
    with refused("one_contact_export_at_a_time"):
        asked(peopled)


def test_contact_export_is_permanent(peopled: World) -> None:
    export = ready(peopled)
    for change in ("people = 0", "decided_by = 'x'", "agreed_sha256 = NULL"):
        with refused("contact_export_is_permanent"):
            run(f"UPDATE members_contactexport SET {change}, state = 'taken' WHERE id = %s", export.pk)
    with refused("contact_export_is_permanent"):
        run("UPDATE members_contactexport SET people = 1 WHERE id = %s", export.pk)


def test_contact_export_follows_order(peopled: World) -> None:
    with refused("contact_export_follows_order"):
        run("UPDATE members_contactexport SET state = 'ready' WHERE id = %s", asked(peopled).pk)


def test_contact_export_is_made_whole(peopled: World) -> None:
    with refused("contact_export_is_made_whole"):
        run("UPDATE members_contactexport SET state = 'ready', people = 3 WHERE id = %s", agreed(peopled).pk)


def test_contact_file_is_gone(peopled: World) -> None:
    with refused("contact_file_is_gone"):
        run("UPDATE members_contactexport SET state = 'taken' WHERE id = %s", ready(peopled).pk)


def test_contact_export_is_kept_for_a_day(peopled: World) -> None:
    export = ready(peopled)
    ContactPart.objects.all().delete()
    assert export.until_at is not None
    set_clock(export.until_at)
    with refused("contact_export_is_kept_for_a_day"):
        run("UPDATE members_contactexport SET state = 'taken' WHERE id = %s", export.pk)


def test_contact_file_is_of_an_agreed_export(peopled: World) -> None:
    export = asked(peopled)
    with refused("contact_file_is_of_an_agreed_export"):
        ContactPart.objects.create(export=export, number=0, sealed=b"x")
    agreed_to = contacts.agree_to_export(
        export=export, agreer=peopled.auditor, shown_sha256=export.shown_sha256, at=clock.now()
    )
    run_jobs()
    with refused("contact_file_is_of_an_agreed_export"):
        ContactPart.objects.create(export=agreed_to, number=9, sealed=b"x")


def test_numbers_are_given_once(peopled: World) -> None:
    contacts.drop_export(export=asked(peopled), dropper=peopled.admin, at=clock.now())
    assert asked(peopled).number == 2
    ready_parts = run("SELECT count(*) FROM pg_class WHERE relname IN (%s, %s)",
                      "one_contact_export_per_number", "one_contact_part_per_number")  # fmt: skip
    assert ready_parts == [(2,)]


def test_contact_exports_are_kept(owner: Any) -> None:
    with refused_to_owner(owner, "contact_exports_are_kept"):
        owner.execute("DELETE FROM members_contactexport")


# --- the page -------------------------------------------------------------------------------------------------------


def test_page_leads_from_the_wish_to_the_file(peopled: World) -> None:
    admin, auditor = client_of(peopled.admin), client_of(peopled.auditor)
    wrong = admin.post(PAGE, ASKED | {"fields_": []})
    assert wrong.status_code == 422
    assert ASKED["basis"] in wrong.content.decode()
    assert admin.post(PAGE, ASKED).status_code == 302
    assert admin.post(PAGE, ASKED).status_code == 409
    export = ContactExport.objects.get()
    assert any("do you agree?" in todo.text for todo in todos_of(peopled.auditor))
    shown = auditor.get(PAGE).content.decode()
    assert export.shown_sha256 in shown
    assert admin.post(f"{PAGE}1/agree/", {"shown_sha256": export.shown_sha256}).status_code == 403
    assert auditor.post(f"{PAGE}1/agree/", {"shown_sha256": "x"}).status_code == 409
    assert auditor.post(f"{PAGE}1/agree/", {"shown_sha256": export.shown_sha256}).status_code == 302
    assert auditor.post(f"{PAGE}1/agree/", {"shown_sha256": export.shown_sha256}).status_code == 302
    run_jobs()
    assert "Take the file" in admin.get(PAGE).content.decode()
    assert "Take the file" not in auditor.get(PAGE).content.decode()
    file = admin.post(f"{PAGE}1/file/")
    assert b"m3@people.example.net" in file.content
    assert b"Person" not in file.content
    assert admin.post(f"{PAGE}1/file/").status_code == 409


def test_page_is_for_those_who_ask_and_agree(peopled: World) -> None:
    assert client_of(peopled.stranger).get(PAGE).status_code == 404
    assert client_of(peopled.treasurer).get(PAGE).status_code == 403
    assert client_of(peopled.auditor).post(PAGE, ASKED).status_code == 422
    assert ContactExport.objects.count() == 0
    assert client_of(peopled.auditor).post(f"{PAGE}7/drop/").status_code == 404


def test_wish_is_turned_down(peopled: World) -> None:
    export = asked(peopled)
    assert client_of(peopled.auditor).post(f"{PAGE}1/drop/").status_code == 302
    assert client_of(peopled.auditor).post(f"{PAGE}1/drop/").status_code == 302
    export.refresh_from_db()
    assert (export.state, export.people) == ("dropped", None)


# --- nobody gives contact data in bulk ------------------------------------------------------------------------------

# Of the demonstration alone, which shows the mails of invented people, and never runs beside real ones.
OF_DEMO = ("demo",)


CARD = {"scheme": "card", "creditor_id": "Agreement 7", "first_notice_days": 3, "later_notice_days": 3}


@dataclass(frozen=True)
class Reach:
    """By what somebody can be reached or charged: an e-mail address, a phone number, a bank card."""

    email: str
    phone: str
    card: str


@prepared
def reachable() -> tuple[World, dict[int, Reach]]:
    """Give the test a pool in which twelve members have an address, a confirmed phone and a mandate over a card."""
    world, reaches = World.founded(debit=CARD), {}
    for number in range(12):
        person = User.objects.create_user(f"m{number}@people.example.net", name=f"=Person {number}")
        member = admit_member(
            pool=world.pool, person=person, class_no=0, from_at=clock.now(), joined_date=dt.date(2026, 1, 1),
            actor="founding",
        )  # fmt: skip
        digits = f"62220201{77_000_000 + number}"
        reach = Reach(person.email, f"138{90_010_000 + number}", digits + luhn.calc_check_digit(digits))
        phone = Phone.objects.create(
            person=person, number_sealed=sealed_number(person, f"+86{reach.phone}"), code_sha256="0" * 64,
            code_until_at=clock.now() + dt.timedelta(hours=1), told_at=clock.now(),
        )  # fmt: skip
        phone.confirmed_at = clock.now()
        phone.save(update_fields=["confirmed_at"])
        give_mandate(member, reach.card)
        reaches[person.pk] = reach
    return world, reaches


def test_no_table_has_a_postal_address() -> None:
    """What is not kept can be handed out by nobody: the walk below has none to look for."""
    ours = {"members", "ledger", "claims", "site", "work"}
    told = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if model._meta.app_label in ours
        and re.search(r"(^|_)(address|street|postal|postcode|zip|city)(_|$)", field.name)
    }
    assert told == {"members.Mail.to_address"}


@pytest.mark.parametrize("duty", [*DutyGrant.Duty.values, "member", "visitor"])
def test_no_page_api_or_csv_gives_contact_data_of_others(
    reachable: tuple[World, dict[int, Reach]], duty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who asks too often is answered nothing, and shows nothing.
    monkeypatch.setattr(APIView, "throttle_classes", [])
    world, reaches = reachable
    world.award(1_000_000)
    world.posted_period()
    people = {
        "pool_admin": world.admin, "controller": world.controller, "treasurer": world.treasurer,
        "auditor": world.auditor, "member": User.objects.get(email="m0@people.example.net"), "visitor": None,
    }  # fmt: skip
    for reviewing in ("reviewer", "second_reviewer"):
        people[reviewing] = User.objects.get(email=f"founding-{reviewing}@test-pool.example.org")
    person = people[duty]
    client = client_of(person)
    others = [
        email
        for email in User.objects.values_list("email", flat=True)
        if person is None or email != person.email
    ]
    # However they are grouped, the digits are looked for; of two the last four may be shown.
    digits = [
        part
        for pk, one in reaches.items()
        if person is None or pk != person.pk
        for part in (one.phone, one.card)
    ]
    assert len(digits) >= 22
    walked, found = 0, []
    paths = [a.path() for a in addresses() if not a.name.startswith(OF_DEMO) and a.name != "account_logout"]
    paths += [
        "/search/?q=138900100",
        "/search/?q=6222020177",
        "/search/?q=example.net",
        "/search/?q=people.example",
        "/search/?q=Person",
    ]
    for path in paths:
        response = client.get(path)
        if response.status_code != 200:
            continue
        walked += 1
        body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[arg-type]
        text = body.decode("utf-8", "replace").lower()
        found += [(path, email) for email in others if email.lower() in text]
        in_one = re.sub(r"[\s\u00a0\u202f.-]", "", text)
        found += [(path, number) for number in digits if number in in_one]
    assert found == []
    assert walked > 60
