"""Addresses of a pool's beginning."""

from django.urls import path

from ledger.founding import opening_views, views

_FOUNDING = "pools/<slug:code>/founding/"
_OPENING = "pools/<slug:code>/move-in/opening/"

urlpatterns = [
    path("pools/found/", views.presets, name="presets"),
    path("pools/found/<slug:preset>/", views.found, name="found_pool"),
    path(_FOUNDING, views.founding, name="founding"),
    path(f"{_FOUNDING}rules/", views.rules, name="founding_rules"),
    path(f"{_FOUNDING}costs/", views.costs, name="founding_costs"),
    path(f"{_FOUNDING}invite/", views.invite, name="invite_to_duty"),
    path(f"{_FOUNDING}invite/<int:invitation_id>/withdraw/", views.withdraw, name="withdraw_invitation"),
    path(f"{_FOUNDING}duties/<int:grant_id>/end/", views.end_duty, name="end_founding_duty"),
    path(f"{_FOUNDING}gather/", views.gather, name="gather_pool"),
    path(f"{_FOUNDING}give-up/", views.give_up, name="give_up_pool"),
    path(f"{_FOUNDING}open/", views.open_pool, name="open_pool"),
    path(_OPENING, opening_views.opening, name="opening_balances"),
    path(f"{_OPENING}<int:number>/approve/", opening_views.approve, name="opening_approve"),
    path(f"{_OPENING}<int:number>/withdraw/", opening_views.withdraw, name="opening_withdraw"),
    path("pools/<slug:code>/invitation/", views.invitation, name="duty_invitation"),
]
