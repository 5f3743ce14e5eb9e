"""Erasure: asked for, thought over, held up by what is open, whole, and for good; what all rest on stays true."""

import datetime as dt
import hashlib
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.site.my_data import erasing, services
from aidplatform.testing.bank import Bank
from aidplatform.testing.claim_cases import BIRTH, TODAY, ClaimCases, photograph
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import fire_deferred, refused, refused_to_owner, run, value
from aidplatform.testing.world import World, lay_down_all, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from claims.filing.models import Claim, Evidence
from claims.filing.selectors import ErasedError, read_paper, read_payee, read_story
from claims.publicity import redactions
from claims.publicity import services as publicity
from claims.publicity.objection_papers import add_to_objection
from ledger.custody import hardship
from ledger.custody.arrears_models import HardshipPause
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import append
from ledger.sharing.models import Charge
from members.joining import invitations
from members.joining.models import JoinApplication, Membership
from members.joining.services import end_cover
from members.joining.tests.papers import filled
from members.people import notices
from members.people.erasure_models import Erasure
from members.people.identity import Paper, record_identity
from members.people.models import Identity, User
from members.people.services import make_token

PAGE = "/my-data/erase/"
STORY = "A lump was found at the yearly check."
NUMBER = "E11111111"
REASON = "In the clinic since December."


@prepared
def cases() -> ClaimCases:
    return traced()


def traced() -> ClaimCases:
    """Return a claimant who was charged, has paid, was refused an aid, and has left all kinds of traces."""
    cases = ClaimCases.founded()
    world, person = cases.world, cases.claimant
    person.name, person.name_zh = "Li Nafang", "李娜芳"
    person.save()
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    record_identity(person=person, paper=Paper("Li Nafang", BIRTH, "passport", "CHN", NUMBER), at=clock.now())
    make_token(person=person, is_strong=False, at=clock.now())
    client_of(person).get("/my-data/")
    world.award(100_000)
    period = world.posted_period()
    set_clock(clock.start_of_day(period.charge_date, "Asia/Shanghai") + dt.timedelta(hours=10))
    bank = Bank(world)
    while bank.day <= period.charge_date:
        bank.all_pay()
    set_clock(TODAY)
    hardship.ask_pause(membership=cases.membership, reason=REASON, asker=person.code, at=clock.now())
    invitations.invite(membership=cases.membership, label="My cousin", pays=False, at=clock.now())
    cases.decided("rejected")
    return cases


def leave(membership: Membership) -> None:
    """End a membership as its person, and let the last shares and the time to appeal go by."""
    assert membership.person is not None
    day = clock.today("Asia/Shanghai") + dt.timedelta(days=1)
    end_cover(
        membership=membership,
        at=clock.start_of_day(day, "Asia/Shanghai"),
        reason="left",
        actor=membership.person.code,
    )
    set_clock(clock.now() + dt.timedelta(days=60))


def erased(person: User) -> Erasure:
    """Let the person ask, the days go by and the job run."""
    erasure = erasing.ask_erasure(person=person, at=clock.now())
    set_clock(erasure.due_at)
    assert erasing.order_due_erasures(clock.now()) == 1
    run_jobs()
    erasure.refresh_from_db()
    return erasure


def codes(person: User) -> set[str]:
    return {one.code for one in erasing.hindrances_of(person, clock.now())}


def _columns(*types: str) -> list[tuple[str, str]]:
    return run(
        """SELECT c.table_name, c.column_name FROM information_schema.columns c
             JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type = ANY(%s)""",
        list(types),
    )  # type: ignore[return-value]


def found_in_clear(*words: str) -> list[tuple[str, str, str]]:
    """Return every place of the whole database in which one of the words stands."""
    readable = ("character varying", "text", "json", "jsonb", "date", "inet", "ARRAY")
    places = [(t, c, f'"{c}"::text') for t, c in _columns(*readable)]
    places += [(t, c, f"encode(\"{c}\", 'escape')") for t, c in _columns("bytea")]
    return [
        (table, column, word)
        for table, column, expression in places
        for word in words
        if value(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE strpos({expression}, %s) > 0)", word)
    ]


