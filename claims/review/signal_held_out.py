"""Two kinds of fraud written after version 1 of the limits was frozen: nothing was set by them. Pure.

They show how the signals do with what nobody thought of. Their figures are reported apart and count for no bar.
"""

from collections.abc import Mapping

HELD_OUT: dict[str, Mapping[str, int]] = {
    # A sick stranger treated under a member's name.
    "lent_name": {
        "age": 550, "account_of_another": 600, "dates": 400, "earlier_illness": 350, "objections": 300,
        "same_report": 200,
    },
    # An accident that was staged or made larger, by people who know each other.
    "staged_accident": {
        "doctor": 550, "hospital": 450, "together": 400, "inviter": 350, "other_claims": 400,
        "other_pools": 400, "objections": 300, "arrears": 250,
    },
}  # fmt: skip
