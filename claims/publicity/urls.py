"""Addresses of the notice board and of a claimant's timeline."""

from django.urls import path

from claims.publicity import letter_views, objection_views, outside_answer_views, reader_views, views

_CASE = "pools/<slug:code>/notices/<str:case>/"
_OUTSIDE = "outside-reviews/<slug:review>/objections/"
_OBJECTION = f"{_CASE}objections/<int:number>/"

urlpatterns = [
    path("my-data/readers/", reader_views.my_readers, name="my_readers"),
    path("my-data/readers.csv", reader_views.my_readers_csv, name="my_readers_csv"),
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
    path(
        "claims/<str:code>/objections/<int:number>/reply/", objection_views.reply, name="reply_to_objection"
    ),
    path(
        "claims/<str:code>/objections/<int:number>/papers/<slug:paper>/",
        objection_views.told_paper,
        name="told_paper",
    ),
    path(_OUTSIDE, outside_answer_views.objections, name="outside_objections"),
    path(f"{_OUTSIDE}<int:number>/", outside_answer_views.answer, name="outside_answer"),
    path("claims/<str:code>/receipt/", views.receipt, name="confirm_receipt"),
    path("pools/<slug:code>/notices/", views.notice_board, name="notice_board"),
    path(_CASE, views.case, name="case"),
    path(f"{_CASE}object/", views.object_to, name="object_to_case"),
    path(f"{_OBJECTION}answer/", views.answer, name="answer_objection"),
    path(f"{_OBJECTION}papers/", objection_views.add_paper, name="objection_paper"),
    path(_OBJECTION, objection_views.objection, name="objection"),
    path(f"{_OBJECTION}redactions/", objection_views.take_words_out, name="take_words_out"),
    path(f"{_OBJECTION}papers/<slug:paper>/withhold/", objection_views.withhold, name="withhold_paper"),
    path(f"{_OBJECTION}redactions/<int:redaction>/", objection_views.decide, name="decide_redaction"),
]
