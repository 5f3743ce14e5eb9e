"""What the ledger writes of a pool that moves in: its imports, counted, in the log, and its opening balances."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, DomainError
from aidplatform.lib.failpoints import failpoint
from aidplatform.lib.money import format_money
from aidplatform.work import audit, jobs
from ledger.books.models import Book
from ledger.books.services import Line
from ledger.founding.models import OpeningBalances
from ledger.founding.opening_triggers import LINES
from ledger.openbooks import services as openbooks
from ledger.openbooks.models import LogEntry
from members.joining.models import ImportedMember, MemberImport
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


# --- opening balances ---------------------------------------------------------------------------------------------


class OpeningDoesNotBalanceError(DomainError):
    """What the pool brings along and whose money it is differ; `extra["difference_fen"]` says by how much."""

    code = "opening_balances_balance"


class OpeningChangedError(ConflictError):
    """The approver saw something else than what is stored, or it has been decided."""

    code = "opening_is_decided_as_shown"


class SameOpenerError(ConflictError):
    """Proposing and approving need two people."""

    code = "opening_is_approved_by_another_as_shown"


@dataclass(frozen=True)
class Listed:
    """What the approved imports say that members owe, and have paid ahead (fen)."""

    owed_fen: int
    prepaid_fen: int


def listed_sums(pool: Pool) -> Listed:
    """Return what the approved imports say of all members together."""
    rows = ImportedMember.objects.filter(pool=pool, member_import__state=MemberImport.State.APPROVED)
    sums = rows.exclude(state=ImportedMember.State.WITHDRAWN).aggregate(
        owed=Sum("owed_fen"), prepaid=Sum("prepaid_fen")
    )
    return Listed(int(sums["owed"] or 0), int(sums["prepaid"] or 0))


def propose_opening(
    *,
    pool: Pool,
    custody_fen: int,
    carried_surplus_fen: int,
    reserve_fen: int,
    proof: str,
    proposer: str,
    at: dt.datetime,
) -> OpeningBalances:
    """Propose the balances with which a pool's books begin; what members owe or have paid ahead the lists say.

    Raises: OpeningDoesNotBalanceError; IntegrityError in the name of the guarantee that refuses.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=pool.pk)
        listed = listed_sums(pool)
        assets_fen = custody_fen + listed.owed_fen
        claims_fen = listed.prepaid_fen + carried_surplus_fen + reserve_fen
        difference = assets_fen - claims_fen
        if difference:
            raise OpeningDoesNotBalanceError(
                _(
                    "Custody and shares owed come to %(assets)s, prepaid balances, carried surplus and reserve to"
                    " %(claims)s: the difference is %(difference)s. Whose money is it?"
                )
                % {
                    "assets": format_money(assets_fen, pool.currency),
                    "claims": format_money(claims_fen, pool.currency),
                    "difference": format_money(difference, pool.currency),
                },
                difference_fen=difference,
            )
        proposed = OpeningBalances.objects.create(
            pool=pool,
            number=0,  # the guard opening_begins_proposed gives number, what the lists say, and hash
            custody_fen=custody_fen,
            receivable_fen=listed.owed_fen,
            prepaid_fen=listed.prepaid_fen,
            carried_surplus_fen=carried_surplus_fen,
            reserve_fen=reserve_fen,
            proof=proof,
            proposed_by=proposer,
            proposed_at=at,
        )
        proposed.refresh_from_db()
        audit.record(
            actor=proposer, action="propose_opening", subject=str(proposed), sha256=proposed.shown_sha256
        )
    return proposed


def approve_opening(
    *, opening: OpeningBalances, approver: str, shown_sha256: str, at: dt.datetime
) -> OpeningBalances:
    """Book exactly the balances that were shown, as a second person: entry q, the first of the pool, in the log too.

    Raises: OpeningChangedError, SameOpenerError; IntegrityError in the name of the guarantee that refuses.
    """
    with transaction.atomic():
        pool = Pool.objects.select_for_update().get(pk=opening.pool_id)
        locked = _locked_opening(opening)
        if locked.shown_sha256 != shown_sha256:
            raise OpeningChangedError(_("This is not what was shown. Look at it again."))
        if locked.proposed_by == approver:
            raise SameOpenerError(_("Whoever proposed the balances cannot approve them. Ask a controller."))
        locked.entry = openbooks.post_logged_entry(
            book=Book.objects.get(code=pool.code),
            key=f"opening/{locked.number}",
            kind="opening",
            lines=[Line(code, side, getattr(locked, column)) for code, side, column in LINES],
            entry_date=clock.day_of(at, pool.time_zone),
            at=at,
            description=f"Opening balances: {locked.proof}"[:200],
            source=f"opening {pool.code}/{locked.number}",
            maker=locked.proposed_by,
            checker=approver,
        )
        failpoint("founding.opening_posted")
        locked.state, locked.decided_by, locked.decided_at = OpeningBalances.State.APPROVED, approver, at
        locked.approved_sha256 = shown_sha256
        locked.save(update_fields=["state", "decided_by", "decided_at", "approved_sha256", "entry"])
        audit.record(actor=approver, action="approve_opening", subject=str(locked), sha256=shown_sha256)
    return locked


def withdraw_opening(*, opening: OpeningBalances, withdrawer: str, at: dt.datetime) -> OpeningBalances:
    """Take back, or turn down, balances that wait. Raises: OpeningChangedError."""
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=opening.pool_id)
        locked = _locked_opening(opening)
        locked.state, locked.decided_by, locked.decided_at = OpeningBalances.State.WITHDRAWN, withdrawer, at
        locked.save(update_fields=["state", "decided_by", "decided_at"])
        audit.record(actor=withdrawer, action="withdraw_opening", subject=str(locked))
    return locked


def _locked_opening(opening: OpeningBalances) -> OpeningBalances:
    """Lock what waits. Raises: OpeningChangedError where it has been decided."""
    locked = OpeningBalances.objects.select_for_update(of=["self"]).select_related("pool").get(pk=opening.pk)
    if locked.state != OpeningBalances.State.PROPOSED:
        raise OpeningChangedError(_("These balances have been decided already. Reload the page."))
    return locked
