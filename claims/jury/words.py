"""Code words of the jury, said in the reader's language."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

QUESTIONS: dict[str, object] = {
    "waiting": _("For how long after joining is an illness not shared, where no other rule fits?"),
    "version": _("By which version of the rules is a case decided?"),
    "threshold": _("How many of the votes does it take to grant the aid?"),
    "quorum": _("How many votes does it take at least, in a pool of this size or smaller?"),
    "money": _("Who says how much aid is granted?"),
    "publicity": _("For how long is an approved case public before it is shared?"),
    "known": _("You know the claimant. May you vote?"),
    "tell": _("May you tell others who the claimant might be, or how you have voted, before the closing?"),
    "hours": _("How much time is there to vote?"),
}
ANSWERS: dict[str, object] = {
    "event_day": _("The one in force on the day of the event"),
    "today": _("The one in force today"),
    "joining": _("The one in force when the member joined"),
    "at_least": _("At least the part that the rules name"),
    "more_than": _("More than the part that the rules name"),
    "plan": _("The plan, by its figures"),
    "jury": _("The jury, as it sees fit"),
    "claimant": _("The claimant, by what is needed"),
    "yes": _("Yes"),
    "no": _("No"),
}
ROLES: dict[str, object] = {
    "claimant": _("the claimant"),
    "pool_admin": _("pool admin"),
    "controller": _("controller"),
    "treasurer": _("treasurer"),
    "auditor": _("auditor"),
}
VOTES: dict[str, object] = {"for": _("grant the aid"), "against": _("leave it refused")}


def figure_words(figure: str, unit: str) -> str:
    """Say a figure with its unit."""
    number = int(figure)
    says = {
        "days": ngettext("%(number)s day", "%(number)s days", number),
        "hours": ngettext("%(number)s hour", "%(number)s hours", number),
        "votes": ngettext("%(number)s vote", "%(number)s votes", number),
    }[unit]
    return says % {"number": number}
