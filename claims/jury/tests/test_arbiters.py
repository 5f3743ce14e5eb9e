"""Too few for a jury: somebody from outside is appointed by two, takes one case on for its days, decides in writing."""

import datetime as dt
import json
import uuid
from typing import Any

import psycopg
import pytest
from django.http import HttpResponse
from django.test import Client

from aidplatform.lib import clock
from aidplatform.lib.dates import format_instant
from aidplatform.lib.errors import NotFoundError
from aidplatform.testing.jury_cases import JURY, JuryCases
from aidplatform.testing.pairs import Meanwhile, wait_for_waiters
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.testing.world import run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from claims.jury import arbiters, services
from claims.jury.arbiter_models import Arbitration
from claims.jury.arbiter_selectors import (
    access_case,
    arbitration_of,
    running_arbitrations,
    told,
)
from claims.jury.models import JuryDraw
from claims.jury.tasks import follow_juries_due
from claims.my_data import EXPORTER
from claims.publicity import services as publicity
from claims.review.selectors import public_ref
from ledger.openbooks import services as openbooks
from ledger.openbooks.models import LogEntry
from members.people.models import Mail, Notice, User

REASON = "The report of the hospital names the illness that the rules list, and its day is after the wait."
NAMED = {
    "arbiter_name": "Zhao Min",
    "arbiter_organization": "Mediation centre of Tianjin",
    "arbiter_contact": "022 1234",
}
UPDATE = "UPDATE claims_arbitration SET {} WHERE id = %s"


@prepared
def cases() -> JuryCases:
    """Return a pool of which five members have offered to judge."""
    return JuryCases.founded(offering=5)


def outsider() -> User:
    found = User.objects.filter(email="arbiter@example.net").first()
    return found or User.objects.create_user("arbiter@example.net", name="Arbiter")


def take(cases: JuryCases) -> Arbitration:
    claim = cases.refused()
    services.take_to_jury(
        claim=claim,
        claimant=cases.claimant.code,
        statement="Please read the report.",
        shows_reasons=True,
        shows_appeal=True,
        at=clock.now(),
    )
    run_jobs()
    one = arbitration_of(claim)
    assert one is not None
    return one


def proposed(cases: JuryCases, one: Arbitration | None = None) -> Arbitration:
    admin = cases.world.admin.code
    name = "Zhao Min, mediation centre of Tianjin, 022 1234"
    return arbiters.propose_arbiter(arbitration=one or take(cases), admin=admin, name=name, at=clock.now())


def appointed(cases: JuryCases) -> Arbitration:
    controller = cases.world.controller.code
    return arbiters.agree_to_arbiter(
        arbitration=proposed(cases), controller=controller, agrees=True, at=clock.now()
    )


def token_of(cases: JuryCases, one: Arbitration) -> str:
    link = arbiters.make_link(arbitration=one, admin=cases.world.admin.code, at=clock.now())
    return link.rstrip("/").rpartition("/")[2]


def running(cases: JuryCases, one: Arbitration | None = None) -> Arbitration:
    token = token_of(cases, one or appointed(cases))
    return arbiters.accept_arbitration(token=token, person=outsider(), at=clock.now())


def decided(one: Arbitration, outcome: str) -> Claim:
    arbiters.decide(arbitration=one, person=outsider(), outcome=outcome, reason=REASON, at=clock.now())
    run_jobs()
    return Claim.objects.get(pk=one.claim_id)


def bodies(entry_type: str) -> list[dict[str, Any]]:
    found = LogEntry.objects.filter(type=entry_type).order_by("seq")
    return [json.loads(bytes(entry.data))["body"] for entry in found]


def kinds(person: User) -> set[str]:
    run_jobs()
    return set(Notice.objects.filter(person=person).values_list("kind", flat=True))


def change(one: Arbitration, columns: str, *values: object) -> None:
    run(UPDATE.format(columns), *values, one.pk)


def insert(claim: Claim, **columns: object) -> None:
    row: dict[str, object] = {
        "code": "A-BYHAND0000", "claim_id": claim.pk, "number": 0, "state": "wanted", "eligible": 0,
        "in_plan": False, "asked_at": "2020-01-01", **columns,
    }  # fmt: skip
    places = ", ".join(["%s"] * len(row))
    run(f"INSERT INTO claims_arbitration ({', '.join(row)}) VALUES ({places})", *row.values())


