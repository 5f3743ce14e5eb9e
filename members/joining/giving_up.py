"""Ends of an application without a signature: thrown away by the person, or left lying; nothing of it is kept."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError
from members.joining.models import JoinApplication

# Somebody may wait for a paper, or sleep on it; whoever has not come back after that is not coming.
KEPT_DAYS = 90
_EMPTY = {
    "state": JoinApplication.State.GIVEN_UP,
    "identity_sealed": None,
    "answers_sealed": None,
    "consent_health": False,
    "consent_publication": False,
}


class SignedAlreadyError(ConflictError):
    """It was signed meanwhile: a membership is ended by leaving."""

    code = "signed_application_stays"


def give_up(*, application: JoinApplication, at: dt.datetime) -> None:
    """End an application and empty it, in whichever step it is; consent goes with it. Done twice, it is done once.

    Raises: SignedAlreadyError.
    """
    with transaction.atomic():
        locked = JoinApplication.objects.select_for_update().get(pk=application.pk)
        if locked.state == JoinApplication.State.SIGNED:
            raise SignedAlreadyError(_("This has been signed meanwhile. Leaving is free at any time."))
        JoinApplication.objects.filter(pk=locked.pk, state=JoinApplication.State.DRAFT).update(
            **_EMPTY, changed_at=at
        )


def forget_left_lying(at: dt.datetime) -> int:
    """End and empty what nobody has touched for KEPT_DAYS; return how many there were."""
    untouched = JoinApplication.objects.filter(
        state=JoinApplication.State.DRAFT, changed_at__lt=at - dt.timedelta(days=KEPT_DAYS)
    )
    return untouched.update(**_EMPTY, changed_at=at)
