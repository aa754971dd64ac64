"""Books handed to one running Lectern, one after the other: python -m bench.warm DATA BOOK...

Prints, as JSON, the seconds from each submission to its audiobook and to the audio of its
first page. Start-up is left out.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from lectern.reading import LOCAL_OWNER
from lectern.reading_command import until_voices
from lectern.standalone import Options, Standalone, running
from services.gateway.commands import Order

LOOK_EVERY_S = 0.1
ORDER = Order(voice="en-us", audiobook="m4b")


async def main() -> None:
    """Read every book; print the figures."""
    data, *books = sys.argv[1:]
    options = Options(data=Path(data), log_level="ERROR", drain_timeout_seconds=9)
    async with running(options) as lectern:
        await lectern.until_ready()
        await until_voices(lectern)
        figures = [await _read(lectern, name) for name in books]
    print(json.dumps(figures))


async def _read(lectern: Standalone, name: str) -> dict[str, Any]:
    gateway = lectern.gateway
    text = await asyncio.to_thread(Path(name).read_bytes)
    started = monotonic()
    document_id = await gateway.commands.submit_stream(
        LOCAL_OWNER, _once(text), kind="file", filename=Path(name).name, title=None
    )
    narration_id = await gateway.commands.narrate(LOCAL_OWNER, document_id, ORDER)
    first_page_s = await _first(lectern, narration_id, started)
    while (
        narration := await gateway.queries.narration(LOCAL_OWNER, narration_id)
    ).state != "ready":
        if narration.state != "working":
            raise RuntimeError(f"the narration is {narration.state}")
        await asyncio.sleep(0.2)
    return {
        "seconds": monotonic() - started,
        "first_page_s": round(first_page_s, 2),
        "pages": narration.pages_total,
        "audio_s": narration.duration_ms / 1000,
    }


async def _first(lectern: Standalone, narration_id: UUID, started: float) -> float:
    """Return when the first page could be heard."""
    queries = lectern.gateway.queries
    while not (await queries.narration(LOCAL_OWNER, narration_id)).pages_ready:
        await asyncio.sleep(LOOK_EVERY_S)
    return monotonic() - started


async def _once(text: bytes) -> AsyncIterator[bytes]:
    yield text


if __name__ == "__main__":
    asyncio.run(main())
