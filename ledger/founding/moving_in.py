"""What the ledger writes of a pool that moves in: its imports, counted, in the log."""

from aidplatform.work import jobs
from ledger.openbooks import services as openbooks
from ledger.openbooks.models import LogEntry
from members.joining.models import MemberImport
from members.pools.models import Pool

LOG_IMPORT = "founding.log_import"


def log_import(lease: jobs.Lease) -> dict[str, int]:
    """State an approved import in the log: how many people, how many with waiting time served, what they owe; once."""
    found = MemberImport.objects.select_related("pool").get(pk=lease.payload["import"])
    key = f"import/{found.number}"
    with lease.transaction():
        Pool.objects.select_for_update().get(pk=found.pool_id)
        if LogEntry.objects.filter(log__code=found.pool.code, type="stats", key=key).exists():
            return {"stated": 0}
        assert found.decided_at is not None
        openbooks.append(
            code=found.pool.code,
            entry_type="stats",
            key=key,
            body={
                "import": found.number,
                "members": found.row_count,
                "waiting_served": found.served,
                "owed_fen": found.owed_fen,
                "sha256": found.shown_sha256,
            },
            at=found.decided_at,
        )
    return {"stated": 1}
