"""How long somebody waits: python -m bench.first_audio BOOK.md DATA_FOLDER, standalone and warm."""

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic

from lectern.reading import LOCAL_OWNER
from lectern.reading_command import until_voices
from lectern.standalone import Options, Standalone, running
from services.gateway.commands import Order


async def main() -> None:
    """Submit the book to a running Lectern; print when the first sentence and page were there."""
    options = Options(data=Path(sys.argv[2]), log_level="ERROR", drain_timeout_seconds=9)
    async with running(options) as lectern:
        await lectern.until_ready()
        await until_voices(lectern)
        print(json.dumps(await _measure(lectern, Path(sys.argv[1]))))


async def _measure(lectern: Standalone, source: Path) -> dict[str, object]:
    gateway = lectern.gateway
    started = monotonic()

    async def blocks():
        yield source.read_bytes()

    document_id = await gateway.commands.submit_stream(
        LOCAL_OWNER, blocks(), kind="file", filename=source.name, title=None
    )
    narration_id = await gateway.commands.narrate(LOCAL_OWNER, document_id, Order())
    sentence_s = page_s = None
    with gateway.changes.watching(document_id) as bell:
        while page_s is None:
            await bell.wait(0.02)
            audios = await gateway.queries.page_audios(LOCAL_OWNER, narration_id)
            waited = round(monotonic() - started, 2)
            if sentence_s is None and any(each.done or each.renditions for each in audios):
                sentence_s = waited
            if any(each.renditions for each in audios):
                page_s = waited
    document = await gateway.queries.document(LOCAL_OWNER, document_id)
    while document.pages_total is None:
        await asyncio.sleep(0.1)
        document = await gateway.queries.document(LOCAL_OWNER, document_id)
    return {"sentence_s": sentence_s, "page_s": page_s, "pages": document.pages_total}


if __name__ == "__main__":
    asyncio.run(main())
