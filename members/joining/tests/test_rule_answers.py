"""Every member is asked about new rules: consent is a fact, silence follows the rules of before, leaving is free."""

import datetime as dt
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from aidplatform.lib import clock
from aidplatform.testing.endings import end_by_two
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import (
    about,
    fire_deferred,
    not_permitted,
    refused,
    refused_to_owner,
    run,
    value,
)
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from members.joining import news, rule_answers, rule_figures
from members.joining.headcounts import fix_headcount
from members.joining.models import Membership
from members.joining.rule_models import RuleConsent
from members.joining.services import admit_member, end_cover
from members.joining.tests.papers import filled
from members.joining.tests.test_family import added
from members.joining.tests.test_signing import _sign as sign
from members.people.models import Notice, User
from members.pools.models import PlanVersion
from members.pools.selectors import asks_consent, rules_of_change

DAY = dt.date(2026, 2, 1)
INSERT = """INSERT INTO members_ruleconsent
              (membership_id, plan_version_id, shown_sha256, capacity, given_by, language, given_at)
            VALUES (%s, %s, %s, %s, %s, 'en', now()) RETURNING id"""
END = """INSERT INTO members_membershipend (membership_id, reason, end_date, reference, recorded_by, recorded_at)
         VALUES (%s, 'silent', %s, '', 'service', now())"""


def admit(world: World, name: str) -> Membership:
    """Admit a person with an account."""
    return admit_member(
        pool=world.pool,
        person=User.objects.create_user(f"{name}@people.example.org", name=name),
        class_no=0,
        from_at=clock.now(),
        joined_date=dt.date(2026, 1, 1),
        actor="test",
    )


def change(world: World, day: dt.date = DAY, **terms: Any) -> PlanVersion:
    """Publish a lower fee from a day on."""
    return world.change_plan(day, fee={"rate": "6/100"}, **terms)


def sha(version: PlanVersion) -> str:
    assert version.proposal is not None
    return version.proposal.shown_sha256


def person(membership: Membership) -> User:
    assert membership.person is not None
    return membership.person


def agree(
    version: PlanVersion, membership: Membership, *children: Membership, **changes: Any
) -> list[RuleConsent]:
    fields: dict[str, Any] = {
        "numbers": [membership.number, *(one.number for one in children)],
        "shown_sha256": sha(version),
        "language": "en",
        "at": clock.now(),
    }
    return rule_answers.agree(version=version, person=person(membership), **(fields | changes))


def at_day(world: World, day: dt.date, hour: int = 9) -> None:
    set_clock(clock.start_of_day(day, world.pool.time_zone) + dt.timedelta(hours=hour))


def figures(version: PlanVersion) -> tuple[int, ...]:
    found = rule_figures.figures_of(version)
    return (found.agreed, found.unanswered, found.left, found.ended, found.unreachable)


@prepared
def asking() -> World:
    """Give the test a pool whose rules take consent to new ones."""
    return World.founded(change_by="consent")


# --- telling ------------------------------------------------------------------------------------------------------


def test_members_and_guardians_are_told_with_the_page_and_what_silence_means(world: World) -> None:
    guardian = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    child, single = added(guardian), admit(world, "single")
    gone = admit(world, "gone")
    end_cover(membership=gone, at=clock.now(), reason="left", actor=person(gone).code)
    change(world)
    run_jobs()
    told = Notice.objects.filter(kind="rules")
    assert set(told.values_list("person", flat=True)) == {guardian.person_id, single.person_id}
    assert {one.link for one in told} == {"/pools/test-pool/me/rules/2/"}
    assert not told[0].params["by_consent"]
    assert child.person_id is None
    # Whose own membership is over still answers for the child.
    end_cover(membership=guardian, at=clock.now(), reason="left", actor=person(guardian).code)
    second = change(world, dt.date(2026, 3, 1), waiting_days=10)
    run_jobs()
    keyed = Notice.objects.filter(kind="rules", key=str(second)).values_list("person", flat=True)
    assert set(keyed) == {guardian.person_id, single.person_id}


