"""Going on in another pool at the last age: without a gap, without an overlap, once, and only as signed."""

import datetime as dt
import re
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.testing.endings import end_by_two
from aidplatform.testing.refusals import about, fire_deferred, not_permitted, refused, run, value
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work.models import AuditEntry
from ledger.sharing import services as sharing
from members.joining import ages, tasks
from members.joining.applications import TextsChangedError
from members.joining.headcounts import fix_headcount
from members.joining.last_ages import leavers
from members.joining.models import CovenantSignature, Membership, MembershipSpan
from members.joining.selectors import covers_of
from members.joining.services import admit_member, end_cover, end_covers
from members.joining.tests.going_on import signed_ahead
from members.joining.tests.papers import filled, passport
from members.joining.tests.test_signing import _sign as sign
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import Offer, offer_of
from members.joining.transfers import (
    ConsentsMissingError,
    NotOfferedError,
    TransferBarredError,
    revoke,
)
from members.people import notices
from members.people.models import Notice, User

ZONE = "Asia/Shanghai"
DAY = dt.timedelta(days=1)
# Joins on 1 January 2026 at 59 and is 60 on 20 March.
BORN = dt.date(1966, 3, 20)
LAST = dt.date(2026, 3, 20)
SENIOR: dict[str, Any] = {
    "aid": [{"severity": "severe", "age_from": 60, "age_before": 70, "max_aid_fen": 10_000_000}],
    "waiting_days": 180,
    "takes_over": {"pools": ["test-pool"], "waiting_counts": True},
}


class Two:
    """A pool that ends at 60, the one for those above, and somebody who joins the first."""

    def __init__(self, born: dt.date = BORN, **senior: Any) -> None:
        self.new = World.founded(code="senior", members=4, **SENIOR | senior)
        self.old = World.founded(members=4, successor="senior", waiting_days=30)
        self.person = User.objects.create_user("ana@people.example.org", name="Ana")
        self.member = sign(filled(self.old.pool, self.person, passport("XX1234567", born)))

    def offer(self) -> Offer | None:
        return offer_of(self.member, clock.today(ZONE))

    def sign(self, **other: Any) -> AgeTransfer:
        return signed_ahead(self.member, **other)

    def arrived(self) -> Membership | None:
        return Membership.objects.filter(pool=self.new.pool, person=self.person).first()

    def told(self) -> list[str]:
        return list(Notice.objects.filter(person=self.person).order_by("pk").values_list("kind", flat=True))


def at(day: dt.date, hour: int = 10) -> None:
    set_clock(clock.start_of_day(day, ZONE) + dt.timedelta(hours=hour))


def spans_of(person: User) -> list[tuple[str, dt.date, dt.date | None]]:
    """Return pool, first day and first day without cover of each span of a person, in order."""
    found = MembershipSpan.objects.filter(membership_id__in=person.memberships.values("pk")).order_by(
        "from_at"
    )
    pools = {one.pk: one.pool.code for one in person.memberships.select_related("pool")}
    return [
        (
            pools[s.membership_id],
            clock.day_of(s.from_at, ZONE),
            clock.day_of(s.to_at, ZONE) if s.to_at else None,
        )
        for s in found
    ]


def leaves(two: Two, until: dt.date) -> None:
    end_cover(membership=two.member, at=clock.start_of_day(until, ZONE), reason="left", actor=two.person.code)


def day_passes() -> None:
    tasks.follow_ages()
    run_jobs()


@pytest.fixture
def two(db: None) -> Two:
    return Two()


# --- the days -----------------------------------------------------------------------------------------------------


def test_cover_goes_on_in_the_other_pool_on_the_very_day(two: Two) -> None:
    two.sign()
    at(LAST - DAY, 23)
    day_passes()
    assert spans_of(two.person) == [("test-pool", dt.date(2026, 1, 2), None)]
    at(LAST, 9)
    for _again in range(2):
        day_passes()
    assert spans_of(two.person) == [
        ("test-pool", dt.date(2026, 1, 2), LAST),
        ("senior", LAST, None),
    ]
    arrived = two.arrived()
    assert arrived is not None
    assert (arrived.joined_date, arrived.birth_date) == (LAST - DAY, BORN)
    transfer = AgeTransfer.objects.get()
    assert (transfer.state, transfer.begun_id, transfer.first_date) == ("begun", arrived.pk, LAST)
    fire_deferred()
    assert notices.TRANSFER_BEGUN in two.told()
    assert notices.AGED_OUT not in two.told()


