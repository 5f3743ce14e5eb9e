"""Pages of late members: one's own standing, the list, pauses by two people; reminders; the same for programs."""

import datetime as dt
import hashlib
import uuid
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.testing.bank import membership
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import run
from aidplatform.testing.world import World, run_jobs
from ledger.custody import arrears_life, hardship
from ledger.custody.arrears_models import HardshipPause
from ledger.custody.tests.test_arrears_guarantees import Late, at
from ledger.custody.tests.test_views import client_of
from ledger.my_data import EXPORTER
from members.joining import payers
from members.people.models import Mail, Notice
from members.people.notices import body_of

CODE = "test-pool"


def url(name: str, *arguments: Any) -> str:
    return reverse(name, args=[CODE, *arguments])


def key(**fields: Any) -> dict[str, Any]:
    """Return a form with a key of its own."""
    return {"key": uuid.uuid4(), **fields}


@prepared
def late() -> Late:
    return Late.founded()


def own_page(late: Late, number: int = 1) -> str:
    return client_of(late.person(number)).get(url("my_pool")).content.decode()


def test_member_in_grace_sees_the_last_day_and_how_to_pay(late: Late) -> None:
    page = own_page(late)
    for said in (
        "Your place stays as it is until",
        "your waiting time goes on",
        "2026-01-24",
        "¥270.00",
        late.bank.reference(1)[:4],
        "ask for a pause",
    ):
        assert said in page
    assert "Your membership has ended" not in page
    at("01-28")
    assert "until the bank has told of that day" in own_page(late)
    at("04-03")
    late.bank.take(late.bank.statement(late.bank.receipt(1, 27_000)))
    assert 'id="standing"' not in own_page(late)


def test_member_whose_wait_is_over_stays_eligible_in_grace(db: None) -> None:
    page = own_page(Late.founded(waiting_days=0))
    assert "You stay eligible until" in page
    assert "You can ask for aid" in page


def test_suspended_member_sees_what_brings_the_membership_back(late: Late) -> None:
    late.suspended()
    at("01-27")
    page = own_page(late)
    for said in ("Suspended from", "2026-02-24", "¥270.00", "your waiting time kept", "not covered since"):
        assert said in page
    assert "Your membership has ended" not in page
    client = client_of(late.person())
    start = client.get("/").content.decode()
    assert "suspended, not covered since" in start
    assert "Your membership has ended" not in start
    assert client.get("/api/v1/me/memberships/").json()[0]["state"] == "suspended"


def test_who_has_paid_or_whose_rules_suspend_nobody_is_told_nothing_of_it(db: None) -> None:
    plain = Late.founded(arrears=None)
    assert "Nothing follows" not in own_page(plain)
    assert 'id="standing"' not in own_page(plain)
    page = client_of(plain.person()).get(url("my_pause")).content.decode()
    assert "There is nothing to pause" in page


def test_pause_is_asked_for_proposed_and_granted_in_the_browser(late: Late) -> None:
    member, world = client_of(late.person()), late.world
    form = key(reason="No work since December.")
    assert member.post(url("my_pause"), form).status_code == 302
    assert member.post(url("my_pause"), form).status_code == 302
    pause = HardshipPause.objects.get()
    assert "A pause was asked for" in own_page(late)
    admin, controller = client_of(world.admin), client_of(world.controller)
    assert "No work since December." in admin.get(url("custody_arrears")).content.decode()
    refused = admin.post(url("custody_propose_pause", pause.number), key(days=16))
    assert refused.status_code == 409
    assert "do not allow that many days" in refused.content.decode()
    assert admin.post(url("custody_propose_pause", pause.number), key(days="x")).status_code == 422
    assert admin.post(url("custody_propose_pause", pause.number), key(days=10)).status_code == 302
    pause.refresh_from_db()
    stale = controller.post(url("custody_grant_pause", pause.number), key(shown_sha256="0" * 64))
    assert stale.status_code == 409
    grant = key(shown_sha256=pause.shown_sha256)
    assert controller.post(url("custody_grant_pause", pause.number), grant).status_code == 302
    assert controller.post(url("custody_grant_pause", pause.number), grant).status_code == 302
    page = own_page(late)
    assert "2026-02-03" in page
    assert "A pause has added 10 days." in page
    notice = Notice.objects.get(person=late.person(), kind="pause_granted")
    assert (notice.params["until"], notice.params["days"], notice.params["fen"]) == ("2026-02-03", 10, 27_000)


def test_pause_is_asked_for_by_staff_and_declined(late: Late) -> None:
    late.person()
    treasurer, controller = client_of(late.world.treasurer), client_of(late.world.controller)
    assert treasurer.post(url("custody_ask_pause"), key(membership=1, reason="")).status_code == 422
    assert treasurer.post(url("custody_ask_pause"), key(membership=99, reason="Ill.")).status_code == 422
    assert (
        treasurer.post(url("custody_ask_pause"), key(membership=1, reason="Told by phone.")).status_code
        == 302
    )
    assert controller.post(url("custody_decline_pause", 1), key()).status_code == 302
    assert Notice.objects.filter(person=late.person(), kind="pause_declined").count() == 1
    again = controller.post(url("custody_decline_pause", 1), key())
    assert again.status_code == 409


