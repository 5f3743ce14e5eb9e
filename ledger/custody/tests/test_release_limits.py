"""Limits of releases: two people set them, the database holds them, pages and programs say what is left."""

import datetime as dt
import json
import time
import uuid
from typing import Any

import psycopg
import pytest
from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.site.todo import todos_of
from aidplatform.testing.bank import Bank, charged_world
from aidplatform.testing.races import raised, together
from aidplatform.testing.refusals import refused, refused_to_owner
from aidplatform.testing.world import World, set_clock
from aidplatform.tests.pages_helpers import client_of
from ledger.custody import release_limits, services
from ledger.custody.models import PaymentOrder
from ledger.custody.release_limit_models import ReleaseLimit
from ledger.custody.services import DayLimitError, ProofMissingError
from ledger.sharing.models import Period
from members.people.models import User

Charged = tuple[World, Bank, Period]
PAGE = "/pools/test-pool/custody/payments/limits/"
API = "/api/v1/pools/test-pool/release-limits/"
RELEASE = """UPDATE ledger_paymentorder SET state = 'released', released_by = %s, released_at = %s, proved_at = %s,
                    released_sha256 = shown_sha256 WHERE number = %s"""


@pytest.fixture
def paid(charged: Charged) -> Charged:
    """Let every member pay; aid is ordered in three payments of 1,000.00, 300.00 and 200.00."""
    cache.clear()
    world, bank, _period = charged
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 100_000)
    bank.order_aid(world.pool.awards.get(code="C-2"), 30_000)
    bank.order_aid(world.pool.awards.get(code="C-2"), 20_000)
    return charged


def order(number: int) -> PaymentOrder:
    return PaymentOrder.objects.select_related("pool").get(number=number)


def limit(world: World, daily_fen: int | None, step_up_fen: int | None) -> ReleaseLimit:
    """Propose and approve limits."""
    made = release_limits.propose_limits(
        pool=world.pool,
        daily_fen=daily_fen,
        step_up_fen=step_up_fen,
        proposer=world.admin.code,
        at=clock.now(),
    )
    return release_limits.approve_limits(limit=made, approver=world.controller.code, at=clock.now())


def release(world: World, number: int, *, proved: bool = False) -> PaymentOrder:
    found, at = order(number), clock.now()
    return services.release_payment(
        order=found,
        releaser=world.controller.code,
        shown_sha256=found.shown_sha256 or "",
        at=at,
        proved_at=at if proved else None,
    )


def real_client(person: User, *, confirmed_seconds_ago: int | None) -> Client:
    """Return a browser signed in with a second factor an hour ago, and confirmed once more so long ago."""
    client = client_of(person, second_factor=False)
    session, now = client.session, time.time()
    methods: list[dict[str, Any]] = [
        {"method": "password", "at": now - 3600},
        {"method": "mfa", "at": now - 3600},
    ]
    if confirmed_seconds_ago is not None:
        methods.append({"method": "mfa", "at": now - confirmed_seconds_ago, "reauthenticated": True})
    session[AUTHENTICATION_METHODS_SESSION_KEY] = methods
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(person)
    session.save()
    return client


# --- the day --------------------------------------------------------------------------------------------------------


def test_without_limits_nothing_is_asked_for(paid: Charged) -> None:
    world = paid[0]
    assert release_limits.limits_of(world.pool) == release_limits.Limits(None, None, 0)
    assert release(world, 1).state == "released"
    assert release_limits.limits_of(world.pool).left_fen is None


def test_releases_of_a_day_stay_within_its_limit(paid: Charged) -> None:
    """Of 1,200.00 a day 1,000.00 go; 300.00 would be too much, 200.00 fit exactly; tomorrow there is room again."""
    world = paid[0]
    limit(world, 120_000, None)
    release(world, 1)
    assert release_limits.limits_of(world.pool).left_fen == 20_000
    with pytest.raises(DayLimitError) as caught:
        release(world, 2)
    assert caught.value.extra == {"left_fen": 20_000}
    release(world, 3)
    assert release_limits.limits_of(world.pool).left_fen == 0
    set_clock(clock.now() + dt.timedelta(days=1))
    assert release_limits.limits_of(world.pool).left_fen == 120_000
    assert release(world, 2).state == "released"


def test_cancelled_release_still_counts_that_day(paid: Charged) -> None:
    world = paid[0]
    limit(world, 120_000, None)
    services.cancel_order(order=release(world, 1), canceller=world.controller.code, at=clock.now())
    assert release_limits.limits_of(world.pool).left_fen == 20_000


