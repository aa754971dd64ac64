"""The program that parsing processes are forked from: ``python -m services.ingest.sandbox.zygote``.

See :mod:`.fork_server`. The file of a child is the document; it opens nothing else.
"""

import os
from collections.abc import Iterator
from typing import Any

from services.ingest.formats import parse
from services.ingest.sandbox import frames
from services.ingest.sandbox.fork_server import FILE_FD, ConfinedTask, serve
from services.ingest.sandbox.rules import PARSER


class Parsing:
    """Reads documents."""

    rules = PARSER

    def preload(self) -> None:
        """Load all formats, models and encodings."""
        parse.preload()

    def task(self, request: dict[str, Any]) -> ConfinedTask:
        """Open the document."""
        file = os.fdopen(FILE_FD, "rb")
        filename = request["filename"]

        def work() -> Iterator[bytes]:
            for item in parse.parse_file(file, None if filename is None else str(filename)):
                yield from frames.of_item(item)

        return ConfinedTask(PARSER, work)


if __name__ == "__main__":
    serve(Parsing())
