"""The five pools for rarer rules: what each of them shows on the day on which visitors come."""

import datetime as dt

from aidplatform.site.demo import history, variants
from aidplatform.site.demo.clock import morning_of, stop_clock_at
from aidplatform.site.demo.gathering import bring_lists, found_gathering_pool, take_an_opening_back
from aidplatform.site.demo.people import MEMBER, NEIGHBOR, cast_member, make_people
from aidplatform.testing.ledgers import assert_books_true
from aidplatform.testing.world import run_jobs
from aidplatform.tests.pages_helpers import client_of
from claims.filing.models import Claim
from ledger.custody.recoveries import recovered_fen
from ledger.custody.wallet_selectors import wallet_of, wallet_rows
from ledger.custody.write_offs import write_offs
from ledger.disclosure.going_on import costs_of
from ledger.sharing.models import Award, Charge
from ledger.sharing.moves import Move, Moves, moves_of
from members.joining.end_models import MembershipEnd
from members.joining.looking import report_of
from members.joining.models import MemberUpload
from members.joining.transfer_models import AgeTransfer
from members.joining.transfer_offers import offer_of
from members.pools.models import Pool


def test_pools_for_rarer_rules_have_something_of_each_to_show(committed_db: tuple[str, str]) -> None:
    stop_clock_at(morning_of(history.OPENED))
    make_people()
    history.play_stops(history.by_day(variants.script()), history.END, run_jobs)
    pools = {pool.code: pool for pool in Pool.objects.all()}
    for pool in pools.values():
        assert_books_true(pool)
    _orchards(pools[variants.ORCHARDS])
    _harbor(pools[variants.HARBOR])
    _mill(pools[variants.MILL])
    _makers(pools[variants.MAKERS], pools[variants.GUILD])


def _orchards(pool: Pool) -> None:
    """Bills, a yearly cap that is reached, a rest that waits, a write-off with its recovery and one that waits."""
    claims = Claim.objects.filter(pool=pool).order_by("pk")
    assert [(claim.spend_fen, claim.aid_fen, claim.state) for claim in claims] == [
        (110_000, 200_000, "closed"),
        (400_000, 400_000, "shared"),  # one share is missing: paid as far as money has come
        (530_000, 720_000, "shared"),
    ]
    rows = pool.periods.get(number=4).classes or []
    assert [(row["class_no"], row["members"], row["share_fen"]) for row in rows] == [
        (0, 4, 60_000),
        (1, 4, 60_000),
        (2, 1, 60_000),
        (2, 3, 30_000),
        (3, 1, 30_000),
    ], "who came in January has a room of their own"
    rest = Award.objects.get(pool=pool, period=None)
    assert (rest.code[-2:], rest.aid_fen, rest.state) == (".2", 60_000, "announced")
    paid = {
        key: sum(
            Charge.objects.filter(
                membership_id=pool.memberships.get(person=cast_member(key)).pk, period_no__gt=2
            ).values_list("share_fen", flat=True)
        )
        for key in (MEMBER, NEIGHBOR)
    }
    assert paid == {MEMBER: 80_000, NEIGHBOR: 90_000}
    assert list(write_offs(pool).values_list("amount_fen", "state")) == [
        (20_000, "ordered"),
        (10_000, "approved"),
    ]
    assert recovered_fen(pool) == 10_000


def _harbor(pool: Pool) -> None:
    """Wallets in every state that one can be in."""
    rows = {row.number: row for row in wallet_rows(pool)}
    assert {number: row.state for number, row in rows.items() if row.state != "covered"} == {
        3: "suspended",
        9: "lapsed",
    }
    wallet = wallet_of(pool.memberships.get(person=cast_member(MEMBER)), history.END)
    assert wallet is not None
    assert wallet.balance_fen < 8_000, "low enough for a warning"


def _mill(pool: Pool) -> None:
    """A pool whose settlement waits for its second person."""
    assert pool.state == Pool.State.WINDING_DOWN
    settlement = pool.settlements.get()
    assert settlement.state == "ordered"
    assert settlement.settled_fen > 0


def _makers(pool: Pool, guild: Pool) -> None:
    """Who goes on at the last age: one has, one has signed, one has not, and the member of the cast may."""
    transfers = AgeTransfer.objects.filter(membership__pool=pool).order_by("membership__number")
    assert list(transfers.values_list("membership__number", "state", "first_date")) == [
        (119, "signed", None),
        (120, "begun", dt.date(2026, 1, 20)),
    ]
    ends = MembershipEnd.objects.filter(membership__pool=pool).order_by("membership__number")
    assert list(ends.values_list("membership__number", "reason")) == [(120, "aged_out"), (121, "aged_out")]
    mine = pool.memberships.get(person=cast_member(MEMBER))
    offer = offer_of(mine, history.END)
    assert offer is not None
    assert (offer.pool.code, offer.first_date, offer.obstacle, offer.signed) == (
        variants.GUILD,
        dt.date(2026, 3, 8),
        "",
        None,
    )
    assert [cost.share_fen > 0 for cost in costs_of(offer)] == [True, True, False, False]
    assert moves_of(guild.periods.get(number=4)) == Moves(128, (Move(pool, 1),), ())
    assert moves_of(pool.periods.get(number=4)) == Moves(123, (), (Move(guild, 1),))
    page = client_of(None).get("/pools/guild/periods/4/").content.decode()
    assert "of them 1 came from Young makers at the last age there" in page
    told = client_of(None).get("/api/v1/pools/makers/periods/4/").json()
    assert told["moves"] == {"before": 123, "came": [], "went": [{"pool": "guild", "members": 1}]}


def test_pool_that_gathers_has_a_list_that_waits_and_one_with_mistakes(db: None) -> None:
    stop_clock_at(morning_of(history.END))
    pool = found_gathering_pool()
    bring_lists(pool, run_jobs)
    proposed = pool.member_imports.get()
    assert (proposed.state, proposed.row_count) == ("proposed", 5)
    report = report_of(MemberUpload.objects.get(pool=pool))
    assert report is not None
    assert (report.counts["new"], {(fault.row, fault.column) for fault in report.faults}) == (
        3,
        {(3, "email"), (5, "number")},
    )
    bring_lists(pool, run_jobs)
    assert pool.member_imports.count() == 1
    for _twice in range(2):
        take_an_opening_back(pool)
    reversed_one = pool.entry_reversals.get()
    assert (reversed_one.state, reversed_one.entry.kind) == ("agreed", "opening")
