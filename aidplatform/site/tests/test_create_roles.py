"""create_roles makes, from the addresses alone, the roles that the platform signs in as."""

from io import StringIO
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command

from aidplatform.testing.operator import run_manage


def addresses(server, *, owner: str = "o-pass word", app: str = "a/pass") -> dict[str, str]:
    """Return addresses of that server with other passwords and another database than it has."""
    query = urlsplit(server.app_url).query
    return {
        "AID_DATABASE_ADMIN_URL": server.admin_conninfo,
        "AID_DATABASE_OWNER_URL": f"postgresql://aid_owner:{quote(owner, safe='')}@/fresh?{query}",
        "AID_DATABASE_URL": f"postgresql://aid_app:{quote(app, safe='')}@/fresh?{query}",
    }


def test_create_roles_makes_roles_and_database_and_may_run_again(other_server, monkeypatch):
    environment = addresses(other_server)
    done = run_manage("create_roles", environment=environment)
    assert done.returncode == 0, done.stderr
    assert "Roles aid_owner and aid_app and the database fresh are ready" in done.stdout
    assert "are ready" in create_roles(monkeypatch, environment)
    with psycopg.connect(environment["AID_DATABASE_URL"]) as app:
        assert app.execute("SELECT current_user, current_database()").fetchone() == ("aid_app", "fresh")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE public.mine ()")
    with psycopg.connect(environment["AID_DATABASE_OWNER_URL"]) as owner:
        owner.execute("CREATE TABLE public.ours ()")


def create_roles(monkeypatch, environment: dict[str, str]) -> str:
    """Run the command in this process, under those addresses."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = StringIO()
    call_command("create_roles", stdout=out)
    return out.getvalue()


def test_a_changed_password_is_put_right_and_never_shown(other_server, monkeypatch):
    environment = addresses(other_server, owner="sesame-1", app="sesame-2")
    said = create_roles(monkeypatch, environment)
    assert "are ready" in said
    assert "sesame" not in said
    with psycopg.connect(environment["AID_DATABASE_URL"]) as app:
        assert app.execute("SELECT current_user").fetchone() == ("aid_app",)


def test_create_roles_makes_the_signer_where_its_address_is_set(other_server, monkeypatch):
    environment = addresses(other_server)
    query = urlsplit(other_server.app_url).query
    environment["AID_DATABASE_SIGNER_URL"] = f"postgresql://aid_signer:a%2Fpass@/fresh?{query}"
    with pytest.raises(CommandError, match="aid_signer has the password of another role"):
        create_roles(monkeypatch, environment)
    environment["AID_DATABASE_SIGNER_URL"] = f"postgresql://aid_signer:s-pass@/fresh?{query}"
    assert "are ready" in create_roles(monkeypatch, environment)
    with psycopg.connect(environment["AID_DATABASE_SIGNER_URL"]) as signer:
        assert signer.execute("SELECT current_user").fetchone() == ("aid_signer",)


def test_prepare_says_what_a_server_of_before_lacks(other_server, monkeypatch):
    environment = addresses(other_server)
    create_roles(monkeypatch, environment)
    with psycopg.connect(other_server.admin_conninfo, autocommit=True) as admin:
        admin.execute("ALTER ROLE aid_signer RENAME TO aid_away")
        try:
            done = run_manage(
                "prepare", "--database-only", environment=environment | {"AID_DATABASE_ROLE": "owner"}
            )
        finally:
            admin.execute("ALTER ROLE aid_away RENAME TO aid_signer")
    assert done.returncode == 1
    assert "There is no role aid_signer. Run create_roles" in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AID_DATABASE_ADMIN_URL": ""}, "AID_DATABASE_ADMIN_URL is not set"),
        ({"AID_DATABASE_OWNER_URL": "postgresql://postgres:x@/fresh"}, "must name the role aid_owner"),
        ({"AID_DATABASE_URL": "postgresql://aid_app@/fresh"}, "must name the role aid_app, its password"),
        ({"AID_DATABASE_OWNER_URL": "postgresql://aid_owner:x@/other"}, "name different databases"),
        ({"AID_DATABASE_OWNER_URL": "postgresql://aid_owner:a%2Fpass@/fresh"}, "the same password"),
        ({"AID_DATABASE_ADMIN_URL": "postgresql://nobody@/postgres?host=/nonexistent"}, "The server refused"),
        (
            {"AID_DATABASE_URL": "postgresql://aid_app:a%2Fpass@/fresh?host=/nonexistent"},
            "aid_app was made, but AID_DATABASE_URL does not lead to it",
        ),
    ],
)
def test_create_roles_says_what_is_wrong(other_server, monkeypatch, change, said):
    with pytest.raises(CommandError) as refused:
        create_roles(monkeypatch, addresses(other_server) | change)
    assert said in str(refused.value)
    assert "pass" not in str(refused.value).replace("password", "")