def sealed_of(person: User) -> list[bytes]:
    """Return everything encrypted that tells about the person, read from the tables of the claims and the members."""
    claims = Claim.objects.filter(claimant=person)
    found: list[Any] = list(Identity.objects.filter(person=person).values_list("sealed", flat=True))
    found += Evidence.objects.filter(claim__in=claims).values_list("sealed", flat=True)
    for claim in claims:
        found += [claim.story_sealed, claim.birth_sealed, claim.payee_sealed]
        found += [one.reason_sealed for one in (*claim.decisions.all(), *claim.recommendations.all())]
    found += HardshipPause.objects.filter(membership__person=person).values_list("reason_sealed", flat=True)
    return [bytes(one) for one in found if one]


def found_sealed(values: list[bytes]) -> list[tuple[str, str]]:
    return [
        (table, column)
        for table, column in _columns("bytea")
        if value(f'SELECT EXISTS (SELECT 1 FROM {table} WHERE "{column}" = ANY(%s))', values)
    ]


# --- whole, and for good --------------------------------------------------------------------------------------------


def test_nothing_that_tells_who_it_was_is_found_anywhere(cases: ClaimCases) -> None:
    person, email = cases.claimant, cases.claimant.email
    words = (person.name, person.name_zh, email, NUMBER, BIRTH.isoformat(), STORY, REASON)
    services.order_export(person=person, at=clock.now())
    run_jobs()
    leave(cases.membership)
    sealed = sealed_of(person)
    assert len(sealed) > 8
    assert len(set(found_sealed(sealed))) >= 6
    assert found_in_clear(person.name, email)
    erasure = erased(person)
    assert (erasure.state, erasure.rows is not None and erasure.rows > 20) == ("done", True)
    fire_deferred()
    assert found_in_clear(*words) == []
    assert found_sealed(sealed) == []
    person.refresh_from_db()
    assert (person.name, person.name_zh, person.is_active) == ("", "", False)
    assert person.erased_at == erasure.ended_at
    assert str(person) == "a former member"
    assert not person.has_usable_password()
    assert not EmailAddress.objects.filter(user=person).exists()


