"""Trap 7: the broker keeps what it was told, drops nothing when it is full, and has no port."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from aidplatform.embedded.processes import stop
from aidplatform.embedded.resolve import ValkeyServer, resolve_broker
from aidplatform.embedded.tests.helpers import CLEAN, layout_in
from aidplatform.embedded.valkey import STOP_STEPS, Valkey
from aidplatform.lib.redis_urls import redis_client_url

Running = tuple[Valkey, subprocess.Popen[bytes], "redis.Redis"]


@pytest.fixture
def broker(place: Path) -> Iterator[Running]:
    layout = layout_in(place)
    found = resolve_broker(CLEAN, layout)
    assert isinstance(found, ValkeyServer)
    valkey = Valkey(found, layout, CLEAN)
    child = valkey.start()
    with redis.Redis.from_url(redis_client_url(valkey.url), decode_responses=True) as client:
        yield valkey, child, client
    stop(child, STOP_STEPS)


def test_broker_runs_with_the_flags_a_queue_needs(broker: Running) -> None:
    _, _, client = broker
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "port": "0",
        "save": "",
        "unixsocketperm": "700",
        "daemonize": "no",
    }

    assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_full_broker_refuses_new_work_and_keeps_the_old(broker: Running) -> None:
    _, _, client = broker
    client.set("queued", "work")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 200_000)

    with pytest.raises(redis.exceptions.OutOfMemoryError):
        [client.set(f"more-{number}", "x" * 10_000) for number in range(1000)]
    assert client.get("queued") == "work"


def test_what_was_queued_survives_kill_9(broker: Running) -> None:
    valkey, child, client = broker
    client.lpush("queue", "one", "two")
    client.execute_command("WAITAOF", 1, 0, 5000)

    child.kill()
    child.wait()
    second = valkey.start()
    try:
        kept = client.lrange("queue", 0, -1)
    finally:
        stop(second, STOP_STEPS)

    assert kept == ["two", "one"]


def test_broker_that_is_stopped_writes_everything_first(broker: Running) -> None:
    valkey, child, client = broker
    client.set("last", "word")

    by_itself = stop(child, STOP_STEPS)
    second = valkey.start()
    try:
        kept = client.get("last")
    finally:
        stop(second, STOP_STEPS)

    assert by_itself
    assert kept == "word"
