"""Demonstrations are played with the mail server that they have."""

import pytest


@pytest.fixture(autouse=True)
def mails_of_a_demonstration(settings) -> None:
    """Put the framework's collection of mails away, which would have every file made that a mail carries."""
    settings.EMAIL_BACKEND = "members.people.mails.TableBackend"
