"""A period under many hands at once: one effect, and everyone else is told what happened."""

import uuid

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from aidplatform.lib import clock
from aidplatform.lib.db import sqlstate
from aidplatform.testing.races import raised, together
from aidplatform.testing.world import World, run_jobs, set_clock
from aidplatform.tests.pages_helpers import client_of
from aidplatform.work import jobs
from aidplatform.work.idempotency import once
from aidplatform.work.models import AuditEntry, Job
from ledger.books import chart
from ledger.books.services import credit, debit
from ledger.openbooks.services import post_logged_entry
from ledger.sharing import services as sharing
from ledger.sharing import tasks as _handlers  # noqa: F401  registers them
from ledger.sharing.models import Charge, Period
from ledger.sharing.selectors import book_of
from members.joining.headcounts import fix_headcount
from members.joining.secret_filling import fill_secrets
from members.joining.secret_models import MemberSecret
from members.joining.services import admit_group, admit_member
from members.people.models import User
from members.pools.models import Pool
from members.pools.services import grant_duty


@pytest.fixture
def committed(committed_db: tuple[str, str]) -> World:
    """Return a pool whose commits are real, with one case."""
    world = World.founded(members=23)
    world.award(1_000_000)
    return world


def _approval(world: World, period: Period, approver: User | None = None) -> dict[str, str]:
    done = sharing.approve_period(
        period=period,
        approver=(approver or world.controller).code,
        shown_sha256=period.shown_sha256 or "",
        at=clock.now(),
    )
    return {"state": done.state, "approver": done.approved_by or ""}


def _deeds(action: str, period: Period) -> int:
    return AuditEntry.objects.filter(action=action, subject=period.code).count()


def _require_approved_once(period: Period) -> None:
    period.refresh_from_db()
    assert period.state == Period.State.APPROVED
    assert _deeds("approve_period", period) == 1
    assert Job.objects.filter(kind=sharing.START, key=period.code).count() == 1


def test_fifty_clicks_under_one_key_approve_once_and_get_the_same_answer(committed: World) -> None:
    period = committed.computed_period()

    def click() -> dict[str, str]:
        return once(
            scope=f"{committed.controller.code}/approve/{period.code}",
            key="one-click",
            content={"shown_sha256": period.shown_sha256},
            act=lambda: _approval(committed, period),
        )

    answers = together([click] * 50)
    assert answers == [{"state": "approved", "approver": committed.controller.code}] * 50
    _require_approved_once(period)


def test_fifty_clicks_under_fifty_keys_approve_once_and_49_are_told(committed: World) -> None:
    period = committed.computed_period()

    def click(key: str) -> dict[str, str]:
        return once(
            scope=f"{committed.controller.code}/approve/{period.code}",
            key=key,
            content={"shown_sha256": period.shown_sha256},
            act=lambda: _approval(committed, period),
        )

    answers = together([lambda n=n: click(f"click-{n}") for n in range(50)])
    refusals = raised(answers, sharing.WrongStateError)
    assert len(refusals) == 49
    assert {(refusal.status, refusal.extra["state"]) for refusal in refusals} == {(409, "approved")}
    assert len([answer for answer in answers if isinstance(answer, dict)]) == 1
    _require_approved_once(period)


def test_fifty_posts_of_one_form_approve_once_and_lead_to_the_same_page(committed: World) -> None:
    period = committed.computed_period()
    form = {"shown_sha256": period.shown_sha256, "key": str(uuid.uuid4())}
    browsers = [client_of(committed.controller) for _ in range(50)]
    address = f"/pools/{committed.pool.code}/periods/{period.number}/approve/"
    answers = together([lambda browser=browser: browser.post(address, form) for browser in browsers])
    assert raised(answers) == []
    assert {(answer.status_code, answer.headers.get("Location")) for answer in answers} == {
        (302, address.removesuffix("approve/"))
    }
    _require_approved_once(period)


def test_two_controllers_at_once_one_approves_the_other_is_told(committed: World) -> None:
    grant_duty(
        pool=committed.pool,
        person=committed.stranger,
        duty="controller",
        proposed_by=committed.admin,
        confirmed_by=committed.controller,
        at=clock.now(),
    )
    period = committed.computed_period()
    people = [committed.controller, committed.stranger]
    answers = together([lambda person=person: _approval(committed, period, person) for person in people])
    assert len(raised(answers, sharing.WrongStateError)) == 1
    winner = next(answer for answer in answers if isinstance(answer, dict))
    _require_approved_once(period)
    assert period.approved_by == winner["approver"]


