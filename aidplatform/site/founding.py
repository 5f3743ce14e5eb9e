"""The first two administrators of a real installation, who sign in by one-time links.

There is no default password and no account that exists before these two. They hold the founding duty of pool
admin in every pool; two, because every later grant of a duty needs two people.
"""

from dataclasses import dataclass

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.urls import reverse

from aidplatform.lib import clock
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from members.people.models import User
from members.pools.models import DutyGrant
from members.pools.services import grant_founding_duty

FOUNDERS = 2
FOUNDING = "founding"


class NotARealInstallationError(ConflictError):
    """A demonstration has no administrators of its own."""

    code = "demo_stays_demo"


class AlreadyFoundedError(ConflictError):
    """The administrators exist; further ones are appointed by two people."""

    code = "already_founded"


class FounderEmailError(DomainError):
    """The addresses given can't be those of two people."""

    code = "bad_founder_email"


@dataclass(frozen=True)
class OneTimeLink:
    """An address under which a person sets a first password, once; days: how long it is good for."""

    email: str
    url: str
    days: int


def administrators() -> list[User]:
    """Return the people who are pool admin in every pool."""
    return list(
        User.objects.filter(
            duty_grants__pool=None, duty_grants__duty=DutyGrant.Duty.POOL_ADMIN, duty_grants__ended_at=None
        ).order_by("pk")
    )


def found_administrators(*, emails: list[str]) -> list[OneTimeLink]:
    """Create both administrators or neither, and return a link for each.

    Raises: NotARealInstallationError, AlreadyFoundedError, FounderEmailError.
    """
    addresses = _checked(emails)
    with transaction.atomic():
        _require_real()
        with connection.cursor() as cursor:
            # Two operators at once: the second waits here and then sees the first one's people.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('first_run'))")
        if administrators():
            raise AlreadyFoundedError(
                "The administrators exist already. One who has lost the link gets a new one by --renew EMAIL;"
                " further administrators are appointed by these two."
            )
        at = clock.now()
        links = []
        for address in addresses:
            person = User.objects.create_user(address)
            # The operator vouches for the address by handing the link over: nothing is mailed to it.
            EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
            grant_founding_duty(pool=None, person=person, duty=DutyGrant.Duty.POOL_ADMIN, at=at)
            links.append(_link(person))
        audit.record(actor=FOUNDING, action="first_run", subject="installation", administrators=len(links))
    return links


def renew_link(*, email: str) -> OneTimeLink:
    """Return a new link for an administrator who lost the first one; the lost one stops working.

    A second factor, once set up, is still asked for. A password, once chosen, stays until the link is used.

    Raises: NotARealInstallationError, NotFoundError.
    """
    with transaction.atomic():
        _require_real()
        person = next((one for one in administrators() if one.email.lower() == email.strip().lower()), None)
        if person is None:
            raise NotFoundError(f"{email} is no administrator of this installation.")
        if not person.has_usable_password():
            # A new unusable password is new random text, and links are made from it.
            person.set_unusable_password()
            person.save(update_fields=["password"])
        audit.record(actor=FOUNDING, action="renew_link", subject=person.code)
        return _link(person)


def _require_real() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce((SELECT demo FROM work_installation), %s)", [settings.DEMO])
        is_demo = cursor.fetchone()[0]
    if settings.DEMO or is_demo:
        raise NotARealInstallationError(
            "This is a demonstration: its people are invented and switched with one click. Administrators belong"
            " to a real installation: set AID_DEMO=0 and start on an empty database."
        )


def _checked(emails: list[str]) -> list[str]:
    """Demand two different, well-formed addresses. Raises: FounderEmailError."""
    addresses = [email.strip().lower() for email in emails]
    if len(addresses) != FOUNDERS:
        raise FounderEmailError(
            f"{len(addresses)} addresses were given; {FOUNDERS} are needed: --email A --email B."
        )
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            raise FounderEmailError(f"“{address}” is not an e-mail address.") from None
    if addresses[0] == addresses[1]:
        raise FounderEmailError(
            f"“{addresses[0]}” was given twice. Administrators are two people: whatever one of them does in"
            " granting duties, the other confirms."
        )
    return addresses


def _link(person: User) -> OneTimeLink:
    key = default_token_generator.make_token(person)
    path = reverse(
        "account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(person), "key": key}
    )
    return OneTimeLink(
        person.email, f"{settings.PUBLIC_URL}{path}", settings.PASSWORD_RESET_TIMEOUT // 86_400
    )
