"""A member's own page, the download, and being told what is owed: right to the fen, once, and nobody else's."""

import csv
import datetime as dt
import io
import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of, post_another_period, public_world
from aidplatform.work.jobs import Lease, claim, enqueue
from ledger.disclosure import views
from ledger.disclosure.next_charges import NextDates, next_dates
from ledger.disclosure.selectors import (
    charges_of,
    past_shares_of,
    rules_on,
    year_to_date_fen,
)
from ledger.disclosure.services import TELL, tell_charges
from ledger.sharing import services as sharing
from members.ending.selectors import live_ending
from members.joining.ages import follow_ages
from members.joining.models import Membership
from members.joining.services import admit_group, admit_member
from members.people.models import Mail, Notice, User
from members.people.notices import subject_of

ME = "/pools/test-pool/me/"


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def join(world: World, email: str) -> Membership:
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(email),
        class_no=0,
        from_at=clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone),
        joined_date=dt.date(2026, 1, 1),
        actor="test",
    )


def dates_on(membership: Membership, day: dt.date) -> NextDates | None:
    return next_dates(membership, rules_on(membership.pool, day), day, live_ending(membership.pool))


@pytest.fixture
def member(db: None) -> tuple[World, Membership]:
    """Give the test a pool of 150 and one member with an account, and a posted period."""
    world = public_world(members=149)
    membership = join(world, "member@example.org")
    world.award(1_000_000)
    world.posted_period()
    return world, membership


def test_page_shows_place_dates_and_the_sum_behind_the_share(member: tuple[World, Membership]) -> None:
    _world, membership = member
    page = text(client_of(membership.person).get(ME))
    assert "Member 150" in page
    assert "established on 2 Apr 2026 or later" in page
    assert "Next publicity 7 Feb 2026" in page
    assert "Next charge day 14 Jan 2026" in page
    assert "¥72.00 my share = 66.6666 Aid for the cases" in page
    assert "Shares of 2026 ¥72.00" in page


