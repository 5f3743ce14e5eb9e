"""Addresses of the jury's pages."""

from django.urls import path

from claims.jury import views

_DRAW = "pools/<slug:code>/draws/<slug:ref>/"

urlpatterns = [
    path("claims/<str:code>/jury/", views.take, name="take_to_jury"),
    path("pools/<slug:code>/jury/", views.my_jury, name="my_jury"),
    path("pools/<slug:code>/jury/offer/", views.offer, name="offer_to_judge"),
    path("pools/<slug:code>/jury/step-back/", views.step_back, name="step_back_as_juror"),
    path("pools/<slug:code>/draws/", views.draws, name="jury_draws"),
    path(_DRAW, views.draw, name="jury_draw"),
    path(f"{_DRAW}list.txt", views.draw_list, name="jury_list"),
    path(f"{_DRAW}commit/", views.commit, name="commit_to_words"),
    path(f"{_DRAW}words/", views.words, name="tell_words"),
    path(f"{_DRAW}seat/", views.seat, name="jury_seat"),
    path(f"{_DRAW}seat/vote/", views.vote, name="cast_ballot"),
    path(f"{_DRAW}seat/decline/", views.decline, name="decline_seat"),
]
