"""The page of a period: what everyone sees, what its staff do there, and what they are refused."""

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of, public_world
from aidplatform.work.models import Job
from ledger.books.models import Book
from ledger.books.services import credit, debit
from ledger.openbooks.services import post_logged_entry
from ledger.sharing import services
from ledger.sharing.models import Period


@prepared
def pool() -> World:
    """Give the test a pool of 150, whose periods are public."""
    return public_world()


def url(number: int = 1, tail: str = "") -> str:
    return f"/pools/test-pool/periods/{number}/{tail}"


def text_of(client: Client, address: str, status: int = 200) -> str:
    """Return the words of a page, without its tags."""
    response = client.get(address)
    assert response.status_code == status
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def approval(period: Period) -> dict[str, str]:
    return {"shown_sha256": period.shown_sha256 or "", "key": str(uuid.uuid4())}


def test_period_is_hidden_from_strangers_until_it_is_announced(pool: World) -> None:
    services.open_period(pool=pool.pool, at=clock.now())
    assert client_of(None).get(url()).status_code == 404
    assert client_of(pool.stranger).get(url()).status_code == 404
    assert "Nothing to show yet" in text_of(client_of(pool.admin), url())


def test_settled_period_shows_provisional_bill_to_everyone(pool: World) -> None:
    pool.award(45_000_000)
    pool.settled_period()
    page = text_of(client_of(None), url())
    assert "Provisional" in page
    assert "¥450,000.00" in page
    assert "¥36,000.00" in page
    # 486,000.00 over 150 members
    assert "¥3,240.00" in page
    assert "Dry run" not in page


def test_period_page_shows_the_published_face_and_no_name(pool: World) -> None:
    pool.award(1_000_000, "C-7")
    pool.settled_period()
    page = text_of(client_of(None), url())
    # Of these members the pool knows neither age nor sex nor region: five cannot share what is not known.
    assert "C-7 – – – –" in page
    assert "¥10,000.00" in page
    for kept_back in ("30–39", "female", "claim-C-7"):
        assert kept_back not in page


def test_small_pool_shows_figures_of_a_period_to_its_own_people_only(db: None) -> None:
    small = World.founded(members=7)
    small.award(1_000_000)
    small.posted_period()
    page = text_of(client_of(None), url())
    assert "fewer than 100 members" in page
    assert "¥10,000.00" not in page
    assert client_of(None).get(url(tail="classes.csv")).status_code == 404
    assert "¥10,000.00" in text_of(client_of(small.controller), url())


def test_bill_of_posted_period_explains_one_share_exactly(pool: World) -> None:
    pool.award(1_000_000)
    pool.posted_period()
    page = text_of(client_of(None), url())
    # 10,800.00 over 150 is 72.00: 66.6666 aid + 5.3333 fee, and the cut of both
    assert "¥72.00" in page
    assert "66.6666" in page
    assert "5.3333" in page
    assert "0.0001" in page
    assert "S + E + V + C in = 10,800.00 · A + W + Φ + R + C out = 10,800.00" in page


def test_bill_names_each_cause_of_other_costs_and_income(pool: World) -> None:
    pool.award(1_000_000)
    book = Book.objects.get(code="test-pool")
    entries = (
        ("bank_charge", debit("120", 4_500), credit("101", 4_500)),
        ("interest", debit("101", 1_200), credit("240", 1_200)),
    )
    for kind, *lines in entries:
        post_logged_entry(
            book=book, key=kind, kind=kind, lines=lines, entry_date=clock.today("UTC"), at=clock.now(),
            description=kind, source="bank", maker="service",
        )  # fmt: skip
    settled = pool.settled_period()
    provisional = text_of(client_of(None), url())
    services.compute_shares(period=settled, preparer=pool.admin.code, at=clock.now())
    final = text_of(client_of(None), url())
    for page in (provisional, final):
        assert "Other costs to be shared W ¥45.00" in page
        assert "of it bank charges ¥45.00" in page
        assert "Surplus carried in C in ¥12.00" in page
        assert "of it interest, sponsor and referral income ¥12.00" in page
        # 10,000.00 + 800.00 + 45.00 - 12.00
        assert "Need, to be shared N ¥10,833.00" in page


def test_case_with_an_open_objection_says_so(pool: World) -> None:
    award = pool.award(1_000_000)
    period = services.open_period(pool=pool.pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, "Asia/Shanghai"))
    period = services.freeze_headcount(period=period, at=clock.now())
    services.announce_period(period=period, at=clock.now())
    services.hold_award(award=award, holder="service", at=clock.now())
    assert "objection open" in text_of(client_of(None), url())


def test_class_table_downloads_what_is_shown(pool: World) -> None:
    pool.award(1_000_001)
    pool.posted_period()
    response = client_of(None).get(url(tail="classes.csv"))
    lines = b"".join(response).decode("utf-8-sig").split()  # type: ignore[arg-type]
    assert lines == ["class,name,weight,members,share_CNY,total_CNY", "0,Everyone,1,150,72.01,10801.50"]


