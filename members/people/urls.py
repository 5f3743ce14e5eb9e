"""Addresses of what people are told."""

from django.urls import path

from members.people import phone_views, session_views, views

urlpatterns = [
    # Before the page of the library at the same address, which asks the database once for each session.
    path("accounts/sessions/", session_views.session_list, name="sessions"),
    path("accounts/sessions/others/end/", session_views.end_others, name="end_other_sessions"),
    path("accounts/sessions/<int:session_id>/end/", session_views.end_one, name="end_session"),
    path("notices/", views.notice_list, name="notices"),
    path("notices/read/", views.read_notices, name="read_notices"),
    path("notices/choices/", views.notice_choices, name="notice_choices"),
    path("notices/phone/", phone_views.my_phone, name="my_phone"),
    path("notices/phone/confirm/", phone_views.confirm_phone, name="confirm_phone"),
    path("notices/phone/forget/", phone_views.forget_phone, name="forget_phone"),
    path("notices/<int:notice_id>/", views.notice_open, name="notice_open"),
]