def test_who_joins_between_publication_and_first_day_is_told_and_asked(world: World) -> None:
    version = change(world)
    run_jobs()
    late = sign(filled(world.pool, User.objects.create_user("late@example.org", name="Late")))
    assert Notice.objects.get(person=late.person, kind="rules").key == str(version)
    assert [one.version for one in rule_answers.open_questions(person(late))] == [version]
    at_day(world, DAY)
    after = sign(filled(world.pool, User.objects.create_user("after@example.org", name="After"), _other()))
    assert rule_answers.answers_of(version, person(after)) == []
    assert not Notice.objects.filter(person=after.person, kind="rules").exists()


def _other() -> Any:
    from members.joining.tests.papers import passport

    return passport("XX0000009")


def test_publication_writes_no_row_for_a_member_and_reminder_reaches_the_silent_once(world: World) -> None:
    said, silent = admit(world, "said"), admit(world, "silent")
    version = change(world)
    assert not RuleConsent.objects.exists()
    agree(version, said)
    sent = rule_figures.remind(version=version, sender=world.admin.code, at=clock.now())
    again = rule_figures.remind(version=version, sender=world.admin.code, at=clock.now())
    assert sent == again
    run_jobs()
    reminded = Notice.objects.filter(kind="rules_reminder")
    assert [one.person_id for one in reminded] == [silent.person_id]
    run_jobs()
    assert Notice.objects.filter(kind="rules_reminder").count() == 1


# --- consent ------------------------------------------------------------------------------------------------------


def test_consent_is_kept_once_with_who_what_when_and_in_which_language(world: World) -> None:
    guardian = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    child = added(guardian)
    version = change(world)
    first = agree(version, guardian, language="zh-hans")
    both = agree(version, guardian, child)
    assert [one.pk for one in both][:1] == [first[0].pk]
    assert [(one.membership_id, one.capacity, one.language) for one in both] == [
        (guardian.pk, "self", "zh-hans"),
        (child.pk, "guardian", "en"),
    ]
    assert {(one.given_by, one.shown_sha256, one.given_at) for one in both} == {
        (person(guardian).code, sha(version), clock.now())
    }
    assert rule_answers.open_questions(person(guardian)) == []


def test_nobody_agrees_for_another_or_to_other_rules_or_too_late(world: World) -> None:
    one, other = admit(world, "one"), admit(world, "other")
    version = change(world)
    with pytest.raises(rule_answers.NobodyAgreesError):
        agree(version, one, numbers=[other.number])
    with pytest.raises(rule_answers.NobodyAgreesError):
        agree(version, one, numbers=[])
    with pytest.raises(rule_answers.OtherRulesError):
        agree(version, one, shown_sha256="0" * 64)
    at_day(world, DAY, 0)
    with pytest.raises(rule_answers.RulesBegunError):
        agree(version, one)


def test_consent_is_to_what_was_shown(world: World) -> None:
    member = admit(world, "member")
    version, code = change(world), person(member).code
    with refused("consent_is_to_what_was_shown"):
        run(INSERT, member.pk, version.pk, "0" * 64, "self", code)
    first = world.pool.plan_versions.get(number=1)
    with refused("consent_is_to_what_was_shown"):
        run(INSERT, member.pk, first.pk, sha(version), "self", code)
    elsewhere = admit(World.founded(code="other-pool"), "elsewhere")
    with refused("consent_is_to_what_was_shown"):
        run(INSERT, elsewhere.pk, version.pk, sha(version), "self", person(elsewhere).code)
    run(INSERT, member.pk, version.pk, sha(version), "self", code)
    with refused("one_consent_per_version"):
        run(INSERT, member.pk, version.pk, sha(version), "self", code)


def test_consent_is_given_in_person(world: World) -> None:
    guardian = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    child, other = added(guardian), admit(world, "other")
    version = change(world)
    for by, capacity in ((other, "self"), (other, "guardian"), (guardian, "guardian")):
        with about((by, capacity)), refused("consent_is_given_in_person"):
            run(INSERT, guardian.pk, version.pk, sha(version), capacity, person(by).code)
    with refused("consent_is_given_in_person"):
        run(INSERT, child.pk, version.pk, sha(version), "self", person(guardian).code)
    stranger = Membership.objects.get(pool=world.pool, number=1)
    with refused("consent_is_given_in_person"):
        run(INSERT, stranger.pk, version.pk, sha(version), "guardian", person(guardian).code)


