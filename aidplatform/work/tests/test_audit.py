"""The audit trail: one line per deed, in its transaction, for good."""

import psycopg
import pytest
from django.db import transaction

from aidplatform.lib import clock
from aidplatform.testing.refusals import not_permitted, refused_to_owner, run
from aidplatform.testing.world import World
from aidplatform.work import audit
from aidplatform.work.models import AuditEntry

STATEMENTS = (
    "UPDATE work_auditentry SET actor = 'x'",
    "DELETE FROM work_auditentry",
    "TRUNCATE work_auditentry",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_audit_gives_the_application_no_right_to_change(db: None, statement: str) -> None:
    audit.record(actor="P-1", action="test", subject="x")
    with not_permitted():
        run(statement)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_audit_is_permanent_for_the_owner_too(owner: psycopg.Connection, statement: str) -> None:
    with refused_to_owner(owner, "audit_is_permanent"):
        owner.execute(statement)


def test_record_bears_the_business_time_and_its_figures(db: None) -> None:
    entry = audit.record(actor="P-1", action="approve_period", subject="demo/1", sha256="ab", fen=5)
    found = AuditEntry.objects.get(pk=entry.pk)
    assert (found.actor, found.action, found.subject) == ("P-1", "approve_period", "demo/1")
    assert found.detail == {"sha256": "ab", "fen": 5}
    assert found.at == clock.now()


def test_deed_that_is_undone_leaves_no_trace(db: None) -> None:
    with transaction.atomic():
        audit.record(actor="P-1", action="undone", subject="x")
        transaction.set_rollback(True)
    assert not AuditEntry.objects.filter(action="undone").exists()


def test_whole_period_leaves_its_trail_by_code_and_by_no_name(world: World) -> None:
    world.award(10_000_000)
    period = world.posted_period()
    trail = list(AuditEntry.objects.filter(subject=period.code).order_by("id").values_list("action", "actor"))
    assert trail[:7] == [
        ("open_period", "service"),
        ("freeze_headcount", "service"),
        ("announce_period", "service"),
        ("settle_period", "service"),
        ("compute_shares", world.admin.code),
        ("approve_period", world.controller.code),
        ("post_period", world.controller.code),
    ]
    written = " ".join(f"{e.actor} {e.subject} {e.detail}" for e in AuditEntry.objects.all())
    for person in (world.admin, world.controller, world.treasurer):
        assert person.email not in written
        assert person.name not in written
