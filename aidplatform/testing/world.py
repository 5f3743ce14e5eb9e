"""Personas and a small pool, made by the services as any pool is."""

import datetime as dt
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

import claims.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.work.jobs import Lease, claim
from aidplatform.work.models import Job
from ledger.custody.services import open_bank_account
from ledger.sharing import services as sharing
from ledger.sharing.models import Award, Period
from ledger.sharing.payees import Payee
from members.joining.models import Membership
from members.joining.services import admit_group, admit_member, end_cover
from members.people.models import User
from members.pools import services as pools
from members.pools.duties import lay_down
from members.pools.models import DutyGrant, PlanVersion, Pool
from members.pools.selectors import newest_plan

TERMS = {
    "fee": {"rate": "8/100"},
    "calendar": {
        "publicity_days": 3,
        "periods": [{"opening_day": 1, "publicity_day": 7, "charge_day": 14}],
    },
    "classes": [{"class_no": 0, "weight": 1, "name_en": "Everyone", "name_zh": "全体成员"}],
    "aid": [
        {"severity": "severe", "age_from": 0, "age_before": 40, "max_aid_fen": 30_000_000},
        {"severity": "severe", "age_from": 40, "age_before": 60, "max_aid_fen": 10_000_000},
        {"severity": "mild", "age_from": 0, "age_before": 60, "max_aid_fen": 5_000_000},
    ],
    "on_cap": "redistribute",
    "on_infeasible": "sponsor",
    "waiting_days": 90,
    "minimum_members": 3,
    "notice_days": 7,
    "operator": {
        "name": "Helping Hands Ltd",
        "registration": "91330100TEST00001X",
        "legal_basis_en": "Contract between the members",
        "legal_basis_zh": "成员之间的合同",
        "contact": "office@example.org",
    },
    "wind_down": {"payer": "Helping Hands Ltd", "run_off_days": 180},
}
# What a plan needs before its waiting period may go by cause.
ACCIDENT_AID = {"severity": "accident", "age_from": 0, "age_before": 60, "max_aid_fen": 20_000_000}
OPENED = dt.date(2026, 1, 1)


def account_number(code: str) -> str:
    """Return the number of the custody account of a test pool; files of a bank name that of the usual one."""
    if code == "test-pool":
        return "6222 0000 1234 5678 901"
    return f"6222 0000 1234 {zlib.crc32(code.encode()) % 10**8:08d}"


