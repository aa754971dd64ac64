"""Words that are in no other document, and the search for what is left of them."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, select

from libs.common.database.engine import Database

CANARY = b"quagga"
"""Part of every word of a document that must be gone with it, whatever it is a word of."""

FILE_NAME = "quaggafile.md"
TITLE = "The Quaggatitle"
ADDRESS = "http://quaggahost.invalid/quaggaaddress?q=quaggaquery"
EDIT = "An edit with a quaggaedit in it.\n"


def document(chapters: int = 2, sentences: int = 2) -> bytes:
    """Markdown whose title, author, chapters and text hold the canary."""
    lines = ["---", "title: A quaggafound title", "author: Q. Quaggaauthor", "---", ""]
    for chapter in range(1, chapters + 1):
        lines += [f"# Quaggachapter {chapter}", ""]
        text = (f"Sentence {n} of {chapter} has a quaggatext in it." for n in range(sentences))
        lines += [" ".join(text), ""]
    return "\n".join(lines).encode()


def broken_pdf() -> bytes:
    """A file that looks like a PDF and cannot be read."""
    return b"%PDF-1.7\n" + b"quaggatext " * 100


def in_bytes(found: bytes) -> bool:
    """Whether the canary is there, in whatever case."""
    return CANARY in found.lower()


def in_files(*folders: Path) -> list[str]:
    """The files below ``folders`` whose name or content holds the canary."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [
        str(path) for path in files if in_bytes(str(path).encode()) or in_bytes(path.read_bytes())
    ]


async def in_database(name: str, database: Database) -> list[str]:
    """The tables and columns whose values hold the canary."""
    found: set[str] = set()
    tables = MetaData()
    async with database.reading() as connection:
        await connection.run_sync(tables.reflect)
        for table in tables.sorted_tables:
            for row in await connection.execute(select(table)):
                for column, value in row._mapping.items():
                    raw = bytes(value) if isinstance(value, bytes) else str(value).encode()
                    if in_bytes(raw):
                        found.add(f"{name}.{table.name}.{column}")
    return sorted(found)


@dataclass
class Collector:
    """A collector of traces; ``spans`` are the bodies that were sent to it."""

    port: int = 0
    spans: list[bytes] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        """What services must be told to find it."""
        return {"LECTERN_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}"}

    @property
    def with_canary(self) -> int:
        """How many bodies hold the canary."""
        return sum(map(in_bytes, self.spans))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Collect traces while the block runs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.spans.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def lines_with_canary(logs: Iterable[Path]) -> list[str]:
    """The lines of logs that hold the canary, cut."""
    return [
        f"{path.name}: {line[:200]}"
        for path in logs
        for line in path.read_text(errors="replace").splitlines()
        if in_bytes(line.encode())
    ]
