"""One thing to do, as the start page and its parts say it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Todo:
    """Something to do: what, where, and the word on its button."""

    text: str
    address: str
    action: str