def test_link_of_an_arbiter_is_mailed_and_what_is_late_is_told(cases: JuryCases) -> None:
    """Not proposed, not made, not used: each is due, and told once to those who appoint and to the claimant."""
    admin, claimant = cases.world.admin, cases.claimant

    def late(person: User, kind: str = "arbiter_late") -> int:
        due = Claim.objects.get(pk=one.claim_id).due_date
        assert due is not None
        set_clock(clock.start_of_day(due + dt.timedelta(days=1), "Asia/Shanghai"))
        for _tick in range(2):
            follow_juries_due()
            run_jobs()
        return Notice.objects.filter(person=person, kind=kind).count()

    one = take(cases)
    assert late(admin) == 1
    one = arbiters.agree_to_arbiter(
        arbitration=proposed(cases, one), controller=cases.world.controller.code, agrees=True, at=clock.now()
    )
    assert late(cases.world.controller) == 2
    client = client_of(admin)
    page = f"/pools/test-pool/arbitrations/{public_ref(one.claim)}/"
    assert client.post(f"{page}link/", {"address": "nowhere", "instead_of": ""}).status_code == 422
    made = client.post(f"{page}link/", {"address": "zhao@example.net", "instead_of": ""}).content.decode()
    assert "It is mailed to zhao@example.net" in made
    mail = Mail.objects.get(to_address="zhao@example.net")
    assert one.claim.code not in mail.body
    assert late(admin) == 3
    running(cases, Arbitration.objects.get(pk=one.pk))
    assert late(admin) == 4
    assert late(claimant, "claim_late") == 4


def test_arbiter_grants_in_the_place_of_a_jury(cases: JuryCases) -> None:
    one = take(cases)
    claim = one.claim
    assert (one.state, one.number, one.eligible, one.in_plan) == ("wanted", 1, 5, False)
    assert claim.state == "before_jury"
    assert not JuryDraw.objects.exists()
    assert "arbiter_wanted" in kinds(cases.world.admin)
    one = proposed(cases, one)
    assert "arbiter_proposed" in kinds(cases.world.controller)
    one = arbiters.agree_to_arbiter(
        arbitration=one, controller=cases.world.controller.code, agrees=True, at=clock.now()
    )
    one = running(cases, one)
    assert one.until_date == clock.today(claim.pool.time_zone) + dt.timedelta(days=30)
    assert running_arbitrations(outsider()) == [one]
    assert "arbiter_case" in kinds(outsider())
    claim = decided(one, "granted")
    assert claim.state == Claim.State.IN_PUBLICITY
    assert cases.award(claim).aid_fen == claim.aid_fen == 5_000_000
    assert {"claim_before_arbiter", "claim_arbiter_granted"} <= kinds(cases.claimant)
    assert not {"claim_before_jury", "claim_jury_granted"} & kinds(cases.claimant)
    (asked,), (said,) = bodies("arbiter.ask"), bodies("arbiter.decide")
    assert (asked["eligible"], asked["least"], said["outcome"]) == (5, 30, "granted")
    assert bodies("claim.decide")[-1]["arbiter"] == said["ref"]
    logged = json.dumps([asked, said])
    assert claim.code not in logged
    assert outsider().code not in logged
    with pytest.raises(NotFoundError):
        access_case(person=outsider(), code=one.code)
    one.refresh_from_db()
    assert told(one).reason == REASON
    assert b"hospital" not in bytes(one.reason_sealed or b"")
    rows = {table.name: list(table.rows(cases.claimant)) for table in EXPORTER.tables}
    assert rows["arbitrations"][0]["reason"] == REASON
    rows = {table.name: list(table.rows(outsider())) for table in EXPORTER.tables}
    assert [row["code"] for row in rows["arbitrated"]] == [one.code]


def test_arbiter_refuses_for_good(cases: JuryCases) -> None:
    claim = decided(running(cases), "refused")
    assert claim.state == "refused_by_jury"
    assert "claim_arbiter_refused" in kinds(cases.claimant)
    assert not cases.world.pool.awards.filter(claim_code=claim.code).exists()


def test_plan_that_names_an_arbiter_has_appointed_them(db: None) -> None:
    cases = JuryCases.founded(offering=5, jury=JURY | NAMED | {"arbiter_days": 14})
    one = take(cases)
    assert (one.state, one.in_plan) == ("appointed", True)
    assert told(one).name == "Zhao Min, Mediation centre of Tianjin (022 1234)"
    one = running(cases, one)
    assert one.until_date == clock.today("Asia/Shanghai") + dt.timedelta(days=14)
    arbiters.decline(arbitration=one, person=outsider(), at=clock.now())
    now = arbitration_of(one.claim)
    assert now is not None
    assert (now.number, now.state, now.in_plan, now.eligible) == (2, "wanted", False, 5)


def test_thirty_have_a_jury_and_nobody_else(db: None) -> None:
    cases = JuryCases.founded(offering=30)
    draw = cases.take(cases.refused())
    assert draw.size == 30
    with refused("arbiter_decides_where_no_jury_can_be_drawn"):
        insert(draw.claim)


