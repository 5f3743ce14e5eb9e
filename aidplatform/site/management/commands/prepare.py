"""Bring database and static files up to this version, in one process: migrations, grants, catalogues."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from aidplatform.site.catalogues import compile_catalogues
from aidplatform.site.migrating import rules_noted_only
from aidplatform.tables import grant_statements


class Command(BaseCommand):
    """Safe to run again at every start; a demonstration and a real database refuse each other here."""

    help = "Migrates, grants exactly the listed rights, compiles translations, collects static files."
    requires_system_checks = []  # a start must not wait for what the tests have checked

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the switch that leaves files alone."""
        parser.add_argument("--database-only", action="store_true", help="no translations, no static files")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run as aid_owner (AID_DATABASE_ROLE=owner)."""
        with rules_noted_only():
            call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        with transaction.atomic(), connection.cursor() as cursor:
            # It counts requests: each would wait for the disk, and a crash of the database may forget a minute's count.
            cursor.execute("ALTER TABLE work_cache SET UNLOGGED")
            self._require_signer(cursor)
            for statement in grant_statements():
                cursor.execute(statement)
            self._installation(cursor)
        if not options["database_only"]:
            compile_catalogues()
            call_command("collectstatic", interactive=False, verbosity=0)

    def _require_signer(self, cursor: Any) -> None:
        """Say what to do on a server whose roles were made before there was a signer."""
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'aid_signer'")
        if not cursor.fetchone():
            raise CommandError(
                "There is no role aid_signer. Run create_roles, which makes it, then prepare again."
            )

    def _installation(self, cursor: Any) -> None:
        """Write once what this database is, and refuse to start as the other thing."""
        cursor.execute(
            """INSERT INTO work_installation (id, demo, demo_ready) VALUES (1, %s, false)
               ON CONFLICT DO NOTHING""",
            [settings.DEMO],
        )
        cursor.execute("SELECT demo FROM work_installation")
        if cursor.fetchone()[0] != settings.DEMO:
            kind, other = ("real", "AID_DEMO=0") if settings.DEMO else ("demonstration", "AID_DEMO=1")
            raise CommandError(
                f"This is a {kind} database; it never becomes the other kind. Start with {other},"
                " or point AID_STATE_DIR or AID_DATABASE_URL at an empty one."
            )
