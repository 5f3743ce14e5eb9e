"""The wizard as a person meets it: plain forms, saved, resumed elsewhere, refused with a reason, signed once."""

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.endings import end_by_two
from aidplatform.testing.world import ACCIDENT_AID, TERMS, World
from aidplatform.tests.pages_helpers import client_of
from members.joining.models import JoinApplication, Membership
from members.joining.tests.papers import filled, resident_id
from members.people.models import Identity, User
from members.pools.services import found_pool

JOIN = "/pools/test-pool/join/"
BEGIN = f"{JOIN}begin/"
WHO = {"name": "林小雨", "kind": "resident_id", "number": resident_id()}
CONSENTS = {"health": "on", "publication": "on"}
PLAIN = {"is_insurance": "no", "can_rise": "yes", "can_close": "yes", "replaces_medical": "no"}


@pytest.fixture
def newcomer(world: World) -> User:
    """Give the test a person without any membership."""
    return User.objects.create_user("newcomer@example.org")


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def take(client: Any, step: str, body: dict[str, str]) -> Any:
    return client.post(f"{JOIN}{step}/", body)


def codes(world: World) -> list[str]:
    return [question.code for question in world.pool.plan_versions.get().questions()]


def walk(client: Any, world: World, upto: str = "sign") -> Any:
    """Take the steps in order, by what each answer leads to."""
    response = client.post(BEGIN)
    for code_or_step, body in [
        ("who", WHO),
        ("consent", CONSENTS),
        *(("health", {"code": code, "answer": "no"}) for code in codes(world)),
        ("plainly", PLAIN),
        ("covenant", {"has_read": "on"}),
    ]:
        if code_or_step == upto:
            return response
        assert response.status_code == 302, text(response)
        assert response.headers["Location"] == f"{JOIN}{code_or_step}/"
        response = take(client, code_or_step, body)
    assert response.headers["Location"] == f"{JOIN}sign/"
    return response


def signature(client: Any) -> str:
    found = re.search(
        r'name="shown_sha256" value="([0-9a-f]{64})"', client.get(f"{JOIN}sign/").content.decode()
    )
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("language", "covered", "established"),
    [("en", "2 Jan 2026", "2 Apr 2026"), ("zh-hans", "2026年1月2日", "2026年4月2日")],
)
def test_wizard_leads_from_the_pool_page_to_a_membership(
    world: World, newcomer: User, language: str, covered: str, established: str
) -> None:
    client = client_of(newcomer, language=language)
    assert f'href="{JOIN}"' in client.get("/pools/test-pool/").content.decode()
    walk(client, world)
    page = text(client.get(f"{JOIN}sign/"))
    assert covered in page
    assert established in page
    response = take(client, "sign", {"shown_sha256": signature(client)})
    assert response.headers["Location"] == "/pools/test-pool/me/"
    assert established in text(client.get("/pools/test-pool/me/"))
    newcomer.refresh_from_db()
    assert newcomer.language == language
    assert client.get(JOIN).headers["Location"] == "/pools/test-pool/me/"


def test_pages_show_the_date_for_the_age_at_joining(db: None) -> None:
    """Who joins at 35 where everyone from 35 waits a year, and a month after an accident."""
    rules = [{"cause": "accident", "days": 30}, {"joined_from": 35, "days": 365}]
    world = World.founded(waiting_rules=rules, aid=[*TERMS["aid"], ACCIDENT_AID])
    client = client_of(User.objects.create_user("newcomer@example.org"))
    walk(client, world)
    page = text(client.get(f"{JOIN}sign/"))
    assert "Aid can be asked for illnesses from 2 Jan 2027" in page
    assert "Aid can be asked for accidents from 1 Feb 2026" in page
    take(client, "sign", {"shown_sha256": signature(client)})
    mine = text(client.get("/pools/test-pool/me/"))
    assert "first established on 2 Jan 2027 or later" in mine
    assert "An accident counts from 1 Feb 2026" in mine


