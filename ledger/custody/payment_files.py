"""Files that take released payments to the bank: pain.001.001.09 of ISO 20022, and a plain CSV.

A payment stands in one file, ever: what was sent and whose fate is unknown is never sent again under another name. The
bytes of a file are made anew each time from what two people ordered and released, and must be the ones that were made
first; nothing of the moment of writing is in them, and no chance.
"""

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Sequence
from xml.sax.saxutils import escape

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.csv_files import plain_fen, safe_text
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.lib.failpoints import failpoint
from aidplatform.work import audit
from ledger.custody.charge_files import ExportDiffersError
from ledger.custody.charge_xml import LONGEST_NAME, account_element
from ledger.custody.models import PaymentOrder
from ledger.custody.payment_file_models import PaymentFile, PaymentFileLine
from ledger.custody.references import pool_token
from ledger.custody.selectors import access_account, order_reference, orders, payee_of
from members.pools.models import Pool

XML, CSV = "xml", "csv"
FORMS = (XML, CSV)
MOST = 2000
PAYMENT_COLUMNS = ("reference", "payee", "account", "amount", "currency", "text")
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


class NothingToSendError(ConflictError):
    """No released payment waits for a file."""

    code = "nothing_to_send"


class CancelledWithinError(ConflictError):
    """A payment of the file was cancelled: what replaced it may have been paid."""

    code = "file_holds_a_cancelled_payment"


def waiting(pool: Pool) -> QuerySet[PaymentOrder]:
    """Return the released payments that are in no file yet, oldest first."""
    found = orders(pool).filter(state=PaymentOrder.State.RELEASED, file_lines=None)
    return found.order_by("number")


def files_of(pool: Pool) -> QuerySet[PaymentFile]:
    """Return the files of a pool, newest first."""
    return PaymentFile.objects.filter(pool=pool).select_related("pool").order_by("-number")


def access_file(*, pool: Pool, number: int) -> PaymentFile:
    """Return a file of the pool. Raises: NotFoundError."""
    found = files_of(pool).filter(number=number).first()
    if found is None:
        raise NotFoundError(_("This pool has no such payment file."))
    return found


def file_of(order: PaymentOrder) -> PaymentFile | None:
    """Return the file in which a payment went to the bank, if it did."""
    return PaymentFile.objects.filter(lines__order=order).first()


def message_id(pool: Pool, number: int) -> str:
    """Return what a file is called at the bank: up to 35 characters, never the same for two files."""
    return f"PAY-{pool_token(pool.code)}-{number}"


def make_file(*, pool: Pool, maker: str, at: dt.datetime) -> PaymentFile:
    """Put every released payment that waits, 2,000 at most, into the next file.

    Raises: NothingToSendError, PayeeUnreadableError; IntegrityError payment_file_is_the_treasurers.
    """
    with transaction.atomic():
        Pool.objects.select_for_update().get(pk=pool.pk)
        found = list(waiting(pool)[:MOST])
        if not found:
            raise NothingToSendError(_("No released payment waits to be sent."))
        last = files_of(pool).first()
        number = last.number + 1 if last else 1
        made = PaymentFile.objects.create(
            pool=pool,
            number=number,
            order_count=len(found),
            amount_fen=sum(order.amount_fen for order in found),
            made_by=maker,
            made_at=at,
            **{
                f"{form}_sha256": hashlib.sha256(_write(pool, number, at, found, form)).hexdigest()
                for form in FORMS
            },
        )
        PaymentFileLine.objects.bulk_create(PaymentFileLine(file=made, order=order) for order in found)
        failpoint("custody.payment_file_made")
        audit.record(
            actor=maker,
            action="make_payment_file",
            subject=str(made),
            payments=made.order_count,
            fen=made.amount_fen,
            sha256=made.xml_sha256,
        )
    return made


def export(file: PaymentFile, form: str) -> bytes:
    """Return the bytes of a file, the same each time.

    Raises: DomainError for another form, CancelledWithinError, ExportDiffersError where they are not the ones that were
    made.
    """
    if form not in FORMS:
        raise DomainError(_("Payment files come as xml or csv."), code="bad_form")
    found = list(orders(file.pool).filter(file_lines__file=file).order_by("number"))
    if cancelled := [str(order.number) for order in found if order.state == PaymentOrder.State.CANCELLED]:
        raise CancelledWithinError(
            _(
                "Payment %(numbers)s of this file was cancelled. Sent again, the file would pay it all the same."
            )
            % {"numbers": ", ".join(cancelled)}
        )
    data = _write(file.pool, file.number, file.made_at, found, form)
    if hashlib.sha256(data).hexdigest() != getattr(file, f"{form}_sha256"):
        raise ExportDiffersError(_("The file is not the one that was made. Send nothing; tell the operator."))
    return data


def _write(pool: Pool, number: int, at: dt.datetime, found: Sequence[PaymentOrder], form: str) -> bytes:
    text = _pain_001(pool, number, at, found) if form == XML else _csv(pool, found)
    return text.encode()


def _csv(pool: Pool, found: Sequence[PaymentOrder]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(PAYMENT_COLUMNS)
    for order in found:
        payee, reference = payee_of(order), order_reference(order)
        amount = plain_fen(order.amount_fen)
        writer.writerow(
            [reference, safe_text(payee.name), safe_text(payee.account), amount, pool.currency, reference]
        )
    return out.getvalue()


def _pain_001(pool: Pool, number: int, at: dt.datetime, found: Sequence[PaymentOrder]) -> str:
    account, name_of_file = access_account(pool=pool), message_id(pool, number)
    holder = escape(account.holder_name[:LONGEST_NAME])
    sums = f"<NbOfTxs>{len(found)}</NbOfTxs><CtrlSum>{plain_fen(sum(order.amount_fen for order in found))}</CtrlSum>"
    day = clock.day_of(at, pool.time_zone)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{_NAMESPACE}"><CstmrCdtTrfInitn><GrpHdr><MsgId>{name_of_file}</MsgId>'
        f"<CreDtTm>{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}Z</CreDtTm>{sums}<InitgPty><Nm>{holder}</Nm></InitgPty></GrpHdr>\n"
        f"<PmtInf><PmtInfId>{name_of_file}-1</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>false</BtchBookg>{sums}"
        f"<ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt><Dbtr><Nm>{holder}</Nm></Dbtr>"
        f"<DbtrAcct>{account_element(account.number)}</DbtrAcct>"
        "<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>\n"
        + "".join(_transfer(order, pool.currency) for order in found)
        + "</PmtInf></CstmrCdtTrfInitn></Document>\n"
    )


def _transfer(order: PaymentOrder, currency: str) -> str:
    """Return one transfer. Its reference is all that is said of it: a bank need not know who is helped for what."""
    payee, reference = payee_of(order), order_reference(order)
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>{reference}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{currency}">{plain_fen(order.amount_fen)}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{escape(payee.name[:LONGEST_NAME])}</Nm></Cdtr><CdtrAcct>{account_element(payee.account)}</CdtrAcct>"
        f"<RmtInf><Ustrd>{reference}</Ustrd></RmtInf></CdtTrfTxInf>\n"
    )
