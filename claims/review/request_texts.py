"""What reviewers ask most, by kind of paper, to be put into a request and changed there. Both languages have them."""

from django.utils.translation import gettext, gettext_noop, override

from claims.filing.models import Claim

# Kind of paper → what is asked.
TEXTS: dict[str, str] = {
    "identity": gettext_noop(
        "Please photograph your identity document again, both sides: name, number and date of birth must be legible."
    ),
    "diagnosis": gettext_noop(
        "Please send the diagnosis with the hospital's stamp and the name of the doctor. It must tell the illness and"
        " the day on which it was first established."
    ),
    "pathology": gettext_noop(
        "Please send the whole pathology report, every page, with the day of the examination and its number."
    ),
    "hospital_record": gettext_noop(
        "Please send the front page of the hospital record with the days of admission and discharge, and the discharge"
        " letter. The hospital's archive gives out copies."
    ),
    "bill": gettext_noop(
        "Please send the hospital's bill with its number and the list of what was charged. What another body has paid"
        " of it stands on its settlement sheet: please send that as well."
    ),
    "other": gettext_noop(
        "Please send what shows when the complaint was first looked at: the outpatient record or the first"
        " examination, with its day."
    ),
}


def texts_for(claim: Claim) -> dict[str, str]:
    """Return them by kind of paper, in the language in which the claimant is written to."""
    with override(claim.claimant.language):
        return {kind: gettext(text) for kind, text in TEXTS.items()}
