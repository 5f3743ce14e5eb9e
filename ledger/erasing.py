"""What the ledger destroys of a person who wants to be erased, what it keeps, and what is in the way."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.money import format_money
from aidplatform.lib.my_data import Eraser, Hindrance
from aidplatform.lib.templating import in_language
from ledger.custody.models import PaymentOrder
from ledger.leaving.selectors import parting_of
from members.joining.kin import spoken_for
from members.joining.models import Membership
from members.people.models import User
from members.pools.models import Pool

_UNPAID = (PaymentOrder.State.ORDERED, PaymentOrder.State.RELEASED)


def _hindrances(person: User, at: dt.datetime) -> Iterator[Hindrance]:
    found = Membership.objects.filter(pk__in=spoken_for(person)).select_related("pool")
    for one in found.order_by("pk"):
        parting = parting_of(one, at)
        named = {"number": one.number, "pool": in_language(one.pool.name_en, one.pool.name_zh)}
        link = reverse("my_pool", args=[one.pool.code])
        if parting.open_fen:
            named["fen"] = format_money(parting.open_fen, one.pool.currency)
            sentence = _("Member %(number)s of “%(pool)s” still owes shares of %(fen)s.")
            yield Hindrance("share_owed", sentence % named, link)
        if one.pool.state != Pool.State.CLOSED and (parting.coming or parting.bears_run_off):
            sentence = _("A share of member %(number)s of “%(pool)s” is still to come.")
            yield Hindrance("share_to_come", sentence % named, link)
        ours = Q(membership_id=one.pk) | Q(receipt__membership_id=one.pk)
        unpaid = PaymentOrder.objects.filter(ours, pool=one.pool, state__in=_UNPAID).exists()
        if unpaid or (parting.wallet is not None and parting.wallet.balance_fen):
            sentence = _("Money of member %(number)s of “%(pool)s” is not paid back yet.")
            yield Hindrance("refund_not_paid", sentence % named, link)


ERASER = Eraser(
    function="ledger_erase",
    erased=(_("Debit mandates with holder and account, and what you wrote to ask for a pause."),),
    kept=(
        _(
            "The entries of the books, the shares of your number, the public log and the bank's statements: the books"
            " would not balance without them. They stay for good; entries, shares and log name no person."
        ),
        format_lazy(
            _(
                "Payments and the bank's bookings, with their payee encrypted: bookkeeping law asks for them"
                " {years} years after the payment."
            ),
            years=settings.CLAIM_YEARS,
        ),
    ),
    hindrances=_hindrances,
)
