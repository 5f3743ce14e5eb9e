"""What a real installation needs besides: mail, HTTPS, administrators."""

from collections.abc import Iterator
from smtplib import SMTPException
from urllib.parse import urlsplit

from anymail.exceptions import AnymailConfigurationError
from django.conf import settings
from django.core import checks
from django.core.mail import get_connection

from aidplatform.site.doctor.fault import Fault
from aidplatform.site.founding import FOUNDERS, administrators

MAIL_SECONDS = 5


def mail() -> Iterator[Fault]:
    """Open a connection to the mail server, as a message would; nothing is sent."""
    if settings.DEMO:
        return
    if settings.EMAIL_SERVICE:
        yield from _mail_service()
        return
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        yield Fault(
            f"No mail server is set; messages are written to {settings.EMAIL_FILE_PATH} and reach nobody.",
            "Set AID_EMAIL_URL=smtp://user:secret@host:587, or AID_EMAIL_SERVICE.",
        )
        return
    backend = get_connection(timeout=MAIL_SECONDS)
    try:
        backend.open()
        backend.close()
    except (OSError, SMTPException) as error:
        yield Fault(
            f"The mail server {settings.EMAIL_HOST}:{settings.EMAIL_PORT} refuses: {error}",
            "Correct AID_EMAIL_URL, or ask who runs the mail server.",
        )


def _mail_service() -> Iterator[Fault]:
    """Make what sends by the service, which names a setting that it lacks; nothing is asked of it, let alone sent."""
    try:
        get_connection()
    except AnymailConfigurationError as error:
        yield Fault(
            f"The mail service {settings.EMAIL_SERVICE} lacks a setting: {str(error).splitlines()[0]}",
            "Write it into AID_EMAIL_SERVICE_SETTINGS, by the name that django-anymail documents.",
        )


def https() -> Iterator[Fault]:
    """Run the framework's checks, in a real installation those of deployment too; every warning is a fault."""
    for message in checks.run_checks(include_deployment_checks=not settings.DEMO):
        if message.is_serious(checks.WARNING) and not message.is_silenced():
            yield Fault(
                f"{message.id}: {message.msg}", message.hint or "See the documentation of that check."
            )
    if not settings.DEMO and urlsplit(settings.PUBLIC_URL).scheme != "https":
        yield Fault(
            f"AID_PUBLIC_URL is {settings.PUBLIC_URL}: cookies and links of a real installation need https.",
            "Put a proxy that ends TLS before the web server and name its address.",
        )


def administrators_exist() -> Iterator[Fault]:
    """Count the people who are pool admin everywhere."""
    if settings.DEMO:
        return
    count = len(administrators())
    if count == 0:
        yield Fault(
            "There are no administrators yet.",
            "Run: python manage.py first_run --email first@example.org --email second@example.org",
        )
    elif count < FOUNDERS:
        yield Fault(
            "Only one administrator is left: nobody can confirm what that person proposes.",
            "Appoint another while both can still sign in; a duty is granted by two people.",
        )
