"""The demonstration: invented people, a pool at the scale of a published period, and a movable clock.

Everything is made by the same services as a real pool, as aid_app, and its shares are posted by the worker.
The first pool keeps the proportions of Xianghubao's second period of October 2020, whose published share was
4.86: three cases of 300,000, 100,000 and 50,000 yuan and a fee of 8 % over 100,123 members.
"""

import datetime as dt
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError, NotFoundError
from aidplatform.work import audit, jobs
from aidplatform.work.models import Installation, Job
from ledger.custody.services import open_bank_account
from ledger.sharing import services as sharing
from ledger.sharing.models import Period
from members.joining.services import admit_group, admit_member
from members.people.models import User
from members.pools import services as pools
from members.pools.models import Pool

ZONE = "Asia/Shanghai"
OPENED = dt.date(2026, 1, 1)
FIRST_MORNING = dt.datetime(2026, 1, 10, 9, tzinfo=dt.timezone(dt.timedelta(hours=8)))
POOL = "demo"
POOL_MEMBERS = 100_123
MILLION = "million"
MAKE_MILLION = "site.make_million"

MEMBER = "member"
# duty, or member without one; English name, Chinese name; nobody's real name, mail goes nowhere (.invalid)
PEOPLE = (
    ("pool_admin", "Lin Yuan", "林远"),
    ("controller", "Chen Jing", "陈静"),
    ("treasurer", "Zhao Ming", "赵明"),
    ("auditor", "Sun Li", "孙丽"),
    ("reviewer", "Wang Fang", "王芳"),
    ("second_reviewer", "Li Na", "李娜"),
    (MEMBER, "Gao Xin", "高欣"),
)
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
    "minimum_members": 1_000,
    "notice_days": 30,
}
Case = tuple[str, str, str, str, str, int]  # code, age band, sex, region, disease class, aid (fen)
FIRST_CASES: tuple[Case, ...] = (
    ("2026-0001", "30-39", "f", "zhejiang", "cancer_severe", 30_000_000),
    ("2026-0002", "40-49", "m", "sichuan", "stroke_severe", 10_000_000),
    ("2026-0003", "20-29", "f", "guangdong", "cancer_mild", 5_000_000),
)
SECOND_CASES: tuple[Case, ...] = (
    ("2026-0004", "30-39", "m", "henan", "leukemia", 30_000_000),
    ("2026-0005", "50-59", "f", "jiangsu", "cancer_severe", 10_000_000),
)
MILLION_CASES: tuple[Case, ...] = tuple(
    (f"M-{number:04d}", band, sex, region, disease, aid)
    for number, (_code, band, sex, region, disease, aid) in enumerate(
        (FIRST_CASES + SECOND_CASES) * 6, start=1
    )
)


class NotADemoError(NotFoundError):
    """The page or command exists in a demonstration only."""

    code = "not_a_demo"


class WorkerSilentError(DomainError):
    """The worker did not do its part in time."""

    code = "worker_silent"


def require_demo() -> None:
    """Refuse outside a demonstration, as if the thing did not exist. Raises: NotADemoError."""
    if not settings.DEMO:
        raise NotADemoError(_("There is no such page, or it is not yours to see."))


def make_people() -> dict[str, User]:
    """Create the demonstration's people, or return them."""
    return {
        duty: User.objects.filter(email=f"{duty}@demo.invalid").first()
        or User.objects.create_user(f"{duty}@demo.invalid", name=name, name_zh=name_zh, is_demo=True)
        for duty, name, name_zh in PEOPLE
    }


@transaction.atomic
def make_pool(
    *, code: str, name_en: str, name_zh: str, members: int, opened: dt.date, cases: tuple[Case, ...]
) -> Pool:
    """Found, staff, fill and open a pool, with cases waiting for its first period; nothing if it exists."""
    existing = Pool.objects.filter(code=code).first()
    if existing is not None:
        return existing
    staff = make_people()
    pool = pools.found_pool(
        code=code,
        name_en=name_en,
        name_zh=name_zh,
        currency="CNY",
        time_zone=ZONE,
        expected_members=members,
        founder="demo",
    )
    sharing.open_pool_books(pool=pool)
    for duty, person in staff.items():
        if duty != MEMBER:
            pools.grant_founding_duty(pool=pool, person=person, duty=duty, at=clock.now())
    open_bank_account(
        pool=pool,
        bank_name="Demonstration Trust Bank",
        holder_name=f"Members of the pool {code}, in custody",
        number=f"6222 0000 {members:08d} 01",
        opener=staff["controller"].code,
        at=clock.now(),
    )
    pools.publish_plan(pool=pool, terms=TERMS, effective_date=opened, publisher="demo", at=clock.now())
    covered_from = clock.start_of_day(opened, ZONE)
    admit_member(
        pool=pool,
        person=staff[MEMBER],
        class_no=0,
        from_at=covered_from,
        joined_date=opened,
        actor="demo",
    )
    admit_group(
        pool=pool,
        count=members - 1,
        class_no=0,
        from_at=covered_from,
        joined_date=opened,
        actor="demo",
    )
    announce_cases(pool=pool, cases=cases)
    return pools.open_pool(pool=pool, opener="demo", on=opened)


