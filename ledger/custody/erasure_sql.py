"""How the ledger lets go of a person: mandates and reasons for a pause; entries, charges and payments stay."""

from members.people.erasure_sql import counted, eraser

_OWN = "(SELECT members_of_person(gone))"
ERASE = eraser(
    "ledger_erase",
    counted(
        f"UPDATE ledger_debitmandate SET sealed = '', account_hint = '' WHERE membership_id IN {_OWN}",
        f"UPDATE ledger_hardshippause SET reason_sealed = '' WHERE membership_id IN {_OWN}",
    ),
)
DROP_ERASE = "DROP FUNCTION ledger_erase(bigint)"
