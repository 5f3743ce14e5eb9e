"""The rows of a member list: what each column holds, what is wrong with a cell. Pure: no clock, no database.

A list is judged as a whole, cell by cell: whoever fixes it reads every mistake at once, each by row and column.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext_lazy as _

from members.joining.documents import Document, DocumentError, read_passport, read_resident_id
from members.joining.eligibility import Reason, age_refusal
from members.joining.read_sheet import FORMULA, ROUNDED
from members.pools.plan_terms import PlanTerms

LONGEST_NAME = 80
LONGEST_EMAIL = 254
LONGEST_PROOF = 200
MOST_OWED_FEN = 10**9 * 100


@dataclass(frozen=True)
class Column:
    """One column: its name in code, its title and what to write; other_titles: how lists call it as well."""

    name: str
    title: object
    help: object
    is_required: bool
    other_titles: tuple[str, ...]


COLUMNS = (
    Column(
        "name",
        _("Name"),
        _("As in the identity document."),
        True,
        ("name", "full name", "姓名", "名字"),
    ),
    Column(
        "email",
        _("E-mail"),
        _(
            "The member's own address: the invitation goes there, and each member signs with an account of their own."
        ),
        True,
        ("email", "e-mail", "mail", "邮箱", "电子邮箱", "电子邮件", "邮件地址"),
    ),
    Column(
        "document",
        _("Identity document"),
        _("“ID card” for a Chinese resident identity card, or “passport”."),
        True,
        ("document", "identity document", "kind", "证件", "证件类型", "证件种类", "身份证件"),
    ),
    Column(
        "number",
        _("Document number"),
        _("The column must be text: a spreadsheet rounds numbers of more than 15 digits."),
        True,
        ("number", "document number", "id number", "证件号码", "证件号", "身份证号", "身份证号码"),
    ),
    Column(
        "country",
        _("Country of the passport"),
        _("Two letters, such as FR; only for a passport."),
        False,
        ("country", "country of the passport", "国家", "护照签发国", "护照国家", "签发国"),
    ),
    Column(
        "birth_date",
        _("Date of birth"),
        _("Like 1990-05-15. May be left out for an ID card: its number says it."),
        False,
        ("birth date", "date of birth", "born", "birth_date", "出生日期", "生日"),
    ),
    Column(
        "class",
        _("Class"),
        _(
            "Number or name of a class of the rules; only where the rules have several and ages do not decide."
        ),
        False,
        ("class", "组别", "类别", "分组"),
    ),
    Column(
        "payer",
        _("Paid by"),
        _(
            "E-mail address of whoever pays the shares, where that is somebody else of this list; only where members"
            " pay afterwards."
        ),
        False,
        ("payer", "paid by", "付款人", "缴费人", "代付人"),
    ),
    Column(
        "joined_on",
        _("Member since"),
        _(
            "The day from which the waiting time was served, like 2023-09-01; empty: the waiting period begins anew."
        ),
        False,
        ("joined on", "joined_on", "member since", "joined", "加入日期", "入会日期", "加入时间"),
    ),
    Column(
        "proof",
        _("Proof"),
        _(
            "Where the old books say so, such as “member book 2, page 14”. Needed wherever “member since” is filled in."
        ),
        False,
        ("proof", "证明", "凭证", "依据", "账本页码"),
    ),
    Column(
        "owed",
        _("Share owed"),
        _("What the member still owes of shares of the old pool, like 12.50; empty: nothing."),
        False,
        ("owed", "share owed", "open share", "欠款", "未付分摊", "欠缴分摊", "未缴分摊"),
    ),
    Column(
        "prepaid",
        _("Prepaid balance"),
        _("What the member had paid ahead to the old pool, like 120.00; only where members pay ahead."),
        False,
        ("prepaid", "prepaid balance", "balance", "预存余额", "预付余额", "钱包余额", "余额"),
    ),
)
_BY_NAME = {column.name: column for column in COLUMNS}
_KINDS = {
    "resident_id": {"resident_id", "id card", "id", "identity card", "resident identity card", "身份证",
                    "居民身份证", "二代身份证", "chinese resident identity card"},
    "passport": {"passport", "护照"},
}  # fmt: skip
_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\"\\]{1,64}@(?:[\w](?:[\w-]{0,61}[\w])?\.)+[^\W\d_][\w-]{1,62}")
_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]00:00(?::00)?)?", re.ASCII
)
_AMOUNT = re.compile(r"[¥￥]?\s*(\d{1,3}(?:,\d{3})+|\d{1,12})(?:\.(\d+))?\s*元?", re.ASCII)


def title_of(name: str) -> object:
    """Return the title of the column that has this name in code."""
    return _BY_NAME[name].title


FAULTS: dict[str, object] = {
    "missing": _("is empty and must be filled in"),
    "too_long": _("is too long"),
    "invisible": _("holds a line break or characters that nobody sees"),
    "formula": _("holds a formula: write its result"),
    "rounded": _("was rounded by the spreadsheet: make the column text and write the number again"),
    "bad_email": _("is no e-mail address"),
    "email_twice": _("stands in another row too: each member signs with an account of their own"),
    "bad_kind": _("is neither “ID card” nor “passport”"),
    "bad_resident_id": _("is no resident identity number: 18 characters, the last one checks the others"),
    "bad_country": _("must be the two letters of the country that issued the passport, such as FR"),
    "unknown_country": _("names no country by its two letters"),
    "bad_passport": _("is no passport number: 6 to 12 letters and digits"),
    "bad_passport_of_country": _("is no number of a passport of this country"),
    "not_taken": _("is a kind of document that this pool does not take"),
    "document_twice": _("stands in another row too: one person joins once"),
    "bad_date": _("is no date: write it like 2023-09-01"),
    "birth_needed": _("is needed: a passport number does not say it"),
    "birth_differs": _("is not the date that the identity number says"),
    "born_in_future": _("lies in the future"),
    "too_old_to_be_true": _("is too long ago"),
    "minor": _("says a minor: whoever signs for themselves must be 18 or older"),
    "below_ages": _("says an age for which these rules have no aid yet"),
    "above_ages": _("says an age for which these rules have no aid any more, so nobody of it can join"),
    "joined_in_future": _("lies in the future"),
    "joined_before_birth": _("lies before the date of birth"),
    "proof_needed": _("is needed: waiting time served elsewhere counts with its proof only"),
    "joined_needed": _("is needed where there is a proof"),
    "unknown_class": _("is no class of the rules"),
    "class_needed": _("is needed: the rules have several classes, and ages do not decide"),
    "class_by_age": _("must be empty: in these rules the age on the day of signing decides"),
    "unknown_payer": _("names an address that stands in no row"),
    "payer_paid_for": _(
        "names somebody for whom somebody else pays: whoever pays for others pays for themselves"
    ),
    "payer_ahead": _(
        "must be empty: members of these rules pay ahead, and whoever pays for another writes that member's own"
        " reference on the transfer"
    ),
    "bad_amount": _("is no amount: write it like 12.50"),
    "too_much": _("is more than any member can owe or have"),
    "owed_ahead": _("must be empty: members of these rules pay ahead, and owe nothing"),
    "prepaid_afterwards": _("must be empty: members of these rules pay afterwards, and have no wallets"),
    "listed_otherwise": _(
        "is in an earlier import with other entries: take that row back there first, then import this one"
    ),
    "email_taken": _("is the address of another member of an earlier import"),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with one cell: row of the file, column, code of FAULTS."""

    row: int
    column: str
    code: str

    @property
    def title(self) -> object:
        """Return the title of the column."""
        return title_of(self.column)

    @property
    def says(self) -> object:
        """Return the words that follow the column's title."""
        return FAULTS[self.code]