def test_reason_that_is_missing_is_refused_and_kept_apart(late: Late) -> None:
    member = client_of(late.person())
    assert member.post(url("my_pause"), key(reason="")).status_code == 422
    assert member.post(url("my_pause"), key(reason="x" * 501)).status_code == 422
    assert not HardshipPause.objects.exists()


def test_reason_is_stored_sealed_and_read_by_whoever_decides(late: Late) -> None:
    """A reason is often about health: no column has it in clear, nor a hash by which it could be guessed."""
    pause = late.pause(days=5)
    (row,) = run("SELECT h::text, encode(reason_sealed, 'escape'), shown_sha256 FROM ledger_hardshippause h")
    assert not [column for column in row if "No work." in column]
    pool, one = late.world.pool.pk, membership(late.world, 1).pk
    guessed = f"{pool}|1|{one}|No work.|{late.person().code}|5|{late.world.admin.code}"
    assert row[2] != hashlib.sha256(guessed.encode()).hexdigest()
    world, listed = late.world, reverse("api_pauses", args=[CODE])
    for person, is_read in ((world.admin, True), (world.controller, True), (world.treasurer, False)):
        assert ("No work." in client_of(person).get(url("custody_arrears")).content.decode()) is is_read
        assert (client_of(person).get(listed).json()["results"][0]["reason"] == "No work.") is is_read
    hardship.decline_pause(pause=pause, decliner=world.admin.code, at=clock.now())
    assert client_of(world.controller).get(listed).json()["results"][0]["reason"] == ""
    (told,) = [table for table in EXPORTER.tables if table.name == "pauses"]
    assert [one["reason"] for one in told.rows(late.person())] == ["No work."]


def test_late_members_are_nobody_elses(late: Late) -> None:
    for person in (late.world.stranger, late.person()):
        assert client_of(person).get(url("custody_arrears")).status_code == 404
        assert client_of(person).get(url("custody_late_csv")).status_code == 404
    assert client_of(late.world.auditor).get(url("custody_arrears")).status_code == 200
    assert client_of(late.world.auditor).post(url("custody_propose_pause", 1), key(days=5)).status_code == 403
    assert client_of(late.world.stranger).get(url("my_pause")).status_code == 404
    assert Client().get(url("my_pause")).status_code == 302


def test_list_says_who_stands_how_with_ages(late: Late) -> None:
    treasurer = client_of(late.world.treasurer)
    at("01-20")
    page = treasurer.get(url("custody_arrears")).content.decode()
    assert "in grace" in page
    assert "6 days" in page
    lines = b"".join(treasurer.get(url("custody_late_csv"))).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert lines[1] == "1,grace,1,270.00,1,2026-01-14,6,2026-01-24,0"
    assert len(lines) == 5
    late.suspended()
    page = treasurer.get(url("custody_arrears"), {"state": "suspended"}).content.decode()
    assert page.count("24 Feb 2026</time>") == 4
    assert "Nobody is late" in treasurer.get(url("custody_arrears"), {"state": "grace"}).content.decode()
    chinese = client_of(late.world.treasurer)
    chinese.cookies["django_language"] = "zh-hans"
    assert "未付成员" in chinese.get(url("custody_arrears")).content.decode()


def test_lapsed_member_is_offered_for_a_write_off(late: Late) -> None:
    late.suspended()
    at("02-25")
    late.hears_before("02-25")
    run_jobs()
    treasurer = client_of(late.world.treasurer)
    page = treasurer.get(url("custody_arrears")).content.decode()
    assert "membership over" in page
    assert f"{url('custody_write_offs')}?membership=1#new" in page
    form = treasurer.get(url("custody_write_offs"), {"membership": 1}).context["form"]
    assert form.initial["membership"] == 1


def test_queries_do_not_grow_with_late_members(late: Late) -> None:
    treasurer = client_of(late.world.treasurer)

    def queries() -> int:
        treasurer.get(url("custody_arrears"))
        with CaptureQueriesContext(connection) as found:
            assert treasurer.get(url("custody_arrears")).status_code == 200
        return len(found)

    many = queries()
    late.bank.take(late.bank.statement(*(late.bank.receipt(number, 27_000) for number in (2, 3, 4))))
    assert queries() == many


def test_pools_that_pay_ahead_have_no_late_members(db: None) -> None:
    world = World.founded(funding={"join_fen": 30_000, "warn_below_fen": 10_000, "top_up_days": 30})
    assert client_of(world.treasurer).get(url("custody_arrears")).status_code == 404


# --- reminders --------------------------------------------------------------------------------------------------


def remind() -> None:
    arrears_life.remind_due(clock.now())
    run_jobs()