def test_consent_comes_in_time(world: World) -> None:
    member, gone = admit(world, "member"), admit(world, "gone")
    version = change(world)
    end_cover(membership=gone, at=clock.now(), reason="left", actor=person(gone).code)
    with refused("consent_comes_in_time"):
        run(INSERT, gone.pk, version.pk, sha(version), "self", person(gone).code)
    at_day(world, DAY, 0)
    with refused("consent_comes_in_time"):
        run(INSERT, member.pk, version.pk, sha(version), "self", person(member).code)


def test_consent_names_its_language(world: World) -> None:
    member = admit(world, "member")
    version = change(world)
    with refused("consent_names_its_language"):
        run(INSERT.replace("'en'", "''"), member.pk, version.pk, sha(version), "self", person(member).code)


def test_consent_is_permanent(world: World) -> None:
    member = admit(world, "member")
    agree(change(world), member)
    for statement in (
        "UPDATE members_ruleconsent SET language = 'zh-hans'",
        "DELETE FROM members_ruleconsent",
        "TRUNCATE members_ruleconsent",
    ):
        with about(statement), not_permitted():
            run(statement)


def test_consent_and_reminder_are_permanent_for_the_owner_too(owner: psycopg.Connection) -> None:
    for name, table in (("consent", "ruleconsent"), ("reminder", "rulereminder")):
        for statement in (f"DELETE FROM members_{table}", f"TRUNCATE members_{table}"):
            with about(statement), refused_to_owner(owner, f"{name}_is_permanent"):
                owner.execute(statement)  # type: ignore[arg-type]


def test_reminder_is_sent_once_in_time_and_by_an_admin(world: World) -> None:
    insert = "INSERT INTO members_rulereminder (pool_id, plan_version_id, sent_by, sent_at) VALUES (%s, %s, %s, now())"
    version = change(world)
    with refused("reminder_is_an_admins"):
        run(insert, world.pool.pk, version.pk, world.controller.code)
    first = world.pool.plan_versions.get(number=1)
    with refused("reminder_is_sent_in_time"):
        run(insert, world.pool.pk, first.pk, world.admin.code)
    run(insert, world.pool.pk, version.pk, world.admin.code)
    with refused("one_reminder_per_version"):
        run(insert, world.pool.pk, version.pk, world.admin.code)
    late = change(world, dt.date(2026, 2, 2), waiting_days=10)
    at_day(world, dt.date(2026, 2, 2), 0)
    with refused("reminder_is_sent_in_time"):
        run(insert, world.pool.pk, late.pk, world.admin.code)


# --- silence ------------------------------------------------------------------------------------------------------


def test_silence_binds_where_exit_is_free(world: World) -> None:
    said, silent, left = (admit(world, name) for name in ("said", "silent", "left"))
    version = change(world)
    assert not asks_consent(version)
    agree(version, said)
    end_cover(membership=left, at=clock.now(), reason="left", actor=person(left).code)
    assert figures(version) == (1, 1, 1, 0, 7)
    assert [one.number for one in rule_figures.unanswered(version)] == [silent.number]
    at_day(world, DAY)
    fix_headcount(pool=world.pool)
    assert not run("SELECT 1 FROM members_membershipend WHERE reason = 'silent'")
    assert figures(version) == (1, 1, 1, 0, 7)


