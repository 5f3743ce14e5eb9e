"""Addresses of the jury's pages."""

from django.urls import path, re_path

from claims.jury import arbiter_views, file_views, views

_DRAW = "pools/<slug:code>/draws/<slug:ref>/"
_ARBITRATION = "pools/<slug:code>/arbitrations/<slug:ref>/"
_CASE = "arbitrations/<slug:arbitration>/"

urlpatterns = [
    path("claims/<str:code>/jury/", views.take, name="take_to_jury"),
    path("pools/<slug:code>/jury/", views.my_jury, name="my_jury"),
    path("pools/<slug:code>/jury/offer/", views.offer, name="offer_to_judge"),
    path("pools/<slug:code>/jury/step-back/", views.step_back, name="step_back_as_juror"),
    path("pools/<slug:code>/draws/", views.draws, name="jury_draws"),
    path(_DRAW, views.draw, name="jury_draw"),
    re_path(
        r"^t/(?P<code>[-a-zA-Z0-9_]+)/draw/(?P<ref>[0-9a-f]{16})/(?P<stage>[1-9][0-9]{0,3})$",
        file_views.eligible,
        name="draw_eligible",
    ),
    path(f"{_DRAW}list.txt", views.draw_list, name="jury_list"),
    path(f"{_DRAW}commit/", views.commit, name="commit_to_words"),
    path(f"{_DRAW}words/", views.words, name="tell_words"),
    path(f"{_DRAW}seat/", views.seat, name="jury_seat"),
    path(f"{_DRAW}seat/vote/", views.vote, name="cast_ballot"),
    path(f"{_DRAW}seat/decline/", views.decline, name="decline_seat"),
    path(_ARBITRATION, arbiter_views.arbitration, name="arbitration"),
    path(f"{_ARBITRATION}propose/", arbiter_views.propose, name="propose_arbiter"),
    path(f"{_ARBITRATION}agree/", arbiter_views.agree, name="agree_to_arbiter"),
    path(f"{_ARBITRATION}link/", arbiter_views.link, name="link_arbiter"),
    path(f"{_ARBITRATION}replace/", arbiter_views.replace, name="replace_arbiter"),
    path("arbitrations/", arbiter_views.mine, name="my_arbitrations"),
    path("arbitrations/by/<slug:token>/", arbiter_views.by_link, name="arbitration_link"),
    path(_CASE, arbiter_views.case, name="arbitration_case"),
    path(f"{_CASE}decide/", arbiter_views.decide, name="arbitration_decide"),
    path(f"{_CASE}decline/", arbiter_views.decline, name="arbitration_decline"),
]
