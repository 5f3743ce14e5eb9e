"""The demonstration's page and the jobs page."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.site.demo.clock import WorkerSilentError, move_clock
from aidplatform.site.demo.people import make_people
from aidplatform.site.demo.pools import MAKE_MILLION
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.jobs import enqueue
from aidplatform.work.models import AuditEntry, Installation, Job
from ledger.custody.models import BankAccount
from ledger.custody.services import import_statement
from members.people.models import User
from members.pools.services import found_pool, grant_duty

DEMO_PAGES = ["/demo/", "/demo/bank/demo/", "/demo/million/progress/"]
DEMO_POSTS = ["/demo/person/", "/demo/clock/", "/demo/million/"]


@prepared
def cast_of_demo() -> dict[str, User]:
    """Give the test the demonstration's people."""
    return make_people()


@pytest.mark.parametrize("address", DEMO_PAGES)
def test_outside_a_demonstration_its_pages_do_not_exist(db: None, settings: object, address: str) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    assert client_of(None).get(address, secure=True).status_code == 404


@pytest.mark.parametrize("address", DEMO_POSTS)
def test_outside_a_demonstration_its_actions_do_not_exist(
    cast_of_demo: dict[str, User], settings: object, address: str
) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    client = client_of(None)
    body = {"person": cast_of_demo["controller"].code, "days": "1"}
    assert client.post(address, body, secure=True).status_code == 404
    assert "_auth_user_id" not in client.session
    assert not Job.objects.exists()


def test_one_click_makes_a_visitor_somebody_with_a_second_factor(cast_of_demo: dict[str, User]) -> None:
    client = client_of(None)
    person = cast_of_demo["controller"]
    response = client.post("/demo/person/", {"person": person.code, "next": "/docs/"})
    assert (response.status_code, response.headers["Location"]) == (302, "/docs/")
    assert client.session["_auth_user_id"] == str(person.pk)
    assert "You are Chen Jing" in client.get("/").content.decode()
    assert "您是 陈静" in client_chinese(client)


def client_chinese(client: object) -> str:
    return client.get("/", headers={"accept-language": "zh-hans"}).content.decode()  # type: ignore[attr-defined,no-any-return]


def test_one_click_makes_somebody_a_visitor_again(cast_of_demo: dict[str, User]) -> None:
    client = client_of(cast_of_demo["auditor"])
    client.post("/demo/person/", {"person": "", "next": "/"})
    assert "_auth_user_id" not in client.session


def test_person_switch_never_opens_an_account_that_is_not_of_the_demo(world: World) -> None:
    client = client_of(None)
    assert client.post("/demo/person/", {"person": world.admin.code}).status_code == 404
    assert "_auth_user_id" not in client.session


def test_clock_moves_on_by_days_and_leaves_a_trace(cast_of_demo: dict[str, User]) -> None:
    set_clock(None)
    before = clock.now()
    person = cast_of_demo["pool_admin"]
    response = client_of(person).post("/demo/clock/", {"days": "3"})
    assert response.status_code == 302
    moved = clock.now() - before
    assert dt.timedelta(days=3) <= moved < dt.timedelta(days=3, minutes=1)
    assert AuditEntry.objects.filter(action="move_clock", actor=person.code).count() == 1


@pytest.mark.parametrize("days", ["0", "-1", "367", "x", ""])
def test_clock_refuses_other_moves_beside_the_field(db: None, days: str) -> None:
    set_clock(None)
    before = clock.now()
    response = client_of(None).post("/demo/clock/", {"days": days})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'aria-invalid="true"' in page
    assert 'id="id_days_error"' in page
    assert clock.now() - before < dt.timedelta(minutes=1)


