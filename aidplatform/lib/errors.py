"""Refusals that users can do something about, and how a database guarantee becomes one.

A service raises a DomainError; the middleware of `lib.http` maps it to a status. A constraint or trigger
that refuses raises IntegrityError with the guarantee's name, which `as_domain_error` turns into a
GuaranteeError bearing the same name, so that page, log and documentation speak of one thing.
"""

from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """An anticipated refusal.

    code: stable machine word; message: translated sentence saying what is wrong and what to do;
    extra: the figures that broke the rule.
    """

    status = 422
    code = "refused"

    def __init__(self, message: object = "", *, code: str | None = None, **extra: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.extra = extra

    def __str__(self) -> str:
        return str(self.message) or self.code


class NotFoundError(DomainError):
    """It does not exist, or it is not yours: the answer is the same."""

    status = 404
    code = "not_found"


class ForbiddenError(DomainError):
    """The person lacks the duty that this needs."""

    status = 403
    code = "forbidden"


class ConflictError(DomainError):
    """Somebody was faster, or the thing has moved on."""

    status = 409
    code = "conflict"


class UnavailableError(DomainError):
    """A service that this needs cannot be reached now; trying again later is right."""

    status = 503
    code = "unavailable"


class GuaranteeError(ConflictError):
    """A named guarantee of the database refused the write."""

    def __init__(self, name: str, message: object, *, detail: str = "") -> None:
        super().__init__(message, code=name, detail=detail)


# The sentences shown for guarantees that a person can meet; ARCHITECTURE.md lists all of them.
GUARANTEES: dict[str, object] = {
    "journal_entry_balances": _("The debits and credits of this entry differ. Nothing was posted."),
    "one_running_export_per_person": _(
        "Your data are being put together already. Wait until they are ready."
    ),
    "journal_entry_is_permanent": _("Posted entries are never edited or deleted. Post a reversal instead."),
    "income_equals_expense": _("A pool earns nothing: income and expense must grow by the same amount."),
    "reversal_mirrors_entry": _("A reversal must mirror the entry it reverses, posting by posting."),
    "large_release_needs_a_fresh_factor": _(
        "So large a payment is released right after a second factor was confirmed once more."
    ),
    "releases_stay_within_the_day": _(
        "The limit of this pool for one day does not leave room for this payment."
    ),
    "one_waiting_release_limit_per_pool": _("Other limits are waiting. Decide those first."),
    "release_limit_people_hold_their_duty": _(
        "A pool admin proposes limits, and a controller approves them."
    ),
    "release_limit_needs_two_people": _("Whoever proposed the limits cannot approve them. Ask a controller."),
    "one_waiting_witness_policy_per_pool": _("Other witnesses are waiting. Decide those first."),
    "witness_policy_people_hold_their_duty": _(
        "A pool admin proposes witnesses, and an auditor or a controller approves them."
    ),
    "only_what_stands_alone_is_reversed": _(
        "Something else rests on this entry: it is not taken back by itself. Its page says what to do instead."
    ),
    "entry_has_one_open_reversal": _("A reversal of this entry waits already. Reload the page."),
    "reversal_people_hold_their_duty": _("A treasurer proposes a reversal, and a controller agrees to it."),
    "agreed_reversal_needs_two_people": _("Whoever proposed it cannot agree to it. Ask a controller."),
    "reversal_is_decided_once": _("The reversal is decided already. Reload the page to see where it is."),
    "reversal_says_why": _("Say why the entry is taken back."),
    "only_a_standing_match_is_undone": _(
        "Nothing of this receipt counts as money of this member. Reload the page of the receipt."
    ),
    "undone_money_is_still_there": _(
        "What this receipt brought is not there any more: it went from the wallet, a period may still take it, or it"
        " was paid back already. Ask the member to transfer it again, and match that to whom it belongs."
    ),
    "undoing_comes_before_the_settlement": _("The pool is settled: no share is asked for any more."),
    "undoing_is_of_the_books": _(
        "The figures have changed since it was proposed. Withdraw it, and let it be proposed anew."
    ),
    "receipt_has_one_open_undoing": _("A proposal for this receipt waits already. Decide that first."),
    "undoing_says_why": _("Say how you found out."),
    "undoing_people_hold_their_duty": _(
        "A treasurer proposes to undo a match, and a controller agrees to it."
    ),
    "agreed_undoing_needs_two_people": _("Whoever proposed it cannot agree to it. Ask a controller."),
    "undoing_is_decided_once": _("It is decided already. Reload the page to see where it is."),
    "only_a_shared_award_is_revoked": _("Only aid of a period that is posted can be taken back here."),
    "only_unpaid_aid_is_revoked": _("All of this aid is paid. What is paid is not taken back here."),
    "revocation_waits_for_orders": _(
        "A payment of this case, or of the fee of its period, is ordered or on its way. Cancel the order, or wait until"
        " the statement shows what became of it."
    ),
    "revocation_comes_before_the_settlement": _("The pool is settled: nothing goes to a next bill any more."),
    "award_has_one_open_revocation": _("A proposal for this case waits already. Reload the page."),
    "revocation_says_why": _("Say what was found."),
    "revocation_people_hold_their_duty": _(
        "A second reviewer proposes to take aid back, and a controller agrees to it."
    ),
    "agreed_revocation_needs_two_people": _("Whoever proposed it cannot agree to it. Ask a controller."),
    "revocation_is_decided_once": _("It is decided already. Reload the page to see where it is."),
    "revocation_is_of_the_books": _(
        "The figures have changed since it was proposed. Withdraw it, and let it be proposed anew."
    ),
    "revoked_aid_is_not_ordered": _(
        "Aid of this case is taken back, or is proposed to be. What comes back of it from the bank goes to the members"
        " by a decision of its own."
    ),
    "explanation_people_hold_their_duty": _("A treasurer explains a debit, and a controller agrees to it."),
    "explanation_needs_two_people": _("Whoever proposed it cannot agree to it. Ask a controller."),
    "explanation_is_decided_once": _(
        "The explanation is decided already. Reload the page to see where it is."
    ),
    "only_debits_to_explain_are_explained": _("Only a debit that nothing explains can be explained."),
    "explanation_fits_its_papers": _(
        "What it rests on does not fit any more: the payment has moved on, or the receipt is used. Look at it again."
    ),
    "explanation_names_its_papers": _("Name the payment that it was, or the receipt by which it came back."),
    "debit_is_explained_once": _("Somebody has explained this debit already. Reload the page."),
    "payment_explains_one_debit": _("This payment explains another debit already."),
    "receipt_gives_back_one_debit": _("This receipt explains another debit already."),
    "closed_month_takes_no_entry": _(
        "This month is closed: no entry of it is taken any more. Date it in the open month."
    ),
    "closed_month_is_over": _("This month is not over yet."),
    "months_close_in_order": _("Months are closed in their order. Close the one before first."),
    "closed_month_has_its_statements": _("The bank's statements do not reach to the end of this month yet."),
    "closed_month_agrees_with_its_bank": _(
        "At the end of this month the books and the bank differ. Look at the reconciliation."
    ),
    "closed_month_is_reconciled": _(
        "The newest daily check is older than the end of this month, or found a rule broken. Look at it."
    ),
    "closed_month_has_its_awards": _(
        "An award whose publicity ended in this month is not booked yet. Try again in a minute."
    ),
    "month_begins_on_its_first_day": _("A month is named by its first day."),
    "month_is_closed_as_counted": _(
        "The balances are no longer those that were proposed. Withdraw it and propose it anew."
    ),
    "one_waiting_month_close_per_pool": _("Somebody has proposed to close a month already. Reload the page."),
    "month_close_people_hold_their_duty": _("A treasurer closes a month, and a controller agrees to it."),
    "month_close_needs_two_people": _("Whoever proposed it cannot agree to it. Ask a controller."),
    "month_close_is_decided_once": _("This is decided already. Reload the page to see where it is."),
    "month_reopening_people_hold_their_duty": _(
        "A treasurer opens a closed month again, and a controller agrees to it."
    ),
    "month_reopening_needs_two_people": _("Whoever proposed it cannot agree to it. Ask a controller."),
    "month_reopening_is_decided_once": _("This is decided already. Reload the page to see where it is."),
    "only_the_last_closed_month_reopens": _("Only the last closed month can be opened again."),
    "month_is_reopened_once": _("Somebody has proposed to open this month again already. Reload the page."),
    "interest_people_hold_their_duty": _("A pool admin tells the register, and a controller confirms it."),
    "interest_needs_two_people": _("Whoever proposed it cannot confirm it. Ask a controller."),
    "interest_is_replaced_once": _("Another entry has taken its place already. Replace that one."),
    "interest_replaces_a_confirmed_one": _("Only what stands in the register can be replaced."),
    "interest_ends_after_it_began": _("It ends after it began."),
    "income_report_people_hold_their_duty": _("A pool admin reports income, and a controller confirms it."),
    "income_report_is_of_a_posted_period": _("Income is reported of a period that is posted."),
    "one_waiting_income_report_per_period": _("A report of this period is waiting. Decide that first."),
    "one_reversal_per_entry": _("This entry has already been reversed."),
    "account_never_negative": _("This account may not fall below zero."),
    "period_approver_is_not_preparer": _(
        "The person who prepared a period cannot approve it. Ask a controller."
    ),
    "approval_is_of_what_was_shown": _(
        "The figures have changed since they were shown. Look at the new ones, then approve those."
    ),
    "period_figures_follow_their_sources": _(
        "Cases, plan or books no longer give these figures. Compute the shares again."
    ),
    "award_step_fits_its_period": _(
        "The period of this case has moved on. Reload the page to see where it is."
    ),
    "awards_join_before_announcement": _("Nothing is added to a period that has been announced."),
    "period_state_follows_order": _("The period has already moved on. Reload the page to see where it is."),
    "paused_posting_stands_still": _("The posting of this period is paused. Let it go on first."),
    "only_a_paused_posting_is_cancelled": _(
        "Posting is cancelled only while it is paused and before the period is posted. Reload the page."
    ),
    "periods_do_not_overlap": _("Another period of this pool already covers these days."),
    "one_charge_per_membership_and_period": _("A membership is charged once per period."),
    "duty_needs_two_people": _("Nobody grants a duty alone or to themselves: two other people must agree."),
    "duties_do_not_meet": _("One person may not hold these two duties in the same pool."),
    "one_investigation_at_a_time": _("This claim is investigated already, or waits for it."),
    "investigation_keeps_to_the_plan": _("The plan of this case does not allow this investigation."),
    "investigation_is_ordered_by_its_reviewer": _(
        "Only the reviewer in charge orders an investigation, and ends it; a pool admin may end it as well."
    ),
    "costly_investigation_needs_two_people": _(
        "Above the limit of the plan a second reviewer agrees to an investigation, who is another person."
    ),
    "investigation_takes_its_steps": _("This investigation has moved on. Reload the page."),
    "investigation_state_follows_order": _("This investigation has moved on. Reload the page."),
    "investigation_is_extended_once": _(
        "An investigation is extended once, and before its last day is over."
    ),
    "investigation_link_is_live": _("This link is over. Whoever sent it can make another."),
    "investigator_is_from_outside": _(
        "Somebody from outside investigates: nobody with a part in the case, a duty in its pool, or near to its people."
    ),
    "investigation_ends_on_its_day": _("The days of this investigation are over."),
    "investigation_costs_what_was_agreed": _("At most what was agreed is billed for an investigation."),
    "recommendation_waits_for_the_findings": _(
        "The claimant may still answer the findings of an investigation. Recommend after that."
    ),
    "findings_are_answered_by_their_claimant": _(
        "Findings are answered once, by who speaks for the claim, before anything is recommended."
    ),
    "evidence_of_an_investigation_is_its_own": _(
        "What an investigator brings comes while they investigate, and stays in the file."
    ),
    "cost_is_of_its_investigation": _("No investigation has cost this."),
    "cost_is_decided_once": _("This cost is decided already. Reload the page."),
    "cost_people_hold_their_duty": _("A controller of the pool approves what an investigation has cost."),
    "cost_approver_is_not_biller": _(
        "Whoever ordered the investigation cannot approve its cost. Ask a controller."
    ),
    "cost_is_paid_once": _("No more is paid of a cost than was approved."),
    "cost_goes_to_its_payee": _("A cost is paid to the account that its bill names, and to no other."),
    "one_person_per_document": _(
        "This document already belongs to another account. If it is yours, sign in with that account."
    ),
    "document_is_one_that_is_taken": _("This pool does not take a document of this kind."),
    "phone_is_confirmed_by_its_code": _("This code does not hold. Ask for another one."),
    "text_goes_to_a_confirmed_number": _("Confirm your phone number first."),
    "one_membership_per_person_and_pool": _("You belong to this pool already."),
    "one_membership_follows_another": _("You belong to this pool already."),
    "membership_follows_one_that_is_over": _("You belong to this pool already."),
    "removed_stay_out": _(
        "By the rules of this pool, whoever was removed cannot join again, or not yet. Your page says from when on."
    ),
    "earlier_shares_come_first": _(
        "Shares from before are not paid yet: they come first. Your page in this pool says how much it is, and with"
        " which reference you transfer it."
    ),
    "signature_names_plan_in_force": _("A new version of the plan is in force. Read it, then sign."),
    "signature_is_of_what_was_shown": _(
        "The texts have changed since they were shown. Read the new ones, then sign."
    ),
    "signed_application_stays": _("This application has ended and cannot be changed any more."),
    "answers_follow_consent": _(
        "Answers about health are kept only with consent. Give it first: it is the step before."
    ),
    "application_ends_empty": _("An application that has ended keeps nothing of what was entered."),
    "collection_needs_notice": _("A share is collected only after it was announced."),
    "collected_at_most_the_share": _("More than the share itself cannot be collected."),
    "receipt_is_used_once": _("Of this receipt, not that much is left."),
    "wallet_never_negative": _("More is not in this wallet."),
    "refund_leaves_the_next_share": _(
        "A period is under way and may take that much. What is free can be paid back now, the rest once the period is"
        " posted."
    ),
    "plan_change_keeps_its_funding": _("A pool pays ahead or afterwards, as it began."),
    "cover_waits_for_its_money": _(
        "This membership waits for money: it counts once enough is in its wallet, and not after it has lapsed or"
        " ended."
    ),
    "hardship_pause_people_hold_their_duty": _(
        "A pool admin proposes a pause, a controller grants it. You do not hold that duty in this pool."
    ),
    "hardship_pause_is_anothers": _(
        "Nobody decides about a pause of their own. Ask somebody else of the pool."
    ),
    "hardship_pause_keeps_to_the_plan": _(
        "The rules do not allow that many days of pause for what is open. Choose fewer."
    ),
    "hardship_pause_comes_in_the_grace": _(
        "There is nothing to pause: this member has no open share in its grace, or is suspended already."
    ),
    "one_open_hardship_pause_per_membership": _("A pause of this member waits already for a decision."),
    "no_cover_after_the_end": _("This membership is over. Nothing makes it go on."),
    "one_transfer_per_membership": _("You have signed already to go on in another pool."),
    "transfer_has_both_consents": _("Without both consents the other pool cannot take you over."),
    "transfer_is_signed_in_person": _("Whoever goes on in another pool signs for themselves."),
    "transfer_comes_in_time": _(
        "This membership is over: nobody can sign any more to go on in another pool."
    ),
    "transfer_is_of_what_was_shown": _(
        "The other pool has other texts than those that were shown. Read them, then sign."
    ),
    "transfer_is_agreed_by_both_pools": _(
        "The rules of both pools have to say that members go over, and those of one do not."
    ),
    "transfer_stays_as_signed": _("It has begun, or was taken back: nothing changes it any more."),
    "headcount_follows_transfers": _(
        "Somebody who comes over from another pool is not counted yet. Take the headcount again."
    ),
    "members_leave_themselves": _("Whoever has an account leaves by their own hand."),
    "reported_end_begins_open": _("This membership is over already, or is of another pool."),
    "reported_end_people_hold_their_duty": _("A pool admin reports, a controller confirms."),
    "reported_end_says_why": _(
        "Of a death say the day and the paper, of a removal the clause and what the member did."
    ),
    "one_open_reported_end_per_membership": _(
        "A report of this membership waits already. Confirm it or take it back first."
    ),
    "death_is_not_to_come": _("The day of the death lies in the future."),
    "statement_follows_last": _("The statement does not join the last one: days or balances differ."),
    "statement_adds_up": _(
        "Opening balance and bookings of the statement do not come to its closing balance."
    ),
    "custody_equals_bank": _("After this the ledger would differ from the bank. Nothing was imported."),
    "one_statement_per_file": _("This file has been imported already."),
    "one_line_per_booking": _("A booking of this file has been imported already."),
    "custody_people_hold_their_duty": _(
        "A treasurer imports and orders, a controller releases. You do not hold that duty in this pool."
    ),
    "payment_file_is_the_treasurers": _("Files for the bank are made by a treasurer of this pool."),
    "sent_payment_waits_for_the_bank": _(
        "This payment was sent to the bank and may be on its way. It can be cancelled when statements of more than"
        " five days after it have been imported and do not show it."
    ),
    "mapping_is_the_treasurers": _("How the bank's tables are read is said by a treasurer of this pool."),
    "one_retry_a_day": _("You have asked for it today: it goes with the next file."),
    "retry_needs_a_failed_attempt": _(
        "There is nothing to try again: no debit of yours has failed, or none is open."
    ),
    "charge_file_is_of_an_announced_period": _("The charges of this period are not announced yet."),
    "debit_is_paid_back_once": _("Nothing of this debit is left to be paid back."),
    "instructed_period_stays_posted": _(
        "A charge file of this period was made: its charges stand. Correct what is wrong with the next period."
    ),
    "order_releaser_is_not_orderer": _(
        "The person who ordered a payment cannot release it. Ask a controller."
    ),
    "release_is_of_what_was_shown": _(
        "This is not what was shown. Look at the order again, then release it."
    ),
    "only_unpaid_shares_are_written_off": _(
        "Only what a membership owes can be written off, and all of it up to the period. If something was paid since,"
        " take the write-off back and order it anew."
    ),
    "one_waiting_write_off_per_membership": _(
        "A write-off of this membership waits already. Approve it or take it back first."
    ),
    "write_off_says_why": _("Say how often the member was reminded."),
    "write_off_approver_is_not_orderer": _(
        "The person who ordered a write-off cannot approve it. Ask a controller."
    ),
    "write_off_is_of_what_was_shown": _(
        "This is not what was shown. Look at the write-off again, then approve it."
    ),
    "write_off_is_decided_once": _("The write-off is decided already. Reload the page to see where it is."),
    "write_off_people_hold_their_duty": _("A treasurer orders a write-off, a controller approves it."),
    "written_off_stays_written_off": _(
        "The entry of a write-off is not reversed. When the money comes after all, it is booked as a recovery."
    ),
    "settlement_comes_last": _(
        "A pool is settled when it winds down, no cases are taken any more, and every case and period is shared and"
        " announced."
    ),
    "settlement_waits_for_orders": _(
        "A payment or a write-off of this pool is under way. Let the bank's statement confirm it, or cancel it first."
    ),
    "settlement_is_borne": _(
        "There is nothing to settle, or more than carry, fee and unpaid aid can bear: then somebody besides the members"
        " owes the pool something. Collect that first."
    ),
    "settlement_is_of_the_books": _(
        "The books have moved on since the settlement was ordered. Take it back and order it anew."
    ),
    "settlement_approver_is_not_orderer": _(
        "The person who ordered the settlement cannot approve it. Ask a controller."
    ),
    "settlement_is_of_what_was_shown": _(
        "This is not what was shown. Look at the settlement again, then approve it."
    ),
    "settlement_is_decided_once": _("The settlement is decided already. Reload the page to see where it is."),
    "settlement_people_hold_their_duty": _("A treasurer orders the settlement, a controller approves it."),
    "one_waiting_settlement_per_pool": _("A settlement waits already. Approve it or take it back first."),
    "order_state_follows_order": _("The payment has already moved on. Reload the page to see where it is."),
    "aid_order_needs_a_shared_award": _("Aid is paid after its period has been posted."),
    "aid_goes_to_the_named_payee": _("Aid is paid to the account that the claimant named, and to no other."),
    "aid_paid_at_most_the_award": _("With this order more than the award would be paid."),
    "shares_go_back_as_they_were_paid": _(
        "With this order more would go back than was paid for these shares. Look at what is left."
    ),
    "shares_go_back_to_the_named_payee": _(
        "Shares go back to the account that the claim names: nobody else has paid any of them."
    ),
    "aid_is_paid_as_collected": _(
        "Not that much has come in: aid is paid as it is collected, every case in the same proportion."
    ),
    "aid_never_spends_protected_money": _(
        "This would spend money that belongs to others: balances, refunds, unidentified receipts, the reserve."
    ),
    "fee_follows_the_aid": _("The fee is paid after the aid of its period has been ordered in full."),
    "fee_follows_the_cash": _("Of the fee, only what the shares collected so far have earned can be paid."),
    "order_needs_a_bank_account": _("This pool has no bank account yet. A controller names it."),
    "ledger_bankaccount_number_key": _("This account is the account of a pool already."),
    "ledger_bankaccount_pool_id_key": _("This pool has its bank account already."),
    "claim_state_follows_order": _("This claim has already moved on. Reload the page to see where it is."),
    "aid_within_lifetime_cap": _(
        "Other cases of this member have just been granted aid. Look at what is left, then decide."
    ),
    "claim_is_reported_in_time": _(
        "The last day to report this case has just passed. Look at what the plan grants now, then file it."
    ),
    "one_part_on_its_way": _("Further bills of this case are on their way already. Go on with that claim."),
    "one_draft_per_membership_and_claimant": _("There is a draft already. Go on with that one."),
    "evidence_joins_before_review": _("The papers of this claim are with its reviewers now."),
    "evidence_has_a_limit": _("A claim holds at most 40 papers. Several pages can stand in one PDF."),
    "papers_are_opened_by_who_judges_them": _(
        "Only the reviewer in charge opens papers, and a second reviewer while there is something to decide."
    ),
    "paper_is_erased_when_needed_no_more": _(
        "Something may still follow for this claim: a review, an appeal, a payment or further bills."
    ),
    "reviewer_is_not_claimant": _("This is your own claim. Somebody else reviews it."),
    "nobody_judges_their_own_circle": _(
        "You are near to this member: family, payer or invitation. Somebody else looks at the case."
    ),
    "decider_is_not_recommender": _("You recommended on this claim; somebody else decides."),
    "one_seat_per_person_and_draw": _("This person has a seat in this draw already."),
    "jury_is_asked_in_time": _("The days in which the case could go before the jury are over."),
    "jury_hears_what_an_appeal_refused": _("Before the jury goes, once, what an appeal has refused."),
    "arbiter_decides_where_no_jury_can_be_drawn": _(
        "An outside arbiter decides where fewer than thirty members can be drawn, and a jury everywhere else."
    ),
    "arbiter_is_appointed_by_two_people": _(
        "A pool admin proposes the arbiter and a controller agrees; neither is near to the case or has judged it."
    ),
    "arbiter_is_from_outside": _(
        "Members, people with a duty in the pool, and who is near to the case or had a part in it do not decide it."
    ),
    "arbitration_takes_its_steps": _("This arbitration has moved on. Reload the page."),
    "arbitration_state_follows_order": _("This arbitration has moved on. Reload the page."),
    "arbitration_link_is_live": _("This link is over. Whoever sent it can make another."),
    "one_arbiter_decides_a_case": _("An arbiter decides this case already."),
    "arbiter_decides_in_their_days": _("The days for deciding this case are over."),
    "arbiter_gives_a_reason": _("A decision has its reason in writing, and stands in the log."),
    "arbiter_is_replaced_when_late": _(
        "An arbiter is replaced once the days of the link, or those for deciding, are over."
    ),
    "outside_review_where_nobody_is_left": _(
        "Somebody of this pool may look at the claim, or it waits for nobody."
    ),
    "one_outside_review_at_a_time": _("Somebody from outside is proposed for this claim already."),
    "outside_reviewer_is_appointed_by_two_people": _(
        "A pool admin proposes the outside reviewer and a controller agrees; neither is near to the case or has judged"
        " it."
    ),
    "outside_reviewer_is_from_outside": _(
        "Members, people with a duty in the pool, and who is near to the case or had a part in it do not judge it."
    ),
    "outside_review_takes_its_steps": _("This outside review has moved on. Reload the page."),
    "outside_review_state_follows_order": _("This outside review has moved on. Reload the page."),
    "outside_review_link_is_live": _("This link is over. Whoever sent it can make another."),
    "outside_review_is_done_by_its_word": _(
        "An outside review ends with the word it was asked for, in its days."
    ),
    "outside_review_is_ended_when_late": _(
        "An outside review is ended once the days of the link, or those for judging, are over, or somebody of the pool"
        " may look at the claim again."
    ),
    "jury_takes_enough_people": _("Too few members can be drawn: among so few everyone knows everyone."),
    "witness_is_asked": _("You are not asked to be a witness of this draw."),
    "witness_commits_before_the_draw": _("The hashes of this draw are in the log already."),
    "witness_tells_in_time": _("Words of this draw are not taken now."),
    "ballot_is_by_a_seated_juror": _("You have voted or declined already."),
    "ballot_comes_before_the_closing": _("The voting is over."),
    "one_appeal_per_claim": _("You have appealed in this case already: once is all."),
    "appeal_is_heard_by_others": _(
        "You had a part in this case before the appeal. Two other people look at it now."
    ),
    "reviewers_hold_their_duty": _("Your duties in this pool do not include this."),
    "decision_is_of_what_was_shown": _(
        "The claim is not what you were shown. Look at it again, then decide."
    ),
    "decision_needs_two_who_agree": _(
        "Two people must agree. Return the claim with your reason if you see it otherwise."
    ),
    "signals_are_noted_by_the_reviewer": _("Another reviewer has taken this claim up. Take it over first."),
    "signal_mark_is_of_what_was_shown": _("This signal does not show any more. Reload the page."),
    "one_mark_per_signal_and_round": _("This signal has been marked already; what was said stays."),
    "decision_has_enough_deciders": _(
        "By the amount two second reviewers have to agree. Another one decides after you."
    ),
    "concurrence_fits_its_claim": _("This claim does not wait for your agreement. Reload the page."),
    "one_concurrence_per_round": _("Somebody else has just agreed to this claim. Reload the page."),
    "concurrence_rests_on_its_papers": _(
        "A decision rests on papers of its claim, an approval on one at least. Look at them again."
    ),
    "decision_rests_on_its_papers": _(
        "A decision rests on papers of its claim, an approval on one at least. Look at them again."
    ),
    "recommendation_rests_on_its_papers": _(
        "A recommendation rests on papers of its claim, an approval on one at least. Look at them again."
    ),
    "recommendation_is_taken_back_at_once": _(
        "A recommendation is taken back within seconds, before anybody acts on it. Now it stands."
    ),
    "review_note_is_by_its_reviewers": _("Only the reviewers of a case write notes on it."),
    "blind_review_is_by_another": _("Whoever had a part in a case does not judge it blindly."),
    "blind_review_rests_on_its_papers": _(
        "A judgment rests on papers of its claim, an approval on one at least. Look at them again."
    ),
    "one_decision_per_round": _("Somebody else has just decided this claim. Reload the page."),
    "objections_come_in_publicity": _(
        "Members object while a case is public. This one is not, or not any more."
    ),
    "one_objection_per_member_and_case": _(
        "You have objected to this case, and were answered. One objection is heard."
    ),
    "objections_have_a_limit": _(
        "You have objected to as many cases of this period as the plan lets one member."
    ),
    "one_open_objection_per_member": _("Your objection to this case is still open. It will be answered."),
    "objection_is_answered_by_another": _(
        "You had a part in this case. Another second reviewer answers the objection."
    ),
    "objection_ends_with_its_case": _("An objection to a case that is public is answered."),
    "claimant_is_heard_before_it_is_upheld": _(
        "The claimant can still read this objection and reply: it is not upheld before."
    ),
    "objection_papers_have_a_limit": _("An objection takes no more papers."),
    "objection_paper_comes_while_it_is_open": _(
        "This objection has been answered. Nothing is added to it any more."
    ),
    "one_open_redaction_per_objection": _("A proposal waits for this objection. It is decided first."),
    "nothing_is_taken_out_twice": _("Two people have taken something out here already."),
    "redaction_takes_two_people": _("You proposed this. Another person decides."),
    "redaction_is_decided_as_shown": _("Somebody has decided this meanwhile. Reload the page."),
    "redaction_is_by_people_apart": _(
        "Only people who are not party to a case and had no part in it read an objection as it was written."
    ),
    "released_order_has_its_entry": _(
        "A payment leaves only with its entry in the books, by the same two people."
    ),
    "period_people_hold_their_duty": _(
        "A pool admin prepares a period, a controller approves it, both may pause its posting. You do not hold"
        " that duty in this pool."
    ),
    "plan_change_needs_two_people": _(
        "A pool admin proposes new rules and a controller publishes them: two people, each with that duty."
    ),
    "plan_change_is_what_was_proposed": _(
        "These rules are not the ones that were proposed. Reload the page."
    ),
    "plan_change_keeps_its_notice": _(
        "Too soon: the rules in force promise members more notice. Propose a later day."
    ),
    "plan_change_keeps_its_classes": _(
        "The new rules leave out a class that members belong to. Keep every class; weights may change."
    ),
    "plan_change_names_who_answers": _(
        "The rules that members know name an operator and how the pool ends. Both may change, not disappear."
    ),
    "plan_change_comes_within_a_year": _(
        "This day is so far away that it would shut out every other change."
    ),
    "rules_of_an_ending_pool_stay": _("This pool is ending. Its rules stay as they are."),
    "period_opens_on_its_day": _("A period opens on its first day, not before, and ends within two months."),
    "plan_versions_follow_each_other": _("A version cannot come into force before the one published last."),
    "one_plan_version_per_date": _(
        "Another version comes into force on this day already. Choose another day."
    ),
    "one_open_plan_proposal_per_pool": _("Another proposal waits already. Publish or withdraw it first."),
    "plan_proposal_begins_open": _("This proposal cannot be read, or is decided already."),
    "plan_proposal_is_decided_once": _("This proposal has already been decided. Reload the page."),
    "period_follows_plan_in_force": _("A period follows the rules in force when it opens."),
    "pool_begins_ready": _(
        "A pool gathers members when its rules name an operator and an ending, and enough people hold its duties."
    ),
    "pool_opens_with_its_members": _("The pool has fewer members than its rules need at least."),
    "only_empty_drafts_are_given_up": _(
        "Only a draft without members, published rules and entries in its books can be given up."
    ),
    "custody_is_not_the_operators": _(
        "Who runs the pool may not hold its money: the custody account is in another name."
    ),
    "ending_needs_two_people": _(
        "A pool admin proposes to end a pool and a controller confirms: two people, each with that duty."
    ),
    "ending_keeps_its_notice": _(
        "Too soon: the rules in force promise members more notice. Choose a later day."
    ),
    "ending_is_what_was_proposed": _("The rules have changed since this was proposed. Propose it again."),
    "ending_proposal_begins_open": _("Only an open pool whose rules say how it ends can be ended."),
    "one_open_ending_proposal_per_pool": _("Another proposal waits already. Confirm or withdraw it first."),
    "ending_proposal_is_decided_once": _("This proposal has already been decided. Reload the page."),
    "ending_is_as_of_its_notice": _("This pool ends already."),
    "nobody_joins_an_ending_pool": _("This pool ends: nobody can join it any more."),
    "claims_come_in_the_run_off": _("This pool ends, and this case is not taken any more."),
    "charge_stays_within_its_room": _(
        "These charges would take members beyond what the plan lets them pay at most."
    ),
    "pool_ends_as_announced": _("The day that was announced for this has not come."),
    "pool_closes_with_nothing_owed": _("Something is still open in this pool; the page names it."),
    "pool_closes_with_its_claims_decided": _("Claims of this pool are still undecided or unpaid."),
    "duty_change_takes_two_people": _("Who proposes, who agrees and whose duty it is are three people."),
    "duty_change_is_decided_once": _("This change has been decided already. Reload the page."),
    "duty_change_begins_open": _(
        "Duties change in a pool that runs; this one does not, or the duty has ended."
    ),
    "one_open_change_per_person_and_duty": _("A change of this duty of this person waits already."),
    "one_live_grant_per_duty": _("This person holds this duty already."),
    "pool_keeps_an_admin": _("The last pool admin stays until there is another: propose one first."),
    "plan_draft_ends_with_the_draft": _("These rules are published and can be changed by a proposal only."),
    "invitation_is_answered_once": _("This question has been answered or taken back already."),
    "notice_event_is_of_its_category": _("There is no such event."),
    "money_and_rights_are_mailed": _(
        "Money or rights hang on these notices: they come by e-mail at once or in the daily digest."
    ),
    "quiet_hours_have_two_ends": _("Give both ends of the quiet hours, or neither; they differ."),
    "zone_of_notices_is_known": _("There is no such time zone. Name one as in Asia/Shanghai."),
    "consent_comes_in_time": _(
        "These rules hold already, or the membership is over: there is nothing to agree to."
    ),
    "consent_is_to_what_was_shown": _(
        "These are not the rules that were published. Reload the page and read them."
    ),
    "reminder_is_sent_in_time": _("These rules hold already: there is nothing to remind of."),
    "reminder_is_an_admins": _("A pool admin of this very pool sends the reminder."),
    "one_payer_at_a_time": _("Somebody pays for this member already. Reload the page."),
    "one_open_request_to_pay": _("You have asked somebody already. Take that back first."),
    "payers_pay_for_themselves": _(
        "Whoever pays for others pays for themselves: this member is paid for by somebody else, or you pay for"
        " somebody."
    ),
    "members_invite_while_covered": _("Only a member whose own membership goes on can invite somebody."),
    "invitations_stay_within_limits": _(
        "You have made as many invitations as one may. Take one back, or wait."
    ),
    "invitation_is_live": _("This invitation has been used or taken back, or has expired."),
    "joins_by_invitation": _(
        "Members of this pool join by an invitation. Ask somebody who belongs to it for a link."
    ),
    "one_person_once_per_pool": _("Somebody with this document belongs to the pool already."),
    "one_family_member_per_document": _("Somebody with this document belongs to the pool already."),
    "guardian_is_a_covered_adult": _("Only a member whose own membership goes on can add somebody."),
    "adults_sign_for_themselves": _(
        "Whoever is 18 or older signs for themselves, with an account of their own."
    ),
    "family_member_takes_over_in_person": _(
        "This membership is somebody else's, or they are not of age yet."
    ),
    "corrected_document_is_nobody_elses": _("Somebody else is recorded with this document."),
    "correction_counts_from_the_next_day": _("It cannot be granted today. Try again tomorrow."),
    "correction_fits_the_rules_of_joining": _(
        "Nobody born on that date could have joined, or could still belong."
    ),
    "correction_is_of_a_running_membership": _("The membership is over, or nobody is identified by it."),
    "correction_people_hold_their_duty": _("Your duties in this pool do not include this."),
    "identity_correction_is_anothers": _("Nobody decides about a correction of their own."),
    "one_open_identity_correction": _("You have asked already; that is decided first, or take it back."),
    "guardian_is_asked_for_a_child_left_alone": _(
        "This child has a guardian in the pool by now, or its membership has ended."
    ),
    "guardian_people_hold_their_duty": _("Your duties in this pool do not include this."),
    "guardian_request_is_anothers": _("Nobody decides whether they become a guardian themselves."),
    "one_open_guardian_request_per_child": _(
        "Somebody has asked for this child already; that is decided first."
    ),
    "family_share_has_a_payer": _(
        "You have signed for this member, who has no account: their share stays asked from you while they belong to the"
        " pool."
    ),
    "payer_agrees_in_person": _("Who is to pay says so themselves, and either of the two ends it."),
    "deputy_follows_order": _("This has been answered or ended already. Reload the page."),
    "deputy_is_somebody_else": _(
        "No other account has this code. It stands on the page “My data” of whoever you want to name."
    ),
    "deputies_have_a_limit": _("You have named as many people as one member may. End one of them first."),
    "one_open_deputy_per_person_and_kind": _("You have named this person for it already."),
    "deputy_link_is_live": _(
        "This link has been used or taken back, or its days are over. Ask whoever sent it for a new one."
    ),
    "deputy_links_have_a_limit": _(
        "You have named as many people as one member may, open links among them. End one of them first."
    ),
    "deputy_link_is_used_once": _("This has been answered or ended already. Reload the page."),
    "payer_link_follows_order": _("This has been answered or ended already. Reload the page."),
    "payers_are_where_members_pay_afterwards": _(
        "Members of this pool pay ahead, each into a wallet. Whoever pays for another writes that member's reference on"
        " the transfer."
    ),
    "pools_move_in_while_gathering": _(
        "A list is imported while the pool gathers its members: after its founding, before it opens."
    ),
    "import_people_hold_their_duty": _("A pool admin proposes a list, a controller approves it."),
    "import_approver_is_not_proposer": _("Whoever proposed a list cannot approve it. Ask a controller."),
    "import_approval_is_of_what_was_shown": _("This is not the list that was shown. Look at it again."),
    "import_state_follows_order": _("This import has been decided already. Reload the page."),
    "one_open_member_import_per_pool": _("Another list waits already. Approve it or take it back first."),
    "one_imported_member_per_document": _(
        "Somebody of this list has been imported meanwhile. Upload it again."
    ),
    "one_imported_member_per_address": _(
        "Somebody of this list has been imported meanwhile. Upload it again."
    ),
    "imported_member_stays_as_approved": _("What a list says of a member stays as it was approved."),
    "waiting_served_is_as_imported": _(
        "Waiting time served elsewhere counts as an approved list says, for ninety days after its approval."
    ),
    "books_begin_while_gathering": _("Opening balances are booked while the pool gathers its members."),
    "opening_comes_first_and_once": _(
        "Opening balances come before every other entry and statement, and once. Reverse what was booked first."
    ),
    "opening_people_hold_their_duty": _(
        "A treasurer or pool admin proposes opening balances, a controller approves them."
    ),
    "opening_is_approved_by_another_as_shown": _(
        "Opening balances are approved by a second person, exactly as they were shown."
    ),
    "opening_is_decided_as_shown": _("These balances have been decided already. Reload the page."),
    "opening_owes_what_the_list_says": _(
        "What members owe and have paid ahead in the books is what the approved lists say. Take the proposal back, or"
        " reverse the opening entry, then propose the balances anew."
    ),
    "balance_is_paid_back_whole_and_once": _(
        "A balance of before is paid back as a whole and once, to somebody who has not joined, after the first"
        " statement has shown the money."
    ),
    "wallet_opens_as_imported": _("A wallet begins with what an approved list says of its member."),
    "imported_money_fits_the_rules": _(
        "Where members pay ahead nobody owes, and where they pay afterwards nobody has a balance. Correct the list."
    ),
    "one_open_opening_per_pool": _("Other balances wait already. Approve them or take them back first."),
    "bank_shows_the_opening": _(
        "The books took over money in custody. Import the bank statement that begins with it, then open the pool."
    ),
    "erasure_waits_for_what_is_open": _("Something is still open. The page says what, and where it ends."),
    "erased_account_stays_erased": _("This account was erased: nothing is kept of it any more."),
    "complaint_is_by_somebody_of_the_pool": _(
        "Complaints come from those who belong, belonged or apply to the pool."
    ),
    "complaint_is_about_ones_own": _(
        "This is neither a claim of yours nor a period that you shared. Correct it, or leave it empty."
    ),
    "complaint_is_answered_by_duty": _("Your duties in this pool do not include answering this."),
    "complaints_are_numbered": _("Somebody filed at the same moment. Send it once more."),
    "one_contact_export_at_a_time": _("Another export waits, or its file is still kept. Finish that first."),
    "contact_export_people_hold_their_duty": _(
        "A pool admin asks for contact data, a controller or an auditor agrees."
    ),
    "export_needs_two_people": _("Whoever asked cannot agree. Ask a controller or an auditor."),
    "demo_stays_demo": _("A demonstration database cannot become a real one. Start with an empty one."),
}


def guarantee_name(error: IntegrityError) -> str:
    """Return the name of the constraint or trigger that refused, or an empty string."""
    diag = getattr(error.__cause__, "diag", None)
    return getattr(diag, "constraint_name", None) or ""


def as_domain_error(error: IntegrityError) -> GuaranteeError | None:
    """Return the refusal a known guarantee stands for; None where the name is not one of ours."""
    name = guarantee_name(error)
    if name not in GUARANTEES:
        return None
    detail = getattr(getattr(error.__cause__, "diag", None), "message_primary", "") or ""
    return GuaranteeError(name, GUARANTEES[name], detail=detail)
