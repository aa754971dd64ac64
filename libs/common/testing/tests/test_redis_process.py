import shutil

import pytest
from redis.asyncio import Redis

from libs.common.testing.processes import ServerMissing
from libs.common.testing.redis_process import NativeRedis


def test_without_redis_it_says_what_to_install(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ServerMissing, match="install the package"):
        NativeRedis(tmp_path / "log").start()


async def test_keeps_what_it_is_given(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        await client.set("a-key-of-this-test", "value", ex=5)
        assert await client.get("a-key-of-this-test") == b"value"
