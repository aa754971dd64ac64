import os
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from libs.common.testing.native_postgres import SUPERUSER, find_programs
from libs.common.testing.processes import run
from libs.common.testing.servers import NativePostgres, ServerMissing
from tests.infrastructure.deployments import DEPLOY, SERVICES


@pytest.fixture
def own_postgres() -> Iterator[NativePostgres]:
    """A server of this test's own, since roles belong to the whole server."""
    server = NativePostgres()
    try:
        server.start()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


async def test_each_service_of_compose_reaches_its_own_database_only(
    own_postgres: NativePostgres,
) -> None:
    host, port = own_postgres.address.split(":")
    superuser_password = own_postgres.url().partition(f"{SUPERUSER}:")[2].partition("@")[0]
    password = "it's secret"
    run(
        [str(DEPLOY / "postgres" / "databases.sh")],
        environment={
            "PATH": f"{find_programs()}:{os.environ['PATH']}",
            "PGHOST": host,
            "PGPORT": port,
            "PGPASSWORD": superuser_password,
            "POSTGRES_USER": SUPERUSER,
            "POSTGRES_PASSWORD": password,
        },
    )
    for service in SERVICES:
        where: dict[str, Any] = {
            "host": host,
            "port": int(port),
            "user": service,
            "password": password,
        }
        connection = await asyncpg.connect(database=service, **where)
        await connection.execute("CREATE TABLE events (id int)")
        await connection.close()
        for other in set(SERVICES) - {service}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(database=other, **where)
