"""Gathers the rooms' models; rooms never import this file."""

from ledger.books.models import Account, AccountBalance, Book, JournalEntry, Posting
from ledger.custody.arrears_models import HardshipPause
from ledger.custody.arrears_triggers import cover_goes_on_once_all_is_paid
from ledger.custody.charge_models import (
    ChargeExport,
    ChargeFile,
    ChargeInstruction,
    ChargeResult,
    ChargeResultFile,
    DebitRetry,
)
from ledger.custody.charge_triggers import (
    collection_is_of_its_result,
    instructed_period_stays_posted,
    settled_debits_have_their_file,
    statement_settles_debits,
)
from ledger.custody.collecting_triggers import log_states_collections_as_they_are
from ledger.custody.cost_models import OutsideCost
from ledger.custody.explanation_models import DebitExplanation
from ledger.custody.interest_models import IncomeReport, OperatorInterest
from ledger.custody.loss_triggers import loss_has_its_decision
from ledger.custody.mandate_models import DebitMandate
from ledger.custody.mapping_models import StatementMapping, StatementUpload
from ledger.custody.models import (
    BankAccount,
    BankStatement,
    Collection,
    PaymentOrder,
    StatementLine,
)
from ledger.custody.month_models import MonthClose, MonthReopening
from ledger.custody.month_triggers import closed_month_takes_no_entry
from ledger.custody.payment_file_models import PaymentFile, PaymentFileLine
from ledger.custody.reconciled_models import ReconciledDay
from ledger.custody.release_limit_models import ReleaseLimit
from ledger.custody.reversal_models import EntryReversal
from ledger.custody.reversal_triggers import reversal_has_its_decision
from ledger.custody.revocation_models import AwardRevocation
from ledger.custody.revocation_triggers import revoked_aid_has_its_decision
from ledger.custody.settlement_models import FinalSettlement
from ledger.custody.share_return_models import SharesReturn
from ledger.custody.share_return_triggers import illness_ends_with_its_return
from ledger.custody.undoing_models import MatchUndoing
from ledger.custody.undoing_triggers import undone_match_has_its_decision
from ledger.custody.wallet_models import Suspension, WalletEntry, WalletTotal
from ledger.custody.wallet_triggers import (
    cover_waits_for_its_money,
    prepaid_moves_with_its_wallets,
    wallet_order_has_its_entry,
)
from ledger.custody.write_off_models import WriteOff, WrittenOffCharge
from ledger.custody.write_off_triggers import written_off_stays_written_off
from ledger.disclosure.triggers import notice_of_shares_says_what_was_charged
from ledger.founding.models import OpeningBalances
from ledger.founding.opening_triggers import (
    import_leaves_the_opening,
    imported_member_leaves_the_opening,
    opening_entry_is_approved,
)
from ledger.founding.triggers import (
    custody_is_not_the_operators,
    only_empty_drafts_are_given_up,
    operator_is_not_the_custodian,
    pool_begins_ready,
)
from ledger.leaving.again_triggers import application_follows_paid_shares, earlier_shares_come_first
from ledger.leaving.erasure_triggers import (
    erasure_is_logged,
    erasure_waits_for_money,
    log_states_purges_as_done,
)
from ledger.leaving.triggers import cover_ends_with_a_reason
from ledger.openbooks.checkpoint_models import Checkpoint, Heartbeat, LogKey
from ledger.openbooks.models import Log, LogEntry
from ledger.openbooks.stamp_models import TimeStamp
from ledger.openbooks.triggers import every_entry_is_logged
from ledger.openbooks.witness_models import Cosignature, WitnessPolicy, WitnessRefusal
from ledger.sharing.ending_triggers import (
    floor_is_heeded,
    intake_reopens_at_the_floor,
    intake_stops_below_the_floor,
    pool_closes_with_nothing_owed,
)
from ledger.sharing.face_models import CaseFace
from ledger.sharing.models import Award, Charge, ManifestLine, Period
from ledger.sharing.roll_models import Roll, RollSubtree
from ledger.sharing.roll_triggers import log_states_rolls_as_made, roll_is_stated_before_publicity
from ledger.verification.models import Verification, VerificationPart
from members.ending.models import PoolEnding
from members.joining.end_models import MembershipEnd
from members.joining.models import ImportedMember, JoinApplication, MemberImport, Membership, MembershipSpan
from members.people.erasure_models import Erasure
from members.people.models import Notice
from members.pools.models import PlanVersion, Pool

