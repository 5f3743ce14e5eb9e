"""Rows of libraries that belong to an account, so that our own guards hang on their tables."""

import pgtrigger
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession

from members.people.erasure_triggers import nothing_of_the_erased

_GIVEN = pgtrigger.Insert | pgtrigger.UpdateOf("user_id")


class AccountAddress(EmailAddress):  # type: ignore[misc]  # the library has no types
    """An e-mail address of an account."""

    class Meta:
        proxy = True
        triggers = [nothing_of_the_erased("address", "user_id", _GIVEN)]


class AccountFactor(Authenticator):  # type: ignore[misc]  # the library has no types
    """A second factor of an account."""

    class Meta:
        proxy = True
        triggers = [nothing_of_the_erased("factor", "user_id", _GIVEN)]


class AccountSession(UserSession):  # type: ignore[misc]  # the library has no types
    """A browser that is signed in to an account."""

    class Meta:
        proxy = True
        triggers = [nothing_of_the_erased("session", "user_id", _GIVEN)]