def test_books_log_and_bills_stay_true_without_the_person(
    committed_db: tuple[str, str], capsys: pytest.CaptureFixture[str], django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        _judge_books(traced(), capsys)


def _judge_books(cases: ClaimCases, capsys: pytest.CaptureFixture[str]) -> None:
    pool = cases.world.pool
    leave(cases.membership)
    charged = list(Charge.objects.filter(membership_id=cases.membership.pk).values("period_no", "share_fen"))
    assert charged
    erased(cases.claimant)
    assert_books_true(pool)
    with pytest.raises(SystemExit) as verdict:
        call_command("verify_books", "--pool", pool.code)
    assert verdict.value.code == 0, capsys.readouterr().out
    after = Charge.objects.filter(membership_id=cases.membership.pk).values("period_no", "share_fen")
    assert list(after) == charged
    entry = LogEntry.objects.get(log__code=pool.code, type="doc.purge")
    said = bytes(entry.data).decode()
    assert '"people":1' in said
    assert cases.claimant.code not in said
    deed = AuditEntry.objects.get(action="erase")
    assert (deed.actor, deed.subject) == ("service", cases.claimant.code)


def test_claim_keeps_its_figures_and_loses_its_story(cases: ClaimCases) -> None:
    before = Claim.objects.get(claimant=cases.claimant)
    leave(cases.membership)
    erased(cases.claimant)
    claim = Claim.objects.get(pk=before.pk)
    assert (claim.state, claim.illness, claim.aid_fen) == (before.state, before.illness, before.aid_fen)
    assert (read_story(claim), read_payee(claim)) == ("", None)
    paper = claim.papers.first()
    assert paper is not None
    assert paper.sha256
    assert paper.wrapped is None
    with pytest.raises(ErasedError):
        read_paper(paper)
    reviewer, second = client_of(cases.reviewer), client_of(cases.second)
    for client in (reviewer, second):
        page = client.get(f"/pools/{claim.pool.code}/review/{claim.code}/")
        assert page.status_code == 200
        assert STORY not in page.content.decode()


def test_erased_account_stays_erased(cases: ClaimCases) -> None:
    person = cases.claimant
    leave(cases.membership)
    erased(person)
    pk = person.pk
    with refused("erased_account_stays_erased"):
        run("UPDATE members_user SET name = 'Li Na' WHERE id = %s", pk)
    with refused("erased_account_stays_erased"):
        run("UPDATE members_user SET is_active = true WHERE id = %s", pk)
    for table, columns, values in (
        (
            "members_identity",
            "kind, document_index, sealed, recorded_at",
            "'passport', '\\x01', '\\x01', now()",
        ),
        ("members_noticechoice", "category, way, changed_at", "'family', 'page', now()"),
        ("members_noticehours", "time_zone, digest_hour, changed_at", "'Asia/Shanghai', 8, now()"),
        ("members_apitoken", "token_sha256, is_strong, created_at", "'x', false, now()"),
        ("members_notice", "kind, key, params, link, at", "'joined', 'x', '{}', '', now()"),
        ("members_mail", "key, to_address, subject, body, written_at", "'x', 'a@b.c', '', '', now()"),
    ):
        with refused("erased_account_stays_erased"):
            run(f"INSERT INTO {table} (person_id, {columns}) VALUES (%s, {values})", pk)
    with refused("erased_account_stays_erased"):
        JoinApplication.objects.create(
            pool=cases.world.pool,
            person=person,
            plan_version=cases.world.pool.plan_versions.get(),
            started_at=clock.now(),
            changed_at=clock.now(),
        )
    news = notices.News(User.objects.get(pk=pk), notices.POOL_CLOSED, "k", {}, "/")
    assert notices.tell([news], batch="k", actor="service") == 0
    with refused("erasure_is_asked_for"):
        run(
            """INSERT INTO members_erasure (person_id, number, state, asked_at, due_at)
               VALUES (%s, 2, 'asked', now(), now() + interval '1 day')""",
            pk,
        )


def test_erased_account_gets_no_address_factor_or_session(cases: ClaimCases) -> None:
    person, other = cases.claimant, cases.neighbor
    leave(cases.membership)
    erased(person)
    address = (
        'INSERT INTO account_emailaddress (user_id, email, verified, "primary") VALUES (%s, %s, true, false)'
    )
    with refused("erased_account_stays_erased"):
        run(address, person.pk, "again@example.org")
    run(address, other.pk, "second@example.org")
    with refused("erased_account_stays_erased"):
        run("UPDATE account_emailaddress SET user_id = %s WHERE user_id = %s", person.pk, other.pk)
    with refused("erased_account_stays_erased"):
        run(
            "INSERT INTO mfa_authenticator (user_id, type, data, created_at) VALUES (%s, 'totp', '{}', now())",
            person.pk,
        )
    with refused("erased_account_stays_erased"):
        run(
            """INSERT INTO usersessions_usersession
                 (user_id, created_at, ip, last_seen_at, session_key, user_agent, data)
               VALUES (%s, now(), '192.0.2.1', now(), 'k', '', '{}')""",
            person.pk,
        )


def test_same_document_joins_again_as_somebody_new(cases: ClaimCases) -> None:
    leave(cases.membership)
    erased(cases.claimant)
    again = User.objects.create_user("again@example.org")
    paper = Paper("Li Nafang", BIRTH, "passport", "CHN", NUMBER)
    assert record_identity(person=again, paper=paper, at=clock.now()).person == again


def test_who_never_finished_joining_can_be_erased(world: World) -> None:
    person = world.stranger
    filled(world.pool, person)
    erased(person)
    application = JoinApplication.objects.get(person=person)
    assert (application.identity_sealed, application.answers_sealed) == (None, None)
    assert LogEntry.objects.filter(type="doc.purge").count() == 0


# --- by its request and after its day -------------------------------------------------------------------------------


def _asked(person: User) -> Erasure:
    return erasing.ask_erasure(person=person, at=clock.now())


def test_erasure_waits_its_days(world: World) -> None:
    erasure = _asked(world.stranger)
    assert erasure.due_at - erasure.asked_at == dt.timedelta(days=7)
    assert erasing.order_due_erasures(clock.now()) == 0
    with refused("erasure_waits_its_days"):
        run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)
    for function in ("members_erase", "ledger_erase", "claims_erase"):
        with refused("erasure_is_asked_for"):
            run(f"SELECT {function}(%s)", erasure.pk)


