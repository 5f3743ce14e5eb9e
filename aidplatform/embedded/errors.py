"""The one exception of the embedded services."""


class EmbeddedError(Exception):
    """Something a person has to put right; the message says what and how, and is printed without a trace."""