@pytest.mark.parametrize("round_no", range(6))
def test_approval_and_recomputation_at_once_agree_on_what_was_shown(committed: World, round_no: int) -> None:
    """A cost comes in after the announcement: whoever is first, the figures shown are those approved."""
    period = committed.computed_period()
    shown = period.shown_sha256
    post_logged_entry(
        book=book_of(committed.pool),
        key="bank_charge/1",
        kind="bank_charge",
        lines=[debit(chart.TO_BE_SHARED, 4_321), credit(chart.CUSTODY, 4_321)],
        entry_date=period.publicity_end_date,
        at=clock.now(),
        description="Bank charge",
        source="bank line 1",
        maker=committed.treasurer.code,
    )

    def compute() -> dict[str, str]:
        done = sharing.compute_shares(period=period, preparer=committed.admin.code, at=clock.now())
        return {"state": done.state, "approver": ""}

    approved = {"state": "approved", "approver": committed.controller.code}
    answers = together([lambda: _approval(committed, period), compute][:: 1 if round_no % 2 else -1])
    refusals = raised(answers)
    assert approved in answers
    # Whoever computes second is told that the figures are approved; who computes first changes nothing.
    assert raised(answers, sharing.WrongStateError) == refusals
    assert len(refusals) == 1 or {"state": "computed", "approver": ""} in answers
    _require_approved_once(period)
    assert period.shown_sha256 == period.approved_sha256 == shown
    assert (period.other_costs_fen, period.approved_by) == (0, committed.controller.code)


def _lease_twice(kind: str, key: str) -> list[jobs.Lease]:
    """Return the leases of a worker that was declared dead and of the one that took over."""
    job = Job.objects.get(kind=kind, key=key)
    first = jobs.claim(job.pk)
    Job.objects.filter(pk=job.pk).update(lease_until=job.created_at)
    second = jobs.claim(job.pk)
    assert first is not None
    assert second is not None
    return [first, second]


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_two_workers_on_one_shard_charge_everyone_once(committed_db: tuple[str, str], large: bool) -> None:
    world = World.founded(members=400, large=large)
    world.award(1_000_000)
    period = world.approved_period()
    assert jobs.run(Job.objects.get(kind=sharing.START).pk)
    leases = _lease_twice(sharing.SHARD, f"{period.code}#1")
    answers = together([lambda lease=lease: sharing.write_shard(lease) for lease in leases])
    assert isinstance(answers[0], jobs.LostLeaseError)
    assert isinstance(answers[1], dict)
    assert jobs.run(Job.objects.get(kind=sharing.CLOSE).pk)
    period.refresh_from_db()
    assert (period.state, period.charged_members) == (Period.State.POSTED, 400)
    assert Charge.objects.filter(pool_id=world.pool.pk).count() == 400


def test_two_workers_closing_one_period_post_it_once(committed: World) -> None:
    period = committed.approved_period()
    for kind in (sharing.START, sharing.SHARD):
        assert jobs.run(Job.objects.get(kind=kind).pk)
    leases = _lease_twice(sharing.CLOSE, period.code)
    answers = together([lambda lease=lease: sharing.close_posting(lease) for lease in leases])
    assert isinstance(answers[0], jobs.LostLeaseError)
    assert answers[1] is None
    period.refresh_from_db()
    assert period.state == Period.State.POSTED
    assert _deeds("post_period", period) == 1
    assert book_of(committed.pool).entries.filter(kind="period").count() == 1


def test_eight_schedulers_at_once_ask_for_one_step(committed: World) -> None:
    answers = together([lambda: sharing.advance_due(at=clock.now())] * 8)
    assert answers == [1] * 8
    assert [job.key for job in Job.objects.filter(kind=sharing.ADVANCE)] == [
        f"{committed.pool.code}/1#open#1"
    ]


def test_two_jobs_advancing_one_pool_take_each_step_once(committed: World) -> None:
    """Two ticks asked under different keys; row state decides, and the later one finds nothing left to do."""
    asked = [
        jobs.enqueue(
            kind=sharing.ADVANCE, key=f"tick-{n}", payload={"pool": committed.pool.pk}, actor="service"
        )
        for n in range(2)
    ]
    answers = together([lambda job=job: jobs.run(job.pk) for job in asked])
    assert answers == [True, True]
    assert [period.number for period in committed.pool.periods.all()] == [1]
    period = committed.pool.periods.get()
    for day in (period.publicity_date, period.publicity_end_date):
        set_clock(clock.start_of_day(day, committed.pool.time_zone))
        later = [
            jobs.enqueue(
                kind=sharing.ADVANCE,
                key=f"tock-{day}-{n}",
                payload={"pool": committed.pool.pk},
                actor="service",
            )
            for n in range(4)
        ]
        assert together([lambda job=job: jobs.run(job.pk) for job in later]) == [True] * 4
    period.refresh_from_db()
    assert period.state == Period.State.SETTLED
    steps = ("open_period", "freeze_headcount", "announce_period", "settle_period")
    assert [_deeds(step, period) for step in steps] == [1, 1, 1, 1]
    taken = [step for job in Job.objects.filter(key__startswith="tock") for step in job.result["steps"]]
    assert sorted(taken) == ["announce", "freeze", "settle"]


