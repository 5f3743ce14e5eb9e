"""Reads of accounts."""

from allauth.account.models import EmailAddress
from django.conf import settings

from members.people.models import User


def addresses_of(person: User) -> list[str]:
    """Return the addresses that are proven to be the person's, in lower case; a demonstration proves none."""
    if settings.DEMO:
        return [person.email.lower()]
    proven = EmailAddress.objects.filter(user=person, verified=True)
    return [address.lower() for address in proven.values_list("email", flat=True)]
