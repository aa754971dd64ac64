"""pytest plugin: real servers, one of each per run, started when the first test asks.

Each is taken from the first of these that has it:

1. an address in the environment: ``LECTERN_TEST_KAFKA`` (host:port),
   ``LECTERN_TEST_POSTGRES_URL`` (SQLAlchemy, asyncpg), ``LECTERN_TEST_S3_ENDPOINT`` (URL) with
   ``LECTERN_TEST_S3_BUCKET``, ``LECTERN_TEST_S3_ACCESS_KEY_ID`` and ``..._SECRET_ACCESS_KEY``
2. a container, if a Docker engine answers and has or gets the image (Kafka and PostgreSQL)
3. the native server of :mod:`libs.common.testing.servers`

Where none has it, the test is skipped and the reason reported; with ``CI=true`` it fails.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NoReturn, TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.testing import containers, moto_s3
from libs.common.testing.processes import ServerFailed, ServerMissing
from libs.common.testing.report import ran_against
from libs.common.testing.servers import MotoS3, NativeKafka, NativePostgres

T = TypeVar("T")
Starter = Callable[[ExitStack], tuple[T, str]]
"""Starts a server, leaves its end on the stack, returns its address and a description."""


@dataclass(frozen=True)
class S3Server:
    """Where a test's objects go."""

    endpoint: str
    bucket: str
    access_key_id: str
    secret_access_key: str


@pytest.fixture(scope="session")
def kafka_bootstrap(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A real Kafka without automatic topics: ``host:port``. Tests share it, so name topics anew."""

    def given(_stack: ExitStack) -> tuple[str, str]:
        address = _given("LECTERN_TEST_KAFKA")
        return address, f"Kafka at {address}"

    def contained(stack: ExitStack) -> tuple[str, str]:
        server = containers.start_kafka()
        stack.callback(server.stop)
        return server.address, f"container {server.image} at {server.address}"

    def native(stack: ExitStack) -> tuple[str, str]:
        server = NativeKafka(tmp_path_factory.mktemp("kafka"))
        stack.callback(server.stop)
        address = server.start()
        return address, f"Apache Kafka {server.version} native at {address}"

    with ExitStack() as stack:
        yield first_of(pytestconfig, stack, given, contained, native)


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A real PostgreSQL, as SQLAlchemy URL with the rights to create databases."""

    def given(_stack: ExitStack) -> tuple[str, str]:
        url = _given("LECTERN_TEST_POSTGRES_URL")
        return url, f"PostgreSQL at {make_url(url).host}:{make_url(url).port}"

    def contained(stack: ExitStack) -> tuple[str, str]:
        server = containers.start_postgres()
        stack.callback(server.stop)
        return server.address, f"container {server.image}"

    def native(stack: ExitStack) -> tuple[str, str]:
        server = NativePostgres()
        stack.callback(server.stop)
        url = server.start()
        return url, f"PostgreSQL {server.version} native at {server.address}"

    with ExitStack() as stack:
        yield first_of(pytestconfig, stack, given, contained, native)


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[str]:
    """The URL of an empty PostgreSQL database that only this test has."""
    name = f"test_{uuid4().hex}"
    engine = create_async_engine(postgres_url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        await engine.dispose()


@pytest.fixture(scope="session")
def s3_server(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """A server that speaks S3, with a bucket and credentials."""

    def given(_stack: ExitStack) -> tuple[S3Server, str]:
        endpoint = _given("LECTERN_TEST_S3_ENDPOINT")
        key_id = os.environ.get("LECTERN_TEST_S3_ACCESS_KEY_ID", moto_s3.ACCESS_KEY_ID)
        secret = os.environ.get("LECTERN_TEST_S3_SECRET_ACCESS_KEY", moto_s3.SECRET_ACCESS_KEY)
        bucket = os.environ.get("LECTERN_TEST_S3_BUCKET", "lectern-test")
        moto_s3.create_bucket(endpoint, bucket, key_id, secret)
        return S3Server(endpoint, bucket, key_id, secret), f"S3 at {endpoint}"

    def native(stack: ExitStack) -> tuple[S3Server, str]:
        server = MotoS3(tmp_path_factory.mktemp("moto") / "moto.log", "lectern-test")
        stack.callback(server.stop)
        endpoint = server.start()
        found = S3Server(endpoint, server.bucket, moto_s3.ACCESS_KEY_ID, moto_s3.SECRET_ACCESS_KEY)
        return found, f"moto {server.version} S3 at {endpoint}"

    with ExitStack() as stack:
        yield first_of(pytestconfig, stack, given, native)


@pytest.fixture(scope="session")
def s3_endpoint(s3_server: S3Server) -> str:
    """The URL of the S3 server."""
    return s3_server.endpoint


@pytest.fixture(scope="session")
def s3_bucket(s3_server: S3Server) -> str:
    """The bucket that all tests share; put objects under keys of your own."""
    return s3_server.bucket


def first_of(config: pytest.Config, stack: ExitStack, *starters: Starter[T]) -> T:
    """Return the address of the first server that can be had, noting it for the report.

    Skips the test, or fails it with ``CI=true``, for the reason that the last one gave.
    """
    reason = "no server was tried"
    for start in starters:
        try:
            address, description = start(stack)
        except (ServerMissing, ServerFailed) as error:
            reason = str(error)
            continue
        ran_against(config, description)
        return address
    _give_up(reason)


def _given(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise ServerMissing(f"{variable} is not set")
    return value


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must not skip: {reason}", pytrace=False)
    pytest.skip(reason)
