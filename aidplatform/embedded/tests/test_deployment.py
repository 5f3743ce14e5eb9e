"""Compose file, Dockerfile, Makefile and settings say the same: no engine is here to try them on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aidplatform.embedded import commands
from aidplatform.embedded.configuration import CHECKOUT
from aidplatform.embedded.resolve import ValkeyServer
from aidplatform.embedded.tests.helpers import layout_in
from aidplatform.embedded.valkey import Valkey

COMPOSE = CHECKOUT / "docker-compose.yml"
OURS = ("roles", "prepare", "web", "worker", "beat", "signer")
LASTING = ("postgres", "redis", "web", "worker", "beat", "signer")
ADDRESS_OF_ROLE = {
    "roles": {
        "AID_DATABASE_URL",
        "AID_DATABASE_OWNER_URL",
        "AID_DATABASE_SIGNER_URL",
        "AID_DATABASE_ADMIN_URL",
    },
    "prepare": {"AID_DATABASE_URL", "AID_DATABASE_OWNER_URL"},
    "web": {"AID_DATABASE_URL"},
    "worker": {"AID_DATABASE_URL"},
    "beat": {"AID_DATABASE_URL"},
    "signer": {"AID_DATABASE_SIGNER_URL"},
}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_containers_run_the_commands_of_the_supervisor(services: dict[str, Any]) -> None:
    wanted = {
        "web": commands.web("0.0.0.0", 8000),
        "worker": commands.worker(),
        "beat": commands.beat(Path("/tmp/beat-schedule")),
        "prepare": commands.prepare(),
        "signer": commands.signer(),
    }

    assert {name: services[name]["command"] for name in wanted} == {
        name: ["python", *command] for name, command in wanted.items()
    }


def test_image_serves_the_pages_unless_told_otherwise() -> None:
    line = next(line for line in _dockerfile() if line.startswith("CMD "))

    assert json.loads(line.removeprefix("CMD ")) == ["python", *commands.web("0.0.0.0", 8000)]


def test_broker_in_a_container_keeps_what_the_embedded_one_keeps(
    services: dict[str, Any], place: Path
) -> None:
    embedded = Valkey(ValkeyServer(Path("valkey-server")), layout_in(place), {}).command()
    kept = ("--appendonly", "--appendfsync", "--save", "--maxmemory-policy")
    container = services["redis"]["command"]

    assert {flag: container[container.index(flag) + 1] for flag in kept} == {
        flag: embedded[embedded.index(flag) + 1] for flag in kept
    }


def test_every_variable_used_is_one_the_settings_read(services: dict[str, Any]) -> None:
    from aidplatform.variables import VARIABLES

    used = set(re.findall(r"\bAID_[A-Z_]+\b", COMPOSE.read_text() + (CHECKOUT / "Dockerfile").read_text()))

    assert used - set(VARIABLES) == set()
    assert {"AID_SECRET_KEY", "AID_DATABASE_URL", "AID_REDIS_URL", "AID_PUBLIC_URL"} <= used
    assert all(services[name]["environment"]["AID_DEMO"] == "0" for name in OURS)


def test_makefile_names_only_variables_the_settings_read() -> None:
    from aidplatform.variables import VARIABLES

    text = (CHECKOUT / "Makefile").read_text() + (CHECKOUT / ".ci" / "run").read_text()

    assert set(re.findall(r"\bAID_[A-Z_]+\b", text)) - set(VARIABLES) == set()


def test_no_secret_has_a_default_or_stands_in_the_files(services: dict[str, Any]) -> None:
    """Every secret is `${NAME:?what it is}`, so a missing one stops the start by name."""
    secret = re.compile(r"(KEY|PASSWORD|EMAIL_URL|DATABASE\w*_URL)$")
    held = {
        (name, variable): value
        for name, service in services.items()
        for variable, value in service.get("environment", {}).items()
        if secret.search(variable)
    }

    assert len(held) >= 12
    for (name, variable), value in held.items():
        assert re.fullmatch(rf"\$\{{{variable}:\?[^}}]+\}}", value), f"{name}: {variable}"
    assert not any(secret.search(word) for line in _dockerfile() for word in re.findall(r"^ENV (\w+)", line))


@pytest.mark.parametrize("name", OURS)
def test_each_container_gets_only_the_database_addresses_it_needs(
    services: dict[str, Any], name: str
) -> None:
    environment = services[name]["environment"]

    assert {key for key in environment if key.startswith("AID_DATABASE") and key.endswith("URL")} == (
        ADDRESS_OF_ROLE[name]
    )


@pytest.mark.parametrize("name", OURS)
def test_no_container_of_ours_has_root_or_a_writable_system(services: dict[str, Any], name: str) -> None:
    service = services[name]

    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["image"] == "aidplatform"


def test_signer_alone_has_the_key_of_the_logs_and_no_other_key(services: dict[str, Any]) -> None:
    holders = [name for name in OURS if any("SIGNER_KEY" in key for key in services[name]["environment"])]
    mounted = [name for name in OURS if any("signer" in volume for volume in services[name]["volumes"])]

    assert holders == mounted == ["signer"]
    assert {"AID_SECRET_KEY", "AID_DATA_KEY"} & set(services["signer"]["environment"]) == set()
    assert services["signer"]["volumes"] == ["signer:/var/lib/aidplatform"]


def test_image_ends_as_the_account_without_rights() -> None:
    lines = list(_dockerfile())
    user = [number for number, line in enumerate(lines) if line.startswith("USER ")]
    installs = [number for number, line in enumerate(lines) if line.startswith("RUN ")]

    assert [lines[number] for number in user] == ["USER 10001:10001"]
    assert max(installs) < user[0]
    assert any("--require-hashes -r requirements.lock" in line for line in lines)


@pytest.mark.parametrize("name", LASTING)
def test_everything_lasting_has_a_health_check_and_comes_back(services: dict[str, Any], name: str) -> None:
    assert services[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert services[name]["restart"] == "unless-stopped"


def test_health_checks_written_in_python_are_python(services: dict[str, Any]) -> None:
    sources = [
        services[name]["healthcheck"]["test"][3]
        for name in LASTING
        if services[name]["healthcheck"]["test"][1:3] == ["python", "-c"]
    ]

    assert len(sources) == 3
    for source in sources:
        compile(source, "health check", "exec")


def test_containers_start_in_order(services: dict[str, Any]) -> None:
    """Roles need a healthy database, tables need roles, and everything else needs tables."""
    conditions = {
        name: {other: how["condition"] for other, how in services[name]["depends_on"].items()}
        for name in OURS
    }

    assert conditions["roles"] == {"postgres": "service_healthy"}
    assert conditions["prepare"] == {
        "roles": "service_completed_successfully",
        "redis": "service_healthy",
    }
    for name in ("web", "worker", "beat", "signer"):
        assert conditions[name] == {"prepare": "service_completed_successfully"}


def test_database_of_the_container_is_made_like_the_embedded_one(services: dict[str, Any]) -> None:
    arguments = services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()

    assert set(arguments) == {
        "--encoding=UTF8",
        "--data-checksums",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    }
    assert services["postgres"]["stop_signal"] == "SIGINT"


def test_nothing_private_gets_into_the_image() -> None:
    ignored = set((CHECKOUT / ".dockerignore").read_text().split("\n"))

    assert {".git", ".venv", ".state", ".env"} <= ignored


def test_image_has_a_python_the_project_allows() -> None:
    minor = re.search(r"^FROM python:3\.(\d+)-slim$", (CHECKOUT / "Dockerfile").read_text(), re.M)
    oldest = re.search(r'requires-python = ">=3\.(\d+)"', (CHECKOUT / "pyproject.toml").read_text())

    assert minor is not None
    assert oldest is not None
    assert int(minor[1]) >= int(oldest[1])


def test_locks_hold_hashes_and_no_addresses() -> None:
    """An address would say where they were made; a line without a hash would be installed unchecked."""
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (CHECKOUT / name).read_text()
        pinned = re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==", text, re.M)
        unchecked = re.findall(r"^[a-z0-9-]+(?:\[[^]]*\])?==[^\\\n]*$", text, re.M)
        assert len(pinned) > 20
        assert unchecked == []
        assert not re.search(r"https?:|--index|--find-links|file:", text)


def test_development_lock_holds_the_runtime_versions() -> None:
    runtime, development = (_versions(name) for name in ("requirements.lock", "requirements-dev.lock"))

    assert {name: development.get(name) for name in runtime} == runtime


def _versions(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", (CHECKOUT / name).read_text(), re.M))


def _dockerfile() -> Iterator[str]:
    """Yield the instructions, continued lines joined, comments left out."""
    text = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ")
    return (line for line in text.split("\n") if line and not line.startswith("#"))
