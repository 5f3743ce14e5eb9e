"""The doctor finds each thing that is broken on purpose, and says what to do about it."""

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from aidplatform.lib import clock
from aidplatform.site.doctor import CHECKS, database, examine, guards
from aidplatform.site.founding import found_administrators
from aidplatform.site.tests.conftest import real_environment
from aidplatform.tables import grant_statements
from aidplatform.testing.operator import run_manage
from aidplatform.testing.plugin import test_services
from aidplatform.testing.stack import Stack, wait_until
from aidplatform.work import heartbeat
from aidplatform.work.models import Job


@pytest.fixture
def quick_ping(monkeypatch) -> None:
    """Wait only a moment for workers where none runs."""
    monkeypatch.setattr("aidplatform.site.doctor.work.PING_SECONDS", 0.2)


def sentences(name: str) -> list[str]:
    """Return what a check finds wrong."""
    return [fault.sentence for fault in CHECKS[name][1]()]


def remedies(name: str) -> str:
    """Return what a check says to do."""
    return "\n".join(fault.remedy for fault in CHECKS[name][1]())


def doctor(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it said."""
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("doctor", *arguments, stdout=out)
    return left.value.code, out.getvalue()


@contextmanager
def owner_of(addresses: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """Connect as the owner, by whom harm is done."""
    with psycopg.connect(addresses[0], autocommit=True) as owner:
        yield owner


@contextmanager
def signed_in_as_owner(addresses: tuple[str, str], monkeypatch) -> Iterator[None]:
    """Let Django connect as the owner, as AID_DATABASE_ROLE=owner does."""
    url = urlsplit(addresses[0])
    with monkeypatch.context() as changed:
        connection.close()
        changed.setitem(connection.settings_dict, "USER", url.username)
        changed.setitem(connection.settings_dict, "PASSWORD", url.password)
        yield
        connection.close()


def test_a_sound_database_has_no_faults(committed_db):
    for name in ("database", "owner", "installation", "migrations", "roles", "grants", "guards", "functions"):
        assert sentences(name) == [], name
    for name in ("broker", "jobs", "outbox", "clock", "disk"):
        assert sentences(name) == [], name


def test_a_whole_installation_is_healthy(stack: Stack, settings, monkeypatch, tmp_path):
    stack.start_worker(concurrency=1)
    stack.start_beat()
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    settings.STATE_DIR = tmp_path
    settings.SECRET_KEY, settings.DATA_KEY = (
        "abcdefghijklmnopqrstuvwxyz" * 2,
        "zyxwvutsrqponmlkjihgfedcba" * 2,
    )
    monkeypatch.setenv("AID_DATABASE_OWNER_URL", stack.owner_url)
    wait_until(lambda: heartbeat.seconds_since_sweep() is not None, seconds=40, what="the first tick")

    code, said = doctor()

    assert code == 0, said
    assert said.endswith("Healthy.\n")
    assert said.count("  ok   ") == len(CHECKS)


def test_a_database_that_is_away_is_told_once_and_the_rest_is_not_guessed(db_settings_away, quick_ping):
    code, said = doctor()
    assert code == 1
    assert "FAULT  database: PostgreSQL does not answer" in said
    assert "Start it (make run starts the embedded one), or correct AID_DATABASE_URL." in said
    assert "guards: not examined without the database" in said
    assert "Healthy" not in said


@pytest.fixture
def db_settings_away(django_db_blocker, monkeypatch) -> Iterator[None]:
    """Point the database's address where no server is."""
    with django_db_blocker.unblock():
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "/nonexistent")
        yield
        connection.close()


def test_an_old_server_is_named(committed_db, monkeypatch):
    monkeypatch.setattr(database, "OLDEST_MAJOR", 99)
    (said,) = sentences("database")
    assert said.endswith("99 is the oldest supported.")


def test_signing_in_as_somebody_else_is_a_fault(committed_db, monkeypatch):
    monkeypatch.setenv("AID_DATABASE_ROLE", "owner")
    assert sentences("database") == ["AID_DATABASE_URL signs in as aid_app, not as aid_owner."]


def test_an_owner_who_can_not_sign_in_is_named(committed_db, monkeypatch):
    monkeypatch.setenv("AID_DATABASE_OWNER_URL", committed_db[0].replace(":", ":x", 2))
    (said,) = sentences("owner")
    assert said.startswith("PostgreSQL does not answer as the owner")
    monkeypatch.setenv("AID_DATABASE_OWNER_URL", committed_db[1])
    assert sentences("owner") == ["AID_DATABASE_OWNER_URL signs in as aid_app, not as aid_owner."]


