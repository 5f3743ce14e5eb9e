"""Where a person belongs, pool by pool: for the start page and for their programs."""

from dataclasses import dataclass

from aidplatform.lib import clock
from ledger.disclosure.next_charges import NextDates, next_dates_of
from members.joining.models import Membership
from members.joining.selectors import Cover, covers_of, memberships_of
from members.people.models import User


@dataclass(frozen=True)
class Place:
    """Where a person belongs, what it means today, and when it is charged next; None: nothing is known of that."""

    membership: Membership
    cover: Cover | None
    dates: NextDates | None


def my_places(person: User) -> list[Place]:
    """Return where the person belongs. Nine queries, however many pools."""
    memberships, now = list(memberships_of(person)), clock.now()
    covers = covers_of(memberships, now) if memberships else {}
    dates = next_dates_of(memberships, now) if memberships else {}
    return [Place(one, covers.get(one.pk), dates.get(one.pk)) for one in memberships]
