"""A year of small pools: a town, a village and an association, played by the cast through the services.

The script is a list of stops: days on which somebody does something. Every deed looks at the rows first, so a
history that was broken off goes on from where it stood. What happens follows from the script alone; only the
codes of people and claims are drawn. Five pools more, for rarer rules, are in `variants`.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from aidplatform.lib import clock
from aidplatform.lib.errors import DomainError
from aidplatform.site.demo import books, deeds, jury, operator, variants
from aidplatform.site.demo.appeal import appeal
from aidplatform.site.demo.clock import ZONE, morning_of, stop_clock_at, wait_for_worker
from aidplatform.site.demo.deeds import Deed, Work
from aidplatform.site.demo.people import CHILDREN, MEMBER, NEIGHBOR, Child, cast_member, make_villager
from aidplatform.site.demo.pools import (
    Founding,
    admit_strangers,
    aid_rows,
    bands,
    calendar_of,
    found,
    small_terms,
)
from claims.publicity.triggers import DAYS_FOR_TWO, DAYS_TO_REPLY
from ledger.custody.statement_parts import FileLine
from ledger.sharing import services as sharing
from ledger.verification.selectors import verifications_of
from ledger.verification.services import ask_for_verification
from members.joining import deputies
from members.joining.models import Membership, MembershipSpan
from members.joining.services import end_cover
from members.people.models import User
from members.pools.models import Pool

OPENED = dt.date(2025, 3, 1)
LAST_MONTH = 12  # months are counted from March 2025 = 1; this is February 2026
END = dt.date(2026, 2, 16)
REFERRED_MONTH = 8  # the operator is paid for members who were sent
TOWN, VILLAGE, ASSOCIATION = "town", "village", "association"


@dataclass(frozen=True)
class Story:
    """What becomes of one claim. member: number of a villager, or a key of the cast.

    month: of filing; the case goes public in the month after. ends: the state in which the history leaves it, or a
    turn on its way.
    """

    member: int | str
    month: int
    illness: str
    ends: str = "closed"


@dataclass(frozen=True)
class Naming:
    """That one of the cast names another to claim for them; agrees: the other one has, else it waits for them."""

    member: str
    person: str
    kind: str
    agrees: bool


@dataclass(frozen=True)
class Setting:
    """A pool of the history: how it begins, who has an account, who comes and goes, and its claims.

    children: whom the member of the cast has added. namings: who of the cast may claim for whom.
    """

    founding: Founding
    villagers: int
    joins: int
    stories: tuple[Story, ...]
    publicity_day: int = 7
    charge_day: int = 14
    cast: tuple[str, ...] = (MEMBER, NEIGHBOR)
    children: tuple[Child, ...] = ()
    namings: tuple[Naming, ...] = ()

    @property
    def code(self) -> str:
        """Return the pool's code."""
        return self.founding.code

    @property
    def first_month(self) -> int:
        """Return the month in which the pool opens."""
        return _month_of(self.founding.opened)


def _month_of(day: dt.date) -> int:
    return (day.year - OPENED.year) * 12 + day.month - OPENED.month + 1


