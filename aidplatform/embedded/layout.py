"""The state directory: where everything lives, with which owner and modes, and the lock that guards it."""

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aidplatform.embedded.accounts import Account, acting_as, may_access, owner_name
from aidplatform.embedded.errors import EmbeddedError

#: Room in a socket's address: 108 bytes on Linux, 104 on macOS, one of them the closing zero.
SOCKET_PATH_BYTES = 103
#: The longest name we or PostgreSQL put into the run folder.
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"
LOG_BYTES = 5_000_000


@dataclass(frozen=True)
class Layout:
    """The places inside one state directory."""

    root: Path
    account: Account

    @property
    def postgres_data(self) -> Path:
        """The database cluster."""
        return self.root / "postgres"

    @property
    def valkey_data(self) -> Path:
        """The broker's append-only file."""
        return self.root / "valkey"

    @property
    def secrets(self) -> Path:
        """Passwords and keys, one per file, made once."""
        return self.root / "secrets"

    @property
    def log(self) -> Path:
        """One log per child."""
        return self.root / "log"

    @property
    def binaries(self) -> Path:
        """Servers copied from an environment that the account can't reach."""
        return self.root / "binaries"

    @property
    def run(self) -> Path:
        """Sockets and records of the present run; elsewhere when the path would be too long for a socket."""
        inside = self.root / "run"
        if len(os.fsencode(inside / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(f"/tmp/aid-{self.account.uid}-{digest}")  # noqa: S108  owner and mode are checked on use

    @property
    def valkey_socket(self) -> Path:
        """The broker's socket."""
        return self.run / "valkey.sock"


def prepare_layout(state_dir: Path, account: Account) -> Layout:
    """Make the state directory and its folders, each closed to other people.

    Raises:
        EmbeddedError: the directory belongs to somebody else, or the account can't reach it.
    """
    root = Path(os.path.abspath(state_dir))  # noqa: PTH100  resolve() would follow a link the owner may move
    _make_root(root, account)
    _require_owner(root, account)
    if not may_access(root, os.R_OK | os.W_OK | os.X_OK, account):
        raise EmbeddedError(
            f"The account {account.name}, which runs the services, can't reach the state directory {root}. "
            "Set AID_STATE_DIR to a place all of whose parent folders it may enter."
        )
    layout = Layout(root, account)
    with acting_as(account):
        root.chmod(0o700)
        for folder in (layout.secrets, layout.log, layout.valkey_data, layout.run):
            _private_folder(folder, account)
    return layout


def _make_root(root: Path, account: Account) -> None:
    created = not root.exists()
    try:
        _make_parents(root.parent)
        root.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise EmbeddedError(f"The state directory {root} can't be made: {error.strerror}.") from None
    fresh = created or (root.stat().st_uid == 0 and not any(root.iterdir()))
    if account.dropped and fresh:
        os.chown(root, account.uid, account.gid)


def _make_parents(folder: Path) -> None:
    """Make the missing parents, open to pass through whatever the umask, for the account."""
    if not folder.exists():
        _make_parents(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _require_owner(place: Path, account: Account) -> None:
    owner = place.lstat().st_uid
    if owner == account.uid:
        return
    raise EmbeddedError(
        f"{place} of the state directory belongs to {owner_name(owner)}, and the services run as "
        f"{account.name}. To hand it over, stop what runs there and type:  "
        f"sudo chown -R {account.uid}:{account.gid} {place}"
    )


def _private_folder(folder: Path, account: Account) -> None:
    """Make or check one folder: ours, a real folder, mode 0700. In /tmp somebody else may have been first."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid:
        raise EmbeddedError(f"{folder} is not a folder of {account.name}; remove it or set AID_STATE_DIR.")
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)


def require_own_entries(layout: Layout) -> None:
    """Refuse a state directory in which somebody else has left files that web and worker must write.

    Raises:
        EmbeddedError: with the command that hands them over.
    """
    for entry in layout.root.iterdir():
        # The copied servers are the one thing the account is to run but not to change.
        if entry != layout.binaries:
            _require_owner(entry, layout.account)


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold the state directory for this process; the kernel lets go when the process ends, however it ends.

    Raises:
        EmbeddedError: another process holds it.
    """
    path = layout.root / "lock"
    descriptor = open_private(path, layout.account, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise EmbeddedError(
                f"Already running: process {holder} holds the state directory {layout.root}. Stop it first, "
                "or set AID_STATE_DIR to another place to run a second one beside it."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def open_private(path: Path, account: Account, flags: int) -> int:
    """Open a file that only the account may read, never through a link, and return its descriptor."""
    with acting_as(account):
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
    return descriptor


def open_log(layout: Layout, name: str) -> int:
    """Open a child's log for appending and return the descriptor."""
    return open_private(layout.log / f"{name}.log", layout.account, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def rotate_logs(layout: Layout) -> None:
    """Move each log that grew beyond LOG_BYTES aside, keeping one older generation."""
    with acting_as(layout.account):
        for path in layout.log.glob("*.log"):
            if path.lstat().st_size > LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))


def log_tail(layout: Layout, name: str, lines: int = 25) -> str:
    """Return the last lines of a child's log, for a message that says why it didn't start."""
    path = layout.log / f"{name}.log"
    with acting_as(layout.account):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


def write_private(path: Path, text: str, account: Account) -> None:
    """Write a file the account alone may read; a crash leaves the old text or the new one, never half."""
    beside = path.with_name(path.name + ".new")
    descriptor = open_private(beside, account, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with acting_as(account):
        beside.replace(path)