def test_erasure_is_complete(world: World) -> None:
    """Nobody stops halfway, ends one without having erased, or empties an account by hand."""
    erasure = _asked(world.stranger)
    set_clock(erasure.due_at)
    with refused("erasure_is_complete"):
        run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)
        fire_deferred()
    with refused("erasure_is_complete"):
        run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)
        run("UPDATE members_erasure SET state = 'done', rows = 0 WHERE id = %s", erasure.pk)


def test_log_states_purges_as_done(cases: ClaimCases) -> None:
    """Nobody is said to be erased who is not, and of whom it is follows from the request alone."""
    leave(cases.membership)
    code, ref = cases.world.pool.code, _ref(cases)
    erasure = _asked(cases.claimant)
    set_clock(erasure.due_at)
    with refused("log_states_purges_as_done"):
        append(code=code, entry_type="doc.purge", key=ref, body={"people": 1}, at=clock.now())
    for key, body in (("0" * 16, {"people": 1}), (ref, {"people": 2}), (ref, {})):
        with refused("log_states_purges_as_done"):
            run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)
            append(code=code, entry_type="doc.purge", key=key, body=body, at=clock.now())


def test_erasure_is_logged(cases: ClaimCases) -> None:
    leave(cases.membership)
    erasure = _asked(cases.claimant)
    set_clock(erasure.due_at)
    with refused("erasure_is_logged"):
        run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)
        for eraser in erasing.ERASERS:
            run(f"SELECT {eraser.function}(%s)", erasure.pk)
        run("UPDATE members_erasure SET state = 'done', rows = 0 WHERE id = %s", erasure.pk)
        fire_deferred()


def _ref(cases: ClaimCases) -> str:
    told = f"site.erasure:{cases.claimant.code}:{cases.world.pool.code}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def test_erasure_takes_only_what_is_personal(cases: ClaimCases) -> None:
    leave(cases.membership)
    erasure = _asked(cases.claimant)
    set_clock(erasure.due_at)
    claim = Claim.objects.get(claimant=cases.claimant)
    with refused("erasure_takes_only_what_is_personal"):
        run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)
        run("UPDATE claims_claim SET aid_fen = 0, story_sealed = '' WHERE id = %s", claim.pk)


def test_facts_of_others_stay_while_somebody_is_erased(cases: ClaimCases, owner: Any) -> None:
    """The owner's statement passes the first look only in the transaction of an erasure, and row by row only theirs."""
    with refused_to_owner(owner, "identity_is_permanent"):
        owner.execute("DELETE FROM members_identity")


def test_erasure_state_follows_order(world: World) -> None:
    erasure = _asked(world.stranger)
    with refused("erasure_state_follows_order"):
        run("UPDATE members_erasure SET state = 'done', rows = 1, ended_at = now() WHERE id = %s", erasure.pk)
    erasing.cancel_erasure(person=world.stranger, at=clock.now())
    with refused("erasure_state_follows_order"):
        run("UPDATE members_erasure SET state = 'erasing', ended_at = NULL WHERE id = %s", erasure.pk)
    with refused("erasure_waits_its_days"):
        run("UPDATE members_erasure SET ended_at = now() WHERE id = %s", erasure.pk)


def test_erasure_begins_asked_by_turn_and_with_days(world: World) -> None:
    insert = """INSERT INTO members_erasure (person_id, number, state, asked_at, due_at)
                VALUES (%s, %s, 'asked', now(), now() + %s::interval)"""
    with refused("erasure_leaves_time_to_think"):
        run(insert, world.stranger.pk, 1, "0 days")
    with refused("erasure_is_asked_for"):
        run(insert, world.stranger.pk, 2, "7 days")
    _asked(world.stranger)
    with refused("one_erasure_per_person"):
        run(insert, world.stranger.pk, 2, "7 days")
    with refused("erasure_ends_whole"):
        run("UPDATE members_erasure SET rows = 3 WHERE person_id = %s", world.stranger.pk)


