"""An installation for one command: services and a database of its own, gone afterwards.

A measurement must not run on anybody's books, so it never sees the addresses of the installation it was
started in. This module is used by manage.py before any settings are read and imports no framework.
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.services import in_database, running_services

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "aid_scratch_"
_DATABASES = ("AID_DATABASE_URL", "AID_DATABASE_OWNER_URL", "AID_DATABASE_ADMIN_URL")
_NOT_HANDED_DOWN = ("AID_DATABASE_ROLE", "AID_HOST", "AID_PORT", "AID_PUBLIC_URL", "AID_FAILPOINTS")


@contextmanager
def no_installation() -> Iterator[None]:
    """Let a command that only computes run on a machine where nothing is configured: its addresses lead nowhere."""
    before = dict(os.environ)
    try:
        for variable in (*_DATABASES, *_NOT_HANDED_DOWN):
            os.environ.pop(variable, None)
        os.environ |= {
            "AID_DEMO": "1",
            "AID_SECRET_KEY": secrets.token_urlsafe(48),
            "AID_DATA_KEY": secrets.token_urlsafe(48),
            "AID_DATABASE_URL": "postgresql://nobody@localhost:1/none",
            "AID_REDIS_URL": "redis://localhost:1/0",
        }
        yield
    finally:
        os.environ.clear()
        os.environ |= before


@contextmanager
def scratch_installation(folder: str | None = None) -> Iterator[None]:
    """Point this process and its children at a new, empty installation.

    The database is made on the server that AID_DATABASE_ADMIN_URL names (with the addresses of both roles
    there); without it on an embedded one, started in `folder` or the system's place for temporary files. The
    broker is always one of its own: another's worker would take the messages.

    Raises: EmbeddedError saying what is missing.
    """
    place = tempfile.mkdtemp(prefix="aid-scratch-", dir=folder) if folder else None
    name = PREFIX + secrets.token_hex(5)
    before = dict(os.environ)
    try:
        with (
            running_services(Path(place) if place else None, environ=_servers(os.environ)) as services,
            services.database(name) as (owner_url, app_url),
            tempfile.TemporaryDirectory() as state,
        ):
            for variable in _NOT_HANDED_DOWN:
                os.environ.pop(variable, None)
            os.environ |= {
                "AID_DEMO": "1",
                "AID_SECRET_KEY": secrets.token_urlsafe(48),
                "AID_DATA_KEY": secrets.token_urlsafe(48),
                "AID_STATE_DIR": state,
                "AID_REDIS_URL": services.redis_url,
                "AID_DATABASE_URL": app_url,
                "AID_DATABASE_OWNER_URL": owner_url,
                "AID_DATABASE_ADMIN_URL": services.admin_conninfo,
                "AID_DATABASE_SIGNER_URL": in_database(services.signer_url, name)
                if services.signer_url
                else "",
            }
            _prepare()
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if place:
            shutil.rmtree(place, ignore_errors=True)


def _servers(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the addresses that must not be used. Raises: EmbeddedError."""
    kept = {name: value for name, value in environ.items() if name != "AID_REDIS_URL"}
    if not environ.get("AID_DATABASE_ADMIN_URL"):
        return {name: value for name, value in kept.items() if name not in _DATABASES}
    for name in _DATABASES:
        if not environ.get(name):
            raise EmbeddedError(
                f"AID_DATABASE_ADMIN_URL is set and {name} is not: on that server the roles' addresses are needed"
                " too. Set it, or unset AID_DATABASE_ADMIN_URL to measure on a PostgreSQL of its own."
            )
    return kept


def _prepare() -> None:
    """Migrate and grant, as every start does. Raises: EmbeddedError with what it said."""
    done = subprocess.run(
        [sys.executable, "manage.py", "prepare", "--database-only"],
        cwd=ROOT,
        env={**os.environ, "AID_DATABASE_ROLE": "owner"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedError(f"The scratch database could not be prepared:\n{done.stdout}{done.stderr}")
