from pathlib import Path

import pytest

from libs.common.errors import Rejected
from libs.common.testing.costs.loop_watchdog import not_counted
from services.ingest.sandbox.confine import Limits
from services.ingest.sandbox.confined_parser import ConfinedParser
from services.ingest.tests.samples import SENTENCE

pytestmark = pytest.mark.slow

LIMITS = Limits(memory_bytes=400_000_000, cpu_seconds=20, wall_seconds=30.0)


def long_text(path: Path, characters: int) -> Path:
    path.write_text(f"{SENTENCE * 10}\n\n" * (characters // (10 * len(SENTENCE))))
    return path


async def test_wall_clock_ends_a_document(tmp_path):
    path = long_text(tmp_path / "a.txt", 3_000_000)
    async with ConfinedParser(LIMITS) as parser:
        with pytest.raises(Rejected) as caught:
            async for _ in parser.parse(path, limits=Limits(wall_seconds=0.0001)):
                pass
    assert caught.value.code == "too_slow"


async def test_memory_limit_ends_a_document(tmp_path):
    path = long_text(tmp_path / "a.txt", 20_000_000)
    async with ConfinedParser(LIMITS) as parser:
        with pytest.raises(Rejected) as caught:
            async for _ in parser.parse(path, limits=Limits(memory_bytes=30_000_000)):
                pass
    assert caught.value.code == "too_complex"


async def test_processor_time_ends_a_document(tmp_path):
    with not_counted():
        path = long_text(tmp_path / "a.txt", 60_000_000)
    async with ConfinedParser(LIMITS) as parser:
        with pytest.raises(Rejected) as caught:
            async for _ in parser.parse(path, limits=Limits(cpu_seconds=1)):
                pass
    assert caught.value.code == "too_slow"
