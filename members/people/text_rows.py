"""What is kept of a person's phone and of text messages to it, in clear, for that person."""

from collections.abc import Iterator

from aidplatform.lib.my_data import Row, fields_of
from members.people.models import User
from members.people.text_models import Phone, TextChoice, TextMessage
from members.people.texts import opened_number, opened_text


def phone_rows(person: User) -> Iterator[Row]:
    """Yield the number, and since when it is confirmed."""
    for phone in Phone.objects.filter(person=person):
        row = fields_of(phone, "told_at", "confirmed_at")
        yield {"number": opened_number(person, bytes(phone.number_sealed))} | row


def text_rows(person: User) -> Iterator[Row]:
    """Yield the messages, oldest first, without the codes."""
    for one in TextMessage.objects.filter(person=person).order_by("pk").iterator():
        number, words = opened_text(one)
        # A code is of use for minutes, and to nobody but its owner.
        row = {"to": number} | fields_of(one, "written_at", "sent_at")
        yield row if one.is_code else row | {"text": words}


def text_choice_rows(person: User) -> Iterator[Row]:
    """Yield of which notices messages are wanted."""
    for one in TextChoice.objects.filter(person=person).order_by("category"):
        yield fields_of(one, "category", "chosen_at")
