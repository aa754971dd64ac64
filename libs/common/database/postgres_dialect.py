"""SQLAlchemy's asyncpg dialect without waits that have no end, and fit for PgBouncer.

After a command that got no answer in time, asyncpg has the next one, which is the rollback, wait as
long again for the server to hear that the first is cancelled, and closing wait for ever; a frozen
server hears nothing. Here such a connection is dropped at once. Errors lose what they quote of
values that statements were given.

With ``begin_with``, further SQL goes along with each ``BEGIN``. That is the only way to set
parameters behind a PgBouncer that pools transactions: it refuses them of a connection, and gives
the next transaction another session. Everything else is SQLAlchemy's.
"""

import re
from collections.abc import Callable
from typing import Any, NoReturn

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncAdapt_asyncpg_connection,
    AsyncAdapt_asyncpg_dbapi,
    PGDialect_asyncpg,
)
from sqlalchemy.util.concurrency import await_

from libs.common.database.connection_limits import keep_alive

DRIVER = "postgresql+bounded"

ISOLATION = {
    None: "",
    "read_committed": " ISOLATION LEVEL READ COMMITTED",
    "repeatable_read": " ISOLATION LEVEL REPEATABLE READ",
    "serializable": " ISOLATION LEVEL SERIALIZABLE",
}

QUOTED = re.compile(r"(?<=invalid input for query argument \$)(\d+):.*", re.DOTALL)
"""asyncpg quotes an argument of the wrong type."""


class LimitedTransaction:
    """A transaction of a pooled connection: what asyncpg's own does, in as many calls."""

    def __init__(self, connection: Any, begin: str) -> None:
        self._connection = connection
        self._begin = begin

    async def start(self) -> None:
        """Begin."""
        await self._connection.execute(self._begin)

    async def commit(self) -> None:
        """Commit."""
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        """Roll back."""
        await self._connection.execute("ROLLBACK")


class PostgresConnection(AsyncAdapt_asyncpg_connection):
    """A connection that ends when it gets no answer."""

    __slots__ = ("begin_with",)

    begin_with: str

    async def _start_transaction(self) -> None:
        if not self.begin_with:
            await super()._start_transaction()  # type: ignore[no-untyped-call]
            return
        begin = f"BEGIN{ISOLATION[self.isolation_level]};{self.begin_with}"
        transaction: Any = LimitedTransaction(self._connection, begin)
        try:
            await transaction.start()
        except Exception as error:
            self._handle_exception(error)
        self._transaction = transaction

    def _handle_exception(self, error: Exception) -> NoReturn:
        dbapi: Any = self.dbapi
        if isinstance(error, TimeoutError):
            self._terminate_force_close()
            raise dbapi.OperationalError("no answer in time", error) from error
        forget_values(error)
        super()._handle_exception(error)

    def close(self) -> None:
        """Say goodbye, for a moment at most."""
        self.terminate()


class PostgresDriver(AsyncAdapt_asyncpg_dbapi):
    """asyncpg, opening the connections above."""

    def connect(self, *arguments: Any, begin_with: str = "", **options: Any) -> PostgresConnection:
        """Connect; ``begin_with`` is SQL that goes along with each ``BEGIN``."""
        unprepared = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": _no_name}
        adapted = PostgresConnection.create(
            self,
            self.asyncpg.connect(*arguments, **options),
            **(unprepared if begin_with else {}),
        )
        connection: PostgresConnection = await_(adapted)
        connection.begin_with = begin_with
        asyncpg_connection: Any = connection._connection
        keep_alive(asyncpg_connection._transport.get_extra_info("socket"))
        return connection


class PostgresDialect(PGDialect_asyncpg):
    """The dialect ``postgresql+bounded``."""

    driver = "bounded"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the driver."""
        make: Any = PostgresDriver
        return make(__import__("asyncpg"))

    def on_connect(self) -> Callable[[Any], None]:
        """Return what prepares a connection, in one transaction: on one session of a pooler."""
        prepare: Callable[[Any], None] = super().on_connect()  # type: ignore[no-untyped-call]

        def connected(connection: PostgresConnection) -> None:
            if not connection.begin_with:
                prepare(connection)
                return
            asyncpg_connection: Any = connection._connection
            await_(asyncpg_connection.execute("BEGIN"))
            prepare(connection)
            await_(asyncpg_connection.execute("COMMIT"))

        return connected


def forget_values(error: Exception) -> None:
    """Remove from an error of asyncpg what it quotes of rows and arguments."""
    for quoting in ("detail", "where"):  # DETAIL: Key (email)=(...) already exists.
        if getattr(error, quoting, None) is not None:
            setattr(error, quoting, None)
    if error.args and isinstance(error.args[0], str):
        error.args = (QUOTED.sub(r"\1", error.args[0]), *error.args[1:])


def _no_name() -> str:
    return ""  # unnamed statements end with their transaction, wherever that is


registry.register("postgresql.bounded", __name__, "PostgresDialect")
