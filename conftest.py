"""Fixtures for every test: real PostgreSQL, real broker, the application's own role."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from aidplatform.celery import app
from aidplatform.site.catalogues import compile_catalogues
from aidplatform.testing.fixtures import *  # noqa: F403
from aidplatform.testing.prepared import (  # noqa: F401  hooks and their fixture
    prepared_state,
    pytest_collection_modifyitems,
    pytest_runtest_setup,
)


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Replace pytest-django's own set-up: the plugin has already cloned this process a prepared database.

    Handlers of jobs are registered as in a worker, so that no test depends on what another has imported.
    """
    app.loader.import_default_modules()


@pytest.fixture(scope="session", autouse=True)
def whole_catalogue() -> None:
    """Compile the translations before the first test: a process reads them once."""
    compile_catalogues()


@pytest.fixture(autouse=True)
def default_language() -> Iterator[None]:
    """Let no test hand its language on to the next."""
    translation.deactivate()
    yield
    translation.deactivate()
