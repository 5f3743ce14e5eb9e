"""Servers somebody else runs: used as they are, nothing is spawned, and a wrong address is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aidplatform.embedded.environment import Addresses
from aidplatform.embedded.errors import EmbeddedError
from aidplatform.embedded.running import start_services
from aidplatform.embedded.services import Services, in_database, running_services
from aidplatform.embedded.supervisor import Supervisor
from aidplatform.embedded.tests.helpers import CLEAN, layout_in


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Services]:
    with running_services(fast=True, environ=CLEAN) as running:
        yield running


def test_supervisor_starts_neither_database_nor_broker(elsewhere: Services, place: Path) -> None:
    supervisor = Supervisor(layout_in(place), print)

    addresses = start_services(supervisor, _environ(elsewhere))

    assert supervisor.children == []
    assert addresses == Addresses(elsewhere.app_url, elsewhere.owner_url, elsewhere.redis_url)
    assert not (place / "state" / "postgres").exists()
    assert list((place / "state" / "secrets").iterdir()) == []


@pytest.mark.parametrize("variable", ["AID_DATABASE_URL", "AID_DATABASE_OWNER_URL"])
def test_wrong_password_is_told_by_variable_and_never_shown(
    elsewhere: Services, place: Path, variable: str
) -> None:
    environ = _environ(elsewhere)
    password = environ[variable].split("@")[0].rpartition(":")[2]
    environ[variable] = environ[variable].replace(password, "mistyped")

    with pytest.raises(
        EmbeddedError, match=f"{variable} leads to no usable database: .*failed for user"
    ) as told:
        start_services(Supervisor(layout_in(place), print), environ)
    assert "mistyped" not in str(told.value)
    assert "create_roles" in str(told.value)


def test_absent_database_is_told_by_variable(elsewhere: Services, place: Path) -> None:
    environ = _environ(elsewhere)
    environ["AID_DATABASE_URL"] = in_database(elsewhere.app_url, "absent")

    with pytest.raises(EmbeddedError, match=r'AID_DATABASE_URL leads .* database "absent" does not exist'):
        start_services(Supervisor(layout_in(place), print), environ)


def test_embedded_database_goes_with_an_external_broker(elsewhere: Services, place: Path) -> None:
    with running_services(
        place / "state", fast=True, environ=CLEAN | {"AID_REDIS_URL": elsewhere.redis_url}
    ) as mixed:
        assert list(mixed.pids) == ["postgres"]
        assert mixed.redis_url == elsewhere.redis_url
        assert mixed.app_url != elsewhere.app_url


def _environ(services: Services) -> dict[str, str]:
    return CLEAN | {
        "AID_DATABASE_URL": services.app_url,
        "AID_DATABASE_OWNER_URL": services.owner_url,
        "AID_REDIS_URL": services.redis_url,
    }
