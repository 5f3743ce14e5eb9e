"""Names that tell nothing and that nobody guesses: a kind, and characters without look-alikes."""

import secrets

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_code(kind: str, length: int = 10) -> str:
    """Return a new name: the kind, a hyphen, and that many characters."""
    return f"{kind}-" + "".join(secrets.choice(_ALPHABET) for _place in range(length))
