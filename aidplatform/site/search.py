"""One search over everything a person may open, from what the rooms find; grouped, exact codes first.

What is found depends on the pools that exist for the person, on their duties, and on where they are members. The
number of queries depends on none of what is found.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from aidplatform.lib.dates import format_day
from aidplatform.lib.money import AmountError, parse_fen
from aidplatform.lib.templating import in_language
from aidplatform.site.manual import manual_pages
from claims.filing.models import Claim
from claims.filing.selectors import find_claims_of
from claims.review.selectors import find_claims
from ledger.books.models import JournalEntry
from ledger.books.selectors import find_entries, find_entries_of
from ledger.books.views import READERS, entry_text
from ledger.custody.models import PaymentOrder
from ledger.custody.selectors import find_lines_of, find_orders, find_orders_of, payment_reference
from ledger.sharing.selectors import find_awards, find_periods
from members.joining.models import Membership
from members.joining.selectors import find_memberships, memberships_of
from members.people.models import User
from members.pools.models import DutyGrant, Pool
from members.pools.selectors import duties_by_pool

LONGEST = 60
MOST_HITS = 8
# Asked for: those shown, an exact one that goes on top, and one more that tells of others.
_ASKED = MOST_HITS + 2
REVIEWERS = (DutyGrant.Duty.REVIEWER.value, DutyGrant.Duty.SECOND_REVIEWER.value)
# 12, #12, or a pool's code before it: demo/12.
# 450.00, 4,500.5, ¥4500.00, 4500.00元: the point tells an amount from a number.
_AMOUNT = re.compile(r"[¥￥€$]?\s*(?P<amount>[\d,]+\.\d{1,2})\s*元?")
_NUMBER = re.compile(r"(?:(?P<pool>[-\w]+)\s*[/#]\s*|#)?(?P<number>\d{1,9})")


@dataclass(frozen=True)
class Hit:
    """Something found: what it is, what tells it from others, its page, and the code that names it alone."""

    title: str
    note: str
    address: str
    code: str = ""


@dataclass(frozen=True)
class Group:
    """Hits of one kind; is_cut: there are more than are shown."""

    name: str
    hits: list[Hit]
    is_cut: bool


@dataclass(frozen=True)
class Reach:
    """Who searches: the pools that exist for them, their duties there, and the pools they are members of."""

    person: User | None
    pools: list[Pool]
    duties: Mapping[int, set[str]]
    joined: frozenset[int]

    def with_duty(self, *duties: str) -> list[Pool]:
        """Return the pools in which the person holds one of the duties."""
        return [pool for pool in self.pools if self.duties[pool.pk] & set(duties)]

    @property
    def staff(self) -> list[Pool]:
        """Return the pools in which the person holds any duty."""
        return [pool for pool in self.pools if self.duties[pool.pk]]

    @property
    def near(self) -> list[Pool]:
        """Return the pools to which the person belongs, by duty or as a member."""
        return [pool for pool in self.pools if self.duties[pool.pk] or pool.pk in self.joined]

    def within(self, code: str | None) -> "Reach":
        """Return the same person's reach into one pool alone, where a code is given."""
        if not code:
            return self
        pools = [pool for pool in self.pools if pool.code.casefold() == code.casefold()]
        return Reach(self.person, pools, self.duties, self.joined)


def reach_of(person: User | None, *, is_strong: bool) -> Reach:
    """Return how far a person sees; duties count with a second factor only. Three queries."""
    held = duties_by_pool(person) if person and is_strong else {}
    everywhere = held.get(None, set())
    pools = list(Pool.objects.order_by("code"))
    duties = {pool.pk: held.get(pool.pk, set()) | everywhere for pool in pools}
    joined = memberships_of(person).values_list("pool_id", flat=True) if person else ()
    pools = [pool for pool in pools if not pool.is_private or duties[pool.pk]]
    return Reach(person, pools, duties, frozenset(joined))


