"""Make the three database roles and the database on a server that somebody else runs."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from django.core.management.base import BaseCommand, CommandError

from aidplatform.embedded.roles import APP, OWNER, SIGNER, create_roles

ADDRESSES = {APP: "AID_DATABASE_URL", OWNER: "AID_DATABASE_OWNER_URL"}
#: Without it the role is made all the same, and nobody can sign in as it: then nobody signs the logs.
SIGNER_ADDRESS = "AID_DATABASE_SIGNER_URL"


class Command(BaseCommand):
    """Safe to run again: what differs is put right, passwords included."""

    help = (
        "Creates the roles aid_owner, aid_app and aid_signer and the database, with the passwords and the name that"
        " AID_DATABASE_OWNER_URL, AID_DATABASE_URL and AID_DATABASE_SIGNER_URL hold; connects as"
        " AID_DATABASE_ADMIN_URL."
    )
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Make the roles, then sign in as each of them: a role that can't sign in is no role."""
        admin_url = os.environ.get("AID_DATABASE_ADMIN_URL")
        if not admin_url:
            raise CommandError(
                "AID_DATABASE_ADMIN_URL is not set: roles are made by an administrator of the server, e.g."
                " postgresql://postgres:secret@host/postgres. Take it out of the environment afterwards."
            )
        addresses = ADDRESSES | ({SIGNER: SIGNER_ADDRESS} if os.environ.get(SIGNER_ADDRESS) else {})
        passwords, database = _wanted(addresses)
        try:
            create_roles(
                admin_url,
                owner_password=passwords[OWNER],
                app_password=passwords[APP],
                signer_password=passwords.get(SIGNER),
                database=database,
            )
        except psycopg.Error as error:
            raise CommandError(f"The server refused: {str(error).strip()}") from error
        for role, variable in addresses.items():
            self._sign_in(role, variable)
        self.stdout.write(f"Roles {OWNER} and {APP} and the database {database} are ready. Next: prepare.")

    def _sign_in(self, role: str, variable: str) -> None:
        """Connect with the very address that the platform will use."""
        try:
            with psycopg.connect(os.environ[variable], connect_timeout=5) as connection:
                row = connection.execute("SELECT current_user").fetchone()
        except psycopg.Error as error:
            raise CommandError(
                f"{role} was made, but {variable} does not lead to it: {str(error).strip()}"
            ) from error
        if row is None or row[0] != role:
            raise CommandError(f"{variable} signs in as {row and row[0]}, not as {role}.")


def _wanted(addresses: dict[str, str]) -> tuple[dict[str, str], str]:
    """Read passwords and database from the addresses. Raises: CommandError naming what is wrong."""
    passwords, databases = {}, {}
    for role, variable in addresses.items():
        url = urlsplit(os.environ.get(variable, ""))
        if unquote(url.username or "") != role or not url.password or not url.path.strip("/"):
            raise CommandError(
                f"{variable} must name the role {role}, its password and the database:"
                f" postgresql://{role}:secret@host/aidplatform"
            )
        passwords[role], databases[variable] = unquote(url.password), unquote(url.path.strip("/"))
    if len(set(databases.values())) > 1:
        raise CommandError(
            f"{' and '.join(addresses.values())} name different databases: {' and '.join(databases.values())}."
        )
    if passwords[APP] == passwords[OWNER]:
        raise CommandError(
            f"{APP} and {OWNER} have the same password: whoever holds the application's could change tables."
            " Choose two."
        )
    if passwords.get(SIGNER) in {passwords[APP], passwords[OWNER]}:
        raise CommandError(f"{SIGNER} has the password of another role. Choose one of its own.")
    return passwords, next(iter(databases.values()))
