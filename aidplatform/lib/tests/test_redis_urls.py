"""One variable, two spellings: what Celery and the Redis client get from AID_REDIS_URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection
from redis import ConnectionPool

from aidplatform.lib.redis_urls import RedisUrlError, celery_broker_url, parse_redis_url, redis_client_url


@pytest.mark.parametrize(
    ("given_url", "celery", "client"),
    [
        (
            "unix:///run/aid/valkey.sock?db=0",
            "redis+socket:///run/aid/valkey.sock?virtual_host=0",
            "unix:///run/aid/valkey.sock?db=0",
        ),
        ("unix:///v.sock", "redis+socket:///v.sock?virtual_host=0", "unix:///v.sock?db=0"),
        (
            "unix://:p%40ss@/v.sock?db=3",
            "redis+socket://:p%40ss@/v.sock?virtual_host=3",
            "unix://:p%40ss@/v.sock?db=3",
        ),
        ("redis://broker:6380/2", "redis://broker:6380/2", "redis://broker:6380/2"),
        ("redis://broker", "redis://broker:6379/0", "redis://broker:6379/0"),
        ("rediss://u:p@broker/1", "rediss://u:p@broker:6379/1", "rediss://u:p@broker:6379/1"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0", "redis://[::1]:6379/0"),
    ],
)
def test_both_addresses_come_from_one_variable(given_url: str, celery: str, client: str) -> None:
    assert celery_broker_url(given_url) == celery
    assert redis_client_url(given_url) == client


@pytest.mark.parametrize(
    "bad",
    ["http://broker", "broker:6379", "", "unix://", "unix:///", "unix://host/v.sock", "redis://h/first"],
)
def test_bad_address_is_refused_with_the_name_of_the_variable(bad: str) -> None:
    with pytest.raises(RedisUrlError, match="AID_REDIS_URL"):
        celery_broker_url(bad)


@given(
    folder=st.text(
        st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["C"]), min_size=1
    ),
    database=st.integers(0, 15),
)
def test_both_clients_read_back_the_same_socket_and_database(folder: str, database: int) -> None:
    """Whatever the folder is called, both libraries end at the path and the database that were meant."""
    from urllib.parse import quote

    url = f"unix://{quote(f'/x{folder}/v.sock')}?db={database}"

    pool = ConnectionPool.from_url(redis_client_url(url))
    channel = Connection(celery_broker_url(url)).transport.Channel
    parameters = _celery_parameters(celery_broker_url(url), channel)

    assert pool.connection_kwargs["path"] == parameters["path"] == parse_redis_url(url).path
    assert pool.connection_kwargs["db"] == parameters["db"] == database


def _celery_parameters(url: str, channel_class: type) -> dict[str, object]:
    """Ask Celery's transport what it would connect to, without connecting."""
    channel = channel_class.__new__(channel_class)
    channel.connection = type("Transport", (), {"client": Connection(url), "default_port": 6379})()
    return channel._connparams()
