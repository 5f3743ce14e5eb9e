"""Addresses of leaving."""

from django.urls import path

from ledger.leaving import views

urlpatterns = [
    path("pools/<slug:code>/me/leave/", views.leaving, name="leaving"),
    path("pools/<slug:code>/me/leave/now/", views.leave, name="leave"),
]
