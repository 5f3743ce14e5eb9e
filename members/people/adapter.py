"""How allauth is fitted to this house."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are opened by invitation until joining has its own wizard."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Close the bare sign-up form: an account without a membership or a duty helps nobody."""
        return False
