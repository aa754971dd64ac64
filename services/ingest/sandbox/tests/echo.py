"""A program whose children say what they are asked to: ``python -m ....tests.echo FD``."""

from collections.abc import Iterator
from typing import Any

from services.ingest.sandbox import frames
from services.ingest.sandbox.fork_server import ConfinedTask, serve
from services.ingest.sandbox.rules import PARSER


class Echo:
    rules = PARSER

    def preload(self) -> None:
        return

    def task(self, request: dict[str, Any]) -> ConfinedTask:
        said = request["say"]

        def work() -> Iterator[bytes]:
            if said == "fail":
                raise RuntimeError("as asked")
            if said == "memory":
                raise MemoryError
            if said == "disk":
                raise OSError(28, "No space left on device", "/a/path")
            yield frames.encode(frames.Frame.COVER, said.encode())

        return ConfinedTask(PARSER, work)


if __name__ == "__main__":
    serve(Echo())