def _bare_membership(pool: Pool, period: Period) -> int:
    """Write a membership that is not covered yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO members_membership (pool_id, number, joined_date)
               SELECT %s, 1000000 + count(*), %s FROM members_membership RETURNING id""",
            [pool.pk, period.opening_date],
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("round_no", range(4))
def test_joining_during_a_freeze_counts_now_or_next_time(committed: World, round_no: int) -> None:
    """Who joins while the headcount is taken is in it, or recorded after it: the frozen people can be found again."""
    pool = committed.pool
    period = sharing.open_period(pool=pool, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_date, pool.time_zone))
    started = clock.start_of_day(period.opening_date, pool.time_zone)

    def join() -> str:
        person = User.objects.create_user(f"{uuid.uuid4().hex}@example.org")
        admit_member(
            pool=pool,
            person=person,
            class_no=0,
            from_at=started,
            joined_date=period.opening_date,
            actor="service",
        )
        return "joined"

    bare = iter([_bare_membership(pool, period) for _ in range(4)])

    def cover_behind_the_back_of_the_pool() -> str:
        """Insert as a program might that takes no lock on the pool: the guard alone stands in between."""
        membership = next(bare)
        for _ in range(20):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        """INSERT INTO members_span (pool_id, membership_id, class_no, from_at, recorded_at)
                           VALUES (%s, %s, 0, %s, clock_timestamp())""",
                        [pool.pk, membership, started],
                    )
            except (OperationalError, IntegrityError) as error:
                if sqlstate(error) != "40001":
                    raise
            else:
                return "covered"
        return "never"

    def freeze() -> str:
        return sharing.freeze_headcount(period=period, at=clock.now()).state

    acts = [join] * 4 + [freeze] + [cover_behind_the_back_of_the_pool] * 4
    answers = together(acts[round_no:] + acts[:round_no])
    assert sorted(answers) == ["covered"] * 4 + ["frozen"] + ["joined"] * 4
    period.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FILTER (WHERE recorded_at <= %(at)s), count(*) FILTER (WHERE recorded_at > %(at)s)
                 FROM members_span WHERE pool_id = %(pool)s""",
            {"at": period.headcount_recorded_at, "pool": pool.pk},
        )
        counted, later = cursor.fetchone()
    assert counted + later == 23 + 8
    assert period.headcount == counted
    period = sharing.announce_period(period=period, at=clock.now())
    set_clock(clock.start_of_day(period.publicity_end_date, pool.time_zone))
    sharing.settle_period(period=period, at=clock.now())
    period = sharing.compute_shares(period=period, preparer=committed.admin.code, at=clock.now())
    sharing.approve_period(
        period=period, approver=committed.controller.code, shown_sha256=period.shown_sha256, at=clock.now()
    )
    run_jobs()
    period.refresh_from_db()
    assert (period.state, period.charged_members) == (Period.State.POSTED, counted)


def test_job_that_waits_too_long_for_a_lock_is_put_back_and_works_later(committed: World) -> None:
    period = committed.approved_period()
    start = Job.objects.get(kind=sharing.START).pk

    def run_impatiently() -> tuple[bool, bool]:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        return jobs.run(start), True

    with transaction.atomic():
        Period.objects.select_for_update().get(pk=period.pk)
        [answer] = together([run_impatiently])
    assert answer == (False, True)
    job = Job.objects.get(pk=start)
    assert (job.state, job.failures, job.attempt) == (Job.State.QUEUED, 0, 1)
    assert "lock timeout" in job.last_error
    Job.objects.filter(pk=start).update(due_at=job.created_at)
    run_jobs()
    period.refresh_from_db()
    assert period.state == Period.State.POSTED
    assert Job.objects.get(pk=start).attempt == 2


def test_joining_group_and_pool_opening_wait_for_each_other(committed: World) -> None:
    """Numbers of memberships stay 1, 2, 3 … when groups come in at once."""
    pool = Pool.objects.get(pk=committed.pool.pk)

    def join() -> int:
        return admit_group(
            pool=pool,
            count=10,
            class_no=0,
            from_at=clock.now(),
            joined_date=pool.opened_date,
            actor="service",
        )

    answers = together([join] * 6)
    assert sorted(answers) == [33, 43, 53, 63, 73, 83]
    assert list(pool.memberships.order_by("number").values_list("number", flat=True)) == list(range(1, 84))


def test_workers_that_fill_one_pool_with_secrets_make_each_once(committed: World) -> None:
    pool, as_of = committed.pool, clock.now()
    recorded_at = fix_headcount(pool=pool)
    done = together([lambda: fill_secrets(pool_id=pool.pk, as_of=as_of, recorded_at=recorded_at)] * 4)
    assert sorted(done, key=str) == [0, 0, 0, 23]
    assert MemberSecret.objects.filter(membership__pool=pool).count() == 23
