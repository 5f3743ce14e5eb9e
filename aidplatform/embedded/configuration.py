"""What the environment asks of the supervisor, checked before anything is started."""

import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from aidplatform.embedded.accounts import Account, may_access
from aidplatform.embedded.errors import EmbeddedError

CHECKOUT = Path(__file__).resolve().parent.parent.parent
#: Where root keeps the state of a checkout whose folder is closed to the account of the services.
ROOT_STATE = Path("/var/lib")
DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Configuration:
    """How to serve: demonstration or real, and on which address."""

    demo: bool
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address to type into a browser on this machine."""
        everywhere_or_here = self.host in {"0.0.0.0", "::"} or is_loopback(self.host)  # noqa: S104
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{'localhost' if everywhere_or_here else shown}:{self.port}"

    def variables(self) -> dict[str, str]:
        """Return what the settings are told of it."""
        return {"AID_DEMO": "1" if self.demo else "0", "AID_HOST": self.host, "AID_PORT": str(self.port)}


def read_configuration(environ: Mapping[str, str]) -> Configuration:
    """Read and check AID_DEMO, AID_HOST and AID_PORT.

    Raises:
        EmbeddedError: a value that can't be meant, or a demonstration that others could reach.
    """
    demo = _demo(environ.get("AID_DEMO", "1"))
    host = environ.get("AID_HOST") or "127.0.0.1"
    if demo and not is_loopback(host):
        raise EmbeddedError(
            f"AID_HOST={host}: a demonstration lets everybody be anybody, so it is served on 127.0.0.1 only. "
            "Leave AID_HOST out, or set AID_DEMO=0 for a real installation."
        )
    return Configuration(demo, host, _port(environ.get("AID_PORT") or str(DEFAULT_PORT)))


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_free_port(configuration: Configuration) -> None:
    """Try the web server's address, before anything else is started.

    Raises:
        EmbeddedError: it is taken, reserved, or not an address of this machine.
    """
    host, port = configuration.host, configuration.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise EmbeddedError(
            f"The port {port} of {host} can't be used: {error.strerror}. "
            f"Choose another one:  AID_PORT={port + 1 if port < 65535 else DEFAULT_PORT} make run"
        ) from None


def state_directory(environ: Mapping[str, str], account: Account) -> Path:
    """Return AID_STATE_DIR, else `.state` in the checkout.

    When root starts us in a folder that is closed to the account of the services (/root often is), `.state`
    becomes a link to a place under /var/lib.
    """
    if chosen := environ.get("AID_STATE_DIR"):
        return Path(chosen)
    usual = CHECKOUT / ".state"
    if usual.is_symlink() or not account.dropped or may_access(CHECKOUT, os.X_OK, account):
        return usual.resolve()
    if usual.exists():
        return usual
    digest = hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:12]
    elsewhere = ROOT_STATE / f"aidplatform-{digest}"
    usual.symlink_to(elsewhere)
    return elsewhere


def _demo(text: str) -> bool:
    if text.strip().lower() in {"1", "true", "yes"}:
        return True
    if text.strip().lower() in {"0", "false", "no"}:
        return False
    raise EmbeddedError(f"AID_DEMO={text!r} is neither 1 nor 0.")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise EmbeddedError(f"AID_PORT={text!r} is not a port, a number from 1 to 65535.")
