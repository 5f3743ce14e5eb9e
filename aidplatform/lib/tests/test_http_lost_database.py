"""A lost database is told to the person as 503, signed in or not, and the page needs no database to say so."""

import pytest
from django.db import connection

from aidplatform.testing.world import World
from aidplatform.tests.pages_helpers import client_of


@pytest.mark.parametrize("signed_in", [True, False])
def test_lost_database_is_a_503(committed_db: tuple[str, str], signed_in: bool) -> None:
    world = World.founded()
    client = client_of(world.admin if signed_in else None, raise_request_exception=False)
    assert client.get("/").status_code == 200
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nonexistent"
    try:
        answer = client.get("/")
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.content.decode()


def test_pages_of_a_session_are_kept_out_of_caches(world: World) -> None:
    assert "no-store" in client_of(world.admin).get("/").headers["Cache-Control"]
    assert "no-store" not in client_of(None).get("/docs/").headers.get("Cache-Control", "")