# waiting_counts, days of waiting there, → from which day on the other pool has aid. Served since 1 January.
@pytest.mark.parametrize(
    ("counts", "waiting_days", "eligible"),
    [
        (True, 0, LAST),
        (True, 30, LAST),
        (True, 77, LAST),
        (True, 78, LAST + DAY),
        (True, 180, dt.date(2026, 7, 1)),
        (False, 0, LAST),
        (False, 30, LAST + 30 * DAY),
        (False, 180, LAST + 180 * DAY),
    ],
)
def test_waiting_time_served_counts_where_the_other_plan_grants_it(
    db: None, counts: bool, waiting_days: int, eligible: dt.date
) -> None:
    takes = {"pools": ["test-pool"], "waiting_counts": counts}
    two = Two(takes_over=takes, waiting_days=waiting_days)
    offer = two.offer()
    assert offer is not None
    assert offer.eligible_date() == eligible
    two.sign()
    at(LAST)
    day_passes()
    arrived = two.arrived()
    assert arrived is not None
    assert CovenantSignature.objects.get(membership=arrived).eligible_date == eligible
    assert arrived.waiting_since_date == (dt.date(2026, 1, 1) if counts else None)
    fire_deferred()


# day → in which pool an illness of that day can be shared; the old pool waits 30 days, from 1 January.
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize(
    ("day", "where"),
    [
        (dt.date(2026, 1, 1), ""),
        (dt.date(2026, 1, 31), ""),
        (dt.date(2026, 2, 1), "test-pool"),
        (LAST - DAY, "test-pool"),
        (LAST, "senior if counted"),
        (LAST + 29 * DAY, "senior if counted"),
        (LAST + 30 * DAY, "senior"),
    ],
)
def test_on_each_day_one_pool_at_most_has_aid(db: None, counts: bool, day: dt.date, where: str) -> None:
    two = Two(takes_over={"pools": ["test-pool"], "waiting_counts": counts}, waiting_days=30)
    two.sign()
    at(LAST + 40 * DAY)
    day_passes()
    covers = covers_of(list(two.person.memberships.select_related("pool", "end")), clock.now())
    start = clock.start_of_day(day, ZONE)
    eligible = [
        one.membership.pool.code
        for one in covers.values()
        if one.covered_from <= start
        and (one.covered_until is None or start < one.covered_until)
        and one.eligible_date <= day
    ]
    expected = {"senior if counted": ["senior"] * counts, "": []}.get(where, [where])
    assert eligible == expected


def test_without_a_signature_the_membership_just_ends(two: Two) -> None:
    at(LAST)
    day_passes()
    assert spans_of(two.person) == [("test-pool", dt.date(2026, 1, 2), LAST)]
    assert notices.AGED_OUT in two.told()


def test_what_was_taken_back_does_not_begin(two: Two) -> None:
    transfer = two.sign()
    for _again in range(2):
        revoke(transfer=transfer, person=two.person, at=clock.now())
    at(LAST)
    day_passes()
    assert two.arrived() is None
    transfer.refresh_from_db()
    assert transfer.state == "revoked"
    assert AuditEntry.objects.filter(action="revoke_transfer").count() == 1
    assert notices.AGED_OUT in two.told()


def test_a_clock_that_stood_still_changes_nothing_but_when_it_is_written(two: Two) -> None:
    two.sign()
    at(LAST + 9 * DAY)
    day_passes()
    assert spans_of(two.person)[-1] == ("senior", LAST, None)


def test_somebody_signs_from_ninety_days_ahead_on(db: None) -> None:
    two = Two(born=dt.date(1966, 5, 20))
    at(dt.date(2026, 5, 20) - 91 * DAY)
    assert two.offer() is None
    with pytest.raises(NotOfferedError):
        two.sign()
    at(dt.date(2026, 5, 20) - 90 * DAY)
    assert two.offer() is not None
    day_passes()
    assert two.told().count(notices.TRANSFER_OFFERED) == 1


