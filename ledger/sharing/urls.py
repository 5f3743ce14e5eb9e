"""Addresses of periods."""

from django.urls import path, re_path

from ledger.sharing import roll_views, views

_PERIOD = "pools/<slug:code>/periods/<int:number>/"
_ROLL = r"^t/(?P<code>[-a-zA-Z0-9_]+)/roll/(?P<number>[1-9][0-9]{0,8})/"
_PART, _PREFIX = r"part/(?P<part>0|[1-9][0-9]{0,5})$", r"prefix/(?P<prefix>[0-9a-f]{4})$"

urlpatterns = [
    re_path(rf"{_ROLL}head$", roll_views.head, name="roll_head"),
    re_path(rf"{_ROLL}{_PART}", roll_views.part, name="roll_part"),
    re_path(rf"{_ROLL}{_PREFIX}", roll_views.prefix, name="roll_prefix"),
    re_path(rf"{_ROLL}(?P<stage>freeze)/{_PART}", roll_views.part, name="frozen_roll_part"),
    re_path(rf"{_ROLL}(?P<stage>freeze)/{_PREFIX}", roll_views.prefix, name="frozen_roll_prefix"),
    path("pools/<slug:code>/me/proofs/<int:number>.json", roll_views.my_proof, name="my_proof"),
    path("pools/<slug:code>/me/proofs/<int:number>/", roll_views.check_charge, name="check_charge"),
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
