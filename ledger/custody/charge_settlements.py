"""Which bookings of the bank are money of the collecting agent: handed on of debits, or taken back.

Such a booking bears the reference of a charge file, or what one of its instructions is called. It says nothing about
any member: that is for the agent's answer. It moves money between transit and custody, and nothing else.
"""

import re
from collections.abc import Sequence

from django.db import connection

from ledger.custody import statement_parts as files
from ledger.custody.charge_models import ChargeFile
from ledger.custody.models import StatementLine
from ledger.custody.references import CHARGE_FILE, find_reference
from members.pools.models import Pool

END_TO_END = re.compile(
    r"(?<![A-Z0-9])AID-([1-9][0-9]{0,9})-([1-9][0-9]{0,8})-([1-9][0-9]{0,5})-([1-9][0-9]{0,3})(?![0-9])"
)


def kind_of(line: files.FileLine) -> str:
    """Return what such a booking is called."""
    is_in = line.direction == files.IN
    return StatementLine.Kind.DEBITED if is_in else StatementLine.Kind.DEBIT_BACK


def files_settled(pool: Pool, lines: Sequence[files.FileLine]) -> list[int | None]:
    """Return for each booking the charge file whose debits it settles; None for all others."""
    known = dict(ChargeFile.objects.filter(pool=pool).values_list("number", "pk"))
    if not known:
        return [None] * len(lines)
    singles = _files_of_instructions(pool, lines)
    found: list[int | None] = []
    for line in lines:
        reference = find_reference(pool.code, line.text)
        if line.code == files.CHARGE:
            found.append(None)  # what the bank takes for its work, whatever it was for
        elif reference is not None and reference.kind == CHARGE_FILE:
            found.append(known.get(reference.number))
        else:
            ids = (
                {singles.get(key) for key in _instructions_in(pool, line.text)}
                if reference is None
                else set()
            )
            found.append(ids.pop() if len(ids) == 1 else None)
    return found


def _instructions_in(pool: Pool, text: str) -> set[tuple[int, int, int]]:
    """Return (payer's number, period, attempt) of each instruction of the pool that a text names."""
    return {
        (int(payer), int(period), int(attempt))
        for pool_id, payer, period, attempt in END_TO_END.findall(text.upper())
        if int(pool_id) == pool.pk
    }


def _files_of_instructions(pool: Pool, lines: Sequence[files.FileLine]) -> dict[tuple[int, int, int], int]:
    keys = sorted({key for line in lines for key in _instructions_in(pool, line.text)})
    if not keys:
        return {}
    payers, periods, attempts = map(list, zip(*keys, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT i.payer_no, i.period_no, i.attempt, i.file_id
                 FROM unnest(%s::bigint[], %s::int[], %s::int[]) k (payer_no, period_no, attempt)
                 JOIN members_membership m ON m.pool_id = %s AND m.number = k.payer_no
                 JOIN ledger_chargeinstruction i ON i.pool_id = m.pool_id AND i.payer_id = m.id
                  AND i.period_no = k.period_no AND i.attempt = k.attempt""",
            [payers, periods, attempts, pool.pk],
        )
        return {(payer, period, attempt): file_id for payer, period, attempt, file_id in cursor.fetchall()}
