"""A database that was prepared as a real installation, and settings to match."""

import os
import uuid
from collections.abc import Iterator

import pytest
from django.db import connections

from aidplatform.embedded.services import Services, running_services
from aidplatform.testing.operator import run_manage
from aidplatform.testing.plugin import test_services


def real_environment(owner_url: str, app_url: str) -> dict[str, str]:
    """Return the variables of a real installation behind a proxy."""
    return {
        "AID_DEMO": "0",
        "AID_PUBLIC_URL": "https://aid.example.org",
        "AID_DATABASE_URL": app_url,
        "AID_DATABASE_OWNER_URL": owner_url,
    }


@pytest.fixture(scope="session")
def other_server() -> Iterator[Services]:
    """Start a second database server and broker, whose roles and settings no other test depends on."""
    with running_services(None, fast=True, environ={"PATH": os.defpath}) as services:
        yield services


@pytest.fixture(scope="session")
def real_template() -> Iterator[str]:
    """Prepare one real database by the command that every start runs."""
    services = test_services()
    name = f"aid_real_{uuid.uuid4().hex[:10]}"
    owner_url, app_url = services.create_database(name)
    done = run_manage(
        "prepare",
        "--database-only",
        environment=real_environment(owner_url, app_url) | {"AID_DATABASE_ROLE": "owner"},
    )
    assert done.returncode == 0, done.stderr
    yield name
    services.drop_database(name)


@pytest.fixture
def real_db(real_template: str, django_db_blocker, settings) -> Iterator[tuple[str, str]]:
    """Give the test a real installation's database of its own; yields (owner_url, app_url)."""
    services = test_services()
    name = f"aid_test_{uuid.uuid4().hex[:12]}"
    addresses = services.create_database(name, real_template)
    settings.DEMO = False
    settings.PUBLIC_URL = "https://aid.example.org"
    settings.ALLOWED_HOSTS = ["aid.example.org"]
    connection = connections["default"]
    before = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield addresses
        finally:
            connections.close_all()
            connection.settings_dict["NAME"] = before
            services.drop_database(name)
