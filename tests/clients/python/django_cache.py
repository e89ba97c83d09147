"""Django's cache on its Redis backend, which writes to the first server and reads from the others; but for `add`."""

import os
import time

import django
import redis
from django.conf import settings

SERVERS = [f"redis://{address}" for address in os.environ["NODES"].split(" ")]

settings.configure(
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": SERVERS,
            "KEY_PREFIX": "django",
        },
        "other": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": [f"{server}/3" for server in SERVERS],
        },
    }
)
django.setup()

from django.core.cache import caches  # noqa: E402  (settings come first)


def values():
    cache = caches["default"]
    cache.set("user", {"name": "Ada", "tags": ["a", 1, None]}, timeout=100)
    assert cache.get("user") == {"name": "Ada", "tags": ["a", 1, None]}
    assert cache.get("none", "default") == "default"
    assert cache.has_key("user") and "none" not in cache
    cache.set("forever", 1, timeout=None)
    assert cache.get("forever") == 1
    cache.set("at once", 1, timeout=0)
    assert cache.get("at once") is None
    assert cache.delete("user") is True
    assert cache.delete("user") is False


def numbers():
    cache = caches["default"]
    cache.set("count", 5)
    assert cache.incr("count") == 6
    assert cache.decr("count", 2) == 4
    try:
        cache.incr("no count")
        raise AssertionError("Something that is not there was counted")
    except ValueError:
        pass


def expiry():
    cache = caches["default"]
    cache.set("short", "v", timeout=1)
    cache.set("touched", "v", timeout=1)
    assert cache.touch("touched", 100) is True
    assert cache.touch("nothing", 100) is False
    deadline = time.monotonic() + 10
    while cache.get("short") is not None:
        assert time.monotonic() < deadline, "A value outlives its time"
        time.sleep(0.02)
    assert cache.get("touched") == "v"


def many():
    cache = caches["default"]
    data = {f"many{i}": i for i in range(50)}
    assert cache.set_many(data, timeout=100) == []
    assert cache.get_many([*data, "none"]) == data
    cache.delete_many(data)
    assert cache.get_many(data) == {}


def add():
    """It is SET NX, which would need consensus: refused, and nothing is written."""
    cache = caches["default"]
    try:
        cache.add("added", 1)
        raise AssertionError("SET NX was taken")
    except redis.ResponseError as error:
        assert "UNSUPPORTED" in str(error), error
    assert cache.get("added") is None


def clear():
    caches["default"].set("stays", 1)
    other = caches["other"]
    other.set("goes", 1)
    assert other.clear() is True
    assert other.get("goes") is None
    assert caches["default"].get("stays") == 1


if __name__ == "__main__":
    for check in (values, numbers, expiry, many, add, clear):
        print(check.__name__, flush=True)
        check()