SETTINGS = (
    Setting(
        Founding(
            TOWN,
            "Riverside town",
            "江畔互助",
            {0: 427, 1: 619, 2: 527, 3: 405},
            OPENED,
            small_terms(
                aid=aid_rows(10_000_000, 5_000_000, 2_000_000),
                minimum_members=500,
                appeal_days=30,
                jury={
                    "tenure_days": 30,
                    "seats": 9,
                    "reserves": 6,
                    "quorum": 5,
                    "threshold_permille": 500,
                    "inclusive": True,
                    "voting_hours": 72,
                    "take_days": 30,
                },
                investigation={
                    "days": 14,
                    "agreed_above_fen": 50_000,
                    "most_fen": 300_000,
                    "borne_by": "shared",
                    "answer_days": 7,
                },
                debit={
                    "scheme": "card",
                    "creditor_id": "Agreement 2400 (invented)",
                    "first_notice_days": 5,
                    "later_notice_days": 3,
                },
            ),
            "6222 0000 0000 2400 01",
        ),
        # More than the thirty of whom a jury can be drawn.
        villagers=36,
        joins=36,
        stories=(
            Story(1, 2, "thyroid_cancer"),
            Story(2, 3, "cancer_severe"),
            Story(4, 4, "heart_attack"),
            Story(6, 4, "thyroid_cancer", "judged"),
            Story(7, 5, "leukemia"),
            Story(8, 6, "cancer_severe"),
            Story(10, 6, "thyroid_cancer", "overturned"),
            Story(12, 7, "cancer_severe"),
            Story(13, 8, "cancer_mild", "dismissed"),
            Story(15, 9, "cancer_severe"),
            Story(16, 9, "stroke_mild", "withdrawn"),
            Story(17, 10, "heart_attack", "paid"),
            Story(18, 11, "cancer_severe", "shared"),
            Story(19, 11, "cancer_mild", "objected"),
            Story(20, 12, "leukemia", "in_publicity"),
            Story(21, 12, "stroke_mild", "recommended"),
            Story(22, 12, "kidney_failure", "under_review"),
            Story(23, 12, "thyroid_cancer", "papers_requested"),
            Story(24, 12, "heart_attack", "filed"),
            Story(NEIGHBOR, 12, "thyroid_cancer", "rejected"),
            Story(9, 12, "thyroid_cancer", "appealed"),
            Story(MEMBER, 12, "cancer_severe", "draft"),
        ),
    ),
    Setting(
        Founding(
            VILLAGE,
            "Willow village",
            "柳村互助",
            {0: 8, 1: 8, 2: 9, 3: 8},
            dt.date(2025, 12, 1),
            small_terms(
                aid=aid_rows(800_000, 600_000, 200_000, youngest=0),
                classes=bands(1, 1, 1, 1, youngest=0),
                fee={"rate": "0"},
                waiting_days=10,
            ),
            "6222 0000 0000 0040 01",
        ),
        villagers=3,
        joins=0,
        children=CHILDREN,
        namings=(
            Naming(MEMBER, NEIGHBOR, "emergency", agrees=True),
            Naming(NEIGHBOR, MEMBER, "emergency", agrees=False),
        ),
        stories=(Story(1, 10, "cancer_mild"), Story(2, 11, "heart_attack", "shared")),
    ),
    Setting(
        Founding(
            ASSOCIATION,
            "Translators' association",
            "译者协会互助",
            {0: 60, 1: 92, 2: 80, 3: 58},
            dt.date(2025, 10, 1),
            small_terms(
                aid=aid_rows(3_000_000, 2_000_000, 500_000),
                calendar=calendar_of(11, 20),
                classes=bands(2, 3, 5, 8),
                minimum_members=100,
                floor={"members": 100},
            ),
            "6222 0000 0000 0300 01",
        ),
        villagers=5,
        joins=2,
        stories=(
            Story(1, 9, "cancer_mild"),
            Story(2, 10, "stroke_mild"),
            Story(3, 11, "heart_attack", "awarded"),
        ),
        publicity_day=11,
        charge_day=20,
        cast=(NEIGHBOR,),
    ),
)


def play(until: dt.date, work: Work = wait_for_worker) -> None:
    """Play every stop up to and without a day, the clock standing still at nine in the morning of each.

    work: what lets the worker catch up. Stops that lie behind the business day are taken as played.
    """
    play_stops(_stops(), until, work)


def play_stops(stops: list[tuple[dt.date, list[Deed]]], until: dt.date, work: Work) -> None:
    """Play these stops, in the same way."""
    today = clock.today(ZONE)
    for day, acts in stops:
        if day >= until:
            return
        if day < today:
            continue
        stop_clock_at(morning_of(day))
        if sharing.advance_due(at=clock.now()):
            work()
        for act in acts:
            act(work)
            work()


def _stops() -> list[tuple[dt.date, list[Deed]]]:
    """Return the days of the script in order, each with its deeds."""
    return by_day(chain(*map(_script, SETTINGS), variants.script()))


def by_day(script: Iterable[tuple[dt.date, Deed]]) -> list[tuple[dt.date, list[Deed]]]:
    """Return the days of a script in order, each with its deeds in theirs."""
    stops: dict[dt.date, list[Deed]] = {}
    for day, deed in script:
        stops.setdefault(day, []).append(deed)
    return sorted(stops.items())


def _script(setting: Setting) -> Iterator[tuple[dt.date, Deed]]:
    """Yield what happens in one pool, and when."""
    yield setting.founding.opened, lambda _work: _begin(setting)
    for month in range(setting.first_month, LAST_MONTH + 1):
        yield from _month(setting, month)


