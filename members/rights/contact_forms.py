"""The form by which contact data are asked for."""

from django import forms
from django.utils.translation import gettext_lazy as _

from members.rights.contact_models import LONGEST_BASIS, ContactExport


class AskForm(forms.Form):
    """What for, by what law, which data, of whom."""

    purpose = forms.ChoiceField(label=_("What for"), choices=ContactExport.Purpose.choices)
    basis = forms.CharField(
        label=_("Legal basis"),
        max_length=LONGEST_BASIS,
        help_text=_("The law, the order or the clause, with its number. Everybody in the file is told this."),
    )
    people_of = forms.ChoiceField(label=_("Of whom"), choices=ContactExport.PeopleOf.choices)
    fields_ = forms.MultipleChoiceField(
        label=_("Which data"), choices=ContactExport.Field.choices, widget=forms.CheckboxSelectMultiple
    )


class AgreeForm(forms.Form):
    """The hash of what was shown."""

    shown_sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)
