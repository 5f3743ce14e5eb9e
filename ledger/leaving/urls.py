"""Addresses of leaving."""

from django.urls import path

from ledger.leaving import report_views, views

_ENDS = "pools/<slug:code>/reported-ends/"
_CHILD = "pools/<slug:code>/me/family/<int:number>/"

urlpatterns = [
    path("pools/<slug:code>/me/leave/", views.leaving, name="leaving"),
    path("pools/<slug:code>/me/leave/now/", views.leave, name="leave"),
    path(f"{_CHILD}leave/", views.child_leaving, name="child_leaving"),
    path(f"{_CHILD}leave/now/", views.child_leave, name="child_leave"),
    path(_ENDS, report_views.overview, name="reported_ends"),
    path(f"{_ENDS}report/", report_views.report, name="report_end"),
    path(f"{_ENDS}<int:number>/confirm/", report_views.confirm, name="confirm_end"),
    path(f"{_ENDS}<int:number>/withdraw/", report_views.withdraw, name="withdraw_end"),
]
