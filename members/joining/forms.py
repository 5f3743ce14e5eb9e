"""Forms of the join wizard, one per step."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from members.joining.correction_models import MAX_REASON
from members.joining.deputy_models import Deputy
from members.joining.documents import Document, DocumentError, read_other, read_passport, read_resident_id
from members.joining.guardian_models import MAX_PROOF
from members.joining.import_files import LARGEST_FILE
from members.joining.models import JoinApplication
from members.people.identity import Paper
from members.pools.document_kinds import kind_choices
from members.pools.document_terms import UNSAID, DocumentTerms

_YES_NO = [("yes", _("Yes")), ("no", _("No"))]
_DOCUMENT_ERRORS = {
    "bad_resident_id": _(
        "This is not a resident identity number: 18 characters, the last one checks the others."
    ),
    "bad_country": _("Write the country that issued the passport with two letters, such as FR."),
    "unknown_country": _("No country has these two letters. Write those of the passport, such as FR."),
    "bad_passport": _("A passport number has 6 to 12 letters and digits."),
    "bad_passport_of_country": _(
        "Passports of this country have numbers of another form. Check each character."
    ),
    "bad_other": _("The number of this document has 4 to 24 letters and digits."),
}


class AskPayerForm(forms.Form):
    """Who is asked to pay: a member of the pool, by the number that they told."""

    number = forms.IntegerField(
        label=_("Number of the member who is to pay"), min_value=1, max_value=10**9 - 1
    )


class DeputyForm(forms.Form):
    """Who may claim for a member: by the code that they told, and for which case."""

    code = forms.CharField(
        label=_("Code of the person"),
        max_length=40,
        help_text=_(
            "It stands on their page “My data”. They need an account, and need not belong to the pool."
        ),
    )
    kind = forms.ChoiceField(label=_("As what"), choices=Deputy.Kind.choices)


class DeputyLinkForm(forms.Form):
    """Whom a link is for that names somebody without an account, as what, and where it is mailed, if anywhere."""

    label = forms.CharField(
        label=_("Whom it is for"),
        max_length=60,
        help_text=_("In your words, such as “my sister Li”. Only you see it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("As what"), choices=Deputy.Kind.choices)
    address = forms.EmailField(
        label=_("Their e-mail address"),
        required=False,
        help_text=_("If you want the link mailed to them. It is shown to you as well."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class StandingByForm(forms.Form):
    """Who agrees by a link to claim for somebody."""

    name = forms.CharField(
        label=_("Your name, as they know you"),
        max_length=60,
        help_text=_("They see it, and so notice if the link has gone to somebody else."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class GuardianshipForm(forms.Form):
    """For which child somebody asks to speak, by which right, and what they agree to for it."""

    number = forms.IntegerField(label=_("Number of the child's membership"), min_value=1, max_value=10**9 - 1)
    relation = forms.ChoiceField(
        label=_("The child is"),
        choices=[("child", _("my child")), ("other", _("somebody else, whom I may speak for"))],
    )
    proof = forms.CharField(
        label=_("The paper that gives you the right"),
        help_text=_(
            "Which paper, its number, who issued it and when: a birth certificate, an order of a court. Show it to a"
            " pool admin. What you write is stored encrypted; two people of the pool read it."
        ),
        max_length=MAX_PROOF,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    consent_health = forms.BooleanField(
        label=_(
            "I agree, for the child, that its health answers and claims are processed as the covenant says."
        )
    )
    consent_publication = forms.BooleanField(
        label=_("I agree, for the child, that a case of it is published masked, as the covenant says.")
    )
    has_agreed = forms.BooleanField(label=_("The child is 14 or older, and agrees."), required=False)
    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


class ShownForm(forms.Form):
    """The hash of what was shown to whoever decides."""

    shown_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)


_NO_BIRTH_DATE = _("The number does not say it: enter the date of birth.")


class WhoForm(forms.Form):
    """Who is joining, by a document of a kind that the pool takes, which is checked at once."""

    name = forms.CharField(
        label=_("Name, as in the document"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    kind = forms.ChoiceField(label=_("Document"))
    number = forms.CharField(
        label=_("Number of the document"),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    country = forms.CharField(
        label=_("Country of the passport"),
        # Longer than the two letters: a browser would cut "CHN", and CH is another country.
        max_length=60,
        required=False,
        help_text=_("Two letters, as CN; needed for a passport, and for nothing else."),
    )
    birth_date = forms.DateField(
        label=_("Date of birth"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
        help_text=_("An identity number says it; every other document needs it."),
    )

    def __init__(self, *args: Any, documents: DocumentTerms = UNSAID, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.documents = documents
        kinds = cast(forms.ChoiceField, self.fields["kind"])
        kinds.choices = kind_choices(documents)
        if "passport" not in documents.kinds:
            del self.fields["country"]
        if documents.kinds == ("resident_id",):
            del self.fields["birth_date"]

    @property
    def born_field(self) -> str:
        """Return the entry at which something about the age is shown."""
        return "birth_date" if "birth_date" in self.fields else "number"

    def clean(self) -> dict[str, Any]:
        """Check the number, and that a date of birth is known and is that of the number."""
        data = super().clean() or {}
        if not data.get("number") or not data.get("kind"):
            return data
        try:
            document = self._document(data)
        except DocumentError as error:
            field = "country" if error.code in {"bad_country", "unknown_country"} else "number"
            self.add_error(field, str(_DOCUMENT_ERRORS[error.code]))
            if (
                data["kind"] != "resident_id"
                and not data.get("birth_date")
                and "birth_date" not in self.errors
            ):
                self.add_error("birth_date", str(_NO_BIRTH_DATE))
            return data
        born = document.birth_date or data.get("birth_date")
        if born is None:
            if "birth_date" not in self.errors:
                self.add_error("birth_date", str(_NO_BIRTH_DATE))
        elif data.get("birth_date") not in {None, born}:
            self.add_error("birth_date", str(_("The identity number says another date of birth.")))
        else:
            data["document"], data["born"] = document, born
        return data

    def _document(self, data: dict[str, Any]) -> Document:
        if data["kind"] == "resident_id":
            return read_resident_id(data["number"])
        if data["kind"] == "other":
            return read_other(self.documents.other_country, data["number"])
        return read_passport(data.get("country", ""), data["number"])

    def paper(self) -> Paper:
        """Return what a valid form says."""
        document: Document = self.cleaned_data["document"]
        born: dt.date = self.cleaned_data["born"]
        return Paper(self.cleaned_data["name"], born, document.kind, document.country, document.number)


class CorrectionForm(WhoForm):
    """Who somebody is, rightly, with why it was recorded otherwise and which paper shows it."""

    reason = forms.CharField(
        label=_("What is wrong, and why"),
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    proof = forms.CharField(
        label=_("The paper that shows it"),
        help_text=_(
            "Which paper, who issued it and when. Show it to a pool admin. What you write is stored encrypted; two"
            " people of the pool read it until it is decided."
        ),
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class AnswerForm(forms.Form):
    """The answer to one question of the declaration."""

    code = forms.CharField(max_length=40, widget=forms.HiddenInput)
    answer = forms.ChoiceField(label=_("Your answer"), choices=_YES_NO, widget=forms.RadioSelect)


class PlainlyForm(forms.Form):
    """Four plain questions; a wrong answer is explained and asked again."""

    is_insurance = forms.ChoiceField(label=_("Is this insurance?"), choices=_YES_NO, widget=forms.RadioSelect)
    can_rise = forms.ChoiceField(label=_("Can my share rise?"), choices=_YES_NO, widget=forms.RadioSelect)
    can_close = forms.ChoiceField(
        label=_("Can the pool close while I am a member?"), choices=_YES_NO, widget=forms.RadioSelect
    )
    replaces_medical = forms.ChoiceField(
        label=_("Does it replace medical insurance?"), choices=_YES_NO, widget=forms.RadioSelect
    )

    RIGHT = {
        "is_insurance": ("no", _("No: nobody promises a sum. Members share what members needed.")),
        "can_rise": ("yes", _("Yes: it rises when more people fall ill, or when fewer people share.")),
        "can_close": (
            "yes",
            _(
                "Yes: then the cases up to the end of cover are still shared, and what is left goes back to the"
                " members."
            ),
        ),
        "replaces_medical": (
            "no",
            _("No: it helps up to a sum, whatever treatment costs. Keep your medical cover."),
        ),
    }

    def clean(self) -> dict[str, Any]:
        """Explain each answer that is not right."""
        data = super().clean() or {}
        for field, (right, why) in self.RIGHT.items():
            if field in data and data[field] != right:
                self.add_error(field, str(why))
        return data


class CovenantForm(forms.Form):
    """That the covenant has been read."""

    has_read = forms.BooleanField(
        label=_("I have read the covenant."), error_messages={"required": _("Read it first; it is short.")}
    )


class ConsentForm(forms.Form):
    """Each consent by itself; nothing is ticked beforehand."""

    health = forms.BooleanField(
        label=_(
            "I agree that my identity and my health declaration are kept, encrypted, to examine joining and aid."
        ),
        error_messages={
            "required": _("Without this consent nobody can join: there would be nothing to examine.")
        },
    )
    publication = forms.BooleanField(
        label=_(
            "I agree that, if I ask for aid, my case is shown to the members without my name; I see beforehand what is"
            " shown."
        ),
        error_messages={
            "required": _("Without this consent nobody can join: cases are shared only when shown.")
        },
    )


class GuardianConsentForm(ConsentForm):
    """The same consents, given by a guardian for a child, and that they are its guardian."""

    guardian = forms.BooleanField(
        label=_("I am the guardian of this child, and I give these consents for them."),
        error_messages={"required": _("Only a guardian can sign for a child.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["health"].label = _(
            "I agree that the child's identity and health declaration are kept, encrypted, to examine joining and aid."
        )
        self.fields["publication"].label = _(
            "I agree that, if aid is asked for the child, the case is shown to the members without a name; I see"
            " beforehand what is shown."
        )


class InviteForm(forms.Form):
    """For whom a link is, for the inviter's own overview, and whether the inviter pays for them.

    may_pay: not where members pay ahead, nor by who is paid for by somebody else.
    """

    label = forms.CharField(
        label=_("Whom it is for"),
        max_length=60,
        required=False,
        help_text=_("Only you see this."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    pays = forms.BooleanField(label=_("I pay their shares, until one of us ends it."), required=False)

    def __init__(self, *args: Any, may_pay: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_pay:
            del self.fields["pays"]


class RelationForm(forms.Form):
    """Whom a member adds."""

    relation = forms.ChoiceField(
        label=_("What they are to you"), choices=JoinApplication.Relation, widget=forms.RadioSelect
    )


class SignForm(forms.Form):
    """The signature, naming the covenant that was shown."""

    shown_sha256 = forms.CharField(min_length=64, max_length=64, widget=forms.HiddenInput)


class FamilySignForm(SignForm):
    """The signature of a guardian; from fourteen on the child agrees."""

    has_agreed = forms.BooleanField(
        label=_("I have read the covenant with the child, and they agree to join."),
        error_messages={"required": _("From the age of 14 on a child joins only if they agree themselves.")},
    )

    def __init__(self, *args: Any, agrees: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not agrees:
            del self.fields["has_agreed"]


class ListForm(forms.Form):
    """A member list as a file."""

    file = forms.FileField(
        label=_("Member list"),
        help_text=_("A workbook (.xlsx) or CSV of 8 MB and 50,000 rows at most."),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv,text/csv"}),
    )

    def clean_file(self) -> Any:
        """Refuse a file that is larger than any list."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("This file is too large: 8 MB at most."), code="too_large")
        return file


class ApproveImportForm(forms.Form):
    """An approval, naming the hash of the rows that were shown."""

    shown_sha256 = forms.CharField(min_length=64, max_length=64, widget=forms.HiddenInput)
