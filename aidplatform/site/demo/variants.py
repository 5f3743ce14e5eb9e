"""Five pools for the rules that the others do not have, played with their history.

The orchards aid against bills, under a cap for each month and one for the year; what that leaves waits, and who pays
late lands softly. The harbor pays ahead. Mill lane is ending. The makers are for people below 37, and the guild takes
over whom they let go by age: one went on, one has signed, one did not, and the member of the cast may. Their days are
those of the other pools, so that the worker is waited for once.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from typing import Any

from aidplatform.lib import clock
from aidplatform.site.demo import deeds
from aidplatform.site.demo.bank import transfer
from aidplatform.site.demo.clock import ZONE
from aidplatform.site.demo.deeds import Deed, code_of
from aidplatform.site.demo.people import MEMBER, NEIGHBOR, cast_member, make_villager
from aidplatform.site.demo.pools import (
    OPERATOR,
    TERMS,
    Founding,
    admit_strangers,
    aid_rows,
    bands,
    found,
    small_terms,
)
from ledger.custody.settlements import order_settlement
from ledger.custody.write_off_models import WriteOff
from ledger.custody.write_offs import approve_write_off, order_write_off
from ledger.sharing.ending import confirm_ending
from members.ending.selectors import first_cover_end, live_ending, proposals_to_end
from members.ending.services import propose_ending
from members.joining.models import Membership
from members.joining.transfer_offers import offer_of
from members.joining.transfers import sign_ahead
from members.pools.models import Pool

ORCHARDS, HARBOR, MILL, MAKERS, GUILD = "orchards", "harbor", "mill-lane", "makers", "guild"
VILLAGERS = {ORCHARDS: 3, HARBOR: 3, MILL: 2, MAKERS: 4, GUILD: 2}
_CAST = {ORCHARDS: (MEMBER, NEIGHBOR), HARBOR: (MEMBER,), MILL: (), MAKERS: (MEMBER,), GUILD: ()}
# Where ages decide. Of the makers number 1 is 37 in April and has signed, 2 was in January and went on, 3 was in
# February and had not signed; the member of the cast is in March.
_BORN = {
    (MAKERS, 1): dt.date(1989, 4, 10),
    (MAKERS, 2): dt.date(1989, 1, 20),
    (MAKERS, 3): dt.date(1989, 2, 3),
    (MAKERS, 4): dt.date(1996, 5, 9),
    (GUILD, 1): dt.date(1980, 7, 14),
    (GUILD, 2): dt.date(1975, 9, 2),
}
Script = Iterator[tuple[dt.date, Deed]]


def _everyone(name_en: str, name_zh: str, first: int, before: int) -> dict[str, Any]:
    """Return the only class of a pool, of those ages."""
    return {
        "class_no": 0,
        "weight": 1,
        "name_en": name_en,
        "name_zh": name_zh,
        "age_from": first,
        "age_before": before,
    }


# Who joins from 40 on bears three shares: of the second case of the year they reach the yearly cap, the others do not.
_ORCHARDS = Founding(
    ORCHARDS,
    "Orchard growers",
    "果园互助",
    {0: 4, 1: 2, 2: 1},
    dt.date(2025, 11, 1),
    small_terms(
        aid=aid_rows(1_200_000, 800_000, 700_000),
        classes=bands(1, 1, 3, 3),
        fee={"rate": "0"},
        waiting_days=10,
        minimum_members=5,
        period_cap_fen=60_000,
        year_cap_fen=90_000,
        on_infeasible="defer",
        reimbursement={"at_once": "1/5", "deductible_fen": 50_000},
        arrears={"reminder_days": [7, 21], "grace_days": 60, "make_up_days": 30, "hardship_days": 30},
    ),
    "6222 0000 0000 0012 01",
)
_HARBOR = Founding(
    HARBOR,
    "Harbor fishers",
    "港湾互助",
    {0: 6},
    dt.date(2025, 12, 1),
    small_terms(
        aid=aid_rows(160_000, 160_000, 90_000),
        classes=TERMS["classes"],
        waiting_days=5,
        minimum_members=5,
        funding={"join_fen": 20_000, "warn_below_fen": 8_000, "top_up_days": 30},
    ),
    "6222 0000 0000 0010 01",
)
_MILL = Founding(
    MILL,
    "Mill lane",
    "磨坊巷互助",
    {0: 6},
    dt.date(2025, 10, 1),
    small_terms(
        aid=aid_rows(200_000, 200_000, 100_000),
        classes=TERMS["classes"],
        waiting_days=10,
        minimum_members=5,
        wind_down={"payer": OPERATOR["name"], "run_off_days": 30},
    ),
    "6222 0000 0000 0008 01",
)
_GUILD = Founding(
    GUILD,
    "Makers' guild",
    "匠人行会互助",
    {0: 126},
    dt.date(2025, 11, 1),
    small_terms(
        aid=[
            {"severity": "severe", "age_from": 30, "age_before": 60, "max_aid_fen": 900_000},
            {"severity": "mild", "age_from": 30, "age_before": 60, "max_aid_fen": 200_000},
        ],
        classes=[_everyone("Aged 30 to 59", "30–59岁", 30, 60)],
        waiting_days=30,
        minimum_members=100,
        takes_over={"pools": [MAKERS], "waiting_counts": True},
    ),
    "6222 0000 0000 0126 01",
)
_MAKERS = Founding(
    MAKERS,
    "Young makers",
    "青年匠人互助",
    {0: 118},
    dt.date(2025, 11, 1),
    small_terms(
        aid=[
            {"severity": "severe", "age_from": 18, "age_before": 37, "max_aid_fen": 600_000},
            {"severity": "mild", "age_from": 18, "age_before": 37, "max_aid_fen": 100_000},
        ],
        classes=[_everyone("Aged 18 to 36", "18–36岁", 18, 37)],
        waiting_days=10,
        minimum_members=100,
        successor=GUILD,
    ),
    "6222 0000 0000 0118 01",
)


def script() -> Script:
    """Yield what happens in the five pools, and when."""
    yield from _orchards()
    yield from _harbor()
    yield from _mill()
    yield from _makers()


def _orchards() -> Script:
    """Yield the months of bills and caps: numbers 3 and 5 do not pay, and 3 does after all."""
    yield from _begins(_ORCHARDS)
    yield from _posts(ORCHARDS, "2025-11")
    yield from _claims(ORCHARDS, 1, "cancer_mild", "2025-11", spend_fen=110_000)
    yield from _shares(ORCHARDS, "2025-12", silent={3})
    yield from _brings_bills(ORCHARDS, 1, "2025-12", spend_fen=400_000)
    yield _day("2026-01", 9), lambda _work: _write_off(number=3, upto=2, is_approved=True)
    yield from _shares(ORCHARDS, "2026-01", silent={5}, extra={3: 10_000})
    yield _day("2026-01", 21), lambda _work: _come()
    yield from _claims(ORCHARDS, 3, "heart_attack", "2026-01", spend_fen=530_000)
    yield from _shares(ORCHARDS, "2026-02", silent={5}, is_last=True)
    yield _day("2026-02", 15), lambda _work: _write_off(number=5, upto=3, is_approved=False)


def _harbor() -> Script:
    """Yield the months of wallets: number 3 runs short and stays so, 4 tops up late, 9 has never paid."""
    yield from _begins(_HARBOR)
    yield from _posts(HARBOR, "2025-12")
    first = dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 8, 10), 20_000)
    yield _day("2025-12", 8), lambda _work: _bank(HARBOR, _day("2025-12", 8), extra=first)
    yield from _claims(HARBOR, 1, "cancer_mild", "2025-12")
    again = {1: 30_000, 2: 12_000, 5: 20_000, 6: 20_000, 7: 20_000, 8: 20_000, 10: 15_000}
    yield from _shares(HARBOR, "2026-01", extra=again)
    yield from _claims(HARBOR, 2, "heart_attack", "2026-01")
    yield from _shares(HARBOR, "2026-02", extra={4: 20_000}, is_last=True)


def _mill() -> Script:
    """Yield the months of a pool that ends: number 3 never pays, which the settlement shares out."""
    yield from _begins(_MILL)
    yield from _posts(MILL, "2025-10")
    yield from _claims(MILL, 1, "cancer_mild", "2025-10")
    yield _day("2025-11", 2), lambda _work: _end()
    yield from _shares(MILL, "2025-11", silent={3})
    yield from _claims(MILL, 2, "heart_attack", "2025-11")
    yield from _shares(MILL, "2025-12", silent={3})
    yield _day("2026-02", 15), lambda _work: _settle()


def _makers() -> Script:
    """Yield the months of two pools of which one takes over whom the other lets go by age."""
    yield from _begins(_GUILD)
    yield from _begins(_MAKERS)
    for code in (GUILD, MAKERS):
        yield from _posts(code, "2025-11")
        yield from _posts(code, "2025-12")
    yield from _claims(GUILD, 1, "heart_attack", "2025-12")
    yield from _claims(MAKERS, 4, "cancer_mild", "2025-12")
    yield _day("2025-12", 24), lambda _work: _sign_ahead(2)
    for code in (GUILD, MAKERS):
        yield from _shares(code, "2026-01")
    yield from _claims(GUILD, 2, "cancer_mild", "2026-01")
    yield _day("2026-02", 10), lambda _work: _sign_ahead(1)
    for code in (GUILD, MAKERS):
        yield from _shares(code, "2026-02", is_last=True)


# --- months -----------------------------------------------------------------------------------------------------


def _day(month: str, day: int) -> dt.date:
    return dt.date.fromisoformat(f"{month}-{day:02d}")


def _begins(founding: Founding) -> Script:
    def begin(_work: object) -> None:
        pool = found(founding)
        villagers = [make_villager(pool.code, number) for number in range(1, VILLAGERS[pool.code] + 1)]
        cast = [cast_member(key) for key in _CAST[pool.code]]
        for number, person in enumerate((*villagers, *cast), start=1):
            deeds.join(pool, person, number, _BORN.get((pool.code, number)))

    yield founding.opened, begin


def _claims(code: str, villager: int, illness: str, month: str, spend_fen: int | None = None) -> Script:
    """Yield the days on which a villager's claim is filed, reviewed and decided."""

    def file(_work: object) -> None:
        pool, person = _pool(code), make_villager(code, villager)
        deeds.draft_claim(pool, person, illness, spend_fen)
        deeds.tell(pool, person, illness, "closed", 0)

    yield _day(month, _CLAIM_DAYS[0]), file
    yield from _review(code, villager, illness, month)


