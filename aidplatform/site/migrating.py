"""Migrations of guards, constraints and indexes without making every model anew."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from django.db.migrations.operations import AddConstraint, AddIndex, RemoveConstraint, RemoveIndex
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger, RemoveTrigger

Forwards = Callable[[Any, str, ProjectState], None]
_LISTED = (AddTrigger, RemoveTrigger, AddConstraint, RemoveConstraint, AddIndex, RemoveIndex)


@contextmanager
def rules_noted_only() -> Iterator[None]:
    """Let guards, constraints and indexes be noted in the state of migrations, and no model be made anew for them.

    Django makes a model anew, with all it is related to, after whatever changes it. These are most of all changes on
    the way to an empty database of today; what operations read of them from a model are two lists.
    """
    with ExitStack() as stack:
        for operation in _LISTED:
            stack.enter_context(patch.object(operation, "state_forwards", _noting(operation.state_forwards)))
        yield


def _noting(forwards: Forwards) -> Forwards:
    def state_forwards(operation: Any, app_label: str, state: ProjectState) -> None:
        def note(app_label: str, model_name: str, **_delay: bool) -> None:
            if "apps" in state.__dict__:  # else no model has been made yet
                options = state.models[app_label, model_name.lower()].options
                meta = state.apps.get_model(app_label, model_name)._meta
                meta.constraints, meta.indexes = list(options["constraints"]), list(options["indexes"])

        with patch.object(state, "reload_model", note):
            forwards(operation, app_label, state)

    return state_forwards