def test_told_ahead_and_once_more_who_has_not_signed(two: Two) -> None:
    at(LAST - 31 * DAY)
    day_passes()
    assert notices.TRANSFER_OFFERED not in two.told()
    at(LAST - 30 * DAY)
    for _again in range(2):
        day_passes()
    assert two.told().count(notices.TRANSFER_OFFERED) == 1
    news = Notice.objects.get(person=two.person, kind=notices.TRANSFER_OFFERED)
    assert notices.subject_of(news.kind, news.params) == (
        "On 20 Mar 2026 your membership of Test pool ends by age: you can go on in Test pool"
    )
    assert news.link == "/pools/test-pool/me/going-on/"


# --- what stands in the way ---------------------------------------------------------------------------------------


def _lapsed(two: Two) -> str:
    at(LAST)
    # The pool that takes nobody hears of the end with the tick after it.
    for _tick in range(2):
        day_passes()
    assert two.arrived() is None
    found = AgeTransfer.objects.get()
    assert found.state == "lapsed"
    news = Notice.objects.get(person=two.person, kind=notices.TRANSFER_OFF)
    assert str(AgeTransfer.Reason(found.reason).label) in notices.body_of(news.kind, news.params)
    return found.reason


def test_other_rules_on_the_day_are_asked_anew_and_not_assumed(two: Two) -> None:
    two.sign()
    at(dt.date(2026, 2, 1))
    changed = two.new.change_plan(LAST, **SENIOR | {"minimum_members": 3, "waiting_days": 181})
    run_jobs()
    offer = two.offer()
    assert offer is not None
    assert offer.is_outdated
    assert offer.version.pk == changed.pk
    assert two.told().count(notices.TRANSFER_ANEW) == 1
    two.sign()
    assert sorted(AgeTransfer.objects.values_list("state", flat=True)) == ["revoked", "signed"]
    at(LAST)
    day_passes()
    arrived = two.arrived()
    assert arrived is not None
    assert arrived.signature.plan_version_id == changed.pk
    fire_deferred()


def test_who_does_not_sign_the_new_rules_ages_out(two: Two) -> None:
    two.sign()
    at(dt.date(2026, 2, 1))
    two.new.change_plan(LAST - DAY, **SENIOR | {"minimum_members": 3, "waiting_days": 181})
    assert _lapsed(two) == "rules"


def test_no_cover_on_the_day_before_is_none_to_go_on(two: Two) -> None:
    two.sign()
    at(dt.date(2026, 3, 1))
    end_covers(
        pool=two.old.pool, membership_ids=[two.member.pk], at=clock.start_of_day(dt.date(2026, 3, 2), ZONE)
    )
    assert _lapsed(two) == "suspended"


def test_who_has_left_before_does_not_go_on(two: Two) -> None:
    two.sign()
    at(dt.date(2026, 3, 1))
    leaves(two, dt.date(2026, 3, 2))
    assert _lapsed(two) == "ended"


def test_a_pool_that_takes_nobody_any_more_says_so_on_the_day(two: Two) -> None:
    two.sign()
    end_by_two(two.new)
    assert _lapsed(two) == "closed"


def test_two_pools_that_come_before_each_other_while_rules_change_are_followed(db: None) -> None:
    """Somebody has signed to go from each to the other: neither waits for itself, and the day is as it was signed."""
    two = Two(successor="test-pool")
    two.sign()
    older = [{"severity": "severe", "age_from": 0, "age_before": 80, "max_aid_fen": 10_000_000}]
    takes = {"pools": ["senior"], "waiting_counts": True}
    two.old.change_plan(dt.date(2026, 2, 1), aid=older, takes_over=takes)
    at(dt.date(2026, 1, 10))
    person = User.objects.create_user("bo@people.example.org", name="Bo")
    member = sign(filled(two.new.pool, person, passport("XX7654321", dt.date(1956, 3, 15))))
    signed_ahead(member)
    for day in (dt.date(2026, 1, 12), dt.date(2026, 3, 15)):
        at(day)
        day_passes()
    assert Membership.objects.filter(pool=two.old.pool, person=person).count() == 1


