"""Guards: triggers that hold a named guarantee, declared beside the model and carried by migrations.

django-pgtrigger's own triggers begin with a check of the session setting `pgtrigger.ignore`, which any
database role may set: every trigger could be switched off by whoever it is meant to hold. A Guard has no such
check. It also runs as the owner with a fixed search path, so that the application's role needs no right on
the tables a guard reads or keeps.
"""

from typing import Any

import pgtrigger
from pgtrigger import compiler


class GuardSql(compiler.UpsertTriggerSql):
    """The SQL that installs a guard. Migrations refer to this class: change it only by a new one."""

    def get_template(self) -> str:
        """Return the template; the hash in the comment lets `doctor` see an outdated guard."""
        return """
            CREATE OR REPLACE FUNCTION {pgid}() RETURNS TRIGGER
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $guard$
                {declare}
                BEGIN
                    {func}
                END;
            $guard$;
            REVOKE ALL ON FUNCTION {pgid}() FROM PUBLIC;
            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE {constraint} TRIGGER {pgid}
                {when} {operation} ON {table}
                {timing} {referencing}
                FOR EACH {level} {condition}
                EXECUTE FUNCTION {execute};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class Guard(pgtrigger.Trigger):
    """A trigger whose name is the guarantee it holds."""

    def compile(self, model: Any) -> compiler.Trigger:
        """Return the compiled trigger for migrations, without the ignore check."""
        kwargs: dict[str, Any] = {
            "pgid": self.get_pgid(model),
            "declare": self.render_declare(model),
            "func": self.render_func(model),
            "table": model._meta.db_table,
            "constraint": "CONSTRAINT" if self.timing else "",
            "when": self.when,
            "operation": self.operation,
            "timing": f"DEFERRABLE INITIALLY {self.timing}" if self.timing else "",
            "referencing": self.referencing or "",
            "level": self.level,
            "condition": self.render_condition(model),
            "execute": self.render_execute(model),
        }
        return compiler.Trigger(name=self.name, sql=GuardSql(**kwargs))


def refuse(name: str, message: str, *arguments: str) -> str:
    """Return the plpgsql statement that refuses in the guarantee's name.

    message is a RAISE format (% stands for an argument); ERRCODE 23514 makes Django raise IntegrityError.
    """
    quoted = message.replace("'", "''")
    formatted = "".join(f", {argument}" for argument in arguments)
    return (
        f"RAISE EXCEPTION USING ERRCODE = '23514', CONSTRAINT = '{name}', "
        f"MESSAGE = format('{quoted}'{formatted});"
    )


def judged_now() -> str:
    """Return plpgsql that refuses isolation levels at which a guard would judge rows as they were.

    A guard that locks a parent and then reads its children is right only when it sees what others have
    committed meanwhile. Any role may choose its isolation level, so the guard asks.
    """
    refusal = refuse(
        "guards_see_what_is_committed", "isolation level %s", "current_setting('transaction_isolation')"
    )
    return f"IF current_setting('transaction_isolation') <> 'read committed' THEN {refusal} END IF;"


def permanent(name: str) -> list[Guard]:
    """Return the two guards of a table of facts: no UPDATE or DELETE, no TRUNCATE, not even by the owner."""
    return [
        Guard(
            name=name,
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=refuse(name, "%s holds facts: rows are never changed or deleted", "TG_TABLE_NAME"),
        ),
        Guard(
            name=f"{name}_whole",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=refuse(name, "%s holds facts: it is never emptied", "TG_TABLE_NAME"),
        ),
    ]


def kept(name: str, sentence: str, guarantee: str = "") -> Guard:
    """Return the guard of a table whose rows change but stay: no DELETE, no TRUNCATE, not even by the owner.

    guarantee: in whose name it refuses, where that is another than its own. sentence says why.
    """
    return Guard(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Delete | pgtrigger.Truncate,
        func=refuse(guarantee or name, sentence),
    )


def judges_rows(name: str, func: str) -> Guard:
    """Return the guard that judges all rows of one INSERT together, `new_rows`; a `bad` record is declared."""
    return Guard(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="new_rows"),
        declare=[("bad", "record")],
        func=func,
    )


def follows_order(name: str, column: str, steps: dict[str, tuple[str, ...]], first: str) -> Guard:
    """Return the guard of a state column: it starts at `first` and moves only along `steps`."""
    allowed = " OR ".join(
        f"(OLD.{column} = '{before}' AND NEW.{column} IN ({', '.join(repr(after) for after in afters)}))"
        for before, afters in steps.items()
        if afters
    )
    refusal = refuse(name, f"{column} goes from %s to %s in no plan", f"OLD.{column}", f"NEW.{column}")
    return Guard(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            IF TG_OP = 'INSERT' THEN
                IF NEW.{column} <> '{first}' THEN
                    {refuse(name, f"{column} starts at {first}, not at %s", f"NEW.{column}")}
                END IF;
                RETURN NEW;
            END IF;
            IF OLD.{column} = NEW.{column} OR {allowed} THEN
                RETURN NEW;
            END IF;
            {refusal}
        """,
    )