def test_wizard_goes_on_where_it_was_left_on_another_device(world: World, newcomer: User) -> None:
    walk(client_of(newcomer), world, upto="plainly")
    elsewhere = client_of(newcomer)
    assert "Go on" in text(elsewhere.get(JOIN))
    assert elsewhere.post(BEGIN).headers["Location"] == f"{JOIN}plainly/"
    assert "林小雨" in elsewhere.get(f"{JOIN}who/").content.decode()


def test_what_was_entered_is_thrown_away_by_one_press(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    assert "Throw away" not in text(client.get(JOIN))
    walk(client, world, upto="plainly")
    assert "Throw away what was entered" in text(client.get(JOIN))
    response = client.post(f"{JOIN}give-up/", follow=True)
    assert "Nothing of it is kept" in text(response)
    assert client.post(f"{JOIN}give-up/").headers["Location"] == JOIN
    assert JoinApplication.objects.get(person=newcomer).answers_sealed is None
    assert client.post(BEGIN).headers["Location"] == f"{JOIN}who/"
    assert "林小雨" not in client.get(f"{JOIN}who/").content.decode()


def test_error_of_a_choice_is_read_with_it(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world, upto="health")
    for step, field in (("health", "answer"), ("plainly", "can_rise")):
        for code in codes(world) if step == "plainly" else ():
            take(client, "health", {"code": code, "answer": "no"})
        response = take(client, step, {"code": codes(world)[0]})
        assert response.status_code == 422
        page = response.content.decode()
        assert f'<fieldset class="choice" aria-describedby="id_{field}_error">' in page
        assert f'id="id_{field}_error"' in page


def test_sent_twice_the_signature_joins_once(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world)
    body = {"shown_sha256": signature(client)}
    answers = [take(client, "sign", body).headers["Location"] for _ in range(2)]
    assert answers == ["/pools/test-pool/me/"] * 2
    assert Membership.objects.filter(person=newcomer).count() == 1


def test_step_ahead_of_what_is_done_leads_back(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    assert client.get(f"{JOIN}sign/").headers["Location"] == JOIN
    client.post(BEGIN)
    for step in ("consent", "health", "plainly", "covenant", "sign"):
        assert client.get(f"{JOIN}{step}/").headers["Location"] == f"{JOIN}who/"
        assert take(client, step, {"shown_sha256": "0" * 64}).headers["Location"] == f"{JOIN}who/"
    assert not Membership.objects.filter(person=newcomer).exists()


def test_covenant_stands_under_the_one_heading_of_its_page(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world, upto="covenant")
    version = world.pool.plan_versions.get()
    page = client.get(f"{JOIN}covenant/").content.decode()
    assert page.count("<h1") == 1
    article = page[page.index("<article") : page.index("</article>")]
    written = re.findall(r"^#+ ", version.covenant_en, re.MULTILINE)
    assert len(re.findall(r"<h[2-6]>", article)) == len(written) > 0


@pytest.mark.parametrize(
    ("language", "mine", "other"),
    [("en", "This is not insurance", "这不是保险"), ("zh-hans", "这不是保险", "This is not insurance")],
)
def test_covenant_and_signature_show_six_sentences_and_the_other_language(
    world: World, newcomer: User, language: str, mine: str, other: str
) -> None:
    client = client_of(newcomer, language=language)
    walk(client, world)
    version = world.pool.plan_versions.get()
    for step in ("covenant", "sign"):
        page = client.get(f"{JOIN}{step}/").content.decode()
        section = page[
            page.index('aria-labelledby="short"') : page.index("</section>", page.index('"short"'))
        ]
        first, folded = section.split("<details>")
        assert (first.count("<li>"), mine in first, other in first) == (6, True, False)
        assert other in folded
        heading = (
            (version.covenant_zh if language == "en" else version.covenant_en).splitlines()[0].lstrip("# ")
        )
        assert heading in folded


def test_signature_lists_answers_and_class(db: None) -> None:
    classes = [
        {"class_no": 0, "weight": 1, "name_en": "Young", "name_zh": "青年", "age_from": 0, "age_before": 30},
        {
            "class_no": 1,
            "weight": 3,
            "name_en": "Others",
            "name_zh": "其他",
            "age_from": 30,
            "age_before": 150,
        },
    ]
    world = World.founded(members={1: 7}, classes=classes)
    person = User.objects.create_user("newcomer@example.org")
    filled(world.pool, person, nodules=True)
    page = text(client_of(person).get(f"{JOIN}sign/"))
    given = page[page.index("What you have answered") :]
    for question in world.pool.plan_versions.get().questions():
        answer = "Yes" if question.code == "nodules" else "No"
        assert f"{question.question_en} {answer}" in given
    assert "Your class Others, weight 3" in page


def test_each_question_says_what_follows_for_joining_and_for_claims(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world, upto="health")
    excluding = text(client.get(f"{JOIN}health/?question=tests_open"))
    assert "For joining With “yes” nobody can join" in excluding
    assert "For later claims Whoever examines a claim compares its papers" in excluding
    limiting = text(client.get(f"{JOIN}health/?question=nodules"))
    assert "For joining You can join with either answer." in limiting
    assert "For later claims With “yes” what follows from it is not shared" in limiting


def test_each_question_says_what_its_answer_means_before_it_is_given(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world, upto="health")
    for number, question in enumerate(world.pool.plan_versions.get().questions(), start=1):
        page = text(client.get(f"{JOIN}health/"))
        assert f"Question {number} of 5" in page
        assert question.question_en in page
        assert question.meaning_en.replace("“", "“") in page
        take(client, "health", {"code": question.code, "answer": "no"})


def test_answer_that_excludes_stops_and_can_be_changed(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world, upto="health")
    for code in codes(world):
        response = take(client, "health", {"code": code, "answer": "yes" if code == "tests_open" else "no"})
    assert response.headers["Location"] == f"{JOIN}health/"
    barred = client.get(f"{JOIN}health/")
    assert "With this answer nobody can join" in text(barred)
    assert f'action="{JOIN}give-up/"' in barred.content.decode()
    assert client.get(f"{JOIN}plainly/").headers["Location"] == f"{JOIN}health/"
    assert "biopsy" in text(client.get(f"{JOIN}health/?question=tests_open"))
    response = take(client, "health", {"code": "tests_open", "answer": "no"})
    assert response.headers["Location"] == f"{JOIN}plainly/"


def test_nothing_more_is_asked_after_an_answer_that_excludes(world: World, newcomer: User) -> None:
    """What would follow is about health as well, and told for nothing."""
    client = client_of(newcomer)
    walk(client, world, upto="health")
    assert codes(world)[0] != "tests_open"
    take(client, "health", {"code": "tests_open", "answer": "yes"})
    barred = client.get(f"{JOIN}health/")
    assert "With this answer nobody can join" in text(barred)
    assert 'name="answer"' not in barred.content.decode()
    take(client, "health", {"code": "tests_open", "answer": "no"})
    assert 'name="answer"' in client.get(f"{JOIN}health/").content.decode()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"number": "110105199005150000"}, "This is not a resident identity number"),
        ({"number": ""}, "This field is required"),
        ({"birth_date": "1991-01-01"}, "says another date of birth"),
        ({"kind": "passport", "number": "AB1234567"}, "two letters"),
        ({"kind": "passport", "number": "AB1234567", "country": "CHN"}, "two letters"),
        ({"kind": "passport", "number": "AB1234567", "country": "CHN"}, "enter the date of birth"),
        ({"kind": "passport", "number": "A", "country": "XX"}, "6 to 12 letters and digits"),
        ({"kind": "passport", "number": "AB1234567", "country": "XX"}, "enter the date of birth"),
        ({"kind": "passport", "number": "AB1234567", "country": "XX", "birth_date": "2015-01-01"}, "18 or older"),
        ({"kind": "passport", "number": "AB1234567", "country": "XX", "birth_date": "1950-01-01"}, "any more"),
        ({"kind": "passport", "number": "AB1234567", "country": "XX", "birth_date": "2030-01-01"}, "in the future"),
        ({"kind": "driving_licence"}, "Select a valid choice"),
    ],
)  # fmt: skip
def test_bad_document_is_refused_with_its_reason_and_what_was_typed_stays(
    world: World, newcomer: User, change: dict[str, str], sentence: str
) -> None:
    client = client_of(newcomer)
    client.post(BEGIN)
    response = take(client, "who", WHO | change)
    assert response.status_code == 422
    assert sentence in text(response)
    assert 'value="林小雨"' in response.content.decode()
    assert JoinApplication.objects.get().identity_sealed is None


