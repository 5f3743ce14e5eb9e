"""The variables of the environment, all named AID_…, and how they are read.

A missing or bad value stops the process with a sentence that names the variable and what it wants.
"""

import datetime as dt
import json
import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

VARIABLES: dict[str, str] = {
    "AID_DATABASE_URL": "PostgreSQL as role aid_app: postgresql://aid_app:secret@/aidplatform?host=/socket/dir",
    "AID_DATABASE_OWNER_URL": "PostgreSQL as role aid_owner; used by migrations and the doctor only",
    "AID_DATABASE_ADMIN_URL": "PostgreSQL as a superuser; used by create_roles and scratch databases only",
    "AID_DATABASE_SIGNER_URL": "PostgreSQL as role aid_signer; used by the signer of the logs only",
    "AID_DATABASE_ROLE": "owner or signer: this process connects as aid_owner or aid_signer instead of aid_app",
    "AID_REDIS_URL": "the broker: unix:///path/valkey.sock?db=0 or redis://host:6379/0",
    "AID_SECRET_KEY": "at least 50 random characters; signs sessions and one-time links",
    "AID_DATA_KEY": "at least 50 random characters; encrypts identities, health data and account numbers",
    "AID_DATA_KEYS_BEFORE": "earlier values of AID_DATA_KEY, the newest first, with blanks between",
    "AID_SIGNER_KEY": "the signer only: at least 50 random characters, from which the keys of the logs are made",
    "AID_SIGNER_KEYS_BEFORE": "the signer only: earlier values of AID_SIGNER_KEY, the newest first, in one line",
    "AID_SIGNER_KEY_FILE": "the signer only: a file that holds AID_SIGNER_KEY, in its place",
    "AID_SIGNER_STATE": "the signer only: its own file of what it has signed; signer/state in AID_STATE_DIR",
    "AID_SIGNER_SECONDS": "how often the signer looks for new entries of the logs (5)",
    "AID_TIME_STAMP_URLS": "authorities of time (RFC 3161) that stamp the logs once a day, with blanks between",
    "AID_TIME_STAMP_ROOTS": "a PEM file of the certificates to which their signatures have to lead",
    "AID_DEMO": "1: demonstration with invented people and a movable clock, on loopback only; 0: real",
    "AID_HOST": "the address the web server binds; 127.0.0.1 unless said otherwise",
    "AID_PORT": "the port of the web server; 8000 unless said otherwise",
    "AID_PUBLIC_URL": "the address members type, e.g. https://aid.example.org; http://localhost:PORT in demo",
    "AID_STATE_DIR": "where embedded services and files keep their state",
    "AID_SMS_URL": "twilio://ACCOUNT:SECRET@api.twilio.com?from=+15550100; in demo text messages go to files",
    "AID_PHONE_CODES_PER_DAY": "codes that may be sent in a day to the numbers that one account tells (5)",
    "AID_LEASE_SECONDS": "how long a job may be silent before another worker takes it over (20)",
    "AID_SWEEP_SECONDS": "how often lost work is looked for (10)",
    "AID_TICK_SECONDS": "how often calendars are looked at for periods that are due (60)",
    "AID_BLIND_REVIEW_PER_MILLE": "of a thousand decided claims so many are judged once more, blindly; 0: none",
    "AID_SHARD_MEMBERS": "members charged in one transaction (250000)",
    "AID_SMALL_POOL_MEMBERS": "pools founded for fewer members keep all charges in one table (100000)",
    "AID_ERASURE_DAYS": "days in which whoever asked to be erased can take it back (7)",
    "AID_BANK_HOLIDAYS": "days on which banks are closed, besides weekends: 2026-05-01 2026-02-16..2026-02-22",
    "AID_CLAIM_YEARS": "years for which the law has records of claims and payments kept, stated on the page (10)",
    "AID_COMPLAINT_DAYS": "days in which a complaint is to be answered (15)",
    "AID_JOINS_PER_DAY": "people who may begin to join one pool in a day (20000)",
    "AID_JOINS_PER_BLOCK": "of them, from one block of addresses: an IPv4 /24 or an IPv6 /48 (200)",
    "AID_JOINS_PER_INVITATION": "accounts that may begin by one link in a day (5)",
    "AID_DOCUMENTS_PER_DAY": "identity documents that one account may try in a day (10)",
    "AID_DOCUMENTS_PER_BLOCK": "identity documents that may be tried in a day from one block of addresses (400)",
    "AID_FAILPOINTS": "tests only: a folder of armed failpoints; refused unless AID_DEMO=1",
    "AID_EMAIL_URL": "smtp://user:secret@host:587; in demo mails are shown on a page",
    "AID_EMAIL_SERVICE": "in its place a mail service that django-anymail knows, such as mailgun or postmark",
    "AID_EMAIL_SERVICE_SETTINGS": 'what the service wants, as JSON: {"MAILGUN_API_KEY": "…"}',
    "AID_REQUIRE_BROWSER": "tests only: 1 fails the suite when Chromium is missing",
    "AID_REQUIRE_TOOLS": "tests only: 1 fails the suite when hledger is missing",
    "AID_SOAK": "tests only: 1 runs the long versions",
    "AID_SOAK_MINUTES": "tests only: how long trouble by chance goes on (5)",
    "AID_SEED": "tests only: the seed of a long run, printed by every run",
}


