"""Gathers the addresses of the rooms."""

from django.urls import include, path

urlpatterns = [
    path("", include("claims.filing.urls")),
    path("", include("claims.review.urls")),
    path("", include("claims.jury.urls")),
    path("", include("claims.publicity.urls")),
]
