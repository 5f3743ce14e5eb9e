"""Do the guards and functions in the database say what this version of the program says?

The text in the catalogue is compared, not only the hash that an installation noted: whoever replaces a
guard's body leaves the note as it is.
"""

import re
from collections.abc import Iterator

import pgtrigger.registry
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunSQL

from aidplatform.site.doctor.fault import Fault, rows

_BODY = re.compile(r"\$guard\$(.*)\$guard\$", re.DOTALL)
_FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\s*\(.*?AS (\$\w*\$)(.*?)\2", re.DOTALL)
INSTALL = "As the owner: AID_DATABASE_ROLE=owner python manage.py pgtrigger install"
ASK_FIRST = f"Find out who did it and verify the books. Then, {INSTALL[0].lower()}{INSTALL[1:]}"
REPLACE = (
    "Find out who did it and verify the books. Then, as the owner, run the function's text from this version's"
    " migration (with CREATE OR REPLACE), and prepare."
)


def guards() -> Iterator[Fault]:
    """Compare every guard that the models declare with the catalogue."""
    installed = _installed()
    for model, trigger in pgtrigger.registry.registered():
        compiled = trigger.compile(model)
        table, name = model._meta.db_table, f"{trigger.name} on {model._meta.db_table}"
        found = installed.get((table, trigger.get_pgid(model)))
        if found is None:
            yield Fault(f"The guard {name} is not installed.", ASK_FIRST)
            continue
        note, enabled, body = found
        if enabled != "O":
            enable = f"ALTER TABLE {table} ENABLE TRIGGER {trigger.get_pgid(model)};"
            yield Fault(
                f"The guard {name} is switched off.",
                f"Find out who did it, verify the books, then as the owner: {enable}",
            )
        wanted = _BODY.search(compiled.install_sql)
        if note != compiled.hash:
            yield Fault(
                f"The guard {name} is of another version.", f"Prepare first. If it stays so: {INSTALL}"
            )
        elif wanted is None or _squeezed(wanted[1]) != _squeezed(body):
            yield Fault(f"The guard {name} does not say what it must.", ASK_FIRST)


def _installed() -> dict[tuple[str, str], tuple[str | None, str, str]]:
    """Return note, switch and body of every trigger by table and name."""
    found = rows(
        """SELECT c.relname, t.tgname, obj_description(t.oid, 'pg_trigger'), t.tgenabled::text, f.prosrc
             FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc f ON f.oid = t.tgfoid
            WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace"""
    )
    return {(table, name): (note, enabled, body) for table, name, note, enabled, body in found}


def functions() -> Iterator[Fault]:
    """Compare every function that a migration makes with the catalogue."""
    installed = dict(
        rows("SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    )
    for name, body in declared_functions().items():
        if name not in installed:
            yield Fault(f"The function {name} is not installed.", REPLACE)
        elif _squeezed(installed[name]) != _squeezed(body):
            yield Fault(f"The function {name} does not say what it must.", REPLACE)


def declared_functions() -> dict[str, str]:
    """Return the bodies of all functions made by migrations; a later one replaces an earlier."""
    loader = MigrationLoader(connection)
    declared: dict[str, str] = {}
    for leaf in loader.graph.leaf_nodes():
        for key in loader.graph.forwards_plan(leaf):
            for operation in loader.disk_migrations[key].operations:
                if isinstance(operation, RunSQL):
                    declared |= {found[1]: found[3] for found in _FUNCTION.finditer(_text(operation.sql))}
    return declared


def _text(sql: object) -> str:
    """Return the statements of an operation as one text."""
    if isinstance(sql, str):
        return sql
    parts = sql if isinstance(sql, list | tuple) else ()
    return "\n".join(part if isinstance(part, str) else part[0] for part in parts)


def _squeezed(text: str) -> str:
    """Return the text without the white space in which equal code may differ."""
    return " ".join(text.split())
