"""Text messages: to confirmed numbers alone, as chosen, after quiet hours, once, and never about what."""

import base64
import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from aidplatform.lib import clock
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.jobs import claim
from aidplatform.work.models import Job
from members.people import digests, notices, phones, texts
from members.people.choices import choose_notices
from members.people.models import NoticeChoice, NoticeHours, User
from members.people.tests.test_choices import TODAY, news
from members.people.text_gateway import FileGateway, TwilioGateway, gateway
from members.people.text_models import Phone, TextChoice, TextMessage

NUMBER = "+8613800138000"
PAGE, API = "/notices/phone/", "/api/v1/me/phone/"
Category = NoticeChoice.Category


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """Give the test a folder into which the gateway of a demonstration writes."""
    settings.STATE_DIR = tmp_path
    return tmp_path / "texts"


@pytest.fixture
def person(db: None, folder: Path) -> User:
    """Give the test a person at noon of 10 January in Shanghai."""
    set_clock(TODAY)
    return User.objects.create_user("someone@example.org")


def sent(folder: Path) -> list[dict[str, str]]:
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns) if folder.exists() else []
    return [json.loads(path.read_text()) for path in found]


def code_sent(folder: Path) -> str:
    run_jobs()
    found = re.search(r"\b(\d{6})\b", sent(folder)[-1]["text"])
    assert found
    return found[1]


def confirmed(person: User, folder: Path, *categories: str, **hours: Any) -> None:
    """Confirm a number of the person, and have these categories come as text messages."""
    phones.tell_number(person=person, number=NUMBER, at=clock.now())
    phones.confirm_number(person=person, code=code_sent(folder), at=clock.now())
    for path in folder.glob("*.json"):
        path.unlink()
    choose_notices(person=person, ways={}, hours=NoticeHours(**hours), at=clock.now(), texts=set(categories))


def tell(*told: notices.News, batch: str = "b") -> int:
    return notices.tell(told, batch=batch, actor="test")


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+86 138 0013 8000", NUMBER),
        ("138-0013-8000", NUMBER),
        ("+44 (20) 7946 0958", "+442079460958"),
    ],
)
def test_number_has_one_form_however_it_is_typed(text: str, number: str) -> None:
    assert phones.read_number(text) == number


