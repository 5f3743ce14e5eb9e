"""Addresses of the public pages of a pool."""

from django.urls import path

from ledger.disclosure import family_views, feed_views, going_on_views, views

urlpatterns = [
    path("pools/<slug:code>/", views.pool, name="pool"),
    path("pools/<slug:code>/me/", views.my_pool, name="my_pool"),
    path("pools/<slug:code>/me/family/", family_views.family, name="family"),
    path("pools/<slug:code>/me/going-on/", going_on_views.going_on, name="going_on"),
    path("pools/<slug:code>/me/going-on/take-back/", going_on_views.stop_going_on, name="stop_going_on"),
    path("pools/<slug:code>/me/wallet/", views.my_wallet, name="my_wallet"),
    path("pools/<slug:code>/me/shares/", views.my_shares, name="my_shares"),
    path("pools/<slug:code>/me/shares.csv", views.my_shares_csv, name="my_shares_csv"),
    path("pools/<slug:code>/me/statements/<int:year>.pdf", views.my_statement, name="my_statement"),
    path("pools/<slug:code>/plan/<int:number>/shares/", views.plan_shares, name="plan_shares"),
    path(
        "pools/<slug:code>/plan/proposals/<int:number>/shares/", views.proposal_shares, name="proposal_shares"
    ),
    path("pools/<slug:code>/periods/", views.period_list, name="periods"),
    path("pools/<slug:code>/history/", views.history, name="history"),
    path("pools/<slug:code>/history.csv", views.history_csv, name="history_csv"),
    path("pools/<slug:code>/cases/<slug:language>.atom", feed_views.cases, name="cases_feed"),
    path("pools/<slug:code>/cases/<str:award>/", views.award_period, name="award_period"),
]
