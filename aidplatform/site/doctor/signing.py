"""Are the logs signed, do their witnesses sign, and do authorities of time stamp them?"""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings

from aidplatform.lib import clock
from aidplatform.site.doctor.fault import Fault
from ledger.openbooks.checkpoint_models import Checkpoint
from ledger.openbooks.models import Log
from ledger.openbooks.policies import NONE
from ledger.openbooks.selectors import HEARD_WITHIN, SIGNED_WITHIN, Witnessing, signing_of, witnessing_of
from ledger.openbooks.stamp_models import TimeStamp
from ledger.openbooks.stamps import host_of, stamps_of

# Authorities are asked once a day; one that is silent over a weekend is worth a look.
STAMPED_WITHIN = dt.timedelta(days=3)


def signer() -> Iterator[Fault]:
    """Look for logs whose entries wait for a signature, or whose signer says nothing."""
    now = clock.now()
    for code in Log.objects.order_by("code").values_list("code", flat=True):
        signing = signing_of(code, now)
        if signing.is_late or signing.is_silent:
            seen = (
                f"{signing.waiting} entries of the log of {code} wait for a signature longer than {SIGNED_WITHIN}"
                if signing.is_late
                else f"The signer of the log of {code} has not been heard of for {signing.age}"
            )
            yield Fault(
                f"{seen}.",
                "Start it: manage.py sign_checkpoints (make run does it). If it refuses, it says why in its own log;"
                " do not delete its state.",
            )


def witnesses() -> Iterator[Fault]:
    """Look for witnesses that would not sign, and for checkpoints that too few have signed for a day."""
    for code in Log.objects.order_by("code").values_list("code", flat=True):
        witnessing = witnessing_of(code)
        if witnessing is None:
            continue
        for row in witnessing.rows:
            if row.refusal is not None:
                yield Fault(
                    f"The witness {row.witness.key.name} would not sign the log of {code}.",
                    "Look at the page of its witnesses: it says what the witness answered. A log that was changed"
                    " backwards cannot be healed; tell the members.",
                )
        if _lags(code, witnessing):
            yield Fault(
                f"Too few witnesses have signed the log of {code} for more than {HEARD_WITHIN}.",
                "Ask their operators, or let two people name others on the page of witnesses.",
            )


def stamps() -> Iterator[Fault]:
    """Look for logs of which an authority that is to stamp them has stamped nothing for days."""
    if not settings.TIME_STAMP_URLS:
        return
    now = clock.machine_now()
    for code in Log.objects.order_by("code").values_list("code", flat=True):
        signed = Checkpoint.objects.filter(log__code=code).exists()
        for host in map(host_of, settings.TIME_STAMP_URLS) if signed else ():
            newest = stamps_of(code).filter(authority=host).first()
            if newest is None or (now - newest.stamped_at > STAMPED_WITHIN and _has_grown(code, newest)):
                yield Fault(
                    f"{host} has stamped no checkpoint of the log of {code} for more than {STAMPED_WITHIN}.",
                    "Look at what the worker logs as “no time stamp”: the authority does not answer, or its certificate"
                    " does not lead to AID_TIME_STAMP_ROOTS.",
                )


def _has_grown(code: str, newest: TimeStamp) -> bool:
    return Checkpoint.objects.filter(log__code=code, size__gt=newest.checkpoint.size).exists()


def _lags(code: str, witnessing: Witnessing) -> bool:
    signing = signing_of(code, clock.now())
    last, whole = signing.checkpoint, witnessing.whole_until
    if witnessing.policy.quorum == NONE or last is None or signing.now - last.signed_at <= HEARD_WITHIN:
        return False
    return whole is None or whole.size < last.size
