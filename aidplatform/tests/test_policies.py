"""Who may open which address: every pattern of the resolver, by every kind of person, with every method.

Our own views declare a policy beside the code that holds it; pages of libraries are listed here. A pattern without
either fails, and so does one that answers otherwise than it declares.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from aidplatform.lib import clock
from aidplatform.tables import TABLES
from aidplatform.testing.prepared import prepared
from aidplatform.tests.pages_helpers import client_of, public_world
from ledger.founding.services import found
from members.people.models import User
from members.pools.founding import give_up
from members.pools.models import DutyGrant
from members.pools.presets import find_preset
from members.pools.services import grant_duty

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
DUTIES = tuple(duty.value for duty in DutyGrant.Duty)

# Nobody makes an address public by forgetting: each stands here by hand.
PUBLIC = {
    "ending",
    "api_ending",
    "home", "search", "set_language", "set_theme", "health", "robots", "docs", "doc",
    "pool", "history", "history_csv", "periods", "period", "period_classes_csv", "plan", "plan_version", "plan_shares",
    "award_period", "cases_feed", "log", "log_entry", "log_entry_raw",
    "open_books", "check_books", "log_checkpoint", "log_keys", "log_policy", "log_tile", "log_entries", "log_verifier",
    "roll_head", "roll_part", "roll_prefix", "frozen_roll_part", "frozen_roll_prefix",
    "log_witness_program", "log_witnessed_checkpoint", "log_stamped_checkpoint", "log_time_stamp", "api_log_stamps",
    "api_checkpoint", "api_inclusion", "api_consistency", "api_log_witnesses",
    "join", "join_invited", "standing_by_link",
    "demo", "demo_another_case", "demo_bank", "demo_case", "demo_mail", "demo_switch", "demo_move_clock",
    "demo_million", "demo_million_progress", "demo_progress", "demo_trick",
    "api_schema", "api_pools", "api_pool", "api_plan_versions", "api_plan_changes", "api_periods", "api_period",
    "api_cases", "api_bank", "api_presets", "api_readiness", "api_review_times", "review_times", "review_times_csv",
    "closed_months", "api_closed_months",
    "custody_interests", "custody_interests_csv", "custody_income_csv", "api_interests", "api_operator_income",
    "arbitration", "api_arbitration", "api_arbitrations",
    "jury_draws", "jury_draw", "jury_list", "draw_eligible", "api_jury_draws", "api_jury_draw", "api_rights",
}  # fmt: skip

# Pages of django-allauth, which declares nothing we could read.
OF_LIBRARIES = {
    "account_login": "public",
    "account_logout": "public",
    "account_inactive": "public",
    "account_signup": "public",
    "account_email_verification_sent": "public",
    "account_confirm_email": "public",
    "account_confirm_login_code": "public",
    "account_reset_password": "public",
    "account_reset_password_done": "public",
    "account_reset_password_from_key": "public",
    "account_reset_password_from_key_done": "public",
    "mfa_authenticate": "public",
    "account_reauthenticate": "signed_in",
    "account_email": "signed_in",
    "account_change_password": "signed_in",
    "account_set_password": "signed_in",
    "mfa_index": "signed_in",
    "usersessions_list": "signed_in",
    "mfa_reauthenticate": "signed_in",
    "mfa_activate_totp": "signed_in",
    "mfa_deactivate_totp": "signed_in",
    "mfa_view_recovery_codes": "signed_in",
    "mfa_generate_recovery_codes": "signed_in",
    "mfa_download_recovery_codes": "signed_in",
    "mfa_login_webauthn": "public",
    "mfa_list_webauthn": "signed_in",
    "mfa_add_webauthn": "signed_in",
    "mfa_reauthenticate_webauthn": "signed_in",
    "mfa_edit_webauthn": "signed_in",
    "mfa_remove_webauthn": "signed_in",
}

# What stands in an address; whatever is not named here is a number 1 or a word that names nothing.
SAMPLES = {
    "name": "share",
    "account_code": "120",
    "award": "C-1",
    "seq": 0,
    "sha256": "0" * 64,
    "step": "who",
    "language": "en",
}
_PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>")
_GROUP = re.compile(r"\(\?P<(?P<name>\w+)>(?:[^()]|\([^()]*\))*\)")


@dataclass(frozen=True)
class Address:
    """One pattern of the resolver: how it is written, its name, its policy."""

    route: str
    name: str
    policy: str

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/")

    @property
    def of_pool(self) -> bool:
        return "pools/" in self.route

    def path(self, pool: str = "test-pool") -> str:
        """Return an address that fits the pattern."""
        route = _GROUP.sub(lambda m: str(self._sample(m["name"], None, pool)), self.route)
        route = _PARAMETER.sub(lambda m: str(self._sample(m["name"], m["converter"], pool)), route)
        return "/" + route.replace("^", "").replace("$", "")

    def _sample(self, name: str, converter: str | None, pool: str) -> object:
        if name == "code" and self.of_pool:
            return pool
        return SAMPLES.get(name, 1 if converter == "int" else "none")

    @property
    def duties(self) -> set[str]:
        """Return the duties that may enter."""
        kind, _colon, duties = self.policy.partition(":")
        return set(duties.split(",")) if kind in {"duty", "duty-anywhere"} else set()

    @property
    def is_of_staff(self) -> bool:
        """Tell whether some duty is needed, or any."""
        return bool(self.duties) or self.policy == "staff"


def patterns(found: list[Any] | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in found or get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, before + str(pattern.pattern))
        else:
            yield before + str(pattern.pattern), pattern


def policy_of(pattern: URLPattern) -> str | None:
    return getattr(pattern.callback, "aid_policy", None) or OF_LIBRARIES.get(pattern.name or "")


def addresses() -> list[Address]:
    return [Address(route, p.name or "", policy_of(p) or "") for route, p in patterns()]


def complaint(address: Address, who: str, response: Any) -> str | None:
    """Return what is wrong with an answer, by what the address declares; None: it is as declared."""
    status = response.status_code
    if status >= 500:
        return f"{status}"
    to_sign_in = status == 302 and str(response.headers["Location"]).startswith("/accounts/login/")
    refusal = {401} if address.is_api else {302}
    if who == "visitor" and address.policy != "public":
        right = status in refusal and (address.is_api or to_sign_in)
        return None if right else f"a visitor gets {status}"
    if who == "stranger" and address.policy == "member":
        # 405 is said before anything is looked up, the same for every pool.
        return None if status in {404, 405} else f"a stranger gets {status}"
    if who == "stranger" and address.is_of_staff:
        return None if status == 404 else f"a stranger gets {status}"
    if who == "wrong duty" and address.duties:
        wanted = 404 if address.policy.startswith("duty-anywhere") else 403
        return None if status == wanted else f"another duty gets {status}"
    if who == "weak" and (address.is_of_staff or address.policy == "second_factor"):
        to_factor = status == 302 and "/accounts/2fa/" in response.headers["Location"]
        return None if to_factor or (address.is_api and status == 403) else f"no second factor gets {status}"
    is_shut_out = status in {401, 403} or (to_sign_in and address.name != "account_logout")
    if address.name in OF_LIBRARIES or address.name == "api_token":
        return None
    return f"{who} is shut out with {status}" if is_shut_out else None


def rows_of_tables() -> dict[str, int]:
    """Return how many rows each table of ours has; the framework's sessions and counts come and go."""
    with connection.cursor() as cursor:
        counts = {}
        for table in TABLES:
            if table.split("_")[0] in {"members", "ledger", "claims"}:
                cursor.execute(f"SELECT count(*) FROM {table}")
                counts[table] = cursor.fetchone()[0]
    return counts