def test_who_belongs_to_the_other_pool_already_is_not_taken_over(db: None) -> None:
    two = Two(aid=[{"severity": "severe", "age_from": 50, "age_before": 70, "max_aid_fen": 10_000_000}])
    two.sign()
    sign(filled(two.new.pool, two.person, passport("XX1234567", BORN)))
    at(LAST)
    day_passes()
    assert AgeTransfer.objects.get().reason == "member"
    assert Membership.objects.filter(pool=two.new.pool, person=two.person).count() == 1


@pytest.mark.parametrize(
    ("senior", "offered"),
    [
        ({"takes_over": None}, False),
        ({"takes_over": {"pools": ["elsewhere"], "waiting_counts": True}}, False),
        ({"time_zone": "Europe/Berlin"}, False),
        ({"aid": [{"severity": "severe", "age_from": 61, "age_before": 70, "max_aid_fen": 100}]}, "age"),
        ({"documents": {"kinds": ["resident_id"]}}, "document"),
    ],
)
def test_nobody_is_sent_where_they_are_not_taken(
    db: None, senior: dict[str, Any], offered: bool | str
) -> None:
    two = Two(**senior)
    offer = two.offer()
    if offered is False:
        assert offer is None
        with pytest.raises(NotOfferedError):
            two.sign()
    else:
        assert offer is not None
        assert offer.obstacle == offered
        with pytest.raises(TransferBarredError):
            two.sign()


def test_what_is_signed_is_what_was_shown_with_both_consents_and_once(two: Two) -> None:
    with pytest.raises(TextsChangedError):
        two.sign(shown_sha256="0" * 64)
    for left_out in ("health", "publication"):
        with about(left_out), pytest.raises(ConsentsMissingError):
            two.sign(**{left_out: False})
    first = two.sign()
    assert two.sign().pk == first.pk
    assert len(first.signature_sha256) == 64


# --- money --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [dt.date(2026, 2, 6), dt.date(2026, 2, 7), dt.date(2026, 2, 8)])
@pytest.mark.parametrize("new_first", [True, False])
def test_each_headcount_has_them_in_exactly_one_of_the_two_pools(
    db: None, last: dt.date, new_first: bool
) -> None:
    """Both count at 00:00 of 7 February; whichever pool counts first, before or without the daily tick."""
    new = World.founded(code="senior", members=4, **SENIOR)
    old = World.founded(members=4, successor="senior")
    born = last.replace(year=last.year - 60)
    person = User.objects.create_user("ana@people.example.org")
    member = sign(filled(old.pool, person, passport("XX1234567", born)))
    signed_ahead(member, language="zh-hans")
    at(dt.date(2026, 2, 1))
    for world in (new, old):
        world.pool.refresh_from_db()
        sharing.open_period(pool=world.pool, at=clock.now())
        sharing.open_period(pool=world.pool, at=clock.now())
        world.award(100_000, code=f"C-{world.pool.code}")
    set_clock(clock.start_of_day(dt.date(2026, 2, 7), ZONE))
    for world in (new, old) if new_first else (old, new):
        for period in world.pool.periods.order_by("number"):
            sharing.freeze_headcount(period=period, at=clock.now())
    counted = {
        (world.pool.code, period.number): period.headcount
        for world in (new, old)
        for period in world.pool.periods.all()
    }
    arrived = last <= dt.date(2026, 2, 7)
    assert counted[("test-pool", 2)] == 4 + (not arrived)
    assert counted[("senior", 2)] == 4 + arrived
    fire_deferred()


# --- what the database refuses ------------------------------------------------------------------------------------


def test_headcount_follows_transfers(two: Two) -> None:
    two.sign()
    at(LAST)
    count = "UPDATE members_pool SET headcount_recorded_at = clock_timestamp() WHERE id = %s"
    run("UPDATE members_pool SET ages_followed_date = %s WHERE id = %s", LAST, two.new.pool.pk)
    with refused("headcount_follows_transfers"):
        run(count, two.new.pool.pk)
    ages.follow_ages(pool=two.old.pool)
    with refused("headcount_follows_transfers"):
        run(count, two.new.pool.pk)
    fix_headcount(pool=two.new.pool)
    assert two.arrived() is not None


