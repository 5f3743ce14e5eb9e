"""The first step: which documents a pool takes, that a taken one stops there, and how many may be tried."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.lib.addresses import block_of
from aidplatform.lib.counters import count_once_more
from aidplatform.testing.refusals import refused, run
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from members.joining import applications, family, invitations
from members.joining.documents import DocumentError, read_other, read_passport
from members.joining.entering import DocumentRefusedError, enter_identity
from members.joining.models import JoinApplication, Membership
from members.joining.tests.papers import filled, paper, passport, resident_id
from members.joining.tests.test_signing import _sign as sign
from members.people.identity import OtherIdentityError, Paper, record_identity
from members.people.models import User

JOIN = "/pools/test-pool/join/"
WHO = {"name": "Ana Example", "kind": "passport", "country": "XX", "birth_date": "1990-05-15"}
REFUSED = "This document cannot be taken here"


def someone(name: str) -> User:
    return User.objects.create_user(f"{name}@example.org")


def begun(world: World, person: User) -> JoinApplication:
    return applications.start_application(pool=world.pool, person=person, at=clock.now())


def enter(application: JoinApplication, on_paper: Paper, block: str = "10.0.0.0/24") -> Membership | None:
    return enter_identity(application=application, paper=on_paper, block=block, at=clock.now())


def wizard(person: User, **options: Any) -> Any:
    client = client_of(person, **options)
    client.post(f"{JOIN}begin/")
    return client


# --- which documents a pool takes ---------------------------------------------------------------------------------


def test_wizard_and_public_pages_offer_what_the_rules_take(db: None) -> None:
    World.founded(documents={"kinds": ["resident_id"]})
    client = wizard(someone("newcomer"))
    page = client.get(f"{JOIN}who/").content.decode()
    assert '<option value="resident_id"' in page
    assert 'value="passport"' not in page
    assert 'name="country"' not in page
    assert client.post(f"{JOIN}who/", WHO | {"number": "AB1234567"}).status_code == 422
    for address in (JOIN, "/pools/test-pool/"):
        shown = client_of(None).get(address).content.decode()
        assert "Who joins shows one of these: Chinese resident identity card." in shown


def test_other_document_is_named_by_the_pool_and_joins(db: None) -> None:
    world = World.founded(
        documents={
            "kinds": ["other"],
            "other_en": "Residence permit",
            "other_zh": "居住证",
            "other_country": "DE",
        }
    )
    person = someone("newcomer")
    client = wizard(person, language="zh-hans")
    assert "居住证" in client.get(f"{JOIN}who/").content.decode()
    who = {"name": "Ana", "kind": "other", "number": "y-12 345", "birth_date": "1990-05-15"}
    assert client.post(f"{JOIN}who/", who).headers["Location"] == f"{JOIN}consent/"
    entered = applications.identity_of(JoinApplication.objects.get())
    assert entered is not None
    assert (entered.kind, entered.country, entered.number) == ("other", "DE", "Y12345")
    other = someone("other")
    assert sign(filled(world.pool, other, entered)).person == other
    assert REFUSED in client_of(person).post(f"{JOIN}who/", who).content.decode()


def test_identity_of_another_pool_that_is_not_taken_leads_to_the_first_step(world: World) -> None:
    person = someone("newcomer")
    sign(filled(world.pool, person, passport("XX0000001")))
    World.founded(code="cards-only", documents={"kinds": ["resident_id"]})
    client = client_of(person)
    assert client.post("/pools/cards-only/join/begin/").headers["Location"] == "/pools/cards-only/join/who/"
    page = client.get("/pools/cards-only/join/who/").content.decode()
    assert "known by a document that this pool does not take: Passport" in page
    refused_page = client.post(
        "/pools/cards-only/join/who/", {"name": "Ana", "kind": "resident_id", "number": resident_id()}
    )
    assert "belongs to somebody with another document" in refused_page.content.decode()


def test_document_is_one_that_is_taken(db: None) -> None:
    world = World.founded(documents={"kinds": ["resident_id"]})
    person = someone("newcomer")
    with pytest.raises(applications.DocumentNotTakenError):
        filled(world.pool, person, passport("XX0000001"))
    with pytest.raises(applications.DocumentNotTakenError):
        enter(begun(world, person), passport("XX0000001"))
    application = filled(world.pool, person)
    record_identity(person=person, paper=passport("XX0000001"), at=clock.now())
    version = application.plan_version
    membership = Membership.objects.create(
        pool=world.pool, number=100, person=person, joined_date=clock.today(world.pool.time_zone)
    )
    with refused("document_is_one_that_is_taken"):
        run(
            """INSERT INTO members_covenantsignature (membership_id, plan_version_id, covenant_sha256,
                   declaration_sha256, answers_sealed, consent_health, consent_publication, language, capacity,
                   signed_by, eligible_date, signed_at)
               VALUES (%s, %s, %s, %s, '', true, true, 'en', 'self', '', %s, now())""",
            membership.pk, version.pk, version.covenant_sha256, version.declaration_sha256,
            membership.joined_date + dt.timedelta(days=91),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("country", "number", "code"),
    [
        ("ZZ", "AB1234567", "unknown_country"),
        ("CN", "AB123", "bad_passport"),
        ("CN", "123456789", "bad_passport_of_country"),
        ("FR", "AB1234567", "bad_passport_of_country"),
        ("GB", "12345678A", "bad_passport_of_country"),
        ("US", "AB1234567", "bad_passport_of_country"),
    ],
)
def test_passports_are_held_against_their_country(country: str, number: str, code: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        read_passport(country, number)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("CN", "E12345678"), ("CN", "EA1234567"), ("DE", "C01X0006H"), ("FR", "12AB34567"), ("GB", "123456789"),
        ("IN", "A1234567"), ("JP", "TK1234567"), ("US", "A12345678"), ("US", "123456789"), ("KE", "AK0123456"),
    ],
)  # fmt: skip
def test_passports_of_a_known_form_pass(country: str, number: str) -> None:
    assert read_passport(country, number).number == number


def test_one_person_once_where_documents_bear_one_number() -> None:
    number = resident_id()
    card, licence = paper(number), read_other("CN", number)
    assert licence.index_text == card.index_text
    assert read_other("DE", number).index_text != card.index_text
    assert read_other("CN", "AB12345").index_text == "other/CN/AB12345"
    with pytest.raises(DocumentError):
        read_other("CN", "?")


# --- a taken document ---------------------------------------------------------------------------------------------


def test_taken_document_stops_at_the_first_step_whoever_holds_it_wherever(world: World) -> None:
    """One answer for a member of this pool, of another, and for a child: nobody learns who belongs where."""
    guardian = sign(filled(world.pool, someone("guardian"), passport("XX0000001")))
    assert guardian.person is not None
    elsewhere = World.founded(code="elsewhere")
    sign(filled(elsewhere.pool, someone("elsewhere"), passport("XX0000002")))
    child = family.start_family(guardian=guardian, relation="child", at=clock.now())
    applications.save_identity(
        application=child, paper=passport("XX0000003", dt.date(2015, 3, 1)), at=clock.now()
    )
    applications.save_consents(application=child, health=True, publication=True, at=clock.now())
    for question in child.plan_version.questions():
        applications.save_answer(application=child, code=question.code, answer=False, at=clock.now())
    applications.save_covenant_read(application=child, at=clock.now())
    family.sign_for_family(
        application=child, guardian=guardian, shown_sha256=child.plan_version.covenant_sha256, has_agreed=False,
        language="en", at=clock.now(),
    )  # fmt: skip
    client = wizard(someone("prober"))
    answers = [
        client.post(f"{JOIN}who/", WHO | {"number": number})
        for number in ("XX0000001", "XX0000002", "XX0000003")
    ]
    assert [one.status_code for one in answers] == [422] * 3
    said = {one.content.decode().split("field-error")[1].split("</p>")[0] for one in answers}
    assert len(said) == 1
    assert REFUSED in said.pop()
    assert JoinApplication.objects.get(person__email="prober@example.org").identity_sealed is None
    assert AuditEntry.objects.filter(action="document_refused", subject="test-pool").count() == 3
    assert client.post(f"{JOIN}who/", WHO | {"number": "XX0000004"}).status_code == 302


def test_own_document_is_not_taken_and_another_one_of_the_account_is_refused(world: World) -> None:
    person = someone("member")
    sign(filled(world.pool, person, passport("XX0000001")))
    elsewhere = World.founded(code="elsewhere")
    assert enter(begun(elsewhere, person), passport("XX0000001")) is None
    with pytest.raises(OtherIdentityError):
        enter(begun(elsewhere, person), passport("XX0000002"))


def test_child_that_has_joined_is_not_added_again_and_the_first_step_says_it(world: World) -> None:
    guardian = sign(filled(world.pool, someone("guardian"), passport("XX0000001")))
    grown = sign(filled(world.pool, someone("grown"), passport("XX0000002")))
    assert grown.person is not None
    application = family.start_family(guardian=guardian, relation="child", at=clock.now())
    with pytest.raises(DocumentRefusedError):
        enter(application, passport("XX0000002", dt.date(2015, 3, 1)))
    assert enter(application, passport("XX0000003", dt.date(2015, 3, 1))) is None


def test_refusals_read_as_much_whatever_the_reason(world: World, settings: Any) -> None:
    sign(filled(world.pool, someone("member"), passport("XX0000001")))
    elsewhere = World.founded(code="elsewhere")
    sign(filled(elsewhere.pool, someone("elsewhere"), passport("XX0000002")))
    prober = begun(world, someone("prober"))
    counts = []
    for number in ("XX0000001", "XX0000002"):
        with CaptureQueriesContext(connection) as queries, pytest.raises(DocumentRefusedError):
            enter(prober, passport(number))
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- how many -----------------------------------------------------------------------------------------------------


def test_documents_of_an_account_and_of_a_network_are_counted(world: World, settings: Any) -> None:
    settings.DOCUMENTS_PER_DAY, settings.DOCUMENTS_PER_BLOCK = 3, 4
    prober = begun(world, someone("prober"))
    for number in range(3):
        enter(prober, passport(f"XX000000{number}"))
    # What stands already is no new try.
    enter(prober, passport("XX0000002"))
    with pytest.raises(DocumentRefusedError, match=REFUSED):
        enter(prober, passport("XX0000009"))
    # The network has one left by now for nobody: the fifth is one too many.
    other = begun(world, someone("other"))
    with pytest.raises(DocumentRefusedError):
        enter(other, passport("XX0000008"))
    enter(other, passport("XX0000008"), block="10.0.1.0/24")
    set_clock(clock.now() + dt.timedelta(days=1))
    enter(prober, passport("XX0000009"))


def test_beginnings_are_counted_by_pool_network_and_link(world: World, settings: Any) -> None:
    settings.JOINS_PER_BLOCK, settings.JOINS_PER_INVITATION = 2, 1
    inviter = sign(filled(world.pool, someone("inviter"), passport("XX0000001")))
    invited = invitations.invite(membership=inviter, label="", pays=False, at=clock.now())
    token = invited.link.rstrip("/").rsplit("/", 1)[-1]
    begin = f"{JOIN}begin/"

    def answer(name: str, address: str = "192.0.2.7", **body: str) -> tuple[int, str]:
        response = client_of(someone(name), REMOTE_ADDR=address).post(begin, body)
        return response.status_code, response.content.decode()

    assert answer("first", invitation=token)[0] == 302
    status, page = answer("second", invitation=token)
    assert (status, "opened by several accounts" in page) == (429, True)
    status, page = answer("third")
    assert (status, "from the network you use" in page) == (429, True)
    assert answer("fourth", address="192.0.3.7")[0] == 302
    settings.JOINS_PER_DAY = 1
    status, page = answer("fifth", address="198.51.100.7")
    assert (status, "more people have begun" in page) == (429, True)
    # Whoever has begun goes on.
    assert client_of(User.objects.get(email="first@example.org")).post(begin).status_code == 302
    assert (
        JoinApplication.objects.filter(person__email__in=["second@example.org", "fifth@example.org"]).count()
        == 0
    )


def test_counts_are_of_a_day_and_keep_no_address(world: World) -> None:
    day = dt.date(2026, 1, 1)
    counts = [count_once_more("test", whose, on) for whose, on in (("a", day), ("a", day), ("b", day))]
    assert [*counts, count_once_more("test", "a", day + dt.timedelta(days=1))] == [1, 2, 1, 1]
    count_once_more("test", "203.0.113.0/24", day)
    kept = run("SELECT cache_key, value FROM work_cache WHERE cache_key LIKE '%%count:test%%'")
    assert len(kept) == 4
    assert not any("203.0.113" in part for row in kept for part in row)


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "block"),
    [
        (0, "192.0.2.77", "198.51.100.1", "192.0.2.0/24"),
        (0, "2001:db8:1:2::7", "", "2001:db8:1::/48"),
        (0, "::ffff:192.0.2.77", "", "192.0.2.0/24"),
        (0, "", "", ""),
        # What a client writes itself stands before what the proxy adds.
        (1, "10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.0/24"),
        (1, "10.0.0.1", "", "10.0.0.0/24"),
        (2, "10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.0/24"),
        (1, "10.0.0.1", "garbage", ""),
    ],
)
def test_block_is_of_who_asked_the_nearest_proxy(
    settings: Any, proxies: int, remote: str, forwarded: str, block: str
) -> None:
    settings.PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=remote)
    if forwarded:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    assert block_of(request) == block
