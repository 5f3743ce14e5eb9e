"""Each guarantee of identities, notices, mails and tokens, broken by hand as aid_app."""

from typing import Any

import psycopg
import pytest

from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run
from members.people.models import User

ROWS: dict[str, dict[str, Any]] = {
    "members_identity": {
        "kind": "passport",
        "document_index": b"i",
        "sealed": b"s",
        "recorded_at": "2026-01-01",
    },
    "members_notice": {"kind": "charged", "key": "demo/1", "params": "{}", "link": "/", "at": "2026-01-01"},
    "members_mail": {
        "key": "k",
        "to_address": "a@b",
        "subject": "s",
        "body": "b",
        "written_at": "2026-01-01",
    },
    "members_apitoken": {"token_sha256": "0" * 64, "is_strong": False, "created_at": "2026-01-01"},
}


def _insert(table: str, person: User, **changes: Any) -> None:
    row = {"person_id": person.pk, **ROWS[table], **changes}
    run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *row.values())


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("one@example.org")


@pytest.fixture
def other(db: None) -> User:
    return User.objects.create_user("two@example.org")


def test_one_person_per_document(person: User, other: User) -> None:
    _insert("members_identity", person)
    with refused("one_person_per_document"):
        _insert("members_identity", other)
    _insert("members_identity", other, document_index=b"j")


def test_identity_kind_is_known(person: User) -> None:
    with refused("identity_kind_is_known"):
        _insert("members_identity", person, kind="library_card")


@pytest.mark.parametrize("statement", ["UPDATE {} SET sealed = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_identity_is_permanent(db: None, owner: psycopg.Connection, statement: str) -> None:
    with not_permitted():
        run(statement.format("members_identity"))
    with refused_to_owner(owner, "identity_is_permanent"):
        owner.execute(statement.format("members_identity"))


def test_one_notice_per_person_kind_and_key(person: User, other: User) -> None:
    _insert("members_notice", person)
    _insert("members_notice", other)
    _insert("members_notice", person, key="demo/2")
    with refused("one_notice_per_person_kind_and_key"):
        _insert("members_notice", person)


def test_notice_is_read_once(person: User) -> None:
    _insert("members_notice", person)
    run("UPDATE members_notice SET read_at = now()")
    for read_at in (None, "2027-01-01"):
        with refused("notice_is_read_once"):
            run("UPDATE members_notice SET read_at = %s", read_at)
    for statement in ("UPDATE members_notice SET params = '{}'", "DELETE FROM members_notice"):
        with not_permitted():
            run(statement)


def test_one_mail_per_key(person: User, other: User) -> None:
    _insert("members_mail", person)
    with refused("one_mail_per_key"):
        _insert("members_mail", other)


def test_one_token_per_hash_and_one_live_token_per_person(person: User, other: User) -> None:
    _insert("members_apitoken", person)
    with refused("one_token_per_hash"):
        _insert("members_apitoken", other)
    with refused("one_live_token_per_person"):
        _insert("members_apitoken", person, token_sha256="1" * 64)
    run("UPDATE members_apitoken SET ended_at = now()")
    _insert("members_apitoken", person, token_sha256="1" * 64)


def test_token_ends_once(person: User) -> None:
    _insert("members_apitoken", person)
    run("UPDATE members_apitoken SET ended_at = now()")
    for ended_at in (None, "2027-01-01"):
        with refused("token_ends_once"):
            run("UPDATE members_apitoken SET ended_at = %s", ended_at)
    for statement in ("UPDATE members_apitoken SET is_strong = true", "DELETE FROM members_apitoken"):
        with not_permitted():
            run(statement)
