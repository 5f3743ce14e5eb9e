"""Addresses of the notice board and of a claimant's timeline."""

from django.urls import path

from claims.publicity import letter_views, views

_CASE = "pools/<slug:code>/notices/<str:case>/"

urlpatterns = [
    path("claims/<str:code>/", views.claim, name="claim"),
    path("claims/<str:code>/withdraw/", views.withdraw, name="withdraw_claim"),
    path("claims/<str:code>/appeal/", views.appeal, name="appeal_claim"),
    path("claims/<str:code>/appeal/papers/", views.add_appeal_paper, name="appeal_paper"),
    path("claims/<str:code>/letters/<int:number>/", letter_views.letter, name="claim_letter"),
    path(
        "claims/<str:code>/letters/<int:number>/<slug:language>.pdf",
        letter_views.letter_file,
        name="claim_letter_pdf",
    ),
    path("claims/<str:code>/receipt/", views.receipt, name="confirm_receipt"),
    path("pools/<slug:code>/notices/", views.notice_board, name="notice_board"),
    path(_CASE, views.case, name="case"),
    path(f"{_CASE}object/", views.object_to, name="object_to_case"),
    path(f"{_CASE}objections/<int:number>/answer/", views.answer, name="answer_objection"),
]