def _brings_bills(code: str, villager: int, month: str, spend_fen: int) -> Script:
    """Yield the same for further bills of the villager's case."""
    yield (
        _day(month, _CLAIM_DAYS[0]),
        lambda _work: deeds.file_further_bills(_pool(code), make_villager(code, villager), spend_fen),
    )
    yield from _review(code, villager, "", month)


_CLAIM_DAYS = (21, 24, 27)


def _review(code: str, villager: int, illness: str, month: str) -> Script:
    def at(place: int) -> Deed:
        return lambda _work: deeds.tell(_pool(code), make_villager(code, villager), illness, "closed", place)

    yield _day(month, _CLAIM_DAYS[1]), at(1)
    yield _day(month, _CLAIM_DAYS[2]), at(2)


def _posts(code: str, month: str) -> Script:
    """Yield the publicity day of a month, and the day on which its shares are posted."""
    yield _day(month, 7), lambda _work: None
    yield _day(month, 10), lambda work: deeds.share(_pool(code), work)


def _shares(
    code: str,
    month: str,
    *,
    silent: Collection[int] = (),
    extra: dict[int, int] | None = None,
    is_last: bool = False,
) -> Script:
    """Yield a month's sharing, and the bank's statements of it; what it brought is paid out unless it is the last one.

    silent: who pays nothing. extra: who transfers how much beyond what is owed (fen).
    """
    yield from _posts(code, month)
    charged = _day(month, 15)

    def collect(_work: object) -> None:
        _bank(code, charged, silent=silent, extra=extra or {})
        if not is_last:
            deeds.pay_out(_pool(code))

    yield charged, collect
    if not is_last:
        yield _day(month, 17), lambda work: _paid(code, _day(month, 17), silent, work)


