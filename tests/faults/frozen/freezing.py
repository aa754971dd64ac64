"""Processes that stand still, as on a host that is frozen, and what is awaited afterwards."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import httpx
import psutil

from libs.common.contracts.narrations import NarrationCompleted
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled, stored, unsettled
from tests.journeys.person import Person, book, somebody, until

ORDER = {"audiobook": "m4b", "engine": "openai"}
RESUMED_S = 30.0
"""So soon everything is published again when what stood still goes on, or packets arrive again."""
STANDS_STILL_S = float(os.environ.get("LECTERN_TEST_FROZEN_SECONDS", "25"))
"""Longer than any answer is waited for, so that all who wait have tried again."""
HOOKS = 3
"""Of a book with one page: the page, the audiobook, the end."""
UNDER_WAY = 4
AT_LOAD = 2
"""How many times as long as before a document takes while the others are made, too."""


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Stop processes and all that they started where they are; let them go on at the end."""
    parents = [psutil.Process(pid) for pid in pids]
    everybody = [*parents, *(child for one in parents for child in one.children(recursive=True))]
    for one in everybody:
        with suppress(psutil.NoSuchProcess):
            one.suspend()
    try:
        yield
    finally:
        for one in everybody:
            with suppress(psutil.NoSuchProcess):
                one.resume()


class Documents:
    """Documents that are handed in at ``answering`` around the time that something stands still."""

    def __init__(self, deployment: Deployment, title: str, answering: str = "gateway") -> None:
        self.answering = answering
        self.quiet_s = 0.0
        self._deployment = deployment
        self._title = title
        self._under_way: list[str] = []

    async def before(self) -> None:
        """Have one made, to know how long it takes on this machine at this time."""
        began = time.monotonic()
        await self._made_and_told("Before")
        self.quiet_s = time.monotonic() - began

    async def begin(self) -> None:
        """Have one made; then hand in some, a moment apart, so that each is at another place."""
        await self.before()
        async with somebody(self._deployment, self.answering) as person:
            for number in range(UNDER_WAY):
                _, narration = await person.submit_file("w.md", self._book(f"{number}"), ORDER)
                self._under_way.append(narration)
                await asyncio.sleep(self.quiet_s / UNDER_WAY)

    async def resumed(self) -> float:
        """Return after how many seconds from now a new one was made and told of.

        Whatever the gateway answers meanwhile, it is asked again.
        """
        began = time.monotonic()
        most_s = RESUMED_S + AT_LOAD * self.quiet_s
        try:
            async with asyncio.timeout(most_s):
                await self._made_and_told("After")
        except TimeoutError:
            left = await unsettled(self._deployment)
            raise AssertionError(f"not within {most_s:.1f} s; left: {left}") from None
        return time.monotonic() - began

    async def finish(self) -> None:
        """Wait for those that were under way, and check that nothing was lost or done twice."""
        await check_nothing_lost_or_doubled(self._deployment)
        narrations = {
            event.body["narration_id"]
            for event in await stored(self._deployment, "gateway")
            if event.topic == NarrationCompleted.topic
        }
        assert narrations >= set(self._under_way)

    async def _made_and_told(self, when: str) -> None:
        """Have a document of somebody made who waits for nobody else's."""
        async with somebody(self._deployment, self.answering) as person:
            asked = partial(_ask, person, self._book(when))
            document, narration = await until(asked, "a document to be taken")
            await until(partial(_is_ready, person, narration), "its narration to be ready")
            await until(partial(self._told, document), "everybody to be told of it")

    async def _told(self, document: str) -> bool | None:
        hooks = [one for one in self._deployment.world.hooks if one.data["document_id"] == document]
        return True if len({one.webhook_id for one in hooks}) == HOOKS else None

    def _book(self, name: str) -> bytes:
        return book(f"{self._title}, {name}", chapters=1)


async def _ask(person: Person, content: bytes) -> tuple[str, str] | None:
    with suppress(httpx.HTTPError, AssertionError):
        return await person.submit_file("r.md", content, ORDER)
    return None


async def _is_ready(person: Person, narration: str) -> bool | None:
    with suppress(httpx.HTTPError):
        return True if (await person.narration(narration))["state"] == "ready" else None
    return None
