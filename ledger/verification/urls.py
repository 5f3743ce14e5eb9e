"""Addresses of verifications."""

from django.urls import path

from ledger.verification import period_end_views, views

_HERE = "pools/<slug:code>/ledger/verifications/"
_ENDS = "pools/<slug:code>/ledger/period-ends/"

urlpatterns = [
    path(_ENDS, period_end_views.newest, name="period_end_newest"),
    path(f"{_ENDS}<int:number>/", period_end_views.period_end, name="period_end"),
    path(f"{_ENDS}<int:number>.csv", period_end_views.period_end_csv, name="period_end_csv"),
    path(_HERE, views.verifications, name="verifications"),
    path(f"{_HERE}ask/", views.ask, name="verify_now"),
    path(f"{_HERE}<int:number>/", views.verification, name="verification"),
    path(f"{_HERE}<int:number>/statements.csv", views.statements_csv, name="verification_csv"),
]
