"""Gathers the addresses of the rooms."""

from django.urls import include, path

urlpatterns = [
    path("", include("ledger.founding.urls")),
    path("", include("ledger.disclosure.urls")),
    path("", include("ledger.leaving.urls")),
    path("", include("ledger.custody.urls")),
    path("", include("ledger.sharing.urls")),
    path("", include("ledger.openbooks.urls")),
    path("", include("ledger.exports.urls")),
    path("", include("ledger.verification.urls")),
    path("", include("ledger.books.urls")),
]