def test_requests_are_kept(owner: Any) -> None:
    with refused_to_owner(owner, "erasures_are_kept"):
        owner.execute("DELETE FROM members_erasure")


def test_taken_back_request_erases_nothing(world: World) -> None:
    erasure = _asked(world.stranger)
    set_clock(erasure.due_at)
    assert erasing.order_due_erasures(clock.now()) == 1
    erasing.cancel_erasure(person=world.stranger, at=clock.now())
    run_jobs()
    world.stranger.refresh_from_db()
    assert (world.stranger.erased_at, world.stranger.name) == (None, "Stranger")
    with pytest.raises(DomainError, match="Nothing waits"):
        erasing.cancel_erasure(person=world.stranger, at=clock.now())
    assert _asked(world.stranger).number == 2


# --- what is in the way ---------------------------------------------------------------------------------------------


def test_what_is_open_is_named(cases: ClaimCases) -> None:
    person = cases.claimant
    assert codes(person) == {"membership_runs"}
    cases.filed()
    assert codes(person) == {"membership_runs", "claim_not_final"}
    services.order_export(person=person, at=clock.now())
    assert "export_running" in codes(person)
    assert "duty_held" in codes(cases.reviewer)
    with pytest.raises(DomainError) as error:
        _asked(person)
    assert error.value.extra["reason"] == "claim_not_final, export_running, membership_runs"


def test_share_that_is_owed_or_still_comes_holds_it_up(cases: ClaimCases) -> None:
    world = cases.world
    neighbor = cases.neighbor
    world.award(200_000, code="C-2")
    period = world.announced_period()
    leave(Membership.objects.get(person=neighbor))
    assert codes(neighbor) == {"share_to_come"}
    world.settled_period(period)
    cases.post()
    assert codes(neighbor) == {"share_owed"}


def test_erasure_waits_for_what_is_open(cases: ClaimCases) -> None:
    """What opens after the request holds it up, in the service and in the database."""
    person = cases.world.stranger
    erasure = _asked(person)
    cases.world.grant(person, "auditor")
    set_clock(erasure.due_at)
    assert erasing.order_due_erasures(clock.now()) == 0
    with refused("erasure_waits_for_what_is_open"):
        run("UPDATE members_erasure SET state = 'erasing' WHERE id = %s", erasure.pk)
    lay_down_all(person)
    assert erasing.order_due_erasures(clock.now()) == 1


def begun_by_raw_sql(person: User) -> None:
    """Begin an erasure past every service: asked for some days ago, and due."""
    run(
        """INSERT INTO members_erasure (person_id, number, state, asked_at, due_at)
           VALUES (%s, (SELECT count(*) + 1 FROM members_erasure WHERE person_id = %s), 'asked', aid_now(),
                   aid_now() + interval '1 second')""",
        person.pk,
        person.pk,
    )
    set_clock(clock.now() + dt.timedelta(seconds=2))
    with refused("erasure_waits_for_what_is_open"):
        run(
            "UPDATE members_erasure SET state = 'erasing' WHERE person_id = %s AND state = 'asked'", person.pk
        )
    run("UPDATE members_erasure SET state = 'cancelled' WHERE person_id = %s AND state = 'asked'", person.pk)


def test_database_itself_waits_for_claims_shares_and_money(cases: ClaimCases) -> None:
    world, neighbor = cases.world, cases.neighbor
    cases.filed()
    leave(cases.membership)
    assert codes(cases.claimant) == {"claim_not_final"}
    begun_by_raw_sql(cases.claimant)
    world.award(200_000, code="C-2")
    period = world.announced_period()
    leave(Membership.objects.get(person=neighbor))
    assert codes(neighbor) == {"share_to_come"}
    begun_by_raw_sql(neighbor)
    world.settled_period(period)
    cases.post()
    assert codes(neighbor) == {"share_owed"}
    begun_by_raw_sql(neighbor)


# --- the page -------------------------------------------------------------------------------------------------------


