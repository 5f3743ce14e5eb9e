"""Which account the services run as, and what that account can reach.

PostgreSQL refuses to run as root, and nothing here needs root's rights. So root drops every service to an
account without privileges, and an ordinary user runs everything as itself.
"""

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from aidplatform.embedded.errors import EmbeddedError

PREFERRED = ("postgres", "nobody")


class Identity(TypedDict, total=False):
    """The arguments of subprocess that change the identity of a child; empty when it stays the same."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The account the services run as; `dropped` when that differs from the one who started them."""

    name: str
    uid: int
    gid: int
    dropped: bool

    def identity(self) -> Identity:
        """Return what subprocess needs to become this account."""
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def service_account() -> Account:
    """Choose the account: `postgres`, else `nobody`, when started as root; else whoever started us.

    Raises:
        EmbeddedError: the account is not listed by the system, without which PostgreSQL refuses to start.
    """
    if os.geteuid() != 0:
        return _own_account()
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid, dropped=True)
    raise EmbeddedError(
        f"Started as root, but neither of the accounts {' and '.join(PREFERRED)} exists, and PostgreSQL "
        "refuses to run as root. Start as an ordinary user, or create one: useradd --system postgres"
    )


def _own_account() -> Account:
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"User id {uid} has no entry in the list of accounts (/etc/passwd), and PostgreSQL refuses to "
            "start without one. Start as an account that has a name."
        ) from None
    return Account(entry.pw_name, uid, os.getegid(), dropped=False)


@contextmanager
def acting_as(account: Account) -> Iterator[None]:
    """Do the file work inside as the account, not as root.

    The account owns the state directory. Root following a link planted there could be led to overwrite any
    file of the machine; acting as the account, we reach only what it reaches anyway.
    """
    if not account.dropped:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def can_execute(command: Sequence[str | Path], account: Account) -> bool:
    """Say whether the account can run the command, by running it: modes alone don't tell."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
            **account.identity(),
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def may_access(path: Path, mode: int, account: Account) -> bool:
    """Say whether the account, through all parent folders, has that access (os.R_OK and the like)."""
    with acting_as(account):
        return os.access(path, mode, effective_ids=_EFFECTIVE)


def owner_name(uid: int) -> str:
    """Return the name of an account, or its number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def environment_for(account: Account, base: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return the environment of a child: as `base`, with a home the account can read.

    libpq and others look into $HOME; root's is closed to the account, which some take for an error. Variables
    of libpq (PGHOST, PGPORT, …) would change where our own addresses lead, so none is handed down.
    """
    kept = {name: value for name, value in base.items() if not name.startswith("PG")}
    if account.dropped:
        kept |= {"HOME": str(home), "USER": account.name, "LOGNAME": account.name}
    return kept


_EFFECTIVE = os.access in os.supports_effective_ids
