"""One connection of the HTTP server: uvicorn's, with deadlines for what has to come and to be read.

uvicorn itself waits for ever for a request that was begun, and for a body. A client that sends a
byte now and then would hold its connection, and with enough of them everybody's. And it works
through all that was read at a time in one step: a body in chunks of one byte each held the event
loop for 0.3 s.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from libs.common.runtime.safe_headers import as_raw

log = structlog.get_logger(__name__)

MOST_READ_BYTES = 16 * 1024
"""At a time, of one connection: 2,700 chunks of one byte, which take 20 ms. asyncio itself reads
256 KiB; a large upload is as quick with less."""


@dataclass(frozen=True, kw_only=True)
class HttpLimits:
    """What clients may take of one server.

    ``head_s`` is the time for a request line with its headers. A body has to bring
    ``body_bytes_per_s`` in every ``body_interval_s``, unless it is us who do not read on. A client
    that reads nothing of its answer for ``stalled_s`` is cut off: one that pauses comes back with
    a Range. Whatever is left of a body when its request has been answered has one interval to come.
    """

    max_connections: int = 2000
    head_s: float = 10.0
    body_interval_s: float = 20.0
    body_bytes_per_s: float = 100.0
    stalled_s: float = 300.0


@dataclass(kw_only=True, eq=False)
class ConnectionLimit:
    """How many connections a server holds, and which of them can be let go.

    When all are taken, a new one takes the place of the one that has gone without a request for
    longest, so that health pages answer however many clients do nothing.
    """

    limits: HttpLimits
    without_request: dict["BoundedConnection", None] = field(default_factory=dict)
    dropped: int = 0

    def make_room(self, held: int) -> None:
        """Drop a connection if ``held`` are too many."""
        if held > self.limits.max_connections and self.without_request:
            if not self.dropped:
                log.warning("too many connections", limit=self.limits.max_connections)
            self.dropped += 1
            next(iter(self.without_request)).drop()


_ANSWERED = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED)


class BoundedConnection(H11Protocol):
    """A connection that is dropped when its client takes too long."""

    def __init__(self, *args: Any, limit: ConnectionLimit, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limit = limit
        self._limits = limit.limits
        self._head_due: asyncio.TimerHandle | None = None
        self._body_due: asyncio.TimerHandle | None = None
        self._rest_due: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._body_received = 0
        self._was_paused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        if hasattr(transport, "max_size"):  # one that is made of a socket
            transport.max_size = MOST_READ_BYTES
        self._limit.without_request[self] = None
        self._limit.make_room(len(self.connections))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._limit.without_request.pop(self, None)
        for timer in (self._head_due, self._body_due, self._rest_due, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        self._body_received += len(data)
        super().data_received(data)
        self._note_progress()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; after an answer was begun there is nothing more to be said."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._say_bad_request(msg)
        else:
            self.drop()

    def on_response_complete(self) -> None:
        """Wait for the next request, which may have come already."""
        self._limit.without_request[self] = None
        super().on_response_complete()
        self._note_progress()

    def pause_writing(self) -> None:
        """Give the client time to read."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self._limits.stalled_s, self.drop)

    def resume_writing(self) -> None:
        """Go on: it reads."""
        super().resume_writing()
        self._stalled = _cancelled(self._stalled)

    def drop(self) -> None:
        """Close at once, whatever is still to be sent; an application that reads is told."""
        self._limit.without_request.pop(self, None)
        self.transport.abort()

    def _say_bad_request(self, why: str) -> None:
        headers = [
            *as_raw(),
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=HTTPStatus.BAD_REQUEST, headers=headers),
            h11.Data(data=why.encode()),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def _note_progress(self) -> None:
        if self.conn.their_state is h11.SEND_BODY and self.conn.our_state in _ANSWERED:
            if self._rest_due is None:
                self._rest_due = self.loop.call_later(self._limits.body_interval_s, self.drop)
            return
        self._rest_due = _cancelled(self._rest_due)
        if self.conn.their_state is h11.IDLE:
            if self.timeout_keep_alive_task is None and self._head_due is None:
                self._await_head()
            return
        self._limit.without_request.pop(self, None)
        self._head_due = _cancelled(self._head_due)
        if self.conn.their_state is h11.SEND_BODY and self._body_due is None:
            self._await_body()

    def _await_head(self) -> None:
        self._head_due = self.loop.call_later(self._limits.head_s, self.drop)

    def _await_body(self) -> None:
        self._body_received = 0
        self._was_paused = self.flow.read_paused
        self._body_due = self.loop.call_later(self._limits.body_interval_s, self._check_body)

    def _check_body(self) -> None:
        self._body_due = None
        if self.conn.their_state is not h11.SEND_BODY:
            return
        least = self._limits.body_bytes_per_s * self._limits.body_interval_s
        ours = self._was_paused or self.flow.read_paused
        if self._body_received < least and not ours:
            self.drop()
        else:
            self._await_body()


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancel a timer if there is one; return what takes its place: none."""
    if timer is not None:
        timer.cancel()
    return None
