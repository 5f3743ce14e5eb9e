"""What people are told when their name, document or birth date is corrected."""

from django.utils.translation import gettext_noop

CORRECTION_GRANTED = "correction_granted"
CORRECTION_DECLINED = "correction_declined"
CORRECTED_ELSEWHERE = "corrected_elsewhere"

# kind → (subject, body)
OF_CORRECTED: dict[str, tuple[str, str]] = {
    CORRECTION_GRANTED: (
        gettext_noop("Who you are is corrected, as you asked in %(pool)s"),
        gettext_noop(
            "What you asked for is recorded. It counts from %(from)s on, in every pool you belong to; shares charged"
            " before stay as they were. What stood before is kept encrypted with its dates. If it was not you, file a"
            " complaint on the pool's page at once."
        ),
    ),
    CORRECTION_DECLINED: (
        gettext_noop("Your correction in %(pool)s was declined"),
        gettext_noop(
            "Your name, document and birth date stay as they were. Whoever runs the pool can tell you why, and which"
            " paper is missing; you can ask again."
        ),
    ),
}
OF_ADMINS: dict[str, tuple[str, str]] = {
    CORRECTED_ELSEWHERE: (
        gettext_noop("Who member %(number)s of %(pool)s is was corrected"),
        gettext_noop(
            "Two people of another pool have seen a paper: name, document or birth date were recorded wrongly. From"
            " %(from)s on the member counts in the class of the corrected age."
        ),
    ),
}
CORRECTION_KINDS = OF_CORRECTED | OF_ADMINS
