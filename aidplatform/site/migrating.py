"""Migrations of guards without making every model anew."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger, RemoveTrigger

Forwards = Callable[[Any, str, ProjectState], None]


@contextmanager
def guards_noted_only() -> Iterator[None]:
    """Let a guard be noted in the state of migrations, and no model be made anew for it.

    Django makes a model anew, with all it is related to, after whatever changes it. Guards are half of all
    changes on the way to an empty database of today, and no operation reads them from a model.
    """
    with ExitStack() as stack:
        for operation in (AddTrigger, RemoveTrigger):
            stack.enter_context(patch.object(operation, "state_forwards", _noting(operation.state_forwards)))
        yield


def _noting(forwards: Forwards) -> Forwards:
    def state_forwards(operation: Any, app_label: str, state: ProjectState) -> None:
        with patch.object(state, "reload_model", lambda *_args, **_kwargs: None):
            forwards(operation, app_label, state)

    return state_forwards