def test_silence_ends_the_membership_where_consent_is_asked(asking: World) -> None:
    """The worked example of the manual: six with accounts, four agree, one leaves, one does nothing."""
    members = [admit(asking, f"member{number}") for number in range(6)]
    version = change(asking)
    assert asks_consent(version)
    run_jobs()
    for one in members[:4]:
        agree(version, one)
    leaver, silent = members[4:]
    at_day(asking, dt.date(2026, 1, 28))
    end_cover(
        membership=leaver,
        at=clock.start_of_day(dt.date(2026, 1, 29), asking.pool.time_zone),
        reason="left",
        actor=person(leaver).code,
    )
    assert figures(version) == (4, 1, 1, 0, 7)
    at_day(asking, DAY, 0)
    fix_headcount(pool=asking.pool)
    fire_deferred()
    run_jobs()
    assert [(end.reason, end.end_date) for end in [Membership.objects.get(pk=silent.pk).end]] == [
        ("silent", DAY)
    ]
    assert value("SELECT to_at FROM members_span WHERE membership_id = %s", silent.pk) == clock.start_of_day(
        DAY, asking.pool.time_zone
    )
    assert (
        value("SELECT count(*) FROM members_span WHERE pool_id = %s AND to_at IS NULL", asking.pool.pk) == 11
    )
    assert figures(version) == (4, 0, 1, 1, 7)
    assert rule_figures.unanswered(version) == []
    told = Notice.objects.filter(kind="rules_ended")
    assert [(one.person_id, one.params["until"]) for one in told] == [(silent.person_id, "2026-02-01")]
    # Another day follows without ending anybody again.
    at_day(asking, dt.date(2026, 2, 2))
    fix_headcount(pool=asking.pool)
    run_jobs()
    assert Notice.objects.filter(kind="rules_ended").count() == 1


def test_child_stays_or_ends_by_its_guardians_answer(asking: World) -> None:
    guardian = sign(filled(asking.pool, User.objects.create_user("mother@example.org", name="Mother")))
    first, second = added(guardian), added(guardian, "CHILD00002")
    version = change(asking)
    agree(version, guardian, first)
    at_day(asking, DAY)
    fix_headcount(pool=asking.pool)
    run_jobs()
    ended = Membership.objects.filter(end__reason="silent")
    assert list(ended) == [second]
    told = Notice.objects.get(kind="rules_ended")
    assert (told.person, told.params["member"]) == (guardian.person, second.number)
    assert told.link == "/pools/test-pool/me/family/"


def test_change_is_decided_by_the_rules_in_force_at_its_publication(world: World) -> None:
    """Neither the rules that it brings nor others still to come decide what silence means."""
    first = change(world, change_by="consent")
    second = change(world, dt.date(2026, 3, 1), change_by="consent", waiting_days=10)
    assert (asks_consent(first), asks_consent(second)) == (False, False)
    at_day(world, DAY)
    third = change(world, dt.date(2026, 4, 1))
    assert asks_consent(third)
    assert rules_of_change(third) == first
    by_database = run(
        """SELECT v.number FROM members_planversion v WHERE v.pool_id = %s AND 'consent' = (
               SELECT coalesce(was.terms->>'change_by', 'free_exit') FROM members_planversion was
                WHERE was.pool_id = v.pool_id AND was.number = %s) AND v.number = 4""",
        world.pool.pk,
        rules_of_change(third).number,
    )
    assert by_database == [(4,)]


def test_nobody_stays_without_consent(asking: World) -> None:
    silent = admit(asking, "silent")
    change(asking)
    at_day(asking, dt.date(2026, 1, 31))
    fix_headcount(pool=asking.pool)
    at_day(asking, DAY)
    with refused("nobody_stays_without_consent"):
        run("UPDATE members_pool SET headcount_recorded_at = clock_timestamp() WHERE id = %s", asking.pool.pk)
    with refused("nobody_stays_without_consent"):
        run("UPDATE members_pool SET ages_followed_date = %s WHERE id = %s", DAY, asking.pool.pk)
    fix_headcount(pool=asking.pool)
    assert Membership.objects.get(pk=silent.pk).end.reason == "silent"


