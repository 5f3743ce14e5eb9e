"""Passwords and keys of the embedded services: drawn once, kept in files only the account can read."""

import os
import secrets
import stat
from pathlib import Path

from aidplatform.embedded.accounts import acting_as
from aidplatform.embedded.layout import Layout, write_private


def secret(layout: Layout, name: str) -> str:
    """Return the secret of that name, making it on the first call.

    A file that others could read is closed again; what it holds is kept, since a changed key would make
    everything written under the old one unreadable.
    """
    path = layout.secrets / name
    with acting_as(layout.account):
        held = _read(path)
    if held:
        return held
    made = secrets.token_urlsafe(48)
    write_private(path, made + "\n", layout.account)
    return made


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with os.fdopen(descriptor) as file:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
        return file.read().strip()