def test_class_table_waits_for_the_computation(pool: World) -> None:
    pool.award(1_000_000)
    pool.settled_period()
    assert client_of(None).get(url(tail="classes.csv")).status_code == 404


def test_dry_run_is_asked_for_by_the_pool_admin_and_done_by_a_worker(pool: World) -> None:
    pool.award(1_000_000)
    period = pool.settled_period()
    admin = client_of(pool.admin)
    assert admin.post(url(tail="compute/")).status_code == 302
    assert "Computing" in text_of(admin, url())
    run_jobs()
    period.refresh_from_db()
    assert (period.state, period.prepared_by) == ("computed", pool.admin.code)
    assert "You prepared these figures" in text_of(admin, url())


@pytest.mark.parametrize("tail", ["", "progress/?seen=settled-0-"])
def test_page_read_while_the_worker_ends_looks_again(pool: World, tail: str) -> None:
    """The figures come between the reading of the period and that of its job: the page may not offer a dry run."""
    pool.award(1_000_000)
    period = pool.settled_period()
    admin = client_of(pool.admin)
    admin.post(url(tail="compute/"))
    ended: list[str] = []

    def end_before_the_job_is_read(execute: Any, sql: str, *arguments: Any) -> Any:
        if "work_job" in sql and not ended:
            ended.append(sql)
            run_jobs()
        return execute(sql, *arguments)

    with connection.execute_wrapper(end_before_the_job_is_read):
        response = admin.get(url(tail=tail), headers={"HX-Request": "true"} if tail else {})
    period.refresh_from_db()
    assert (len(ended), period.state) == (1, "computed")
    page = response.content.decode()
    assert "Computing" in page
    assert 'hx-trigger="every 1s"' in page
    again = admin.get(url(tail="progress/?seen=settled-0-"), headers={"HX-Request": "true"})
    assert again.headers["HX-Refresh"] == "true"


def test_double_click_on_dry_run_is_one_job(pool: World) -> None:
    pool.award(1_000_000)
    pool.settled_period()
    admin = client_of(pool.admin)
    admin.post(url(tail="compute/"))
    admin.post(url(tail="compute/"))
    assert Job.objects.filter(kind="sharing.compute").count() == 1


@pytest.mark.parametrize(
    ("person", "tail", "status"),
    [
        (None, "compute/", 302),
        ("stranger", "compute/", 404),
        ("controller", "compute/", 403),
        ("auditor", "compute/", 403),
        (None, "approve/", 302),
        ("stranger", "approve/", 404),
        ("admin", "approve/", 403),
        ("treasurer", "approve/", 403),
    ],
)
def test_staff_actions_refuse_everybody_else(pool: World, person: str | None, tail: str, status: int) -> None:
    pool.award(1_000_000)
    period = pool.computed_period()
    before = period.computations
    client = client_of(getattr(pool, person) if person else None)
    response = client.post(url(tail=tail), approval(period))
    assert response.status_code == status
    if person is None:
        assert response.headers["Location"].startswith("/accounts/login/")
    period.refresh_from_db()
    assert (period.state, period.computations) == ("computed", before)


def test_staff_actions_need_a_post(pool: World) -> None:
    pool.award(1_000_000)
    pool.computed_period()
    assert client_of(pool.admin).get(url(tail="compute/")).status_code == 405
    assert client_of(pool.controller).get(url(tail="approve/")).status_code == 405


def test_staff_action_without_second_factor_leads_to_its_set_up(pool: World) -> None:
    pool.award(1_000_000)
    period = pool.computed_period()
    response = client_of(pool.controller, second_factor=False).post(url(tail="approve/"), approval(period))
    assert response.status_code == 302
    assert response.headers["Location"] == "/accounts/2fa/"
    period.refresh_from_db()
    assert period.state == "computed"


def test_controller_approves_what_was_shown(pool: World) -> None:
    pool.award(1_000_000)
    period = pool.computed_period()
    controller = client_of(pool.controller)
    page = controller.get(url()).content.decode()
    shown = re.search(r'name="shown_sha256" value="([0-9a-f]{64})"', page)
    key = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert shown
    assert key
    response = controller.post(url(tail="approve/"), {"shown_sha256": shown[1], "key": key[1]})
    assert response.status_code == 302
    period.refresh_from_db()
    assert (period.state, period.approved_by) == ("approved", pool.controller.code)
    assert period.approved_sha256 == period.shown_sha256


def test_approval_of_other_figures_is_a_page_with_the_new_ones(pool: World) -> None:
    pool.award(1_000_000)
    period = pool.computed_period()
    response = client_of(pool.controller).post(
        url(tail="approve/"), {"shown_sha256": "0" * 64, "key": str(uuid.uuid4())}
    )
    page = response.content.decode()
    assert response.status_code == 409
    assert "The figures have changed since they were shown" in page
    assert "0" * 64 in page
    assert f'name="shown_sha256" value="{period.shown_sha256}"' in page
    period.refresh_from_db()
    assert period.state == "computed"