@pytest.mark.parametrize("text", ["", "12345", "+0123456789", "0086 138 0013 8000", "call me", "+123"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(phones.BadNumberError):
        phones.read_number(text)


def test_number_is_confirmed_by_the_code_it_was_sent_and_is_sealed(person: User, folder: Path) -> None:
    phone = phones.tell_number(person=person, number=NUMBER, at=clock.now())
    code = code_sent(folder)
    assert sent(folder)[0]["to"] == NUMBER
    with pytest.raises(phones.WrongCodeError):
        phones.confirm_number(person=person, code="000000" if code != "000000" else "1", at=clock.now())
    assert phones.confirm_number(person=person, code=f" {code} ", at=clock.now()).confirmed_at == clock.now()
    phone.refresh_from_db()
    kept = str(run("SELECT * FROM members_phone")) + str(run("SELECT * FROM members_textmessage"))
    assert NUMBER not in kept
    assert code not in kept
    assert (phone.tries, phones.hint_of(person, phone)) == (1, "…8000")


def test_code_ends_with_its_time_its_tries_and_the_next_one(person: User, folder: Path) -> None:
    phones.tell_number(person=person, number=NUMBER, at=clock.now())
    first = code_sent(folder)
    set_clock(TODAY + phones.CODE_LIFE + dt.timedelta(seconds=1))
    with pytest.raises(phones.WrongCodeError):
        phones.confirm_number(person=person, code=first, at=clock.now())
    phones.tell_number(person=person, number=NUMBER, at=clock.now())
    second = code_sent(folder)
    for _time in range(5):
        with pytest.raises(phones.WrongCodeError):
            phones.confirm_number(person=person, code="x", at=clock.now())
    with pytest.raises(phones.WrongCodeError):
        phones.confirm_number(person=person, code=second, at=clock.now())
    assert Phone.objects.get().confirmed_at is None


def test_codes_of_a_day_are_counted(person: User, settings: Any) -> None:
    settings.PHONE_CODES_PER_DAY = 2
    for _time in range(2):
        phones.tell_number(person=person, number=NUMBER, at=clock.now())
    with pytest.raises(phones.TooManyCodesError):
        phones.tell_number(person=person, number=NUMBER, at=clock.now())
    assert TextMessage.objects.count() == 2


# --- notices ------------------------------------------------------------------------------------------------------


def test_message_comes_as_chosen_and_says_nothing_of_what(person: User, folder: Path) -> None:
    confirmed(person, folder, "money", "claims")
    tell(news(person, "charged"), news(person, "payer_asked"))
    run_jobs()
    (text,) = sent(folder)
    assert text["to"] == NUMBER
    for kind in notices.KINDS:
        tell(news(person, kind, key="all"), batch=f"all/{kind}")
    run_jobs()
    wanted = [kind for kind in notices.KINDS if notices.CATEGORY_OF[kind] in {"money", "claims"}]
    assert len(sent(folder)) == 1 + len(wanted)
    # Whatever it is about, the words are the same: nothing about money, health, pools or people.
    assert len({one["text"] for one in sent(folder)}) == 1
    assert text["text"].endswith("/notices/")


def test_several_notices_of_one_deed_are_one_message(person: User, folder: Path) -> None:
    confirmed(person, folder, "money")
    tell(*[news(person, "charged", key=str(number)) for number in range(3)])
    run_jobs()
    assert len(sent(folder)) == 1


def test_nothing_is_sent_twice_when_a_task_repeats(person: User, folder: Path) -> None:
    confirmed(person, folder, "money")
    assert [tell(news(person, "charged")), tell(news(person, "charged"), batch="again")] == [1, 0]
    job = Job.objects.filter(kind=texts.SEND, state="queued").get()
    lease = claim(job.pk)
    assert lease is not None
    assert texts.send_texts(lease) == {"sent": 1}
    assert texts.send_texts(lease) == {"sent": 0}
    assert len(sent(folder)) == 1


def test_message_of_quiet_hours_waits_for_their_end(person: User, folder: Path) -> None:
    hour = timezone.now().hour
    quiet = {"time_zone": "UTC", "quiet_from_hour": (hour - 1) % 24, "quiet_to_hour": (hour + 2) % 24}
    confirmed(person, folder, "money", **quiet)
    tell(news(person, "charged"))
    run_jobs()
    assert sent(folder) == []
    waiting = TextMessage.objects.get(is_code=False)
    assert waiting.not_before_at is not None
    assert (waiting.not_before_at.hour, waiting.not_before_at.minute) == ((hour + 2) % 24, 0)


def test_digest_is_one_message_and_none_comes_before(person: User, folder: Path) -> None:
    confirmed(person, folder, "money", "family")
    choose_notices(
        person=person, ways={"money": "digest", "cases": "digest"}, hours=NoticeHours(), at=clock.now()
    )
    tell(news(person, "charged", key="1"), news(person, "charged", key="2"))
    run_jobs()
    assert sent(folder) == []
    set_clock(TODAY + dt.timedelta(days=1))
    for _time in range(2):
        digests.order_due(clock.now())
        run_jobs()
    assert len(sent(folder)) == 1


def test_message_comes_of_an_event_that_was_chosen_by_itself(person: User, folder: Path) -> None:
    confirmed(person, folder, "money.debit_back", "claims")
    tell(news(person, "charged", key="1"), batch="1")
    run_jobs()
    assert sent(folder) == []
    tell(news(person, "debit_returned", key="2"), batch="2")
    tell(news(person, "claim_paid", key="3"), batch="3")
    run_jobs()
    assert len(sent(folder)) == 2
    # What is chosen anew takes the place of what was chosen before; what stays keeps its day.
    kept = TextChoice.objects.get(category="claims")
    set_clock(TODAY + dt.timedelta(days=1))
    choose_notices(
        person=person, ways={}, hours=NoticeHours(), at=clock.now(), texts={"money.share", "claims"}
    )
    assert {row.name for row in TextChoice.objects.all()} == {"money.share", "claims"}
    assert TextChoice.objects.get(category="claims").chosen_at == kept.chosen_at


def test_no_message_without_a_number_a_choice_or_a_gateway(person: User, folder: Path, settings: Any) -> None:
    choose_notices(person=person, ways={}, hours=NoticeHours(), at=clock.now(), texts={"money"})
    tell(news(person, "charged", key="1"))
    confirmed(person, folder)
    tell(news(person, "charged", key="2"))
    confirmed(person, folder, "money")
    settings.DEMO = False
    assert gateway() is None
    tell(news(person, "charged", key="3"))
    assert not TextMessage.objects.filter(is_code=False).exists()
    with pytest.raises(phones.NoTextsError):
        phones.tell_number(person=person, number=NUMBER, at=clock.now())


# --- pages and programs -------------------------------------------------------------------------------------------


def test_pages_tell_confirm_choose_and_forget(person: User, folder: Path) -> None:
    client = client_of(person)
    assert 'name="texts"' not in client.get("/notices/choices/").content.decode()
    bad = client.post(PAGE, {"number": "12"})
    assert (bad.status_code, 'value="12"' in bad.content.decode()) == (422, True)
    assert client.post(PAGE, {"number": "+86 138 0013 8000"}).headers["Location"] == PAGE
    page = client.get(PAGE).content.decode()
    assert "waits for its code" in page
    assert "13800138000" not in page
    assert client.post(f"{PAGE}confirm/", {"code": "x"}).status_code == 422
    assert (
        client.post(f"{PAGE}confirm/", {"code": code_sent(folder)}).headers["Location"] == "/notices/choices/"
    )
    body = {category.value: "at_once" for category in Category} | {
        "digest_hour": "8", "time_zone": "Asia/Shanghai", "texts": ["money", "claims"],
        "family-texts": ["family.paying"],
    }  # fmt: skip
    assert client.post("/notices/choices/", body).status_code == 302
    assert {row.name for row in TextChoice.objects.all()} == {"money", "claims", "family.paying"}
    page = client.get("/notices/choices/").content.decode()
    for value in ("claims", "family.paying"):
        assert re.search(rf'value="{value}"[^>]* checked', page), value
    assert not re.search(r'value="family"[^>]* checked', page)
    unknown = client.post("/notices/choices/", body | {"family-texts": ["family.debit"]})
    assert (unknown.status_code, TextChoice.objects.count()) == (422, 3)
    client.post(f"{PAGE}forget/")
    assert not Phone.objects.exists()
    assert not TextChoice.objects.exists()
    assert client_of(None).get(PAGE).status_code == 302


def test_programs_tell_confirm_choose_and_forget(person: User, folder: Path) -> None:
    client = client_of(person)
    assert client.get(API).json() == {"number_hint": "", "told_at": None, "confirmed_at": None}
    put: dict[str, Any] = {"data": json.dumps({"number": NUMBER}), "content_type": "application/json"}
    assert client.put(API, **put).json()["number_hint"] == "…8000"
    wrong = client.post(f"{API}confirmation/", {"code": "x"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:aid:wrong_phone_code")
    right = client.post(f"{API}confirmation/", {"code": code_sent(folder)}, content_type="application/json")
    assert right.json()["confirmed_at"] is not None
    choices = client.get("/api/v1/me/notice-choices/").json()
    put = {
        "data": json.dumps(choices | {"texts": ["money.debit", "pool"]}),
        "content_type": "application/json",
    }
    assert client.put("/api/v1/me/notice-choices/", **put).json()["texts"] == ["money.debit", "pool"]
    put = {"data": json.dumps(choices | {"texts": ["family.debit"]}), "content_type": "application/json"}
    assert client.put("/api/v1/me/notice-choices/", **put).status_code == 400
    assert client.delete(API).json()["number_hint"] == ""


def test_page_is_not_there_without_a_gateway(person: User, settings: Any) -> None:
    settings.DEMO = False
    client = client_of(person)
    assert client.get(PAGE).status_code == 404
    assert PAGE not in client.get("/notices/choices/").content.decode()


# --- gateways -----------------------------------------------------------------------------------------------------


class Taker(HTTPServer):
    """Answers as the interface of Twilio documents, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[tuple[str, str, dict[str, list[str]]]] = []
        self.status = 201


class _Handler(BaseHTTPRequestHandler):
    server: Taker

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.taken.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def taker() -> Iterator[Taker]:
    """Give the test a service that takes messages."""
    server = Taker()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_service_is_spoken_to_as_documented(taker: Taker) -> None:
    by = TwilioGateway("127.0.0.1", taker.server_port, "AC1", "secret", "+15550100", is_secure=False)
    by.send(key="k", number=NUMBER, text="通知")
    ((path, login, body),) = taker.taken
    assert path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert base64.b64decode(login.removeprefix("Basic ")) == b"AC1:secret"
    assert body == {"To": [NUMBER], "From": ["+15550100"], "Body": ["通知"]}
    taker.status = 503
    with pytest.raises(OSError, match="503"):
        by.send(key="k", number=NUMBER, text="通知")


def test_service_that_refuses_or_is_away_is_tried_again(
    person: User, folder: Path, taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(person, folder, "money")
    tell(news(person, "charged"))
    by = TwilioGateway("127.0.0.1", taker.server_port, "AC1", "secret", "+15550100", is_secure=False)
    monkeypatch.setattr(texts, "gateway", lambda: by)
    lease = claim(Job.objects.filter(kind=texts.SEND, state="queued").get().pk)
    assert lease is not None
    taker.status = 500
    with pytest.raises(OSError, match="500"):
        texts.send_texts(lease)
    assert TextMessage.objects.get(is_code=False).sent_at is None
    taker.status = 201
    assert texts.send_texts(lease) == {"sent": 1}


def test_gateway_is_chosen_by_the_settings(settings: Any) -> None:
    assert isinstance(gateway(), FileGateway)
    settings.SMS_URL = "twilio://AC1:se%40cret@api.example.org?from=%2B15550100"
    assert gateway() == TwilioGateway("api.example.org", 443, "AC1", "se@cret", "+15550100")
    for bad in ("http://a:b@c?from=1", "twilio://a@c?from=1", "twilio://a:b@c"):
        with pytest.raises(ValueError):
            TwilioGateway.from_url(bad)


# --- held by the database -----------------------------------------------------------------------------------------


def test_phones_are_held_by_the_database(person: User, folder: Path) -> None:
    insert = """INSERT INTO members_phone
                  (person_id, number_sealed, code_sha256, code_until_at, tries, told_at, confirmed_at)
                VALUES (%s, 'x', %s, %s, 0, now(), %s)"""
    with refused("phone_is_confirmed_by_its_code"):
        run(insert, person.pk, "0" * 64, clock.now() + dt.timedelta(hours=1), clock.now())
    run(insert, person.pk, "0" * 64, clock.now() - dt.timedelta(hours=1), None)
    with refused("one_phone_per_person"):
        run(insert, person.pk, "0" * 64, clock.now(), None)
    with refused("phone_is_confirmed_by_its_code"):
        run("UPDATE members_phone SET confirmed_at = now()")
    with refused("phone_code_is_tried_few_times"):
        run("UPDATE members_phone SET tries = 6")
    with not_permitted():
        run("UPDATE members_phone SET number_sealed = 'y'")


def test_texts_are_held_by_the_database(person: User, folder: Path) -> None:
    insert = """INSERT INTO members_textmessage (key, person_id, sealed, is_code, written_at)
                VALUES (%s, %s, 'x', %s, now())"""
    with refused("text_goes_to_a_confirmed_number"):
        run(insert, "k", person.pk, False)
    run(insert, "k", person.pk, True)
    with refused("one_text_per_key"):
        run(insert, "k", person.pk, True)
    with not_permitted():
        run("UPDATE members_textmessage SET sealed = 'y'")
    choose = "INSERT INTO members_textchoice (person_id, category, chosen_at) VALUES (%s, %s, now())"
    run(choose, person.pk, "money")
    with refused("one_text_choice_per_person_and_event"):
        run(choose, person.pk, "money")
    with refused("text_category_is_known"):
        run(choose, person.pk, "weather")
    of_event = (
        "INSERT INTO members_textchoice (person_id, category, event, chosen_at) VALUES (%s, %s, %s, now())"
    )
    run(of_event, person.pk, "money", "debit")
    with refused("one_text_choice_per_person_and_event"):
        run(of_event, person.pk, "money", "debit")
    with refused("text_event_is_of_its_category"):
        run(of_event, person.pk, "family", "debit")