def test_page_says_first_what_goes_and_what_stays(cases: ClaimCases) -> None:
    shown = client_of(cases.claimant).get(PAGE).content.decode()
    assert "What is erased" in shown
    assert "10 years after the decision" in shown
    assert "Your membership in" in shown
    assert 'name="code"' not in shown
    chinese = client_of(cases.claimant, language="zh-hans").get(PAGE).content.decode()
    assert "10 年" in chinese


def test_page_asks_by_the_own_code_and_takes_back(world: World) -> None:
    client = client_of(world.stranger)
    wrong = client.post(f"{PAGE}ask/", {"code": "P-2222222222"})
    assert wrong.status_code == 422
    assert "This is not your code." in wrong.content.decode()
    assert client.post(f"{PAGE}ask/", {"code": world.stranger.code.lower()}).status_code == 302
    assert client.post(f"{PAGE}ask/", {"code": world.stranger.code}).status_code == 409
    assert "You have asked for it" in client.get(PAGE).content.decode()
    assert Erasure.objects.filter(person=world.stranger).count() == 1
    assert client.post(f"{PAGE}cancel/").status_code == 302
    assert client.post(f"{PAGE}cancel/").status_code == 409


def test_page_refuses_while_something_is_open(cases: ClaimCases) -> None:
    client = client_of(cases.claimant)
    answer = client.post(f"{PAGE}ask/", {"code": cases.claimant.code})
    assert answer.status_code == 409
    assert "membership_runs" in answer.content.decode()


def test_asking_takes_a_fresh_proof_and_an_account(world: World) -> None:
    world.stranger.set_password("right horse battery")
    world.stranger.save()
    client = client_of(world.stranger, second_factor=False)
    answer = client.post(f"{PAGE}ask/", {"code": world.stranger.code})
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert client_of(None).get(PAGE).headers["Location"].startswith("/accounts/login/")


def test_erased_person_is_signed_out_and_cannot_come_back(world: World) -> None:
    world.stranger.set_password("right horse battery")
    world.stranger.save()
    client = client_of(world.stranger)
    client.get("/my-data/")
    email = world.stranger.email
    erased(world.stranger)
    assert client.get("/my-data/").headers["Location"].startswith("/accounts/login/")
    answer = client_of(None).post("/accounts/login/", {"login": email, "password": "right horse battery"})
    assert answer.status_code == 200


def test_api_says_whether_it_waits(world: World) -> None:
    client = client_of(world.stranger)
    assert client.get("/api/v1/me/erasure/").json() == {"is_asked": False, "due_at": None, "hindrances": []}
    _asked(world.stranger)
    assert client.get("/api/v1/me/erasure/").json()["is_asked"] is True
    assert client_of(None).get("/api/v1/me/erasure/").status_code in {401, 403}


def test_objections_to_a_case_lose_their_words_with_its_claimant(cases: ClaimCases) -> None:
    claim, objection = cases.objected()
    photo = photograph(120)
    paper = add_to_objection(objection=objection, member=cases.neighbor.code, data=photo, at=clock.now())
    reply = "That was my sister."
    publicity.reply_to_objection(
        objection=objection, claimant=cases.claimant.code, text=reply, at=clock.now()
    )
    proposed = redactions.propose_words(
        objection=objection, proposer=cases.third.code, ground="insult", words=["in 2024"], at=clock.now()
    )
    redactions.decide_redaction(
        redaction=proposed, decider=cases.world.controller.code, takes_out=True, at=clock.now()
    )
    publicity.withdraw_claim(claim=claim, claimant=cases.claimant.code, at=clock.now())
    run_jobs()
    cases.end_publicity()
    cases.post()
    leave(cases.membership)
    assert codes(cases.claimant) == set()
    erased(cases.claimant)
    objection.refresh_from_db()
    proposed.refresh_from_db()
    kept = Evidence.objects.get(pk=paper.paper_id)
    sealed = (objection.reason_sealed, objection.reply_sealed, proposed.shown_sealed)
    assert [value is not None and bytes(value) for value in sealed] == [b"", b"", b""]
    assert proposed.state == "taken_out"
    assert (bytes(kept.sealed), kept.wrapped) == (b"", None)