def test_settings_of_the_other_kind_are_named(committed_db, settings):
    settings.DEMO = False
    assert sentences("installation") == ["The database is a demonstration, AID_DEMO is 0."]
    assert "AID_DEMO=1" in remedies("installation")


def test_missing_and_unknown_migrations_are_named(committed_db):
    with owner_of(committed_db) as owner:
        newest = owner.execute("SELECT max(name) FROM django_migrations WHERE app = 'ledger'").fetchone()[0]
        owner.execute("DELETE FROM django_migrations WHERE app = 'ledger' AND name = %s", [newest])
        owner.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '0999_later', now())"
        )
    said = sentences("migrations")
    assert said[0].startswith(f"The migration ledger.{newest}")
    assert said[-1] == "The database has a migration that this version does not know: ledger.0999_later."
    assert "manage.py prepare" in remedies("migrations")


def test_rights_over_the_server_are_named(committed_db):
    services = test_services()
    role = f"aid_try_{connection.settings_dict['NAME'][-8:]}"
    with psycopg.connect(services.admin_conninfo, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} CREATEDB BYPASSRLS")
        try:
            assert [fault.sentence for fault in database.role_faults(role)] == [
                f"{role} has CREATEDB.",
                f"{role} has BYPASSRLS.",
            ]
        finally:
            admin.execute(f"DROP ROLE {role}")
    assert [fault.sentence for fault in database.role_faults(role)] == [f"There is no role {role}."]


def heal(owner: psycopg.Connection, remedy: str) -> None:
    """Do what the doctor says."""
    if "manage.py prepare" in remedy:
        for statement in grant_statements():
            owner.execute(statement)
    else:
        owner.execute(remedy.partition("as the owner: ")[2])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("GRANT UPDATE ON ledger_posting TO aid_app", "aid_app has UPDATE on table ledger_posting, which"),
        ("GRANT TRUNCATE ON ledger_posting TO PUBLIC", "aid_app has TRUNCATE on table ledger_posting, which"),
        (
            "GRANT UPDATE (amount_fen) ON ledger_posting TO aid_app",
            "aid_app has UPDATE on column ledger_posting.amount_fen, which",
        ),
        ("GRANT CREATE ON SCHEMA public TO aid_app", "aid_app has CREATE on schema public, which"),
        (
            "CREATE TABLE extra (); GRANT SELECT ON extra TO aid_app",
            "aid_app has SELECT on table extra, which",
        ),
        ("REVOKE INSERT ON work_job FROM aid_app", "aid_app lacks INSERT on table work_job."),
        (
            "REVOKE UPDATE (state) ON work_job FROM aid_app",
            "aid_app lacks UPDATE on column work_job.state.",
        ),
        (
            "REVOKE EXECUTE ON FUNCTION open_charge_shelf(bigint) FROM aid_app",
            "aid_app lacks EXECUTE on function open_charge_shelf(bigint).",
        ),
        (
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "aid_app has EXECUTE on function mine(), which",
        ),
    ],
)
def test_every_right_that_differs_from_the_list_is_named(committed_db, harm, said):
    with owner_of(committed_db) as owner:
        owner.execute(harm)
        (found,) = sentences("grants")
        assert found.startswith(said)
        heal(owner, remedies("grants"))
        assert sentences("grants") == []


TRIGGER = "(SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_journal_entry_balances%')"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("DROP TRIGGER {trigger} ON ledger_posting", "is not installed."),
        ("ALTER TABLE ledger_posting DISABLE TRIGGER {trigger}", "is switched off."),
        ("COMMENT ON TRIGGER {trigger} ON ledger_posting IS 'older'", "is of another version."),
        (
            "CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "does not say what it must.",
        ),
    ],
)
def test_every_change_of_a_guard_is_named(committed_db, harm, said):
    with owner_of(committed_db) as owner:
        (trigger,) = owner.execute(f"SELECT {TRIGGER}").fetchone()
        owner.execute(harm.format(trigger=trigger))
    assert sentences("guards") == [f"The guard journal_entry_balances on ledger_posting {said}"]


