"""People of a crash test who can't make up their minds: they pause, cancel and go on with every posting.

An approval and its first pause are one transaction, so that each of these deeds comes at least once; a pause after
that meets the worker wherever it is. What comes next is read from the rows, as by all who may be killed.
"""

from django.db import transaction

from aidplatform.lib import clock
from aidplatform.testing.crash_client import ask_once, holder, main
from ledger.sharing.models import Period
from ledger.sharing.posting import cancel_posting, pause_posting, resume_posting
from ledger.sharing.services import approve_period

#: What `python -c` is given.
START = "import django; django.setup(); from aidplatform.testing.crash_steering import run; run()"
#: Orders to post before they leave it alone: approved, approved again, gone on, gone on once more.
ENOUGH = 4


def run() -> None:
    """Look and do, as the others."""
    main(attend)


def attend(period: Period) -> None:
    """Take the next step of somebody who hesitates."""
    person = holder(period, "controller")
    if period.state == Period.State.SETTLED:
        ask_once(period)
    elif period.state == Period.State.COMPUTED:
        with transaction.atomic():
            approved = approve_period(
                period=period, approver=person, shown_sha256=period.shown_sha256 or "", at=clock.now()
            )
            pause_posting(period=approved, pauser=person, at=clock.now())
    elif period.posting_paused_at is not None and period.postings == 1:
        cancel_posting(period=period, canceller=person)
    elif period.posting_paused_at is not None:
        resume_posting(period=period, resumer=person)
    elif period.is_ordered and period.postings < ENOUGH:
        pause_posting(period=period, pauser=person, at=clock.now())
