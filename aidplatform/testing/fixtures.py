"""Fixtures shared by all rooms."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connections

from aidplatform.embedded.services import in_database
from aidplatform.testing.plugin import test_services
from aidplatform.testing.prepared import prepared
from aidplatform.testing.stack import Stack
from aidplatform.testing.world import World

__all__ = ["committed_db", "owner", "stack", "unguarded", "world"]


@pytest.fixture
def committed_db(django_db_blocker: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Give the test a database of its own, in which commits are real; yields (owner_url, app_url)."""
    services = test_services()
    name = f"aid_test_{uuid.uuid4().hex[:12]}"
    addresses = services.create_database(name, "aid_template")
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield addresses
        finally:
            connections.close_all()
            connection.settings_dict["NAME"] = before
            services.drop_database(name)


@pytest.fixture
def unguarded(committed_db: tuple[str, str]) -> Iterator[psycopg.Connection]:
    """Give a connection to that database for which no guard stands: what somebody with the whole server could do."""
    name = urlsplit(committed_db[0]).path.strip("/")
    address = in_database(test_services().admin_conninfo, name)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


@pytest.fixture
def stack(committed_db: tuple[str, str], tmp_path: Path) -> Iterator[Stack]:
    """Give the test a running installation on a database of its own; it starts the processes it needs."""
    import redis

    owner_url, app_url = committed_db
    redis.Redis.from_url(os.environ["AID_REDIS_URL"]).flushdb()
    running = Stack(app_url, owner_url, os.environ["AID_REDIS_URL"], tmp_path)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    """Give the test a connection as aid_owner to this process's database; nothing it does stays."""
    with psycopg.connect(os.environ["AID_DATABASE_OWNER_URL"]) as connection:
        connection.execute("SET lock_timeout = '5s'")
        yield connection
        connection.rollback()


@prepared
def world() -> World:
    """Give the test a small founded pool with people for every duty, rolled back afterwards."""
    return World.founded()
