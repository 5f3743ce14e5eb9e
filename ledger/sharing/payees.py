"""Who receives money: a name and an account in one form, sealed where they are kept, compared by their hash."""

import json
import re
from dataclasses import asdict, dataclass

from aidplatform.lib import crypto


def account_key(number: str) -> str:
    """Return an account number as it is compared: without spaces, upper case."""
    return re.sub(r"[\s\-]", "", number).upper()


@dataclass(frozen=True)
class Payee:
    """To whom money is paid; `Payee.of` brings both parts into the form that is compared."""

    name: str
    account: str

    @classmethod
    def of(cls, name: str, account: str) -> "Payee":
        """Return the payee with single spaces in the name and none in the account."""
        return cls(" ".join(name.split()), account_key(account))

    @property
    def index(self) -> bytes:
        """Return the keyed hash by which an order's payee is compared with the award's."""
        return crypto.blind_index(f"{self.name}\x1f{self.account}", "custody.payee")

    @property
    def hint(self) -> str:
        """Return the last four characters of the account."""
        return f"…{self.account[-4:]}"

    def sealed(self, place: str) -> bytes:
        """Return both parts, sealed for a place."""
        return crypto.seal_text(json.dumps(asdict(self), ensure_ascii=False), place)

    @classmethod
    def unsealed(cls, data: bytes, place: str) -> "Payee":
        """Read what `sealed` wrote. Raises: lib.crypto.UnreadableError."""
        return cls(**json.loads(crypto.unseal_text(data, place)))