_INSERT = """INSERT INTO members_agetransfer (membership_id, pool_id, plan_version_id, covenant_sha256, consent_health,
                 consent_publication, language, signed_by, signed_at, state)
             VALUES (%s, %s, %s, %s, true, true, 'en', %s, now(), %s)"""


def test_only_the_member_signs_what_was_shown_for_a_pool_that_agrees(two: Two) -> None:
    version = two.new.pool.plan_versions.get()
    given = [two.member.pk, two.new.pool.pk, version.pk, version.covenant_sha256, two.person.code, "signed"]
    other = two.old.pool.plan_versions.get()
    for name, place, wrong in (
        ("transfer_is_signed_in_person", 4, two.new.admin.code),
        ("transfer_is_of_what_was_shown", 3, "0" * 64),
        ("transfer_is_of_what_was_shown", 2, other.pk),
        ("transfer_state_follows_order", 5, "begun"),
    ):
        with about(name), refused(name):
            run(_INSERT, *[wrong if n == place else value for n, value in enumerate(given)])
    with refused("transfer_is_agreed_by_both_pools"):
        run(
            _INSERT,
            two.member.pk,
            two.old.pool.pk,
            other.pk,
            other.covenant_sha256,
            two.person.code,
            "signed",
        )
    run(_INSERT, *given)
    with refused("one_transfer_per_membership"):
        run(_INSERT, *given)


def test_nothing_is_signed_for_a_membership_that_is_over(two: Two) -> None:
    version = two.new.pool.plan_versions.get()
    leaves(two, dt.date(2026, 1, 2))
    with refused("transfer_comes_in_time"):
        run(
            _INSERT,
            two.member.pk,
            two.new.pool.pk,
            version.pk,
            version.covenant_sha256,
            two.person.code,
            "signed",
        )


def test_a_transfer_stays_as_signed_and_is_decided_once(two: Two) -> None:
    transfer = two.sign()
    with not_permitted():
        run("UPDATE members_agetransfer SET signed_by = 'x' WHERE id = %s", transfer.pk)
    with not_permitted():
        run("DELETE FROM members_agetransfer")
    revoke(transfer=transfer, person=two.person, at=clock.now())
    with refused("transfer_stays_as_signed"):
        run("UPDATE members_agetransfer SET state = 'lapsed', reason = 'age' WHERE id = %s", transfer.pk)


_BEGIN = "UPDATE members_agetransfer SET state = 'begun', begun_id = %s, first_date = %s WHERE id = %s"


def test_nobody_begins_before_the_old_membership_has_ended_by_age(two: Two) -> None:
    transfer = two.sign()
    stranger = two.new.pool.memberships.get(number=1)
    with refused("transfer_follows_ageing_out"):
        run(_BEGIN, stranger.pk, LAST, transfer.pk)


def test_nobody_else_begins_and_not_on_another_day(two: Two) -> None:
    transfer = two.sign()
    at(LAST)
    ages.follow_ages(pool=two.old.pool)
    stranger = two.new.pool.memberships.get(number=1)
    with refused("transfer_is_of_one_person"):
        run(_BEGIN, stranger.pk, LAST, transfer.pk)
    late = admit_member(
        pool=two.new.pool, person=two.person, class_no=0, from_at=clock.start_of_day(LAST + DAY, ZONE),
        joined_date=LAST, actor="test", birth_date=BORN,
    )  # fmt: skip
    with refused("transfer_leaves_no_gap"):
        run(_BEGIN, late.pk, LAST, transfer.pk)


