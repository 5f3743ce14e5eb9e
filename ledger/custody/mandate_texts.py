"""What a payer agrees to with a mandate, in both languages. Pure.

The sentences follow what the SEPA core mandate has to say: whom it authorizes, that the payer's bank is told to follow,
the right to a refund with its time, and the notice. For a card the same is said of the collecting bank.
"""

import hashlib

from members.pools.debit_terms import DebitTerms

# A new wording takes a new number: it stands in the text and so in its hash.
VERSION = 1


def mandate_texts(debit: DebitTerms, creditor: str) -> tuple[str, str, str]:
    """Return the text in English and in Chinese, and the hash of both as the database reckons it."""
    english, chinese = _english(debit, creditor), _chinese(debit, creditor)
    return english, chinese, hashlib.sha256(f"{english}\n{chinese}".encode()).hexdigest()


def _english(debit: DebitTerms, creditor: str) -> str:
    way = "SEPA direct debit" if debit.scheme == "sepa" else "debit from my bank card"
    refund = (
        f"Within {debit.refund_days} days of a debit I can ask my bank for the money back without giving a reason."
        if debit.refund_days
        else "I can ask my bank for the money back where a debit was not covered by this mandate."
    )
    return (
        f"Mandate for recurrent payments by {way}, text {VERSION}. Creditor: {creditor}, identifier"
        f" {debit.creditor_id}.\n\n"
        "I authorize the creditor to send instructions to my bank to debit my account, and my bank to debit it in"
        " accordance with them. Only shares that were announced to me are debited, mine and those of whom I pay for:"
        " nothing else, and never more.\n\n"
        f"Each debit is announced before it is taken: the first one at least {debit.first_notice_days} days ahead,"
        f" every later one at least {debit.later_notice_days} days. {refund}\n\n"
        "I can revoke this mandate at any time on the page on which I have given it, and transfer instead."
    )


def _chinese(debit: DebitTerms, creditor: str) -> str:
    way = "SEPA 直接扣款" if debit.scheme == "sepa" else "银行卡扣款"
    refund = (
        f"扣款后 {debit.refund_days} 天内，我可以无须说明理由向本人的银行要求退回款项。"
        if debit.refund_days
        else "扣款不在本授权范围之内的，我可以向本人的银行要求退回款项。"
    )
    return (
        f"{way}定期付款授权书，第 {VERSION} 版文本。收款人：{creditor}，识别号 {debit.creditor_id}。\n\n"
        "我授权收款人向我的银行发出扣款指令，并授权我的银行据此从我的账户扣款。只扣收已向我公布的分摊，即我本人以及由我代付的成员的分摊；"
        "不扣收其他款项，也绝不多扣。\n\n"
        f"每次扣款之前都会通知：首次至少提前 {debit.first_notice_days} 天，"
        f"以后每次至少提前 {debit.later_notice_days} 天。{refund}\n\n"
        "我可以随时在给予授权的页面上撤销本授权，改为转账。"
    )