def test_day_is_that_of_the_pools_zone(paid: Charged) -> None:
    world = paid[0]
    limit(world, 100_000, None)
    midnight = clock.start_of_day(
        clock.today(world.pool.time_zone) + dt.timedelta(days=1), world.pool.time_zone
    )
    set_clock(midnight - dt.timedelta(minutes=1))
    release(world, 1)
    with pytest.raises(DayLimitError):
        release(world, 3)
    set_clock(midnight)
    assert release(world, 3).state == "released"


# --- the database ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("daily_fen", "step_up_fen", "days", "minutes", "name"),
    [
        (99_999, None, 0, 0, "releases_stay_within_the_day"),
        (200_000, None, -1, 0, "releases_stay_within_the_day"),
        (200_000, None, 1, 0, "releases_stay_within_the_day"),
        (None, 99_999, 0, None, "large_release_needs_a_fresh_factor"),
        (None, 99_999, 0, -6, "large_release_needs_a_fresh_factor"),
        (None, 99_999, 0, 2, "large_release_needs_a_fresh_factor"),
    ],
)
def test_application_cannot_release_beyond_the_limits(
    paid: Charged, daily_fen: int | None, step_up_fen: int | None, days: int, minutes: int | None, name: str
) -> None:
    world = paid[0]
    limit(world, daily_fen, step_up_fen)
    now = clock.now()
    proved = None if minutes is None else now + dt.timedelta(minutes=minutes)
    found = order(1)
    services._post_order(
        found, "payment_released", "201", "270", found.ordered_by, world.controller.code, now
    )
    with connection.cursor() as cursor, refused(name):
        cursor.execute(RELEASE, [world.controller.code, now + dt.timedelta(days=days), proved, 1])


def test_proof_of_a_release_is_written_once(paid: Charged) -> None:
    world = paid[0]
    limit(world, None, 50_000)
    release(world, 1, proved=True)
    with connection.cursor() as cursor, refused("order_keeps_its_terms"):
        cursor.execute("UPDATE ledger_paymentorder SET proved_at = NULL WHERE number = 1")


def test_order_does_not_bring_its_proof_along(paid: Charged) -> None:
    with connection.cursor() as cursor, refused("order_begins_as_ordered"):
        cursor.execute(
            """INSERT INTO ledger_paymentorder (pool_id, number, kind, award_id, amount_fen, payee_name, payee_account,
                      payee_hash, payee_hint, state, ordered_by, ordered_at, proved_at)
               SELECT pool_id, 0, kind, award_id, 1, payee_name, payee_account, payee_hash, payee_hint, 'ordered',
                      ordered_by, ordered_at, ordered_at FROM ledger_paymentorder WHERE number = 3"""
        )


_LIMIT = """INSERT INTO ledger_releaselimit (pool_id, number, daily_fen, step_up_fen, state, proposed_by, proposed_at,
                   decided_by, decided_at) SELECT id, 1, {}, {}, '{}', %s, now(), {}, {} FROM members_pool"""


@pytest.mark.parametrize(
    ("by", "sql", "name"),
    [
        (
            "controller",
            _LIMIT.format(1, 1, "proposed", "NULL", "NULL"),
            "release_limit_people_hold_their_duty",
        ),
        (
            "treasurer",
            _LIMIT.format(1, 1, "proposed", "NULL", "NULL"),
            "release_limit_people_hold_their_duty",
        ),
        ("admin", _LIMIT.format(1, 1, "approved", "'x'", "now()"), "release_limit_begins_proposed"),
        ("admin", _LIMIT.format(1, 1, "approved", "NULL", "NULL"), "release_limit_is_decided_once"),
        ("admin", _LIMIT.format(0, 1, "proposed", "NULL", "NULL"), "release_limit_is_an_amount"),
        ("admin", _LIMIT.format(1, -1, "proposed", "NULL", "NULL"), "release_limit_is_an_amount"),
    ],
)
def test_application_cannot_make_limits_up(paid: Charged, by: str, sql: str, name: str) -> None:
    world = paid[0]
    with connection.cursor() as cursor, refused(name):
        cursor.execute(sql, [getattr(world, by).code])