def test_waiting_time_is_carried_over_as_agreed_and_not_more(two: Two) -> None:
    transfer = two.sign()
    at(LAST)
    ages.follow_ages(pool=two.old.pool)
    common: dict[str, Any] = {
        "pool": two.new.pool, "person": two.person, "class_no": 0, "from_at": clock.start_of_day(LAST, ZONE),
        "joined_date": LAST - DAY, "actor": "test", "birth_date": BORN,
    }  # fmt: skip
    with refused("waiting_served_is_as_imported"):
        admit_member(**common, waiting_since_date=dt.date(2025, 12, 31))
    anew = admit_member(**common)
    with refused("transfer_counts_waiting_as_agreed"):
        run(_BEGIN, anew.pk, LAST, transfer.pk)


def test_nobody_begins_under_rules_that_they_have_not_signed(two: Two) -> None:
    transfer = two.sign()
    at(dt.date(2026, 2, 1))
    two.new.change_plan(LAST, **SENIOR | {"minimum_members": 3, "waiting_days": 181})
    at(LAST)
    ages.follow_ages(pool=two.old.pool)
    there = _admitted(two)
    with refused("transfer_signs_the_rules_of_the_day"):
        run(_BEGIN, there.pk, LAST, transfer.pk)


def test_a_transfer_says_what_came_of_it(two: Two) -> None:
    transfer = two.sign()
    for state, reason in (("lapsed", ""), ("lapsed", "whim"), ("revoked", "age")):
        with about((state, reason)), refused("transfer_says_what_came_of_it"):
            run(
                "UPDATE members_agetransfer SET state = %s, reason = %s WHERE id = %s",
                state,
                reason,
                transfer.pk,
            )


def test_a_transfer_has_the_signature_that_was_given_ahead(two: Two) -> None:
    transfer = two.sign()
    at(LAST)
    ages.follow_ages(pool=two.old.pool)
    there = _admitted(two)
    with refused("transfer_has_its_signature"):
        run(_BEGIN, there.pk, LAST, transfer.pk)
        fire_deferred()
    version = two.new.pool.plan_versions.get()
    with refused("signature_is_the_one_given_ahead"):
        run(_BEGIN, there.pk, LAST, transfer.pk)
        run(
            """INSERT INTO members_covenantsignature (membership_id, plan_version_id, covenant_sha256,
                   declaration_sha256, answers_sealed, consent_health, consent_publication, language, signed_by,
                   eligible_date, signed_at)
               VALUES (%s, %s, %s, %s, 'x', true, true, 'zh-hans', %s, %s, now())""",
            there.pk,
            version.pk,
            version.covenant_sha256,
            version.declaration_sha256,
            two.person.code,
            dt.date(2026, 7, 1),
        )


def _admitted(two: Two) -> Membership:
    """Admit who has signed as the job does, short of the transfer itself."""
    return admit_member(
        pool=two.new.pool,
        person=two.person,
        class_no=0,
        from_at=clock.start_of_day(LAST, ZONE),
        joined_date=LAST - DAY,
        actor="test",
        birth_date=BORN,
        waiting_since_date=dt.date(2026, 1, 1),
    )


# --- the pages ----------------------------------------------------------------------------------------------------

HERE = "/pools/test-pool/me/going-on/"