def test_wrong_plain_answers_are_explained_and_asked_again(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world, upto="plainly")
    response = take(
        client, "plainly", {name: "no" if right == "yes" else "yes" for name, right in PLAIN.items()}
    )
    assert response.status_code == 422
    for why in (
        "nobody promises a sum",
        "when more people fall ill",
        "goes back to the members",
        "helps up to a sum",
    ):
        assert why in text(response)
    assert not JoinApplication.objects.get().understood


@pytest.mark.parametrize("missing", ["health", "publication"])
def test_both_consents_are_asked_and_none_is_ticked_beforehand(
    world: World, newcomer: User, missing: str
) -> None:
    client = client_of(newcomer)
    walk(client, world, upto="consent")
    assert "checked" not in client.get(f"{JOIN}consent/").content.decode()
    body = {name: "on" for name in ("health", "publication") if name != missing}
    assert take(client, "consent", body).status_code == 422
    assert not JoinApplication.objects.get().consent_health


def test_other_texts_cannot_be_signed(world: World, newcomer: User) -> None:
    client = client_of(newcomer)
    walk(client, world)
    response = take(client, "sign", {"shown_sha256": "0" * 64})
    assert response.status_code == 422
    assert "The texts have changed" in text(response)


def test_document_of_somebody_else_is_refused_with_a_sentence(world: World, newcomer: User) -> None:
    second = client_of(world.stranger)
    walk(second, world)
    first = client_of(newcomer)
    walk(first, world)
    take(first, "sign", {"shown_sha256": signature(first)})
    # Whoever had entered it before meets the refusal where the database has it.
    response = take(second, "sign", {"shown_sha256": signature(second)})
    assert response.status_code == 422
    assert "already belongs to another account" in text(response)
    assert Identity.objects.count() == 1


