"""Addresses of the reviewers' pages."""

from django.urls import path

from claims.review import opening_views, signal_views, views

_CLAIM = "pools/<slug:code>/review/<str:claim>/"

urlpatterns = [
    path("pools/<slug:code>/review/", views.queue, name="review_queue"),
    path("pools/<slug:code>/review/claims.csv", views.queue_csv, name="review_csv"),
    path("pools/<slug:code>/review/signals/", signal_views.overview, name="review_signals"),
    path("pools/<slug:code>/review/signals.csv", signal_views.overview_csv, name="review_signals_csv"),
    path(_CLAIM, views.workspace, name="review_claim"),
    path(f"{_CLAIM}papers-say/", signal_views.reading, name="review_reading"),
    path(f"{_CLAIM}signals/<slug:signal>/", signal_views.mark, name="review_signal"),
    path(f"{_CLAIM}assign/", views.assign, name="review_assign"),
    path(f"{_CLAIM}request-papers/", views.request_papers, name="review_request_papers"),
    path(f"{_CLAIM}recommend/", views.recommend, name="review_recommend"),
    path(f"{_CLAIM}decide/", views.decide, name="review_decide"),
    path(f"{_CLAIM}papers/<str:paper>/", opening_views.paper, name="review_paper"),
    path(f"{_CLAIM}openings/<int:opening>/", opening_views.opening, name="review_opening"),
    path(f"{_CLAIM}openings/<int:opening>/file/", opening_views.opening_file, name="review_opening_file"),
]
