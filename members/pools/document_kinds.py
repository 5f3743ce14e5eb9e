"""By which documents somebody can join, as people read and write it."""

import datetime as dt
from dataclasses import replace
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aidplatform.lib.fields import NameField
from aidplatform.lib.templating import in_language, listed_words
from members.pools.document_terms import KINDS, UNSAID, DocumentTerms
from members.pools.models import Pool
from members.pools.plan_terms import MAX_NAME, PlanTerms
from members.pools.selectors import plan_in_force

_OTHER = ("other_en", "other_zh", "other_country")


class DocumentsForm(forms.Form):
    """Which kinds of identity document are taken, and what the other one is."""

    resident_id = forms.BooleanField(label=gettext_lazy("Chinese resident identity card"), required=False)
    passport = forms.BooleanField(label=gettext_lazy("Passport"), required=False)
    other = forms.BooleanField(label=gettext_lazy("Another document, which the pool names"), required=False)
    other_en = NameField(label=gettext_lazy("Its name in English"), max_length=MAX_NAME, required=False)
    other_zh = NameField(label=gettext_lazy("Its name in Chinese"), max_length=MAX_NAME, required=False)
    other_country = NameField(
        label=gettext_lazy("Who issues it"),
        help_text=gettext_lazy("Two letters of the country, such as CN."),
        max_length=2,
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse no kind at all, and half another document."""
        given = super().clean() or {}
        if not any(given.get(kind) for kind in KINDS):
            self.add_error("resident_id", _("Take one kind of document at least."))
        for name in _OTHER if given.get("other") else ():
            if not given.get(name) and name not in self.errors:
                self.add_error(
                    name, _("This belongs to the other document: write it, or take the tick away.")
                )
        return given

    def terms(self) -> dict[str, Any] | None:
        """Return the section as the terms have it; what holds where rules are silent is not written down."""
        given = self.cleaned_data
        kinds = [kind for kind in KINDS if given[kind]]
        if kinds == list(UNSAID.kinds):
            return None
        named = {name: given[name] for name in _OTHER} if given["other"] else {}
        return {
            "kinds": kinds,
            **named,
            **({"other_country": given["other_country"].upper()} if named else {}),
        }

    @staticmethod
    def entries(plan: PlanTerms) -> dict[str, Any]:
        """Return what is in the boxes under these terms."""
        taken = plan.taken_documents
        return {kind: kind in taken.kinds for kind in KINDS} | {name: getattr(taken, name) for name in _OTHER}


def kind_words(kind: str, documents: DocumentTerms = UNSAID) -> str:
    """Say a kind of document. documents: of the pool, which names the other one."""
    return {
        "resident_id": _("Chinese resident identity card"),
        "passport": _("Passport"),
        "other": in_language(documents.other_en, documents.other_zh) or _("Another document"),
    }[kind]


def kind_choices(documents: DocumentTerms) -> list[tuple[str, str]]:
    """Return the kinds that a pool takes, to choose from."""
    return [(kind, kind_words(kind, documents)) for kind in documents.kinds]


def taken_beside(pool: Pool, known_kind: str, day: dt.date) -> DocumentTerms:
    """Return what the pool takes on a day, and beside it the kind that is known of somebody: it may be corrected.

    Another document that the pool does not name any more is not among them.
    """
    taken = plan_in_force(pool, day).plan().taken_documents
    kinds = tuple(kind for kind in UNSAID.kinds if kind == known_kind)
    return replace(taken, kinds=(*taken.kinds, *kinds))


def document_words(plan: PlanTerms) -> tuple[str, ...]:
    """Say by which documents somebody can join, and what that holds."""
    taken = plan.taken_documents
    names = [kind_words(kind, taken) for kind in taken.kinds]
    if "other" in taken.kinds:
        names[-1] = _("%(document)s (issued by %(country)s)") % {
            "document": in_language(
                f"{taken.other_en} / {taken.other_zh}", f"{taken.other_zh} / {taken.other_en}"
            ),
            "country": taken.other_country,
        }
    says = _("Who joins shows one of these: %(documents)s.") % {"documents": listed_words(names)}
    if taken.kinds == ("resident_id",):
        return (says, _("A person has one number for life, so that everybody joins once."))
    return (
        says,
        _(
            "A document joins once. Whoever holds documents with different numbers, such as a card and a passport, is"
            " not recognized by the second one."
        ),
    )
