"""What deeds share that one person proposes and another agrees to: the two errors, the lock, the decision.

The names of the guarantees come from the caller, as each kind of proposal has its own.
"""

import datetime as dt
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError
from ledger.custody.proposal_models import Proposal
from members.pools.models import Pool

Proposed = TypeVar("Proposed", bound=Proposal)


class MovedOnError(ConflictError):
    """It is decided already. code: the guarantee that says so."""


class SamePersonError(ConflictError):
    """Proposing and agreeing need two people. code: the guarantee that says so."""


def locked(proposal: Proposed, decided_once: str, *related: str) -> Proposed:
    """Lock pool, then proposal, and return it with its relations as it is now. Raises: MovedOnError."""
    Pool.objects.select_for_update().get(pk=proposal.pool_id)
    found = type(proposal)._default_manager.select_for_update(of=["self"])
    row = found.select_related("pool", *related).get(pk=proposal.pk)
    if row.state != Proposal.State.PROPOSED:
        raise MovedOnError(
            _("This is already “%(state)s”. Reload the page to see where it is.")
            % {"state": row.get_state_display()},
            code=decided_once,
            state=row.state,
        )
    return row


def demand_another(proposal: Proposal, person: str, needs_two: str) -> None:
    """Demand that another person agrees than proposed. Raises: SamePersonError."""
    if person == proposal.proposed_by:
        raise SamePersonError(
            _("Whoever proposed it cannot agree to it. Ask a controller."), code=needs_two, person=person
        )


def decide(proposal: Proposal, state: str, person: str, at: dt.datetime, *entry: str) -> None:
    """Write the decision down. entry: the field with its journal entry, where agreeing made one."""
    proposal.state, proposal.decided_by, proposal.decided_at = state, person, at
    proposal.save(update_fields=["state", "decided_by", "decided_at", *entry])