def shortened(text: str) -> str:
    """Return what is searched for: one line of sane length without signs that cannot be printed."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text[: 10 * LONGEST])
    return " ".join(printable.split())[:LONGEST].strip()


def search(text: str, reach: Reach) -> tuple[list[Hit], list[Group]]:
    """Return the hits whose code is exactly the text, and all others in groups."""
    exact: list[Hit] = []
    groups: list[Group] = []
    for name, hits in _kinds(text, reach):
        found = list(islice(hits, _ASKED))
        named = [hit for hit in found if hit.code.casefold() == text.casefold()]
        others = [hit for hit in found if hit not in named]
        exact += named
        if others:
            groups.append(Group(name, others[:MOST_HITS], is_cut=len(others) > MOST_HITS))
    return exact, groups


def _kinds(text: str, reach: Reach) -> Iterator[tuple[str, Iterable[Hit]]]:
    """Yield every kind of thing with its hits, as far as the person reaches; a number names things before words."""
    match = _NUMBER.fullmatch(text)
    yield _("Pools"), _pools(text, reach)
    if match:
        yield from _numbered(int(match["number"]), reach.within(match["pool"]))
    if fen := _fen(text):
        yield _("Payments"), _payments_of(find_orders_of(fen, pools=reach.with_duty(*READERS)))
        yield _("Bank bookings"), _bookings_of(fen, reach)
        yield _("Journal entries"), _entries_of(fen, reach)
    yield _("Cases"), _cases(text, reach)
    if reach.person:
        yield _("My claims"), _own_claims(text, reach.person)
    yield _("Claims to review"), _claims(text, reach)
    if not match:
        yield _("Manual"), _manual(text)


def _numbered(number: int, reach: Reach) -> Iterator[tuple[str, Iterable[Hit]]]:
    """Yield what bears a number within its pool."""
    yield _("Periods"), _periods(number, reach)
    yield _("Payments"), _payments(number, reach)
    yield _("Journal entries"), _entries(number, reach)
    if reach.person:
        yield _("Memberships"), _memberships(number, reach, reach.person)


def _pools(text: str, reach: Reach) -> Iterator[Hit]:
    wanted = text.casefold()
    for pool in reach.pools:
        if any(wanted in name.casefold() for name in (pool.code, pool.name_en, pool.name_zh)):
            yield Hit(_name(pool), pool.code, reverse("pool", args=[pool.code]), pool.code)


def _cases(text: str, reach: Reach) -> Iterator[Hit]:
    for award in find_awards(text, pools=reach.pools, near=reach.near)[:_ASKED]:
        assert award.period is not None
        yield Hit(
            _("Case %(code)s") % {"code": award.code},
            _in(award.pool, _("Period %(number)s") % {"number": award.period.number}),
            reverse("award_period", args=[award.pool.code, award.code]),
            award.code,
        )


def _own_claims(text: str, person: User) -> Iterator[Hit]:
    for claim in find_claims_of(person, text)[:_ASKED]:
        yield _of_claim(claim, reverse("claim", args=[claim.code]))


def _claims(text: str, reach: Reach) -> Iterator[Hit]:
    for claim in find_claims(text, pools=reach.with_duty(*REVIEWERS))[:_ASKED]:
        yield _of_claim(claim, reverse("review_claim", args=[claim.pool.code, claim.code]))


def _of_claim(claim: Claim, address: str) -> Hit:
    return Hit(claim.code, _in(claim.pool, claim.get_state_display()), address, claim.code)


def _periods(number: int, reach: Reach) -> Iterator[Hit]:
    found = find_periods(number, pools=reach.pools, near=reach.near, staff=reach.staff)
    for period in found[:_ASKED]:
        yield Hit(
            _("Period %(number)s") % {"number": period.number},
            _in(period.pool, period.get_state_display()),
            reverse("period", args=[period.pool.code, period.number]),
            period.code,
        )


def _payments(number: int, reach: Reach) -> Iterator[Hit]:
    yield from _payments_of(find_orders(number, pools=reach.with_duty(*READERS)))


def _payments_of(orders: QuerySet[PaymentOrder]) -> Iterator[Hit]:
    for order in orders[:_ASKED]:
        yield Hit(
            _("Payment %(number)s") % {"number": order.number},
            _in(order.pool, f"{order.get_kind_display()} {order.what_for}", order.get_state_display()),
            reverse("custody_payment", args=[order.pool.code, order.number]),
        )


def _bookings_of(fen: int, reach: Reach) -> Iterator[Hit]:
    """Yield bookings of the bank of an amount, newest first; each leads into its statement, to where it stands."""
    for line in find_lines_of(fen, pools=reach.with_duty(*READERS))[:_ASKED]:
        pool = line.account.pool
        statement = reverse("custody_statement", args=[pool.code, line.statement.number])
        yield Hit(
            _("Booking %(code)s") % {"code": line.code},
            _in(pool, format_day(line.booking_date), line.get_kind_display()),
            f"{statement}?after={line.line_no - 1}" if line.line_no > 1 else statement,
        )


def _entries(number: int, reach: Reach) -> Iterator[Hit]:
    pools = {pool.code: pool for pool in reach.with_duty(*READERS)}
    yield from _hits_of(find_entries(number, codes=pools), pools)


def _entries_of(fen: int, reach: Reach) -> Iterator[Hit]:
    pools = {pool.code: pool for pool in reach.with_duty(*READERS)}
    yield from _hits_of(find_entries_of(fen, codes=pools), pools)


def _hits_of(entries: QuerySet[JournalEntry], pools: Mapping[str, Pool]) -> Iterator[Hit]:
    for entry in entries[:_ASKED]:
        pool = pools[entry.book.code]
        yield Hit(
            _("Entry %(number)s") % {"number": entry.number},
            _in(pool, str(entry_text(entry.kind, entry.source, entry.description))),
            reverse("entry", args=[pool.code, entry.number]),
        )


def _fen(text: str) -> int:
    """Return the amount that a text is (minor units); 0 for whatever is none."""
    match = _AMOUNT.fullmatch(text)
    try:
        return parse_fen(match["amount"]) if match else 0
    except AmountError:
        return 0


def _memberships(number: int, reach: Reach, person: User) -> Iterator[Hit]:
    found = find_memberships(number, pools=reach.with_duty(*READERS), person=person)
    for membership in found.filter(pool__in=reach.pools)[:_ASKED]:
        yield _of_membership(membership, person)


def _of_membership(membership: Membership, person: User) -> Hit:
    """Return a membership with the reference that its payments bear: one's own place, or the pool's bank."""
    page = "my_pool" if membership.person_id == person.pk else "custody"
    return Hit(
        _("Membership %(number)s") % {"number": membership.number},
        _in(membership.pool, payment_reference(membership)),
        reverse(page, args=[membership.pool.code]),
    )


def _manual(text: str) -> Iterator[Hit]:
    for page in manual_pages():
        if (excerpt := page.excerpt(text)) is not None:
            yield Hit(page.title, excerpt, reverse("doc", args=[page.name]))


def _in(pool: Pool, *notes: object) -> str:
    return " · ".join([_name(pool), *map(str, notes)])


def _name(pool: Pool) -> str:
    return in_language(pool.name_en, pool.name_zh)
