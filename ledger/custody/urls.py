"""Addresses of custody."""

from django.urls import path, re_path

from ledger.custody import (
    arrears_views,
    balance_views,
    charge_views,
    cost_views,
    explanation_views,
    interest_views,
    mandate_views,
    mapping_views,
    month_views,
    payment_views,
    receipt_views,
    reconciled_views,
    release_limit_views,
    reversal_views,
    revocation_views,
    share_return_views,
    undoing_views,
    views,
    wallet_views,
    write_off_views,
)

_CUSTODY = "pools/<slug:code>/custody/"
_UPLOAD = r"^pools/(?P<code>[-a-zA-Z0-9_]+)/custody/uploads/(?P<sha256>[0-9a-f]{64})/"
_RECEIPT = f"{_CUSTODY}receipts/<int:statement_no>/<int:line_no>/"
_UNDOINGS = f"{_CUSTODY}wrong-matches/"
_WALLETS = f"{_CUSTODY}wallets/"
_PAYMENTS = f"{_CUSTODY}payments/"
_LIMITS = f"{_PAYMENTS}limits/"
_COSTS = f"{_CUSTODY}costs/"
_WRITE_OFFS = f"{_CUSTODY}write-offs/"
_LATE = f"{_CUSTODY}late/"
_RECONCILIATION = f"{_CUSTODY}reconciliation/"
_DEBITS = f"{_CUSTODY}debits/"
_EXPLANATIONS = f"{_CUSTODY}debits-to-explain/"
_MONTHS = "pools/<slug:code>/ledger/months/"
_ONE_MONTH = f"{_MONTHS}<int:number>/"
_ENTRY = "pools/<slug:code>/ledger/entries/<int:number>/"
_REVERSALS = "pools/<slug:code>/ledger/reversals/"
_REVOCATIONS = f"{_CUSTODY}aid-taken-back/"
_INTERESTS = "pools/<slug:code>/interests/"
_ONE_INTEREST = f"{_INTERESTS}<int:number>/"
_ONE_INCOME = f"{_INTERESTS}income/<int:number>/"

