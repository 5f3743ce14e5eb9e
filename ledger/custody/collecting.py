"""The end of a period's collection: what came of its shares, what is still owed and who was suspended, in the log.

Not by the clock: a collection is over once a statement of the bank tells about its last day. What comes later is money
of the same shares, and stands in the journal; the statement says how things were then.
"""

import json

from django.db import connection

from aidplatform.lib import clock
from aidplatform.work import audit, jobs
from ledger.custody.collecting_sql import due_sql, figures_sql
from ledger.openbooks import services as openbooks
from members.pools.models import Pool

CLOSE = "custody.close_collections"

_DUE = f"""
    SELECT {figures_sql("d")} FROM ledger_period d
     WHERE d.id IN ({due_sql("%(pool)s")}) ORDER BY d.number"""  # noqa: S608 - fixed text


def order_closing(*, pool: Pool, statement: int, actor: str) -> None:
    """Have a worker look which collections are over by a statement, by its number."""
    jobs.enqueue(kind=CLOSE, key=f"{pool.code}/{statement}", payload={"pool": pool.pk}, actor=actor)


def close_collections(lease: jobs.Lease) -> dict[str, int]:
    """State in the log every period of whose last day to pay the bank has told.

    Under the lock of the pool; the guard of the statement takes the account's as well, and reads once more.
    """
    with lease.transaction():
        pool = Pool.objects.select_for_update().get(pk=lease.payload["pool"])
        with connection.cursor() as cursor:
            cursor.execute(_DUE, {"pool": pool.pk})
            closed = [json.loads(told) for (told,) in cursor.fetchall()]
        for body in closed:
            openbooks.append(
                code=pool.code, entry_type="collect.close", key=str(body["period"]), body=body, at=clock.now()
            )
        if closed:
            periods = [body["period"] for body in closed]
            audit.record(actor=lease.actor, action="close_collections", subject=pool.code, periods=periods)
    return {"periods": len(closed)}
