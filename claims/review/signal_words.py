"""Signals in words: what each is, what was found, where to look, and that honest cases show it too."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from claims.filing.models import Claim
from claims.review.signals import Data

NAMES: dict[str, object] = {
    "same_file": gettext_lazy("The same file in another case"),
    "similar_page": gettext_lazy("A page that looks like one in another case"),
    "same_report": gettext_lazy("The same report number in another case"),
    "same_account": gettext_lazy("The same account in another case"),
    "account_of_another": gettext_lazy("Account in another name"),
    "account_changed": gettext_lazy("Account changed after filing"),
    "soon_after_waiting": gettext_lazy("Soon after the waiting period"),
    "before_cover": gettext_lazy("First signs before it could be shared"),
    "earlier_illness": gettext_lazy("Earlier illness or treatment"),
    "dates_out_of_order": gettext_lazy("Dates that do not fit each other"),
    "unusual_age_or_sex": gettext_lazy("Unusual at this age, or for this sex"),
    "hospital_burst": gettext_lazy("Many cases from one hospital"),
    "doctor_burst": gettext_lazy("Many cases from one doctor"),
    "inviter_cluster": gettext_lazy("Many cases among those one member invited"),
    "joined_together": gettext_lazy("Many joined together"),
    "arrears_paid": gettext_lazy("Old shares paid just before"),
    "several_claims": gettext_lazy("Several claims of one member"),
    "other_pools": gettext_lazy("Claims in other pools"),
    "objections": gettext_lazy("Members object"),
}
LOOK_AT: dict[str, object] = {
    "same_file": gettext_lazy("Look at whose name stands on the paper; relatives may share one."),
    "similar_page": gettext_lazy(
        "Look at name, date and number on the page; forms of one hospital look alike."
    ),
    "same_report": gettext_lazy(
        "Look at the number on the paper again; a slip of the pen is the usual reason."
    ),
    "same_account": gettext_lazy("Ask whose account it is and why it is used."),
    "account_of_another": gettext_lazy("Ask who the holder is; often it is a spouse or a child."),
    "account_changed": gettext_lazy("Ask the member, by the address known before, whether they changed it."),
    "soon_after_waiting": gettext_lazy(
        "Look at the first examination; many honest cases fall into these weeks."
    ),
    "before_cover": gettext_lazy(
        "Look at what the record says of the first sign, and whether it was of this illness."
    ),
    "earlier_illness": gettext_lazy("Compare it with what was declared on joining."),
    "dates_out_of_order": gettext_lazy("Look at the dates again; ask for a corrected paper."),
    "unusual_age_or_sex": gettext_lazy("Look at age and name on the papers; rare is not impossible."),
    "hospital_burst": gettext_lazy(
        "Look whether the hospital has grown or an examination was offered there."
    ),
    "doctor_burst": gettext_lazy("Compare the wording of the reports; specialists see many alike."),
    "inviter_cluster": gettext_lazy("Look whether they are colleagues or neighbors with one cause."),
    "joined_together": gettext_lazy("Look whether a firm or a village joined; that alone is welcome."),
    "arrears_paid": gettext_lazy("Compare the day of the payment with the first examination."),
    "several_claims": gettext_lazy(
        "Open the other claims; further bills of one case belong to its first claim."
    ),
    "other_pools": gettext_lazy("It may be quite right; look whether the rules of both pools allow it."),
    "objections": gettext_lazy("Read what members wrote; an objection can be mistaken."),
}
ROUTES: dict[str, object] = {
    "nothing": gettext_lazy("Nothing more is suggested than the usual review."),
    "paper": gettext_lazy("Suggested: one paper more, or a question to the claimant."),
    "second_look": gettext_lazy(
        "Suggested: a second look by a colleague before the recommendation, and a paper more."
    ),
    "visit": gettext_lazy("Suggested: a visit or a call to the hospital before the recommendation."),
}


def sentence(signal: str, data: Data) -> str:
    """Return what was found, with its figures, in the reader's language."""
    return _SENTENCES[signal](dict(data))


