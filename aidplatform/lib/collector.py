"""Python's collector of cyclic garbage, asleep while a great many records are read that hold no cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_asleep() -> Iterator[None]:
    """Let the collector sleep: of half a million records that all stay it would look at each again and again.

    What nothing refers to any more is freed all the same, at once; only cycles wait. It sleeps for the whole process.
    """
    was_awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_awake:
            gc.enable()
