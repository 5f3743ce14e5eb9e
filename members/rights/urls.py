"""Addresses of complaints and of exports of contact data."""

from django.urls import path

from members.rights import contact_views, views

_MINE = "pools/<slug:code>/me/complaints/"
_MY = f"{_MINE}<int:year>/<int:number>/"
_ALL = "pools/<slug:code>/complaints/"
_CONTACTS = "pools/<slug:code>/contact-data/"

urlpatterns = [
    path(_MINE, views.my_complaints, name="my_complaints"),
    path(_MY, views.my_complaint, name="my_complaint"),
    path(f"{_MY}settle/", views.settle, name="settle_complaint"),
    path(f"{_MY}pass-on/", views.pass_on, name="pass_complaint_on"),
    path(_ALL, views.complaints, name="complaints"),
    path(f"{_ALL}all.csv", views.complaints_csv, name="complaints_csv"),
    path(f"{_ALL}<int:year>/<int:number>/", views.complaint, name="complaint"),
    path(_CONTACTS, contact_views.contact_exports, name="contact_exports"),
    path(f"{_CONTACTS}<int:number>/agree/", contact_views.agree, name="agree_to_contact_export"),
    path(f"{_CONTACTS}<int:number>/drop/", contact_views.drop, name="drop_contact_export"),
    path(f"{_CONTACTS}<int:number>/file/", contact_views.take, name="take_contact_file"),
]
