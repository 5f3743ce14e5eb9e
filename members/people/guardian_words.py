"""What people are told when a child gets another guardian."""

from django.utils.translation import gettext_noop

GUARDIAN_GRANTED = "guardian_granted"
GUARDIAN_DECLINED = "guardian_declined"
GUARDIAN_REPLACED = "guardian_replaced"

# kind → (subject, body)
GUARDIAN_KINDS: dict[str, tuple[str, str]] = {
    GUARDIAN_GRANTED: (
        gettext_noop("You are the guardian of member %(number)s of %(pool)s from now on"),
        gettext_noop(
            "You answer for them, and where members pay afterwards your transfers pay their shares. Your family page"
            " shows what is open. Until %(until)s nothing follows from what was not paid or answered meanwhile."
        ),
    ),
    GUARDIAN_DECLINED: (
        gettext_noop("You do not become the guardian of member %(number)s of %(pool)s"),
        gettext_noop(
            "Your request was declined. Whoever runs the pool can tell you why, and which paper is missing; you can"
            " ask again."
        ),
    ),
    GUARDIAN_REPLACED: (
        gettext_noop("Member %(number)s of %(pool)s has another guardian"),
        gettext_noop(
            "Two people of the pool have seen a paper that gives somebody else the right to speak for them. If you"
            " think it is wrong, file a complaint on the pool's page."
        ),
    ),
}
