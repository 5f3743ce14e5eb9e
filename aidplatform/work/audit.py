"""The audit trail: one line per deed, in the transaction of the deed."""

from typing import Any

from aidplatform.lib import clock
from aidplatform.work.models import AuditEntry


def record(*, actor: str, action: str, subject: str, **detail: Any) -> AuditEntry:
    """Write who did what to what. detail holds codes and figures, never names or health data."""
    return AuditEntry.objects.create(
        at=clock.now(), actor=actor, action=action, subject=subject, detail=detail
    )
