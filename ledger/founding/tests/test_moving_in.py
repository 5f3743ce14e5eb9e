"""What the ledger tells of a pool that moves in."""

from typing import Any

from aidplatform.lib import clock
from aidplatform.testing.prepared import prepared
from aidplatform.testing.refusals import refused
from aidplatform.testing.world import World
from ledger.openbooks.models import LogEntry
from ledger.openbooks.services import append
from members.joining import importing
from members.joining.models import MemberImport
from members.joining.tests.lists import proposed


@prepared
def moving() -> World:
    """Give the test a pool that gathers its members."""
    return World.founded(members=0, gathering=True, minimum_members=1)


def told(found: MemberImport, **changes: Any) -> dict[str, Any]:
    return {
        "import": found.number,
        "members": found.row_count,
        "waiting_served": found.served,
        "owed_fen": found.owed_fen,
        "sha256": found.shown_sha256,
    } | changes


def state(world: World, body: dict[str, Any], key: str = "import/1") -> LogEntry:
    return append(code=world.pool.code, entry_type="stats", key=key, body=body, at=clock.now())


def test_log_states_imports_as_approved(moving: World) -> None:
    found = proposed(moving)
    with refused("log_states_imports_as_approved"):
        state(moving, told(found))
    importing.approve_import(
        member_import=found, approver=moving.controller.code, shown_sha256=found.shown_sha256, at=clock.now()
    )
    for body in (told(found, members=2), told(found, owed_fen=0), told(found, sha256="0" * 64), {}):
        with refused("log_states_imports_as_approved"):
            state(moving, body)
    with refused("log_states_imports_as_approved"):
        state(moving, told(found), key="another")
    assert state(moving, told(found))
