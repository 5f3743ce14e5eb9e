"""What people are told of outside reviews; nothing of the case, which its page shows to whom it may."""

from django.utils.translation import gettext_noop

OUTSIDE_WANTED = "outside_wanted"
OUTSIDE_PROPOSED = "outside_proposed"
OUTSIDE_APPOINTED = "outside_appointed"
OUTSIDE_CASE = "outside_case"

# kind → (subject, body)
OUTSIDE_KINDS: dict[str, tuple[str, str]] = {
    OUTSIDE_WANTED: (
        gettext_noop("Nobody of %(pool)s may look at claim %(claim)s"),
        gettext_noop(
            "Everyone with the duty is near to the case or had a part in it. Propose somebody from outside, to whom a"
            " controller agrees; or grant the duty to somebody who may."
        ),
    ),
    OUTSIDE_PROPOSED: (
        gettext_noop("An outside reviewer is proposed for a claim of %(pool)s"),
        gettext_noop(
            "A pool admin has proposed who looks at it. The page shows whom, and why: agree, or ask for somebody else."
        ),
    ),
    OUTSIDE_APPOINTED: (
        gettext_noop("The outside reviewer of a claim of %(pool)s waits for the link"),
        gettext_noop("A controller has agreed. Make the link on its page and send it: it is shown once."),
    ),
    OUTSIDE_CASE: (
        gettext_noop("You review a claim of %(pool)s until %(until)s"),
        gettext_noop(
            "You have taken it on as an outside reviewer. The page shows the claim and its papers; each opening is"
            " told to the claimant. After that day the claim is not yours to see."
        ),
    ),
}
