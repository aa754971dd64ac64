"""A page of 26 sentences, spoken again or kept: ``python -m bench.segment_packs [--rounds 5]``.

espeak speaks and encodes it in one process; its pack is kept and found again in a folder and in a
bucket of moto on this machine, which answers sooner than one across a network. All take turns; a
figure is the median of the rounds, and what counts is its share of speaking. What it costs at list
prices is reckoned from the size and from CPU time, which does not depend on who else uses the
machine.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from uuid import UUID, uuid4

import psutil
from pydantic import SecretStr

from bench.command_line import described
from bench.long_book import book
from libs.common.database.engine import Database
from libs.common.storage.build import open_storage
from libs.common.storage.folder import FolderStorage
from libs.common.storage.port import Storage
from libs.common.store.migrate import upgrade
from libs.common.testing.moto_s3 import ACCESS_KEY_ID, SECRET_ACCESS_KEY, MotoS3
from services.segmenter.cutting.segment import segment_page
from services.synth.audio.codecs.segment_file import SegmentFiles
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.synthesis import engine_worker
from services.synth.synthesis.cache.digests import SegmentPlace, lossless_place, segment_key
from services.synth.synthesis.cache.segment_cache import PackedSegments

SENTENCES = 26
MIGRATIONS = Path(__file__).resolve().parents[1] / "services/synth/migrations"
PUT_DOLLARS = 0.005 / 1000
GIGABYTE_MONTH_DOLLARS = 0.023
CORE_SECOND_DOLLARS = 0.04048 / 3600
"""List prices of S3 Standard and of a core of Fargate in us-east-1, November 2026."""


@dataclass(frozen=True)
class Spoken:
    """What speaking a page took, in seconds; CPU time of this process and of espeak's."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Kept:
    """How long it took to keep a page and to find it again, in seconds."""

    keep_s: float
    find_s: float


def speak(texts: Sequence[str], *, lossless: bool = False) -> list[SegmentFiles]:
    """Speak and encode a page as a worker process does."""
    return engine_worker.speak(EspeakConfig(), texts, "en-us", 1.0, 0.0, ("aac",), lossless)


def files_of(texts: Sequence[str], spoken: Sequence[SegmentFiles]) -> dict[SegmentPlace, bytes]:
    """Return the files of a page by their places, the lossless ones last."""
    keys = [segment_key(bytes(32), str(uuid4()), "en-us", 1.0, text) for text in texts]
    files = {
        SegmentPlace(key, 0.0, codec): file
        for key, made in zip(keys, spoken, strict=True)
        for codec, file in made.encoded.items()
    }
    return files | {
        lossless_place(key): made.lossless
        for key, made in zip(keys, spoken, strict=True)
        if made.lossless is not None
    }


async def keep_and_find(
    database: Database, storage: Storage, files: Mapping[SegmentPlace, bytes]
) -> Kept:
    """Keep a page and find it again."""
    cache = PackedSegments(database, storage, 10**12)
    document_id = uuid4()
    started = perf_counter()
    await cache.keep(document_id, files)
    kept = perf_counter()
    found = await cache.find(list(files))
    if found != files:
        raise RuntimeError("what was kept was not found")
    return Kept(kept - started, perf_counter() - kept)


async def objects_of(storage: Storage, document_id: UUID) -> int:
    """Count what is stored of a document."""
    return len([key async for key in storage.keys(f"audio/{document_id}/")])


async def _compare(rounds: int) -> None:
    utterances = segment_page(book(0.1), "en").utterances[:SENTENCES]
    texts = [utterance.text for utterance in utterances]
    paid = files_of(texts, speak(texts, lossless=True))
    took: list[Spoken] = []
    kept: dict[str, list[Kept]] = {}
    async with _storages() as (database, storages):
        for _ in range(rounds):
            started, cpu_s = perf_counter(), _cpu_s()
            spoken = speak(texts)
            took.append(Spoken(perf_counter() - started, _cpu_s() - cpu_s))
            for name, storage in storages.items():
                files = files_of(texts, spoken)
                kept.setdefault(name, []).append(await keep_and_find(database, storage, files))
        _report(took, kept)
        _report_costs(took, _size(files_of(texts, spoken)), _size(paid))
        await _report_objects(PackedSegments(database, storages["folder"], 10**12), paid)


@asynccontextmanager
async def _storages() -> AsyncIterator[tuple[Database, Mapping[str, Storage]]]:
    with tempfile.TemporaryDirectory() as folder:
        moto = MotoS3(Path(folder) / "moto.log")
        endpoint = await asyncio.to_thread(moto.start)
        bucket = open_storage(
            f"s3://{moto.bucket}?endpoint={endpoint}",
            access_key_id=SecretStr(ACCESS_KEY_ID),
            secret_access_key=SecretStr(SECRET_ACCESS_KEY),
        )
        database = Database(f"sqlite+aiosqlite:///{folder}/synth.db")
        await upgrade(database, MIGRATIONS)
        try:
            yield database, {"folder": FolderStorage(Path(folder) / "objects"), "S3": bucket}
        finally:
            await bucket.close()
            await database.close()
            moto.stop()


def _report(spoken: Sequence[Spoken], kept: Mapping[str, Sequence[Kept]]) -> None:
    speaking = median(one.wall_s for one in spoken)
    cpu = median(one.cpu_s for one in spoken)
    print(f"{'speaking a page':36} {speaking * 1000:8.1f} ms   {cpu * 1000:.0f} ms CPU")
    for name, measured in kept.items():
        for what, of in _PARTS.items():
            took = median(of(one) for one in measured)
            label = f"{what}, {name}"
            print(f"{label:36} {took * 1000:8.1f} ms   1/{speaking / took:.0f} of speaking")


_PARTS: dict[str, Callable[[Kept], float]] = {
    "keeping its pack": lambda kept: kept.keep_s,
    "finding it again": lambda kept: kept.find_s,
}


def _report_costs(spoken: Sequence[Spoken], size: int, paid_size: int) -> None:
    speaking = median(one.cpu_s for one in spoken) * CORE_SECOND_DOLLARS
    month = size * GIGABYTE_MONTH_DOLLARS / 1e9
    print(f"{'size, espeak':36} {size / 1e6:8.2f} MB")
    print(f"{'size, with lossless files':36} {paid_size / 1e6:8.2f} MB")
    print(f"{'storing its pack / speaking':36} {PUT_DOLLARS / speaking:8.2f} x    list prices")
    print(f"{'a month in a bucket / speaking':36} {month / speaking:8.2f} x    list prices")


async def _report_objects(cache: PackedSegments, files: Mapping[SegmentPlace, bytes]) -> None:
    document_id = uuid4()
    await cache.keep(document_id, files)
    stored = await objects_of(cache.storage, document_id)
    print(f"{'objects for its segment files':36} {stored:8d}      {len(files)} files")


def _cpu_s() -> float:
    """Return the CPU time of this process and of those that it runs."""
    mine = psutil.Process()
    times = [process.cpu_times() for process in (mine, *mine.children(recursive=True))]
    return sum(time.user + time.system for time in times)


def _size(files: Mapping[SegmentPlace, bytes]) -> int:
    return sum(map(len, files.values()))


def main() -> None:
    """Print a line for each figure."""
    parser = described(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(_compare(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
