import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from lectern.cli import run
from lectern.maintenance import rebuild_command
from lectern.maintenance.rebuild_command import RebuildLines
from libs.common.contracts.base import ObjectRef
from libs.common.contracts.cloudevents import rfc3339
from libs.common.contracts.documents import DocumentParsed, PageExtracted
from libs.common.contracts.identifiers import uuid7
from libs.common.database.engine import Database
from libs.common.store.migrate import upgrade
from libs.common.store.tables import inbox
from services.gateway.documents.tables import documents, pages
from services.gateway.rebuilding.rebuild_progress import RebuildProgress

PAGES, DOCUMENTS = 20, 600
ROOT = Path(__file__).parents[3]
OBJECT = ObjectRef(
    key="documents/1/x.json", sha256="0" * 64, size=1, media_type="application/octet-stream"
)


async def fill(folder, count):
    """A gateway's database with a history in its inbox, and nothing in its read models."""
    database = await opened(folder)
    async with database.transaction() as connection:
        for number in range(count):
            await connection.execute(insert(inbox), [*received(number)])
    await database.close()


async def opened(folder):
    database = Database(f"sqlite+aiosqlite:///{folder}/gateway.db")
    await upgrade(database, ROOT / "services" / "gateway" / "migrations")
    return database


def received(number):
    about = {"document_id": uuid7(), "owner_id": uuid7(), "markdown_characters": 1}
    pages_of_it = [
        PageExtracted(**about, page=page, text=OBJECT, language="und")
        for page in range(1, PAGES + 1)
    ]
    for event in (
        *pages_of_it,
        DocumentParsed(
            **about,
            page_count=PAGES,
            details=OBJECT,
            chapter_count=0,
            language="und",
            media_type="application/octet-stream",
        ),
    ):
        yield {
            "consumer": "gateway",
            "event_id": str(event.event_id),
            "received_at_ms": number + 1,
            "topic": event.topic,
            "occurred_at": rfc3339(event.occurred_at),
            "body": event.encode(),
        }


async def rows(folder, table):
    database = await opened(folder)
    found = await database.fetch(select(table).order_by(*table.primary_key))
    await database.close()
    return found


@pytest.mark.slow
def test_tables_are_rebuilt_by_name_or_all(tmp_path, capsys):
    asyncio.run(fill(tmp_path, 3))
    data = ["--data", str(tmp_path), "--workers", "1"]
    assert run(["rebuild", "pages", *data]) == 0
    assert capsys.readouterr().out.startswith("rebuilt pages: 63 events in ")
    assert len(asyncio.run(rows(tmp_path, pages))) == 60
    assert asyncio.run(rows(tmp_path, documents)) == []
    assert run(["rebuild", *data]) == 0
    assert " 63 events in " in capsys.readouterr().out
    assert [row.page_count for row in asyncio.run(rows(tmp_path, documents))] == [20] * 3
    assert run(["rebuild", "document_details", *data]) == 0
    assert capsys.readouterr().out == "0 rows of document_details came back\n"


def test_what_cannot_be_rebuilt_is_refused_with_what_can(capsys):
    with pytest.raises(SystemExit) as ended:
        run(["rebuild", "tokens"])
    assert ended.value.code == 2
    assert "document_details" in capsys.readouterr().err


def test_progress_is_told_now_and_then(monkeypatch, capsys):
    now = 0.0
    monkeypatch.setattr(rebuild_command, "monotonic", lambda: now)
    progress = RebuildLines()
    progress(RebuildProgress(tables="x", code_digest="c", passes=1, projected=1000))
    assert capsys.readouterr().err == ""
    now = 10.0
    progress(RebuildProgress(tables="x", code_digest="c", passes=1, projected=201_000))
    assert capsys.readouterr().err == "pass 1: 201,000 events projected, 20,000 a second\n"


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_what_the_next_one_finishes(tmp_path):
    asyncio.run(fill(tmp_path, DOCUMENTS))
    command = [sys.executable, "-m", "lectern", "rebuild", "--data", str(tmp_path)]
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(ROOT)}}
    options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for _ in range(2):
        before = projected(tmp_path)
        with subprocess.Popen(command, **options) as running:
            while running.poll() is None and projected(tmp_path) == before:
                time.sleep(0.005)
            running.kill()
        assert projected(tmp_path) > before
    done = subprocess.run(command, **options, check=True)
    assert f"{DOCUMENTS * (PAGES + 1):,} events" in done.stdout.decode()
    found = asyncio.run(rows(tmp_path, documents))
    assert len(found) == DOCUMENTS
    assert {row.page_count for row in found} == {PAGES}
    assert len(asyncio.run(rows(tmp_path, pages))) == DOCUMENTS * PAGES
    assert projected(tmp_path) == 0


def projected(folder):
    """How far a rebuild is that is not finished."""
    connection = sqlite3.connect(folder / "gateway.db")
    ((count,),) = connection.execute("SELECT coalesce(sum(projected), 0) FROM rebuilds")
    connection.close()
    return count
