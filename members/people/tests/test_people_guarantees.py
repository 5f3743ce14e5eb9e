"""Guarantees of identities, notices, mails and tokens, broken by hand; and mails that leave once."""

from typing import Any

import psycopg
import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.lib import clock
from aidplatform.testing.refusals import not_permitted, refused, refused_to_owner, run, value
from aidplatform.work.jobs import claim
from members.joining.tests.papers import paper, passport
from members.people.identity import OtherIdentityError, record_identity
from members.people.mails import Letter, TableBackend, send_mails, write_mails
from members.people.models import ApiToken, Identity, Mail, Notice, User
from members.people.services import end_token, make_token, remember_language


@pytest.fixture
def person(db: None) -> User:
    """Give the test a person."""
    return User.objects.create_user("someone@example.org")


def _notice(person: User, **changes: Any) -> Notice:
    row = {"person": person, "kind": "joined", "key": "k", "params": {}, "link": "/", "at": clock.now()}
    return Notice.objects.create(**(row | changes))


def test_identity_is_permanent(person: User) -> None:
    first = record_identity(person=person, paper=paper(), at=clock.now())
    assert record_identity(person=person, paper=paper(), at=clock.now()) == first
    with pytest.raises(OtherIdentityError):
        record_identity(person=person, paper=passport("XX0000001"), at=clock.now())
    for statement in ("UPDATE {} SET kind = kind", "DELETE FROM {}", "TRUNCATE {}"):
        with not_permitted():
            run(statement.format("members_identity"))


def test_identity_is_permanent_for_the_owner_too(owner: psycopg.Connection) -> None:
    for statement in ("UPDATE {} SET kind = kind", "DELETE FROM {}", "TRUNCATE {}"):
        with refused_to_owner(owner, "identity_is_permanent"):
            owner.execute(statement.format("members_identity"))


def test_one_person_per_document(person: User) -> None:
    record_identity(person=person, paper=paper(), at=clock.now())
    other = User.objects.create_user("other@example.org")
    with refused("one_person_per_document"):
        record_identity(person=other, paper=paper(), at=clock.now())


def test_identity_kind_is_known(person: User) -> None:
    with refused("identity_kind_is_known"):
        Identity.objects.create(
            person=person, kind="library", document_index=b"x", sealed=b"x", recorded_at=clock.now()
        )


def test_one_notice_per_person_kind_and_key(person: User) -> None:
    _notice(person)
    _notice(person, key="other")
    with refused("one_notice_per_person_kind_and_key"):
        _notice(person)


def test_notice_is_read_once(person: User) -> None:
    _notice(person)
    run("UPDATE members_notice SET read_at = now()")
    for value_ in ("now()", "NULL"):
        with refused("notice_is_read_once"):
            run(f"UPDATE members_notice SET read_at = {value_}")
    for column in ("params", "kind", "link", "at", "person_id"):
        with not_permitted():
            run(f"UPDATE members_notice SET {column} = {column}")
    with not_permitted():
        run("DELETE FROM members_notice")


def test_one_mail_per_key(person: User) -> None:
    letter = Letter("k/1", person, "Subject", "Body")
    assert write_mails([letter], batch="b", actor="x") == 1
    assert write_mails([letter], batch="b", actor="x") == 0
    with refused("one_mail_per_key"):
        Mail.objects.create(
            key="k/1", person=person, to_address="a@b", subject="", body="", written_at=clock.now()
        )


def test_tokens_end_once_and_one_lives_at_a_time(person: User) -> None:
    first = make_token(person=person, is_strong=False, at=clock.now())
    second = make_token(person=person, is_strong=False, at=clock.now())
    assert first != second
    assert value("SELECT count(*) FROM members_apitoken WHERE ended_at IS NULL") == 1
    with refused("one_live_token_per_person"):
        ApiToken.objects.create(person=person, token_sha256="x", is_strong=True, created_at=clock.now())
    with refused("one_token_per_hash"):
        ApiToken.objects.create(
            person=person, token_sha256=ApiToken.objects.filter(ended_at=None).get().token_sha256,
            is_strong=True, created_at=clock.now(), ended_at=clock.now(),
        )  # fmt: skip
    end_token(person=person, at=clock.now())
    for value_ in ("now()", "NULL"):
        with refused("token_ends_once"):
            run(f"UPDATE members_apitoken SET ended_at = {value_}")
    with not_permitted():
        run("UPDATE members_apitoken SET is_strong = true")


class _Failing(EmailBackend):
    """A mail server that refuses one address."""

    def send_messages(self, messages: Any) -> int:
        for message in messages:
            if message.to == ["broken@example.org"]:
                raise ConnectionRefusedError("no")
        return super().send_messages(messages)


def test_mail_that_cannot_leave_keeps_no_other_back_and_leaves_later(person: User, settings: Any) -> None:
    broken = User.objects.create_user("broken@example.org")
    letters = [Letter("a/1", broken, "S", "B"), Letter("a/2", person, "S", "B")]
    write_mails(letters, batch="b", actor="x")
    lease = claim(value("SELECT id FROM work_job"))
    assert lease is not None
    locmem = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}._Failing"
    with pytest.raises(ConnectionRefusedError):
        send_mails(lease)
    assert [m.to for m in mail.outbox] == [["someone@example.org"]]
    settings.EMAIL_BACKEND = locmem
    assert send_mails(lease) == {"sent": 1}
    assert send_mails(lease) == {"sent": 0}
    assert [m.extra_headers["Message-ID"] for m in mail.outbox] == ["<a.2@localhost>", "<a.1@localhost>"]


def test_mail_server_of_a_demonstration_keeps_what_the_framework_sends(person: User) -> None:
    message = EmailMessage("Reset", "Link", to=[person.email])
    assert TableBackend().send_messages([message]) == 1
    kept = Mail.objects.get()
    assert (kept.person, kept.subject, kept.body) == (person, "Reset", "Link")
    write_mails([Letter("k/1", person, "S", "B")], batch="b", actor="x")
    ours = EmailMessage("S", "B", to=[person.email], headers={"X-Aid-Key": "k/1"})
    TableBackend().send_messages([ours])
    assert Mail.objects.count() == 2


def test_language_is_remembered_only_where_the_site_has_it(person: User) -> None:
    remember_language(person=person, language="zh-hans")
    remember_language(person=person, language="xx")
    person.refresh_from_db()
    assert person.language == "zh-hans"
