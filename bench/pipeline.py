"""The whole pipeline against the bare loop: CPU, wall time, memory, the second time, an edit."""

import gc
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.long_book import CHARACTERS_PER_HOUR, CHARACTERS_PER_PAGE, book, paragraphs, short_pages
from bench.measure import Cost, python, run
from bench.warm import edited
from services.segmenter.cutting.segment import segment_page

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. ``limit`` None: reported, not bounded."""

    what: str
    value: float
    limit: float | None
    unit: str
    detail: str

    @property
    def met(self) -> bool:
        """Whether the limit holds."""
        return self.limit is None or self.value <= self.limit


@dataclass(frozen=True)
class Read:
    """One run of ``lectern read``: its cost, and what it said of itself."""

    cost: Cost
    result: dict[str, Any]


def read(source: Path, data: Path, *options: str, memory: bool = False) -> Read:
    """Run ``lectern read`` on ``source``."""
    output = data.with_suffix(".m4b")
    command = python(
        "lectern", "read", str(source), "-o", str(output), "--data", str(data), "--json", *options
    )
    cost = run(command, memory=memory)
    return Read(cost, json.loads(cost.output))


def throughput(folder: Path, hours: float) -> list[Row]:
    """Pipeline against bare loop, whole processes, start-up included.

    The bare loop runs before and after, as a machine that is shared changes its speed; the mean of
    both counts.
    """
    text = book(hours)
    source = folder / "book.md"
    source.write_text(text)
    before = _bare(folder, text)
    ours = read(source, folder / "data", "--voice", "en-us")
    after = _bare(folder, text)
    cpu_s, wall_s = ((a + b) / 2 for a, b in zip(_times(before), _times(after), strict=True))
    audio_h = ours.result["duration_ms"] / 3_600_000
    bare = f"{before.cpu_s:.0f} and {after.cpu_s:.0f} s"
    cpu = f"{ours.cost.cpu_s:.0f} s against {bare}, {audio_h:.1f} h of audio"
    wall = f"{ours.cost.wall_s:.0f} s on {os.cpu_count()} cores against {wall_s:.0f} s on one"
    return [
        Row(
            what="CPU, pipeline / bare loop",
            value=ours.cost.cpu_s / cpu_s,
            limit=1.25,
            unit="x",
            detail=cpu,
        ),
        Row(
            what="wall, pipeline / bare loop",
            value=ours.cost.wall_s / wall_s,
            limit=0.65,
            unit="x",
            detail=wall,
        ),
    ]


def _times(cost: Cost) -> tuple[float, float]:
    return cost.cpu_s, cost.wall_s


def repetition(folder: Path, hours: float) -> list[Row]:
    """The same book again, with one sentence edited, and edited where it is; in one Lectern."""
    text = book(hours, seed=2)
    books = {"first.md": text, "again.md": text, "other.md": edited(text)}
    for name, content in books.items():
        (folder / name).write_text(content)
    names = [str(folder / name) for name in books]
    first, again, other, page = json.loads(
        run(python("bench.warm", str(folder / "data"), *names, "--edit")).output
    )
    return [
        _share("same book again / first time", again, first, 0.15),
        _share("its file with a sentence edited / first", other, first, 0.15),
        _share("after editing one sentence / first time", page, first, 0.05),
    ]


def _share(what: str, part: dict[str, Any], whole: dict[str, Any], limit: float) -> Row:
    detail = f"{part['seconds']:.1f} s of {whole['seconds']:.1f} s wall, {whole['pages']} pages"
    return Row(
        what=what, value=part["seconds"] / whole["seconds"], limit=limit, unit="x", detail=detail
    )


def _bare(folder: Path, text: str) -> Cost:
    """Run the bare loop on what the segmenter makes of the text."""
    texts = [
        utterance.text
        for chapter in re.split(r"(?m)^(?=## )", text)
        for utterance in segment_page(chapter, "en").utterances
    ]
    path = folder / "texts.json"
    path.write_text(json.dumps(texts))
    return run(python("bench.bare_loop", str(path)))


def memory(folder: Path, hours: float) -> list[Row]:
    """Peak memory of a long book against that of a tenth of it."""
    peaks = {}
    for name, length in (("short", hours / 10), ("long", hours)):
        source = folder / f"{name}.md"
        source.write_text(book(length, seed=3))
        peaks[name] = read(source, folder / name, memory=True).cost.peak_bytes
    detail = f"{peaks['long'] / MIB:.0f} MiB against {peaks['short'] / MIB:.0f} MiB, all processes"
    ratio = peaks["long"] / peaks["short"]
    return [
        Row(
            what=f"peak memory, {hours:g} h / {hours / 10:g} h",
            value=ratio,
            limit=1.3,
            unit="x",
            detail=detail,
        )
    ]


def scaling(folder: Path, pages: int) -> list[Row]:
    """Time per page of many pages against that of a tenth of them, start-up left out."""
    spent = {}
    for name, count in (("none", 1), ("few", pages // 10), ("many", pages)):
        source = folder / f"{name}.md"
        source.write_text(short_pages(count))
        found = read(source, folder / f"{name}-data")
        spent[name] = (found.result["seconds"], found.result["pages"])
    few, many = (
        (spent[name][0] - spent["none"][0]) / (spent[name][1] - 1) for name in ("few", "many")
    )
    detail = f"{many * 1000:.0f} ms against {few * 1000:.0f} ms a page of 300 characters"
    what = f"time per page, {spent['many'][1]} / {spent['few'][1]} pages"
    return [Row(what=what, value=many / few, limit=1.1, unit="x", detail=detail)]


def first_audio(folder: Path, pages: int) -> list[Row]:
    """Seconds from submission to the first page's audio, of a book of ``pages`` pages."""
    small, source = folder / "small.md", folder / "long.md"
    small.write_text(book(0.01, seed=4))  # as on any other day: this is not the first book ever
    source.write_text(book(pages * CHARACTERS_PER_PAGE / CHARACTERS_PER_HOUR, seed=5))
    found = json.loads(
        run(
            python("bench.warm", str(folder / "data"), str(small), str(source), "--first-page")
        ).output
    )[1]
    detail = f"a book of about {pages} pages, standalone, running"
    return [
        Row(
            what="first audio after submit",
            value=found["first_page_s"],
            limit=2.0,
            unit="s",
            detail=detail,
        )
    ]


