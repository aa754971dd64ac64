import numpy as np
import pytest

from services.synth.audio.segment_file import SegmentFile, dump
from services.synth.segment_cache import SegmentCache

SEGMENT = "ab" * 32


def file(codec="aac", packet=b"packet"):
    return dump(SegmentFile(codec, 1024, 0.0, (), np.zeros(1, np.float32), (packet,)))


@pytest.fixture
def cache(storage):
    return SegmentCache(storage)


async def test_what_is_kept_is_found_again(cache):
    await cache.keep_encoded(SEGMENT, 2.0, "aac", file())
    await cache.keep_lossless(SEGMENT, file("flac"))
    assert await cache.encoded(SEGMENT, 2.0, "aac") == file()
    assert await cache.lossless(SEGMENT) == file("flac")


async def test_another_gain_or_codec_or_text_is_another_segment(cache):
    await cache.keep_encoded(SEGMENT, 2.0, "aac", file())
    assert await cache.encoded(SEGMENT, 2.1, "aac") is None
    assert await cache.encoded(SEGMENT, 2.0, "mp3") is None
    assert await cache.encoded("cd" * 32, 2.0, "aac") is None
    assert await cache.lossless(SEGMENT) is None


async def test_all_segments_lie_below_one_prefix_in_folders_by_digest(cache, storage):
    await cache.keep_encoded(SEGMENT, 2.0, "aac", file())
    await cache.keep_lossless(SEGMENT, file("flac"))
    encoded, lossless = sorted(storage.objects, key=lambda key: key.endswith(".flac"))
    assert lossless == f"segments/ab/{SEGMENT}.flac"
    folder, name = encoded.removeprefix("segments/").split("/")
    assert name.startswith(folder)
    assert name.endswith(".aac")


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: b"", lambda raw: raw + b"x"])
async def test_a_damaged_segment_counts_as_missing(cache, storage, damage):
    await cache.keep_encoded(SEGMENT, 2.0, "aac", file())
    await cache.keep_lossless(SEGMENT, file("flac"))
    for key, raw in storage.objects.items():
        storage.objects[key] = damage(raw)
    assert await cache.encoded(SEGMENT, 2.0, "aac") is None
    assert await cache.lossless(SEGMENT) is None