def _texts(page: Any) -> str:
    """Return what a page says, as one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def test_a_member_reads_signs_and_takes_it_back(two: Two) -> None:
    browser = client_of(two.person)
    place = _texts(browser.get("/pools/test-pool/me/"))
    assert "On 20 Mar 2026 your membership ends by age. You can go on in Test pool without a gap." in place
    page = browser.get(HERE)
    said = _texts(page)
    assert "From 00:00 of 20 Mar 2026 on you are covered in Test pool, with no gap and no overlap" in said
    assert "Aid there can be asked for illnesses from 1 Jul 2026" in said
    offer = two.offer()
    assert offer is not None
    given = {"shown_sha256": offer.version.covenant_sha256, "read": "on", "health": "on", "publication": "on"}
    missing = browser.post(HERE, {name: value for name, value in given.items() if name != "publication"})
    assert missing.status_code == 422
    assert (
        'name="health" required id="id_health"' in missing.content.decode()
        or "checked" in missing.content.decode()
    )
    assert not AgeTransfer.objects.exists()
    for _double in range(2):
        assert browser.post(HERE, given).status_code == 302
    assert AgeTransfer.objects.get().state == "signed"
    assert "You have signed this." in _texts(browser.get(HERE))
    assert "you go on in Test pool: you have signed" in _texts(browser.get("/pools/test-pool/me/"))
    assert browser.post(HERE + "take-back/").status_code == 302
    assert AgeTransfer.objects.get().state == "revoked"


def test_the_page_says_afterwards_what_came_of_it(two: Two) -> None:
    two.sign()
    at(LAST)
    day_passes()
    browser = client_of(two.person)
    assert "You go on in Test pool" in _texts(browser.get(HERE))
    assert "from which you came over" in _texts(browser.get("/pools/senior/me/"))


def test_nobody_else_sees_the_page_and_no_offer_is_no_error(two: Two) -> None:
    assert client_of(two.new.admin).get(HERE).status_code == 404
    assert client_of(two.new.admin).post(HERE + "take-back/").status_code == 404
    at(dt.date(2026, 1, 2))
    assert client_of(two.person).post(HERE + "take-back/").status_code == 404


def test_who_runs_the_pool_sees_who_leaves_by_age_and_who_has_signed(two: Two) -> None:
    admin = client_of(two.old.admin)
    address = "/pools/test-pool/last-ages/"
    said = _texts(admin.get(address))
    assert "20 Mar 2026 not signed" in said
    two.sign()
    assert "signed ahead" in _texts(admin.get(address))
    rows = b"".join(admin.get("/pools/test-pool/last-ages.csv")).decode().splitlines()  # type: ignore[arg-type]
    assert rows[1].split(",")[:3] == [str(two.member.number), "2026-03-20", "True"]
    assert client_of(two.person).get(address).status_code == 404
    assert "Nobody reaches the last age" in _texts(client_of(two.new.admin).get("/pools/senior/last-ages/"))


def test_the_list_asks_no_more_for_many(two: Two) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            rows = list(leavers(two.old.pool, clock.today(ZONE)))
        assert len(rows) == two.old.pool.memberships.filter(birth_date__isnull=False).count()
        return len(queries)

    one = asked()
    for n in range(3):
        other = User.objects.create_user(f"{n}@people.example.org")
        sign(filled(two.old.pool, other, passport(f"XX900000{n}", BORN + n * DAY)))
    assert asked() == one


def test_programs_read_sign_and_take_back(two: Two) -> None:
    client = client_of(two.person)
    address = "/api/v1/pools/test-pool/my-going-on/"
    told = client.get(address).json()
    assert told["offer"]["first_date"] == "2026-03-20"
    assert told["offer"]["eligible_date"] == "2026-07-01"
    assert told["signed"] is None
    given = {"shown_sha256": told["offer"]["covenant_sha256"], "health": True, "publication": True}
    signed = client.post(address, given, content_type="application/json", headers={"Idempotency-Key": "one"})
    assert signed.status_code == 201
    assert signed.json()["state"] == "signed"
    assert client.get(address).json()["offer"]["is_signed"]
    back = client.post(
        address + "take-back/", {}, content_type="application/json", headers={"Idempotency-Key": "two"}
    )
    assert back.json()["signed"]["state"] == "revoked"
    rows = client_of(two.old.admin).get("/api/v1/pools/test-pool/last-ages/").json()
    assert [row["member"] for row in rows] == [two.member.number]


def test_the_day_is_the_same_when_two_count_at_once(committed_db: tuple[str, str]) -> None:
    """Two headcounts of the new pool at once take somebody over once: the second waits, and finds it done."""
    two = Two()
    two.sign()
    at(LAST)
    with psycopg.connect(committed_db[0]) as other:
        other.execute("SELECT 1 FROM members_pool WHERE id = %s FOR UPDATE", [two.new.pool.pk])
        run("SET lock_timeout = '200ms'")
        with pytest.raises(Exception, match="lock timeout"):
            ages.follow_ages(pool=two.new.pool)
        run("SET lock_timeout = 0")
    assert ages.follow_ages(pool=two.new.pool) >= 1
    ages.follow_ages(pool=two.new.pool)
    assert value("SELECT count(*) FROM members_membership WHERE person_id = %s", two.person.pk) == 2
