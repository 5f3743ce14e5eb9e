"""Mails by a service in the place of a mail server: what it is sent, and that a refusal is tried again, once sent."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from anymail.exceptions import AnymailError

import members.tasks  # noqa: F401  registers the handlers of jobs
from aidplatform.testing.stack import ROOT
from aidplatform.work.jobs import claim
from aidplatform.work.models import Job
from members.people import mails
from members.people.mails import SEND, File, Letter, send_mails, write_mails
from members.people.models import Mail, User


class Service(HTTPServer):
    """Speaks as Postmark does, and keeps what it was sent. refuses: how many requests it answers with 500 first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, Any]] = []
        self.refuses = 0


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_refused = self.server.refuses > 0
        if is_refused:
            self.server.refuses -= 1
        else:
            self.server.taken.append(body | {"token": self.headers["X-Postmark-Server-Token"]})
        answer = {
            "ErrorCode": 0,
            "Message": "OK",
            "MessageID": "1",
            "SubmittedAt": "2026-01-01",
            "To": body["To"],
        }
        self.send_response(500 if is_refused else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    """Give the test a mail service, by which mails go."""
    server = Service()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "secret",
        "POSTMARK_API_URL": f"http://127.0.0.1:{server.server_port}/",
        "REQUESTS_TIMEOUT": (5, 20),
    }
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def send_due() -> dict[str, int]:
    lease = claim(Job.objects.get(kind=SEND).pk)
    assert lease is not None
    return send_mails(lease)


def test_mail_goes_to_the_service_with_its_files_and_key(
    db: None, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mails._makers, "test", lambda pk: [File("a.pdf", b"%PDF", "application/pdf")])
    person = User.objects.create_user("someone@example.org")
    write_mails([Letter("k/1", person, "Subject", "Body 互助", papers="test:7")], batch="b", actor="test")
    assert send_due() == {"sent": 1}
    (taken,) = service.taken
    assert (taken["To"], taken["Subject"], taken["TextBody"]) == (
        "someone@example.org",
        "Subject",
        "Body 互助",
    )
    assert taken["token"] == "secret"
    assert {"Name": "X-Aid-Key", "Value": "k/1"} in taken["Headers"]
    assert base64.b64decode(taken["Attachments"][0]["Content"]) == b"%PDF"
    assert Mail.objects.get().sent_at is not None


def test_refused_mail_keeps_no_other_back_and_is_sent_once_afterwards(db: None, service: Service) -> None:
    people = [User.objects.create_user(f"{name}@example.org") for name in "ab"]
    letters = [Letter(f"k/{person.email}", person, "S", "B") for person in people]
    write_mails(letters, batch="b", actor="test")
    service.refuses = 1
    lease = claim(Job.objects.get(kind=SEND).pk)
    assert lease is not None
    with pytest.raises(AnymailError):
        send_mails(lease)
    assert [taken["To"] for taken in service.taken] == ["b@example.org"]
    assert send_mails(lease) == {"sent": 1}
    assert send_mails(lease) == {"sent": 0}
    assert [taken["To"] for taken in service.taken] == ["b@example.org", "a@example.org"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"AID_EMAIL_SERVICE": "mailgun"}, "anymail.backends.mailgun.EmailBackend"),
        ({"AID_EMAIL_SERVICE": "pigeons"}, "no service that django-anymail knows"),
        ({"AID_EMAIL_SERVICE": "../os"}, "no service that django-anymail knows"),
        ({"AID_EMAIL_SERVICE": "mailgun", "AID_EMAIL_SERVICE_SETTINGS": "[1]"}, "is no JSON object"),
        ({"AID_EMAIL_SERVICE": "mailgun", "AID_EMAIL_SERVICE_SETTINGS": "{secret"}, "is no JSON."),
        ({"AID_EMAIL_SERVICE": "mailgun", "AID_EMAIL_URL": "smtp://a:b@c:587"}, "both set"),
        ({"AID_EMAIL_URL": "smtp://a:b@c:587"}, "django.core.mail.backends.smtp.EmailBackend"),
        ({}, "members.people.mails.TableBackend"),
    ],
)
def test_service_is_chosen_by_the_environment(given: dict[str, str], says: str) -> None:
    """A wrong value stops the process with a sentence, which never holds what the variable holds."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("AID_EMAIL")}
    run = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; print(settings.EMAIL_BACKEND)"],
        env=known | {"DJANGO_SETTINGS_MODULE": "aidplatform.settings_test"} | given,
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert says in run.stdout + run.stderr
    assert not any("{secret" in line for line in run.stderr.splitlines()[-1:])