urlpatterns = [
    path(_CUSTODY, views.custody, name="custody"),
    path(f"{_CUSTODY}account/", views.open_account, name="custody_open_account"),
    path(_RECONCILIATION, reconciled_views.reconciliation, name="custody_reconciliation"),
    path(f"{_RECONCILIATION}<slug:day>/", reconciled_views.reconciled_day, name="custody_reconciled_day"),
    path(f"{_CUSTODY}arrears.csv", views.arrears_csv, name="custody_arrears_csv"),
    path(f"{_CUSTODY}statements/", views.statements, name="custody_statements"),
    path(f"{_CUSTODY}statements/<int:number>/", views.statement, name="custody_statement"),
    path(f"{_CUSTODY}statements/<int:number>.csv", views.statement_csv, name="custody_statement_csv"),
    path(f"{_CUSTODY}uploads/", views.upload, name="custody_uploads"),
    re_path(f"{_UPLOAD}$", views.uploaded, name="custody_upload"),
    re_path(f"{_UPLOAD}table/$", mapping_views.table, name="custody_table"),
    re_path(f"{_UPLOAD}import/$", views.import_upload, name="custody_import"),
    path(f"{_CUSTODY}unidentified/", receipt_views.unidentified, name="custody_unidentified"),
    path(f"{_CUSTODY}unidentified/match/", receipt_views.match, name="custody_match"),
    path(_MONTHS, month_views.overview, name="custody_months"),
    path(f"{_MONTHS}all.csv", month_views.overview_csv, name="custody_months_csv"),
    path(f"{_MONTHS}<slug:month>/propose/", month_views.propose, name="custody_propose_close"),
    path(_ONE_MONTH, month_views.month, name="custody_month"),
    path(f"{_MONTHS}<int:number>.csv", month_views.month_csv, name="custody_month_csv"),
    path(f"{_ONE_MONTH}agree/", month_views.agree, name="custody_agree_close"),
    path(f"{_ONE_MONTH}withdraw/", month_views.withdraw, name="custody_withdraw_close"),
    path(f"{_ONE_MONTH}reopen/", month_views.propose_reopening, name="custody_reopen_month"),
    path(f"{_ONE_MONTH}reopen/agree/", month_views.agree_reopening, name="custody_agree_reopening"),
    path(f"{_ONE_MONTH}reopen/withdraw/", month_views.withdraw_reopening, name="custody_withdraw_reopening"),
    path(_ENTRY, reversal_views.entry, name="entry"),
    path(f"{_ENTRY}reverse/", reversal_views.propose, name="custody_propose_reversal"),
    path(_REVOCATIONS, revocation_views.overview, name="custody_revocations"),
    path(f"{_REVOCATIONS}all.csv", revocation_views.overview_csv, name="custody_revocations_csv"),
    path(f"{_REVOCATIONS}propose/", revocation_views.propose, name="custody_propose_revocation"),
    path(f"{_REVOCATIONS}<int:number>/agree/", revocation_views.agree, name="custody_agree_revocation"),
    path(
        f"{_REVOCATIONS}<int:number>/withdraw/", revocation_views.withdraw, name="custody_withdraw_revocation"
    ),
    path(_REVERSALS, reversal_views.overview, name="custody_reversals"),
    path(f"{_REVERSALS}all.csv", reversal_views.overview_csv, name="custody_reversals_csv"),
    path(f"{_REVERSALS}<int:number>/agree/", reversal_views.agree, name="custody_agree_reversal"),
    path(f"{_REVERSALS}<int:number>/withdraw/", reversal_views.withdraw, name="custody_withdraw_reversal"),
    path("pools/<slug:code>/closed-months/", month_views.public_months, name="closed_months"),
    path(_EXPLANATIONS, explanation_views.overview, name="custody_explanations"),
    path(f"{_EXPLANATIONS}all.csv", explanation_views.overview_csv, name="custody_explanations_csv"),
    path(
        f"{_EXPLANATIONS}<int:statement_no>/<int:line_no>/propose/",
        explanation_views.propose,
        name="custody_propose_explanation",
    ),
    path(f"{_EXPLANATIONS}<int:number>/agree/", explanation_views.agree, name="custody_agree_explanation"),
    path(
        f"{_EXPLANATIONS}<int:number>/withdraw/",
        explanation_views.withdraw,
        name="custody_withdraw_explanation",
    ),
    path(_RECEIPT, receipt_views.receipt, name="custody_receipt"),
    path(f"{_RECEIPT}undo/", undoing_views.propose, name="custody_propose_undoing"),
    path(_UNDOINGS, undoing_views.overview, name="custody_undoings"),
    path(f"{_UNDOINGS}all.csv", undoing_views.overview_csv, name="custody_undoings_csv"),
    path(f"{_UNDOINGS}<int:number>/agree/", undoing_views.agree, name="custody_agree_undoing"),
    path(f"{_UNDOINGS}<int:number>/withdraw/", undoing_views.withdraw, name="custody_withdraw_undoing"),
    path(f"{_RECEIPT}identify/", receipt_views.identify, name="custody_identify"),
    path(f"{_RECEIPT}refund/", receipt_views.refund, name="custody_refund"),
    path(_WALLETS, wallet_views.overview, name="custody_wallets"),
    path(f"{_WALLETS}all.csv", wallet_views.all_csv, name="custody_wallets_csv"),
    path(f"{_WALLETS}<int:number>/", wallet_views.wallet, name="custody_wallet"),
    path(f"{_WALLETS}<int:number>/pay-back/", wallet_views.pay_back, name="custody_pay_back"),
    path(f"{_WALLETS}rows/<int:import_no>/<int:row_no>/", balance_views.balance, name="custody_balance"),
    path(_WRITE_OFFS, write_off_views.overview, name="custody_write_offs"),
    path(f"{_WRITE_OFFS}order/", write_off_views.order, name="custody_order_write_off"),
    path(f"{_WRITE_OFFS}<int:number>/", write_off_views.write_off, name="custody_write_off"),
    path(f"{_WRITE_OFFS}<int:number>/approve/", write_off_views.approve, name="custody_approve_write_off"),
    path(f"{_WRITE_OFFS}<int:number>/withdraw/", write_off_views.withdraw, name="custody_withdraw_write_off"),
    path(_LATE, arrears_views.overview, name="custody_arrears"),
    path(f"{_LATE}all.csv", arrears_views.all_csv, name="custody_late_csv"),
    path(f"{_LATE}pauses/", arrears_views.ask_for, name="custody_ask_pause"),
    path(f"{_LATE}pauses/<int:number>/propose/", arrears_views.propose, name="custody_propose_pause"),
    path(f"{_LATE}pauses/<int:number>/grant/", arrears_views.grant, name="custody_grant_pause"),
    path(f"{_LATE}pauses/<int:number>/decline/", arrears_views.decline, name="custody_decline_pause"),
    path(f"{_CUSTODY}mandates/", mandate_views.mandates, name="custody_mandates"),
    path("pools/<slug:code>/me/mandate/", mandate_views.my_mandate, name="my_mandate"),
    path("pools/<slug:code>/me/mandate/revoke/", mandate_views.end_mandate, name="revoke_mandate"),
    path("pools/<slug:code>/me/mandate/retry/", charge_views.retry, name="retry_debit"),
    path(_DEBITS, charge_views.overview, name="custody_debits"),
    path(f"{_DEBITS}calendar/", charge_views.calendar, name="custody_debit_calendar"),
    path(f"{_DEBITS}calendar.csv", charge_views.calendar_csv, name="custody_debit_calendar_csv"),
    path(f"{_DEBITS}periods/<int:number>/", charge_views.make, name="custody_make_charge_files"),
    path(f"{_DEBITS}files/<int:number>/", charge_views.charge_file, name="custody_charge_file"),
    path(
        f"{_DEBITS}files/<int:number>.csv",
        charge_views.download,
        {"form": "csv"},
        name="custody_charge_file_csv",
    ),
    path(
        f"{_DEBITS}files/<int:number>.xml",
        charge_views.download,
        {"form": "xml"},
        name="custody_charge_file_xml",
    ),
    path(f"{_DEBITS}results/", charge_views.import_results, name="custody_import_results"),
    path(f"{_DEBITS}results/<int:number>/", charge_views.results, name="custody_debit_results"),
    path(f"{_DEBITS}pay-back/<int:result>/", charge_views.pay_back, name="custody_pay_back_debit"),
    path("pools/<slug:code>/me/pause/", arrears_views.my_pause, name="my_pause"),
    path(_PAYMENTS, payment_views.payments, name="custody_payments"),
    path(f"{_PAYMENTS}all.csv", payment_views.payments_csv, name="custody_payments_csv"),
    path(f"{_PAYMENTS}cash.csv", payment_views.cash_csv, name="custody_cash_csv"),
    path(f"{_PAYMENTS}files/", payment_views.make_file, name="custody_make_file"),
    path(
        f"{_PAYMENTS}files/<int:number>.<slug:form>", payment_views.payment_file, name="custody_payment_file"
    ),
    path(_LIMITS, release_limit_views.overview, name="custody_release_limits"),
    path(f"{_LIMITS}propose/", release_limit_views.propose, name="custody_propose_release_limits"),
    path(
        f"{_LIMITS}<int:number>/approve/", release_limit_views.approve, name="custody_approve_release_limits"
    ),
    path(
        f"{_LIMITS}<int:number>/withdraw/",
        release_limit_views.withdraw,
        name="custody_withdraw_release_limits",
    ),
    path(f"{_PAYMENTS}<int:number>/", payment_views.payment, name="custody_payment"),
    path(f"{_PAYMENTS}<int:number>/release/", payment_views.release, name="custody_release"),
    path(f"{_PAYMENTS}<int:number>/cancel/", payment_views.cancel, name="custody_cancel"),
    path(f"{_PAYMENTS}order/", payment_views.order_chosen, name="custody_order_chosen"),
    path(f"{_PAYMENTS}release/", payment_views.release_chosen, name="custody_release_chosen"),
    path(f"{_PAYMENTS}aid/<str:award>/", payment_views.new_aid, name="custody_new_aid"),
    path(f"{_PAYMENTS}aid/<str:award>/order/", payment_views.order_aid, name="custody_order_aid"),
    path(f"{_PAYMENTS}shares/<int:number>/", share_return_views.shares, name="custody_order_shares"),
    path(f"{_PAYMENTS}costs/<int:number>/", cost_views.pay, name="custody_order_cost"),
    path(_COSTS, cost_views.overview, name="custody_costs"),
    path(f"{_COSTS}<int:number>/", cost_views.cost, name="custody_cost"),
    path(f"{_COSTS}<int:number>/approve/", cost_views.approve, name="custody_approve_cost"),
    path(f"{_COSTS}<int:number>/turn-down/", cost_views.turn_down, name="custody_turn_down_cost"),
    path(_INTERESTS, interest_views.overview, name="custody_interests"),
    path(f"{_INTERESTS}register.csv", interest_views.register_csv, name="custody_interests_csv"),
    path(f"{_INTERESTS}income.csv", interest_views.income_csv, name="custody_income_csv"),
    path(f"{_INTERESTS}propose/", interest_views.propose, name="custody_propose_interest"),
    path(f"{_INTERESTS}income/", interest_views.report, name="custody_report_income"),
    path(
        f"{_ONE_INTEREST}confirm/",
        interest_views.confirm,
        {"what": "interest"},
        name="custody_confirm_interest",
    ),
    path(
        f"{_ONE_INTEREST}withdraw/",
        interest_views.withdraw,
        {"what": "interest"},
        name="custody_withdraw_interest",
    ),
    path(f"{_ONE_INCOME}confirm/", interest_views.confirm, {"what": "income"}, name="custody_confirm_income"),
    path(
        f"{_ONE_INCOME}withdraw/", interest_views.withdraw, {"what": "income"}, name="custody_withdraw_income"
    ),
    path(f"{_PAYMENTS}fee/<int:number>/", payment_views.new_fee, name="custody_new_fee"),
    path(f"{_PAYMENTS}fee/<int:number>/order/", payment_views.order_fee, name="custody_order_fee"),
]
