"""redis-py as its users have it: plain, its default pipeline, asyncio, RESP2 and RESP3, a database of its own."""

import asyncio
import os
import time

import redis
import redis.asyncio

NODES = [address.rsplit(":", 1) for address in os.environ["NODES"].split(" ")]
OPTIONS = [{"host": host, "port": int(port)} for host, port in NODES]


def plain(protocol):
    """What one node is told, the others tell."""
    first, second, third = (
        redis.Redis(**options, protocol=protocol, decode_responses=True) for options in OPTIONS
    )
    key = f"py:{protocol}"
    assert first.set(f"{key}:text", "Ünï\x00code") is True
    assert second.get(f"{key}:text") == "Ünï\x00code"
    assert first.set(f"{key}:short", "gone soon", px=80) is True
    assert first.set(f"{key}:long", "stays", ex=100) is True
    assert 98 <= second.ttl(f"{key}:long") <= 100
    assert third.expire(f"{key}:text", 50) is True
    assert 48 <= first.ttl(f"{key}:text") <= 50
    assert third.persist(f"{key}:text") is True
    assert first.ttl(f"{key}:text") == -1
    until(lambda: third.get(f"{key}:short") is None)

    assert first.mset({f"{key}:a": "1", f"{key}:b": "2"}) is True
    assert second.mget(f"{key}:a", f"{key}:none", f"{key}:b") == ["1", None, "2"]
    assert [first.incr(f"{key}:n"), second.incrby(f"{key}:n", 41)] == [1, 42]
    assert third.decr(f"{key}:n") == 41

    assert first.hset(f"{key}:hash", mapping={"name": "Ada", "born": 1815}) == 2
    assert second.hgetall(f"{key}:hash") == {"name": "Ada", "born": "1815"}
    assert second.hincrby(f"{key}:hash", "born", 1) == 1816
    assert third.hdel(f"{key}:hash", "name") == 1
    assert first.hgetall(f"{key}:hash") == {"born": "1816"}

    assert first.sadd(f"{key}:set", "a", "b", "c") == 3
    assert second.srem(f"{key}:set", "b") == 1
    assert third.smembers(f"{key}:set") == {"a", "c"}
    assert first.pfadd(f"{key}:distinct", *range(100)) == 1
    assert 95 <= second.pfcount(f"{key}:distinct") <= 105

    assert second.delete(f"{key}:a", f"{key}:b", f"{key}:none") == 2
    assert first.exists(f"{key}:a") == 0
    assert first.type(f"{key}:hash") == "hash"


def lists(protocol):
    """Walks over many keys and many fields, and removes them on the way."""
    first, second, _ = (
        redis.Redis(**options, protocol=protocol, decode_responses=True) for options in OPTIONS
    )
    key = f"py:{protocol}:many"
    with first.pipeline(transaction=False) as pipe:
        for i in range(300):
            pipe.set(f"{key}:{i}", i)
        assert pipe.execute() == [True] * 300
    found = list(second.scan_iter(match=f"{key}:*", count=50))
    assert sorted(found) == sorted(f"{key}:{i}" for i in range(300)), len(found)

    first.hset(f"{key}:h", mapping={f"field{i}": i for i in range(300)})
    for field, _value in second.hscan_iter(f"{key}:h", count=20):
        first.hdel(f"{key}:h", field)
    assert second.hlen(f"{key}:h") == 0, second.hlen(f"{key}:h")
    assert first.unlink(*found) == 300


def pipelines(protocol):
    """The default pipeline is MULTI … EXEC."""
    first, second, _ = (
        redis.Redis(**options, protocol=protocol, decode_responses=True) for options in OPTIONS
    )
    key = f"py:{protocol}:pipe"
    with first.pipeline() as pipe:
        replies = pipe.set(key, 1).incr(key).get(key).expire(key, 100).execute()
    assert replies == [True, 2, "2", True], replies
    assert second.get(key) == "2"
    with first.pipeline() as pipe:
        try:
            pipe.incr(key).execute_command("NO-SUCH-COMMAND").incr(key).execute()
            raise AssertionError("An unknown command was taken")
        except redis.ResponseError:
            pass
    assert second.get(key) == "2", "What was refused has run"
    with first.pipeline() as pipe:
        replies = pipe.incr(key).sadd(key, "x").incr(key).execute(raise_on_error=False)
    assert [replies[0], replies[2]] == [3, 4], replies
    assert "WRONGTYPE" in str(replies[1]), replies
    with first.pipeline() as pipe:
        try:
            pipe.watch(key)
            raise AssertionError("WATCH was taken")
        except redis.ResponseError:
            pass
    assert second.get(key) == "4"


def databases():
    first = redis.Redis(**OPTIONS[0], db=0, decode_responses=True)
    second = redis.Redis(**OPTIONS[1], db=1, decode_responses=True)
    first.set("py:db", "zero")
    second.set("py:db", "one")
    assert (first.get("py:db"), second.get("py:db")) == ("zero", "one")
    assert list(second.scan_iter(match="py:*")) == ["py:db"]
    assert second.flushdb() is True
    assert second.dbsize() == 0
    assert first.get("py:db") == "zero"


async def concurrently(protocol):
    clients = [
        redis.asyncio.Redis(**options, protocol=protocol, decode_responses=True)
        for options in OPTIONS
    ]
    key = f"py:{protocol}:async"
    try:
        await asyncio.gather(*(clients[i % 3].set(f"{key}:{i}", i) for i in range(60)))
        values = await asyncio.gather(*(clients[i % 3].get(f"{key}:{59 - i}") for i in range(60)))
        assert values == [str(59 - i) for i in range(60)]
        await asyncio.gather(*(clients[i % 3].incr(f"{key}:n") for i in range(60)))
        assert await clients[0].get(f"{key}:n") == "60"
        async with clients[0].pipeline() as pipe:
            assert await pipe.set(f"{key}:p", "v").get(f"{key}:p").execute() == [True, "v"]
        found = [name async for name in clients[1].scan_iter(match=f"{key}:[0-9]*")]
        assert len(found) == 60, found
        assert await clients[2].delete(*found) == 60
    finally:
        await asyncio.gather(*(client.aclose() for client in clients))


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "Waited in vain"
        time.sleep(0.01)


CHECKS = [
    *((f"{check.__name__} RESP{protocol}", lambda c=check, p=protocol: c(p))
      for protocol in (2, 3) for check in (plain, lists, pipelines)),
    *((f"asyncio RESP{protocol}", lambda p=protocol: asyncio.run(concurrently(p)))
      for protocol in (2, 3)),
    ("databases", databases),
]

if __name__ == "__main__":
    for name, check in CHECKS:
        print(name, flush=True)
        check()
