"""What people are told about claiming for somebody else, and members about who may claim for them."""

from django.utils.translation import gettext_noop

DEPUTY_NAMED = "deputy_named"
DEPUTY_ACCEPTED = "deputy_accepted"
DEPUTY_ENDED = "deputy_ended"
DEPUTY_BEGAN = "deputy_began"

# kind → (subject, body)
DEPUTY_KINDS: dict[str, tuple[str, str]] = {
    DEPUTY_NAMED: (
        gettext_noop("A member of %(pool)s asks you to stand by"),
        gettext_noop(
            "They name you as somebody who may claim for them when they cannot. The page says who they are and what it"
            " means. Nothing follows from it before you agree, and you can end it at any time."
        ),
    ),
    DEPUTY_ACCEPTED: (
        gettext_noop("Somebody agrees to stand by for you in %(pool)s"),
        gettext_noop(
            "From now on they may claim for you as you have named them. You are told at once of what they begin, and"
            " can take it back, or end it, on the page."
        ),
    ),
    DEPUTY_ENDED: (
        gettext_noop("Somebody stands by no more in %(pool)s"),
        gettext_noop(
            "One of the two has ended or declined it. Claims that are on their way stay with the member; the page shows"
            " what stands now."
        ),
    ),
    DEPUTY_BEGAN: (
        gettext_noop("Somebody has begun a claim for you in %(pool)s: %(claim)s"),
        gettext_noop(
            "It is one of those whom you have named for the case that you cannot speak for yourself. You can read it,"
            " go on with it yourself, or take it back. If you did not want it, end the naming on your page as well."
        ),
    ),
}
