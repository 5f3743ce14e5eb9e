"""Addresses of leaving."""

from django.urls import path

from ledger.leaving import report_views, views

_ENDS = "pools/<slug:code>/reported-ends/"

urlpatterns = [
    path("pools/<slug:code>/me/leave/", views.leaving, name="leaving"),
    path("pools/<slug:code>/me/leave/now/", views.leave, name="leave"),
    path(_ENDS, report_views.overview, name="reported_ends"),
    path(f"{_ENDS}report/", report_views.report, name="report_end"),
    path(f"{_ENDS}<int:number>/confirm/", report_views.confirm, name="confirm_end"),
    path(f"{_ENDS}<int:number>/withdraw/", report_views.withdraw, name="withdraw_end"),
]
