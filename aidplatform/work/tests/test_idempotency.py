"""A request that is made twice has one effect and one answer."""

import hashlib
import json
from typing import Any

import psycopg
import pytest

from aidplatform.testing.pairs import Meanwhile, wait_for_a_waiter
from aidplatform.testing.refusals import not_permitted, refused, run
from aidplatform.work.idempotency import KeyReusedError, once
from aidplatform.work.models import AuditEntry, IdempotencyKey


def _once(
    key: str = "k", content: dict[str, Any] | None = None, answer: int = 1, **more: Any
) -> dict[str, Any]:
    """Answer with a number and leave a trace of having acted."""

    def act() -> dict[str, Any]:
        run(
            "INSERT INTO work_auditentry (at, actor, action, subject, detail) VALUES (now(), 'x', 'acted', 'x', '{}')"
        )
        return {"answer": answer}

    return once(
        **({"scope": "P-1 approve", "key": key, "content": content or {"sha": "a"}, "act": act} | more)
    )


def _acted() -> int:
    return AuditEntry.objects.filter(action="acted").count()


def test_repetition_gets_the_first_answer_and_acts_once(db: None) -> None:
    assert [_once(answer=number)["answer"] for number in (1, 2, 3)] == [1, 1, 1]
    assert _acted() == 1


def test_other_keys_and_scopes_act_by_themselves(db: None) -> None:
    assert _once(key="k1", answer=1) == {"answer": 1}
    assert _once(key="k2", answer=2) == {"answer": 2}
    assert _once(key="k1", answer=3, scope="P-2 approve") == {"answer": 3}
    assert _acted() == 3


def test_key_with_other_content_is_refused(db: None) -> None:
    _once(content={"sha": "a", "n": 1})
    with pytest.raises(KeyReusedError) as caught:
        _once(content={"sha": "b", "n": 1})
    assert (caught.value.code, caught.value.status) == ("idempotency_key_reused", 409)
    assert _once(content={"n": 1, "sha": "a"}) == {"answer": 1}
    assert _acted() == 1


def test_failed_request_may_be_made_again(db: None) -> None:
    def fail() -> dict[str, Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _once(act=fail)
    assert not IdempotencyKey.objects.exists()
    assert _once(answer=7) == {"answer": 7}


def test_second_request_waits_for_the_answer_of_the_first(committed_db: tuple[str, str]) -> None:
    """The first has inserted its key and not yet committed: the second neither acts nor answers before it."""
    with psycopg.connect(committed_db[1]) as first:
        _insert_key(first)
        second = Meanwhile(lambda: _once(answer=2))
        wait_for_a_waiter(first)
        first.commit()
        assert second.outcome() == {"answer": 1}
    assert _acted() == 0


def test_second_request_acts_when_the_first_is_undone(committed_db: tuple[str, str]) -> None:
    with psycopg.connect(committed_db[1]) as first:
        _insert_key(first)
        second = Meanwhile(lambda: _once(answer=2))
        wait_for_a_waiter(first)
        first.rollback()
        assert second.outcome() == {"answer": 2}
    assert _acted() == 1


def _insert_key(connection: psycopg.Connection) -> None:
    """Answer the request of `_once` on another connection, without committing."""
    fingerprint = hashlib.sha256(json.dumps({"sha": "a"}).encode()).hexdigest()
    connection.execute(
        """INSERT INTO work_idempotencykey (scope, key, fingerprint, answer, created_at)
           VALUES ('P-1 approve', 'k', %s, '{"answer": 1}', now())""",
        [fingerprint],
    )


def test_one_answer_per_request(db: None) -> None:
    _once()
    with refused("one_answer_per_request"):
        run(
            """INSERT INTO work_idempotencykey (scope, key, fingerprint, created_at)
               VALUES ('P-1 approve', 'k', 'x', now())"""
        )


def test_first_answer_stays(db: None) -> None:
    _once()
    for answer in ('{"answer": 2}', None):
        with refused("first_answer_stays"):
            run("UPDATE work_idempotencykey SET answer = %s", answer)
    for statement in ("UPDATE work_idempotencykey SET fingerprint = 'x'", "DELETE FROM work_idempotencykey"):
        with not_permitted():
            run(statement)
    assert IdempotencyKey.objects.get().answer == {"answer": 1}