def env_text(name: str, default: str | None = None) -> str:
    """Return the variable, or the default; without either, stop and name it."""
    value = os.environ.get(name, default)
    if value is None or value == "":
        if default == "":
            return ""
        raise ImproperlyConfigured(f"{name} is not set. It holds {VARIABLES[name]}.")
    return value


def env_days(name: str) -> frozenset[dt.date]:
    """Return the days of the variable, single or first..last, with blanks between; nothing where it is not set."""
    found: set[dt.date] = set()
    for part in env_text(name, "").split():
        first, _dots, last = part.partition("..")
        try:
            day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last or first)
        except ValueError:
            raise ImproperlyConfigured(f"{name}: {part} is no day. It holds {VARIABLES[name]}.") from None
        if not day <= end < day + dt.timedelta(days=60):
            raise ImproperlyConfigured(f"{name}: {part} ends before it begins, or lasts longer than 60 days.")
        found.update(day + dt.timedelta(days=place) for place in range((end - day).days + 1))
    return frozenset(found)


def env_bool(name: str, default: bool) -> bool:
    """Return 1/true/yes as True and 0/false/no as False; anything else stops the process."""
    value = os.environ.get(name, "1" if default else "0").strip().lower()
    if value in {"1", "true", "yes"}:
        return True
    if value in {"0", "false", "no"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither 1 nor 0. It holds {VARIABLES[name]}.")


def env_int(name: str, default: int, *, at_least: int = 1) -> int:
    """Return a whole number of at least `at_least`."""
    text = os.environ.get(name, str(default))
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number.") from None
    if value < at_least:
        raise ImproperlyConfigured(f"{name}={value} is below {at_least}.")
    return value


def env_names(name: str) -> dict[str, object]:
    """Return a JSON object by its names; without the variable an empty one. What stands in it is never printed."""
    try:
        value = json.loads(env_text(name, "") or "{}")
    except ValueError:
        raise ImproperlyConfigured(f"{name} is no JSON. It holds {VARIABLES[name]}.") from None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} is no JSON object. It holds {VARIABLES[name]}.")
    return value


def env_secret(name: str, *, at_least: int) -> str:
    """Return a secret of at least that many characters, without ever printing it."""
    value = env_text(name)
    if len(value) < at_least:
        raise ImproperlyConfigured(f"{name} has {len(value)} characters and needs at least {at_least}.")
    return value


def env_secret_or_file(name: str, *, at_least: int) -> str:
    """Return a secret from the variable, or from the file that the variable with _FILE names."""
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return env_secret(name, at_least=at_least)
    try:
        value = Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {error.strerror}.") from None
    if len(value) < at_least:
        raise ImproperlyConfigured(f"{path} holds {len(value)} characters; {name} needs at least {at_least}.")
    return value


def database_from_url(name: str) -> dict[str, object]:
    """Turn a libpq URL into Django's dictionary; the host may be a socket folder in ?host=."""
    url = urlsplit(env_text(name))
    if url.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured(f"{name} must start with postgresql://, not {url.scheme}://.")
    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.pop("host", url.hostname or ""),
        "PORT": query.pop("port", str(url.port or "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **query,
            "connect_timeout": 5,
            "application_name": "aidplatform",
            # A forgotten transaction or lock must end by itself; long statements set their own limit.
            "options": "-c lock_timeout=15s -c idle_in_transaction_session_timeout=60s",
        },
    }
