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
from services.ingest.sandbox.sandbox import Sandbox
from services.ingest.tests.samples import SENTENCE, epub, pdf

pytestmark = pytest.mark.slow

LIMITS = Limits(memory_bytes=400_000_000, cpu_seconds=20, wall_seconds=30.0)


def long_text(path: Path, characters: int = 300_000) -> Path:
    path.write_text(f"{SENTENCE * 10}\n\n" * (characters // (10 * len(SENTENCE))))
    return path


async def test_pages_come_one_by_one_and_metadata_last(tmp_path):
    path = epub(tmp_path / "a.epub", [("One", f"<p>{SENTENCE * 200}</p>"), ("Two", "<p>End.</p>")])
    async with Sandbox(LIMITS) as sandbox:
        *pages, metadata = [item async for item in sandbox.parse(path, "a.epub")]
    assert [page.number for page in pages if isinstance(page, Page)] == list(
        range(1, len(pages) + 1)
    )
    assert isinstance(metadata, Metadata)
    assert metadata.cover == b"\x89PNG cover"
    assert metadata.chapters[1].title == "Two"


async def test_documents_are_read_side_by_side(tmp_path):
    paths = [pdf(tmp_path / f"{at}.pdf", [[f"Text of file {at}."]]) for at in range(4)]

    async def first(sandbox: Sandbox, path: Path) -> str:
        async for item in sandbox.parse(path):
            return item.markdown if isinstance(item, Page) else ""
        return ""

    async with Sandbox(LIMITS) as sandbox:
        found = await asyncio.gather(*(first(sandbox, path) for path in paths))
    assert found == [f"Text of file {at}." for at in range(4)]


async def test_child_waits_for_its_reader(tmp_path):
    """However long the document, only what fits the pipe is read ahead."""
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with Sandbox(LIMITS) as sandbox:
        reading = sandbox.parse(path)
        await anext(reading)
        [child] = children_of(sandbox)
        async with asyncio.timeout(60):  # a child that does not wait never comes to rest
            before = -1.0
            while child.cpu_times().user != before:
                before = child.cpu_times().user
                await asyncio.sleep(0.3)
        assert child.status() == psutil.STATUS_SLEEPING
        await reading.aclose()
        await gone(child)


def children_of(sandbox: Sandbox) -> list[psutil.Process]:
    return psutil.Process(zygote_of(sandbox).pid).children()


def zygote_of(sandbox: Sandbox) -> "subprocess.Popen[bytes]":
    assert sandbox.client._server is not None
    return sandbox.client._server.process


async def gone(process: psutil.Process) -> None:
    async with asyncio.timeout(10):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


async def test_dead_zygote_is_started_again(tmp_path):
    path = pdf(tmp_path / "a.pdf", [["Some text."]])
    async with Sandbox(LIMITS) as sandbox:
        assert len([item async for item in sandbox.parse(path)]) == 2
        process = zygote_of(sandbox)
        process.kill()
        process.wait()
        assert len([item async for item in sandbox.parse(path)]) == 2


async def test_zygote_that_dies_while_reading_is_worth_another_try(tmp_path):
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with Sandbox(LIMITS) as sandbox:
        reading = sandbox.parse(path)
        await anext(reading)
        zygote_of(sandbox).kill()
        with pytest.raises(Transient):
            async for _ in reading:
                pass


async def test_nothing_is_left_running(tmp_path):
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with Sandbox(LIMITS) as sandbox:
        reading = sandbox.parse(path)
        await anext(reading)
        zygote = psutil.Process(zygote_of(sandbox).pid)
        [child] = children_of(sandbox)
    await gone(zygote)
    await gone(child)
    await reading.aclose()


async def test_missing_file_is_the_callers_fault(tmp_path):
    async with Sandbox(LIMITS) as sandbox:
        with pytest.raises(FileNotFoundError):
            await anext(sandbox.parse(tmp_path / "absent.pdf"))


async def test_an_error_of_the_disk_is_worth_another_try(tmp_path):
    """A folder can be opened, and each read of it fails, as on a broken disk."""
    async with Sandbox(LIMITS) as sandbox:
        with pytest.raises(Transient, match="Is a directory") as caught:
            await anext(sandbox.parse(tmp_path))
    assert str(tmp_path) not in str(caught.value)


def told(missing: dict[Layer, str], *, required: bool) -> Sandbox:
    """Return a sandbox whose zygote has said what is missing."""
    sandbox = Sandbox(LIMITS, required=required)
    sandbox.client._learn(missing)
    return sandbox


async def test_the_zygote_says_what_confines_its_children(tmp_path):
    """As the children of this test's sandbox found it; nothing is expected of the machine."""
    metrics = Metrics("ingest")
    async with Sandbox(LIMITS, metrics=metrics) as sandbox:
        with pytest.raises(Unavailable, match="is starting"):
            await sandbox.check()
        await sandbox.prepare()
        missing = sandbox.client._missing
        assert missing is not None
        found = await sandbox.check()
    assert (found is None) == (not missing.keys() & EXPECTED)
    for layer in Layer:
        labels = {"process": "parser", "layer": layer.value, "service": "ingest"}
        shown = metrics.registry.get_sample_value("sandbox_layers", labels)
        assert shown == float(layer not in missing)


async def test_a_missing_layer_is_degraded():
    sandbox = told({Layer.LANDLOCK: "Function not implemented"}, required=False)
    assert await sandbox.check() == "degraded: parser without landlock (Function not implemented)"


async def test_a_user_of_its_own_is_not_expected():
    sandbox = told({Layer.USER: "the service has no CAP_KILL"}, required=True)
    assert await sandbox.check() is None


async def test_a_missing_layer_is_refused_where_all_are_required(tmp_path):
    path = pdf(tmp_path / "a.pdf", [["Some text."]])
    async with Sandbox(LIMITS, required=True) as sandbox:
        with contextlib.suppress(Unavailable):  # this machine may lack one itself
            await sandbox.prepare()
        sandbox.client._missing = {Layer.SECCOMP: "Invalid argument"}
        with pytest.raises(Unavailable, match=r"INGEST_REQUIRE_SANDBOX.*without seccomp"):
            await sandbox.check()
        with pytest.raises(Unavailable, match="without seccomp"):
            await anext(sandbox.parse(path))
