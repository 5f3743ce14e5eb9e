"""What besides awards moves the need of a period: kinds of journal entry, and the expense they become. Pure."""

from ledger.books import chart

# Kinds of entry that put a cost into To be shared → the expense account it has when it is shared.
OTHER_COSTS = {
    "write_off": chart.WRITE_OFFS,
    "bank_charge": chart.BANK_CHARGES,
    "waiting_refund": chart.SHARES_RETURNED,
    "investigation": chart.INVESTIGATIONS,
    "wallet_gap": chart.WRITE_OFFS,
}
# What wallets lacked has no entry of its own: it is what the entry of their period puts back into To be shared.
GAP_IS_BOOKED_AS = "period"
# Kinds of entry that credit the carried surplus with what members did not pay.
OTHER_INCOME = ("other_income", "interest")
# The kind of entry by which aid that was taken back before it was paid goes to the carried surplus, with its fee.
AWARD_REVOKED = "award_revoked"
