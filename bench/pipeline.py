"""The whole pipeline against the bare loop: CPU, wall time, memory, the second time, an edit."""

import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.book import book, short_pages
from bench.measure import Cost, python, run
from services.segmenter.segment import segment_page

MIB = 1 << 20


@dataclass(frozen=True)
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
    """Pipeline against bare loop, then the same book again, then with one sentence edited."""
    text = book(hours)
    source = folder / "book.md"
    source.write_text(text)
    bare = _bare(folder, text)
    first = read(source, folder / "first", "--voice", "en-us")
    again = read(source, folder / "first", "--voice", "en-us", "--fresh")
    edited = folder / "edited.md"
    edited.write_text(_edited(text))
    after_edit = read(edited, folder / "first", "--voice", "en-us")
    audio_h = first.result["duration_ms"] / 3_600_000
    cpu = f"{first.cost.cpu_s:.0f} s against {bare.cpu_s:.0f} s, {audio_h:.1f} h of audio"
    wall = f"{first.cost.wall_s:.0f} s on {os.cpu_count()} cores against {bare.wall_s:.0f} s on one"
    return [
        Row("CPU, pipeline / bare loop", first.cost.cpu_s / bare.cpu_s, 1.25, "x", cpu),
        Row("wall, pipeline / bare loop", first.cost.wall_s / bare.wall_s, 0.65, "x", wall),
        _share("same book again / first time", again, first, 0.15),
        _share("one sentence edited / first time", after_edit, first, 0.05),
    ]


def _share(what: str, part: Read, whole: Read, limit: float) -> Row:
    detail = f"{part.cost.wall_s:.1f} s of {whole.cost.wall_s:.1f} s wall"
    return Row(what, part.cost.wall_s / whole.cost.wall_s, limit, "x", detail)


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


def _edited(text: str) -> str:
    """Change one word in the middle of the book."""
    middle = text.index(". ", len(text) // 2) + 2
    return text[:middle] + "Yesterday, " + text[middle].lower() + text[middle + 1 :]


def memory(folder: Path, hours: float) -> list[Row]:
    """Peak memory of a long book against that of a tenth of it."""
    peaks = {}
    for name, length in (("short", hours / 10), ("long", hours)):
        source = folder / f"{name}.md"
        source.write_text(book(length, seed=3))
        peaks[name] = read(source, folder / name, memory=True).cost.peak_bytes
    detail = f"{peaks['long'] / MIB:.0f} MiB against {peaks['short'] / MIB:.0f} MiB, all processes"
    ratio = peaks["long"] / peaks["short"]
    return [Row(f"peak memory, {hours:g} h / {hours / 10:g} h", ratio, 1.3, "x", detail)]


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
    return [Row(what, many / few, 1.1, "x", detail)]


def first_audio(folder: Path, pages: int) -> list[Row]:
    """Seconds from submission to the first page's audio, of a book of ``pages`` pages."""
    source = folder / "long.md"
    source.write_text(book(pages * 2500 / 55_000, seed=5))
    command = python("bench.first_audio", str(source), str(folder / "first-audio"))
    found = json.loads(run(command).output)
    detail = f"a book of {found['pages']} pages; its first sentence after {found['sentence_s']} s"
    return [Row("first audio after submit", found["page_s"], 2.0, "s", detail)]


def run_all(hours: float, pages: int) -> list[Row]:
    """Run everything in a temporary folder."""
    rows: list[Row] = []
    for step, size in (
        (throughput, hours),
        (first_audio, 300),
        (memory, hours),
        (scaling, pages),
    ):
        with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
            sys.stderr.write(f"{step.__name__} ...\n")
            rows += step(Path(folder), size)  # type: ignore[operator]
    return rows
