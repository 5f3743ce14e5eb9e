"""Addresses of a claimant's pages."""

from django.urls import path

from claims.filing import views

urlpatterns = [
    path("claims/", views.my_claims, name="my_claims"),
    path("claims/new/", views.new_claim, name="new_claim"),
    path("claims/<str:code>/edit/<slug:step>/", views.claim_step, name="claim_step"),
    path("claims/<str:code>/words/", views.save_words, name="save_words"),
    path("claims/<str:code>/further-bills/", views.further_bills, name="further_bills"),
    path("claims/<str:code>/papers/<str:paper>/", views.own_paper, name="own_paper"),
    path("claims/<str:code>/papers/<str:paper>/remove/", views.remove_paper, name="remove_paper"),
]
