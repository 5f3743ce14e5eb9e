"""How allauth is fitted to this house."""

from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language, gettext

from aidplatform.lib import clock
from members.people.models import User
from members.people.services import end_token


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Anyone may open an account: it opens nothing but the way to join a pool."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Let people sign up by e-mail; the address is verified before the account can be used."""
        return True

    def save_user(self, request: HttpRequest, user: User, form: object, commit: bool = True) -> User:
        """Remember the language of the page: the first mail is written in it."""
        user.language = get_language() or user.language
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def set_password(self, user: User, password: str) -> None:
        """Keep the new password, and end the key of the person's programs: whoever held it may be why."""
        super().set_password(user, password)
        end_token(person=user, at=clock.now())

    def format_email_subject(self, subject: str) -> str:
        """Begin a subject as those of all other mails, without an address in brackets."""
        return str(subject)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Write a mail of the library with our words, which name this site by its address."""
        super().send_mail(template_prefix, email, context | {"site_address": settings.PUBLIC_URL})

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: object) -> str:
        """Let the link of a mail lead on to where somebody was going when they signed up, after signing in.

        The link may be opened on another device, so that it says itself where to; the library takes addresses of
        this site alone.
        """
        url = str(super().get_email_confirmation_url(request, emailconfirmation))
        wanted = get_next_redirect_url(request)
        if not wanted:
            return url
        sign_in = f"{reverse('account_login')}?{urlencode({'next': wanted})}"
        return f"{url}?{urlencode({'next': sign_in})}"

    def get_reauthentication_methods(self, user: User) -> list[dict[str, str]]:
        """Ask for a passkey first where there is one: it is the easiest and the strongest."""
        ways: list[dict[str, str]] = super().get_reauthentication_methods(user)
        return sorted(ways, key=lambda way: way["id"] != "mfa_reauthenticate:webauthn")


class PasskeyAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors are called by names that people know."""

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002
        """Propose a name for the next passkey."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}


def end_what_it_opened(sender: object, user: User, **_rest: object) -> None:
    """End the key of a person's programs when a second factor is removed: it may have been made with that one."""
    end_token(person=user, at=clock.now())
