"""What a lower app tells a higher one: an event, published in its own transaction and consumed by name.

Who listens is wired on top, in `settings.EVENT_SUBSCRIBERS`: event → kinds of job. So the ledger can say that an
award was paid without knowing that claims exist.
"""

from typing import Any

from django.conf import settings

from aidplatform.work import jobs


def publish(*, event: str, key: str, payload: dict[str, Any], actor: str) -> int:
    """Write one job per subscriber into the caller's transaction; return how many listen.

    key: what makes this happening unique, e.g. the award's code; published twice, it is heard once.
    Raises: KeyError for an event that is not in the list, so that a misspelled one is not silently unheard.
    """
    subscribers: list[str] = settings.EVENT_SUBSCRIBERS[event]
    for kind in subscribers:
        jobs.enqueue(kind=kind, key=key, payload=payload, actor=actor)
    return len(subscribers)
