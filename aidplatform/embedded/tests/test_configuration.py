"""What is refused before anything starts, and what each child is told."""

import os
import socket
from pathlib import Path

import pytest

from aidplatform.embedded import configuration as configuration_module
from aidplatform.embedded.accounts import Account, service_account
from aidplatform.embedded.configuration import (
    CHECKOUT,
    Configuration,
    is_loopback,
    read_configuration,
    require_free_port,
    state_directory,
)
from aidplatform.embedded.environment import Addresses, ChildEnvironment
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.tests.helpers import layout_in


def test_newcomer_gets_a_demonstration_on_loopback() -> None:
    assert read_configuration({}) == Configuration(demo=True, host="127.0.0.1", port=8000)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_demonstration_is_refused_where_others_could_reach_it(host: str) -> None:
    with pytest.raises(EmbeddedError, match=r"AID_HOST=.*127\.0\.0\.1 only"):
        read_configuration({"AID_HOST": host})
    assert read_configuration({"AID_HOST": host, "AID_DEMO": "0"}).host == host


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AID_PORT", "0"),
        ("AID_PORT", "65536"),
        ("AID_PORT", "http"),
        ("AID_PORT", "-1"),
        ("AID_DEMO", "perhaps"),
    ],
)
def test_value_that_cannot_be_meant_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(EmbeddedError, match=name):
        read_configuration({name: value})


def test_taken_port_is_told_with_the_variable_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(EmbeddedError, match=f"The port {port} .*in use.*AID_PORT={port + 1} make run"):
            require_free_port(Configuration(demo=True, host="127.0.0.1", port=port))
    require_free_port(Configuration(demo=True, host="127.0.0.1", port=port))


def test_address_of_no_interface_is_told() -> None:
    with pytest.raises(EmbeddedError, match=r"port 8000 of 203\.0\.113\.1 can't be used"):
        require_free_port(Configuration(demo=False, host="203.0.113.1", port=8000))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),
        ("10.0.0.2", "http://10.0.0.2:8000"),
        ("fd00::2", "http://[fd00::2]:8000"),
    ],
)
def test_printed_address_can_be_typed_into_a_browser(host: str, url: str) -> None:
    assert Configuration(demo=False, host=host, port=8000).url == url


def test_loopback_is_recognized_in_every_spelling() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.9.9.9", "::1", "8.8.8.8", "nonsense")] == [
        True, True, True, False, False
    ]  # fmt: skip


def test_state_goes_where_the_variable_says_else_into_the_checkout(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration_module, "CHECKOUT", place)
    account = service_account()

    assert state_directory({"AID_STATE_DIR": "/somewhere"}, account) == Path("/somewhere")
    assert state_directory({}, account) == place / ".state"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root works in folders closed to its services")
def test_checkout_closed_to_the_services_keeps_its_state_elsewhere_behind_a_link(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git clone` in /root: the account of the services can't enter, so the state goes under /var/lib."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    checkout = closed / "checkout"
    checkout.mkdir()
    monkeypatch.setattr(configuration_module, "CHECKOUT", checkout)
    monkeypatch.setattr(configuration_module, "ROOT_STATE", place)

    first = state_directory({}, service_account())
    second = state_directory({}, service_account())

    assert first == second
    assert first.parent == place
    assert (checkout / ".state").resolve() == first


def test_each_child_gets_only_the_addresses_it_needs(place: Path) -> None:
    layout = layout_in(place)
    maker = ChildEnvironment(
        layout,
        Account("me", 1000, 1000, dropped=False),
        Configuration(demo=True, host="127.0.0.1", port=8001),
        Addresses(app_url="app", owner_url="owner", redis_url="broker"),
        {"AID_DATABASE_ADMIN_URL": "admin", "AID_DATABASE_OWNER_URL": "stale", "PGUSER": "x", "TZ": "UTC"},
    )
    app, owner = maker.for_app(), maker.for_owner()

    assert {name: app[name] for name in app if name not in {"AID_SECRET_KEY", "AID_DATA_KEY"}} == {
        "TZ": "UTC",
        "AID_DATABASE_URL": "app",
        "AID_REDIS_URL": "broker",
        "AID_DEMO": "1",
        "AID_HOST": "127.0.0.1",
        "AID_PORT": "8001",
        "AID_STATE_DIR": str(layout.root),
        "PYTHONUNBUFFERED": "1",
    }
    assert len(app["AID_SECRET_KEY"]) >= 50
    assert owner == app | {"AID_DATABASE_OWNER_URL": "owner", "AID_DATABASE_ROLE": "owner"}


def test_secret_key_of_the_environment_goes_before_the_drawn_one(place: Path) -> None:
    maker = ChildEnvironment(
        layout_in(place),
        Account("me", 1000, 1000, dropped=False),
        read_configuration({}),
        Addresses("app", "owner", "broker"),
        {"AID_SECRET_KEY": "given"},
    )

    assert maker.for_app()["AID_SECRET_KEY"] == "given"


def test_every_variable_given_to_a_child_is_one_the_settings_read(place: Path) -> None:
    from aidplatform.variables import VARIABLES

    maker = ChildEnvironment(
        layout_in(place),
        Account("me", 1000, 1000, dropped=False),
        read_configuration({}),
        Addresses("app", "owner", "broker"),
        {},
    )

    given = {name for name in maker.for_owner() if name.startswith("AID_")}
    assert given - set(VARIABLES) == set()
    assert (CHECKOUT / "manage.py").is_file()
