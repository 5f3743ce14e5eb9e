"""Pages of the whole site: landing, switches, health, refusals, and who may open what."""

import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.utils import OperationalError
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from aidplatform.lib.errors import ConflictError, ForbiddenError, UnavailableError
from aidplatform.lib.http import refusal
from aidplatform.lib.templating import local_address, way_back
from aidplatform.site import views
from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of, public_world
from aidplatform.work.models import Job
from ledger.sharing import services


def words(html: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.decode()).split())


def our_patterns(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[URLPattern]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        elif "allauth" not in str(pattern.urlconf_name):
            yield from our_patterns(pattern.url_patterns)


def test_every_address_declares_who_may_open_it() -> None:
    undeclared = [str(p.pattern) for p in our_patterns() if not hasattr(p.callback, "aid_policy")]
    assert undeclared == []


def test_pages_of_money_are_never_public() -> None:
    policies = {p.name: p.callback.aid_policy for p in our_patterns()}  # type: ignore[attr-defined]
    staff = (
        "period_compute", "period_approve", "period_progress", "accounts", "trial_balance", "account",
        "account_csv", "entries", "entries_csv", "entry", "jobs", "job_retry",
    )  # fmt: skip
    assert {name: policies[name] for name in staff if not policies[name].startswith("duty")} == {}


def test_landing_says_what_it_is_and_is_not(db: None) -> None:
    page = words(client_of(None).get("/").content)
    assert "How it works, in four steps" in page
    assert "This is not insurance." in page
    assert "No pool is open yet" in page
    assert "What waits for you" not in page


def test_landing_lists_pools_with_their_last_figures(db: None) -> None:
    world = public_world()
    world.award(1_000_000)
    world.posted_period()
    page = words(client_of(None).get("/").content)
    assert "Last share ¥72.00" in page
    assert "Members who share 150" in page
    assert "People helped so far 1" in page


def test_each_person_sees_what_waits_for_them(world: World) -> None:
    world.award(1_000_000)
    period = world.settled_period()
    assert "waits for its dry run" in words(client_of(world.admin).get("/").content)
    assert "Nothing at the moment." in words(client_of(world.controller).get("/").content)
    services.compute_shares(period=period, preparer=world.admin.code, at=period.pool.headcount_recorded_at)
    assert "waits for your approval" in words(client_of(world.controller).get("/").content)
    assert "Nothing at the moment." in words(client_of(world.admin).get("/").content)
    assert "Nothing at the moment." in words(client_of(world.stranger).get("/").content)


def test_running_posting_and_stuck_jobs_wait_for_staff(world: World) -> None:
    world.award(1_000_000)
    world.approved_period()
    Job.objects.update(state="stuck")
    page = words(client_of(world.controller).get("/").content)
    assert "is being posted" in page
    assert "Jobs that are stuck: " in page
    assert "Jobs that are stuck" not in words(client_of(world.auditor).get("/").content)


def test_landing_of_a_person_costs_the_same_for_one_pool_and_three(world: World) -> None:
    world.award(1_000_000)
    world.settled_period()
    client = client_of(world.admin)
    client.get("/")
    with CaptureQueriesContext(connection) as one:
        client.get("/")
    for code in ("second", "third"):
        other = World.founded(code=code)
        other.award(1_000_000)
        other.settled_period()
    with CaptureQueriesContext(connection) as three:
        client.get("/")
    assert len(one) == len(three)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_language_switch_stays_on_the_page(db: None, language: str) -> None:
    client = client_of(None)
    response = client.post("/language/", {"language": language, "next": "/docs/share/?x=1"})
    assert (response.status_code, response.headers["Location"]) == (302, "/docs/share/?x=1")
    assert f'<html lang="{language}"' in client.get("/").content.decode()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_switch_is_remembered_and_stays_on_the_page(db: None, theme: str) -> None:
    client = client_of(None)
    response = client.post("/theme/", {"theme": theme, "next": "/docs/"})
    assert (response.status_code, response.headers["Location"]) == (302, "/docs/")
    assert f'data-theme="{theme}"' in client.get("/").content.decode()
    client.post("/theme/", {"theme": "auto", "next": "/"})
    assert "data-theme" not in client.get("/").content.decode()


def test_theme_switch_ignores_a_word_it_does_not_know(db: None) -> None:
    client = client_of(None)
    client.post("/theme/", {"theme": '"><script>', "next": "/"})
    client.cookies["aid_theme"] = '"><script>'
    assert "data-theme" not in client.get("/").content.decode()


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_switches_never_lead_to_another_site(db: None, away: str) -> None:
    request = RequestFactory().get("/")
    assert local_address(request, away) == "/"
    assert client_of(None).post("/theme/", {"theme": "dark", "next": away}).headers["Location"] == "/"
    assert client_of(None).post("/demo/person/", {"person": "", "next": away}).headers["Location"] == "/"


def test_way_back_of_a_posted_page_is_the_page_of_its_form() -> None:
    factory = RequestFactory()
    assert way_back(factory.get("/a/?b=1")) == "/a/?b=1"
    assert way_back(factory.post("/a/do/", headers={"referer": "http://testserver/a/?b=1"})) == "/a/?b=1"
    assert way_back(factory.post("/a/do/", headers={"referer": "http://evil.example/a/"})) == "/"


def test_switches_need_a_post(db: None) -> None:
    for address in ("/language/", "/theme/"):
        assert client_of(None).get(address).status_code == 405


def test_health_says_both_parts_answer(db: None) -> None:
    response = client_of(None).get("/health")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": True, "broker": True}


def test_health_names_the_part_that_is_missing(db: None, settings: object) -> None:
    settings.REDIS_URL = "unix:///nonexistent/valkey.sock?db=0"  # type: ignore[attr-defined]
    response = client_of(None).get("/health")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "database": True, "broker": False}


