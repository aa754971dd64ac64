"""Wakes loops of other processes that share a PostgreSQL database, as wakeups do within one.

Names that were notified after a commit are sent a moment later by LISTEN and NOTIFY, over one
connection of its own. It is not part of the transaction, for PostgreSQL has transactions that
notify commit one after the other. Nothing depends on it: what is not heard of is found by looking
again. A pooler in transaction mode loses notifications; that is noticed and said.
"""

import asyncio
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import asyncpg
import structlog

from libs.common.backoff import OUTAGE_CAP_S, delay_s
from libs.common.database.engine import Database
from libs.common.database.postgres_engine import CONNECT_TIMEOUT_S, PEER_SETTINGS

log = structlog.get_logger(__name__)

CHANNEL = "lectern_changes"
GATHER_S = 0.01
"""So long names are gathered before they are sent together."""
STATEMENT_TIMEOUT_S = 10.0
MAX_PAYLOAD_CHARACTERS = 7000
"""PostgreSQL takes less than 8000 bytes; names are ASCII."""
ECHO_S = 5.0
PROBE = "probe"
PROBE_EVERY_S = 15.0


class NotificationExchange:
    """Tells other processes what this one committed, and hears of theirs. Enter it to begin.

    On SQLite it does nothing, for one process has the database; nor behind a PgBouncer that pools
    transactions, where nothing would be heard.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: set[str] = set()
        self._woken = asyncio.Event()
        self._echoed = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def works(self) -> bool:
        """Whether notifications have been heard over the present connection."""
        return self._echoed.is_set()

    async def __aenter__(self) -> Self:
        if self._database.pooler:
            log.info("changes of other processes are found by polling, for there is a pooler")
        elif not self._database.sqlite:
            self._database.wakeups.told = self._gather
            self._running = asyncio.create_task(self._run(), name="notifications")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.wakeups.told = None
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    def _gather(self, names: set[str]) -> None:
        self._waiting |= names
        if self._waiting:
            self._woken.set()

    async def _run(self) -> None:
        attempt = 0
        while True:
            try:
                await self._exchange()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                attempt = 1 if self.works else attempt + 1
                self._echoed.clear()
                log.warning("notifications interrupted", error=type(error).__name__)
                await asyncio.sleep(delay_s(attempt, cap_s=OUTAGE_CAP_S))

    async def _exchange(self) -> None:
        """Send and hear until the connection fails."""
        url = self._database.url.set(drivername="postgresql")
        connection = await asyncpg.connect(
            url.render_as_string(hide_password=False),
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_S,
            statement_cache_size=0,
            server_settings=PEER_SETTINGS,
        )
        try:
            connection.add_termination_listener(lambda _: self._woken.set())
            await connection.add_listener(CHANNEL, self._heard)
            self._waiting.add(PROBE)
            asyncio.get_running_loop().call_later(ECHO_S, self._tell_unless_echoed)
            while not connection.is_closed():
                await self._send(connection)
                await self._wait()
                await asyncio.sleep(GATHER_S)
            raise ConnectionResetError("the connection is closed")
        finally:
            connection.terminate()

    async def _wait(self) -> None:
        """Wait for names; from time to time for none, so that a dead connection is noticed."""
        try:
            async with asyncio.timeout(PROBE_EVERY_S):
                await self._woken.wait()
        except TimeoutError:
            self._waiting.add(PROBE)

    async def _send(self, connection: "asyncpg.Connection[Any]") -> None:
        self._woken.clear()
        names, self._waiting = self._waiting, set()
        for payload in _payloads(names):
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)

    def _heard(self, connection: Any, sender: int, channel: str, payload: object) -> None:
        self._echoed.set()
        if sender != connection.get_server_pid():  # this process was woken by the commit itself
            self._database.wakeups.hear(json.loads(str(payload)))

    def _tell_unless_echoed(self) -> None:
        if not self.works and self._running is not None and not self._running.done():
            log.warning(
                "notifications are not heard: changes of other processes are found by polling",
                what_to_do="connect to PostgreSQL itself, or to a pooler in session mode",
            )


def _payloads(names: set[str]) -> Iterator[str]:
    gathered: list[str] = []
    size = 2
    for name in sorted(names):
        if size + len(name) + 4 > MAX_PAYLOAD_CHARACTERS:
            yield json.dumps(gathered)
            gathered, size = [], 2
        gathered.append(name)
        size += len(name) + 4
    if gathered:
        yield json.dumps(gathered)
