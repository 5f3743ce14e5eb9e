"""The buttons and endpoints by which a posting is paused, goes on and is cancelled: who may, and what they answer."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from aidplatform.testing.world import World, run_jobs
from aidplatform.tests.pages_helpers import client_of, public_world
from aidplatform.work import jobs
from aidplatform.work.models import AuditEntry, Job
from ledger.sharing import services
from ledger.sharing import tasks as _handlers  # noqa: F401  registers them
from ledger.sharing.models import Period
from ledger.sharing.tests.test_views import text_of, url

API = "/api/v1/pools/test-pool/periods/1/posting/"


@pytest.fixture
def pool(db: None, settings: Any) -> World:
    """Give the test a pool of 150 in several shards, two of them written."""
    settings.SHARD_MEMBERS = 20
    world = public_world()
    world.award(1_000_000)
    world.approved_period()
    for kind, most in ((services.START, 1), (services.SHARD, 2)):
        for job in Job.objects.filter(kind=kind).order_by("pk")[:most]:
            lease = jobs.claim(job.pk)
            assert lease is not None
            jobs._handlers[kind](lease)
            jobs._finish(lease, None)
    assert Period.objects.get().manifest.exclude(written_at=None).count() == 2
    return world


def post(client: Client, tail: str, **body: str) -> Any:
    return client.post(url(tail=f"{tail}/"), body)


def cancel(client: Client, key: str | None = None) -> Any:
    return post(client, "cancel", key=key or str(uuid.uuid4()))


def period() -> Period:
    return Period.objects.get()


def test_page_shows_parts_members_and_the_way_to_stop(pool: World) -> None:
    page = text_of(client_of(pool.controller), url())
    done, parts = period().manifest.exclude(written_at=None), period().manifest.count()
    assert f"{sum(line.members for line in done)} of 150 members · 2 of {parts} parts" in page
    assert re.search(r"\d members per second · about \d+ (seconds?|minutes?) left", page)
    assert "Pause" in page
    assert "Cancel this posting" not in page


@pytest.mark.parametrize("person", ["admin", "controller"])
def test_pause_and_go_on_by_either_duty(pool: World, person: str) -> None:
    client = client_of(getattr(pool, person))
    assert (post(client, "pause").status_code, post(client, "pause").status_code) == (302, 302)
    run_jobs()
    page = text_of(client, url())
    assert period().state == "posting"
    assert f"Paused by {getattr(pool, person).code} since" in page
    assert "Go on" in page
    assert "Cancel this posting" in page
    assert "seconds left" not in page
    assert (post(client, "resume").status_code, post(client, "resume").status_code) == (302, 302)
    run_jobs()
    assert (period().state, period().charged_members) == ("posted", 150)
    page = text_of(client, url())
    assert "Posted: 150 members charged." in page
    assert "Pause" not in page
    deeds = AuditEntry.objects.filter(action__in=["pause_posting", "resume_posting"])
    assert sorted(deeds.values_list("action", "actor")) == [
        ("pause_posting", getattr(pool, person).code),
        ("resume_posting", getattr(pool, person).code),
    ]


def test_page_that_waits_is_told_of_a_pause(pool: World) -> None:
    treasurer = client_of(pool.treasurer)
    post(client_of(pool.admin), "pause")
    headers = {"HX-Request": "true"}
    response = treasurer.get(url(tail="progress/?seen=posting"), headers=headers)
    assert response.headers["HX-Refresh"] == "true"
    response = treasurer.get(url(tail="progress/?seen=paused"), headers=headers)
    assert "HX-Refresh" not in response.headers
    assert "every 1s" in response.content.decode()
    assert "Pause" not in text_of(treasurer, url()).replace("Paused", "")


def test_confirmation_stands_outside_of_what_is_swapped_every_second(pool: World) -> None:
    admin = client_of(pool.admin)
    post(admin, "pause")
    response = admin.get(url(tail="progress/?seen=paused"), headers={"HX-Request": "true"})
    assert "confirm" not in response.content.decode()
    page = admin.get(url()).content.decode()
    assert re.search(r'<details class="confirm">.*?/periods/1/cancel/', page, re.DOTALL)


def test_cancelled_posting_is_shown_for_approval_again(pool: World) -> None:
    controller, key = client_of(pool.controller), str(uuid.uuid4())
    shown = period().shown_sha256
    post(controller, "pause")
    assert (cancel(controller, key).status_code, cancel(controller, key).status_code) == (302, 302)
    assert (period().state, period().shown_sha256) == ("computed", shown)
    assert AuditEntry.objects.filter(action="cancel_posting").count() == 1
    assert "Approve these figures" in text_of(controller, url())
    body = {"shown_sha256": shown or "", "key": str(uuid.uuid4())}
    assert controller.post(url(tail="approve/"), body).status_code == 302
    run_jobs()
    assert (period().state, period().charged_members) == ("posted", 150)


def test_cancelling_what_goes_on_or_is_posted_is_refused_by_name(pool: World) -> None:
    admin = client_of(pool.admin)
    response = cancel(admin)
    assert response.status_code == 409
    assert "only_a_paused_posting_is_cancelled" in response.content.decode()
    assert post(admin, "cancel").status_code == 409
    run_jobs()
    assert cancel(admin).status_code == 409
    assert [post(admin, tail).status_code for tail in ("pause", "resume")] == [409, 409]
    assert period().state == "posted"


@pytest.mark.parametrize("tail", ["pause", "resume", "cancel"])
@pytest.mark.parametrize(
    ("person", "status"),
    [(None, 302), ("stranger", 404), ("treasurer", 403), ("auditor", 403)],
)
def test_steering_is_for_pool_admin_and_controller(
    pool: World, person: str | None, status: int, tail: str
) -> None:
    if tail != "pause":
        post(client_of(pool.admin), "pause")
    before = (period().posting_paused_at, period().state)
    client = client_of(getattr(pool, person) if person else None)
    response = post(client, tail, key=str(uuid.uuid4()))
    assert response.status_code == status
    if person is None:
        assert response.headers["Location"].startswith("/accounts/login/")
    assert (period().posting_paused_at, period().state) == before


def test_steering_needs_a_post(pool: World) -> None:
    admin = client_of(pool.admin)
    assert [admin.get(url(tail=f"{tail}/")).status_code for tail in ("pause", "resume", "cancel")] == [
        405
    ] * 3


def test_chinese_page_of_a_paused_posting_speaks_chinese(pool: World) -> None:
    client = client_of(pool.admin, language="zh-hans")
    assert "暂停" in text_of(client, url())
    post(client, "pause")
    page = text_of(client, url())
    assert "已暂停" in page
    assert "取消这次入账" in page


def api(client: Client, tail: str = "", key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{API}{tail}", content_type="application/json", headers=headers)


def test_programs_read_pause_go_on_and_cancel(pool: World) -> None:
    controller = client_of(pool.controller)
    told = controller.get(API).json()
    assert (told["stage"], told["done_shards"], told["all_members"]) == ("charging", 2, 150)
    assert told["members_per_second"] > 0
    assert told["seconds_left"] >= 1
    paused = api(controller, "pause/").json()
    assert (paused["stage"], paused["state"], paused["done_shards"]) == ("paused", "posting", 2)
    assert paused["paused_at"]
    assert api(controller, "resumption/").json()["stage"] == "charging"
    refused = api(controller, "cancellation/", "key-00000001")
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "urn:aid:only_a_paused_posting_is_cancelled",
    )
    api(controller, "pause/")
    assert api(controller, "cancellation/").json()["type"] == "urn:aid:idempotency_key_missing"
    answers = [api(controller, "cancellation/", "key-00000002") for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"state": "computed"})] * 2
    assert controller.get(API).json()["stage"] == "waiting"
    assert api(controller, "pause/").status_code == 409


@pytest.mark.parametrize("tail", ["pause/", "resumption/", "cancellation/"])
def test_endpoints_are_for_pool_admin_and_controller(pool: World, tail: str) -> None:
    for person, status in ((pool.auditor, 403), (pool.treasurer, 403), (pool.stranger, 404), (None, 401)):
        assert api(client_of(person), tail, "key-00000003").status_code == status
    assert client_of(pool.admin).get(f"{API}{tail}").status_code == 405
    assert (period().state, period().posting_paused_at) == ("posting", None)


def test_progress_for_programs_is_for_staff(pool: World) -> None:
    assert client_of(pool.auditor).get(API).status_code == 200
    assert client_of(pool.stranger).get(API).status_code == 404
    assert client_of(None).get(API).status_code == 401
