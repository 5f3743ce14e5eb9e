"""Addresses of what people are told."""

from django.urls import path

from members.people import views

urlpatterns = [
    path("notices/", views.notice_list, name="notices"),
    path("notices/choices/", views.notice_choices, name="notice_choices"),
    path("notices/<int:notice_id>/", views.notice_open, name="notice_open"),
]
