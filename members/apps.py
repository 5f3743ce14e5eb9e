"""Who belongs, and under which rules."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """The app of enrolment."""

    name = "members"
    verbose_name = "Members"
