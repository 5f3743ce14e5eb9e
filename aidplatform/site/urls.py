"""Addresses of the pages that need all apps."""

from django.urls import path

from aidplatform.site import job_views, kept_views, manual_views, search_views, views
from aidplatform.site.demo import views as demo_views
from aidplatform.site.ending import settlement_views
from aidplatform.site.ending import views as ending_views
from aidplatform.site.my_data import erasing_views
from aidplatform.site.my_data import views as my_data_views

_ENDING = "pools/<slug:code>/ending/"

urlpatterns = [
    path("", views.home, name="home"),
    path("language/", views.set_language, name="set_language"),
    path("theme/", views.set_theme, name="set_theme"),
    path("kept/", kept_views.kept_input, name="kept_input"),
    path("kept/drop/", kept_views.drop_kept, name="drop_kept"),
    path("health", views.health, name="health"),
    path("robots.txt", views.robots, name="robots"),
    path("search/", search_views.search, name="search"),
    path("docs/", manual_views.docs, name="docs"),
    path("docs/<slug:name>/", manual_views.docs, name="doc"),
    path(_ENDING, ending_views.ending, name="ending"),
    path(f"{_ENDING}propose/", ending_views.propose, name="propose_ending"),
    path(f"{_ENDING}proposals/<int:number>/confirm/", ending_views.confirm, name="confirm_ending"),
    path(f"{_ENDING}proposals/<int:number>/withdraw/", ending_views.withdraw, name="withdraw_ending"),
    path(f"{_ENDING}settlement/", settlement_views.settlement, name="settlement"),
    path(f"{_ENDING}settlement/order/", settlement_views.order, name="order_settlement"),
    path(f"{_ENDING}settlement/<int:number>/approve/", settlement_views.approve, name="approve_settlement"),
    path(
        f"{_ENDING}settlement/<int:number>/withdraw/", settlement_views.withdraw, name="withdraw_settlement"
    ),
    path(f"{_ENDING}close/", ending_views.close, name="close_pool"),
    path("my-data/", my_data_views.my_data, name="my_data"),
    path("my-data/order/", my_data_views.order, name="order_my_data"),
    path("my-data/<int:number>/", my_data_views.download, name="download_my_data"),
    path("my-data/erase/", erasing_views.erase_my_data, name="erase_my_data"),
    path("my-data/erase/ask/", erasing_views.ask, name="ask_erasure"),
    path("my-data/erase/cancel/", erasing_views.cancel, name="cancel_erasure"),
    path("jobs/", job_views.jobs, name="jobs"),
    path("jobs/<int:job_id>/retry/", job_views.retry, name="job_retry"),
    path("demo/", demo_views.demo_page, name="demo"),
    path("demo/bank/<slug:code>/", demo_views.bank_statement, name="demo_bank"),
    path("demo/mail/", demo_views.mail, name="demo_mail"),
    path("demo/person/", demo_views.switch, name="demo_switch"),
    path("demo/clock/", demo_views.move_clock, name="demo_move_clock"),
    path("demo/case/", demo_views.next_step, name="demo_case"),
    path("demo/case/another/", demo_views.another_case, name="demo_another_case"),
    path("demo/progress/", demo_views.progress, name="demo_progress"),
    path("demo/trick/", demo_views.try_trick, name="demo_trick"),
    path("demo/million/", demo_views.make_million, name="demo_million"),
    path("demo/million/progress/", demo_views.million, name="demo_million_progress"),
]