def test_silence_ends_where_consent_is_asked(asking: World) -> None:
    said, silent = admit(asking, "said"), admit(asking, "silent")
    version = change(asking)
    agree(version, said)
    nobody = Membership.objects.get(pool=asking.pool, number=1)
    with refused("silence_ends_where_consent_is_asked"):
        run(END, silent.pk, DAY)
    at_day(asking, DAY)
    for one, day in ((said, DAY), (nobody, DAY), (silent, DAY - dt.timedelta(days=1))):
        with about((one, day)), refused("silence_ends_where_consent_is_asked"):
            run(END, one.pk, day)
    free = World.founded(code="free-pool")
    bound = admit(free, "bound")
    change(free)
    at_day(free, DAY)
    with refused("silence_ends_where_consent_is_asked"):
        run(END, bound.pk, DAY)


def test_nobody_leaves_by_silence_while_the_pool_ends(asking: World) -> None:
    silent = admit(asking, "silent")
    version = change(asking)
    end_by_two(asking)
    at_day(asking, DAY)
    fix_headcount(pool=asking.pool)
    assert not run("SELECT 1 FROM members_membershipend WHERE membership_id = %s", silent.pk)
    assert figures(version)[:2] == (0, 1)


# --- pages and programs -------------------------------------------------------------------------------------------


def test_member_answers_on_the_page(world: World) -> None:
    guardian = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    child = added(guardian)
    version = change(world)
    browser, address = client_of(person(guardian)), "/pools/test-pool/me/rules/2/"
    assert address in browser.get("/").content.decode()
    assert address in browser.get("/pools/test-pool/me/").content.decode()
    page = browser.get(address).content.decode()
    assert "6 % of the aid" in page
    assert "is bound by them from then on" in page
    assert "/pools/test-pool/me/leave/" in page
    assert "/pools/test-pool/plan/2/shares/" in page
    given = {"shown_sha256": sha(version), "members": [guardian.number, child.number]}
    assert browser.post(address, given | {"shown_sha256": "0" * 64}).status_code == 409
    assert browser.post(address, {"shown_sha256": sha(version)}).status_code == 422
    assert browser.post(address, given | {"members": ["1"]}).status_code == 422
    for _twice in range(2):
        assert browser.post(address, given).headers["Location"] == address
    assert RuleConsent.objects.count() == 2
    assert address not in browser.get("/").content.decode()
    assert "agreed" in browser.get(address).content.decode()
    at_day(world, DAY)
    assert browser.post(address, given).status_code == 409


def test_page_of_the_question_is_the_members_own(world: World) -> None:
    admit(world, "member")
    change(world)
    assert client_of(world.stranger).get("/pools/test-pool/me/rules/2/").status_code == 404
    assert client_of(None).get("/pools/test-pool/me/rules/2/").status_code == 302
    member = User.objects.get(email="member@people.example.org")
    for number in (1, 3):
        assert client_of(member).get(f"/pools/test-pool/me/rules/{number}/").status_code == 404


def test_staff_see_who_has_not_answered_by_number_and_remind_once(world: World) -> None:
    said, silent = admit(world, "said"), admit(world, "silent")
    version = change(world)
    agree(version, said)
    address = "/pools/test-pool/plan/2/answers/"
    browser = client_of(world.admin)
    page = browser.get(address).content.decode()
    assert f'data-label="Member">{silent.number}</th>' in page
    assert "silent@people.example.org" not in page
    table = b"".join(browser.get("/pools/test-pool/plan/2/answers.csv").streaming_content)  # type: ignore[attr-defined]
    assert table.decode("utf-8-sig").splitlines() == [
        "membership,joined,answers",
        f"{silent.number},2026-01-01,self",
    ]
    assert address in browser.get("/pools/test-pool/plan/2/").content.decode()
    for _twice in range(2):
        assert browser.post(f"{address}remind/").headers["Location"] == address
    assert value("SELECT count(*) FROM members_rulereminder") == 1
    assert "Everybody has answered" not in browser.get(f"{address}?after={silent.number}").content.decode()
    for who, get, post in (
        (world.controller, 200, 403),
        (world.auditor, 200, 403),
        (world.treasurer, 403, 403),
        (world.stranger, 404, 404),
    ):
        assert client_of(who).get(address).status_code == get
        assert client_of(who).post(f"{address}remind/").status_code == post
    at_day(world, DAY)
    late = change(world, dt.date(2026, 3, 1), waiting_days=10)
    at_day(world, dt.date(2026, 3, 1))
    assert browser.post(f"/pools/test-pool/plan/{late.number}/answers/remind/").status_code == 409


