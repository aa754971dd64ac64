"""``lectern rebuild`` and ``events republish`` beside ``lectern serve``, as runbooks say."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.gateway.tables import READ_MODELS
from tests.standalone import documents
from tests.standalone.command import Lectern
from tests.standalone.test_serve import TOKEN, beside, free_ports, serving, until_ready

DOCUMENTS = 3


def rows(data: Path) -> dict[str, list[Any]]:
    """All rows of the read models."""
    connection = sqlite3.connect(data / "gateway.db")
    found = {}
    for table in READ_MODELS:
        names = ", ".join(sorted(column.name for column in table.columns))
        found[table.name] = sorted(connection.execute(f"SELECT {names} FROM {table.name}"), key=str)
    connection.close()
    return found


@pytest.mark.timeout(300)
def test_read_models_and_history_come_anew_while_documents_are_read(lectern: Lectern) -> None:
    data = lectern.folder / "data"
    port = free_ports()
    source = documents.epub(lectern.folder)
    with serving(lectern, port) as command, beside(lectern) as operator:
        (token,) = TOKEN.findall(command.errors())
        address = f"http://127.0.0.1:{port}/api/v1"
        with httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60
        ) as client:
            handed_in = [hand_in(client, source) for _ in range(DOCUMENTS)]
            maintain(operator, data)
            ended = [until_ready(client, f"documents/{name}/events") for name in handed_in]
            maintain(operator, data)
            again = [until_ready(client, f"documents/{name}/events") for name in handed_in]
            books = [narration["audiobook"]["audiobook_id"] for narration in ended]
            assert [narration["audiobook"]["audiobook_id"] for narration in again] == books
            for book in books:
                assert client.get(f"audiobooks/{book}/download").status_code == 200
    before = rows(data)
    assert [len(before[name]) for name in ("documents", "audiobooks")] == [DOCUMENTS] * 2
    done = lectern.run("rebuild", "--data", data)
    assert done.code == 0, done.stderr
    assert rows(data) == before


def maintain(operator: Lectern, data: Path) -> None:
    """Do what the runbooks say, on a folder that is in use."""
    for command in (["rebuild"], ["events", "republish", "--all"], ["rebuild", "--fresh"]):
        done = operator.run(*command, "--data", data)
        assert done.code == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert " others were kept out for " in done.stdout


def hand_in(client: httpx.Client, source: Path) -> str:
    """Hand in a document that is to become an audiobook, and return its id."""
    with source.open("rb") as file:
        order = {"narrate": json.dumps({"audiobook": "m4b"})}
        answer = client.post("documents", files={"file": file}, data=order)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["document_id"])
