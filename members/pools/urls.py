"""Addresses of a pool's plan."""

from django.urls import path

from members.pools import views

urlpatterns = [
    path("pools/<slug:code>/plan/", views.plan, name="plan"),
    path("pools/<slug:code>/plan/propose/", views.propose, name="propose_plan"),
    path("pools/<slug:code>/plan/<int:number>/", views.version, name="plan_version"),
    path("pools/<slug:code>/plan/proposals/<int:number>/", views.proposal, name="plan_proposal"),
    path("pools/<slug:code>/plan/proposals/<int:number>/publish/", views.publish, name="publish_plan"),
    path("pools/<slug:code>/plan/proposals/<int:number>/withdraw/", views.withdraw, name="withdraw_plan"),
]
