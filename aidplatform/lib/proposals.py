"""What always holds of what one person proposes and another agrees to; each function takes the name of the guarantee.

Requests go asked → proposed → granted or declined. What nobody has to ask for goes proposed → agreed, by the table's
own word for it, or withdrawn. Either table has the columns state, proposed_by, proposed_at, decided_by and decided_at.
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


def is_agreed_once(name: str, agreed: str) -> Guard:
    """Return the guard of a state without requests: what is proposed is agreed or withdrawn, once."""
    steps = {"proposed": (agreed, "withdrawn"), agreed: (), "withdrawn": ()}
    return follows_order(name, "state", steps, first="proposed")


def is_agreed_by_another(name: str, agreed: str) -> CheckConstraint:
    """Return the check that what is decided names who did it and when, and that nobody agrees to their own."""
    return CheckConstraint(
        condition=Q(state="proposed", decided_by=None, decided_at=None)
        | Q(state="withdrawn", decided_by__isnull=False, decided_at__isnull=False)
        | Q(state=agreed, decided_by__isnull=False, decided_at__isnull=False)
        & ~Q(decided_by=F("proposed_by")),
        name=name,
    )
