"""Know whether migrations, grants and static files are as the last preparation left them.

Preparing takes longer than everything else a start does, and nearly always changes nothing. It is left out only
when both sides are unchanged: every source file it reads, and what it left in the database's own catalogue:
tables, columns, constraints, functions, triggers, grants, and the list of applied migrations. Whatever differs,
for whatever reason, it runs; so a wrong guess costs two seconds and never a missing grant.
"""

import hashlib
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import psycopg

from aidplatform.embedded.accounts import acting_as
from aidplatform.embedded.configuration import CHECKOUT, Configuration
from aidplatform.embedded.layout import Layout, write_private

_SOURCES = ("aidplatform", "members", "claims", "ledger", "manage.py", "pyproject.toml")
_CATALOGUE = """
WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT format('database %s %s %s', oid, datdba, datacl) FROM pg_database WHERE datname = current_database()
  UNION ALL
    SELECT format('schema %s %s %s', nspname, nspowner, nspacl) FROM pg_namespace WHERE oid IN (TABLE ours)
  UNION ALL
    SELECT format('class %s %s %s %s %s', oid, relname, relowner, relacl, relrowsecurity)
    FROM pg_class WHERE relnamespace IN (TABLE ours)
  UNION ALL
    SELECT format('column %s %s %s %s', attrelid, attname, atttypid, attacl)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace IN (TABLE ours) AND attnum > 0
  UNION ALL
    SELECT format('constraint %s %s %s', conrelid, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace IN (TABLE ours)
  UNION ALL
    SELECT format('function %s %s %s %s %s', oid, proname, proacl, proconfig, md5(prosrc))
    FROM pg_proc WHERE pronamespace IN (TABLE ours)
  UNION ALL
    SELECT format('trigger %s %s %s %s', tgrelid, tgname, tgenabled, tgfoid) FROM pg_trigger
  UNION ALL
    SELECT format('default %s %s', defaclrole, defaclacl) FROM pg_default_acl
) AS catalogue (line)
"""


def fingerprint(layout: Layout, configuration: Configuration, owner_url: str) -> str:
    """Return a digest of everything a preparation reads and leaves behind, or "" when it can't be known.

    Empty never equals a recorded one, so then the preparation runs and says what is wrong.
    """
    try:
        database = _database_digest(owner_url)
    except psycopg.Error:
        return ""
    digest = hashlib.sha256(f"{sys.version} {configuration.demo} {database}".encode())
    packages = Path(sysconfig.get_path("purelib"))
    for name in sorted(entry.name for entry in packages.glob("*.dist-info")):
        digest.update(f"{name}\n".encode())
    for made in _made(layout):
        digest.update(made.read_bytes() if made.is_file() else b"absent")
    for path in _files(CHECKOUT / name for name in _SOURCES):
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def recorded(layout: Layout) -> str | None:
    """Return the fingerprint after the last preparation, or None before the first."""
    with acting_as(layout.account):
        try:
            return _place(layout).read_text().strip()
        except FileNotFoundError:
            return None


def record(layout: Layout, value: str) -> None:
    """Remember the fingerprint: a preparation has just succeeded."""
    write_private(_place(layout), value + "\n", layout.account)


def _place(layout: Layout) -> Path:
    return layout.root / "prepared"


def _made(layout: Layout) -> list[Path]:
    """Return what a preparation leaves in the state directory: the list of static files, the catalogues."""
    catalogues = sorted((layout.root / "locale").rglob("*.mo"))
    return [layout.root / "static" / "staticfiles.json", *catalogues]


def _database_digest(owner_url: str) -> str:
    with psycopg.connect(owner_url, connect_timeout=10) as connection:
        catalogue = connection.execute(_CATALOGUE).fetchone()
        migrations = connection.execute(
            "SELECT md5(string_agg(app || '.' || name, ' ' ORDER BY id)) FROM django_migrations"
        ).fetchone()
    return f"{catalogue} {migrations}"


def _files(roots: Iterable[Path]) -> Iterable[Path]:
    """Yield the files below, in one order on every machine, compiled ones and tests left out."""
    for root in sorted(roots):
        if root.is_file():
            yield root
            continue
        for path in sorted(root.rglob("*")):
            if path.is_file() and not {"__pycache__", "tests"} & set(path.parts):
                yield path