def _month(setting: Setting, month: int) -> Iterator[tuple[dt.date, Deed]]:
    """Yield the days of one month: members come and go, the period is shared, collected and paid, claims are filed."""

    def on(day: int) -> dt.date:
        years, place = divmod(OPENED.month + month - 2, 12)
        return dt.date(OPENED.year + years, place + 1, day)

    publicity, charge = setting.publicity_day, setting.charge_day
    is_last = month == LAST_MONTH
    yield on(2), lambda _work: _come_and_go(setting, month)
    if month > setting.first_month:
        yield on(2), lambda _work: books.close_month(_pool(setting), on(1))
    yield on(publicity), lambda _work: None
    yield from ((on(day), deed) for day, deed in _judge(setting, month))
    yield on(publicity + 1), lambda _work: _object(setting, month)
    yield on(publicity + 2), lambda _work: _answer(setting, month, "dismissed")
    # Upheld once its claimant could read it and reply.
    yield (
        on(publicity + 1 + DAYS_FOR_TWO + DAYS_TO_REPLY),
        lambda _work: _answer(setting, month, "overturned"),
    )
    yield (
        on(publicity + 3),
        lambda work: None if _waits(setting, month) else deeds.share(_pool(setting), work),
    )
    if not (is_last and charge + 1 >= END.day):
        yield on(charge + 1), lambda _work: _collect(setting, on(charge + 1), may_pay=not is_last)
        if not is_last:
            yield on(charge + 3), lambda work: _settle(setting, on(charge + 3), work)
    if is_last and setting.code == TOWN:
        yield on(9), lambda _work: deeds.change_rules(_pool(setting))
        yield on(10), lambda _work: _answer_rules(setting)
        yield on(10), lambda _work: deeds.give_mandates(_pool(setting), _people(setting)[::4])
    for place, day in enumerate((12, 13, 15) if is_last else (21, 24, 27)):
        yield on(day), lambda _work, place=place: _tell_stories(setting, month, place)  # type: ignore[misc]
    if is_last:
        yield on(15), lambda _work: _verify(_pool(setting))


def _begin(setting: Setting) -> None:
    """Found the pool, and let those with accounts join it by signing its covenant."""
    pool = found(setting.founding)
    for number, person in enumerate(_people(setting), start=1):
        deeds.join(pool, person, number)
    for child in setting.children:
        deeds.add_child(pool, cast_member(MEMBER), child)
    for one in setting.namings:
        _name(pool, one)
    if setting.code == TOWN:
        operator.tell_interests(pool)


def _name(pool: Pool, naming: Naming) -> None:
    """Let a member name somebody to claim for them, who agrees or has not answered yet."""
    member, person = cast_member(naming.member), cast_member(naming.person)
    membership = Membership.objects.select_related("pool", "person").get(pool=pool, person=member)
    named = deputies.name_deputy(membership=membership, code=person.code, kind=naming.kind, at=clock.now())
    if naming.agrees:
        deputies.accept_deputy(deputy=named, person=person)


def _people(setting: Setting) -> list[User]:
    villagers = [make_villager(setting.code, number) for number in range(1, setting.villagers + 1)]
    return [*villagers, *(cast_member(key) for key in setting.cast)]


