"""What people are told when a waiting time ends, and when a death is recorded of whom they speak for."""

from django.utils.translation import gettext_noop

WAITING_OVER = "waiting_over"
CHILD_DIED = "child_died"
NAMER_DIED = "namer_died"

# kind → (subject, body)
COVER_KINDS: dict[str, tuple[str, str]] = {
    WAITING_OVER: (
        gettext_noop("Your waiting time in %(pool)s ends: aid from %(eligible)s on"),
        gettext_noop(
            "From 00:00 of that day on aid can be asked for what is first established then or later. What began before"
            " is not shared, as you have signed. You need not do anything."
        ),
    ),
    CHILD_DIED: (
        gettext_noop("The membership of a child of yours in %(pool)s has ended"),
        gettext_noop(
            "Two people of the pool have recorded the death. The membership ended at 00:00 of %(until)s, and nothing is"
            " charged for a headcount after it. A case of the time before can still be filed, by you."
        ),
    ),
    NAMER_DIED: (
        gettext_noop("A death is recorded in %(pool)s: you were named as a beneficiary"),
        gettext_noop(
            "Two people of the pool have recorded the death of a member who has named you, and you have agreed. You may"
            " claim for what happened before, and go on with what was on its way, within the days of the rules. The"
            " page says for whom, and how."
        ),
    ),
}
# The same of a membership that is not the reader's own, see `about.WORDS`.
OF_OTHERS: dict[str, tuple[str, str]] = {
    WAITING_OVER: (
        gettext_noop("The waiting time of member %(member)s in %(pool)s ends: aid from %(eligible)s on"),
        gettext_noop(
            "From 00:00 of that day on aid can be asked for them, for what is first established then or later. What"
            " began before is not shared, as you have signed. You need not do anything."
        ),
    ),
    CHILD_DIED: (
        gettext_noop("The membership of member %(member)s in %(pool)s has ended"),
        gettext_noop(
            "Two people of the pool have recorded the death. The membership ended at 00:00 of %(until)s, and nothing is"
            " charged for a headcount after it. A case of the time before can still be filed, by you."
        ),
    ),
}
