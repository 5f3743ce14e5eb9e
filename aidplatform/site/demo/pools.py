"""Founding the pools of a demonstration: staffed, filled and opened by the services that found any pool.

The first pool keeps the proportions of Xianghubao's second period of October 2020, whose published share was
4.86: three cases of 300,000, 100,000 and 50,000 yuan and a fee of 8 % over 100,123 members.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from aidplatform.lib import clock
from aidplatform.site.demo.clock import ZONE, require_demo
from aidplatform.site.demo.people import CAST, MEMBER, Duty, known_of_strangers, make_people
from aidplatform.work import jobs
from aidplatform.work.models import Job
from ledger.custody.services import open_bank_account
from ledger.sharing import services as sharing
from members.joining.services import admit_group, admit_member
from members.pools import services as pools
from members.pools.models import Pool

DEMO, MILLION = "demo", "million"
MAKE_MILLION = "site.make_million"
DEMO_MEMBERS = 100_123

OPERATOR = {
    "name": "Mutual Aid Operating Society (invented)",
    "registration": "00000000DEMO00000X",
    "legal_basis_en": "Contract between the members; the society only organizes it and keeps the books",
    "legal_basis_zh": "成员之间的合同；运营社只负责组织和记账",
    "contact": "office@demo.invalid",
}
TERMS: dict[str, Any] = {
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
    "operator": OPERATOR,
    "wind_down": {"payer": OPERATOR["name"], "run_off_days": 180, "run_off_cap_fen": 50_000},
}


def calendar_of(publicity_day: int = 7, charge_day: int = 14) -> dict[str, Any]:
    """Return a calendar of one period a month, its cases public for three days."""
    return {
        "publicity_days": 3,
        "periods": [{"opening_day": 1, "publicity_day": publicity_day, "charge_day": charge_day}],
    }


def bands(*weights: int, youngest: int = 18) -> list[dict[str, Any]]:
    """Return a class per band of ages with these weights. youngest: from which age there is a class."""
    edges = (youngest, 30, 40, 50, 60)
    return [
        {
            "class_no": no,
            "weight": weight,
            "name_en": f"Aged {edges[no]} to {edges[no + 1] - 1}" if edges[no] else f"Under {edges[no + 1]}",
            "name_zh": f"{edges[no]}–{edges[no + 1] - 1}岁" if edges[no] else f"{edges[no + 1]}岁以下",
            "age_from": edges[no],
            "age_before": edges[no + 1],
        }
        for no, weight in enumerate(weights)
    ]


def aid_rows(young_fen: int, old_fen: int, mild_fen: int, youngest: int = 18) -> list[dict[str, Any]]:
    """Return the most aid by severity and age. youngest: from which age there is aid."""
    return [
        {"severity": "severe", "age_from": youngest, "age_before": 40, "max_aid_fen": young_fen},
        {"severity": "severe", "age_from": 40, "age_before": 60, "max_aid_fen": old_fen},
        {"severity": "mild", "age_from": youngest, "age_before": 60, "max_aid_fen": mild_fen},
    ]


def small_terms(**given: Any) -> dict[str, Any]:
    """Return the terms of a small pool, those given in the place of the usual ones."""
    return {
        "fee": {"rate": "8/100"},
        "calendar": calendar_of(),
        "classes": bands(1, 1, 1, 1),
        "on_cap": "redistribute",
        "on_infeasible": "sponsor",
        "waiting_days": 30,
        "minimum_members": 10,
        "notice_days": 14,
        "operator": OPERATOR,
        "wind_down": {"payer": OPERATOR["name"], "run_off_days": 180},
    } | given


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


@dataclass(frozen=True)
class Founding:
    """What a pool of the demonstration begins with. members: how many without an account, by class."""

    code: str
    name_en: str
    name_zh: str
    members: Mapping[int, int]
    opened: dt.date
    terms: Mapping[str, Any]
    bank_number: str


def demo_founding() -> Founding:
    """Return the pool whose first period the worker posts on the first start; one member more has an account."""
    return Founding(
        code=DEMO,
        name_en="Hundred thousand hands",
        name_zh="十万互助",
        members={0: DEMO_MEMBERS - 1},
        opened=dt.date(2026, 1, 1),
        terms=TERMS,
        bank_number="6222 0000 0010 0123 01",
    )


@transaction.atomic
def found(founding: Founding) -> Pool:
    """Found, staff, fill and open a pool; nothing but its return if it exists."""
    existing = Pool.objects.filter(code=founding.code).first()
    if existing is not None:
        return existing
    staff = make_people()
    pool = pools.found_pool(
        code=founding.code,
        name_en=founding.name_en,
        name_zh=founding.name_zh,
        currency="CNY",
        time_zone=ZONE,
        expected_members=sum(founding.members.values()),
        founder="demo",
    )
    sharing.open_pool_books(pool=pool)
    _staff(pool)
    open_bank_account(
        pool=pool,
        bank_name="Demonstration Trust Bank",
        holder_name=f"Members of the pool {founding.code}, in custody",
        number=founding.bank_number,
        opener=staff["controller"].code,
        at=clock.now(),
    )
    version = pools.publish_plan(
        pool=pool,
        terms=founding.terms,
        effective_date=founding.opened,
        publisher=staff["pool_admin"].code,
        at=clock.now(),
    )
    sharing.log_version(pool, version)
    for class_no, count in founding.members.items():
        by_age = any("age_from" in row for row in founding.terms["classes"])
        admit_strangers(pool, class_no, count, founding.opened, with_ages=not by_age)
    return pools.open_pool(pool=pool, opener=staff["pool_admin"].code, on=founding.opened)


def _staff(pool: Pool) -> None:
    """Grant the cast its duties, as founders do."""
    people = make_people()
    for role in CAST:
        if role.duty:
            pools.grant_founding_duty(
                pool=pool, person=people[role.key], duty=Duty(role.duty).value, at=clock.now()
            )


def admit_strangers(pool: Pool, class_no: int, count: int, day: dt.date, *, with_ages: bool = False) -> None:
    """Admit members without accounts, covered from the beginning of a day. with_ages: where ages decide nothing."""
    admit_group(
        pool=pool,
        count=count,
        class_no=class_no,
        from_at=clock.start_of_day(day, ZONE),
        joined_date=day,
        actor="demo",
        known=known_of_strangers(with_ages=with_ages),
    )


def admit_gao_xin(pool: Pool, day: dt.date) -> None:
    """Admit the member of the cast, covered from the beginning of a day; nothing if they belong."""
    person = make_people()[MEMBER]
    if not pool.memberships.filter(person=person).exists():
        admit_member(
            pool=pool,
            person=person,
            class_no=0,
            from_at=clock.start_of_day(day, ZONE),
            joined_date=day,
            actor="demo",
        )


@transaction.atomic
def announce_cases(*, pool: Pool, cases: tuple[Case, ...]) -> None:
    """Hand the ledger the awards of decided cases, as a pool does that moves in with a list; each once."""
    known = set(pool.awards.values_list("code", flat=True))
    for code, band, sex, region, disease, aid_fen in cases:
        if code in known:
            continue
        sharing.announce_award(
            pool=pool,
            code=code,
            claim_code=f"demo-{pool.code}-{code}",
            masked={"age_band": band, "sex": sex, "region": region, "disease": disease, **_months(pool)},
            aid_fen=aid_fen,
            announcer="demo",
            at=clock.now(),
        )


def _months(pool: Pool) -> dict[str, str]:
    """Return the months that the faces of these cases tell: of joining, and of the illness, which came last month."""
    assert pool.opened_date is not None
    ill = clock.today(ZONE).replace(day=1) - dt.timedelta(days=1)
    return {"joined": f"{pool.opened_date:%Y-%m}", "month": f"{max(ill, pool.opened_date):%Y-%m}"}


def start_million(*, actor: str) -> Job:
    """Ask the worker for a pool of a million members whose first period waits to be divided."""
    require_demo()
    with transaction.atomic():
        return jobs.enqueue(kind=MAKE_MILLION, key=MILLION, payload={}, actor=actor)


@jobs.handles(MAKE_MILLION)
def make_million(lease: jobs.Lease) -> None:
    """Make the pool of a million, opened last month, and let the calendar take it on."""
    require_demo()
    with lease.transaction():
        first = clock.today(ZONE).replace(day=1)
        opened = (first - dt.timedelta(days=1)).replace(day=1)
        pool = found(
            Founding(
                code=MILLION,
                name_en="A million hands",
                name_zh="百万互助",
                members={0: 999_999},
                opened=opened,
                terms=TERMS,
                bank_number="6222 0000 0100 0000 01",
            )
        )
        admit_gao_xin(pool, opened)
        announce_cases(pool=pool, cases=MILLION_CASES)
    sharing.advance_due(at=clock.now())
