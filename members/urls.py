"""Gathers the addresses of the rooms."""

from django.urls import include, path

urlpatterns = [path("", include("members.pools.urls"))]
