"""Addresses of joining."""

from django.urls import path

from members.joining import views

urlpatterns = [
    path("pools/<slug:code>/join/", views.join, name="join"),
    path("pools/<slug:code>/join/begin/", views.join_begin, name="join_begin"),
    path("pools/<slug:code>/join/<slug:step>/", views.join_step, name="join_step"),
]
