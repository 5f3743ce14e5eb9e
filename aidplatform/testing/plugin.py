"""Starts PostgreSQL and the broker once per test run, prepares one database and clones it per process.

Loaded by `-p`, so that the addresses are in the environment before Django reads its settings.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from aidplatform.embedded.services import Services, running_services

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = "aid_template"
LIVE = "test_browser_"
# What takes longest, and keeps a process busy by itself.
LONG = (LIVE, "test_five_lives")
_stack = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start the services in the first process; give every process a database of its own."""
    os.environ["AID_DEMO"] = "1"
    os.environ.setdefault("AID_SECRET_KEY", "only-for-tests-" + "x" * 50)
    os.environ.setdefault("AID_DATA_KEY", "only-for-tests-" + "y" * 50)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        _start_services()
    services = test_services()
    name = f"aid_test_{worker or 'main'}"
    owner_url, app_url = services.create_database(name, TEMPLATE)
    os.environ["AID_DATABASE_URL"], os.environ["AID_DATABASE_OWNER_URL"] = app_url, owner_url
    os.environ["AID_REDIS_URL"] = redis_url_of_worker(services.redis_url, worker)


def _start_services() -> None:
    """Start them, and prepare the database that all others are cloned from."""
    external = {key: os.environ[key] for key in _EXTERNAL if os.environ.get(key)}
    services = _stack.enter_context(running_services(None, fast=True, environ={**os.environ, **external}))
    os.environ["AID_TEST_SERVICES"] = json.dumps(services.__dict__)
    owner_url, app_url = services.create_database(TEMPLATE)
    environment = {
        **os.environ,
        "AID_DATABASE_URL": app_url,
        "AID_DATABASE_OWNER_URL": owner_url,
        "AID_DATABASE_ROLE": "owner",
        "AID_REDIS_URL": services.redis_url,
        "DJANGO_SETTINGS_MODULE": "aidplatform.settings_test",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "prepare", "--database-only"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        _stack.close()
        pytest.exit(f"The test database could not be prepared:\n{done.stdout}{done.stderr}", returncode=2)


_EXTERNAL = (
    "AID_DATABASE_ADMIN_URL",
    "AID_DATABASE_URL",
    "AID_DATABASE_OWNER_URL",
    "AID_DATABASE_SIGNER_URL",
    "AID_REDIS_URL",
)


def test_services() -> Services:
    """Return the services of this run."""
    return Services(**json.loads(os.environ["AID_TEST_SERVICES"]))


test_services.__test__ = False  # type: ignore[attr-defined]


def redis_url_of_worker(url: str, worker: str) -> str:
    """Give each test process a broker database of its own, so that workers never take each other's messages."""
    number = int(worker.removeprefix("gw") or 0) + 1 if worker else 0
    base, _, _query = url.partition("?")
    return f"{base}?db={number}" if url.startswith("unix:") else f"{base.rsplit('/', 1)[0]}/{number}"


def pytest_configure(config: pytest.Config) -> None:
    """Refuse eager tasks; say loudly, once, when the browser tests can't run."""
    from celery import current_app

    if current_app.conf.task_always_eager:
        pytest.exit("CELERY_TASK_ALWAYS_EAGER is on: these tests prove nothing without a real worker.", 2)
    if chromium() is None and not os.environ.get("PYTEST_XDIST_WORKER"):
        if os.environ.get("AID_REQUIRE_BROWSER") == "1":
            pytest.exit(
                "AID_REQUIRE_BROWSER=1, and there is no Chromium. Install it: apt-get install chromium", 2
            )
        sys.stderr.write(
            "\n!!! NO CHROMIUM ON THIS MACHINE: BROWSER TESTS ARE SKIPPED (apt-get install chromium)\n\n"
        )


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # its library has no types
    """Gives each process whole files, so that what a file prepares for its tests is prepared once.

    The files that look at the running demonstration count as one: it takes its time to make, and two of them would
    take each other's messages. pytest-xdist's own groups are written into node ids, which pytest 9.2 keeps as they are.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return "demonstration" if Path(file).name.startswith(LIVE) else file


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Share the tests out by file, in the order of the collection."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; skip what this machine or this run has not: the browser, the long versions."""
    items.sort(key=lambda item: (not item.path.name.startswith(LONG), not item.get_closest_marker("crash")))
    no_browser = pytest.mark.skip(reason="Chromium is missing: apt-get install chromium")
    no_soak = pytest.mark.skip(reason="a long version: set AID_SOAK=1 or call make soak")
    for item in items:
        if item.get_closest_marker("browser") and chromium() is None:
            item.add_marker(no_browser)
        if item.get_closest_marker("soak") and os.environ.get("AID_SOAK") != "1":
            item.add_marker(no_soak)


def chromium() -> str | None:
    """Return the system's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_unconfigure() -> None:
    """Stop the services this process has started."""
    _stack.close()
