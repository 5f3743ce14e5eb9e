"""The text by whose blind index a document is found again, the same for one person wherever that can be known. Pure."""

from stdnum.cn import ric


def index_text(kind: str, country: str, number: str) -> str:
    """Return the text: kind, country and number in one form.

    Several Chinese documents, a driving licence among them, bear the resident identity number of their holder: they
    count as that card, so that nobody joins with one beside the other. A passport bears a number of its own.
    """
    if kind == "other" and country == "CN" and ric.is_valid(number):
        kind = "resident_id"
    return f"{kind}/{country}/{number}"
