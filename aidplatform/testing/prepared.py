"""What many tests begin with, made once for all of them that follow one another.

A prepared state is made in a transaction that stays open; each test runs in a savepoint within it, and what the test
does is rolled back to there. Whoever begins with another state, or with none, finds an empty database: the transaction
is rolled back before. Tests with a database of their own, where commits are real, can't begin with one.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import Error, connection, transaction
from pytest_django.plugin import blocking_manager_key

#: What waits until the end of a transaction: a state is checked once, when it is made, and not by each test.
_DEFERRED = "SELECT DISTINCT quote_ident(conname) FROM pg_constraint WHERE condeferred"

Maker = Callable[[], Any]


def prepared(make: Maker) -> Any:
    """Make a fixture of a function without arguments. Each test gets a copy of its own of what it returns."""

    def given(db: None) -> Any:
        return copy.deepcopy(_state.values[make])

    given.__doc__ = make.__doc__
    given.makes = make  # type: ignore[attr-defined]
    return pytest.fixture(name=make.__name__)(given)


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Let the state be made before the transaction of each test that begins with one."""
    for item in items:
        if makers_of(item):
            item.fixturenames.insert(0, "prepared_state")


def pytest_runtest_setup(item: pytest.Function) -> None:
    """Give an empty database to each test that begins with none."""
    if not makers_of(item):
        with item.config.stash[blocking_manager_key].unblock():
            _state.end()


@pytest.fixture
def prepared_state(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> None:
    """Make what the test begins with, unless it stands already."""
    with django_db_blocker.unblock():
        _state.begin(makers_of(request.node))


def makers_of(item: pytest.Function) -> list[Maker]:
    """Return what makes the states that a test begins with."""
    known = item._fixtureinfo.name2fixturedefs
    found = (_maker_of(name, known[name]) for name in item.fixturenames if name in known)
    return [make for make in found if make is not None]


def _maker_of(name: str, definitions: Sequence[pytest.FixtureDef[Any]]) -> Maker | None:
    """Return what makes the state of a fixture, also of one that asks for what it takes the place of."""
    for definition in reversed(definitions):
        make: Maker | None = getattr(definition.func, "makes", None)
        if make or name not in definition.argnames:
            return make
    return None


class _State:
    """The open transaction of this process, and what was made in it."""

    def __init__(self) -> None:
        self.values: dict[Maker, Any] = {}
        self._transaction: transaction.Atomic | None = None

    def begin(self, makers: list[Maker]) -> None:
        """Have exactly what these make, as it stands already or made anew."""
        if self._transaction and list(self.values) == makers and self._stands():
            return
        self.end()
        self._transaction = transaction.atomic()
        # As the transaction of a test does: code that must be the outermost transaction may run inside it.
        self._transaction._from_testcase = True  # type: ignore[attr-defined]
        self._transaction.__enter__()
        self.values = {make: make() for make in makers}
        with connection.cursor() as cursor:
            cursor.execute(_DEFERRED)
            names = ", ".join(name for (name,) in cursor.fetchall())
            cursor.execute(f"SET CONSTRAINTS {names} IMMEDIATE")
            cursor.execute(f"SET CONSTRAINTS {names} DEFERRED")

    def _stands(self) -> bool:
        """Return whether no test has broken the connection."""
        return connection.in_atomic_block and not connection.needs_rollback and connection.is_usable()

    def end(self) -> None:
        """Roll back what was made."""
        self.values = {}
        if self._transaction is None:
            return
        ended, self._transaction = self._transaction, None
        try:
            if connection.in_atomic_block:
                transaction.set_rollback(True)
                ended.__exit__(None, None, None)
        except Error:
            connection.close()


_state = _State()
