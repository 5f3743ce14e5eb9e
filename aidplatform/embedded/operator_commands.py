"""What an operator does to an installation from another terminal: stop it, or run a management command."""

import fcntl
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from aidplatform.embedded.accounts import Account, acting_as, service_account
from aidplatform.embedded.configuration import CHECKOUT, read_configuration, state_directory
from aidplatform.embedded.environment import (
    Addresses,
    ChildEnvironment,
    can_run_the_platform,
    starting_account,
)
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.layout import Layout, prepare_layout
from aidplatform.embedded.postgres import Postgres
from aidplatform.embedded.processes import PRIVATE, wait_until
from aidplatform.embedded.resolve import (
    ExternalBroker,
    ExternalPostgres,
    resolve_broker,
    resolve_postgres,
)
from aidplatform.embedded.valkey import Valkey

STOP_SECONDS = 120.0


def stop_running(environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Ask the supervisor of the state directory to stop, and wait until it has.

    Raises:
        EmbeddedError: it hasn't stopped in time.
    """
    account = service_account()
    layout = prepare_layout(state_directory(environ, account), account)
    holder = lock_holder(layout)
    if holder is None:
        say("nothing runs there")
        return
    os.kill(holder, signal.SIGTERM)
    if not wait_until(lambda: lock_holder(layout) is None, STOP_SECONDS):
        raise EmbeddedError(f"Process {holder} hasn't stopped within {STOP_SECONDS:.0f} s.")
    say("stopped")


def lock_holder(layout: Layout) -> int | None:
    """Return the process that holds the state directory, or None when nobody does."""
    try:
        with acting_as(layout.account):
            descriptor = os.open(layout.root / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(descriptor, 32, 0) or b"0") or None
    else:
        return None
    finally:
        os.close(descriptor)


def manage(environ: Mapping[str, str], role: str, arguments: Sequence[str]) -> None:
    """Become `manage.py` with the addresses and keys of this installation; doesn't return.

    `role` is the database role it connects as; `admin` adds the superuser's address for create_roles.
    """
    account = service_account()
    layout = prepare_layout(state_directory(environ, account), account)
    runner = account if can_run_the_platform(account, layout) else starting_account()
    addresses, admin_url = installed_addresses(environ, layout)
    maker = ChildEnvironment(layout, runner, read_configuration(environ), addresses, environ)
    made = {"app": maker.for_app, "signer": maker.for_signer}
    variables = made.get(role, maker.for_owner)()
    if role == "admin" and admin_url:
        variables |= {"AID_DATABASE_ADMIN_URL": admin_url}
    _become(runner)
    os.umask(PRIVATE)
    os.chdir(CHECKOUT)
    os.execve(sys.executable, [sys.executable, "manage.py", *arguments], variables)  # noqa: S606


def installed_addresses(environ: Mapping[str, str], layout: Layout) -> tuple[Addresses, str | None]:
    """Return where the services are or would be, and the administrator's address if there is one."""
    database, broker = resolve_postgres(environ, layout), resolve_broker(environ, layout)
    redis_url = broker.url if isinstance(broker, ExternalBroker) else Valkey(broker, layout, environ).url
    if isinstance(database, ExternalPostgres):
        return Addresses(
            database.app_url, database.owner_url, redis_url, database.signer_url
        ), database.admin_url
    server = Postgres(database, layout, environ)
    return Addresses(server.app_url, server.owner_url, redis_url, server.signer_url), server.admin_url


def _become(account: Account) -> None:
    if account.dropped:
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)
