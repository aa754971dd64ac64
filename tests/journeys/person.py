"""Somebody who uses the gateway's REST API."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx

from services.gateway.accounts.tokens import Tokens
from tests.journeys.deployment import Deployment

T = TypeVar("T")
LOOK_EVERY_S = 0.1
PATIENCE_S = 240.0


@dataclass
class Person:
    """One account; answers are the API's JSON."""

    owner_id: UUID
    api: httpx.AsyncClient

    async def submit_file(
        self, name: str, content: bytes, order: dict[str, Any] | None = None
    ) -> tuple[str, str]:
        """Upload a file as a form; return the ids of the document and of the narration."""
        fields = {"narrate": json.dumps(order)} if order is not None else {}
        return await self._submit(files={"file": (name, content)}, data=fields)

    async def submit_url(self, url: str, order: dict[str, Any]) -> tuple[str, str]:
        """Have a web address read."""
        return await self._submit(json={"url": url, "narrate": order})

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.api.get(path)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def download(self, path: str) -> bytes:
        answer = await self.api.get(path)
        answer.raise_for_status()
        return answer.content

    async def narration(self, narration_id: str) -> dict[str, Any]:
        return await self.get(f"/narrations/{narration_id}")

    async def finished(self, narration_id: str, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the narration once everything that was ordered is there."""

        async def look() -> dict[str, Any] | None:
            found = await self.narration(narration_id)
            assert found["state"] != "failed", found
            return found if found["state"] == "ready" else None

        return await until(look, "the narration to be ready", timeout_s)

    async def audios(self, document_id: str) -> list[dict[str, Any]]:
        """The newest audio of every page, in order."""
        pages = (await self.get(f"/documents/{document_id}/pages"))["items"]
        numbers = [page["page"] for page in pages]
        full = [await self.get(f"/documents/{document_id}/pages/{number}") for number in numbers]
        return [page["audios"][0] for page in full if page["audios"]]

    async def _submit(self, **body: Any) -> tuple[str, str]:
        """Hand something in, later if there are many others still to be read."""
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await self.api.post("/documents", **body)).status_code == 429:
                await asyncio.sleep(float(answer.headers["retry-after"]))
        assert answer.status_code == 202, answer.text
        found = answer.json()
        return found["document_id"], found["narration_id"]


@asynccontextmanager
async def somebody(deployment: Deployment, answering: str = "gateway"):
    """A new person with a token, who asks the process ``answering``."""
    database = deployment.database("gateway")
    try:
        owner, token = await Tokens(database).create("journey")
    finally:
        await database.close()
    async with httpx.AsyncClient(
        base_url=f"{deployment.url(answering)}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ) as api:
        yield Person(owner, api)


async def until(
    look: Callable[[], Awaitable[T | None]], what: str, timeout_s: float = PATIENCE_S
) -> T:
    """Return the first thing that ``look`` finds."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = await look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s in vain for {what}"
        await asyncio.sleep(LOOK_EVERY_S)


def book(title: str, chapters: int = 3, sentences: int = 4) -> bytes:
    """Markdown with a page for each chapter; no two titles share a sentence."""
    lines = ["---", f"title: {title}", "author: A. Writer", "---", ""]
    for chapter in range(1, chapters + 1):
        lines += [f"# Chapter {chapter} of {title}", ""]
        text = [
            f"This is sentence {number} of chapter {chapter} in the book called {title}."
            for number in range(1, sentences + 1)
        ]
        lines += [" ".join(text), ""]
    return "\n".join(lines).encode()
