"""Let many threads, each with its own connection, do something at the same instant."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import connection

Answer = TypeVar("Answer")


def together(acts: Sequence[Callable[[], Answer]], *, seconds: float = 60) -> list[Answer | Exception]:
    """Start all acts at one barrier; return what each returned or raised, in their order.

    Raises: TimeoutError when one of them does not come to an end: a race must not end in waiting.
    """
    answers: list[Answer | Exception] = [TimeoutError("never ended")] * len(acts)
    barrier = threading.Barrier(len(acts))

    def run(place: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=seconds)
            answers[place] = acts[place]()
        except Exception as error:
            answers[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[place], daemon=True) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=seconds)
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError(f"{sum(thread.is_alive() for thread in threads)} of {len(acts)} wait for ever")
    return answers


def raised(answers: Sequence[object], kind: type[Exception] = Exception) -> list[Exception]:
    """Return the answers that are errors of that kind."""
    return [answer for answer in answers if isinstance(answer, kind)]
