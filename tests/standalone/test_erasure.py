"""Deleted means gone: no word of a document is left in any table, object, log or trace."""

import asyncio
import json
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from libs.common.database.engine import Database
from libs.common.store.tables import jobs
from tests import canary
from tests.standalone.command import Lectern
from tests.standalone.test_serve import (
    READY,
    SERVICES,
    TOKEN,
    free_ports,
    serving,
    until_ready,
)
from tests.standalone.waiting import block_until

SWEEP_S = 4.0
HALF = 400
"""Chapters of a document that is deleted while it is read."""


def submit(
    client: httpx.Client, content: bytes, name: str = canary.FILE_NAME, **fields: str
) -> str:
    answer = client.post("documents", files={"file": (name, content)}, data=fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["document_id"])


def state(client: httpx.Client, document: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"documents/{document}").json()
    return found


def heard_and_edited(client: httpx.Client) -> str:
    order = json.dumps({"audiobook": "m4b"})
    document = submit(client, canary.document(), title=canary.TITLE, narrate=order)
    until_ready(client, f"documents/{document}/events")
    path = f"documents/{document}/pages/1"
    edited = client.put(path, json={"text": canary.EDIT}, headers={"If-Match": '"0"'})
    assert edited.status_code == 200, edited.text
    client.post(f"documents/{document}/narrations", json={"pages": "1"}).raise_for_status()
    block_until(lambda: bool(client.get(path).json()["audios"]), "the edited page is being spoken")
    assert state(client, document)["title"] == canary.TITLE
    return document


def rejected(client: httpx.Client) -> str:
    document = submit(client, canary.broken_pdf(), "quaggafile.pdf")
    block_until(lambda: state(client, document)["state"] == "rejected", "a broken file is rejected")
    return document


def not_found(client: httpx.Client) -> str:
    answer = client.post("documents", json={"url": canary.ADDRESS, "title": canary.TITLE})
    document = str(answer.json()["document_id"])
    block_until(lambda: state(client, document)["state"] == "rejected", "an address is rejected")
    assert "quaggahost" in state(client, document)["failure"]["reason"]
    return document


def half_read(client: httpx.Client) -> str:
    order = json.dumps({})
    document = submit(client, canary.document(HALF, 40), title=canary.TITLE, narrate=order)
    block_until(lambda: state(client, document)["pages_ready"] > 0, "pages are found")
    return document


async def in_tables(data: Path) -> list[str]:
    found = []
    for name in SERVICES:
        database = Database(f"sqlite+aiosqlite:///{data}/{name}.db")
        found += await canary.in_database(name, database)
        await database.close()
    return found


async def erasures_left(data: Path) -> int:
    left = 0
    waiting = (jobs.c.kind == "erase",)
    for name in SERVICES:
        database = Database(f"sqlite+aiosqlite:///{data}/{name}.db")
        found = await database.fetch(select(func.count()).select_from(jobs).where(*waiting))
        left += found[0][0]
        await database.close()
    return left


@pytest.mark.timeout(240)
def test_no_word_of_a_deleted_document_is_left(lectern: Lectern) -> None:
    data = lectern.folder / "data"
    port = free_ports()
    with canary.collecting() as collector:
        environment = {
            **collector.environment,
            "LECTERN_ERASURE_SWEEP_SECONDS": str(SWEEP_S),
            "LECTERN_LOG_LEVEL": "INFO",
        }
        with serving(lectern, port, environment) as command:
            (token,) = TOKEN.findall(command.errors())
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}/api/v1",
                headers={"Authorization": f"Bearer {token}"},
                timeout=60,
            ) as client:
                made = [heard_and_edited(client), rejected(client), not_found(client)]
                assert canary.in_files(data), "what is searched for can be found"
                assert asyncio.run(in_tables(data)), "what is searched for can be found"
                for document in [*made, half_read(client)]:
                    assert client.delete(f"documents/{document}").status_code == 204
                time.sleep(6)
                block_until(lambda: asyncio.run(erasures_left(data)) == 0, "the sweep")
                assert asyncio.run(in_tables(data)) == []
                assert canary.in_files(data / "objects") == []
                block_until(lambda: canary.in_files(data) == [], "the write-ahead logs are emptied")
                logs = canary.lines_with_canary([command.stdout, command.stderr])
        assert logs == []
        assert collector.spans
        assert collector.with_canary == 0
    assert canary.in_files(data) == []


FORM = b"""--frontier\r
Content-Disposition: form-data; name="file"; filename="quaggafile.md"\r
\r
A quaggatext.\r
--frontier\r
Content-Disposition: form-data; name="title"\r
\r
A quaggatit"""
BEGINNING = b"A quaggatext. " * 100_000


@contextmanager
def uploading(port: int, token: str, media_type: str, beginning: bytes) -> Iterator[None]:
    """Send the beginning of an upload, and no more of it."""
    head = (
        f"POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: 50000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + beginning)
        yield


def deadlines(data: Path) -> None:
    """Have every deadline passed."""

    async def pass_all() -> None:
        database = Database(f"sqlite+aiosqlite:///{data}/gateway.db")
        async with database.transaction() as connection:
            await connection.execute(update(jobs).values(run_at_ms=0))
        await database.close()

    asyncio.run(pass_all())


@pytest.mark.timeout(180)
def test_uploads_under_way_when_the_server_was_killed_go(lectern: Lectern) -> None:
    data, port = lectern.folder / "data", free_ports()
    stored, incoming = data / "objects" / "documents", data / "objects" / ".incoming"
    with lectern.start("serve", "--port", port, "--data", "data") as command:
        command.wait_until(lambda: READY in command.errors())
        (token,) = TOKEN.findall(command.errors())
        form = "multipart/form-data; boundary=frontier"
        with (
            uploading(port, token, form, FORM),
            uploading(port, token, "application/octet-stream", BEGINNING),
        ):
            block_until(lambda: bool(canary.in_files(stored)), "an upload is stored")
            block_until(lambda: bool(canary.in_files(incoming)), "another is half written")
            command.process.kill()
            command.end()
            assert command.survivors(5.0) == []
    for left in lectern.temporary.glob("pymp-*"):
        shutil.rmtree(left)  # of multiprocessing, which holds sockets in it
    deadlines(data)
    with serving(lectern, port):
        block_until(lambda: canary.in_files(incoming) == [], "what is half written goes")
        block_until(lambda: canary.in_files(stored) == [], "what no document came of goes")
    assert canary.in_files(data) == []