def test_visitor_is_told_to_sign_up_and_comes_back(world: World) -> None:
    client = client_of(None)
    page = client.get(JOIN).content.decode()
    assert "/accounts/signup/?next=/pools/test-pool/join/" in page
    assert client.post(BEGIN).headers["Location"].startswith("/accounts/login/?next=")
    assert client.get(f"{JOIN}who/").headers["Location"].startswith("/accounts/login/?next=")


def test_sign_up_by_email_leads_back_to_the_pool(world: World) -> None:
    client = client_of(None, language="zh-hans")
    body = {
        "email": "new@example.org",
        "password1": "right horse battery",
        "password2": "right horse battery",
        "next": JOIN,
    }
    response = client.post("/accounts/signup/", body)
    assert (response.status_code, response.headers["Location"]) == (302, JOIN)
    assert User.objects.get(email="new@example.org").language == "zh-hans"


def test_pool_that_takes_nobody_says_so(world: World, newcomer: User) -> None:
    end_by_two(world)
    client = client_of(newcomer)
    assert "Nobody can join this pool at the moment." in text(client.get(JOIN))
    assert client.post(BEGIN).status_code == 409
    assert f'href="{JOIN}"' not in client.get("/pools/test-pool/").content.decode()


def test_unknown_pools_drafts_and_steps_are_not_found(world: World, newcomer: User) -> None:
    found_pool(
        code="draft-pool", name_en="D", name_zh="D", currency="CNY", time_zone="UTC", expected_members=3,
        founder="x",
    )  # fmt: skip
    client = client_of(newcomer)
    for address in ("/pools/none/join/", "/pools/draft-pool/join/", f"{JOIN}nope/"):
        assert client.get(address).status_code == 404
        assert client.post(f"{address}begin/").status_code == 404


def test_signing_page_costs_a_fixed_number_of_queries(world: World, newcomer: User) -> None:
    filled(world.pool, newcomer)
    client = client_of(newcomer)
    client.get(f"{JOIN}sign/")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{JOIN}sign/")
    assert len(queries) <= 21
    assert clock.now().date() == dt.date(2026, 1, 1)