def _bank(code: str, until: dt.date, *, silent: Collection[int] = (), extra: dict[int, int]) -> None:
    before = until - dt.timedelta(days=1)
    lines = tuple(transfer(code, number, fen, before) for number, fen in sorted(extra.items()))
    deeds.import_bank(_pool(code), until, unpaid=0, silent=silent, extra=lines)


def _paid(code: str, until: dt.date, silent: Collection[int], work: Callable[[], None]) -> None:
    """Import the bank's confirmation of the payments; those who were helped confirm in turn."""
    _bank(code, until, silent=silent, extra={})
    work()
    for number in range(1, VILLAGERS[code] + 1):
        deeds.confirm_receipt(_pool(code), make_villager(code, number))


# --- single deeds -----------------------------------------------------------------------------------------------


def _sign_ahead(number: int) -> None:
    """Let one of the makers sign the covenant of the guild ahead; signed or gone on before: nothing."""
    pool, person = _pool(MAKERS), make_villager(MAKERS, number)
    membership = Membership.objects.select_related("pool", "person").get(pool=pool, person=person)
    offer = offer_of(membership, clock.today(ZONE))
    if offer is not None and not offer.is_signed:
        sign_ahead(
            membership=membership,
            person=person,
            shown_sha256=offer.version.covenant_sha256,
            health=True,
            publication=True,
            language=person.language,
            at=clock.now(),
        )