def insert_draw(claim: Claim) -> None:
    """Draw from thirty names that nobody bears."""
    names = b"".join(sorted(number.to_bytes(32, "big") for number in range(30)))
    run(
        """INSERT INTO claims_jurydraw (claim_id, stage, state, eligible, head, size, seats, reserves, quorum,
                                        called_at, commit_until_at)
           VALUES (%s, 1, 'called', %s, sha256(%s), 30, 5, 4, 3, now(), now())""",
        claim.pk,
        names,
        names,
    )


def take_by_hand(cases: JuryCases) -> Claim:
    claim = cases.refused()
    run(
        """INSERT INTO claims_jurycase (claim_id, taken_by, taken_at, statement_sealed, shows_reasons, shows_appeal)
           VALUES (%s, %s, now(), 'x', true, true)""",
        claim.pk,
        cases.claimant.code,
    )
    run("UPDATE claims_claim SET state = 'before_jury' WHERE id = %s", claim.pk)
    return claim


def test_jury_is_refused_where_too_few_can_be_drawn(cases: JuryCases) -> None:
    claim = take_by_hand(cases)
    with refused("jury_takes_enough_people"):
        insert_draw(claim)
    insert(claim)
    with refused("arbiter_decides_where_no_jury_can_be_drawn"):
        insert_draw(claim)


def test_arbiter_is_refused_where_a_jury_could_be_drawn(db: None) -> None:
    cases = JuryCases.founded(offering=30)
    with refused("arbiter_decides_where_no_jury_can_be_drawn"):
        insert(cases.refused())
    with refused("arbiter_decides_where_no_jury_can_be_drawn"):
        insert(take_by_hand(cases))


def test_arbiter_is_appointed_by_two_people(cases: JuryCases) -> None:
    one = take(cases)
    for person in (cases.world.controller, cases.reviewer, cases.neighbor):
        with pytest.raises(arbiters.TwoPeopleError):
            arbiters.propose_arbiter(arbitration=one, admin=person.code, name="Zhao Min", at=clock.now())
        with refused("arbiter_is_appointed_by_two_people"):
            change(one, "state = 'proposed', proposed_by = %s, name_sealed = 'x'", person.code)
    with refused("arbiter_is_appointed_by_two_people"):
        change(one, "state = 'appointed'")
    one = proposed(cases, one)
    admin = cases.world.admin.code
    with pytest.raises(arbiters.TwoPeopleError):
        arbiters.agree_to_arbiter(arbitration=one, controller=admin, agrees=True, at=clock.now())
    with refused("arbiter_is_appointed_by_two_people"):
        change(one, "state = 'appointed', agreed_by = %s", admin)
    with refused("arbitration_takes_its_steps"):
        change(one, "name_sealed = 'y'")
    now = arbiters.agree_to_arbiter(
        arbitration=one, controller=cases.world.controller.code, agrees=False, at=clock.now()
    )
    assert (now.number, now.state) == (2, "wanted")


def test_arbiter_is_from_outside(cases: JuryCases) -> None:
    one = appointed(cases)
    token = token_of(cases, one)
    for person in (cases.claimant, cases.neighbor, cases.reviewer, cases.world.treasurer, cases.jurors[0]):
        with pytest.raises(arbiters.ArbiterNotFromOutsideError):
            arbiters.accept_arbitration(token=token, person=person, at=clock.now())
        with refused("arbiter_is_from_outside"):
            change(one, "state = 'running', arbiter_id = %s, until_date = '2030-01-01'", person.pk)


def test_link_is_used_once_and_in_its_days(cases: JuryCases) -> None:
    one = appointed(cases)
    first = token_of(cases, one)
    second = token_of(cases, one)
    with pytest.raises(arbiters.ArbiterLinkOverError):
        arbiters.accept_arbitration(token=first, person=outsider(), at=clock.now())
    with pytest.raises(arbiters.LinkMadeError):
        arbiters.make_link(arbitration=one, admin=cases.world.admin.code, at=clock.now(), instead_of="other")
    set_clock(clock.now() + dt.timedelta(days=7))
    with pytest.raises(arbiters.ArbiterLinkOverError):
        arbiters.accept_arbitration(token=second, person=outsider(), at=clock.now())
    with refused("arbitration_link_is_live"):
        change(one, "state = 'running', arbiter_id = %s, until_date = '2030-01-01'", outsider().pk)


