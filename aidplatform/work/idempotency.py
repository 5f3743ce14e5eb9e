"""Answer a repeated request with its first answer, so that a double click moves money once."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from aidplatform.lib.errors import ConflictError
from aidplatform.work.models import IdempotencyKey


class KeyReusedError(ConflictError):
    """The key was used before with other content."""

    code = "idempotency_key_reused"


def scope_of(*parts: str) -> str:
    """Return the scope of a deed, by who does what and where; hashed, since codes may be of any length."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def once(
    *, scope: str, key: str, content: dict[str, Any], act: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Run `act` the first time and return its answer; later, and at the same instant, only the answer.

    The key's row is inserted first, so a second request waits for the first one's commit. If `act` raises,
    the row goes with its transaction and the request may be made again.

    scope: the person and the deed. content: what the request says; the same key with other content is refused.
    Raises: KeyReusedError.
    """
    fingerprint = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO work_idempotencykey (scope, key, fingerprint, created_at)
                   VALUES (%s, %s, %s, clock_timestamp())
                   ON CONFLICT ON CONSTRAINT one_answer_per_request DO NOTHING""",
                [scope, key, fingerprint],
            )
            is_first = cursor.rowcount == 1
        row = IdempotencyKey.objects.get(scope=scope, key=key)
        if row.fingerprint != fingerprint:
            raise KeyReusedError(_("This request was already made with other content. Reload the page."))
        if not is_first:
            return dict(row.answer or {})
        answer = act()
        row.answer = answer
        row.save(update_fields=["answer"])
        return answer
