"""The file that takes the released payments of a day to the bank."""

import csv
import datetime as dt
import io

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen, safe_text
from ledger.custody.models import PaymentOrder
from ledger.custody.selectors import order_reference, orders, payee_of
from members.pools.models import Pool

PAYMENT_COLUMNS = ("reference", "payee", "account", "amount", "currency", "text")


def payment_file(*, pool: Pool, released_on: dt.date) -> bytes:
    """Return the orders released on a business day as the CSV the bank takes; byte for byte the same each time."""
    start = clock.start_of_day(released_on, pool.time_zone)
    end = clock.start_of_day(released_on + dt.timedelta(days=1), pool.time_zone)
    found = (
        orders(pool)
        .filter(released_at__gte=start, released_at__lt=end)
        .exclude(state=PaymentOrder.State.CANCELLED)
        .order_by("number")
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(PAYMENT_COLUMNS)
    for order in found:
        payee = payee_of(order)
        reference = order_reference(order)
        writer.writerow(
            [
                reference,
                safe_text(payee.name),
                safe_text(payee.account),
                plain_fen(order.amount_fen),
                pool.currency,
                f"{reference} {order.what_for}",
            ]
        )
    return out.getvalue().encode()
