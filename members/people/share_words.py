"""What whoever answers for several members is told of a period: each one's share, and what is asked from the reader.

A notice of several shares has `lines` in its params, one for each membership: `membership` (id), `member` (number),
`fen`, `part` (own, guardian or payer) and `payer`, the number of another member who pays it, or null. No names stand
there: whoever may know them is told them on the page.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from aidplatform.lib.money import format_money

OWN = "own"
# (subject, body), said instead of those of one share
WORDS = (
    gettext_noop("The shares of period %(number)s of %(pool)s that you answer for: %(amount)s from you"),
    gettext_noop(
        "%(shares)s\n\nTogether %(amount)s from you. %(collected)s The bill shows how each comes about; anyone can"
        " recompute it."
    ),
)


def shares_in_words(params: dict[str, Any]) -> str:
    """Return a line for each share: whose, how much, and who else pays it."""
    return "\n".join(_in_words(line, params["currency"]) for line in params["lines"])


def _in_words(line: dict[str, Any], currency: str) -> str:
    said = {"who": _who(line), "amount": format_money(line["fen"], currency), "payer": line["payer"]}
    if line["payer"] is None:
        return _("%(who)s: %(amount)s") % said
    return _("%(who)s: %(amount)s, which member %(payer)s pays") % said


def _who(line: dict[str, Any]) -> str:
    if line["part"] == OWN:
        return _("You")
    if "name" in line:
        return _("Member %(number)s (%(name)s)") % {"number": line["member"], "name": line["name"]}
    return _("Member %(number)s") % {"number": line["member"]}
