"""What members are told when cases of their pool become public: how many, never whose or of what."""

from django.utils.translation import gettext_noop

CASES_ANNOUNCED = "cases_announced"

# kind → (subject, body)
CASE_KINDS: dict[str, tuple[str, str]] = {
    CASES_ANNOUNCED: (
        gettext_noop("Cases of %(pool)s are public until %(until)s"),
        gettext_noop(
            "Period %(number)s: %(cases)s, for %(amount)s in all. The notice board shows them without names. If you"
            " know something that the reviewers should know, object there until then: no money moves for a case while"
            " an objection is open."
        ),
    ),
}