@pytest.mark.parametrize("body", [{}, {"shown_sha256": "no hash"}, {"shown_sha256": "a" * 64, "key": "1"}])
def test_approval_without_hash_or_key_is_refused(pool: World, body: dict[str, str]) -> None:
    pool.award(1_000_000)
    period = pool.computed_period()
    response = client_of(pool.controller).post(url(tail="approve/"), body)
    assert response.status_code == 409
    period.refresh_from_db()
    assert period.state == "computed"


def test_approval_sent_twice_answers_twice_and_orders_one_posting(pool: World) -> None:
    pool.award(1_000_000)
    period = pool.computed_period()
    controller, body = client_of(pool.controller), approval(period)
    first = controller.post(url(tail="approve/"), body)
    second = controller.post(url(tail="approve/"), body)
    assert (first.status_code, second.status_code) == (302, 302)
    assert Job.objects.filter(kind="sharing.start_posting").count() == 1


def test_approving_again_with_a_new_key_is_refused(pool: World) -> None:
    pool.award(1_000_000)
    period = pool.computed_period()
    controller = client_of(pool.controller)
    controller.post(url(tail="approve/"), approval(period))
    response = controller.post(url(tail="approve/"), approval(period))
    assert response.status_code == 409
    assert "already" in response.content.decode()


def test_progress_answers_with_the_part_while_the_run_goes_on(pool: World) -> None:
    pool.award(1_000_000)
    pool.approved_period()
    response = client_of(pool.controller).get(
        url(tail="progress/?seen=posting"), headers={"HX-Request": "true"}
    )
    page = response.content.decode()
    assert response.status_code == 200
    assert "HX-Refresh" not in response.headers
    assert "<html" not in page
    assert "0 of 150 members" in page
    assert "every 1s" in page


def test_progress_asks_for_the_whole_page_when_the_period_is_posted(pool: World) -> None:
    pool.award(1_000_000)
    pool.posted_period()
    response = client_of(pool.controller).get(
        url(tail="progress/?seen=posting"), headers={"HX-Request": "true"}
    )
    assert response.headers["HX-Refresh"] == "true"
    assert "every 1s" not in response.content.decode()


def test_progress_without_htmx_leads_to_the_page(pool: World) -> None:
    pool.award(1_000_000)
    pool.approved_period()
    response = client_of(pool.controller).get(url(tail="progress/"))
    assert (response.status_code, response.headers["Location"]) == (302, url())


def test_progress_is_for_staff(pool: World) -> None:
    pool.award(1_000_000)
    pool.approved_period()
    assert client_of(pool.stranger).get(url(tail="progress/")).status_code == 404
    assert client_of(None).get(url(tail="progress/")).status_code == 302


def test_stuck_computation_is_shown_with_its_error(pool: World) -> None:
    pool.award(1_000_000)
    pool.settled_period()
    admin = client_of(pool.admin)
    admin.post(url(tail="compute/"))
    Job.objects.filter(kind="sharing.compute").update(state="stuck", last_error="ValueError: boom")
    page = text_of(admin, url())
    assert "The computation failed" in page
    assert "ValueError: boom" in page


def test_posted_period_leads_staff_to_its_entry_and_strangers_not(pool: World) -> None:
    pool.award(1_000_000)
    period = pool.posted_period()
    assert period.entry is not None
    address = f"/pools/test-pool/ledger/entries/{period.entry.number}/"
    assert address in client_of(pool.auditor).get(url()).content.decode()
    assert address not in client_of(None).get(url()).content.decode()


def test_period_page_costs_the_same_for_one_case_and_three(pool: World) -> None:
    pool.award(1_000_000)
    pool.settled_period()
    client = client_of(None)
    with CaptureQueriesContext(connection) as one:
        client.get(url())
    other = World.founded(code="other-pool", members=150)
    for number in range(3):
        other.award(1_000_000, f"C-{number}")
    other.settled_period()
    with CaptureQueriesContext(connection) as three:
        client.get("/pools/other-pool/periods/1/")
    assert len(three) == len(one)
    assert len(one) <= 16


def test_unknown_pool_and_period_are_not_found(pool: World) -> None:
    client = client_of(pool.admin)
    assert client.get("/pools/no-such/periods/1/").status_code == 404
    assert client.get(url(99)).status_code == 404
    assert client.get(url(10**18)).status_code == 404


def test_chinese_period_page_speaks_chinese(pool: World) -> None:
    pool.award(1_000_000)
    pool.settled_period()
    page = text_of(client_of(pool.admin, language="zh-hans"), url())
    assert "第 1 期" in page
    assert "试算" in page
    assert "案例互助金" in page
