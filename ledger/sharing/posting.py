"""What people do with a posting that runs: pause it, let it go on, cancel it before it is closed.

The database holds that a paused posting stands still: a pause takes the period's row, and a shard needs that row for
its last look before it commits. So after the pause is committed no shard is, whichever worker was slow; a shard
that was overtaken is undone. A cancellation takes away what was written; nothing of it was booked, logged or told.
"""

import datetime as dt

from django.db import transaction

from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.sharing.models import Period
from ledger.sharing.services import call, locked, order_posting


def pause_posting(*, period: Period, pauser: str, at: dt.datetime) -> Period:
    """Let no further shard be begun; paused already: nothing happens.

    Raises: WrongStateError; IntegrityError period_people_hold_their_duty.
    """
    with transaction.atomic():
        period = locked(period, Period.State.APPROVED, Period.State.POSTING, alone=True)
        if period.posting_paused_at is None:
            period.posting_paused_at, period.posting_paused_by = at, pauser
            period.save(update_fields=["posting_paused_at", "posting_paused_by"])
            audit.record(actor=pauser, action="pause_posting", subject=period.code)
            failpoint("posting.paused")
    return period


def resume_posting(*, period: Period, resumer: str) -> Period:
    """Order what is not written yet; not paused: nothing happens. Raises: WrongStateError."""
    with transaction.atomic():
        period = locked(period, Period.State.APPROVED, Period.State.POSTING, alone=True)
        if period.posting_paused_at is not None:
            period.posting_paused_at = period.posting_paused_by = None
            period.save(update_fields=["posting_paused_at", "posting_paused_by"])
            audit.record(actor=resumer, action="resume_posting", subject=period.code)
            order_posting(period=period, actor=resumer)
            failpoint("posting.resumed")
    return period


def cancel_posting(*, period: Period, canceller: str) -> Period:
    """Take away what a paused posting has written, and its approval: the period is computed, as before.

    Back to computed and not to approved, because an approval is an order to post these figures now. Whoever wants
    them posted later looks at them again; the figures and their hash have not changed. The database's function comes
    first: it waits for shards that are being written, which must not find the period locked.

    Raises: IntegrityError only_a_paused_posting_is_cancelled.
    """
    with transaction.atomic():
        discarded = call("discard_charge_shelf", period.pk)
        audit.record(actor=canceller, action="cancel_posting", subject=period.code, discarded=discarded)
        failpoint("posting.cancelled")
    period.refresh_from_db()
    return period
