"""Addresses of the log, and of its public files, which are as c2sp.org/tlog-tiles has them: without a last slash."""

from django.urls import path, re_path

from ledger.openbooks import file_views, views, witness_views
from ledger.openbooks.tiles import PLACE

_LOG = "pools/<slug:code>/log/"
_WITNESSES = "pools/<slug:code>/witnesses/"
_FILES = "t/<slug:code>/"
_TILE = r"^t/(?P<code>[-a-zA-Z0-9_]+)/tile"

urlpatterns = [
    path("pools/<slug:code>/open-books/", views.open_books, name="open_books"),
    path("pools/<slug:code>/open-books/check/", views.check_books, name="check_books"),
    path("t/verify.py", file_views.verifier, name="log_verifier"),
    path("t/witness.py", file_views.witness, name="log_witness_program"),
    path(_WITNESSES, witness_views.overview, name="witnesses"),
    path(f"{_WITNESSES}propose/", witness_views.propose, name="propose_witnesses"),
    path(f"{_WITNESSES}<int:number>/approve/", witness_views.approve, name="approve_witnesses"),
    path(f"{_WITNESSES}<int:number>/withdraw/", witness_views.withdraw, name="withdraw_witnesses"),
    path(f"{_FILES}checkpoint", file_views.checkpoint, name="log_checkpoint"),
    path(f"{_FILES}checkpoint.witnessed", file_views.witnessed_checkpoint, name="log_witnessed_checkpoint"),
    path(f"{_FILES}tsr/<int:size>/checkpoint", file_views.stamped_checkpoint, name="log_stamped_checkpoint"),
    path(f"{_FILES}tsr/<int:size>/<str:authority>.tsr", file_views.time_stamp, name="log_time_stamp"),
    path(f"{_FILES}keys", file_views.keys, name="log_keys"),
    path(f"{_FILES}policy", file_views.policy, name="log_policy"),
    re_path(rf"{_TILE}/(?P<level>0|[1-9][0-9]?)/(?P<place>{PLACE})$", file_views.tile, name="log_tile"),
    re_path(rf"{_TILE}/entries/(?P<place>{PLACE})$", file_views.entries, name="log_entries"),
    path(_LOG, views.log, name="log"),
    path(f"{_LOG}<int:seq>/", views.log_entry, name="log_entry"),
    path(f"{_LOG}<int:seq>.json", views.log_entry_raw, name="log_entry_raw"),
]
