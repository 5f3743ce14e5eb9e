"""What people are told of what they began to enter to join and left lying: not who, and nothing of what was entered."""

from django.utils.translation import gettext_noop

DRAFT_LYING = "draft_lying"
DRAFT_FORGOTTEN = "draft_forgotten"

# kind → (subject, body)
DRAFT_KINDS: dict[str, tuple[str, str]] = {
    DRAFT_LYING: (
        gettext_noop("What you began to enter for %(pool)s is thrown away on %(until)s"),
        gettext_noop(
            "You have begun to join, or to add somebody, and not signed. Go on before that day, on any device, and"
            " it is kept. If you do nothing, it is thrown away by"
            " itself, and nobody is a member by it. The page goes on where you stopped, and can throw it away at once."
        ),
    ),
    DRAFT_FORGOTTEN: (
        gettext_noop("What you had begun to enter for %(pool)s is thrown away"),
        gettext_noop(
            "Nobody had gone on with it since, as you were told before. Nothing of what was entered is kept. You can"
            " begin again at any time."
        ),
    ),
}
