"""Killed at any moment and started again: it goes on, loses nothing, repeats nothing it kept."""

import random
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import av
import pytest

from tests.standalone import documents
from tests.standalone.command import Done, Lectern
from tests.standalone.listening import listen

PAGES, SENTENCES = 12, 5
UTTERANCES = PAGES * (SENTENCES + 1)  # a heading each
WORKERS_GONE_S = 5.0
EXIT_S = 10.0
PACKET_MS = 1000 * 1024 / 24_000
SEED = 20261123


def segments(data: Path) -> set[str]:
    """The digest of every sentence that is kept."""
    if not (data / "objects" / "audio").exists():
        return set()  # and perhaps no table
    return set(count(data, "synth", "SELECT hex(digest) FROM segments"))


def check_nothing_kept_twice(data: Path) -> None:
    """Whatever packs hold is in the index once: a sentence that was kept was not spoken again."""
    [indexed] = count(data, "synth", "SELECT COALESCE(SUM(size), 0) FROM segments")
    [packed] = count(data, "synth", "SELECT COALESCE(SUM(size), 0) FROM segment_packs")
    assert indexed == packed


def count(data: Path, service: str, query: str) -> Counter[str]:
    """Count rows of a service's database by the one column that ``query`` selects."""
    with closing(sqlite3.connect(data / f"{service}.db")) as connection:
        return Counter(str(row[0]) for row in connection.execute(query))


def packets(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(bool(packet.size) for packet in container.demux(audio=0))


def moments(seed: int, number: int) -> list[tuple[str, Callable[[Path], bool]]]:
    """Random moments from start to end, told by what has been stored by then."""
    chance = random.Random(seed)

    def spoken(at_least: int) -> tuple[str, Callable[[Path], bool]]:
        return f"{at_least} spoken", lambda data: len(segments(data)) >= at_least

    early = [
        ("locked", lambda data: (data / "lock").exists()),
        ("uploaded", lambda data: any((data / "objects/documents").rglob("source.*"))),
        ("read", lambda data: any((data / "objects/documents").rglob("pages/*.json"))),
    ]
    late = [
        ("all spoken", lambda data: len(segments(data)) >= UTTERANCES),
        ("bound", lambda data: any((data / "objects/audio").rglob("*.m4b"))),
    ]
    some = sorted(chance.sample(range(1, UTTERANCES), number - len(early) - len(late)))
    return [*early, *map(spoken, some), *late]


def check_told_once(data: Path) -> None:
    """Every fact is in the event stores exactly once."""
    topics = "SELECT topic FROM events"
    gateway = count(data, "gateway", topics)
    assert gateway["document.submitted"] == gateway["narration.requested"] == 1
    assert (gateway["audio.requested"], gateway["audiobook.requested"]) == (PAGES, 1)
    assert (gateway["narration.completed"], gateway["narration.failed"]) == (1, 0)
    assert count(data, "ingest", topics) == {"page.extracted": PAGES, "document.parsed": 1}
    assert count(data, "segmenter", topics) == {"page.segmented": PAGES}
    synth = count(data, "synth", topics)
    assert (synth["audio.ready"], synth["audiobook.ready"]) == (PAGES, 1)
    assert synth["audio.failed"] == synth["task.failed"] == 0
    pages = count(
        data,
        "synth",
        "SELECT json_extract(body, '$.page') FROM events WHERE topic = 'audio.ready'",
    )
    assert pages == {str(page): 1 for page in range(1, PAGES + 1)}


@pytest.fixture
def book(lectern: Lectern) -> Path:
    return documents.book(lectern.folder, PAGES, SENTENCES)


def said(stderr: str) -> list[str]:
    """What a killed command complained of.

    Python removes the semaphores of its pools after it and may say so, if we look late enough.
    """
    return [line for line in stderr.splitlines() if "resource_tracker" not in line]


def read(book: Path, data: str) -> tuple[str, ...]:
    return ("read", str(book), "--data", data, "-o", f"{data}.m4b", "--json")


@pytest.mark.timeout(300)
def test_kill_9_at_ten_moments(lectern: Lectern, book: Path) -> None:
    whole = lectern.run(*read(book, "whole"))
    data = lectern.folder / "struck"
    codes: list[int] = []
    spoken: set[str] = set()
    for name, seen in moments(SEED, 10):
        with lectern.start(*read(book, "struck")) as command:
            command.wait_until(partial(seen, data))
            command.signal(signal.SIGKILL)
            done = command.end()
            assert command.survivors(WORKERS_GONE_S) == [], f"killed when {name}"
        assert said(done.stderr) == [], f"killed when {name}"
        codes.append(done.code)
        for left in lectern.temporary.glob("pymp-*"):
            shutil.rmtree(left)  # Python's own, of a process that had no time to remove it
        now = segments(data)
        assert spoken <= now, f"lost when it was killed when {name}"
        spoken = now
    assert codes == [-signal.SIGKILL] * 10
    last = lectern.run(*read(book, "struck"))
    check_nothing_kept_twice(data)
    check_same(lectern.folder, whole, last)


@pytest.mark.timeout(200)
def test_signals_at_random_moments(lectern: Lectern, book: Path) -> None:
    data = lectern.folder / "struck"
    chance = random.Random(SEED)
    for number, (name, seen) in enumerate(moments(SEED + 1, 8)[1::2]):
        with lectern.start(*read(book, "struck")) as command:
            command.wait_until(partial(seen, data))
            command.signal(chance.choice([signal.SIGINT, signal.SIGTERM]))
            done = command.end(timeout_s=EXIT_S)
            assert command.survivors(WORKERS_GONE_S) == [], name
        assert done.code == 130, (number, name)
        assert done.stderr == "interrupted; run the same command again to resume\n"
        assert lectern.leftovers() == []
    last = lectern.run(*read(book, "struck"))
    assert last.code == 0, last.stderr
    check_told_once(data)
    check_nothing_kept_twice(data)
    assert len(segments(data)) == UTTERANCES


def check_same(folder: Path, whole: Done, last: Done) -> None:
    """The book that was interrupted is the one that was not."""
    assert last.code == 0, last.stderr
    check_told_once(folder / "struck")
    assert len(segments(folder / "struck")) == len(segments(folder / "whole")) == UTTERANCES
    assert last.result["pages"] == last.result["chapters"] == PAGES
    told, heard = last.result["duration_ms"], listen(folder / "struck.m4b").duration_ms
    assert heard == pytest.approx(told, abs=50)
    # espeak does not speak a sentence twice alike; it may need one more packet.
    assert told == pytest.approx(whole.result["duration_ms"], abs=PACKET_MS * UTTERANCES / 4)
    counts = [packets(folder / f"{name}.m4b") for name in ("struck", "whole")]
    assert counts[0] == pytest.approx(counts[1], abs=UTTERANCES / 4)