def long_paragraph() -> list[Row]:
    """Segmenting one paragraph of 200,000 characters against one of half the length."""
    gc.freeze()  # or the collector goes through all that the bench loaded, at either length
    spent = {}
    for characters in (100_000, 200_000):
        text = " ".join(paragraphs(characters))[:characters]
        # The first time loads what is loaded once.
        spent[characters] = min(_cpu_s(text) for _ in range(5))
    ratio = spent[200_000] / spent[100_000]
    detail = f"{spent[200_000]:.2f} s against {spent[100_000]:.2f} s; linear is 2"
    return [
        Row(
            what="segmenting 200,000 / 100,000 characters",
            value=ratio,
            limit=2.5,
            unit="x",
            detail=detail,
        )
    ]


def _cpu_s(text: str) -> float:
    started = time.process_time()
    segment_page(text, "en")
    return time.process_time() - started


def wire(count: int) -> list[Row]:
    """Consume, inbox, append and relay on real servers against bare aiokafka."""
    try:
        found = json.loads(run(python("bench.events", str(count))).output)
    except RuntimeError as error:
        return [
            Row(
                what="events, ours / bare",
                value=math.nan,
                limit=None,
                unit="x",
                detail=f"not run: {str(error)[-60:]}",
            )
        ]
    ratio = found["ours_s"] / found["bare_s"]
    rate = found["count"] / found["ours_s"]
    detail = f"{rate:.0f} events/s against {found['count'] / found['bare_s']:.0f}"
    return [
        Row(what="events, ours / bare aiokafka", value=ratio, limit=None, unit="x", detail=detail),
        Row(
            what="events, CPU each",
            value=found["ours_cpu_s"] / count * 1000,
            limit=None,
            unit="ms",
            detail=found["profile"],
        ),
    ]


def run_all(hours: float, pages: int, events: int) -> Iterator[Row]:
    """Run everything, each in a temporary folder of its own."""
    steps: list[Callable[[Path], list[Row]]] = [
        lambda folder: throughput(folder, hours),
        lambda folder: repetition(folder, hours / 4),
        lambda folder: first_audio(folder, 300),
        lambda folder: memory(folder, hours),
        lambda folder: scaling(folder, pages),
        lambda _: long_paragraph(),
        lambda _: wire(events),
    ]
    for step in steps:
        with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
            yield from step(Path(folder))
