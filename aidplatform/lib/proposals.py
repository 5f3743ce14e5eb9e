"""What always holds of a request that one person proposes and another grants: asked → proposed → granted or declined.

A table of such requests has the columns state, proposed_by, proposed_at, decided_by and decided_at; each function takes
the name of the guarantee.
"""

from django.db.models import CheckConstraint, F, Q

from aidplatform.lib.guards import Guard, follows_order

_STEPS = {
    "asked": ("proposed", "declined"),
    "proposed": ("granted", "declined"),
    "granted": (),
    "declined": (),
}


def is_decided_once(name: str) -> Guard:
    """Return the guard of the state: a request is proposed before it is granted, and decided once."""
    return follows_order(name, "state", _STEPS, first="asked")


def was_proposed(name: str) -> CheckConstraint:
    """Return the check that what is proposed or granted names who proposed it, and what is only asked nobody."""
    return CheckConstraint(
        condition=Q(state="asked", proposed_by=None, proposed_at=None)
        | Q(state__in=["proposed", "granted"], proposed_by__isnull=False, proposed_at__isnull=False)
        | Q(state="declined"),
        name=name,
    )


def names_who_decided(name: str) -> CheckConstraint:
    """Return the check that what is decided names who did it and when, and what is open nobody."""
    return CheckConstraint(
        condition=Q(state__in=["asked", "proposed"], decided_by=None, decided_at=None)
        | Q(state__in=["granted", "declined"], decided_by__isnull=False, decided_at__isnull=False),
        name=name,
    )


def needs_two_people(name: str) -> CheckConstraint:
    """Return the check that whoever grants is another one than who proposed."""
    return CheckConstraint(
        condition=~Q(state="granted")
        | Q(proposed_by__isnull=False, decided_by__isnull=False) & ~Q(decided_by=F("proposed_by")),
        name=name,
    )