def _before_cover(data: dict[str, Any]) -> str:
    if data["since"] == "joined":
        return _("The papers date the first sign %(days)s days before the member joined.") % data
    return _("The papers date the first sign %(days)s days before the end of the waiting period.") % data


def _unusual(data: dict[str, Any]) -> str:
    if "sex" in data:
        return _("The illness does not occur in the sex that was told: %(sex)s.") % {
            "sex": Claim.Sex(data["sex"]).label
        }
    return _("The illness is uncommon at %(age)s.") % data


def _arrears(data: dict[str, Any]) -> str:
    if data["side"] == "after":
        return (
            _("A share long owed was paid %(days)s days after it began, before the claim was filed.") % data
        )
    return _("A share long owed was paid %(days)s days before it began.") % data


def _several(data: dict[str, Any]) -> str:
    if data["what"] == "same":
        return ngettext(
            "%(count)s other claim of this member tells the same event.",
            "%(count)s other claims of this member tell the same event.",
            int(data["count"]),
        ) % {"count": data["count"]}
    return ngettext(
        "The member has %(count)s other claim within a year.",
        "The member has %(count)s other claims within a year.",
        int(data["count"]),
    ) % {"count": data["count"]}


def _burst(text: Callable[[], str]) -> Callable[[dict[str, Any]], str]:
    def say(data: dict[str, Any]) -> str:
        expected = int(data["expected_milli"])
        return text() % {
            "count": data["count"],
            "expected": f"{expected // 1000}.{expected % 1000 // 10:02d}",
        }

    return say


_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "same_file": lambda data: (
        ngettext(
            "One of these files is also in %(count)s claim of other people.",
            "One of these files is also in %(count)s claims of other people.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
    "similar_page": lambda data: (
        ngettext(
            "A page looks nearly like one in %(count)s claim of other people.",
            "A page looks nearly like one in %(count)s claims of other people.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
    "same_report": lambda data: (
        ngettext(
            "The report number also stands in %(count)s claim of other people.",
            "The report number also stands in %(count)s claims of other people.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
    "same_account": lambda data: (
        ngettext(
            "The same account stands in %(count)s claim of other people.",
            "The same account stands in %(count)s claims of other people.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
    "account_of_another": lambda _data: _(
        "The account is in a name that is neither the member's nor the claimant's."
    ),
    "account_changed": lambda _data: _("The account is another one than when the claim was filed first."),
    "soon_after_waiting": lambda data: (
        _("It began %(days)s days after the end of the waiting period.") % data
    ),
    "before_cover": _before_cover,
    "earlier_illness": lambda _data: _(
        "The papers name an illness or a treatment from before the member joined."
    ),
    "dates_out_of_order": lambda data: (
        ngettext(
            "%(count)s date in the papers contradicts the others or the claim.",
            "%(count)s dates in the papers contradict the others or the claim.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
    "unusual_age_or_sex": _unusual,
    "hospital_burst": _burst(
        lambda: _("%(count)s other cases from this hospital in 90 days; its past lets expect %(expected)s.")
    ),
    "doctor_burst": _burst(
        lambda: _("%(count)s other cases from this doctor in 90 days; the past lets expect %(expected)s.")
    ),
    "inviter_cluster": _burst(
        lambda: _(
            "%(count)s others whom the same member invited have a claim; as many others would have %(expected)s."
        )
    ),
    "joined_together": lambda data: (
        ngettext(
            "%(count)s other joined by the same member's invitations within three days.",
            "%(count)s others joined by the same member's invitations within three days.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
    "arrears_paid": _arrears,
    "several_claims": _several,
    "other_pools": lambda data: (
        ngettext(
            "The person has a claim of about that day in %(count)s other pool here.",
            "The person has claims of about that day in %(count)s other pools here.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
    "objections": lambda data: (
        ngettext(
            "%(count)s objection is open or was upheld.",
            "%(count)s objections are open or were upheld.",
            int(data["count"]),
        )
        % {"count": data["count"]}
    ),
}
