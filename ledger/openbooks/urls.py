"""Addresses of the log."""

from django.urls import path

from ledger.openbooks import views

_LOG = "pools/<slug:code>/log/"

urlpatterns = [
    path(_LOG, views.log, name="log"),
    path(f"{_LOG}<int:seq>/", views.log_entry, name="log_entry"),
    path(f"{_LOG}<int:seq>.json", views.log_entry_raw, name="log_entry_raw"),
]
