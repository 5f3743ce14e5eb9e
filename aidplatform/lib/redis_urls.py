"""Derive every address of the broker from the one variable AID_REDIS_URL.

Celery and the Redis client spell a Unix socket differently; deriving both here means they can't drift apart.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

DEFAULT_PORT = 6379


class RedisUrlError(ValueError):
    """AID_REDIS_URL names no broker this platform can reach."""


@dataclass(frozen=True)
class RedisAddress:
    """Where the broker is: a socket path, or a host with a port, and the number of the database."""

    scheme: str
    path: str
    host: str
    port: int
    database: int
    username: str | None
    password: str | None
    options: tuple[tuple[str, str], ...]


def parse_redis_url(url: str) -> RedisAddress:
    """Take the address apart.

    Accepts `unix:///path/to.sock?db=0`, `redis://host:port/0` and `rediss://host:port/0`.

    Raises:
        RedisUrlError: another scheme, a socket without an absolute path, or a database that is no number.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"unix", "redis", "rediss"}:
        raise RedisUrlError(
            f"AID_REDIS_URL starts with unix://, redis:// or rediss://, not {parts.scheme!r}."
        )
    query = dict(parse_qsl(parts.query))
    if parts.scheme == "unix":
        if not parts.path.startswith("/") or parts.path == "/" or parts.hostname:
            raise RedisUrlError(
                "AID_REDIS_URL: a socket needs three slashes and a path, unix:///path/to.sock."
            )
        database, path = query.pop("db", "0"), unquote(parts.path)
    else:
        database, path = parts.path.strip("/") or query.pop("db", "0"), ""
    if not (database.isascii() and database.isdigit()):
        raise RedisUrlError(f"AID_REDIS_URL: the database {database!r} is not a number.")
    return RedisAddress(
        scheme=parts.scheme,
        path=path,
        host=parts.hostname or "localhost",
        port=parts.port or DEFAULT_PORT,
        database=int(database),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        options=tuple(query.items()),
    )


def celery_broker_url(url: str) -> str:
    """Return the address as Celery wants it: a socket becomes `redis+socket:///path?virtual_host=0`."""
    address = parse_redis_url(url)
    if address.scheme != "unix":
        return _network_url(address)
    query = urlencode([("virtual_host", str(address.database)), *address.options])
    return f"redis+socket://{_credentials(address)}{quote(address.path)}?{query}"


def redis_client_url(url: str) -> str:
    """Return the address as `redis.Redis.from_url` wants it: a socket stays `unix:///path?db=0`."""
    address = parse_redis_url(url)
    if address.scheme != "unix":
        return _network_url(address)
    query = urlencode([("db", str(address.database)), *address.options])
    return f"unix://{_credentials(address)}{quote(address.path)}?{query}"


def _network_url(address: RedisAddress) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    place = f"{_credentials(address)}{host}:{address.port}"
    return urlunsplit((address.scheme, place, f"/{address.database}", urlencode(address.options), ""))


def _credentials(address: RedisAddress) -> str:
    if address.password is None:
        return ""
    return f"{quote(address.username or '', safe='')}:{quote(address.password, safe='')}@"