def test_waiting_ends_on_its_day(member: tuple[World, Membership]) -> None:
    _world, membership = member
    set_clock(dt.datetime(2026, 4, 2, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert "established since 2 Apr 2026" in text(client_of(membership.person).get(ME))


def test_download_holds_the_same_figures(member: tuple[World, Membership]) -> None:
    _world, membership = member
    response = client_of(membership.person).get(f"{ME}shares.csv")
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert rows[1][:9] == ["1", "2026-01-14", "0", "1", "150", "10000.00", "800.00", "0.00", "72.00"]
    cells = dict(zip(rows[0], rows[1], strict=True))
    mine = {name: cell for name, cell in cells.items() if name.startswith("my_") and cell != "0.0000"}
    # 10,000.00 and 8 % of it over 150: 66.6666… and 5.3333…
    assert mine == {"my_aid_CNY": "66.6666", "my_fee_CNY": "5.3333", "my_rounding_CNY": "0.0001"}
    assert [cells[f"{name}_CNY"] for name in ("collected", "open", "written_off")] == [
        "0.00",
        "72.00",
        "0.00",
    ]
    assert (cells["year_to_date_CNY"], cells["year_cap_CNY"]) == ("72.00", "")


def test_download_says_the_cap_of_each_year_and_what_it_took(db: None) -> None:
    world = World.founded(
        members={0: 149}, year_cap_fen=10_000, on_cap="redistribute", on_infeasible="sponsor"
    )
    membership = join(world, "member@example.org")
    world.award(1_000_000)
    world.posted_period()
    post_another_period(world, "C-2")
    response = client_of(membership.person).get(f"{ME}shares.csv")
    read = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig")))
    newest, first = read
    assert (newest["year_to_date_CNY"], newest["year_cap_CNY"]) == ("100.00", "100.00")
    assert (first["year_to_date_CNY"], first["year_cap_CNY"]) == ("72.00", "100.00")
    assert newest["share_CNY"] == "28.00"
    for row in (newest, first):
        mine = [Decimal(cell) for name, cell in row.items() if name.startswith("my_")]
        assert sum(mine) == Decimal(row["share_CNY"])
    # Nobody is left on whom the rest could fall: the sponsor pays it.
    assert Decimal(newest["my_sponsor_CNY"]) < 0


def test_strangers_staff_and_visitors_find_no_page(member: tuple[World, Membership]) -> None:
    world, _membership = member
    for address in (ME, f"{ME}shares/", f"{ME}shares.csv"):
        for person in (world.stranger, world.controller):
            refused = client_of(person).get(address)
            absent = client_of(person).get(address.replace("test-pool", "no-such-pool"))
            assert refused.status_code == absent.status_code == 404
        assert client_of(None).get(address).headers["Location"].startswith("/accounts/login/")


def test_all_shares_stand_on_pages_of_their_own_with_cases_and_what_is_open(
    member: tuple[World, Membership], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, membership = member
    monkeypatch.setattr(views, "SHARES_PAGE", 2)
    for number in (2, 3):
        post_another_period(world, f"C-{number}")
    client = client_of(membership.person)
    first = client.get(f"{ME}shares/")
    shown = text(first)
    assert "For one case C-3: –, –, –, thyroid cancer · ¥10,000.00" in shown
    assert "150 members shared; your weight was 1." in shown
    assert shown.count("of it is not paid yet.") == 2
    assert "Period 1 charged" not in shown
    assert "?before=2" in first.content.decode()
    last = text(client.get(f"{ME}shares/?before=2"))
    assert "Period 1 charged on 14 Jan 2026 · ¥72.00" in last
    assert "¥72.00 of it is not paid yet." in last
    for nonsense in ("x", "-1", "1.5", str(2**31)):
        assert client.get(f"{ME}shares/?before={nonsense}").status_code == 422
    # The column of every period, and what the year has come to.
    assert "Shares of 2026 ¥216.00" in shown


@pytest.mark.parametrize("page", [ME, f"{ME}shares/"])
def test_page_costs_the_same_for_one_share_and_three(member: tuple[World, Membership], page: str) -> None:
    world, membership = member
    client = client_of(membership.person)
    client.get(page)
    with CaptureQueriesContext(connection) as one:
        client.get(page)
    for number in (2, 3):
        post_another_period(world, f"C-{number}")
    with CaptureQueriesContext(connection) as three:
        client.get(page)
    assert len(three) == len(one)
    charges = charges_of(membership)
    assert [charge.period.number for charge in charges] == [3, 2, 1]
    past = past_shares_of(membership)
    assert [(one.period_no, one.share_fen) for one in past[::-1]] == [
        (charge.period.number, charge.share_fen) for charge in charges
    ]
    assert year_to_date_fen(past, 2026) == sum(charge.share_fen for charge in charges)
    assert [charge.period.number for charge in charges_of(membership, before_no=3, limit=1)] == [2]


def test_next_dates_follow_the_calendar_over_the_year(member: tuple[World, Membership]) -> None:
    _world, membership = member
    for day, publicity, charge in (
        ("2026-01-07", "2026-01-07", "2026-01-14"),
        ("2026-01-08", "2026-02-07", "2026-01-14"),
        ("2026-12-15", "2027-01-07", "2027-01-14"),
    ):
        dates = dates_on(membership, dt.date.fromisoformat(day))
        assert dates is not None
        assert (dates.publicity_date.isoformat(), dates.charge_date.isoformat()) == (publicity, charge)
    assert dates_on(membership, dt.date(2025, 1, 1)) is None


def test_next_charge_day_is_that_of_a_period_announced_late(db: None) -> None:
    world = public_world(members=149)
    membership = join(world, "member@example.org")
    period = sharing.open_period(pool=world.pool, at=clock.now())
    set_clock(dt.datetime(2026, 2, 20, 9, tzinfo=ZoneInfo("Asia/Shanghai")))
    sharing.announce_period(period=sharing.freeze_headcount(period=period, at=clock.now()), at=clock.now())
    for day, charge in (("2026-02-20", "2026-02-27"), ("2026-02-28", "2026-03-14")):
        dates = dates_on(membership, dt.date.fromisoformat(day))
        assert dates is not None
        assert dates.charge_date.isoformat() == charge


def test_everyone_with_an_account_is_told_once(member: tuple[World, Membership]) -> None:
    world, membership = member
    notice = Notice.objects.get(person=membership.person)
    assert notice.params["fen"] == 7200
    assert subject_of(notice.kind, notice.params) == "Your share of period 1 of Test pool: ¥72.00"
    assert [(m.to, m.subject) for m in mail.outbox] == [
        (["member@example.org"], "Your share of period 1 of Test pool: ¥72.00")
    ]
    period = world.pool.periods.get()
    job = enqueue(kind=TELL, key="again", payload={"period": period.pk}, actor="test")
    lease = claim(job.pk)
    assert isinstance(lease, Lease)
    assert tell_charges(lease) == {"told": 0}
    run_jobs()
    assert (Notice.objects.count(), Mail.objects.count(), len(mail.outbox)) == (1, 1, 1)


def test_telling_takes_as_many_statements_for_one_person_as_for_thirty(db: None) -> None:
    counts = []
    for code, people in (("one", 1), ("many", 30)):
        world = World.founded(code=code, members=120)
        for number in range(people):
            join(world, f"{number}@{code}.example.org")
        world.award(1_000_000)
        period = world.posted_period()
        Notice.objects.filter(person__memberships__pool=world.pool).count()
        job = enqueue(kind=TELL, key=f"again-{code}", payload={"period": period.pk}, actor="test")
        lease = claim(job.pk)
        assert lease is not None
        with CaptureQueriesContext(connection) as queries:
            tell_charges(lease)
        counts.append(len(queries))
        assert Notice.objects.filter(person__memberships__pool=world.pool).count() == people
    assert counts[0] == counts[1]


def test_notices_are_listed_opened_once_and_nobody_elses(member: tuple[World, Membership]) -> None:
    world, membership = member
    client = client_of(membership.person, language="zh-hans")
    assert "“测试互助”第 1 期您的分摊金额" in text(client.get("/notices/"))
    notice = Notice.objects.get()
    stranger = client_of(world.stranger)
    refused, absent = stranger.post(f"/notices/{notice.pk}/"), stranger.post("/notices/99999999/")
    assert refused.status_code == absent.status_code == 404
    assert client.post(f"/notices/{notice.pk}/").headers["Location"] == ME
    assert client.post(f"/notices/{notice.pk}/").headers["Location"] == ME
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_home_says_where_a_person_belongs(member: tuple[World, Membership]) -> None:
    world, membership = member
    assert "Test pool: waiting until 2 Apr 2026" in text(client_of(membership.person).get("/"))
    assert "Where you belong" not in text(client_of(world.stranger).get("/"))


def test_demonstration_shows_every_mail(member: tuple[World, Membership]) -> None:
    page = text(client_of(None).get("/demo/mail/"))
    assert "Your share of period 1 of Test pool: ¥72.00" in page
    assert "to member@example.org" in page


def test_page_and_program_say_the_class_and_from_which_birthday_on_another_one(db: None) -> None:
    bands = [
        {"class_no": 0, "weight": 2, "name_en": "Young", "name_zh": "青年", "age_from": 18, "age_before": 30},
        {"class_no": 1, "weight": 3, "name_en": "Older", "name_zh": "中年", "age_from": 30, "age_before": 60},
    ]
    world = World.founded(members=3, classes=bands)
    membership = admit_member(
        pool=world.pool,
        person=User.objects.create_user("young@example.org"),
        class_no=0,
        from_at=clock.start_of_day(dt.date(2026, 1, 2), world.pool.time_zone),
        joined_date=dt.date(2026, 1, 1),
        birth_date=dt.date(1996, 2, 29),
        actor="test",
    )
    client = client_of(membership.person)
    assert "Your class Young, weight 2 From your birthday on 1 Mar 2026 : Older, weight 3" in text(
        client.get(ME)
    )
    (row,) = client.get("/api/v1/me/memberships/").json()
    assert (row["class_no"], row["next_class_no"], row["next_class_date"]) == (0, 1, "2026-03-01")
    set_clock(dt.datetime(2026, 3, 1, 10, tzinfo=ZoneInfo("Asia/Shanghai")))
    follow_ages(pool=world.pool)
    page = text(client.get(ME))
    assert "Your class Older, weight 3" in page
    assert "From your birthday" not in page


def test_page_of_a_pool_with_one_class_says_nothing_of_classes(member: tuple[World, Membership]) -> None:
    _world, membership = member
    assert "Your class" not in text(client_of(membership.person).get(ME))


def test_who_has_reached_the_most_of_the_year_is_told_so(db: None) -> None:
    for aid_fen, is_told in ((60_000, False), (600_000, True)):
        world = World.founded(code=f"capped-{aid_fen}", members=4, year_cap_fen=20_000)
        membership = join(world, f"someone-{aid_fen}@example.org")
        world.award(aid_fen)
        world.posted_period()
        page = text(client_of(membership.person).get(f"/pools/{world.pool.code}/me/"))
        assert "of ¥200.00 at most" in page
        assert ("That is the most of a year." in page) is is_told


def test_page_says_what_comes_next_from_the_headcount_to_the_charge(db: None) -> None:
    world = World.founded(members=3)
    membership = join(world, "waits@example.org")
    client = client_of(membership.person)
    world.award(90_000)
    period = sharing.open_period(pool=world.pool, at=clock.now())
    assert "What comes next" not in text(client.get(ME))
    set_clock(clock.start_of_day(period.publicity_date, world.pool.time_zone) + dt.timedelta(hours=8))
    period = sharing.freeze_headcount(period=period, at=clock.now())
    assert "Period 1 counts you; its cases are not public yet" in text(client.get(ME))
    period = sharing.announce_period(period=period, at=clock.now())
    page = text(client.get(ME))
    assert "Period 1 counts you: at most ¥243.00, exact on 10 Jan 2026" in page
    assert "Charged on 14 Jan 2026 ." in page
    set_clock(clock.start_of_day(period.publicity_end_date, world.pool.time_zone))
    period = sharing.settle_period(period=period, at=clock.now())
    period = sharing.compute_shares(period=period, preparer=world.admin.code, at=clock.now())
    shown = period.shown_sha256 or ""
    sharing.approve_period(period=period, approver=world.controller.code, shown_sha256=shown, at=clock.now())
    assert "Period 1 charges you exactly ¥243.00." in text(client.get(ME))
    run_jobs()
    page = text(client.get(ME))
    assert "What comes next" not in page
    assert "¥243.00 my share" in page


def test_page_and_program_say_why_a_share_changed(db: None) -> None:
    """7 × 10,000 + 8 % = 75,600 over 7, then 160,000 + 12,800 = 172,800 over 8, by hand: 108.00 and 216.00 each."""
    world = World.founded(members=6)
    client = client_of(join(world, "asks@example.org").person)
    world.award(70_000, "C-1")
    first = world.posted_period()
    set_clock(clock.start_of_day(first.next_opening_date, world.pool.time_zone))
    day = clock.today(world.pool.time_zone)
    admit_group(pool=world.pool, count=1, class_no=0, from_at=clock.now(), joined_date=day, actor="test")
    world.award(160_000, "C-2")
    world.posted_period()
    page = text(client.get(ME))
    assert "¥108.00 more than for period 1: why?" in page
    assert "Aid for the cases +120.5357" in page
    assert "Management fee +9.6428" in page
    assert "How many share, by their weights −22.1785" in page
    newest, oldest = client.get("/api/v1/pools/test-pool/my-charges/").json()["results"]
    assert oldest["change"] is None
    assert (newest["change"]["since_period"], newest["change"]["amount_fen"]) == (1, 10_800)
    assert sum(part["amount"] for part in newest["change"]["parts"]) == 10_800 * 100
    (alone,) = client.get("/api/v1/pools/test-pool/my-charges/?limit=1").json()["results"]
    assert alone["change"] == newest["change"]


def test_share_of_many_cases_names_the_first_and_counts_all(db: None) -> None:
    """A large pool shares thousands in a period: the page of one member stays as light as with a few."""
    world = public_world(members=149)
    client = client_of(join(world, "member@example.org").person)
    for number in range(1, 26):
        world.award(10_000, f"C-{number:03}")
    world.posted_period()
    page = client.get("/pools/test-pool/me/shares/").content.decode()
    assert "For 25 cases" in page
    assert [code in page for code in ("C-001:", "C-020:", "C-021:")] == [True, True, False]
    assert "All of them stand on the page of the period." in page
    (row,) = client.get("/api/v1/pools/test-pool/my-charges/").json()["results"]
    assert (len(row["cases"]), row["bill"]["cases"]) == (20, 25)
    assert "C-025" in client_of(None).get("/pools/test-pool/periods/1/").content.decode()