def test_reminder_comes_once_per_share_and_day_and_says_how_to_pay(late: Late) -> None:
    person = late.person()
    at("01-18")
    remind()
    assert not Notice.objects.filter(kind="share_unpaid").exists()
    for day in ("01-19", "01-19", "01-20", "01-23"):
        at(day)
        remind()
    notice = Notice.objects.get(kind="share_unpaid")
    assert notice.person == person
    assert (notice.params["fen"], notice.params["until"]) == (27_000, "2026-01-24")
    body = Mail.objects.get(key__startswith="share_unpaid/").body
    for said in ("24 Jan 2026", "6222000012345678901", "Test bank", notice.params["reference"]):
        assert said in body
    assert notice.params["reference"].replace(" ", "") == late.bank.reference(1)
    assert "If you cannot pay now, ask for a pause" in body


def test_reminder_asks_nobody_to_ask_for_a_pause_that_waits_or_is_used_up(late: Late) -> None:
    at("01-19")
    assert client_of(late.person()).post(url("my_pause"), key(reason="No work.")).status_code == 302
    remind()
    waits = Mail.objects.get(key__startswith="share_unpaid/").body
    assert "You have asked for a pause: two people of the pool decide" in waits
    assert "ask for a pause on your page" not in waits
    params = Notice.objects.get(kind="share_unpaid").params
    assert "pause" not in body_of("share_unpaid", params | {"pause": "none"})


def test_reminder_goes_to_who_pays(late: Late) -> None:
    """Both reminders of two shares that one person pays are theirs, with their reference; the other has none."""
    covered, payer = late.person(1), late.person(2)
    link = payers.ask_payer(membership=membership(late.world, 1), payer_number=2, at=clock.now())
    payers.accept_link(link=link, person=payer)
    at("01-19")
    remind()
    assert not Notice.objects.filter(person=covered, kind__startswith="share_unpaid").exists()
    found = {
        one.kind: one.params for one in Notice.objects.filter(person=payer, kind__startswith="share_unpaid")
    }
    assert set(found) == {"share_unpaid", "share_unpaid_for"}
    assert found["share_unpaid_for"]["member"] == 1
    for params in found.values():
        assert params["reference"].replace(" ", "") == late.bank.reference(2)


def test_payer_in_arrears_suspends_only_whose_share_is_open(late: Late) -> None:
    """One transfer of 270.00 pays the payer's own share first: member 1, for whom it was meant too, is suspended."""
    payer = late.person(2)
    late.person(1)
    link = payers.ask_payer(membership=membership(late.world, 1), payer_number=2, at=clock.now())
    payers.accept_link(link=link, person=payer)
    at("01-25")
    late.bank.take(late.bank.statement(*(late.bank.receipt(number, 27_000) for number in (2, 3, 4))))
    late.hears_before("01-25")
    run_jobs()
    assert "Suspended from" in own_page(late, 1)
    assert 'id="standing"' not in own_page(late, 2)
    late.hears_before("01-26")
    run_jobs()
    told = Notice.objects.get(person=payer, kind="unpaid_suspended_for").params
    assert (told["member"], told["fen"], told["until"]) == (1, 27_000, "2026-02-24")


# --- programs ---------------------------------------------------------------------------------------------------


def test_programs_read_and_ask_as_the_pages_do(late: Late) -> None:
    member = client_of(late.person())
    body = member.get(reverse("api_my_arrears", args=[CODE])).json()
    assert (body["open_fen"], body["is_in_grace"], body["last_date"], body["free_days"]) == (
        27_000,
        True,
        "2026-01-24",
        15,
    )
    assert body["shares"][0]["asked_date"] == "2026-01-14"
    headers = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    asked = member.post(
        reverse("api_my_arrears", args=[CODE]),
        {"reason": "No work."},
        content_type="application/json",
        **headers,
    )
    assert (asked.status_code, asked.json()) == (201, {"number": 1})
    treasurer = client_of(late.world.treasurer)
    rows = treasurer.get(reverse("api_late_members", args=[CODE]), {"state": "grace"}).json()
    assert [(row["membership"], row["days"], row["pause"]) for row in rows] == [
        (1, 0, "asked"),
        (2, 0, None),
        (3, 0, None),
        (4, 0, None),
    ]
    assert treasurer.get(reverse("api_late_members", args=[CODE]), {"state": "x"}).status_code == 400

    def deed(person: Any, name: str, content: dict[str, Any]) -> Any:
        return client_of(person).post(
            reverse(name, args=[CODE, 1]),
            content,
            content_type="application/json",
            HTTP_IDEMPOTENCY_KEY=str(uuid.uuid4()),
        )

    proposed = deed(late.world.admin, "api_propose_pause", {"days": 15}).json()
    granted = deed(late.world.controller, "api_grant_pause", {"shown_sha256": proposed["shown_sha256"]})
    assert granted.json() == {"state": "granted"}
    assert deed(late.world.controller, "api_decline_pause", {}).status_code == 409
    listed = treasurer.get(reverse("api_pauses", args=[CODE])).json()["results"]
    assert [(one["membership"], one["reason"], one["days"], one["upto_period_no"]) for one in listed] == [
        (1, "", 15, 1)
    ]
    last = dt.date(2026, 1, 24) + dt.timedelta(days=15)
    assert member.get(reverse("api_my_arrears", args=[CODE])).json()["last_date"] == last.isoformat()
