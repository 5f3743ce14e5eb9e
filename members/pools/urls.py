"""Addresses of a pool's plan."""

from django.urls import path

from members.pools import views

urlpatterns = [path("pools/<slug:code>/plan/", views.plan, name="plan")]