def test_robots_may_read_public_pages_only(db: None) -> None:
    text = client_of(None).get("/robots.txt").content.decode()
    assert "Disallow: /\n" in text
    assert "Allow: /pools/" in text
    assert "Disallow: /pools/*/ledger/" in text


def test_address_that_leads_nowhere_is_a_page(db: None) -> None:
    response = client_of(None).get("/no/such/page/")
    assert response.status_code == 404
    assert "or it is not yours to see" in response.content.decode()


def test_form_without_its_token_is_explained(db: None) -> None:
    client = client_of(None, enforce_csrf_checks=True)
    response = client.post("/theme/", {"theme": "dark"})
    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "heading"),
    [
        (ForbiddenError("No duty."), 403, "Not yours to do"),
        (ConflictError("Moved on."), 409, "Not possible as things stand"),
    ],
)
def test_refusal_page_says_what_and_why(
    rf: RequestFactory, db: None, error: ConflictError, status: int, heading: str
) -> None:
    request = rf.get("/somewhere/")
    request.user = AnonymousUser()
    request.session = {}  # type: ignore[assignment]
    response = refusal(request, error)
    page = response.content.decode()
    assert response.status_code == status
    assert heading in page
    assert str(error) in page
    assert error.code in page


def test_refusal_for_a_lost_database_asks_the_database_nothing(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", lost)
    response = refusal(rf.get("/"), UnavailableError("The database cannot be reached."))
    assert response.status_code == 503
    assert "The database cannot be reached." in response.content.decode()


def test_server_error_page_needs_neither_database_nor_session(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.aid_request_id = "abc123"  # type: ignore[attr-defined]
    response = views.server_error(request)
    assert response.status_code == 500
    assert "abc123" in response.content.decode()


def test_failure_in_a_view_is_a_page_with_the_number_of_its_log_line(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr("aidplatform.site.views.pool_cards", broken)
    client = client_of(None, raise_request_exception=False)
    response = client.get("/")
    assert response.status_code == 500
    assert response.headers["X-Request-Id"] in response.content.decode()
    assert "a fault of ours" not in response.content.decode()


def test_pages_carry_the_strict_policy_and_no_inline_code(db: None) -> None:
    public_world()
    for address in ("/", "/pools/test-pool/", "/docs/share/", "/demo/", "/accounts/login/"):
        response = client_of(None).get(address)
        page = response.content.decode()
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        assert not re.search(r"<[^>]+\sstyle=", page), address
        assert not re.search(r"<[^>]+\son[a-z]+=", page), address
        assert not re.search(r"<script(?![^>]*(\ssrc=|application/json))", page), address
        assert "<style" not in page
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page), address


def test_private_pages_are_kept_out_of_caches(world: World) -> None:
    response = client_of(world.auditor).get("/pools/test-pool/ledger/")
    assert "no-store" in response.headers["Cache-Control"]


def test_wrong_password_is_refused_beside_the_form(world: World) -> None:
    world.admin.set_password("right horse battery")
    world.admin.save()
    response = client_of(None).post("/accounts/login/", {"login": world.admin.email, "password": "wrong"})
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_person_without_second_factor_is_led_to_its_set_up(world: World) -> None:
    client = client_of(world.auditor, second_factor=False)
    response = client.get("/pools/test-pool/ledger/")
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/2fa/")
    assert "Not set up yet" in client.get("/accounts/2fa/").content.decode()


def test_password_and_authenticator_open_the_pages_of_a_duty(world: World) -> None:
    secret = generate_totp_secret()
    world.auditor.set_password("right horse battery")
    world.auditor.save()
    TOTP.activate(world.auditor, secret)
    client = client_of(None)
    body = {"login": world.auditor.email, "password": "right horse battery"}
    assert client.post("/accounts/login/", body).headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/pools/test-pool/ledger/").status_code == 302
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    assert client.post("/accounts/2fa/authenticate/", {"code": code}).headers["Location"] == "/"
    assert client.get("/pools/test-pool/ledger/").status_code == 200


@pytest.mark.parametrize(
    ("kind", "way"),
    [("webauthn", "/accounts/2fa/webauthn/reauthenticate/"), ("totp", "/accounts/2fa/reauthenticate/")],
)
def test_session_without_its_second_factor_is_led_to_it_and_back(world: World, kind: str, way: str) -> None:
    Authenticator.objects.create(user=world.auditor, type=kind, data={})
    client = client_of(world.auditor, second_factor=False)
    response = client.get("/pools/test-pool/ledger/")
    assert response.headers["Location"] == f"{way}?next=/pools/test-pool/ledger/"


def test_passkey_counts_as_second_factor_and_a_password_does_not(world: World) -> None:
    client = client_of(world.auditor, second_factor=False)
    for method, status in (("password", 302), ("mfa", 200)):
        session = client.session
        session["account_authentication_methods"] = [
            {"method": method, "type": "webauthn", "passwordless": True}
        ]
        session.save()
        assert client.get("/pools/test-pool/ledger/").status_code == status


def test_passkey_must_ask_who_holds_it() -> None:
    """Else a stolen key would open an account alone."""
    assert settings.MFA_WEBAUTHN_USER_VERIFICATION == "required"


def test_languages_of_the_switch_are_the_two_of_the_settings(db: None) -> None:
    page = client_of(None).get("/").content.decode()
    assert re.findall(r'name="language" value="([^"]+)"', page) == [code for code, _ in settings.LANGUAGES]