@dataclass
class World:
    """A pool with its people, two reviewers among them, and a custody account; `stranger` has no duty."""

    pool: Pool
    admin: User
    controller: User
    treasurer: User
    auditor: User
    stranger: User

    @classmethod
    def founded(
        cls,
        *,
        code: str = "test-pool",
        members: int | Mapping[int, int] = 7,
        large: bool = False,
        time_zone: str = "Asia/Shanghai",
        currency: str = "CNY",
        gathering: bool = False,
        **terms: Any,
    ) -> "World":
        """Found and open a pool on 2026-01-01 and stop the clock at 10:00 of that day.

        members: how many, or how many per class. gathering: it is not opened yet. terms: those that differ from TERMS.
        """
        set_clock(dt.datetime(2026, 1, 1, 10, tzinfo=ZoneInfo(time_zone)))
        counts = {0: members} if isinstance(members, int) else dict(members)
        terms = {"minimum_members": max(1, min(3, sum(counts.values())))} | terms
        pool = pools.found_pool(
            code=code,
            name_en="Test pool",
            name_zh="测试互助",
            currency=currency,
            time_zone=time_zone,
            expected_members=10**6 if large else sum(counts.values()),
            founder="founding",
        )
        sharing.open_pool_books(pool=pool)
        people = {
            duty: User.objects.create_user(f"{duty}@{code}.example.org", name=duty.title())
            for duty in ("pool_admin", "controller", "treasurer", "auditor", "stranger")
        }
        reviewers = {
            duty: User.objects.create_user(f"founding-{duty}@{code}.example.org")
            for duty in ("reviewer", "second_reviewer")
        }
        for duty, person in (people | reviewers).items():
            if duty != "stranger":
                pools.grant_founding_duty(pool=pool, person=person, duty=duty, at=clock.now())
        open_bank_account(
            pool=pool,
            bank_name="Test bank",
            holder_name="Test pool, custody",
            number=account_number(code),
            opener="founding",
            at=clock.now(),
        )
        pools.publish_plan(
            pool=pool, terms=TERMS | terms, effective_date=OPENED, publisher="founding", at=clock.now()
        )
        for class_no, count in counts.items():
            if count:
                admit_group(
                    pool=pool,
                    count=count,
                    class_no=class_no,
                    from_at=clock.start_of_day(OPENED, time_zone),
                    joined_date=OPENED,
                    actor="founding",
                )
        if gathering:
            pool = pools.gather_pool(pool=pool, starter="founding")
        else:
            passing = None if sum(counts.values()) else _admit_for_a_moment(pool)
            pool = pools.open_pool(pool=pool, opener="founding", on=OPENED)
            if passing:
                assert passing.person is not None
                end_cover(membership=passing, at=clock.now(), reason="left", actor=passing.person.code)
        return cls(
            pool,
            people["pool_admin"],
            people["controller"],
            people["treasurer"],
            people["auditor"],
            people["stranger"],
        )

    def grant(self, person: User, duty: str) -> None:
        """Give a person a duty in the pool, as its admin and its controller agree."""
        pools.grant_duty(
            pool=self.pool,
            person=person,
            duty=duty,
            proposed_by=self.admin,
            confirmed_by=self.controller,
            at=clock.now(),
        )

    def award(self, aid_fen: int, code: str = "C-1", payee: Payee | None = None) -> Award:
        """Announce a case of that much aid; without a payee it names nobody."""
        return sharing.announce_award(
            pool=self.pool,
            code=code,
            claim_code=f"claim-{code}",
            masked={"age_band": "30-39", "sex": "f", "region": "Zhejiang", "disease": "thyroid cancer"},
            aid_fen=aid_fen,
            announcer="service",
            at=clock.now(),
            payee=payee,
        )

    def change_plan(self, on: dt.date, covenant: tuple[str, str] | None = None, **terms: Any) -> PlanVersion:
        """Propose rules that differ from TERMS in these, and publish them as the second person."""
        last = newest_plan(self.pool)
        proposal = pools.propose_plan(
            pool=self.pool,
            base=last.number,
            terms=TERMS | terms,
            covenant=covenant or (last.covenant_en, last.covenant_zh),
            declaration=last.declaration,
            effective_date=on,
            reason="The members' meeting asked for it.",
            proposer=self.admin.code,
            at=clock.now(),
        )
        return pools.publish_proposal(
            proposal=proposal,
            publisher=self.controller.code,
            shown_sha256=proposal.shown_sha256,
            at=clock.now(),
        )

    def announced_period(self) -> Period:
        """Run the calendar to the day on which the cases become public."""
        period = sharing.open_period(pool=self.pool, at=clock.now())
        set_clock(clock.start_of_day(period.publicity_date, self.pool.time_zone))
        period = sharing.freeze_headcount(period=period, at=clock.now())
        return sharing.announce_period(period=period, at=clock.now())

    def settled_period(self, period: Period | None = None) -> Period:
        """Run on to the end of publicity."""
        period = period or self.announced_period()
        set_clock(clock.start_of_day(period.publicity_end_date, self.pool.time_zone))
        return sharing.settle_period(period=period, at=clock.now())

    def computed_period(self, period: Period | None = None) -> Period:
        """Run on until the pool admin has computed the shares."""
        return sharing.compute_shares(
            period=self.settled_period(period), preparer=self.admin.code, at=clock.now()
        )

    def approved_period(self) -> Period:
        """Run on until the controller has approved."""
        period = self.computed_period()
        return sharing.approve_period(
            period=period,
            approver=self.controller.code,
            shown_sha256=period.shown_sha256 or "",
            at=clock.now(),
        )

    def posted_period(self) -> Period:
        """Run every posting job in this process, one after another, as a worker would."""
        period = self.approved_period()
        run_jobs()
        period.refresh_from_db()
        return period


def _admit_for_a_moment(pool: Pool) -> Membership:
    """Admit who leaves again at once: a pool opens with a member, and some tests need one that has none."""
    person = User.objects.create_user(f"passing@{pool.code}.example.org")
    return admit_member(
        pool=pool, person=person, class_no=0, from_at=clock.now(), joined_date=OPENED, actor="founding"
    )


def run_jobs() -> None:
    """Run the handlers of all due jobs here, without heartbeat threads, until none is left."""
    from aidplatform.celery import app
    from aidplatform.work import jobs

    app.loader.import_default_modules()  # every app registers the handlers of its jobs
    while due := jobs.due_job_ids():
        for job_id in due:
            lease: Lease | None = claim(job_id)
            assert lease is not None
            jobs._handlers[Job.objects.get(pk=job_id).kind](lease)
            jobs._finish(lease, None)


def set_clock(at: dt.datetime | None) -> None:
    """Stop the demo clock at an instant; None lets it run."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_installation SET clock_at = %s", [at])


def lay_down_all(person: User, *, at: dt.datetime | None = None) -> None:
    """Let somebody lay down every duty that they hold in a running pool."""
    for grant in DutyGrant.objects.filter(person=person, pool__isnull=False, ended_at=None):
        lay_down(grant=grant, person=person, reason="", at=at or clock.now())
