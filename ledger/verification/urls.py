"""Addresses of verifications."""

from django.urls import path

from ledger.verification import views

_HERE = "pools/<slug:code>/ledger/verifications/"

urlpatterns = [
    path(_HERE, views.verifications, name="verifications"),
    path(f"{_HERE}ask/", views.ask, name="verify_now"),
    path(f"{_HERE}<int:number>/", views.verification, name="verification"),
    path(f"{_HERE}<int:number>/statements.csv", views.statements_csv, name="verification_csv"),
]
