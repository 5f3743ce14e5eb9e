"""Addresses of the books."""

from django.urls import path

from ledger.books import report_views, views

_LEDGER = "pools/<slug:code>/ledger/"

urlpatterns = [
    path(_LEDGER, views.accounts, name="accounts"),
    path(f"{_LEDGER}trial-balance/", views.trial_balance, name="trial_balance"),
    path(f"{_LEDGER}accounts/<slug:account_code>/", views.account, name="account"),
    path(f"{_LEDGER}accounts/<slug:account_code>/statement.csv", views.account_csv, name="account_csv"),
    path(f"{_LEDGER}figures/", report_views.figures, name="figures"),
    path(f"{_LEDGER}figures.csv", report_views.figures_csv, name="figures_csv"),
    path(f"{_LEDGER}entries/", views.entries, name="entries"),
    path(f"{_LEDGER}entries.csv", views.entries_csv, name="entries_csv"),
]