def announce_cases(*, pool: Pool, cases: tuple[Case, ...]) -> None:
    """Hand the ledger the awards of decided cases."""
    for code, band, sex, region, disease, aid_fen in cases:
        sharing.announce_award(
            pool=pool,
            code=code,
            claim_code=f"demo-{pool.code}-{code}",
            masked={"age_band": band, "sex": sex, "region": region, "disease": disease},
            aid_fen=aid_fen,
            announcer="demo",
            at=clock.now(),
        )


def prepare_demo(*, patience: float = 120.0) -> Period | None:
    """Make the demonstration once: people, pool, and one period posted by the worker.

    Broken off anywhere, the next call goes on from the rows that are there. Returns the posted period the
    first time, None when the demonstration was ready.

    Raises: WorkerSilentError when the worker does not answer within `patience` seconds per step.
    """
    require_demo()
    if Installation.objects.get().demo_ready:
        return None
    if not Pool.objects.filter(code=POOL).exists():
        _set_clock_to(FIRST_MORNING)
    pool = make_pool(
        code=POOL,
        name_en="Hundred thousand hands",
        name_zh="十万互助",
        members=POOL_MEMBERS,
        opened=OPENED,
        cases=FIRST_CASES,
    )
    period = _post_first_period(pool, patience)
    with transaction.atomic():
        if not pool.awards.filter(code=SECOND_CASES[0][0]).exists():
            announce_cases(pool=pool, cases=SECOND_CASES)
            _move_clock_row(31)
        Installation.objects.update(demo_ready=True)
    sharing.advance_due(at=clock.now())
    return period


def _post_first_period(pool: Pool, patience: float) -> Period:
    """Take period 1 from opening to posted: the calendar and the worker do it, two people prepare and approve."""
    staff = make_people()
    asked: set[str] = set()

    def period_state() -> str:
        period = pool.periods.filter(number=1).select_related("pool").first()
        state = period.state if period else "none"
        if state in asked:
            return state
        asked.add(state)
        if period is None or state in {Period.State.OPENED, Period.State.FROZEN, Period.State.ANNOUNCED}:
            sharing.advance_due(at=clock.now())
        elif state == Period.State.SETTLED:
            sharing.request_computation(period=period, preparer=staff["pool_admin"].code)
        elif state == Period.State.COMPUTED:
            sharing.approve_period(
                period=period,
                approver=staff["controller"].code,
                shown_sha256=period.shown_sha256 or "",
                at=clock.now(),
            )
        return state

    _wait(lambda: period_state() == Period.State.POSTED, patience)
    # Charges are told to members on the day they are posted, so before the clock moves on.
    _wait(lambda: pool.periods.filter(number=1, charges_notified_at__isnull=False).exists(), patience)
    return pool.periods.select_related("pool").get(number=1)


def _wait(done: Callable[[], bool], patience: float) -> None:
    """Look ten times a second until it is done. Raises: WorkerSilentError."""
    end = time.monotonic() + patience
    while not done():
        if time.monotonic() > end:
            stuck = Job.objects.filter(state=Job.State.STUCK).first()
            raise WorkerSilentError(
                _("The worker did not post the first period in time. Is it running? %(error)s")
                % {"error": stuck.last_error if stuck else ""}
            )
        time.sleep(0.1)


def start_million(*, actor: str) -> Job:
    """Ask the worker for a pool of a million members whose first period waits to be divided."""
    require_demo()
    with transaction.atomic():
        return jobs.enqueue(kind=MAKE_MILLION, key=MILLION, payload={}, actor=actor)


@jobs.handles(MAKE_MILLION)
def make_million(lease: jobs.Lease) -> None:
    """Make the pool of a million, opened this month, and let the calendar take it on."""
    with lease.transaction():
        first = clock.today(ZONE).replace(day=1)
        make_pool(
            code=MILLION,
            name_en="A million hands",
            name_zh="百万互助",
            members=1_000_000,
            opened=(first - dt.timedelta(days=1)).replace(day=1),
            cases=MILLION_CASES,
        )
    sharing.advance_due(at=clock.now())


def move_clock(*, days: int, actor: str) -> None:
    """Move the business clock on by whole days and let every pool's calendar follow.

    Never back: what has been posted would lie in the future.
    """
    require_demo()
    if not 1 <= days <= 366:
        raise DomainError(_("The clock moves on by 1 to 366 days."), code="bad_days", days=days)
    with transaction.atomic():
        _move_clock_row(days)
        audit.record(actor=actor, action="move_clock", subject="clock", days=days)
    sharing.advance_due(at=clock.now())


def _move_clock_row(days: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE work_installation SET clock_offset = coalesce(clock_offset, interval '0')
                                            + make_interval(days => %s)""",
            [days],
        )


def _set_clock_to(at: dt.datetime) -> None:
    """Let the demo clock run from that instant."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_installation SET clock_at = NULL, clock_offset = %s - now()", [at])
