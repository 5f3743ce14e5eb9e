"""What was sent without being signed in any more: kept for that person alone, shown after the sign-in, sent again."""

import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from aidplatform.lib.kept import LARGEST, SESSION_KEY
from aidplatform.testing.claim_cases import ClaimCases
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import PageClient, client_of
from members.people.models import User
from members.rights.models import Complaint

OURS = {"Origin": "http://testserver", "Referer": "http://testserver/pools/test-pool/me/complaints/"}
FORM = "/pools/test-pool/me/complaints/"
WORDS = "The share of May is wrong: <b>I was ill</b> and told you."


def lose_session(client: Client) -> None:
    """Let the session run out, as after twelve hours: its cookie and its row are gone, the others stay."""
    Session.objects.filter(session_key=client.session.session_key).delete()
    del client.cookies["sessionid"]


def sign_in(client: Client, person: User) -> None:
    """Sign in as the page of the library does: the session goes on under another key."""
    from django.contrib.auth import login
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = client.session
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    client.cookies["sessionid"] = request.session.session_key


def told(**more: str) -> dict[str, str]:
    return {
        "about": "share",
        "text": WORDS,
        "reference": "",
        "key": "2a8b1c7e-5f3d-4c6a-9b0e-7d1f2a3b4c5d",
        **more,
    }


@prepared
def cases() -> ClaimCases:
    """Give the test a pool with members who have accounts."""
    return ClaimCases.founded()


def lost(cases: ClaimCases) -> PageClient:
    """Return the browser of a member who had a page open when the session ran out."""
    client = client_of(cases.claimant)
    assert client.get(FORM).status_code == 200
    lose_session(client)
    return client


def fields_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.split('id="kept"')[1]))


def test_input_waits_for_the_sign_in_and_is_sent_again(cases: ClaimCases) -> None:
    client = lost(cases)
    answer = client.post(FORM, told(), headers=OURS)
    assert answer.headers["Location"] == "/accounts/login/?next=/kept/"
    assert not Complaint.objects.exists()
    sign_in(client, cases.claimant)
    page = client.get("/kept/").content.decode()
    assert "The share of May is wrong: &lt;b&gt;I was ill&lt;/b&gt; and told you." in page
    assert f'action="{FORM}"' in page
    assert "csrfmiddlewaretoken" in page
    again = {name: value for name, value in fields_of(page).items() if name != "csrfmiddlewaretoken"}
    assert again.keys() == told().keys()
    assert client.get("/kept/").status_code == 200
    done = client.post(FORM, told(), headers=OURS)
    assert done.status_code == 302
    assert Complaint.objects.count() == 1
    assert client.get("/kept/").headers["Location"] == "/"


def test_kept_input_is_sealed_and_stands_in_no_address(cases: ClaimCases) -> None:
    client = lost(cases)
    answer = client.post(FORM, told(), headers=OURS)
    held = client.session[SESSION_KEY]
    assert held["address"] == FORM
    assert "ill" not in answer.headers["Location"]
    row = Session.objects.get(session_key=client.session.session_key).get_decoded()
    assert "share of May" not in str(row)
    assert held["sealed"] == row[SESSION_KEY]["sealed"]


def test_somebody_else_who_signs_in_finds_nothing(cases: ClaimCases) -> None:
    client = lost(cases)
    client.post(FORM, told(), headers=OURS)
    sign_in(client, cases.neighbor)
    assert client.get("/kept/").headers["Location"] == "/"
    assert SESSION_KEY not in client.session
    sign_in(client, cases.claimant)
    assert client.get("/kept/").headers["Location"] == "/"


def test_nothing_is_kept_once_somebody_has_signed_out(cases: ClaimCases) -> None:
    client = client_of(cases.claimant)
    client.get(FORM)
    assert client.cookies["aid-person"].value
    client.post("/accounts/logout/")
    assert not client.cookies["aid-person"].value
    answer = client.post(FORM, told(), headers=OURS)
    assert answer.headers["Location"] == f"/accounts/login/?next={FORM}"
    assert SESSION_KEY not in client.session


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {**OURS, "HX-Request": "true"},
    ],
)
def test_only_a_plain_form_of_ours_is_kept(cases: ClaimCases, headers: dict[str, str]) -> None:
    client = lost(cases)
    client.post(FORM, told(), headers=headers)
    assert SESSION_KEY not in client.session


def test_mark_of_the_browser_cannot_be_made_up(cases: ClaimCases) -> None:
    client = lost(cases)
    client.cookies["aid-person"] = client.cookies["aid-person"].value[:-2] + "xx"
    client.post(FORM, told(), headers=OURS)
    assert SESSION_KEY not in client.session


def test_very_much_is_not_kept_and_buttons_alone_are_not(cases: ClaimCases) -> None:
    client = lost(cases)
    client.post(FORM, told(text="x" * LARGEST), headers=OURS)
    client.post("/accounts/sessions/others/end/", {}, headers=OURS)
    assert SESSION_KEY not in client.session


def test_form_that_was_open_too_long_is_kept_for_who_is_signed_in(cases: ClaimCases) -> None:
    client = client_of(cases.claimant, enforce_csrf_checks=True)
    client.get(FORM)
    answer = client.post(FORM, told(csrfmiddlewaretoken="x" * 64), headers=OURS)
    assert answer.headers["Location"] == "/kept/"
    page = client.get("/kept/").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.split('id="kept"')[1])[0]
    assert not Complaint.objects.exists()
    assert client.post(FORM, told(csrfmiddlewaretoken=token), headers=OURS).status_code == 302
    assert Complaint.objects.count() == 1
    assert client.get("/kept/").headers["Location"] == "/"


def test_form_of_another_site_is_refused_as_before(cases: ClaimCases) -> None:
    client = client_of(cases.claimant, enforce_csrf_checks=True)
    client.get(FORM)
    answer = client.post(FORM, told(), headers={"Origin": "http://elsewhere.example"})
    assert answer.status_code == 403
    assert SESSION_KEY not in client.session


def test_passwords_are_never_kept(cases: ClaimCases) -> None:
    client = client_of(cases.claimant, enforce_csrf_checks=True)
    client.get(FORM)
    stale: dict[str, Any] = {
        "login": "a@example.org",
        "password": "secret words",
        "csrfmiddlewaretoken": "x" * 64,
    }
    assert client.post("/accounts/login/", stale, headers=OURS).status_code == 403
    assert SESSION_KEY not in client.session
    answer = client.post(FORM, told(new_password="secret words", csrfmiddlewaretoken="x" * 64), headers=OURS)
    assert answer.headers["Location"] == "/kept/"
    page = client.get("/kept/").content.decode()
    assert "I was ill" in page
    assert "secret words" not in page


def test_thrown_away_is_gone(cases: ClaimCases) -> None:
    client = lost(cases)
    client.post(FORM, told(), headers=OURS)
    sign_in(client, cases.claimant)
    assert client.post("/kept/drop/").headers["Location"] == FORM
    assert client.get("/kept/").headers["Location"] == "/"


def test_who_works_on_a_duty_finds_their_input_as_well(world: World) -> None:
    client = client_of(world.treasurer)
    address = "/pools/test-pool/custody/account/"
    client.get("/pools/test-pool/custody/")
    lose_session(client)
    answer = client.post(address, {"bank_name": "Second bank"}, headers=OURS)
    assert answer.headers["Location"] == "/accounts/login/?next=/kept/"
