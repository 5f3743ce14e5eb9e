"""Writes of accounts: the language a person is written to in, and the keys of their programs."""

import datetime as dt
import hashlib
import secrets

from django.conf import settings
from django.db import transaction

from aidplatform.work import audit
from members.people.models import ApiToken, User

# After that a program's owner signs in once more, with the second factor that the key stands for.
TOKEN_LIFE = dt.timedelta(days=90)


def remember_language(*, person: User, language: str) -> None:
    """Write to the person in the language they read; one the site does not have is left alone."""
    if language in dict(settings.LANGUAGES) and person.language != language:
        person.language = language
        person.save(update_fields=["language"])


def language_of(code: str) -> str:
    """Return the language that the person of this code is written to in; of nobody's, that of the site."""
    found = User.objects.filter(code=code).values_list("language", flat=True).first()
    return found or settings.LANGUAGE_CODE


def make_token(*, person: User, is_strong: bool, at: dt.datetime) -> str:
    """Return a new key for the person's programs, once; an older key ends with it.

    is_strong: made in a session with a second factor.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        _end_live(person, at)
        ApiToken.objects.create(
            person=person, token_sha256=hash_of(token), is_strong=is_strong, created_at=at
        )
        audit.record(actor=person.code, action="make_token", subject=person.code)
    return token


def end_token(*, person: User, at: dt.datetime) -> None:
    """End the person's key, if there is one."""
    with transaction.atomic():
        if _end_live(person, at):
            audit.record(actor=person.code, action="end_token", subject=person.code)


def hash_of(token: str) -> str:
    """Return what is kept of a key: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _end_live(person: User, at: dt.datetime) -> int:
    return ApiToken.objects.filter(person=person, ended_at=None).update(ended_at=at)
