"""Addresses of the reviewers' pages."""

from django.urls import path

from claims.review import (
    blind_views,
    desk_views,
    investigation_views,
    investigator_views,
    opening_views,
    outside_case_views,
    outside_views,
    signal_views,
    statistics_views,
    views,
)

_DESK = "pools/<slug:code>/review/"
_CLAIM = f"{_DESK}<str:claim>/"
_INVESTIGATION = f"{_CLAIM}investigations/<int:number>/"
_CASE = "investigations/<slug:investigation>/"
_OUTSIDE = "pools/<slug:code>/outside-reviews/<str:claim>/"
_OUTSIDE_CASE = "outside-reviews/<slug:review>/"

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
    path(f"{_CLAIM}investigations/order/", investigation_views.order, name="review_order_investigation"),
    path(_INVESTIGATION, investigation_views.investigation, name="review_investigation"),
    path(f"{_INVESTIGATION}decide/", investigation_views.decide, name="review_decide_investigation"),
    path(f"{_INVESTIGATION}link/", investigation_views.link, name="review_link_investigation"),
    path(f"{_INVESTIGATION}extend/", investigation_views.extend, name="review_extend_investigation"),
    path(f"{_INVESTIGATION}revoke/", investigation_views.revoke, name="review_revoke_investigation"),
    path("investigations/", investigator_views.mine, name="my_investigations"),
    path("investigations/by/<slug:token>/", investigator_views.by_link, name="investigation_link"),
    path(_CASE, investigator_views.case, name="investigation_case"),
    path(f"{_CASE}papers/<str:paper>/", investigator_views.paper, name="investigation_paper"),
    path(f"{_CASE}openings/<int:opening>/", investigator_views.opening, name="investigation_opening"),
    path(
        f"{_CASE}openings/<int:opening>/file/",
        investigator_views.opening_file,
        name="investigation_opening_file",
    ),
    path(f"{_CASE}findings/", investigator_views.add_finding, name="investigation_add_finding"),
    path(f"{_CASE}report/", investigator_views.report, name="investigation_report"),
    path("claims/<str:code>/findings/<int:number>/", investigator_views.findings, name="claim_findings"),
    path(f"{_CLAIM}blind/", blind_views.blind_review, name="blind_review"),
    path(_OUTSIDE, outside_views.appointment, name="outside_review"),
    path(f"{_OUTSIDE}propose/", outside_views.propose, name="propose_outside_reviewer"),
    path(f"{_OUTSIDE}agree/", outside_views.agree, name="agree_to_outside_reviewer"),
    path(f"{_OUTSIDE}link/", outside_views.link, name="link_outside_reviewer"),
    path(f"{_OUTSIDE}end/", outside_views.end, name="end_outside_review"),
    path("outside-reviews/", outside_case_views.mine, name="my_outside_reviews"),
    path("outside-reviews/by/<slug:token>/", outside_case_views.by_link, name="outside_review_link"),
    path(_OUTSIDE_CASE, outside_case_views.case, name="outside_review_case"),
    path(f"{_OUTSIDE_CASE}recommend/", outside_case_views.recommend, name="outside_recommend"),
    path(f"{_OUTSIDE_CASE}decide/", outside_case_views.decide, name="outside_decide"),
    path(f"{_OUTSIDE_CASE}decline/", outside_case_views.decline, name="decline_outside_review"),
    path(f"{_OUTSIDE_CASE}papers/<str:paper>/", outside_case_views.paper, name="outside_paper"),
    path(f"{_OUTSIDE_CASE}openings/<int:opening>/", outside_case_views.opening, name="outside_opening"),
    path(
        f"{_OUTSIDE_CASE}openings/<int:opening>/file/",
        outside_case_views.opening_file,
        name="outside_opening_file",
    ),
]
