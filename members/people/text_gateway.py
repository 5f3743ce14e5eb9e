"""Who takes text messages to phones: a file in a demonstration, a service by its published interface otherwise."""

import base64
import hashlib
import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from django.conf import settings

SECONDS = 20


class Gateway(Protocol):
    """Takes one message. The same key is the same message, sent again after a crash."""

    def send(self, *, key: str, number: str, text: str) -> None:
        """Hand it on. Raises: OSError where it was not taken."""


@dataclass(frozen=True)
class FileGateway:
    """Writes each message into a file of a folder; nothing leaves the machine, and the same key is one file."""

    folder: Path

    def send(self, *, key: str, number: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        (self.folder / f"{name}.json").write_text(
            json.dumps({"to": number, "text": text}, ensure_ascii=False)
        )


@dataclass(frozen=True)
class TwilioGateway:
    """Speaks as Twilio's Programmable Messaging documents it (POST /2010-04-01/Accounts/{sid}/Messages.json).

    The interface has no key by which it would know a message again: one that is sent again after a crash comes twice.
    """

    host: str
    port: int
    account: str
    secret: str
    sender: str
    is_secure: bool = True

    @classmethod
    def from_url(cls, address: str) -> "TwilioGateway":
        """Read twilio://ACCOUNT:SECRET@host?from=SENDER. Raises: ValueError."""
        url = urlsplit(address)
        sender = parse_qs(url.query).get("from", [""])[0]
        if url.scheme != "twilio" or not (url.hostname and url.username and url.password and sender):
            raise ValueError("no address of a gateway")
        return cls(url.hostname, url.port or 443, unquote(url.username), unquote(url.password), sender)

    def send(self, *, key: str, number: str, text: str) -> None:
        kind = http.client.HTTPSConnection if self.is_secure else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=SECONDS)
        login = base64.b64encode(f"{self.account}:{self.secret}".encode()).decode()
        headers = {
            "Authorization": f"Basic {login}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"To": number, "From": self.sender, "Body": text})
        try:
            path = f"/2010-04-01/Accounts/{quote(self.account, safe='')}/Messages.json"
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
        except http.client.HTTPException as error:
            raise OSError(type(error).__name__) from None
        finally:
            connection.close()
        if status != http.client.CREATED:
            raise OSError(f"the gateway answered {status}")


def gateway() -> Gateway | None:
    """Return who takes messages by the settings; None: this installation sends none."""
    if settings.SMS_URL:
        return TwilioGateway.from_url(settings.SMS_URL)
    return FileGateway(settings.STATE_DIR / "texts") if settings.DEMO else None
