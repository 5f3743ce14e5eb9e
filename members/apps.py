"""Who belongs, and under which rules."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """The app of enrolment."""

    name = "members"
    verbose_name = "Members"

    def ready(self) -> None:
        """Hear from the library when a second factor is removed: what was made under it ends."""
        from allauth.mfa.signals import authenticator_removed

        from members.people.adapter import end_what_it_opened

        authenticator_removed.connect(end_what_it_opened, dispatch_uid="members.end_what_it_opened")
