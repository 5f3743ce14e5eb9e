"""How a headcount differs from the one before, and who of it came from, or went on in, another pool at the last age."""

from dataclasses import dataclass

from django.db.models import Count

from ledger.sharing.models import Period
from members.joining.selectors import SMALLEST_PUBLIC_POOL
from members.joining.transfer_models import AgeTransfer
from members.pools.models import Pool


@dataclass(frozen=True)
class Move:
    """How many members went between this pool and another one, at the last age of the one that they left."""

    pool: Pool
    members: int


@dataclass(frozen=True)
class Moves:
    """What has become of a headcount. before: the one of the period before; came, went: by the other pool's code."""

    before: int
    came: tuple[Move, ...]
    went: tuple[Move, ...]


def moves_of(period: Period, *, is_near: bool = True) -> Moves | None:
    """Return it; None for the first headcount of a pool. At most four queries.

    is_near: whether the viewer is of the pool; to everyone else a headcount of few is not told.

    Cover ends and begins at 00:00 of one day. So whoever went between two headcounts is in the one of this pool and not
    in that of the other, or the other way round, from the first publicity day on that is not before theirs.
    """
    earlier = period.pool.periods.filter(number__lt=period.number, headcount__isnull=False)
    last = earlier.order_by("-number").values_list("headcount", "publicity_date").first()
    before = last[0] if last else None
    if last is None or before is None or not (is_near or before >= SMALLEST_PUBLIC_POOL):
        return None
    since = AgeTransfer.objects.filter(
        state=AgeTransfer.State.BEGUN, first_date__gt=last[1], first_date__lte=period.publicity_date
    )
    came = since.filter(pool=period.pool_id).values_list("membership__pool_id").annotate(Count("pk"))
    went = since.filter(membership__pool=period.pool_id).values_list("pool_id").annotate(Count("pk"))
    by_pool = dict(came.order_by()), dict(went.order_by())
    pools = Pool.objects.in_bulk({*by_pool[0], *by_pool[1]}) if any(by_pool) else {}
    found = (
        tuple(
            Move(pools[pk], count) for pk, count in sorted(counts.items(), key=lambda row: pools[row[0]].code)
        )
        for counts in by_pool
    )
    return Moves(before, next(found), next(found))
