"""Addresses of the exports."""

from django.urls import path

from ledger.exports import views

_EXPORTS = "pools/<slug:code>/ledger/exports/"

urlpatterns = [
    path(_EXPORTS, views.exports, name="exports"),
    path(f"{_EXPORTS}books.<slug:kind>", views.books, name="export_books"),
    path(f"{_EXPORTS}periods/<int:number>.<slug:kind>", views.period_books, name="export_period"),
]