def test_million_is_one_job_however_often_it_is_asked_for(db: None) -> None:
    client = client_of(None)
    client.post("/demo/million/")
    client.post("/demo/million/")
    assert Job.objects.filter(kind=MAKE_MILLION).count() == 1
    assert "A worker is admitting a million members" in client.get("/demo/").content.decode()
    part = client.get("/demo/million/progress/", headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in part
    assert "<html" not in part
    assert client.get("/demo/million/progress/").headers["Location"] == "/demo/"


def test_demo_lists_latest_jobs_and_lets_nobody_retry_there(db: None) -> None:
    make_jobs(9, "stuck")
    page = client_of(None).get("/demo/").content.decode()
    assert "stuck-8" in page
    assert "stuck-0" not in page
    assert "Try again" not in page


def test_demo_page_costs_the_same_for_one_job_and_three(db: None) -> None:
    make_jobs(1)
    client = client_of(None)
    with CaptureQueriesContext(connection) as one:
        client.get("/demo/")
    make_jobs(3, "stuck")
    with CaptureQueriesContext(connection) as more:
        client.get("/demo/")
    assert len(one) == len(more)


def test_failed_million_shows_its_error(db: None) -> None:
    client = client_of(None)
    client.post("/demo/million/")
    Job.objects.update(state="stuck", last_error="OutOfDisk: full")
    assert "OutOfDisk: full" in client.get("/demo/").content.decode()


def make_jobs(count: int, state: str = "queued") -> list[Job]:
    made = [enqueue(kind="test.kind", key=f"{state}-{n}", payload={}, actor="x") for n in range(count)]
    Job.objects.filter(pk__in=[job.pk for job in made]).update(
        state=state, last_error="E: no" if state == "stuck" else ""
    )
    return made


def test_jobs_page_shows_stuck_ones_first_with_their_error(world: World) -> None:
    make_jobs(2)
    make_jobs(1, "stuck")
    page = client_of(world.controller).get("/jobs/").content.decode()
    assert page.index("stuck-0") < page.index("queued-1") < page.index("queued-0")
    assert "E: no" in page
    assert page.count("Try again") == 1


def test_jobs_page_filters_by_state(world: World) -> None:
    make_jobs(1)
    make_jobs(1, "stuck")
    client = client_of(world.admin)
    assert "stuck-0" not in client.get("/jobs/?state=queued").content.decode()
    assert "queued-0" not in client.get("/jobs/?state=stuck").content.decode()
    assert "No such jobs" in client.get("/jobs/?state=done").content.decode()
    assert client.get("/jobs/?state=<x>").status_code == 200


@pytest.mark.parametrize(
    ("person", "status"),
    [("admin", 200), ("controller", 200), ("auditor", 404), ("stranger", 404), (None, 302)],
)
def test_jobs_page_is_for_two_duties(world: World, person: str | None, status: int) -> None:
    client = client_of(getattr(world, person) if person else None)
    assert client.get("/jobs/").status_code == status
    job = make_jobs(1, "stuck")[0]
    assert client.post(f"/jobs/{job.pk}/retry/").status_code == (302 if status == 200 else status)
    job.refresh_from_db()
    assert job.state == ("queued" if status == 200 else "stuck")


def test_only_a_stuck_job_is_tried_again(world: World) -> None:
    job = make_jobs(1)[0]
    client = client_of(world.admin)
    assert client.post(f"/jobs/{job.pk}/retry/").status_code == 409
    assert client.post("/jobs/999999/retry/").status_code == 404
    assert client.get(f"/jobs/{job.pk}/retry/").status_code == 405


def test_trying_again_leaves_a_trace_of_who_did(world: World) -> None:
    job = make_jobs(1, "stuck")[0]
    client_of(world.admin).post(f"/jobs/{job.pk}/retry/")
    assert AuditEntry.objects.filter(action="retry_stuck_job", actor=world.admin.code).count() == 1


def test_jobs_page_costs_the_same_for_one_job_and_three(world: World) -> None:
    client = client_of(world.admin)
    make_jobs(1)
    with CaptureQueriesContext(connection) as one:
        client.get("/jobs/")
    make_jobs(3, "stuck")
    with CaptureQueriesContext(connection) as more:
        client.get("/jobs/")
    assert len(one) == len(more)


def test_banner_costs_the_same_for_one_person_and_four(db: None) -> None:
    User.objects.create_user("one@demo.invalid", is_demo=True)
    client = client_of(None)
    with CaptureQueriesContext(connection) as one:
        client.get("/docs/")
    make_people()
    with CaptureQueriesContext(connection) as more:
        client.get("/docs/")
    assert len(one) == len(more)


def test_bank_hands_out_the_statement_that_the_treasurer_imports(world: World) -> None:
    opened = BankAccount.objects.get(pool=world.pool)
    set_clock(clock.start_of_day(dt.date(2026, 1, 5), "Asia/Shanghai"))
    answer = client_of(None).get(f"/demo/bank/{world.pool.code}/")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="statement-test-pool-2026-01-05.csv"'
    taken = import_statement(
        account=opened,
        data=answer.content,
        filename="statement.csv",
        importer=world.treasurer.code,
        at=clock.now(),
    )
    assert (taken.is_new, taken.statement.closing_fen) == (True, 0)


def test_bank_of_a_pool_without_an_account_is_not_found(db: None) -> None:
    found_pool(
        code="bare", name_en="Bare", name_zh="空", currency="CNY", time_zone="Asia/Shanghai", expected_members=5,
        founder="test",
    )  # fmt: skip
    assert client_of(None).get("/demo/bank/bare/").status_code == 404


NEW_POSTS = ["/demo/case/", "/demo/case/another/", "/demo/trick/"]


@pytest.mark.parametrize("address", NEW_POSTS)
def test_outside_a_demonstration_nobody_is_led_and_nothing_tried(
    cast_of_demo: dict[str, User], settings: object, address: str
) -> None:
    settings.DEMO = False  # type: ignore[attr-defined]
    client = client_of(None)
    assert client.post(address, {"trick": "all", "step": "file/"}, secure=True).status_code == 404
    assert "_auth_user_id" not in client.session


def test_trick_that_there_is_not_is_not_found(cast_of_demo: dict[str, User]) -> None:
    assert client_of(None).post("/demo/trick/", {"trick": "drop-tables"}).status_code == 404


def test_tour_stands_in_a_demonstration_without_pools(cast_of_demo: dict[str, User]) -> None:
    page = client_of(None).get("/").content.decode()
    assert "tour-part" not in page
    assert client_of(None).post("/demo/case/", {"step": "file/"}).headers["Location"] == "/demo/#case"


def test_clock_tells_what_happened_on_the_way(world: World) -> None:
    set_clock(clock.start_of_day(dt.date(2026, 1, 5), "Asia/Shanghai"))
    before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    run_jobs()
    period = world.settled_period()
    page = client_of(None).get(f"/demo/?since={before}").content.decode()
    for text in ("Period opened", "Headcount frozen", "Publicity ended"):
        assert text in page
    assert str(period) in page
    last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert "Nothing was due on these days" in client_of(None).get(f"/demo/?since={last}").content.decode()


@pytest.mark.parametrize("since", ["x", "-1", "9" * 40])
def test_other_words_for_since_say_nothing(db: None, since: str) -> None:
    answer = client_of(None).get("/demo/", {"since": since})
    assert answer.status_code == 200
    assert "What happened on the way" not in answer.content.decode()


def test_clock_waits_for_the_calendar_of_each_day(cast_of_demo: dict[str, User], world: World) -> None:
    """No worker runs here: the day that something is due on is not left behind."""
    set_clock(clock.start_of_day(dt.date(2026, 1, 5), "Asia/Shanghai"))
    with pytest.raises(WorkerSilentError):
        move_clock(days=5, actor="somebody", patience=0.1)
    assert clock.today("Asia/Shanghai") == dt.date(2026, 1, 6)


def large_pool() -> None:
    """Found a pool that stands for the large one: it is there, and its history is not."""
    World.founded(code="demo")


@pytest.mark.parametrize("address", ["/demo/clock/", "/demo/case/", "/demo/trick/", "/demo/million/"])
def test_while_history_is_played_nobody_disturbs_it(cast_of_demo: dict[str, User], address: str) -> None:
    large_pool()
    answer = client_of(None).post(address, {"days": "1", "trick": "all", "step": "file/"})
    assert answer.status_code == 409
    assert "history is still being played" in answer.content.decode()
    assert clock.today("Asia/Shanghai") == dt.date(2026, 1, 1)


def test_progress_of_the_history_is_shown_until_it_is_played(cast_of_demo: dict[str, User]) -> None:
    large_pool()
    set_clock(clock.start_of_day(dt.date(2025, 8, 24), "Asia/Shanghai"))
    client = client_of(None)
    part = client.get("/demo/progress/", headers={"HX-Request": "true"})
    assert "50 %" in part.content.decode()
    assert "HX-Refresh" not in part.headers
    assert client.get("/demo/progress/").headers["Location"] == "/demo/"
    Installation.objects.update(demo_ready=True)
    assert client.get("/demo/progress/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_switching_person_never_ends_on_a_page_that_is_closed_to_them(world: World) -> None:
    people = make_people()
    grant_duty(
        pool=world.pool,
        person=people["treasurer"],
        duty="treasurer",
        proposed_by=world.admin,
        confirmed_by=world.controller,
        at=clock.now(),
    )
    custody, review = "/pools/test-pool/custody/", "/pools/test-pool/review/"
    for key, page, lands in (
        ("treasurer", custody, custody),
        ("treasurer", review, "/"),
        ("reviewer", custody, "/"),
        ("reviewer", "/pools/test-pool/", "/pools/test-pool/"),
        ("reviewer", "/claims/CL-SOMEBODYS/", "/"),
        ("reviewer", "/no/such/page/", "/"),
    ):
        answer = client_of(None).post("/demo/person/", {"person": people[key].code, "next": page})
        assert answer.headers["Location"] == lands, (key, page)


def test_bank_offers_no_file_when_there_is_nothing_new(world: World) -> None:
    opened = BankAccount.objects.get(pool=world.pool)
    set_clock(clock.start_of_day(dt.date(2026, 1, 5), "Asia/Shanghai"))
    client = client_of(None)
    data = client.get("/demo/bank/test-pool/").content
    import_statement(
        account=opened, data=data, filename="s.csv", importer=world.treasurer.code, at=clock.now()
    )
    assert client.get("/demo/bank/test-pool/").headers["Location"] == "/demo/"
    assert "The bank has nothing new today" in client.get("/demo/").content.decode()