def _come_and_go(setting: Setting, month: int) -> None:
    """Admit the newcomers of the month, spread over the classes, and let a few leave."""
    pool = _pool(setting)
    before = sum(setting.founding.members.values()) + len(_people(setting))
    wanted = before + setting.joins * (month - setting.first_month + 1)
    day = clock.today(ZONE)
    for class_no in sorted(setting.founding.members):
        missing = wanted - pool.memberships.count()
        count = min(missing, -(-setting.joins // len(setting.founding.members)))
        if count > 0:
            admit_strangers(pool, class_no, count, day + dt.timedelta(days=1))
    leaving = range(month * 17, month * 17 + setting.joins // 9)
    for membership in Membership.objects.filter(pool=pool, person=None, number__in=leaving):
        if MembershipSpan.objects.filter(membership_id=membership.pk, pool_id=pool.pk, to_at=None).exists():
            at = clock.start_of_day(day + dt.timedelta(days=1), ZONE)
            end_cover(membership=membership, at=at, reason="left", actor="demo")


def _waits(setting: Setting, month: int) -> bool:
    """Tell whether the period of the month is left to the visitor: the association's last one."""
    return month == LAST_MONTH and setting.code == ASSOCIATION


def _collect(setting: Setting, day: dt.date, *, may_pay: bool) -> None:
    """Import what members paid by the day before; then order and release what can be paid of it."""
    pool = _pool(setting)
    silent: tuple[int, ...] = ()
    extra: tuple[FileLine, ...] = ()
    if setting.code == TOWN and not may_pay:
        # Left to the visitor: a debit to explain, a receipt to match.
        number, receipt = books.slipped_receipt(pool, day - dt.timedelta(days=1))
        silent, extra = (number,), (books.unexplained_debit(day - dt.timedelta(days=1)), receipt)
    deeds.import_bank(pool, day, silent=silent, extra=extra)
    if may_pay:
        deeds.pay_out(pool)


def _settle(setting: Setting, day: dt.date, work: Work) -> None:
    """Import the bank's confirmation of the payments; those who were helped confirm, the operator tells its income."""
    pool = _pool(setting)
    is_paid_for_members = setting.code == TOWN and _month_of(day) == REFERRED_MONTH
    extra = (operator.referral_income(pool, day - dt.timedelta(days=1)),) if is_paid_for_members else ()
    deeds.import_bank(pool, day, extra=extra)
    work()
    operator.report_income(pool)
    for story in setting.stories:
        if story.ends != "paid":
            deeds.confirm_receipt(pool, _who(setting, story))


def _tell_stories(setting: Setting, month: int, place: int) -> None:
    """Let the claims of the month take their steps: filed on the first day, reviewed on the next, then decided."""
    pool = _pool(setting)
    for story in setting.stories:
        if story.month != month:
            continue
        try:
            is_appeal = story.ends in {"appealed", "judged"}
            ends = "rejected" if is_appeal else story.ends
            deeds.tell(pool, _who(setting, story), story.illness, ends, place)
            if is_appeal and place == 2:
                appeal(pool, _who(setting, story))
        except DomainError as error:
            raise RuntimeError(f"{setting.code}, {story}: {error}") from error


def _judge(setting: Setting, month: int) -> Iterator[tuple[int, Deed]]:
    """Yield the days on which jurors offer, and on which a refusal of the month before goes its way before them."""
    publicity = setting.publicity_day
    steps = (
        (2, jury.hear_appeal),
        (publicity, jury.take),
        (publicity + 1, jury.tell_words),
        (publicity + 2, jury.vote),
        (setting.charge_day + 1, jury.close),
    )
    for story in setting.stories:
        if story.ends == "judged" and story.month == month:
            yield 2, lambda _work: jury.offer(_pool(setting), _people(setting))
        elif story.ends == "judged" and story.month == month - 1:
            for day, step in steps:
                yield day, lambda _work, step=step, story=story: step(_pool(setting), _who(setting, story))  # type: ignore[misc]


def _answer_rules(setting: Setting) -> None:
    """Let half of those with accounts agree to the new rules, and one of them leave; the rest is to come."""
    agreeing = [make_villager(setting.code, number) for number in range(12, setting.villagers + 1)]
    deeds.answer_rules(_pool(setting), agreeing, make_villager(setting.code, 5))


def _object(setting: Setting, month: int) -> None:
    """Let the neighbor object to the cases of which the script says so, on the second day of publicity."""
    for story in _disputed(setting, month):
        deeds.object_to(_pool(setting), _who(setting, story))


def _answer(setting: Setting, month: int, ends: str) -> None:
    """Let the reviewer who had no part answer the objections that end so; others stay open."""
    for story in _disputed(setting, month):
        if story.ends == ends:
            deeds.answer(_pool(setting), _who(setting, story), upheld=ends == "overturned")


def _disputed(setting: Setting, month: int) -> list[Story]:
    disputed = ("objected", "dismissed", "overturned")
    return [story for story in setting.stories if story.ends in disputed and story.month == month - 1]


def _who(setting: Setting, story: Story) -> User:
    return (
        cast_member(story.member)
        if isinstance(story.member, str)
        else make_villager(setting.code, story.member)
    )


def _pool(setting: Setting) -> Pool:
    return Pool.objects.get(code=setting.code)


def _verify(pool: Pool) -> None:
    """Let the auditor have the books recomputed, once."""
    if not verifications_of(pool).exists():
        ask_for_verification(pool=pool, asker=deeds.code_of("auditor"), at=clock.now())
