"""The health pages of a service.

``/health/live/`` says that the process runs its loop, and asks nobody: a dependency that is down is
no reason to restart. ``/health/ready/`` asks the dependencies, all at once, and says whether work
should be sent here.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from libs.common.errors import LecternError
from libs.common.observability.redaction import redactor

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[str | None]]
"""Returns if the dependency can be used, else raises; a LecternError's sentence is shown.

What it returns is a sentence too, about what people should know of a dependency that can be used.
"""

TIMEOUT_S = 2.0
_GIVEN = ("database", "broker", "storage")
_ROWS = ("database", "cache", "broker", "storage", "config")
_UNHEALTHY = 503
_NO_STORE = {"Cache-Control": "no-store"}
_ADDRESS = re.compile(
    r"://|\d\.\d{1,3}\.\d{1,3}\.\d|[\w-]:\d{2,5}\b|\[[0-9a-fA-F:]{1,45}\]"
    r"|[\w-]\.[\w-]{1,63}\.[A-Za-z]{2}|(?<!\S)/\w"
)

Row = dict[str, str]


class Health:
    """The state of one service.

    ``checks`` has ``database``, ``broker`` and ``storage``, None for one that the service does not
    use, and may have ``cache``, ``config`` and others. Each may take ``timeout_s`` seconds.
    """

    def __init__(self, checks: Mapping[str, Check | None], timeout_s: float = TIMEOUT_S) -> None:
        forgotten = [name for name in _GIVEN if name not in checks]
        if forgotten:
            raise ValueError(f"no check for {', '.join(forgotten)}; say None if it is not used")
        own: dict[str, Check | None] = {name: checks.get(name) for name in _ROWS}
        self._checks = own | dict(checks)
        self._timeout_s = timeout_s
        self._draining = False
        self._asking: dict[str, asyncio.Task[str | None]] = {}
        self._failing: set[str] = set()

    def drain(self) -> None:
        """Be not ready from now on: the process is about to stop."""
        self._draining = True

    def routes(self) -> list[Route]:
        """Return the routes of both pages, with and without the slash, for GET and HEAD."""
        return [
            Route(f"/health/{page}{slash}", endpoint)
            for page, endpoint in (("live", self._live), ("ready", self._ready))
            for slash in ("/", "")
        ]

    async def check(self) -> tuple[bool, dict[str, Row]]:
        """Return whether the service is ready, and a row for each dependency."""
        answers = await asyncio.gather(*(self._row(*pair) for pair in self._checks.items()))
        rows = dict(zip(self._checks, answers, strict=True))
        ready = not self._draining and all(row["status"] == "ok" for row in answers)
        return ready, rows

    async def _live(self, request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive", "timestamp": _now()}, headers=_NO_STORE)

    async def _ready(self, request: Request) -> JSONResponse:
        ready, rows = await self.check()
        body: dict[str, Any] = {
            "status": "ready" if ready else "not_ready",
            "checks": rows,
            "timestamp": _now(),
        }
        return JSONResponse(body, 200 if ready else _UNHEALTHY, headers=_NO_STORE)

    async def _row(self, name: str, check: Check | None) -> Row:
        if check is None:
            message = {"cache": "in process", "config": "ok"}.get(name, "not used")
            return {"status": "ok", "message": message}
        asking = self._ask(name, check)
        # Neither cancelled nor awaited when late: a blocked thread cannot be, and a client that
        # hangs up must not disturb the others that wait for the same answer.
        done, _ = await asyncio.wait({asking}, timeout=self._timeout_s)
        if not done:
            return self._error(name, f"did not answer within {self._timeout_s:g} s")
        error = None if asking.cancelled() else asking.exception()
        if asking.cancelled() or error:
            return self._error(name, _explained(error), error)
        self._failing.discard(name)
        return {"status": "ok", "message": asking.result() or "ok"}

    def _ask(self, name: str, check: Check) -> asyncio.Task[str | None]:
        """Start a check, or join the one under way: probes do not add up."""
        asking = self._asking.get(name)
        if asking is None or asking.done():
            asking = self._asking[name] = asyncio.create_task(_run(check), name=f"check {name}")
            asking.add_done_callback(_noted)
        return asking

    def _error(self, name: str, message: str, error: BaseException | None = None) -> Row:
        if name not in self._failing:  # once, not at every probe
            self._failing.add(name)
            log.warning("dependency fails", dependency=name, message=message, exc_info=error)
        return {"status": "error", "message": message}


async def _run(check: Check) -> str | None:
    return await check()


def _noted(asking: asyncio.Task[str | None]) -> None:
    """Look at the error of a check that came too late, or asyncio complains that nobody did."""
    if not asking.cancelled():
        asking.exception()


def _explained(error: BaseException | None) -> str:
    """Return a sentence of ours, if it gives nothing away; the log has the rest."""
    message = redactor.text(str(error)) if isinstance(error, LecternError) else ""
    if not message or message != str(error) or _ADDRESS.search(message):
        return "cannot be used; the log of this service says why"
    return message


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
