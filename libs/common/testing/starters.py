"""How each server of the tests is had, in order of preference; see fixtures.py."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import make_url

from libs.common.testing import containers, moto_s3
from libs.common.testing.processes import ServerMissing
from libs.common.testing.servers import MotoS3, NativeKafka, NativePostgres, NativeRedis
from libs.common.testing.shared_servers import Starter


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """Where a test's objects go."""

    endpoint: str
    bucket: str
    access_key_id: str
    secret_access_key: str


def given_kafka(_stack: ExitStack) -> tuple[str, str]:
    """Kafka as the environment names it."""
    address = given("LECTERN_TEST_KAFKA")
    return address, f"Kafka at {address}"


def contained_kafka(stack: ExitStack) -> tuple[str, str]:
    """Kafka in a container."""
    server = containers.start_kafka()
    stack.callback(server.stop)
    return server.address, f"container {server.image} at {server.address}"


def native_kafka(stack: ExitStack) -> tuple[str, str]:
    """Kafka as a process of this machine."""
    server = NativeKafka(_directory(stack))
    stack.callback(server.stop)
    address = server.start()
    return address, f"Apache Kafka {server.version} native at {address}"


def given_postgres(_stack: ExitStack) -> tuple[str, str]:
    """PostgreSQL as the environment names it."""
    url = given("LECTERN_TEST_POSTGRES_URL")
    return url, f"PostgreSQL at {make_url(url).host}:{make_url(url).port}"


def contained_postgres(stack: ExitStack) -> tuple[str, str]:
    """PostgreSQL in a container."""
    server = containers.start_postgres()
    stack.callback(server.stop)
    return server.address, f"container {server.image}"


def native_postgres(stack: ExitStack) -> tuple[str, str]:
    """PostgreSQL as a process of this machine."""
    server = NativePostgres()
    stack.callback(server.stop)
    url = server.start()
    return url, f"PostgreSQL {server.version} native at {server.address}"


def given_redis(_stack: ExitStack) -> tuple[str, str]:
    """Redis or Valkey as the environment names it."""
    url = given("LECTERN_TEST_REDIS_URL")
    return url, f"Redis at {make_url(url).host}:{make_url(url).port}"


def native_redis(stack: ExitStack) -> tuple[str, str]:
    """Redis or Valkey as a process of this machine."""
    server = NativeRedis(_directory(stack) / "redis.log")
    stack.callback(server.stop)
    url = server.start()
    return url, f"{server.program} native at {make_url(url).host}:{make_url(url).port}"


def given_s3(_stack: ExitStack) -> tuple[S3Server, str]:
    """S3 as the environment names it."""
    endpoint = given("LECTERN_TEST_S3_ENDPOINT")
    key_id = os.environ.get("LECTERN_TEST_S3_ACCESS_KEY_ID", moto_s3.ACCESS_KEY_ID)
    secret = os.environ.get("LECTERN_TEST_S3_SECRET_ACCESS_KEY", moto_s3.SECRET_ACCESS_KEY)
    bucket = os.environ.get("LECTERN_TEST_S3_BUCKET", "lectern-test")
    moto_s3.create_bucket(endpoint, bucket, key_id, secret)
    found = S3Server(
        endpoint=endpoint, bucket=bucket, access_key_id=key_id, secret_access_key=secret
    )
    return found, f"S3 at {endpoint}"


def native_s3(stack: ExitStack) -> tuple[S3Server, str]:
    """The imitation of S3 as a process of this machine."""
    server = MotoS3(_directory(stack) / "moto.log", "lectern-test")
    stack.callback(server.stop)
    endpoint = server.start()
    found = S3Server(
        endpoint=endpoint,
        bucket=server.bucket,
        access_key_id=moto_s3.ACCESS_KEY_ID,
        secret_access_key=moto_s3.SECRET_ACCESS_KEY,
    )
    return found, f"moto {server.version} S3 at {endpoint}"


def given(variable: str) -> str:
    """Return what the environment says.

    Raises:
        ServerMissing: It says nothing.
    """
    value = os.environ.get(variable)
    if not value:
        raise ServerMissing(f"{variable} is not set")
    return value


def _directory(stack: ExitStack) -> Path:
    # Not pytest's own: the process that shares its servers with workers has none before it ends.
    return Path(stack.enter_context(TemporaryDirectory(prefix="lectern-test-server-")))


STARTERS: Mapping[str, Sequence[Starter]] = {
    "kafka": (given_kafka, contained_kafka, native_kafka),
    "postgresql": (given_postgres, contained_postgres, native_postgres),
    "redis": (given_redis, native_redis),
    "s3": (given_s3, native_s3),
}
