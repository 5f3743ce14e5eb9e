"""Fixtures for every test: real PostgreSQL, real broker, the application's own role."""

import pytest

from aidplatform.celery import app
from aidplatform.testing.fixtures import *  # noqa: F403


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Replace pytest-django's own set-up: the plugin has already cloned this process a prepared database.

    Handlers of jobs are registered as in a worker, so that no test depends on what another has imported.
    """
    app.loader.import_default_modules()
