"""Addresses of a pool's plan, and of who holds its duties."""

from django.urls import path

from members.pools import duty_views, views

_DUTIES = "pools/<slug:code>/duties/"

urlpatterns = [
    path(_DUTIES, duty_views.duty_list, name="duties"),
    path(f"{_DUTIES}<int:grant_id>/end/", duty_views.propose_end, name="propose_duty_end"),
    path(f"{_DUTIES}<int:grant_id>/lay-down/", duty_views.lay_down, name="lay_down_duty"),
    path(f"{_DUTIES}changes/<int:number>/confirm/", duty_views.confirm_change, name="confirm_duty_change"),
    path(f"{_DUTIES}changes/<int:number>/drop/", duty_views.drop_change, name="drop_duty_change"),
    path("pools/<slug:code>/plan/", views.plan, name="plan"),
    path("pools/<slug:code>/plan/propose/", views.propose, name="propose_plan"),
    path("pools/<slug:code>/plan/<int:number>/", views.version, name="plan_version"),
    path("pools/<slug:code>/plan/proposals/<int:number>/", views.proposal, name="plan_proposal"),
    path("pools/<slug:code>/plan/proposals/<int:number>/publish/", views.publish, name="publish_plan"),
    path("pools/<slug:code>/plan/proposals/<int:number>/withdraw/", views.withdraw, name="withdraw_plan"),
]
