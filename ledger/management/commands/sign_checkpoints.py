"""Sign the logs of all pools as they grow: the signer's process."""

import signal
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections, connection

from ledger.openbooks.models import Log
from ledger.openbooks.signer import Signer, SignerRefusesError
from ledger.openbooks.signer_state import SignerState, StateError

SIGNED, REFUSED, NOT_STARTED = 0, 1, 2


class Command(BaseCommand):
    """Runs until it is told to stop; with --once exit code 0: all signed, 1: a log was refused, 2: not started."""

    help = (
        "Signs the log of every pool within seconds of an entry, and says once a day that it is there. Run it with"
        " AID_DATABASE_ROLE=signer, AID_DATABASE_SIGNER_URL and AID_SIGNER_KEY or AID_SIGNER_KEY_FILE."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what else it can do than run."""
        parser.add_argument("--once", action="store_true", help="sign what is due and end")
        parser.add_argument(
            "--adopt",
            metavar="CODE",
            help="take the last stored checkpoint of this log into the signer's file, after its copy was lost",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take the file, then sign. Raises: CommandError where this process is not the signer."""
        if not settings.IS_SIGNER:
            raise CommandError("AID_DATABASE_ROLE=signer is not set: nobody else may sign.")
        try:
            with SignerState(settings.SIGNER_STATE) as state:
                domain = urlsplit(settings.PUBLIC_URL).hostname or ""
                signer = Signer(settings.SIGNER_KEY, state, domain, settings.SIGNER_KEYS_BEFORE)
                self._run(signer, options)
        except StateError as error:
            self.stderr.write(str(error))
            sys.exit(NOT_STARTED)

    def _run(self, signer: Signer, options: dict[str, Any]) -> None:
        if options["adopt"]:
            self._adopt(signer, options["adopt"])
        elif options["once"]:
            self._told: dict[str, str] = {}
            signer.sign_due(self._refused)
            sys.exit(REFUSED if self._told else SIGNED)
        else:
            self._follow(signer)

    def _follow(self, signer: Signer) -> None:
        """Sign until told to stop; a database that is away is waited for."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self._told = {}
        seen = settings.SIGNER_STATE.with_name("seen")
        self.stdout.write(f"signing; the state is in {settings.SIGNER_STATE}")
        while not stop.is_set():
            close_old_connections()
            try:
                signer.sign_due(self._refused)
                seen.touch()
            except DatabaseError as error:
                self.stderr.write(f"The database: {str(error).strip()}")
                connection.close()
            stop.wait(settings.SIGNER_SECONDS)

    def _refused(self, code: str, error: SignerRefusesError) -> None:
        """Say once why a log is not signed."""
        if self._told.get(code) != str(error):
            self._told[code] = str(error)
            self.stderr.write(f"{code}: {error}")

    def _adopt(self, signer: Signer, code: str) -> None:
        log = Log.objects.filter(code=code).first()
        if log is None:
            raise CommandError(f"There is no log {code}.")
        try:
            head = signer.adopt(log)
        except SignerRefusesError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{code}: the checkpoint of {head.size} entries is taken as signed.")
