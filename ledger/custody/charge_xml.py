"""Charge files as pain.008.001.02 (ISO 20022), as SEPA direct debits are handed in.

Written here and not by a library, because a file must have the same bytes each time it is exported: nothing of the
moment of writing is in it, and no chance. It is written instruction by instruction, so that memory does not grow.
"""

from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

from django.db.models import F

from aidplatform.lib.csv_files import plain_fen
from ledger.custody.charge_models import ChargeFile, ChargeInstruction
from ledger.custody.mandates import account_of_mandate
from ledger.custody.references import CHARGE_FILE, make_reference
from ledger.custody.selectors import access_account

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.02"
LONGEST_NAME = 70
# Another bank's identifier is never needed within SEPA; the structure asks for an element all the same.
_NO_BIC = "<FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId>"


def reference_of(file: ChargeFile) -> str:
    """Return the reference of a file: its message id, and what the agent names on the bank's statement."""
    return make_reference(file.pool.code, CHARGE_FILE, file.number)


def pain_008(file: ChargeFile) -> Iterator[str]:
    """Yield a file of SEPA instructions in pieces; the same pieces each time.

    Instructions of one creditor identifier, sequence and collection date make a block, as the structure demands.
    """
    account = access_account(pool=file.pool)
    name = escape(account.holder_name[:LONGEST_NAME])
    found = (
        ChargeInstruction.objects.filter(file=file)
        .select_related("mandate__plan_version", "mandate__membership")
        .defer("mandate__text_en", "mandate__text_zh")
        .alias(creditor=F("mandate__plan_version__terms__debit__creditor_id"))
        .order_by("creditor", "-is_first", "collection_date", "payer_no")
    )
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{_NAMESPACE}"><CstmrDrctDbtInitn><GrpHdr><MsgId>{reference_of(file)}</MsgId>'
        f"<CreDtTm>{file.made_at:%Y-%m-%dT%H:%M:%S}Z</CreDtTm><NbOfTxs>{file.instruction_count}</NbOfTxs>"
        f"<CtrlSum>{plain_fen(file.amount_fen)}</CtrlSum><InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>\n"
    )
    blocks = groupby(
        found.iterator(chunk_size=1000),
        key=lambda one: (one.mandate.debit.creditor_id, one.is_first, one.collection_date),
    )
    for number, ((creditor_id, is_first, day), block) in enumerate(blocks, start=1):
        # A file holds ten thousand at most: one block of it at a time may stand in memory for its sum.
        rows = list(block)
        yield (
            f"<PmtInf><PmtInfId>{reference_of(file)}-{number}</PmtInfId><PmtMtd>DD</PmtMtd><BtchBookg>true</BtchBookg>"
            f"<NbOfTxs>{len(rows)}</NbOfTxs><CtrlSum>{plain_fen(sum(row.amount_fen for row in rows))}</CtrlSum>"
            "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>CORE</Cd></LclInstrm>"
            f"<SeqTp>{'FRST' if is_first else 'RCUR'}</SeqTp></PmtTpInf><ReqdColltnDt>{day}</ReqdColltnDt>"
            f"<Cdtr><Nm>{name}</Nm></Cdtr><CdtrAcct>{account_element(account.number)}</CdtrAcct>"
            f"<CdtrAgt>{_NO_BIC}</CdtrAgt><ChrgBr>SLEV</ChrgBr><CdtrSchmeId><Id><PrvtId><Othr>"
            f"<Id>{escape(creditor_id)}</Id><SchmeNm><Prtry>SEPA</Prtry></SchmeNm></Othr></PrvtId></Id></CdtrSchmeId>\n"
        )
        for row in rows:
            yield _transaction(row, file.pool.currency)
        yield "</PmtInf>\n"
    yield "</CstmrDrctDbtInitn></Document>\n"


def _transaction(row: ChargeInstruction, currency: str) -> str:
    payer = account_of_mandate(row.mandate)
    return (
        f"<DrctDbtTxInf><PmtId><EndToEndId>{row.end_to_end_id}</EndToEndId></PmtId>"
        f'<InstdAmt Ccy="{currency}">{plain_fen(row.amount_fen)}</InstdAmt><DrctDbtTx><MndtRltdInf>'
        f"<MndtId>{row.mandate_reference}</MndtId><DtOfSgntr>{row.signed_date}</DtOfSgntr></MndtRltdInf></DrctDbtTx>"
        f"<DbtrAgt>{_NO_BIC}</DbtrAgt><Dbtr><Nm>{escape(payer.name[:LONGEST_NAME])}</Nm></Dbtr>"
        f"<DbtrAcct>{account_element(payer.account)}</DbtrAcct>"
        f"<RmtInf><Ustrd>Share of period {row.period_no}</Ustrd></RmtInf></DrctDbtTxInf>\n"
    )


def account_element(number: str) -> str:
    """Return the element of an account; the pool's own may be no IBAN."""
    if number[:2].isalpha():
        return f"<Id><IBAN>{escape(number)}</IBAN></Id>"
    return f"<Id><Othr><Id>{escape(number)}</Id></Othr></Id>"
