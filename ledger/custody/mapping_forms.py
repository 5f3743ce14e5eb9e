"""The form by which a treasurer says which column of the bank's table is which."""

import datetime as dt
import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.custody.mapped_csv import (
    AMOUNT_FORMS,
    DATE_FORMS,
    MARKED,
    SIGNED,
    TWO_COLUMNS,
    Mapping,
    as_terms,
    likely_date_form,
    likely_delimiter,
    top_of,
)

_AMOUNTS = {
    SIGNED: _("one column, what goes out with a minus"),
    TWO_COLUMNS: _("one column for what comes in, one for what goes out"),
    MARKED: _("one column, beside a word that says in or out"),
}
# What columns are usually called; the first that is found is offered.
_USUAL = {
    "date": r"记账日|交易日|入账日|日期|booking|date|datum",
    "amount": r"贷方|收入|存入|credit|交易金额|发生额|金额|amount|betrag",
    "out": r"借方|支出|转出|debit",
    "mark": r"借贷|收支|direction|d/c",
    "balance": r"余额|balance|saldo",
    "reference": r"流水|凭证|serial|reference|transaction id",
    "counterparty": r"对方(户名|名称|单位)|对方账户名|counterparty|payee|payer|name",
    "text": r"附言|用途|摘要|备注|purpose|remark|description|text",
    "more_text": r"摘要|备注|remark|memo",
    "account": r"^(本方|我方)?账号$|^account( number)?$",
}


class TableForm(forms.Form):
    """Which column is which, and for which days the bank was asked."""

    first_day = forms.DateField(
        label=_("First day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last_day = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("The days for which you asked the bank, also those without a booking."),
    )
    date = forms.ChoiceField(label=_("Booking date"))
    date_form = forms.ChoiceField(label=_("Dates look like"))
    amount_form = forms.ChoiceField(label=_("Amounts stand in"), choices=list(_AMOUNTS.items()))
    amount = forms.ChoiceField(label=_("Amount, or what comes in"))
    out = forms.ChoiceField(label=_("What goes out"), required=False)
    mark = forms.ChoiceField(label=_("In or out"), required=False)
    incoming = forms.CharField(
        label=_("Words for what comes in"),
        required=False,
        max_length=60,
        help_text=_("For example: 贷 收入 C"),
    )
    decimal_comma = forms.BooleanField(label=_("Cents stand behind a comma: 1.234,50"), required=False)
    balance = forms.ChoiceField(
        label=_("Balance after the booking"),
        help_text=_("Each must follow from the one before: that makes the table a statement."),
    )
    reference = forms.ChoiceField(label=_("The bank's reference"), required=False)
    counterparty = forms.ChoiceField(label=_("Name on the other side"), required=False)
    text = forms.ChoiceField(label=_("Text with the member's reference"), required=False)
    more_text = forms.ChoiceField(label=_("More text"), required=False)
    account = forms.ChoiceField(label=_("Account number"), required=False)

    charges = forms.CharField(
        label=_("Words for bank charges"),
        required=False,
        max_length=60,
        help_text=_("For example: 手续费 管理费. Only of bookings with nobody on the other side."),
    )
    interest = forms.CharField(
        label=_("Words for interest"), required=False, max_length=60, help_text=_("For example: 利息 结息")
    )

    COLUMNS = (
        "date", "amount", "out", "mark", "balance", "reference", "counterparty", "text", "more_text", "account"
    )  # fmt: skip

    def __init__(self, *arguments: Any, data_of_file: bytes, known: Mapping | None, **options: Any) -> None:
        """Offer the columns of the file: as the bank's last table was read, or as they are usually called.

        Raises: StatementFileError where the file is no table.
        """
        self.delimiter = known.delimiter if known else likely_delimiter(data_of_file)
        self.top = top_of(data_of_file, self.delimiter)
        names = list(dict.fromkeys(name for row in self.top[:1] for name in row if name))
        options["initial"] = (as_terms(known) if known else _guessed(self.top)) | options.get("initial", {})
        super().__init__(*arguments, **options)
        for name in self.COLUMNS:
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            nothing = _("stands above the table") if name == "account" else "–"
            field.choices = [*([] if field.required else [("", nothing)]), *((one, one) for one in names)]
        date_form = self.fields["date_form"]
        assert isinstance(date_form, forms.ChoiceField)
        date_form.choices = [(form, dt.date(2026, 1, 31).strftime(form)) for form in DATE_FORMS]

    def clean(self) -> dict[str, Any]:
        """Demand what the chosen way of writing amounts needs, and days in their order."""
        given = super().clean() or {}
        form = given.get("amount_form")
        if form == TWO_COLUMNS and not given.get("out"):
            self.add_error("out", _("Choose the column of what goes out."))
        if form == MARKED and not (given.get("mark") and given.get("incoming", "").split()):
            self.add_error("mark", _("Choose the column, and say which words stand there for what comes in."))
        first, last = given.get("first_day"), given.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", _("The last day is before the first one."))
        return given

    @property
    def mapping(self) -> Mapping:
        """Return what was chosen; of columns that the way of writing amounts does not need, none."""
        given = self.cleaned_data
        form = given["amount_form"]
        assert form in AMOUNT_FORMS
        return Mapping(
            delimiter=self.delimiter,
            amount_form=form,
            out=given["out"] if form == TWO_COLUMNS else "",
            mark=given["mark"] if form == MARKED else "",
            incoming=" ".join(given["incoming"].split()) if form == MARKED else "",
            charges=" ".join(given["charges"].split()),
            interest=" ".join(given["interest"].split()),
            **{
                name: given[name]
                for name in ("date", "date_form", "decimal_comma", "amount", "balance", "reference", "counterparty",
                             "text", "more_text", "account")
            },
        )  # fmt: skip

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """Return the days as [from, before)."""
        return self.cleaned_data["first_day"], self.cleaned_data["last_day"] + dt.timedelta(days=1)


def _guessed(top: list[list[str]]) -> dict[str, str]:
    """Return the column that each field most likely is, and how days and amounts are most likely written."""
    found: dict[str, str] = {}
    names, *rows = top or [[]]
    for field, pattern in _USUAL.items():
        for word in pattern.split("|") if field != "counterparty" and field != "account" else [pattern]:
            match = next((name for name in names if re.search(word, name, re.IGNORECASE)), None)
            if match and not (field == "more_text" and match == found.get("text")):
                found[field] = match
                break
    found |= (
        {"charges": "手续费 管理费", "interest": "利息 结息"} if re.search("[一-鿿]", "".join(names)) else {}
    )
    found["amount_form"] = TWO_COLUMNS if found.get("out") and found.get("amount") != found["out"] else SIGNED
    if found.get("mark"):
        found["amount_form"] = MARKED
    if found.get("date"):
        days = (dict(zip(names, row, strict=False)).get(found["date"], "") for row in rows)
        found["date_form"] = likely_date_form(days) or ""
    return found
