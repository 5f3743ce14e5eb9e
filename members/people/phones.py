"""A person's phone number: told by themselves, confirmed by a code that it was sent, and taken away again."""

import datetime as dt
import hashlib
import re
import secrets

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from aidplatform.lib import clock, crypto
from aidplatform.lib.counters import count_once_more
from aidplatform.lib.errors import ConflictError, DomainError, NotFoundError
from aidplatform.work import audit
from members.people.models import User
from members.people.text_gateway import gateway
from members.people.text_models import Phone, TextChoice
from members.people.text_triggers import MOST_TRIES
from members.people.texts import Text, code_words, opened_number, sealed_number, write_texts

CODE_LIFE = dt.timedelta(minutes=15)
# A number as everybody dials it (E.164); eleven digits from 13 on are of the mainland of China.
_NUMBER = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)
_CHINESE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)


class BadNumberError(DomainError):
    """This is no phone number."""

    code = "bad_phone_number"


class WrongCodeError(DomainError):
    """The code is another one, is over, or was tried too often."""

    code = "wrong_phone_code"


class TooManyCodesError(DomainError):
    """So many codes were sent today to this account's numbers."""

    status = 429
    code = "too_many_phone_codes"


class NoTextsError(ConflictError):
    """This installation sends no text messages."""

    code = "no_text_messages"


def read_number(text: str) -> str:
    """Return a number in its one form. Raises: BadNumberError."""
    number = re.sub(r"[\s()./-]", "", text)
    number = f"+86{number}" if _CHINESE.fullmatch(number) else number
    if not _NUMBER.fullmatch(number):
        raise BadNumberError(_("Write the number with its country code, such as +86 138 0013 8000."))
    return number


def tell_number(*, person: User, number: str, at: dt.datetime) -> Phone:
    """Keep a number, sealed, and send it the code that confirms it; another number before is forgotten.

    Raises: NoTextsError, BadNumberError, TooManyCodesError.
    """
    if gateway() is None:
        raise NoTextsError(_("This site sends no text messages."))
    number = read_number(number)
    if count_once_more("phone-code", person.code, clock.day_of(at, "UTC")) > settings.PHONE_CODES_PER_DAY:
        raise TooManyCodesError(_("So many codes were sent to you today. Come back tomorrow."))
    code = f"{secrets.randbelow(10**6):06}"
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        Phone.objects.filter(person=person).delete()
        phone = Phone.objects.create(
            person=person,
            number_sealed=sealed_number(person, number),
            code_sha256=_hashed(person, code),
            code_until_at=at + CODE_LIFE,
            told_at=at,
        )
        key = f"code/{person.code}/{phone.pk}"
        text = Text(key, person, number, code_words(person, code), is_code=True)
        write_texts([text], batch=key, actor=person.code)
        audit.record(actor=person.code, action="tell_phone", subject=person.code)
    return phone


def confirm_number(*, person: User, code: str, at: dt.datetime) -> Phone:
    """Confirm the number by the code that it was sent; confirmed before: it is returned.

    Raises: NotFoundError, WrongCodeError.
    """
    with transaction.atomic():
        phone = Phone.objects.select_for_update().filter(person=person).first()
        if phone is None:
            raise NotFoundError(_("You have told no phone number."))
        if phone.confirmed_at is not None:
            return phone
        is_over = phone.tries >= MOST_TRIES or phone.code_until_at < at
        is_right = constant_time_compare(phone.code_sha256, _hashed(person, code.strip()))
        if is_right and not is_over:
            phone.confirmed_at = at
            phone.save(update_fields=["confirmed_at"])
            audit.record(actor=person.code, action="confirm_phone", subject=person.code)
            return phone
        # The try is counted beside the refusal: a rollback would forget it.
        if not is_over:
            phone.tries += 1
            phone.save(update_fields=["tries"])
    raise WrongCodeError(
        _("This is not the code that was sent last, or it is over. After five tries ask for another one.")
    )


def forget_number(*, person: User) -> None:
    """Forget the number and of which notices messages were wanted; none: nothing."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=person.pk)
        gone, _rows = Phone.objects.filter(person=person).delete()
        TextChoice.objects.filter(person=person).delete()
        if gone:
            audit.record(actor=person.code, action="forget_phone", subject=person.code)


def phone_of(person: User) -> Phone | None:
    """Return what the person has told, confirmed or not."""
    return Phone.objects.filter(person=person).first()


def hint_of(person: User, phone: Phone) -> str:
    """Return the end of a number, as pages show it."""
    return f"…{opened_number(person, bytes(phone.number_sealed))[-4:]}"


def _hashed(person: User, code: str) -> str:
    """Return what is kept of a code: six digits alone would be found by trying all of them."""
    return hashlib.sha256(crypto.blind_index(f"{person.code}/{code}", "members.phone_code")).hexdigest()
