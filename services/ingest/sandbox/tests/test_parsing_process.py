import os
import signal
from pathlib import Path

import pytest

from libs.common.errors import Rejected
from libs.common.observability.metrics import Metrics
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.parsing_process import ParsingProcess, Pipe
from services.ingest.sandbox.sandbox import Sandbox
from services.ingest.tests.samples import SENTENCE

pytestmark = pytest.mark.slow

OF_INGEST = {"service": "ingest"}
LIMITS = Limits(memory_bytes=400_000_000, cpu_seconds=20, wall_seconds=30.0)


def long_text(path: Path, characters: int) -> Path:
    path.write_text(f"{SENTENCE * 10}\n\n" * (characters // (10 * len(SENTENCE))))
    return path


async def test_wall_clock_ends_a_document(tmp_path):
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with Sandbox(LIMITS) as sandbox:
        with pytest.raises(Rejected) as caught:
            async for _ in sandbox.parse(path, limits=Limits(wall_seconds=0.0001)):
                pass
    assert caught.value.code == "too_slow"


async def test_memory_limit_ends_a_document(tmp_path):
    path = long_text(tmp_path / "a.txt", 20_000_000)
    async with Sandbox(LIMITS) as sandbox:
        with pytest.raises(Rejected) as caught:
            async for _ in sandbox.parse(path, limits=Limits(memory_bytes=30_000_000)):
                pass
    assert caught.value.code == "too_complex"


@pytest.mark.parametrize(
    ("died_of", "code", "attacks"),
    [
        (signal.SIGSYS, "unsafe", 1),
        (signal.SIGXCPU, "too_slow", 0),
        (signal.SIGKILL, "too_complex", 0),
        (signal.SIGSEGV, "unreadable", 0),
    ],
)
async def test_a_death_is_told_by_its_signal(died_of, code, attacks):
    """And one that only an attack dies of is counted."""
    data, data_end = os.pipe()
    status, status_end = os.pipe()
    os.write(status_end, b"1\n%d\n" % died_of)
    os.close(data_end)
    metrics = Metrics("ingest")
    reading = ParsingProcess(
        await Pipe.open(data), await Pipe.open(status), limits=LIMITS, metrics=metrics
    )
    with pytest.raises(Rejected) as caught:
        await anext(reading.items())
    reading.end()
    os.close(status_end)
    assert caught.value.code == code
    assert metrics.registry.get_sample_value("parser_attacks_total", OF_INGEST) == attacks