@pytest.mark.parametrize(
    ("by", "sql", "name"),
    [
        (
            "admin",
            "state = 'approved', decided_by = %s, decided_at = now()",
            "release_limit_people_hold_their_duty",
        ),
        (
            "treasurer",
            "state = 'withdrawn', decided_by = %s, decided_at = now()",
            "release_limit_people_hold_their_duty",
        ),
        ("controller", "state = 'approved', decided_by = %s, decided_at = now(), proposed_by = 'x'", "42501"),
        ("controller", "state = 'approved', decided_by = %s, decided_at = now(), daily_fen = 9", "42501"),
        (
            "controller",
            "state = 'proposed', decided_by = %s, decided_at = now()",
            "release_limit_needs_two_people",
        ),
    ],
)
def test_application_cannot_decide_limits_alone_or_change_them(
    paid: Charged, by: str, sql: str, name: str
) -> None:
    world = paid[0]
    release_limits.propose_limits(
        pool=world.pool, daily_fen=5, step_up_fen=None, proposer=world.admin.code, at=clock.now()
    )
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE ledger_releaselimit SET {sql}", [getattr(world, by).code])
    diag = caught.value.__cause__.diag  # type: ignore[union-attr]
    assert name in (diag.constraint_name, diag.sqlstate)


def test_two_releases_at_once_stay_within_the_day(committed_db: tuple[str, str]) -> None:
    world, bank, _period = charged_world(100_000, 50_000)
    bank.all_pay()
    bank.order_aid(world.pool.awards.get(code="C-1"), 60_000)
    bank.order_aid(world.pool.awards.get(code="C-2"), 50_000)
    limit(world, 70_000, None)
    answers = together([lambda: release(world, 1), lambda: release(world, 2)])
    (late,) = raised(answers)
    assert isinstance(late, DayLimitError)
    assert sorted(PaymentOrder.objects.values_list("state", flat=True)) == ["ordered", "released"]


# --- two people, pages, programs ------------------------------------------------------------------------------------


def test_limits_need_two_people_and_are_decided_once(paid: Charged) -> None:
    world = paid[0]
    made = release_limits.propose_limits(
        pool=world.pool, daily_fen=5, step_up_fen=None, proposer=world.admin.code, at=clock.now()
    )
    with pytest.raises(release_limits.SamePersonError):
        release_limits.approve_limits(limit=made, approver=world.admin.code, at=clock.now())
    with pytest.raises(IntegrityError, match="one_waiting_release_limit_per_pool"), transaction.atomic():
        release_limits.propose_limits(
            pool=world.pool, daily_fen=6, step_up_fen=None, proposer=world.admin.code, at=clock.now()
        )
    assert release_limits.limits_of(world.pool).daily_fen is None
    release_limits.withdraw_limits(limit=made, person=world.admin.code, at=clock.now())
    with pytest.raises(release_limits.LimitMovedOnError):
        release_limits.approve_limits(limit=made, approver=world.controller.code, at=clock.now())
    limit(world, 7, 0)
    limit(world, None, 8)
    found = release_limits.limits_of(world.pool)
    assert (found.daily_fen, found.step_up_fen) == (None, 8)


def test_page_proposes_approves_and_says_what_is_left(paid: Charged) -> None:
    world = paid[0]
    admin, controller = client_of(world.admin), client_of(world.controller)
    key = {"key": str(uuid.uuid4())}
    bad = admin.post(f"{PAGE}propose/", key | {"daily": "0", "step_up": "x"})
    assert bad.status_code == 422
    assert b'value="x"' in bad.content
    for _click in range(2):
        assert (
            admin.post(f"{PAGE}propose/", key | {"daily": "1200.00", "step_up": "500.00"}).status_code == 302
        )
    assert ReleaseLimit.objects.count() == 1
    assert admin.post(f"{PAGE}1/approve/", key).status_code == 403
    assert PAGE in [todo.address for todo in todos_of(world.controller)]
    assert PAGE not in [todo.address for todo in todos_of(world.treasurer)]
    assert controller.post(f"{PAGE}1/approve/", {"key": str(uuid.uuid4())}).status_code == 302
    release(world, 1, proved=True)
    for address in ("/pools/test-pool/custody/payments/", "/pools/test-pool/custody/payments/2/"):
        assert "Left of today's limit of ¥1,200.00: ¥200.00" in controller.get(address).content.decode()
    refused_page = controller.post(
        "/pools/test-pool/custody/payments/2/release/",
        {"key": str(uuid.uuid4()), "shown_sha256": order(2).shown_sha256},
    )
    assert refused_page.status_code == 409
    assert "¥200.00 more can be released" in refused_page.content.decode()
    for person in (world.treasurer, world.auditor):
        assert client_of(person).get(PAGE).status_code == 200
        assert client_of(person).post(f"{PAGE}propose/", key).status_code == 403
    assert client_of(world.stranger).get(PAGE).status_code == 404