@dataclass(frozen=True)
class ListedMember:
    """One good row. class_no: None where the age on the day of signing decides; amounts in minor units."""

    row: int
    name: str
    email: str
    document: Document
    birth_date: dt.date
    class_no: int | None
    payer: str
    since_date: dt.date | None
    proof: str
    owed_fen: int
    prepaid_fen: int = 0


@dataclass(frozen=True)
class Sheet:
    """A list that was read. unknown: titles of columns that nobody knows; they are left out."""

    members: tuple[ListedMember, ...]
    faults: tuple[Fault, ...]
    unknown: tuple[str, ...]
    rows: int


class NoHeaderError(ValueError):
    """The first row does not name the columns that must be there; `missing` are their names."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(", ".join(missing))
        self.missing = tuple(missing)

    @property
    def titles(self) -> list[str]:
        """Return the titles of the missing columns."""
        return [str(title_of(name)) for name in self.missing]


def read_list(rows: Sequence[tuple[int, Sequence[str]]], plan: PlanTerms, today: dt.date) -> Sheet:
    """Judge every row of a list by the rules in force. Raises: NoHeaderError."""
    places, unknown = _header(rows[0][1])
    readers = [_Row(number, places, cells, plan, today) for number, cells in rows[1:]]
    found = [(reader, reader.member()) for reader in readers]
    faults = [fault for reader, _member in found for fault in reader.faults]
    members = [member for _reader, member in found if member is not None]
    faults += _twice(readers) + _payers(members, readers)
    bad = {fault.row for fault in faults}
    good = tuple(member for member in members if member.row not in bad)
    order = {column.name: place for place, column in enumerate(COLUMNS)}
    faults.sort(key=lambda fault: (fault.row, order[fault.column]))
    return Sheet(good, tuple(faults), tuple(unknown), len(readers))


def _header(cells: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Return where each column stands; the first of two of one name counts, the other is not known."""
    names = {title: column.name for column in COLUMNS for title in (*column.other_titles, column.name)}
    places: dict[str, int] = {}
    unknown = []
    for place, cell in enumerate(cells):
        name = names.get(" ".join(_folded(cell).rstrip("*:：").split()))
        if name is not None and name not in places:
            places[name] = place
        elif cell:
            unknown.append(cell[:40] if cell.isprintable() else f"({place + 1})")
    missing = [column.name for column in COLUMNS if column.is_required and column.name not in places]
    if missing:
        raise NoHeaderError(missing)
    return places, unknown


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


