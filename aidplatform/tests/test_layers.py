"""The layers of ARCHITECTURE.md, where a linter of imports sees them and where it does not."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db.models import ForeignKey, Model

import aidplatform.celery
from aidplatform.testing.plugin import ROOT
from aidplatform.work import jobs

APPS = ("work", "members", "claims", "ledger", "site")
ROOMS = {
    "members": ("people", "pools", "joining", "ending", "rights"),
    "claims": ("filing", "review", "publicity", "jury"),
    "ledger": ("books", "openbooks", "sharing", "custody", "disclosure"),
}
# The claims decide and hand the ledger an award, so they stand above it.
ORDER = {"work": 0, "members": 1, "ledger": 2, "claims": 3, "site": 4}
LONGEST = 500
LONG = {
    "aidplatform/api.py": "one table of every address that programs have",
    "aidplatform/lib/errors.py": "one table of what the database refuses, a sentence for each name",
    "ledger/digest.py": "one table of how each row of money is read, so that two runs can be compared",
    "ledger/sharing/services.py": "the life of a period, its verbs in the order in which they happen",
    "ledger/sharing/published.py": "one judgment over published figures: reading, computing, explaining",
    "ledger/openbooks/standalone/verify.py": "one file to hand on: it may share no line with what it judges",
    "ledger/custody/services.py": "the verbs of money in and out, which share their locks and refusals",
    "members/people/notices.py": "one table of what people are told, two sentences for each kind",
    "members/pools/plan_terms.py": "one grammar: every part of a plan's terms refuses bad values the same way",
}
# Where the time of a process, not of the business, is meant.
MAY_READ_A_CLOCK = {
    "aidplatform/lib/clock.py": "it is the business clock",
    "members/people/sessions.py": "sessions run out in real time, also while a demo clock stands still",
    "ledger/openbooks/standalone/witness.py": "it runs on a machine of others, and signs the time of theirs",
    "ledger/openbooks/standalone/verify.py": "it runs on a machine of others, and refuses a signature of their future",
    "members/people/mails.py": "a mail leaves and arrives in real time, also while a demo clock stands still",
    "members/people/texts.py": "a text message leaves in real time as well",
}


def _sources(*, tests: bool = False) -> Iterator[Path]:
    """Yield every Python file of the project, migrations left out."""
    for app in ("aidplatform", "members", "claims", "ledger"):
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            if "migrations" not in parts and (tests or not {"tests", "testing"} & set(parts)):
                yield path


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_keep_the_contracts() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def _level(model: type[Model]) -> tuple[int, int]:
    """Return the height of a model: its app, then its room."""
    app = model._meta.app_label
    if app not in ORDER:
        return (-1, 0)
    rooms = ROOMS.get(app, ())
    room = model.__module__.split(".")[1]
    return (ORDER[app], rooms.index(room) if room in rooms else 0)


FOREIGN_KEYS = [
    pytest.param(model, field, id=f"{model.__name__}.{field.name}")
    for model in apps.get_models()
    if model._meta.app_label in ORDER
    for field in model._meta.get_fields()
    if isinstance(field, ForeignKey)
]


@pytest.mark.parametrize(("model", "field"), FOREIGN_KEYS)
def test_foreign_key_points_down_or_sideways(model: type[Model], field: ForeignKey) -> None:
    """A linter can't see a reference written as text; the database follows it all the same."""
    assert _level(field.related_model) <= _level(model)


def test_every_task_is_known_and_every_tick_is_a_task() -> None:
    current_app.loader.import_default_modules()
    registered = {name for name in current_app.tasks if not name.startswith("celery.")}
    assert registered - _probes(registered) == set(_declared_tasks())
    ticks = {entry["task"] for entry in aidplatform.celery.app.conf.beat_schedule.values()}
    assert ticks <= registered


def _probes(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("probe.")}


def _declared_tasks() -> Iterator[str]:
    """Yield the explicit name of every shared task in the sources; a task without one fails here."""
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(called, ast.Name) and called.id == "shared_task":
                    assert isinstance(decorator, ast.Call), (
                        f"{_name(path)}: {node.name} has no name of its own"
                    )
                    name = next(k.value for k in decorator.keywords if k.arg == "name")
                    yield ast.literal_eval(name) if isinstance(name, ast.Constant) else jobs.RUN_TASK


def test_every_kind_of_job_that_is_asked_for_has_a_handler() -> None:
    current_app.loader.import_default_modules()
    asked = set(_kinds_asked_for()) | {
        kind for kinds in settings.EVENT_SUBSCRIBERS.values() for kind in kinds
    }
    present = {kind for kind in asked if not kind.startswith("claims.") or apps.is_installed("claims")}
    handled = {kind for kind in jobs.kinds() if not kind.startswith("probe.")}
    assert present == handled


def _kinds_asked_for() -> Iterator[str]:
    """Yield what `jobs.enqueue(kind=…)` asks for anywhere, its constants looked up in their own module."""
    for path in _sources():
        tree = ast.parse(path.read_text())
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("enqueue")):
                continue
            kind = next(k.value for k in node.keywords if k.arg == "kind")
            if isinstance(kind, ast.Constant):
                yield str(kind.value)
            elif _name(path) != "aidplatform/work/events.py":
                yield str(constants[ast.unparse(kind)])


def test_files_are_short_or_say_why_not() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in _sources()}
    long = {name: lines for name, lines in lengths.items() if lines > LONGEST and name not in LONG}
    assert long == {}
    assert {name for name in LONG if lengths.get(name, LONGEST + 1) <= LONGEST} == set()


CLOCKS = {"now", "utcnow", "today", "time", "localtime", "gmtime", "localdate"}
MODULES = {"datetime", "date", "dt.datetime", "dt.date", "timezone", "time", "datetime.datetime"}


def test_business_code_reads_no_clock_of_the_machine() -> None:
    """A day is what the database says it is: two machines, or a demo clock, must not disagree about it."""
    read = {
        f"{_name(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in _sources()
        if _name(path) not in MAY_READ_A_CLOCK and not _name(path).startswith("aidplatform/embedded/")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and ast.unparse(node.func.value) in MODULES
    }
    assert read == set()


def test_apps_of_the_project_are_all_known_here() -> None:
    own = {c.label for c in apps.get_app_configs() if c.name.split(".")[0] in {"aidplatform", *APPS}}
    assert own <= set(ORDER)