def test_arbiter_decides_in_their_days_with_a_reason(cases: JuryCases) -> None:
    one = running(cases)
    granted = "state = 'decided', outcome = 'granted', aid_fen = 5000000, reason_sealed = %s, ended_by = %s"
    with refused("arbiter_decides_in_their_days"):
        change(one, granted, b"x", cases.world.admin.code)
    with refused("arbiter_gives_a_reason"):
        change(one, granted, b"x", outsider().code)
    body = bodies("arbiter.ask")[0]
    openbooks.append(
        code=one.claim.pool.code,
        entry_type="arbiter.decide",
        key=body["ref"],
        body={"ref": body["ref"], "outcome": "granted"},
        at=clock.now(),
    )
    with refused("arbiter_gives_a_reason"):
        change(one, granted, b"", outsider().code)
    with refused("verdict_grants_what_the_plan_gives"):
        change(one, granted.replace("5000000", "5000001"), b"x", outsider().code)
    with refused("claim_step_has_its_paper"):
        run("UPDATE claims_claim SET state = 'approved' WHERE id = %s", one.claim_id)
    assert one.until_date is not None
    set_clock(clock.now() + dt.timedelta(days=31))
    assert running_arbitrations(outsider()) == []
    with pytest.raises(NotFoundError):
        arbiters.decide(arbitration=one, person=outsider(), outcome="granted", reason=REASON, at=clock.now())
    with refused("arbiter_decides_in_their_days"):
        change(one, granted, b"x", outsider().code)


def test_arbiter_is_replaced_when_late_and_not_before(cases: JuryCases) -> None:
    one, admin = running(cases), cases.world.admin.code
    with pytest.raises(arbiters.ArbiterNotLateError):
        arbiters.replace(arbitration=one, admin=admin, at=clock.now())
    with refused("arbiter_is_replaced_when_late"):
        change(one, "state = 'ended', ended_by = %s", admin)
    set_clock(clock.now() + dt.timedelta(days=31))
    now = arbiters.replace(arbitration=one, admin=admin, at=clock.now())
    assert (now.number, now.state) == (2, "wanted")
    with refused("one_arbiter_decides_a_case"):
        insert(one.claim)
    with refused("arbitration_state_follows_order"):
        change(one, "state = 'running'")


def test_withdrawn_case_is_nobodys_any_more(cases: JuryCases) -> None:
    one = running(cases)
    publicity.withdraw_claim(claim=one.claim, claimant=cases.claimant.code, at=clock.now())
    assert running_arbitrations(outsider()) == []
    with refused("arbitration_takes_its_steps"):
        change(
            one, "state = 'decided', outcome = 'refused', aid_fen = 0, reason_sealed = 'x', ended_by = 'x'"
        )
    follow_juries_due()
    run_jobs()
    one.refresh_from_db()
    assert one.state == "ended"
    assert "arbiter_off" in kinds(outsider())
    assert Arbitration.objects.count() == 1


def test_arbitrations_are_kept(cases: JuryCases) -> None:
    one = take(cases)
    with not_permitted():
        run("DELETE FROM claims_arbitration")
    for column in ("claim_id", "number", "eligible", "in_plan", "code"):
        with not_permitted():
            change(one, f"{column} = {column}")
    with refused("arbitration_takes_its_steps"):
        change(one, "until_date = '2030-01-01'")
    with refused("arbitration_takes_its_steps"):
        change(one, "outcome = 'granted'")


@pytest.mark.parametrize("by_program", [False, True])
def test_two_windows_of_one_arbiter_decide_once(committed_db: tuple[str, str], by_program: bool) -> None:
    cases = JuryCases.founded(offering=5)
    run_jobs()
    one = running(cases)
    clients = [client_of(outsider()) for _window in range(2)]
    root = "/api/v1/me/arbitrations" if by_program else "/arbitrations"
    deed = "decision" if by_program else "decide"

    def send(client: Client, outcome: str) -> HttpResponse:
        where, key = f"{root}/{one.code}/{deed}/", str(uuid.uuid4())
        if by_program:
            told = {"outcome": "granted" if outcome == "for" else "refused", "reason": REASON}
            return client.post(where, told, "application/json", headers={"Idempotency-Key": key})  # type: ignore[return-value]
        return client.post(where, {"outcome": outcome, "reason": REASON, "key": key})  # type: ignore[return-value]

    # Each of the two has looked whether it is decided already before either of them is.
    with psycopg.connect(committed_db[1]) as holder:
        holder.execute("SELECT 1 FROM members_pool WHERE id = %s FOR UPDATE", [one.claim.pool_id])
        both = [
            Meanwhile(lambda client=client, vote=vote: send(client, vote))  # type: ignore[misc]
            for client, vote in zip(clients, ("for", "against"), strict=True)
        ]
        wait_for_waiters(holder, 2)
        holder.rollback()
        taken, late = sorted([each.outcome() for each in both], key=lambda answer: answer.status_code)
    assert (taken.status_code, late.status_code) == (204 if by_program else 200, 409)
    one.refresh_from_db()
    assert one.ended_at is not None
    said = late.content.decode() if not by_program else late.json()["title"]
    assert f"You decided this case on {format_instant(one.ended_at, 'Asia/Shanghai')}" in said
    assert (REASON in said) is not by_program
    assert len(bodies("arbiter.decide")) == 1