class _Row:
    """Reads the cells of one row and notes what is wrong with each."""

    def __init__(
        self, number: int, places: Mapping[str, int], cells: Sequence[str], plan: PlanTerms, today: dt.date
    ) -> None:
        self.number, self.plan, self.today = number, plan, today
        self.faults: list[Fault] = []
        self._cells = {name: cells[place] if place < len(cells) else "" for name, place in places.items()}
        self.email, self.index_text = "", ""

    def member(self) -> ListedMember | None:
        """Return what the row says; None where a cell of it is wrong."""
        name = self._text("name", LONGEST_NAME, is_required=True)
        self.email = self._email()
        document = self._document()
        born = self._born(document)
        class_no = self._class()
        since, proof = self._since(born)
        owed_fen, prepaid_fen, payer = self._amount("owed"), self._amount("prepaid"), self._payer()
        if owed_fen and self.plan.funding:
            self._fault("owed", "owed_ahead")
        if prepaid_fen and not self.plan.funding:
            self._fault("prepaid", "prepaid_afterwards")
        if self.faults or document is None or born is None:
            return None
        return ListedMember(
            self.number,
            name,
            self.email,
            document,
            born,
            class_no,
            payer,
            since,
            proof,
            owed_fen,
            prepaid_fen,
        )

    def _fault(self, column: str, code: str) -> None:
        if not any(fault.column == column for fault in self.faults):
            self.faults.append(Fault(self.number, column, code))

    def _text(self, column: str, longest: int, *, is_required: bool = False) -> str:
        text = unicodedata.normalize("NFC", self._cells.get(column, ""))
        if text == FORMULA:
            self._fault(column, "formula")
        elif text == ROUNDED:
            self._fault(column, "rounded")
        elif not text.isprintable():
            self._fault(column, "invisible")
        elif len(text) > longest:
            self._fault(column, "too_long")
        elif not text and is_required:
            self._fault(column, "missing")
        else:
            return text
        return ""

    def _email(self) -> str:
        text = _folded(self._text("email", LONGEST_EMAIL, is_required=True))
        if text and not _EMAIL.fullmatch(text):
            self._fault("email", "bad_email")
        return text

    def _document(self) -> Document | None:
        kind = _folded(self._text("document", 40, is_required=True))
        number = self._text("number", 30, is_required=True)
        country = self._text("country", 40)
        known = next((code for code, words in _KINDS.items() if kind in words), None)
        if kind and known is None:
            self._fault("document", "bad_kind")
        if known is None or not number:
            return None
        try:
            document = read_resident_id(number) if known == "resident_id" else read_passport(country, number)
        except DocumentError as error:
            is_country = error.code in {"bad_country", "unknown_country"}
            self._fault("country" if is_country else "number", error.code)
            return None
        if known not in self.plan.taken_documents.kinds:
            self._fault("document", "not_taken")
        self.index_text = document.index_text
        return document

    def _day(self, column: str) -> dt.date | None:
        text = self._text(column, 30)
        if not text:
            return None
        match = _DAY.fullmatch(text)
        try:
            if match is not None:
                return dt.date(*(int(part) for part in match.groups()))
        except ValueError:
            pass
        self._fault(column, "bad_date")
        return None

    def _born(self, document: Document | None) -> dt.date | None:
        told = self._day("birth_date")
        if document is None:
            return None
        born = document.birth_date or told
        if born is None:
            self._fault("birth_date", "birth_needed")
            return None
        if told not in {None, born}:
            self._fault("birth_date", "birth_differs")
        reason: Reason | None = age_refusal(self.plan, born, self.today)
        if reason is not None:
            self._fault("number" if document.birth_date and told is None else "birth_date", reason)
        return born

    def _class(self) -> int | None:
        text = _folded(self._text("class", 80))
        classes = self.plan.classes
        if any(row.age_from is not None for row in classes):
            if text:
                self._fault("class", "class_by_age")
            return None
        if not text and len(classes) == 1:
            return None
        if not text:
            self._fault("class", "class_needed")
        for row in classes:
            if text and text in {str(row.class_no), _folded(row.name_en), _folded(row.name_zh)}:
                return row.class_no
        self._fault("class", "unknown_class")
        return None

    def _since(self, born: dt.date | None) -> tuple[dt.date | None, str]:
        since, proof = self._day("joined_on"), self._text("proof", LONGEST_PROOF)
        if since is None:
            if proof:
                self._fault("joined_on", "joined_needed")
            return None, ""
        if not proof:
            self._fault("proof", "proof_needed")
        if since > self.today:
            self._fault("joined_on", "joined_in_future")
        elif born is not None and since < born:
            self._fault("joined_on", "joined_before_birth")
        return since, proof

    def _payer(self) -> str:
        text = _folded(self._text("payer", LONGEST_EMAIL))
        if text and self.plan.funding:
            self._fault("payer", "payer_ahead")
        return "" if text == self.email else text

    def _amount(self, column: str) -> int:
        text = self._text(column, 40)
        if not text:
            return 0
        match = _AMOUNT.fullmatch(text)
        try:
            # Zeros behind the cent are a spreadsheet's, other figures are nobody's money.
            fen = Decimal(match[1].replace(",", "") + "." + (match[2] or "0")) * 100 if match else None
        except InvalidOperation:
            fen = None
        if fen is None or fen != int(fen):
            self._fault(column, "bad_amount")
            return 0
        if fen > MOST_OWED_FEN:
            self._fault(column, "too_much")
            return 0
        return int(fen)


def _twice(readers: Iterable[_Row]) -> list[Fault]:
    """Return what stands in two rows that may stand in one."""
    faults, seen = [], set()
    for reader in readers:
        for column, value, code in (
            ("email", reader.email, "email_twice"),
            ("number", reader.index_text, "document_twice"),
        ):
            if value and (column, value) in seen:
                faults.append(Fault(reader.number, column, code))
            seen.add((column, value))
    return faults


def _payers(members: Iterable[ListedMember], readers: Iterable[_Row]) -> list[Fault]:
    """Return the payers who are nobody of this list, or do not pay for themselves."""
    listed = {reader.email for reader in readers}
    paid_for = {member.email for member in members if member.payer}
    return [
        Fault(member.row, "payer", "payer_paid_for" if member.payer in listed else "unknown_payer")
        for member in members
        if member.payer and (member.payer not in listed or member.payer in paid_for)
    ]
