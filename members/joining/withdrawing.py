"""What waits for an answer of somebody who is erased, or was asked by them: taken back, and the other side told.

Nobody is left waiting for an account that answers no more; the database erases nobody of whom something waits
(erasure_waits_for_what_is_open).
"""

import datetime as dt

from django.db.models import Q

from members.joining.correction_models import IdentityCorrection
from members.joining.corrections import decline_correction
from members.joining.deputies import OPEN, end_deputy
from members.joining.deputy_models import Deputy
from members.joining.guardian_models import GuardianRequest
from members.joining.guardians import decline_guardian
from members.joining.payer_models import PayerLink
from members.joining.payers import end_link
from members.joining.transfer_models import AgeTransfer
from members.joining.transfers import revoke
from members.people.models import User

_UNDECIDED = ("asked", "proposed")


def withdraw_all(person: User, at: dt.datetime) -> None:
    """Take back what the person has asked or signed ahead, and decline what they are asked; by and by as themselves.

    The caller has locked the pools of the person. Who pays for whom ends by itself some days after a membership does.
    """
    mine = Q(membership__person=person)
    for deputy in Deputy.objects.filter(mine | Q(person=person), state__in=OPEN).order_by("pk"):
        end_deputy(deputy=deputy, person=person)
    asked = PayerLink.objects.filter(mine | Q(payer__person=person), state=PayerLink.State.ASKED)
    for link in asked.order_by("pk"):
        end_link(link=link, person=person)
    for transfer in AgeTransfer.objects.filter(mine, state=AgeTransfer.State.SIGNED).order_by("pk"):
        revoke(transfer=transfer, person=person, at=at)
    for request in GuardianRequest.objects.filter(asker__person=person, state__in=_UNDECIDED).order_by("pk"):
        decline_guardian(request=request, decliner=person.code, at=at)
    for wrong in IdentityCorrection.objects.filter(asked_by=person.code, state__in=_UNDECIDED).order_by("pk"):
        decline_correction(correction=wrong, decliner=person.code, at=at)
