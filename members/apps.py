"""Who belongs, and under which rules."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """The app of enrolment."""

    name = "members"
    verbose_name = "Members"

    def ready(self) -> None:
        """Hear when somebody signs in, and when a second factor is removed: what was made under it ends."""
        from allauth.mfa.signals import authenticator_removed
        from django.contrib.auth.signals import user_logged_in

        from members.people.adapter import end_what_it_opened
        from members.people.sessions import note_sign_in

        user_logged_in.connect(note_sign_in, dispatch_uid="members.note_sign_in")
        authenticator_removed.connect(end_what_it_opened, dispatch_uid="members.end_what_it_opened")
