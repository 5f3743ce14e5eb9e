"""Preparing is left out only when nothing it reads or leaves behind has changed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from aidplatform.embedded import fingerprint as fingerprint_module
from aidplatform.embedded.configuration import Configuration
from aidplatform.embedded.fingerprint import fingerprint, record, recorded
from aidplatform.embedded.layout import Layout
from aidplatform.embedded.services import Services, running_services
from aidplatform.embedded.tests.helpers import CLEAN, layout_in

DEMO = Configuration(demo=True, host="127.0.0.1", port=8000)
TABLES = """
CREATE TABLE django_migrations (id serial, app text, name text);
INSERT INTO django_migrations (app, name) VALUES ('ledger', '0001');
CREATE TABLE entry (id int PRIMARY KEY, state text);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE check_violation; END';
CREATE TRIGGER guard BEFORE DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse();
GRANT SELECT, INSERT ON entry TO aid_app;
"""


@dataclass
class Prepared:
    """A small checkout and database, as a preparation left them."""

    layout: Layout
    checkout: Path
    owner_url: str

    def now(self, configuration: Configuration = DEMO) -> str:
        return fingerprint(self.layout, configuration, self.owner_url)

    def change(self, statement: str) -> None:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with running_services(fast=True, environ=CLEAN) as running:
        yield running


@pytest.fixture
def prepared(services: Services, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prepared]:
    checkout = place / "checkout"
    (checkout / "ledger" / "migrations").mkdir(parents=True)
    (checkout / "ledger" / "migrations" / "0001.py").write_text("first")
    (checkout / "ledger" / "tests").mkdir()
    monkeypatch.setattr(fingerprint_module, "CHECKOUT", checkout)
    with services.database("prepared") as (owner_url, _):
        made = Prepared(layout_in(place), checkout, owner_url)
        made.change(TABLES)
        yield made


def test_nothing_changed_means_the_same_fingerprint(prepared: Prepared) -> None:
    before = recorded(prepared.layout)
    record(prepared.layout, prepared.now())
    (prepared.checkout / "ledger" / "__pycache__").mkdir()
    (prepared.checkout / "ledger" / "__pycache__" / "models.pyc").touch()
    (prepared.checkout / "ledger" / "tests" / "test_new.py").touch()
    prepared.change("INSERT INTO entry VALUES (1, 'posted')")

    assert before is None
    assert recorded(prepared.layout) == prepared.now() != ""


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT UPDATE ON entry TO aid_app",
        "GRANT UPDATE (state) ON entry TO aid_app",
        "REVOKE INSERT ON entry FROM aid_app",
        "ALTER TABLE entry DISABLE TRIGGER guard",
        "DROP TRIGGER guard ON entry",
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "REVOKE EXECUTE ON FUNCTION refuse() FROM PUBLIC",
        "ALTER TABLE entry ADD CONSTRAINT positive CHECK (id > 0)",
        "ALTER TABLE entry ADD COLUMN note text",
        "ALTER TABLE entry ENABLE ROW LEVEL SECURITY",
        "CREATE TABLE another (id int)",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO aid_app",
        "DELETE FROM django_migrations",
        "INSERT INTO django_migrations (app, name) VALUES ('ledger', '0002')",
    ],
)
def test_every_change_in_the_database_is_seen(prepared: Prepared, statement: str) -> None:
    before = prepared.now()
    prepared.change(statement)

    assert prepared.now() not in {before, ""}


def test_every_change_of_the_files_is_seen(prepared: Prepared) -> None:
    seen = [prepared.now()]
    migrations = prepared.checkout / "ledger" / "migrations"
    (migrations / "0002.py").write_text("second")
    seen.append(prepared.now())
    (migrations / "0001.py").write_text("other")
    seen.append(prepared.now())
    (migrations / "0002.py").rename(migrations / "0003.py")
    seen.append(prepared.now())
    (prepared.layout.root / "static").mkdir()
    (prepared.layout.root / "static" / "staticfiles.json").write_text("{}")
    seen.append(prepared.now())
    (prepared.layout.root / "locale").mkdir()
    (prepared.layout.root / "locale" / "django.mo").write_bytes(b"compiled")
    seen.append(prepared.now())

    assert len(set(seen)) == len(seen)


def test_demonstration_and_real_never_share_a_fingerprint(prepared: Prepared) -> None:
    """The preparation is what refuses to turn one into the other."""
    assert prepared.now() != prepared.now(replace(DEMO, demo=False))


def test_database_made_anew_is_seen(prepared: Prepared, services: Services) -> None:
    before = prepared.now()
    services.create_database("prepared")
    prepared.change(TABLES)

    assert prepared.now() != before


def test_database_that_cannot_be_asked_never_equals_a_recorded_one(prepared: Prepared) -> None:
    prepared.change("DROP TABLE django_migrations")

    assert prepared.now() == ""
    assert recorded(prepared.layout) != ""
