"""Fixtures for every test: real PostgreSQL, real broker, the application's own role."""

from collections.abc import Iterator

import pytest

from aidplatform.testing.fixtures import *  # noqa: F403


@pytest.fixture(scope="session")
def django_db_setup() -> Iterator[None]:
    """Replace pytest-django's own set-up: the plugin has already cloned this process a prepared database."""
    return None
