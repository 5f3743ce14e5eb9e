"""Addresses of periods."""

from django.urls import path

from ledger.sharing import views

_PERIOD = "pools/<slug:code>/periods/<int:number>/"

urlpatterns = [
    path(_PERIOD, views.period, name="period"),
    path(f"{_PERIOD}compute/", views.compute, name="period_compute"),
    path(f"{_PERIOD}approve/", views.approve, name="period_approve"),
    path(f"{_PERIOD}pause/", views.pause, name="period_pause"),
    path(f"{_PERIOD}resume/", views.resume, name="period_resume"),
    path(f"{_PERIOD}cancel/", views.cancel, name="period_cancel"),
    path(f"{_PERIOD}progress/", views.progress, name="period_progress"),
    path(f"{_PERIOD}classes.csv", views.classes_csv, name="period_classes_csv"),
    path(f"{_PERIOD}charges.csv", views.charges_csv, name="period_charges_csv"),
]
