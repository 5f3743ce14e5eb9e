"""Forms of the jury: the claimant's step, questions to a juror, a witness's hash and words, a ballot, an arbiter."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from claims.jury.exam import Question
from claims.jury.words import ANSWERS, QUESTIONS, figure_words
from ledger.openbooks.draw import AGAINST, FOR


class TakeForm(forms.Form):
    """What the claimant says to the jurors, and what of the file they may read."""

    statement = forms.CharField(
        label=_("What should the jurors know?"),
        help_text=_(
            "Drawn members whom you do not know read this; leave out names, addresses and anything by which they would"
            " know you."
        ),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    shows_reasons = forms.BooleanField(
        label=_("Jurors may read the reasons of both decisions"),
        help_text=_("Reviewers have written them for you; they may name your illness and your papers."),
        required=False,
    )
    shows_appeal = forms.BooleanField(label=_("Jurors may read the words of my appeal"), required=False)
    key = forms.UUIDField(widget=forms.HiddenInput)


class ExamForm(forms.Form):
    """Five questions about the rules in force."""

    def __init__(self, questions: list[Question], data: Any = None) -> None:
        super().__init__(data)
        for one in questions:
            self.fields[one.code] = forms.ChoiceField(
                label=str(QUESTIONS[one.code]),
                choices=[
                    (answer, figure_words(answer, one.figure) if one.figure else ANSWERS[answer])
                    for answer in one.answers
                ],
                widget=forms.RadioSelect,
            )


class CommitForm(forms.Form):
    """The hash of a witness's words."""

    sha256 = forms.CharField(
        label=_("SHA-256 of your words"),
        help_text=_("64 letters and figures, from 0 to 9 and a to f."),
        max_length=64,
        validators=[
            RegexValidator(r"^[0-9a-f]{64}\Z", _("A hash has 64 characters from 0 to 9 and a to f."))
        ],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "data-sha256": ""}),
    )


class WordsForm(forms.Form):
    """The words themselves."""

    words = forms.CharField(
        label=_("Your words"),
        help_text=_("Exactly as you hashed them: they will stand in the public log."),
        min_length=12,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ArbiterForm(forms.Form):
    """Who is proposed to decide from outside."""

    name = forms.CharField(
        label=_("Name, organization, and how to reach them"),
        help_text=_(
            "Somebody who is no member here, holds no duty in this pool, and knows neither the claimant nor its people."
            " The claimant reads this."
        ),
        max_length=200,
    )


class DecisionForm(forms.Form):
    """What an outside arbiter decides, and why."""

    outcome = forms.ChoiceField(
        label=_("Your decision"),
        choices=[(FOR, _("Grant the aid")), (AGAINST, _("Leave it refused"))],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("The reason"),
        help_text=_("The claimant reads it in full. Name the rule that decides, and what it rests on."),
        min_length=40,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 10}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class VoteForm(forms.Form):
    """A vote."""

    vote = forms.ChoiceField(
        label=_("Your vote"),
        choices=[(FOR, _("Grant the aid")), (AGAINST, _("Leave it refused"))],
        widget=forms.RadioSelect,
    )
    key = forms.UUIDField(widget=forms.HiddenInput)
