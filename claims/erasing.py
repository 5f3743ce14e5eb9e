"""What the claims destroy of a person who wants to be erased, what they keep, and what is in the way."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock
from aidplatform.lib.my_data import Eraser, Hindrance
from claims.filing.models import Claim
from claims.filing.selectors import may_appeal
from claims.filing.states import DECIDED
from members.joining.kin import spoken_for
from members.people.models import User


def _hindrances(person: User, at: dt.datetime) -> Iterator[Hindrance]:
    found = Claim.objects.filter(membership__in=spoken_for(person)).exclude(state=Claim.State.DRAFT)
    for claim in found.select_related("pool", "plan_version").order_by("pk"):
        may_go_on = may_appeal(claim, clock.day_of(at, claim.pool.time_zone))
        if claim.state in DECIDED and not may_go_on:
            continue
        sentence = (
            _("Claim %(code)s was refused and can still be appealed against.")
            if may_go_on
            else _("Claim %(code)s is on its way. Wait until it is decided and paid, or withdraw it.")
        )
        yield Hindrance(
            "claim_not_final", sentence % {"code": claim.code}, reverse("claim", args=[claim.code])
        )


ERASER = Eraser(
    function="claims_erase",
    erased=(
        _("What you told in your claims, every paper of them, and the account that you named."),
        _("What reviewers and members wrote about your claims."),
    ),
    kept=(
        format_lazy(
            _(
                "Of each claim illness, days, amounts, decisions and the public notice as you agreed to it: they prove"
                " what everybody's money paid for, and the law asks for such records {years} years after the decision."
            ),
            years=settings.CLAIM_YEARS,
        ),
        _(
            "Objections that you raised to cases of others, with their papers: they belong to those cases, under your"
            " code alone."
        ),
    ),
    hindrances=_hindrances,
)