def test_large_release_asks_the_browser_for_a_second_factor_once_more(paid: Charged, settings: Any) -> None:
    world = paid[0]
    settings.DEMO = False
    limit(world, None, 50_000)
    address = "/pools/test-pool/custody/payments/1/"

    def press(client: Client, number: int = 1) -> Any:
        return client.post(
            f"/pools/test-pool/custody/payments/{number}/release/",
            {"key": str(uuid.uuid4()), "shown_sha256": order(number).shown_sha256},
        )

    Authenticator.objects.create(user=world.controller, type="totp", data={})
    for seconds in (None, 301):
        answer = press(real_client(world.controller, confirmed_seconds_ago=seconds))
        assert answer.status_code == 302
        assert answer["Location"] == f"{reverse('mfa_reauthenticate')}?next={address}"
        assert order(1).state == "ordered"
    small = press(real_client(world.controller, confirmed_seconds_ago=None), 3)
    assert small["Location"] == "/pools/test-pool/custody/payments/3/"
    assert order(3).state == "released"
    assert order(3).proved_at is None
    press(real_client(world.controller, confirmed_seconds_ago=20))
    assert (order(1).state, order(1).proved_at) == ("released", order(1).released_at)


def test_password_once_more_is_no_second_factor(paid: Charged, settings: Any) -> None:
    world = paid[0]
    settings.DEMO = False
    limit(world, None, 50_000)
    client = real_client(world.controller, confirmed_seconds_ago=None)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] += [
        {"method": "password", "at": time.time() - 5, "reauthenticated": True}
    ]
    session.save()
    client.post(
        "/pools/test-pool/custody/payments/1/release/",
        {"key": str(uuid.uuid4()), "shown_sha256": order(1).shown_sha256},
    )
    assert order(1).state == "ordered"


def test_services_refuse_a_large_release_without_proof(paid: Charged) -> None:
    world = paid[0]
    limit(world, None, 99_999)
    with pytest.raises(ProofMissingError):
        release(world, 1)
    assert release(world, 2).proved_at is None
    assert release(world, 1, proved=True).state == "released"


def send(client: Client, address: str, **content: Any) -> Any:
    return client.post(
        address,
        json.dumps(content),
        content_type="application/json",
        headers={"Idempotency-Key": f"key-{uuid.uuid4()}"},
    )


def test_programs_propose_approve_and_are_refused_by_name(paid: Charged, settings: Any) -> None:
    world = paid[0]
    made = send(client_of(world.admin), f"{API}propose/", daily_fen=120_000, step_up_fen=99_999)
    assert (made.status_code, made.json()) == (201, {"number": 1})
    assert send(client_of(world.treasurer), f"{API}1/approval/").status_code == 403
    assert send(client_of(world.controller), f"{API}1/approval/").json() == {"state": "approved"}
    again = send(client_of(world.controller), f"{API}1/withdrawal/")
    assert again.json()["type"] == "urn:aid:release_limit_is_decided_once"
    settings.DEMO = False
    weak = real_client(world.controller, confirmed_seconds_ago=None)
    answer = send(weak, "/api/v1/pools/test-pool/payments/1/release/", shown_sha256=order(1).shown_sha256)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:aid:large_release_needs_a_fresh_factor")
    strong = real_client(world.controller, confirmed_seconds_ago=3)
    answer = send(strong, "/api/v1/pools/test-pool/payments/1/release/", shown_sha256=order(1).shown_sha256)
    assert answer.json() == {"state": "released"}
    settings.DEMO = True
    now = client_of(world.auditor).get(f"{API}now/").json()
    assert now == {"daily_fen": 120_000, "step_up_fen": 99_999, "released_fen": 100_000, "left_fen": 20_000}
    (row,) = client_of(world.auditor).get(API).json()["results"]
    assert (row["state"], row["decided_by"]) == ("approved", world.controller.code)


def test_decided_limits_are_not_edited_by_the_owner(committed_db: tuple[str, str]) -> None:
    world, _bank, _period = charged_world(100_000)
    limit(world, 5, None)
    with psycopg.connect(committed_db[0]) as owner:
        for sql, name in (
            ("UPDATE ledger_releaselimit SET daily_fen = 6", "release_limit_is_decided_as_shown"),
            ("UPDATE ledger_releaselimit SET decided_by = 'x'", "release_limit_is_decided_as_shown"),
            ("DELETE FROM ledger_releaselimit", "release_limits_are_kept"),
        ):
            with refused_to_owner(owner, name):
                owner.execute(sql)