@pytest.fixture(autouse=True)
def no_counts_left_over(db: None) -> None:
    """Begin with empty counts of requests."""
    cache.clear()


@prepared
def staffed() -> dict[str, User]:
    """Give the test a pool with a posted period and a person for every duty."""
    world = public_world()
    world.award(1_000_000)
    world.posted_period()
    people = {
        "pool_admin": world.admin,
        "controller": world.controller,
        "treasurer": world.treasurer,
        "auditor": world.auditor,
        "stranger": world.stranger,
    }
    for duty in ("reviewer", "second_reviewer"):
        people[duty] = User.objects.create_user(f"{duty}@test-pool.example.org")
        grant_duty(
            pool=world.pool, person=people[duty], duty=duty, proposed_by=world.admin,
            confirmed_by=world.controller, at=clock.now(),
        )  # fmt: skip
    return people


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the many requests of a walk through: limits have tests of their own."""
    from rest_framework.views import APIView

    monkeypatch.setattr(APIView, "throttle_classes", [])


def walk(
    clients: dict[str, Client], who: str, wanted: list[Address], methods: tuple[str, ...] = METHODS
) -> list[str]:
    """Ask every address with every method and return the complaints."""
    found = []
    for address in wanted:
        client = clients[_person_for(address, who)]
        for method in methods:
            response = getattr(client, method)(address.path())
            if (wrong := complaint(address, who, response)) is not None:
                found.append(f"{method.upper()} {address.path()} ({address.policy}): {wrong}")
    return found


def _person_for(address: Address, who: str) -> str:
    if who in {"right duty", "weak"}:
        return sorted(address.duties or DUTIES)[0]
    if who == "wrong duty":
        return next(duty for duty in DUTIES if duty not in address.duties)
    return who


def test_every_pattern_has_a_policy() -> None:
    assert [route for route, pattern in patterns() if policy_of(pattern) is None] == []


def test_every_policy_is_a_known_word() -> None:
    known = {"public", "signed_in", "second_factor", "member", "staff"}
    unknown = [
        (a.route, a.policy)
        for a in addresses()
        if a.policy not in known and not (a.duties and a.duties <= set(DUTIES))
    ]
    assert unknown == []


def test_public_addresses_are_the_written_ones() -> None:
    ours = {a.name for a in addresses() if a.policy == "public" and a.name not in OF_LIBRARIES}
    assert ours == PUBLIC


def test_library_list_names_nothing_that_is_gone() -> None:
    names = {a.name for a in addresses()}
    assert set(OF_LIBRARIES) - names == set()


def test_no_address_is_for_a_duty_that_everyone_on_the_staff_has() -> None:
    """Without somebody on the staff who is refused, a missing check would go unseen."""
    assert [a.route for a in addresses() if a.duties == set(DUTIES)] == []


def test_visitor_reaches_what_is_public_and_nothing_else(staffed: dict[str, User]) -> None:
    before = rows_of_tables()
    closed = [a for a in addresses() if a.policy != "public"]
    assert walk({"visitor": client_of(None)}, "visitor", closed) == []
    assert rows_of_tables() == before


def test_public_addresses_answer_a_visitor(staffed: dict[str, User]) -> None:
    opened = [a for a in addresses() if a.policy == "public" and a.name != "demo_switch"]
    assert walk({"visitor": client_of(None)}, "visitor", opened) == []


def test_stranger_finds_nothing_of_a_duty_or_a_member(staffed: dict[str, User]) -> None:
    before = rows_of_tables()
    closed = [a for a in addresses() if a.is_of_staff or a.policy == "member"]
    assert walk({"stranger": client_of(staffed["stranger"])}, "stranger", closed) == []
    assert rows_of_tables() == before


def test_another_duty_is_refused(staffed: dict[str, User]) -> None:
    before = rows_of_tables()
    clients = {duty: client_of(staffed[duty]) for duty in DUTIES}
    assert walk(clients, "wrong duty", [a for a in addresses() if a.duties]) == []
    assert rows_of_tables() == before


def test_duty_without_a_second_factor_is_sent_to_it(staffed: dict[str, User]) -> None:
    before = rows_of_tables()
    clients = {duty: client_of(staffed[duty], second_factor=False) for duty in DUTIES}
    asked = [a for a in addresses() if a.is_of_staff or a.policy == "second_factor"]
    assert walk(clients, "weak", asked, ("get", "post", "delete")) == []
    assert rows_of_tables() == before


def test_right_duty_is_let_in(staffed: dict[str, User]) -> None:
    clients = {duty: client_of(staffed[duty]) for duty in DUTIES}
    methods = ("get", "head", "put", "options")
    assert walk(clients, "right duty", [a for a in addresses() if a.is_of_staff], methods) == []


def test_signed_in_person_meets_no_door_where_none_is(staffed: dict[str, User]) -> None:
    policies = {"signed_in", "second_factor"}
    opened = [a for a in addresses() if a.policy in policies and a.name not in OF_LIBRARIES]
    clients = {"signed in": client_of(staffed["stranger"])}
    assert walk(clients, "signed in", opened, ("get", "head", "put", "options")) == []


def told(response: Any, path: str) -> str:
    """Return a body without what differs from one request to the next."""
    text = response.content.decode()
    for address in (path, path.replace("/", "%2F")):
        text = text.replace(address, "…")
    text = re.sub(r"<code>[0-9a-f]{12}</code>", "", text)  # the id of the request
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)


def test_absent_and_not_yours_cannot_be_told_apart(staffed: dict[str, User]) -> None:
    client = client_of(staffed["stranger"])
    differing = []
    for address in addresses():
        if not address.of_pool or not (address.duties or address.policy == "member"):
            continue
        for method in ("get", "post", "delete"):
            mine, none = address.path(), address.path("no-such-pool")
            here, there = getattr(client, method)(mine), getattr(client, method)(none)
            if (here.status_code, told(here, mine)) != (there.status_code, told(there, none)):
                differing.append((method, mine, here.status_code, there.status_code))
    assert differing == []


@pytest.mark.parametrize("is_given_up", [False, True], ids=["draft", "given up"])
def test_draft_is_absent_to_everybody_but_its_founders(staffed: dict[str, User], is_given_up: bool) -> None:
    """Nobody learns from any address that a pool of this name is being founded."""
    draft = found(
        preset=find_preset("village"),
        code="draft",
        name_en="Draft",
        name_zh="草稿",
        currency="CNY",
        time_zone="Asia/Shanghai",
        expected_members=40,
        founder=User.objects.create_user("founder@example.org"),
        at=clock.now(),
    ).pool
    if is_given_up:
        give_up(pool=draft, by="founder", at=clock.now())
    told = []
    for who in (None, staffed["stranger"], staffed["controller"]):
        client = client_of(who)
        for address in addresses():
            if address.of_pool and "<slug:code>" in address.route:
                here, nowhere = (client.get(address.path(code)) for code in (draft.code, "no-such-pool"))
                if here.status_code != nowhere.status_code:
                    told.append(f"{address.route} to {who}: {here.status_code}, not {nowhere.status_code}")
    assert told == []


def test_no_address_has_a_format_suffix_or_a_second_spelling(staffed: dict[str, User]) -> None:
    client = client_of(staffed["auditor"])
    for address in addresses():
        if address.is_api:
            bare = address.path().rstrip("/")
            assert client.get(f"{bare}.json").status_code == 404, bare
            assert client.get(bare).status_code in {301, 404}, bare
            answer = client.get(f"{address.path()}?format=api")
            assert "text/html" not in answer.headers.get("Content-Type", ""), bare


@pytest.mark.parametrize("path", ["/static/../manage.py", "/static/%2e%2e/manage.py", "/admin/", "/static/"])
def test_static_files_and_absent_admin_open_nothing(db: None, path: str) -> None:
    assert client_of(None).get(path).status_code == 404


def test_taking_a_decorator_away_is_noticed() -> None:
    """Without its decorator a view declares nothing, which the first test of this file refuses."""
    for route, pattern in patterns():
        view = pattern.callback
        policy = getattr(view, "aid_policy", "")
        if policy in {"", "public"} or hasattr(view, "cls"):
            continue
        assert not hasattr(view.__wrapped__, "aid_policy"), route  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "policy", ["duty:treasurer", "duty-anywhere:treasurer", "member", "signed_in", "second_factor"]
)
def test_open_door_is_noticed_whatever_was_declared(policy: str) -> None:
    """A view that declares a policy and does not hold it answers 200: each walk complains about that."""
    page, api = Address("pools/<slug:code>/x/", "x", policy), Address("api/v1/x/", "x", policy)
    assert complaint(page, "visitor", HttpResponse())
    assert complaint(api, "visitor", HttpResponse())
    if policy == "second_factor":
        assert complaint(page, "weak", HttpResponse())
    elif policy != "signed_in":
        assert complaint(page, "stranger", HttpResponse())
    if policy.startswith("duty"):
        assert complaint(page, "wrong duty", HttpResponse())
        assert complaint(page, "weak", HttpResponse())
    assert complaint(page, "right duty", HttpResponse(status=403))
    assert complaint(page, "right duty", HttpResponse(status=500))