def test_list_of_the_unanswered_goes_on_by_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        admit(world, f"member{number}")
    version = change(world)
    monkeypatch.setattr(rule_figures, "PAGE", 2)
    browser = client_of(world.admin)
    first = browser.get("/pools/test-pool/plan/2/answers/").content.decode()
    assert "?after=9" in first
    assert (
        'data-label="Member">10</th>'
        in browser.get("/pools/test-pool/plan/2/answers/?after=9").content.decode()
    )
    assert len(list(rule_figures.all_unanswered(version))) == 3


def test_pages_ask_no_more_with_more_members(world: World) -> None:
    def queries(who: User, address: str) -> int:
        browser = client_of(who)
        browser.get(address)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert browser.get(address).status_code == 200
        return len(asked)

    guardian = sign(filled(world.pool, User.objects.create_user("mother@example.org", name="Mother")))
    added(guardian)
    change(world)
    addresses = (
        (person(guardian), "/pools/test-pool/me/rules/2/"),
        (world.admin, "/pools/test-pool/plan/2/answers/"),
    )
    before = [queries(*one) for one in addresses]
    for number in ("CHILD00002", "CHILD00003"):
        added(guardian, number)
    assert [queries(*one) for one in addresses] == before


def test_programs_answer_and_read_the_figures(world: World) -> None:
    member = admit(world, "member")
    version = change(world)
    browser = client_of(person(member))
    found = browser.get("/api/v1/pools/test-pool/my-rules/").json()
    assert [(one["number"], one["by_consent"], one["is_open"]) for one in found] == [(2, False, True)]
    assert found[0]["answers"] == [{"member": member.number, "consent": None}]
    address = "/api/v1/pools/test-pool/my-rules/2/consent/"
    given = {"shown_sha256": found[0]["shown_sha256"], "members": [member.number]}
    made = browser.post(address, given, content_type="application/json")
    assert (made.status_code, made.json()[0]["shown_sha256"]) == (201, sha(version))
    other = browser.post(address, given | {"members": [1]}, content_type="application/json")
    assert (other.status_code, other.json()["type"]) == (422, "urn:aid:consent_is_given_in_person")
    assert client_of(world.stranger).get("/api/v1/pools/test-pool/my-rules/").status_code == 404
    staff, figures_at = client_of(world.admin), "/api/v1/pools/test-pool/plan-versions/2/answers/"
    assert staff.get(f"{figures_at}figures/").json() == {
        "agreed": 1, "unanswered": 0, "left": 0, "ended": 0, "unreachable": 7,
        "by_consent": False, "is_open": True, "reminded_at": None,
    }  # fmt: skip
    silent = admit(world, "silent")
    assert staff.get(f"{figures_at}unanswered/?after=1").json() == [
        {"member": silent.number, "joined_date": "2026-01-01", "by_guardian": False}
    ]
    assert staff.get(f"{figures_at}unanswered/?after=x").status_code == 400
    assert staff.post(f"{figures_at}reminder/").json()["reminded_at"] is not None
    assert client_of(world.treasurer).post(f"{figures_at}reminder/").status_code == 403
    assert client_of(person(member)).get(f"{figures_at}figures/").status_code == 404


def test_receipt_of_the_change_says_what_silence_means() -> None:
    from members.people.notices import RULES, body_of

    params = {"pool_en": "P", "pool_zh": "计划", "effective_date": "2026-02-01", "reason": "Why."}
    assert "hold for you" in body_of(RULES, params)
    assert "without it your membership ends" in body_of(RULES, params | {"by_consent": True})


def test_told_news_name_the_version_that_is_coming(world: World) -> None:
    member = admit(world, "member")
    change(world)
    for _twice in range(2):
        news.tell_coming_rules(membership=member, person=person(member), actor="test")
    assert Notice.objects.filter(person=member.person, kind="rules").count() == 1