def _come() -> None:
    """Admit somebody who has shared nothing of the year: a room of their own beside those of their class."""
    pool = _pool(ORCHARDS)
    if not pool.memberships.filter(joined_date__gt=_ORCHARDS.opened).exists():
        admit_strangers(pool, 2, 1, clock.today(ZONE) + dt.timedelta(days=1))


def _write_off(*, number: int, upto: int, is_approved: bool) -> None:
    """Let the treasurer order, and the controller approve or not, that a membership's open shares are written off."""
    pool = _pool(ORCHARDS)
    membership = pool.memberships.get(number=number)
    write_off = WriteOff.objects.filter(pool=pool, membership_id=membership.pk).first() or order_write_off(
        membership=membership,
        reason=WriteOff.Reason.UNCOLLECTABLE,
        reminders=3,
        upto_period_no=upto,
        orderer=code_of("treasurer"),
        at=clock.now(),
    )
    if is_approved and write_off.state == WriteOff.State.ORDERED:
        approve_write_off(
            write_off=write_off,
            approver=code_of("controller"),
            shown_sha256=write_off.shown_sha256 or "",
            at=clock.now(),
        )


def _end() -> None:
    """Let the pool admin propose to end the pool as soon as can be, and the controller give notice."""
    pool = _pool(MILL)
    if live_ending(pool) is not None:
        return
    earliest = first_cover_end(pool, clock.today(ZONE))
    assert earliest is not None
    proposal = proposals_to_end(pool).filter(state="open").first() or propose_ending(
        pool=pool,
        reason="The mill has closed and most families are moving away. 磨坊停工，多数家庭即将迁走。",
        cover_end_date=earliest,
        proposer=code_of("pool_admin"),
        at=clock.now(),
    )
    confirm_ending(
        proposal=proposal, confirmer=code_of("controller"), shown_sha256=proposal.shown_sha256, at=clock.now()
    )


def _settle() -> None:
    """Let the treasurer order the settlement, for the controller to look at."""
    pool = _pool(MILL)
    if not pool.settlements.exists():
        order_settlement(pool=pool, orderer=code_of("treasurer"), at=clock.now())


def _pool(code: str) -> Pool:
    return Pool.objects.get(code=code)
