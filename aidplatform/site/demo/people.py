"""The people of a demonstration: the cast that one click turns into, and neighbors who only appear in lists.

Nobody's real name; mail goes nowhere (.invalid); document numbers no real person can hold: order code 000 is
never given out.
"""

import datetime as dt
from dataclasses import dataclass

from stdnum.cn import ric

from members.joining.documents import SEXES, Traits
from members.people.identity import Paper
from members.people.models import User
from members.pools.models import DutyGrant

Duty = DutyGrant.Duty
MEMBER, NEIGHBOR = "member", "neighbor"
# Districts that have had their number since before the oldest was born.
_REGIONS = ("110101", "110102", "110105", "110108", "120101", "310101", "310104", "310110")


@dataclass(frozen=True)
class Role:
    """One of the cast: what others know them by, the duty they hold in every pool, and their names."""

    key: str
    duty: str
    name: str
    name_zh: str
    born: dt.date = dt.date(1985, 6, 15)

    @property
    def email(self) -> str:
        """Return the address of the account, which leads nowhere."""
        return f"{self.key}@demo.invalid"


CAST = (
    Role("pool_admin", Duty.POOL_ADMIN, "Lin Yuan", "林远"),
    Role("controller", Duty.CONTROLLER, "Chen Jing", "陈静"),
    Role("treasurer", Duty.TREASURER, "Zhao Ming", "赵明"),
    Role("auditor", Duty.AUDITOR, "Sun Li", "孙丽"),
    Role("reviewer", Duty.REVIEWER, "Wang Fang", "王芳"),
    Role("second_reviewer", Duty.SECOND_REVIEWER, "Li Na", "李娜"),
    Role("third_reviewer", Duty.SECOND_REVIEWER, "Xu Hua", "许华"),
    Role("other_reviewer", Duty.REVIEWER, "Ma Jie", "马洁"),
    Role(MEMBER, "", "Gao Xin", "高欣", dt.date(1989, 3, 8)),
    Role(NEIGHBOR, "", "He Ping", "何平", dt.date(1978, 11, 2)),
)


@dataclass(frozen=True)
class Child:
    """A child without an account, whom the member of the cast has added. number: of its invented document."""

    name_zh: str
    born: dt.date
    number: int


# Gao Xin's children: for one she signs alone, the other one is asked.
CHILDREN = (Child("高乐", dt.date(2017, 6, 4), 601), Child("高雨", dt.date(2010, 9, 21), 602))

# Beside an odd number of homes and two sexes this prime lets all of them meet.
_STRANGERS = 997
_HOMES = (
    "guangdong", "jiangsu", "shandong", "zhejiang", "henan", "sichuan", "hubei", "fujian", "hunan", "shanghai",
    "anhui", "hebei", "beijing", "shaanxi", "jiangxi", "chongqing", "liaoning", "yunnan", "guangxi", "shanxi",
)  # fmt: skip
_FAMILY = (("Wu", "吴"), ("Zhou", "周"), ("Tang", "唐"), ("Luo", "罗"), ("Deng", "邓"), ("Shen", "沈"))
_GIVEN = (("Mei", "梅"), ("Jun", "军"), ("Yan", "燕"), ("Bo", "波"), ("Ling", "玲"), ("Tao", "涛"))


def make_people() -> dict[str, User]:
    """Create the cast, or return it, by key."""
    return {
        role.key: User.objects.filter(email=role.email).first()
        or User.objects.create_user(role.email, name=role.name, name_zh=role.name_zh, is_demo=True)
        for role in CAST
    }


def cast_member(key: str) -> User:
    """Return one of the cast."""
    return User.objects.get(email=f"{key}@demo.invalid")


def make_villager(pool_code: str, number: int) -> User:
    """Create, or return, a member who is no part of the cast."""
    email = f"{pool_code}-{number:02d}@demo.invalid"
    name, name_zh = names_of(number)
    found = User.objects.filter(email=email).first()
    return found or User.objects.create_user(email, name=name, name_zh=name_zh)


def names_of(number: int) -> tuple[str, str]:
    """Return what a villager is called, in English and in Chinese."""
    family, given = _FAMILY[number % 6], _GIVEN[(number // 6 + number) % 6]
    return f"{family[0]} {given[0]}", family[1] + given[1]


def born_of(number: int) -> dt.date:
    """Return a birth date between 1968 and 2005, spread over the ages of people who work."""
    return dt.date(1968 + number * 7 % 38, 1 + number * 5 % 12, 1 + number * 11 % 28)


def document_of(person: User, born: dt.date, number: int) -> Paper:
    """Return an identity card with the order code 000, different for each number."""
    return Paper(person.name_zh, born, "resident_id", "CN", card_number(born, number))


def card_number(born: dt.date, number: int) -> str:
    """Return the number of such a card."""
    head = f"{_REGIONS[number % len(_REGIONS)]}{born:%Y%m%d}000"
    return head + ric.calc_check_digit(head + "0")


def known_of_strangers(*, with_ages: bool) -> list[tuple[dt.date | None, Traits]]:
    """Return what is known of members without accounts, in turn: as many women as men, more of them in the east.

    with_ages: where ages decide nothing; elsewhere the class says what the age has to be.
    """
    homes = [*_HOMES, *_HOMES[:12], *_HOMES[:5]]
    return [
        (born_of(number) if with_ages else None, Traits(SEXES[number % 2], homes[number % len(homes)]))
        for number in range(_STRANGERS)
    ]
