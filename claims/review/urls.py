"""Addresses of the reviewers' pages."""

from django.urls import path

from claims.review import blind_views, desk_views, opening_views, signal_views, statistics_views, views

_DESK = "pools/<slug:code>/review/"
_CLAIM = f"{_DESK}<str:claim>/"

urlpatterns = [
    path(_DESK, desk_views.queue, name="review_queue"),
    path(f"{_DESK}claims.csv", desk_views.queue_csv, name="review_csv"),
    path(f"{_DESK}signals/", signal_views.overview, name="review_signals"),
    path(f"{_DESK}signals.csv", signal_views.overview_csv, name="review_signals_csv"),
    path(f"{_DESK}load/", desk_views.load, name="review_load"),
    path(f"{_DESK}blind/", blind_views.blind_queue, name="blind_queue"),
    path(f"{_DESK}statistics/", statistics_views.statistics, name="review_statistics"),
    path("pools/<slug:code>/review-times/", statistics_views.times, name="review_times"),
    path("pools/<slug:code>/review-times.csv", statistics_views.times_csv, name="review_times_csv"),
    path(_CLAIM, views.workspace, name="review_claim"),
    path(f"{_CLAIM}papers-say/", signal_views.reading, name="review_reading"),
    path(f"{_CLAIM}signals/<slug:signal>/", signal_views.mark, name="review_signal"),
    path(f"{_CLAIM}assign/", views.assign, name="review_assign"),
    path(f"{_CLAIM}hand-over/", desk_views.hand_over, name="review_hand_over"),
    path(f"{_CLAIM}request-papers/", views.request_papers, name="review_request_papers"),
    path(f"{_CLAIM}recommend/", views.recommend, name="review_recommend"),
    path(f"{_CLAIM}take-back/", views.take_back, name="review_take_back"),
    path(f"{_CLAIM}decide/", views.decide, name="review_decide"),
    path(f"{_CLAIM}papers/<str:paper>/", opening_views.paper, name="review_paper"),
    path(f"{_CLAIM}openings/<int:opening>/", opening_views.opening, name="review_opening"),
    path(f"{_CLAIM}openings/<int:opening>/file/", opening_views.opening_file, name="review_opening_file"),
    path(f"{_CLAIM}notes/", views.note, name="review_note"),
    path(f"{_CLAIM}blind/", blind_views.blind_review, name="blind_review"),
]
