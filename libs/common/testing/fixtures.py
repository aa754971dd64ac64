"""pytest plugin: real servers, one of each per run, started when the first test asks.

Each is taken from the first of these that has it:

1. an address in the environment: ``LECTERN_TEST_KAFKA`` (host:port),
   ``LECTERN_TEST_POSTGRES_URL`` (SQLAlchemy, asyncpg), ``LECTERN_TEST_REDIS_URL`` (of a database
   for tests alone), ``LECTERN_TEST_S3_ENDPOINT`` (URL) with
   ``LECTERN_TEST_S3_BUCKET``, ``LECTERN_TEST_S3_ACCESS_KEY_ID`` and ``..._SECRET_ACCESS_KEY``
2. a container, if a Docker engine answers and has or gets the image (Kafka and PostgreSQL)
3. the native server of :mod:`libs.common.testing.servers`

Where none has it, the test is skipped and the reason reported; with ``CI=true`` it fails. A fast
run skips without looking. The workers of a parallel run share the servers.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any, NoReturn, Protocol
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.testing.processes import ServerMissing
from libs.common.testing.proxies.pgbouncer import NativePgBouncer
from libs.common.testing.report import ran_against
from libs.common.testing.selection import is_fast
from libs.common.testing.shared_servers import Servers, ServersClient, ServersListener
from libs.common.testing.starters import STARTERS, S3Server

SERVERS = pytest.StashKey[Servers]()
LISTENER = pytest.StashKey[ServersListener]()
TICKET = "servers_ticket"
FAST = "needs a server, which a fast run leaves out"


class HasServers(Protocol):
    """Of this process, or of the one that started it."""

    def get(self, name: str) -> tuple[Any, str]:
        """Return address and description of a server, or raise ServerMissing."""
        ...


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of a parallel run where to ask for servers."""
    stash = node.config.stash
    if LISTENER not in stash:
        stash[SERVERS] = Servers(STARTERS)
        stash[LISTENER] = ServersListener(stash[SERVERS])
    node.workerinput[TICKET] = stash[LISTENER].ticket


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what was started for workers."""
    if LISTENER in config.stash:
        config.stash[LISTENER].close()
        config.stash[SERVERS].close()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Iterator[HasServers]:
    """Where servers come from. A fixture that starts one asks for this one, so that it is known."""
    ticket = getattr(pytestconfig, "workerinput", {}).get(TICKET)
    if ticket is not None:
        yield ServersClient(ticket)
        return
    started = Servers(STARTERS)
    yield started
    started.close()


@pytest.fixture(scope="session")
def kafka_bootstrap(servers: HasServers, pytestconfig: pytest.Config) -> str:
    """A real Kafka without automatic topics: ``host:port``. Tests share it, so name topics anew."""
    return str(server("kafka", servers, pytestconfig))


@pytest.fixture(scope="session")
def postgres_url(servers: HasServers, pytestconfig: pytest.Config) -> str:
    """A real PostgreSQL, as SQLAlchemy URL with the rights to create databases."""
    return str(server("postgresql", servers, pytestconfig))


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
def pgbouncer(pytestconfig: pytest.Config, postgres_url: str) -> Iterator[str]:
    """A PgBouncer before the PostgreSQL of the tests, which pools transactions: ``host:port``."""

    def native(stack: ExitStack) -> tuple[str, str]:
        started = NativePgBouncer(postgres_url)
        stack.callback(started.stop)
        address = started.start()
        return address, f"PgBouncer native at {address}"

    servers = Servers({"pgbouncer": [native]})
    yield str(server("pgbouncer", servers, pytestconfig))
    servers.close()


@pytest.fixture
def pgbouncer_database(pgbouncer: str, postgres_database: str) -> str:
    """The URL of the database of ``postgres_database``, by way of PgBouncer."""
    host, port = pgbouncer.split(":")
    url = make_url(postgres_database).set(host=host, port=int(port))
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def redis_url(servers: HasServers, pytestconfig: pytest.Config) -> str:
    """A real Redis or Valkey. Tests share it, so name keys anew."""
    return str(server("redis", servers, pytestconfig))


@pytest.fixture(scope="session")
def s3_server(servers: HasServers, pytestconfig: pytest.Config) -> S3Server:
    """A server that speaks S3, with a bucket and credentials."""
    found = server("s3", servers, pytestconfig)
    assert isinstance(found, S3Server)
    return found


@pytest.fixture(scope="session")
def s3_endpoint(s3_server: S3Server) -> str:
    """The URL of the S3 server."""
    return s3_server.endpoint


@pytest.fixture(scope="session")
def s3_bucket(s3_server: S3Server) -> str:
    """The bucket that all tests share; put objects under keys of your own."""
    return s3_server.bucket


def server(name: str, servers: HasServers, config: pytest.Config) -> Any:
    """Return the address of a server, noting it for the report.

    Skips the test where there is none, or fails it with ``CI=true``, and says why.
    """
    skip_if_fast(config)
    try:
        address, description = servers.get(name)
    except ServerMissing as missing:
        _give_up(str(missing))
    ran_against(config, description)
    return address


def skip_if_fast(config: pytest.Config) -> None:
    """Skip the test in a fast run. Fixtures that start a server of their own call this."""
    if is_fast(config):
        pytest.skip(FAST)


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must not skip: {reason}", pytrace=False)
    pytest.skip(reason)
