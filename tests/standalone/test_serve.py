"""``lectern serve``: all five services answer, one token is handed out, and it ends in order."""

import json
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from tests.standalone import documents
from tests.standalone.command import Command, Lectern
from tests.standalone.listening import listen

SERVICES = ("gateway", "ingest", "segmenter", "synth", "notifier")
READY = "Lectern is ready."
TOKEN = re.compile(r"lectern_[\w-]{43}")


def free_ports() -> int:
    """The first of five ports in a row that nobody listens on."""
    for first in range(18_600, 30_000, 10):
        with ExitStack() as held:
            try:
                for port in range(first, first + len(SERVICES)):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError("no five free ports in a row")


@contextmanager
def serving(lectern: Lectern, port: int, env: Mapping[str, str] | None = None) -> Iterator[Command]:
    """A server that is ready; it has to end in order when the block does."""
    with lectern.start("serve", "--port", port, "--data", "data", env=env) as command:
        command.wait_until(lambda: READY in command.errors())
        assert command.running, command.errors()
        yield command
        command.signal(signal.SIGTERM)
        done = command.end(timeout_s=35)
        assert command.survivors(5.0) == []
    assert done.code == 0, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert lectern.leftovers() == []


def test_five_services_answer_and_a_token_is_handed_out_once(lectern: Lectern) -> None:
    first = free_ports()
    with serving(lectern, first) as command, httpx.Client() as client:
        for number, name in enumerate(SERVICES):
            address = f"http://127.0.0.1:{first + number}"
            assert f"{name:10} {address}" in command.errors()
            assert client.get(f"{address}/health/live/").json()["status"] == "alive"
            ready = client.get(f"{address}/health/ready/")
            assert (ready.status_code, ready.json()["status"]) == (200, "ready"), ready.text
            assert set(ready.json()["checks"]) >= {"database", "broker", "storage", "cache"}
            up = f'consumer_up{{service="{name}"}} 1.0'
            assert up in client.get(f"{address}/metrics").text
        (token,) = TOKEN.findall(command.errors())
        # What is said once is said on the terminal, not in the log.
        assert token not in command.stdout.read_text()
        lines = [json.loads(line) for line in command.stdout.read_text().splitlines()]
        assert sum(line["event"] == "service ready" for line in lines) == len(SERVICES)
        with beside(lectern) as other:
            second = other.run("serve", "--port", first, "--data", "other")
        assert second.code == 69
        assert str(first) in second.stderr
        assert "Traceback" not in second.stderr
    with serving(lectern, first) as command:
        assert TOKEN.findall(command.errors()) == []


@contextmanager
def beside(lectern: Lectern) -> Iterator[Lectern]:
    """A second one, in folders of its own; sockets lie in the temporary one: a short path."""
    folder = lectern.folder / "beside"
    folder.mkdir()
    with TemporaryDirectory(prefix="lectern-") as temporary:
        yield Lectern(folder, Path(temporary))


def events(client: httpx.Client, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Follow a stream of server-sent events."""
    with client.stream("GET", path) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        kind = "message"
        for line in stream.iter_lines():
            name, _, value = line.partition(":")
            if name == "event":
                kind = value.strip()
            elif name == "data":
                yield kind, json.loads(value)
                kind = "message"


@pytest.mark.timeout(180)
def test_a_document_is_uploaded_followed_and_downloaded(lectern: Lectern) -> None:
    port = free_ports()
    source = documents.epub(lectern.folder)
    order = json.dumps({"audiobook": "m4b"})
    with serving(lectern, port) as command:
        (token,) = TOKEN.findall(command.errors())
        address = f"http://127.0.0.1:{port}/api/v1"
        assert httpx.get(f"{address}/documents").status_code == 401
        with httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60
        ) as client:
            with source.open("rb") as file:
                answer = client.post("documents", files={"file": file}, data={"narrate": order})
            assert answer.status_code == 202, answer.text
            document = answer.json()["document_id"]
            narration = until_ready(client, f"documents/{document}/events")
            book = narration["audiobook"]
            audio = client.get(f"audiobooks/{book['audiobook_id']}/download")
            assert audio.status_code == 200, audio.text
    (lectern.folder / "loaded.m4b").write_bytes(audio.content)
    heard = listen(lectern.folder / "loaded.m4b")
    assert heard.chapters == list(documents.CHAPTERS)
    assert heard.duration_ms == pytest.approx(book["duration_ms"], abs=50)


def until_ready(client: httpx.Client, path: str) -> dict[str, Any]:
    """Follow a document until its narration is ready, and return that."""
    seen = []
    for kind, value in events(client, path):
        seen.append(kind)
        narrations = value["narrations"] if kind == "snapshot" else [value]
        for narration in narrations if kind in {"snapshot", "narration"} else []:
            assert narration["state"] != "failed", narration
            if narration["state"] == "ready":
                assert seen[0] == "snapshot"
                return narration
    raise AssertionError(f"the stream ended too early: {seen}")