def test_the_remedy_for_guards_heals(committed_db, monkeypatch):
    with owner_of(committed_db) as owner:
        (trigger,) = owner.execute(f"SELECT {TRIGGER}").fetchone()
        owner.execute(f"DROP TRIGGER {trigger} ON ledger_posting")
        owner.execute(
            f"CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        )
    assert "AID_DATABASE_ROLE=owner python manage.py pgtrigger install" in remedies("guards")
    with signed_in_as_owner(committed_db, monkeypatch):
        call_command("pgtrigger", "install")
    assert sentences("guards") == []


def test_a_changed_or_missing_function_is_named(committed_db):
    with owner_of(committed_db) as owner:
        owner.execute(
            "CREATE OR REPLACE FUNCTION aid_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$SELECT now()$$"
        )
        owner.execute("DROP FUNCTION close_charge_shelf(bigint)")
    assert sorted(sentences("functions")) == [
        "The function aid_now does not say what it must.",
        "The function close_charge_shelf is not installed.",
    ]


def test_the_functions_that_matter_are_compared(committed_db):
    declared = guards.declared_functions()
    names = ("aid_now", "members_headcount", "take_headcount", "open_charge_shelf", "close_charge_shelf")
    assert set(names) <= declared.keys()
    assert all(len(declared[name]) > 80 for name in names)


def test_a_broker_that_is_away_is_named(settings):
    settings.REDIS_URL = "unix:///nonexistent/valkey.sock?db=0"
    (said,) = sentences("broker")
    assert said.startswith("The broker does not answer")
    assert "Nothing is lost meanwhile." in remedies("broker")


def test_a_broker_that_throws_messages_away_is_named(other_server, settings):
    settings.REDIS_URL = other_server.redis_url
    assert sentences("broker") == []
    with redis.Redis.from_url(other_server.redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    (said,) = sentences("broker")
    assert "maxmemory-policy allkeys-lru" in said


def test_a_silent_worker_is_named(quick_ping):
    assert sentences("worker") == ["No worker answers within 0 s."]


def test_a_scheduler_never_seen_or_long_silent_is_named(committed_db):
    assert sentences("schedule") == ["The scheduler's tick has never been seen."]
    heartbeat.note_sweep()
    assert sentences("schedule") == []
    cache.set("work.last_sweep", cache.get("work.last_sweep") - 300, None)
    (said,) = sentences("schedule")
    assert said.startswith("The scheduler's tick was last seen 300 s ago")
    assert "celery -A aidplatform beat" in remedies("schedule")


def make_job(**columns: object) -> Job:
    now = clock.machine_now()
    return Job.objects.create(kind="test", key="k", actor="t", due_at=now, created_at=now, **columns)


def test_a_stuck_job_is_named_with_its_error(committed_db):
    job = make_job()
    Job.objects.filter(pk=job.pk).update(state="stuck", last_error="ValueError: no")
    assert sentences("jobs") == ["The job test k is stuck: ValueError: no"]


def test_a_job_that_nobody_takes_is_counted(committed_db):
    job = make_job()
    assert sentences("jobs") == []
    Job.objects.filter(pk=job.pk).update(due_at=clock.machine_now() - dt.timedelta(seconds=500))
    (said,) = sentences("jobs")
    assert said.startswith("1 jobs wait for a worker, the longest for 500 s")


def test_an_old_unsent_message_is_counted(committed_db):
    with owner_of(committed_db) as owner:
        owner.execute(
            """INSERT INTO work_outboxmessage (task, arguments, created_at)
               VALUES ('work.run_job', '[1]', now() - interval '200 seconds')"""
        )
    (said,) = sentences("outbox")
    assert said.startswith("1 messages wait to be sent, the oldest for 200 s")


def test_clocks_that_differ_are_named(committed_db, monkeypatch):
    wrong = clock.machine_now() + dt.timedelta(seconds=30)
    monkeypatch.setattr("aidplatform.site.doctor.machine.clocks", SimpleNamespace(machine_now=lambda: wrong))
    (said,) = sentences("clock")
    assert said.startswith("The clocks of this machine and of the database differ by ")
    assert "time server" in remedies("clock")


def test_a_moved_business_clock_of_a_real_installation_is_named(real_db):
    assert sentences("clock") == []
    with owner_of(real_db) as owner:
        owner.execute("ALTER TABLE work_installation DROP CONSTRAINT real_clock_is_not_moved")
        owner.execute("UPDATE work_installation SET clock_offset = interval '2 days'")
    assert sentences("clock") == ["The business clock is +172800 s off, in a real installation."]


def test_a_full_disk_is_named(committed_db, settings, tmp_path, monkeypatch):
    settings.STATE_DIR = tmp_path
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage._replace(free=5 * 10**8))
    (said,) = sentences("disk")
    assert said.startswith(f"{tmp_path} has 0.5 GB left of ")


def test_weak_and_equal_keys_are_named(settings, tmp_path):
    settings.STATE_DIR = tmp_path / "none"
    settings.SECRET_KEY = settings.DATA_KEY = "secret-" * 8
    said = sentences("secrets")
    assert said[0] == "AID_SECRET_KEY consists of 6 different characters: it can be guessed."
    assert said[2] == "AID_SECRET_KEY and AID_DATA_KEY are the same."
    assert not any("secret-secret" in one for one in said)


def test_a_secret_that_others_can_read_is_named(settings, tmp_path):
    settings.STATE_DIR = tmp_path
    settings.SECRET_KEY, settings.DATA_KEY = (
        "abcdefghijklmnopqrstuvwxyz" * 2,
        "zyxwvutsrqponmlkjihgfedcba" * 2,
    )
    tmp_path.chmod(0o700)
    (tmp_path / "secrets").mkdir(mode=0o700)
    file = tmp_path / "secrets" / "aid_owner"
    file.write_text("x")
    file.chmod(0o644)
    assert sentences("secrets") == [f"{file} is open to other accounts of this machine (mode 644)."]
    assert f"chmod 600 {file}" in remedies("secrets")


def test_static_files_that_were_not_collected_are_named(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    assert sentences("static") == [f"No static files are in {tmp_path}."]
    (tmp_path / "staticfiles.json").write_text("{}")
    assert sentences("static") == []


def test_mail_that_reaches_nobody_is_named(settings, tmp_path):
    settings.DEMO = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    (said,) = sentences("mail")
    assert said.startswith("No mail server is set")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    (said,) = sentences("mail")
    assert said.startswith("The mail server 127.0.0.1:1 refuses")


def test_mail_service_that_lacks_a_setting_is_named(settings):
    settings.DEMO = False
    settings.EMAIL_SERVICE, settings.EMAIL_BACKEND = "postmark", "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {}
    (said,) = sentences("mail")
    assert said.startswith("The mail service postmark lacks a setting")
    assert "POSTMARK_SERVER_TOKEN" in said
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "x"}
    assert sentences("mail") == []


def test_a_real_installation_wants_two_administrators(real_db):
    assert sentences("administrators") == ["There are no administrators yet."]
    assert "first_run --email" in remedies("administrators")
    found_administrators(emails=["one@example.org", "two@example.org"])
    assert sentences("administrators") == []
    with owner_of(real_db) as owner:
        owner.execute(
            """UPDATE members_dutygrant SET ended_at = clock_timestamp()
                WHERE id = (SELECT min(id) FROM members_dutygrant)"""
        )
    assert sentences("administrators") == [
        "Only one administrator is left: nobody can confirm what that person proposes."
    ]


def test_the_settings_of_a_real_installation_pass_every_deployment_check(real_db):
    environment = real_environment(*real_db) | {
        "AID_SECRET_KEY": "abcdefghijklmnopqrstuvwxyz" * 2,
        "AID_DATA_KEY": "zyxwvutsrqponmlkjihgfedcba" * 2,
    }
    done = run_manage("doctor", "--json", environment=environment)
    answer = json.loads(done.stdout)
    checks = {one["name"]: one["faults"] for one in answer["checks"]}
    assert done.returncode == 1
    assert not answer["healthy"]
    assert checks["https"] == []
    assert checks["administrators"][0]["sentence"] == "There are no administrators yet."


def test_an_address_without_https_is_named(settings):
    settings.DEMO = False
    settings.PUBLIC_URL = "http://aid.example.org"
    assert sentences("https")[-1].startswith("AID_PUBLIC_URL is http://aid.example.org")


def test_a_check_that_trips_is_a_fault(committed_db, quick_ping):
    with owner_of(committed_db) as owner:
        owner.execute("REVOKE SELECT ON work_job FROM aid_app")
    (found,) = [one for one in examine() if one.name == "jobs"]
    assert found.faults[0].sentence.startswith(
        "This could not be examined: ProgrammingError: permission denied for table work_job"
    )
