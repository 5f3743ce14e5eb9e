"""Who a person is on paper: sealed, found again only by the document's blind index; a correction alone changes it."""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from aidplatform.lib import crypto
from aidplatform.lib.errors import ConflictError
from members.people.document_index import index_text
from members.people.models import Identity, User

DOCUMENT = "members.document"


class OtherIdentityError(ConflictError):
    """The account belongs to somebody with another document."""

    code = "other_identity"


@dataclass(frozen=True)
class Paper:
    """What an identity document says. index_text: kind, country and number in one form."""

    name: str
    birth_date: dt.date
    kind: str
    country: str
    number: str

    @property
    def index_text(self) -> str:
        """Return the text of the blind index."""
        return index_text(self.kind, self.country, self.number)

    def to_text(self) -> str:
        """Return it as JSON, to be sealed."""
        return json.dumps({**self.__dict__, "birth_date": self.birth_date.isoformat()}, ensure_ascii=False)

    @property
    def masked_name(self) -> str:
        """Return the name as papers show it that other people see."""
        return masked(self.name)

    @classmethod
    def from_text(cls, text: str) -> "Paper":
        """Read what `to_text` wrote."""
        data = json.loads(text)
        return cls(**{**data, "birth_date": dt.date.fromisoformat(data["birth_date"])})


def paper_of(person: User) -> Paper | None:
    """Return the person's recorded document, opened; None before they have joined anywhere."""
    identity = Identity.objects.filter(person=person).first()
    if identity is None:
        return None
    return opened(person, bytes(identity.sealed))


def names_of(people: Iterable[User]) -> dict[int, str]:
    """Return the name of each by primary key: that on paper, else that of the account, if any. One query."""
    found = {person.pk: person for person in people}
    names = {key: person.name for key, person in found.items()}
    for identity in Identity.objects.filter(person__in=found):
        person = found[identity.person_id]
        names[person.pk] = opened(person, bytes(identity.sealed)).name
    return names


def masked(name: str) -> str:
    """Return of each word of a name its first letter, as others see it."""
    return " ".join(f"{word[0]}**" for word in name.split())


def opened(person: User, sealed: bytes) -> Paper:
    """Open what is, was or is to be recorded of a person."""
    return Paper.from_text(crypto.unseal_text(sealed, _context(person)))


def sealed_for(person: User, paper: Paper) -> bytes:
    """Seal a document for the place of the person's identity."""
    return crypto.seal_text(paper.to_text(), _context(person))


def record_identity(*, person: User, paper: Paper, at: dt.datetime) -> Identity:
    """Record the document of a person, once; the same document again returns the record.

    Raises: OtherIdentityError; IntegrityError(one_person_per_document) when another account holds it.
    """
    index = crypto.blind_index(paper.index_text, DOCUMENT)
    existing = must_be_same(person, paper)
    if existing is None:
        return Identity.objects.create(
            person=person,
            kind=paper.kind,
            document_index=index,
            sealed=sealed_for(person, paper),
            recorded_at=at,
        )
    return existing


def must_be_same(person: User, paper: Paper) -> Identity | None:
    """Return what is recorded of the person, None before anything is. Raises: OtherIdentityError."""
    existing = Identity.objects.filter(person=person).first()
    if existing is not None and bytes(existing.document_index) != crypto.blind_index(
        paper.index_text, DOCUMENT
    ):
        raise OtherIdentityError(_("This account belongs to somebody with another document."))
    return existing


def _context(person: User) -> str:
    return f"members.identity:{person.code}"
