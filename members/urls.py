"""Gathers the addresses of the rooms."""

from django.urls import include, path

urlpatterns = [
    path("", include("members.people.urls")),
    path("", include("members.pools.urls")),
    path("", include("members.joining.urls")),
    path("", include("members.rights.urls")),
]
