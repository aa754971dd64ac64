import asyncio
import contextlib
import subprocess
from pathlib import Path

import psutil
import pytest

from libs.common.errors import Transient, Unavailable
from libs.common.observability.metrics import Metrics
from services.ingest.pages.document import Metadata, Page
from services.ingest.sandbox.confine import EXPECTED, Layer, Limits
from services.ingest.sandbox.confined_parser import ConfinedParser
from services.ingest.tests.samples import SENTENCE, epub, pdf

pytestmark = pytest.mark.slow

LIMITS = Limits(memory_bytes=400_000_000, cpu_seconds=20, wall_seconds=30.0)


def long_text(path: Path, characters: int = 300_000) -> Path:
    path.write_text(f"{SENTENCE * 10}\n\n" * (characters // (10 * len(SENTENCE))))
    return path


async def test_pages_come_one_by_one_and_metadata_last(tmp_path):
    path = epub(tmp_path / "a.epub", [("One", f"<p>{SENTENCE * 200}</p>"), ("Two", "<p>End.</p>")])
    async with ConfinedParser(LIMITS) as parser:
        *pages, metadata = [item async for item in parser.parse(path, "a.epub")]
    assert [page.number for page in pages if isinstance(page, Page)] == list(
        range(1, len(pages) + 1)
    )
    assert isinstance(metadata, Metadata)
    assert metadata.cover == b"\x89PNG cover"
    assert metadata.chapters[1].title == "Two"


async def test_documents_are_read_side_by_side(tmp_path):
    paths = [pdf(tmp_path / f"{at}.pdf", [[f"Text of file {at}."]]) for at in range(4)]

    async def first(parser: ConfinedParser, path: Path) -> str:
        async for item in parser.parse(path):
            return item.markdown if isinstance(item, Page) else ""
        return ""

    async with ConfinedParser(LIMITS) as parser:
        found = await asyncio.gather(*(first(parser, path) for path in paths))
    assert found == [f"Text of file {at}." for at in range(4)]


async def test_child_waits_for_its_reader(tmp_path):
    """However long the document, only what fits the pipe is read ahead."""
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with ConfinedParser(LIMITS) as parser:
        reading = parser.parse(path)
        await anext(reading)
        [child] = children_of(parser)
        async with asyncio.timeout(60):  # a child that does not wait never comes to rest
            before = -1.0
            while child.cpu_times().user != before:
                before = child.cpu_times().user
                await asyncio.sleep(0.3)
        assert child.status() == psutil.STATUS_SLEEPING
        await reading.aclose()
        await gone(child)


def children_of(parser: ConfinedParser) -> list[psutil.Process]:
    return psutil.Process(zygote_of(parser).pid).children()


def zygote_of(parser: ConfinedParser) -> "subprocess.Popen[bytes]":
    assert parser.client._server is not None
    return parser.client._server.process


async def gone(process: psutil.Process) -> None:
    async with asyncio.timeout(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


async def test_dead_zygote_is_started_again(tmp_path):
    path = pdf(tmp_path / "a.pdf", [["Some text."]])
    async with ConfinedParser(LIMITS) as parser:
        assert len([item async for item in parser.parse(path)]) == 2
        process = zygote_of(parser)
        process.kill()
        process.wait()
        assert len([item async for item in parser.parse(path)]) == 2


async def test_zygote_that_dies_while_reading_is_worth_another_try(tmp_path):
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with ConfinedParser(LIMITS) as parser:
        reading = parser.parse(path)
        await anext(reading)
        zygote_of(parser).kill()
        with pytest.raises(Transient):
            async for _ in reading:
                pass


async def test_nothing_is_left_running(tmp_path):
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with ConfinedParser(LIMITS) as parser:
        reading = parser.parse(path)
        await anext(reading)
        zygote = psutil.Process(zygote_of(parser).pid)
        [child] = children_of(parser)
    await gone(zygote)
    await gone(child)
    await reading.aclose()


async def test_missing_file_is_the_callers_fault(tmp_path):
    async with ConfinedParser(LIMITS) as parser:
        with pytest.raises(FileNotFoundError):
            await anext(parser.parse(tmp_path / "absent.pdf"))


async def test_an_error_of_the_disk_is_worth_another_try(tmp_path):
    """A folder can be opened, and each read of it fails, as on a broken disk."""
    async with ConfinedParser(LIMITS) as parser:
        with pytest.raises(Transient, match="Is a directory") as caught:
            await anext(parser.parse(tmp_path))
    assert str(tmp_path) not in str(caught.value)


def told(missing: dict[Layer, str], *, required: bool) -> ConfinedParser:
    """Return a parser whose zygote has said what is missing."""
    parser = ConfinedParser(LIMITS, required=required)
    parser.client._learn(missing)
    return parser


async def test_the_zygote_says_what_confines_its_children(tmp_path):
    """As the children of this test's parser found it; nothing is expected of the machine."""
    metrics = Metrics("ingest")
    async with ConfinedParser(LIMITS, metrics=metrics) as parser:
        with pytest.raises(Unavailable, match="is starting"):
            await parser.check()
        await parser.prepare()
        missing = parser.client._missing
        assert missing is not None
        found = await parser.check()
    assert (found is None) == (not missing.keys() & EXPECTED)
    for layer in Layer:
        labels = {"process": "parser", "layer": layer.value, "service": "ingest"}
        shown = metrics.registry.get_sample_value("sandbox_layers", labels)
        assert shown == float(layer not in missing)


async def test_a_missing_layer_is_degraded():
    parser = told({Layer.LANDLOCK: "Function not implemented"}, required=False)
    assert await parser.check() == "degraded: parser without landlock (Function not implemented)"


async def test_a_user_of_its_own_is_not_expected():
    parser = told({Layer.USER: "the service has no CAP_KILL"}, required=True)
    assert await parser.check() is None


async def test_a_missing_layer_is_refused_where_all_are_required(tmp_path):
    path = pdf(tmp_path / "a.pdf", [["Some text."]])
    async with ConfinedParser(LIMITS, required=True) as parser:
        with contextlib.suppress(Unavailable):  # this machine may lack one itself
            await parser.prepare()
        parser.client._missing = {Layer.SECCOMP: "Invalid argument"}
        with pytest.raises(Unavailable, match=r"INGEST_REQUIRE_SANDBOX.*without seccomp"):
            await parser.check()
        with pytest.raises(Unavailable, match="without seccomp"):
            await anext(parser.parse(path))
