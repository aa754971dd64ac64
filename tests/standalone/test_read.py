"""``lectern read`` as a user runs it; what it made is judged by decoding it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.standalone import documents
from tests.standalone.command import Done, Lectern
from tests.standalone.listening import Heard, listen

TARGET_LUFS, TOLERANCE_LU = -19.0, 1.5
CONTAINERS = {"m4b": "mp4", "mp3": "mp3", "opus": "ogg"}
SEPARATE = list(documents.CHAPTERS)
# A short document with one first heading is one chapter; plain text knows neither.
CHAPTERS = {
    "md": [documents.TITLE],
    "txt": ["keeper"],
    "html": [documents.TITLE],
    "epub": SEPARATE,
    "docx": SEPARATE,
    "pdf": SEPARATE,
}
TITLES = {"txt": "keeper"}
CODECS = {"m4b": "aac", "mp3": "mp3float", "opus": "opus"}


def check_sound(done: Done, path: Path) -> Heard:
    """Hold an audiobook against what the command says of it, and against what it promises."""
    assert done.code == 0, done.stderr
    heard = listen(path)
    assert heard.duration_ms == pytest.approx(done.result["duration_ms"], abs=50)
    assert heard.duration_ms > 3000
    assert heard.loudness_lufs == pytest.approx(TARGET_LUFS, abs=TOLERANCE_LU)
    assert heard.longest_silence_s < 2.0
    assert path.stat().st_size == done.result["bytes"]
    return heard


@pytest.mark.parametrize("kind", list(documents.MAKERS))
def test_every_type_becomes_an_audiobook(lectern: Lectern, kind: str) -> None:
    source = documents.MAKERS[kind](lectern.folder)
    done = lectern.run("read", source.name, "--data", "data", "--json", "--log-level", "INFO")
    heard = check_sound(done, lectern.folder / "keeper.m4b")
    assert "service ready" in done.stderr  # logs were asked for, and kept off standard output
    assert set(heard.container.split(",")) >= {CONTAINERS["m4b"]}
    assert heard.codec == CODECS["m4b"]
    assert heard.tags["title"] == done.result["title"] == TITLES.get(kind, documents.TITLE)
    assert heard.chapters == CHAPTERS[kind]
    assert done.result["resumed"] is False


def test_some_pages_of_a_pdf_as_mp3_with_every_page_beside(lectern: Lectern) -> None:
    source = documents.pdf(lectern.folder)
    done = lectern.run(
        *("read", source, "--data", "data", "--json"),
        *("--pages", "2", "--format", "mp3", "--pages-folder", "pages", "--rate", "2.0"),
    )
    heard = check_sound(done, lectern.folder / "keeper.mp3")
    assert (heard.container, heard.codec) == (CONTAINERS["mp3"], CODECS["mp3"])
    assert done.result["pages"] == 1
    names = ["page-0002.json", "page-0002.mp3", "page-0002.vtt"]
    assert sorted(path.name for path in (lectern.folder / "pages").iterdir()) == names
    page = listen(lectern.folder / "pages" / "page-0002.mp3")
    assert page.duration_ms == pytest.approx(heard.duration_ms, abs=50)
    captions = (lectern.folder / "pages" / "page-0002.vtt").read_text()
    assert captions.startswith("WEBVTT")
    assert "the wind turned to the north" in captions
    timings = json.loads((lectern.folder / "pages" / "page-0002.json").read_text())
    assert timings


def test_opus_by_the_name_of_the_output_and_a_voice_and_rates(lectern: Lectern) -> None:
    """One data folder for both: a document can be read in several ways beside each other."""
    source = documents.text(lectern.folder)
    read = partial(lectern.run, "read", source, "--data", "data", "--json")
    normal = read("-o", "normal.opus")
    heard = check_sound(normal, lectern.folder / "normal.opus")
    assert (heard.container, heard.codec) == (CONTAINERS["opus"], CODECS["opus"])
    fast = read("-o", "deep/down/fast.opus", "--rate", "2.0", "--voice", "en-gb-scotland")
    faster = check_sound(fast, lectern.folder / "deep/down/fast.opus")
    assert 0.4 < faster.duration_ms / heard.duration_ms < 0.7
    with closing(sqlite3.connect(lectern.folder / "data/synth.db")) as database:
        spoken = database.execute(
            "SELECT json_extract(body, '$.voice'), json_extract(body, '$.rate')"
            " FROM events WHERE topic = 'audio.ready' ORDER BY id"
        ).fetchall()
    assert spoken[0] != spoken[1] == ("en-gb-scotland", 2.0)


def test_people_are_told_what_was_made(lectern: Lectern) -> None:
    source = documents.markdown(lectern.folder)
    first = lectern.run("read", source, "--data", "data")
    assert first.code == 0, first.stderr
    assert first.stdout.startswith(f"keeper.m4b: {documents.TITLE}, 0:00:")
    assert "times real time; first audio after" in first.stdout
    assert "reading: " in first.stderr
    assert "speaking: " in first.stderr or "binding: " in first.stderr
    again = lectern.run("read", source, "--data", "data", "--json", "-o", "again.m4b")
    assert again.stderr == ""
    assert again.result["resumed"] is True
    same = (lectern.folder / "keeper.m4b").read_bytes()
    assert (lectern.folder / "again.m4b").read_bytes() == same
    fresh = lectern.run("read", source, "--data", "data", "--fresh", "--json")
    assert fresh.result["resumed"] is False
    assert fresh.result["document_id"] != again.result["document_id"]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server on a folder."""
    folder = tmp_path / "web"
    folder.mkdir()
    documents.html(folder)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_web_page_is_read_where_private_addresses_are_allowed(lectern: Lectern, web: str) -> None:
    refused = lectern.run("read", f"{web}/keeper.html", "--data", "data", "--json")
    assert refused.code == 65
    assert refused.stderr.count("\n") == 1  # a sentence, not a trace
    allowed = lectern.run(
        *("read", f"{web}/keeper.html", "--data", "data", "--json"),
        env={"INGEST_URL_ALLOW_PRIVATE": "true"},
    )
    heard = check_sound(allowed, lectern.folder / "keeper.m4b")
    assert heard.tags["title"] == documents.TITLE


def test_voices_can_be_listed(lectern: Lectern) -> None:
    done = lectern.run("voices", "--data", "data", "--language", "en", "--json")
    assert done.code == 0, done.stderr
    languages = {voice["language"].split("-")[0] for voice in json.loads(done.stdout)}
    assert languages == {"en"}
    assert len(json.loads(done.stdout)) > 1
