"""Empty databases to measure on, of one kind after the other."""

import tempfile
from collections.abc import Callable
from typing import TypeVar

from libs.common.testing.servers import NativePostgres

Found = TypeVar("Found")


def on_each_kind(measure: Callable[..., Found], *names: str) -> list[Found]:
    """Call ``measure(kind, *urls)`` for SQLite, then for a PostgreSQL that runs meanwhile.

    There is one database for each of ``names``. Returns what the two calls returned.
    """
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        files = [f"sqlite+aiosqlite:///{folder}/{name}.db" for name in names]
        found = [measure("SQLite", *files)]
    server = NativePostgres()
    try:
        server.start()
        for name in names:
            server.create_database(name)
        return [*found, measure("PostgreSQL", *map(server.url, names))]
    finally:
        server.stop()
