"""What people are told of debits from their account, and what a bank's reason for a failure means in words.

Reason codes are those of the external code sets of ISO 20022; what a bank says beyond them is shown as its code.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

DEBIT_ANNOUNCED = "debit_announced"
DEBIT_FAILED = "debit_failed"
DEBIT_RETURNED = "debit_returned"

# kind → (subject, body)
DEBIT_KINDS: dict[str, tuple[str, str]] = {
    DEBIT_ANNOUNCED: (
        gettext_noop("%(amount)s will be debited for %(pool)s on %(date)s"),
        gettext_noop(
            "It is what is open of period %(number)s, of yours and of those for whom you pay, from your account"
            " %(account)s. You need do nothing; please do not transfer it as well. If it should not be debited, your"
            " page shows how to revoke the mandate."
        ),
    ),
    DEBIT_FAILED: (
        gettext_noop("A debit for %(pool)s has failed: %(amount)s"),
        gettext_noop(
            "It was for period %(number)s. %(why)s %(then)s Your page shows when it is tried again, and has a button to"
            " try it earlier. You can also transfer."
        ),
    ),
    DEBIT_RETURNED: (
        gettext_noop("Your bank has taken a debit for %(pool)s back: %(amount)s"),
        gettext_noop(
            "It was for period %(number)s, which is open again. %(why)s %(then)s Your page shows when it is tried"
            " again. You can also transfer."
        ),
    ),
}

_CHECK = gettext_noop("Please see that there is enough money in the account, and try again.")
_ANOTHER = gettext_noop("Please give a mandate for another account on your page, or transfer.")
_ASK_BANK = gettext_noop("Please ask your bank, or transfer.")
_WISH = gettext_noop(
    "If you do not want to be debited, revoke the mandate and transfer; what is open stays owed."
)
# code → (what has happened, what to do)
REASONS: dict[str, tuple[str, str]] = {
    "AM04": (gettext_noop("There was not enough money in the account."), _CHECK),
    "AC01": (gettext_noop("The account number is not right."), _ANOTHER),
    "AC04": (gettext_noop("The account is closed."), _ANOTHER),
    "AC06": (gettext_noop("The account is blocked."), _ANOTHER),
    "AC13": (gettext_noop("The account can not be debited this way."), _ANOTHER),
    "AG01": (gettext_noop("The account can not be debited."), _ANOTHER),
    "MD01": (gettext_noop("The bank knows of no mandate in force."), _ANOTHER),
    "MD06": (gettext_noop("You have asked your bank for the money back."), _WISH),
    "MD07": (gettext_noop("The bank says that the holder of the account has died."), _ASK_BANK),
    "MS02": (gettext_noop("You have refused the debit at your bank."), _WISH),
    "MS03": (gettext_noop("The bank gives no reason."), _ASK_BANK),
    "SL01": (gettext_noop("You have told your bank not to allow this debit."), _WISH),
}


def why(code: str) -> str:
    """Return in the reader's language what has happened."""
    if code in REASONS:
        return _(REASONS[code][0])
    return _("The bank's reason has the code %(code)s.") % {"code": code} if code else _(REASONS["MS03"][0])


def what_to_do(code: str) -> str:
    """Return in the reader's language what somebody can do about it."""
    return _(REASONS.get(code, REASONS["MS03"])[1])