# The journal knows no log; the log's guard is hung on it here, where both are known.
every_entry_is_logged.register(JournalEntry)  # type: ignore[arg-type]  # it takes classes
# The log knows no rolls, which come with periods.
log_states_rolls_as_made.register(LogEntry)  # type: ignore[arg-type]
log_states_collections_as_they_are.register(LogEntry)  # type: ignore[arg-type]
log_states_purges_as_done.register(LogEntry)  # type: ignore[arg-type]
roll_is_stated_before_publicity.register(Period)  # type: ignore[arg-type]
# Nor does the journal know which openings were approved, nor do lists of members know the books.
opening_entry_is_approved.register(JournalEntry)  # type: ignore[arg-type]
import_leaves_the_opening.register(MemberImport)  # type: ignore[arg-type]
imported_member_leaves_the_opening.register(ImportedMember)  # type: ignore[arg-type]
# Neither does it know wallets, nor does an order.
prepaid_moves_with_its_wallets.register(JournalEntry)  # type: ignore[arg-type]
wallet_order_has_its_entry.register(PaymentOrder)  # type: ignore[arg-type]
written_off_stays_written_off.register(JournalEntry)  # type: ignore[arg-type]
# Nor do bookings and collections know debits: those are made of mandates, which came later.
instructed_period_stays_posted.register(JournalEntry)  # type: ignore[arg-type]
loss_has_its_decision.register(JournalEntry)  # type: ignore[arg-type]
reversal_has_its_decision.register(JournalEntry)  # type: ignore[arg-type]
undone_match_has_its_decision.register(JournalEntry)  # type: ignore[arg-type]
revoked_aid_has_its_decision.register(JournalEntry)  # type: ignore[arg-type]
closed_month_takes_no_entry.register(JournalEntry)  # type: ignore[arg-type]
collection_is_of_its_result.register(Collection)  # type: ignore[arg-type]
settled_debits_have_their_file.register(StatementLine)  # type: ignore[arg-type]
statement_settles_debits.register(BankStatement)  # type: ignore[arg-type]
cover_waits_for_its_money.register(MembershipSpan)  # type: ignore[arg-type]
cover_goes_on_once_all_is_paid.register(MembershipSpan)  # type: ignore[arg-type]
cover_ends_with_a_reason.register(MembershipSpan)  # type: ignore[arg-type]
illness_ends_with_its_return.register(MembershipEnd)  # type: ignore[arg-type]
earlier_shares_come_first.register(Membership)  # type: ignore[arg-type]
application_follows_paid_shares.register(JoinApplication)  # type: ignore[arg-type]
erasure_waits_for_money.register(Erasure)  # type: ignore[arg-type]
erasure_is_logged.register(Erasure)  # type: ignore[arg-type]
notice_of_shares_says_what_was_charged.register(Notice)  # type: ignore[arg-type]
# A pool and its rules know no bank account; what is judged against it is hung on them here.
pool_begins_ready.register(Pool)  # type: ignore[arg-type]
only_empty_drafts_are_given_up.register(Pool)  # type: ignore[arg-type]
operator_is_not_the_custodian.register(PlanVersion)  # type: ignore[arg-type]
custody_is_not_the_operators.register(BankAccount)  # type: ignore[arg-type]
# A notice knows no headcount, and a pool no books.
intake_stops_below_the_floor.register(PoolEnding)  # type: ignore[arg-type]
intake_reopens_at_the_floor.register(PoolEnding)  # type: ignore[arg-type]
pool_closes_with_nothing_owed.register(Pool)  # type: ignore[arg-type]
floor_is_heeded.register(Period)  # type: ignore[arg-type]

__all__ = [
    "Account",
    "AccountBalance",
    "Award",
    "AwardRevocation",
    "BankAccount",
    "BankStatement",
    "Book",
    "CaseFace",
    "Charge",
    "ChargeExport",
    "ChargeFile",
    "ChargeInstruction",
    "ChargeResult",
    "ChargeResultFile",
    "Checkpoint",
    "Collection",
    "Cosignature",
    "DebitExplanation",
    "DebitMandate",
    "DebitRetry",
    "EntryReversal",
    "FinalSettlement",
    "HardshipPause",
    "Heartbeat",
    "IncomeReport",
    "JournalEntry",
    "Log",
    "LogEntry",
    "LogKey",
    "ManifestLine",
    "MatchUndoing",
    "MonthClose",
    "MonthReopening",
    "OpeningBalances",
    "OperatorInterest",
    "OutsideCost",
    "PaymentFile",
    "PaymentFileLine",
    "PaymentOrder",
    "Period",
    "Posting",
    "ReconciledDay",
    "ReleaseLimit",
    "Roll",
    "RollSubtree",
    "SharesReturn",
    "StatementLine",
    "StatementMapping",
    "StatementUpload",
    "Suspension",
    "TimeStamp",
    "Verification",
    "VerificationPart",
    "WalletEntry",
    "WalletTotal",
    "WitnessPolicy",
    "WitnessRefusal",
    "WriteOff",
    "WrittenOffCharge",
]
