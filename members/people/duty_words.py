"""What people are told about duties that they hold in a pool."""

from django.utils.translation import gettext_noop

DUTY_GIVEN = "duty_given"
DUTY_ENDED = "duty_ended"

# kind → (subject, body)
DUTY_KINDS: dict[str, tuple[str, str]] = {
    DUTY_GIVEN: (
        gettext_noop("You are %(duty)s of %(pool)s"),
        gettext_noop(
            "A pool admin has proposed it and a second person has agreed. Reason: %(reason)s\n\nIf you do not want the"
            " duty, lay it down on the page: nobody has to agree. Its pages ask for a second factor when you sign in."
        ),
    ),
    DUTY_ENDED: (
        gettext_noop("You are not %(duty)s of %(pool)s any more"),
        gettext_noop(
            "A pool admin has proposed it and a second person has agreed. Reason: %(reason)s\n\nWhat you have decided"
            " before stays as it is."
        ),
    ),
}
# What the duties are called; the words of `DutyGrant.Duty`.
DUTY_NAMES = {
    "pool_admin": gettext_noop("pool admin"),
    "reviewer": gettext_noop("reviewer"),
    "second_reviewer": gettext_noop("second reviewer"),
    "treasurer": gettext_noop("treasurer"),
    "controller": gettext_noop("controller"),
    "auditor": gettext_noop("auditor"),
}
