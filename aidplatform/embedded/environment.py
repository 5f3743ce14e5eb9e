"""The variables each child is given: the least it needs."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from aidplatform.embedded.accounts import Account, environment_for
from aidplatform.embedded.configuration import CHECKOUT, Configuration
from aidplatform.embedded.layout import Layout
from aidplatform.embedded.secret_files import secret

#: Addresses that open more than a child needs; each child gets back the ones named for it.
_GUARDED = (
    "AID_DATABASE_URL",
    "AID_DATABASE_OWNER_URL",
    "AID_DATABASE_ADMIN_URL",
    "AID_DATABASE_SIGNER_URL",
    "AID_DATABASE_ROLE",
    "AID_SIGNER_KEY",
    "AID_SIGNER_KEY_FILE",
    "AID_SIGNER_KEYS_BEFORE",
)
_SIGNER_KEYS = ("AID_SIGNER_KEY", "AID_SIGNER_KEY_FILE")
_APP_KEYS = ("AID_SECRET_KEY", "AID_DATA_KEY", "AID_DATA_KEYS_BEFORE")
#: Run as the account: can it start this interpreter, find the libraries, and read every source file? It
#: enters the checkout by itself: a working folder given from outside would hide that the way is closed.
_PROBE = """
import os, sys
os.chdir(sys.argv[1])
import django, psycopg
from importlib.util import find_spec
wanted = ("celery", "gunicorn", "redis", "allauth")
found = all(find_spec(name) is not None for name in wanted)
def readable(folder):
    for place, folders, files in os.walk(folder, onerror=lambda error: sys.exit(4)):
        folders[:] = [name for name in folders if name[0] not in "._"]
        if not all(os.access(os.path.join(place, name), os.R_OK) for name in files):
            return False
    return True
roots = ("aidplatform", "members", "claims", "ledger", "templates")
found = found and os.access(os.path.join("aidplatform", "settings.py"), os.R_OK)
sys.exit(0 if found and all(readable(root) for root in roots if os.path.lexists(root)) else 3)
"""


@dataclass(frozen=True)
class Addresses:
    """Where the services are, embedded or external."""

    app_url: str
    owner_url: str
    redis_url: str
    signer_url: str = ""


@dataclass(frozen=True)
class ChildEnvironment:
    """Makes the environments of the children of one run."""

    layout: Layout
    account: Account
    configuration: Configuration
    addresses: Addresses
    environ: Mapping[str, str]

    def for_app(self) -> dict[str, str]:
        """Return the environment of web, worker, beat and commands: they connect as aid_app."""
        return self._base() | {"AID_DATABASE_URL": self.addresses.app_url}

    def for_owner(self) -> dict[str, str]:
        """Return the environment of the one process that migrates: it connects as aid_owner."""
        return self.for_app() | {
            "AID_DATABASE_OWNER_URL": self.addresses.owner_url,
            "AID_DATABASE_ROLE": "owner",
        }

    def for_signer(self) -> dict[str, str]:
        """Return the environment of the signer: its own role and key, and no key of the application."""
        held = {name: self.environ[name] for name in _SIGNER_KEYS if self.environ.get(name)}
        base = {name: value for name, value in self._base().items() if name not in _APP_KEYS}
        return (
            base
            | (held or {"AID_SIGNER_KEY": secret(self.layout, "signer_key")})
            | {"AID_SIGNER_KEYS_BEFORE": self.environ.get("AID_SIGNER_KEYS_BEFORE", "")}
            | {"AID_DATABASE_SIGNER_URL": self.addresses.signer_url, "AID_DATABASE_ROLE": "signer"}
        )

    def _base(self) -> dict[str, str]:
        base = environment_for(self.account, self.environ, self.layout.run)
        for name in _GUARDED:
            base.pop(name, None)
        return (
            base
            | self.configuration.variables()
            | {
                "AID_REDIS_URL": self.addresses.redis_url,
                "AID_SECRET_KEY": self.environ.get("AID_SECRET_KEY") or secret(self.layout, "secret_key"),
                "AID_DATA_KEY": self.environ.get("AID_DATA_KEY") or secret(self.layout, "data_key"),
                "AID_STATE_DIR": str(self.layout.root),
                "PYTHONUNBUFFERED": "1",
            }
        )


def can_run_the_platform(account: Account, layout: Layout) -> bool:
    """Say whether the account can run web, worker and beat with this interpreter from this checkout."""
    if not account.dropped:
        return True
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, str(CHECKOUT)],
            cwd="/",
            env=environment_for(account, {"PATH": os.defpath}, layout.run),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
            **account.identity(),
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def starting_account() -> Account:
    """Return whoever started us, as the account of web, worker and beat where nothing better can run them."""
    return Account("root", os.geteuid(), os.getegid(), dropped=False)
