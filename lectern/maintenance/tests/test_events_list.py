import asyncio
import hashlib
from uuid import uuid4

import pytest
from sqlalchemy import delete

from lectern.cli import run
from lectern.service_catalog import SERVICES
from libs.common.contracts.documents import DocumentRejected
from libs.common.database.engine import Database
from libs.common.store.event_store import append
from libs.common.store.migrate import upgrade
from libs.common.store.tables import outbox

INGEST = next(spec for spec in SERVICES if spec.name == "ingest")


async def fill(url, count):
    """Ingest's database with events of which the first one was sent; returns them."""
    database = Database(url)
    await upgrade(database, INGEST.migrations)
    happened = [
        DocumentRejected(document_id=uuid4(), owner_id=uuid4(), code="c", details=None)
        for _ in range(count)
    ]
    async with database.transaction() as connection:
        await append(connection, happened)
        await connection.execute(delete(outbox).where(outbox.c.id == 1))
    await database.close()
    return happened


@pytest.fixture
def happened(database_url, monkeypatch):
    """Events of ingest, whose database is the only one that is set."""
    for spec in SERVICES:
        monkeypatch.delenv(f"{spec.name.upper()}_DATABASE_URL", raising=False)
    monkeypatch.setenv("INGEST_DATABASE_URL", database_url)
    return asyncio.run(fill(database_url, 3))


def listed(capsys, *asked):
    assert run(["events", "list", *asked]) == 0
    said = capsys.readouterr()
    return [line.split() for line in said.out.splitlines()][1:], said.err


def test_a_document_is_enough_to_find_what_republish_asks_for(happened, capsys):
    wanted = happened[1]
    (line,), _ = listed(capsys, "--document", str(wanted.document_id))
    service, place, _, state, topic, event_id, stream, version = line
    assert [service, place, state, version] == ["ingest", "2", "waits", "1"]
    assert [topic, event_id, stream] == [wanted.topic, str(wanted.event_id), wanted.stream]
    assert listed(capsys, "--stream", stream, "--topic", topic)[0] == [line]
    assert listed(capsys, "--event", event_id)[0] == [line]
    asked = ["events", "republish", "--topic", topic, "--stream", stream, "--dry-run"]
    assert run(asked) == 0


def test_no_more_lines_than_asked_for_and_how_to_go_on(happened, capsys):
    lines, said = listed(capsys, "--limit", "2")
    assert [line[3] for line in lines] == ["sent", "waits"]
    assert said == "there are more: name ingest and add --after 2\n"
    lines, said = listed(capsys, "ingest", "--after", "2", "--waiting")
    assert [line[1] for line in lines] == ["3"]
    assert said == ""
    assert listed(capsys, "--refused")[0] == []


def test_a_standalone_is_read_and_not_changed(tmp_path, capsys):
    (event,) = asyncio.run(fill(f"sqlite+aiosqlite:///{tmp_path}/ingest.db", 1))
    before = hashlib.sha256((tmp_path / "ingest.db").read_bytes()).digest()
    lines, _ = listed(capsys, "ingest", "--data", str(tmp_path))
    assert [line[5] for line in lines] == [str(event.event_id)]
    assert hashlib.sha256((tmp_path / "ingest.db").read_bytes()).digest() == before
    assert run(["events", "list", "--data", str(tmp_path)]) == 66
    assert "gateway.db" in capsys.readouterr().err
    assert not (tmp_path / "gateway.db").exists()


def test_a_database_without_tables_is_named(tmp_path, capsys):
    (tmp_path / "ingest.db").touch()
    assert run(["events", "list", "ingest", "--data", str(tmp_path)]) == 69
    assert "lectern migrate ingest" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [["--limit", "0"], ["--limit", "10001"], ["--document", "7"], ["--waiting", "--refused"]],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(SystemExit) as ended:
        run(["events", "list", *wrong])
    assert ended.value.code == 2


def test_where_no_database_is_set_the_error_says_so(monkeypatch, capsys):
    for spec in SERVICES:
        monkeypatch.delenv(f"{spec.name.upper()}_DATABASE_URL", raising=False)
    assert run(["events", "list"]) == 78
    assert "GATEWAY_DATABASE_URL" in capsys.readouterr().err
