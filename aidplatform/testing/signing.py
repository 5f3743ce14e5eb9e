"""A signer for tests: its role on the test's database, its file, its process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connections

from aidplatform.embedded.services import in_database
from aidplatform.testing.plugin import test_services
from aidplatform.testing.stack import ROOT, connected_to
from ledger.openbooks.signer import Signer, SignerRefusesError
from ledger.openbooks.signer_state import SignerState

SECRET = "only-for-tests-" + "z" * 50
DOMAIN = "aid.example.org"


@dataclass
class TestSigner:
    """A signer on the database that the test is connected to, with a file of its own."""

    __test__ = False

    path: Path
    secret: str = SECRET
    before: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Return the address of the signer's role on this database."""
        return in_database(test_services().signer_url, str(connections["default"].settings_dict["NAME"]))

    @contextmanager
    def at_work(self) -> Iterator[Signer]:
        """Give the signer, with Django connected as aid_signer meanwhile."""
        with connected_to(self.url), SignerState(self.path) as state:
            yield Signer(self.secret, state, DOMAIN, self.before)

    def sign(self) -> int:
        """Sign what is due; return how many logs were. Raises: SignerRefusesError at the first refusal."""
        refusals: list[SignerRefusesError] = []
        with self.at_work() as signer:
            count = signer.sign_due(lambda _code, error: refusals.append(error))
        if refusals:
            raise refusals[0]
        return count

    def environment(self, **more: str) -> dict[str, str]:
        """Return what the signer's process sees: no address and no key of the application."""
        hidden = {"AID_DATABASE_URL", "AID_DATABASE_OWNER_URL", "AID_SECRET_KEY", "AID_DATA_KEY"}
        return {
            **{name: value for name, value in os.environ.items() if name not in hidden},
            "AID_DEMO": "1",
            "AID_DATABASE_ROLE": "signer",
            "AID_DATABASE_SIGNER_URL": self.url,
            "AID_SIGNER_KEY": self.secret,
            "AID_SIGNER_KEYS_BEFORE": " ".join(self.before),
            "AID_SIGNER_STATE": str(self.path),
            "AID_SIGNER_SECONDS": "1",
            "AID_PUBLIC_URL": f"https://{DOMAIN}",
            "DJANGO_SETTINGS_MODULE": "aidplatform.settings",
            **more,
        }

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", "sign_checkpoints", *arguments],
            cwd=ROOT,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, **more: str) -> subprocess.Popen[str]:
        """Start the process that goes on."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "sign_checkpoints"],
            cwd=ROOT,
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
