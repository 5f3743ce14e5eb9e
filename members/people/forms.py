"""Forms of an account, where those of allauth need other words."""

from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A passkey stands for the password too, unless it is a key without room to remember whose it is."""

    name = forms.CharField(label=_("Name of this passkey"), required=False, max_length=60)
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone, without e-mail and password"),
        required=False,
        initial=True,
        help_text=_(
            "Leave the tick. Only an old security key, which cannot remember whose it is, needs it taken away: "
            "such a key is asked for after the password."
        ),
    )


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    """Only the name can change."""

    name = forms.CharField(label=_("Name of this passkey"), max_length=60)
