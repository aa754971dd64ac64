import numpy as np
import pytest

from services.synth.audio.packets import Packets
from services.synth.audio.segment_file import SegmentFile, dump
from services.synth.segment_cache import Place, SegmentCache

SEGMENT = "ab" * 32
AAC = Place(SEGMENT, 2.0, "aac")
OTHERS = ({"gain_db": 2.1}, {"codec": "mp3"}, {"segment": "cd" * 32})


def file(codec="aac", packet=b"packet"):
    return dump(SegmentFile(codec, 1024, 0.0, (), np.zeros(1, np.float32), Packets.of([packet])))


@pytest.fixture
def cache(storage):
    return SegmentCache(storage)


async def test_what_is_kept_is_found_again(cache):
    await cache.keep({AAC: file()})
    await cache.keep_lossless(SEGMENT, file("flac"))
    assert await cache.find([AAC]) == {AAC: file()}
    assert await cache.lossless(SEGMENT) == file("flac")


async def test_another_gain_or_codec_or_text_is_another_segment(cache):
    await cache.keep({AAC: file()})
    others = [AAC._replace(**each) for each in OTHERS]
    assert await cache.find([*others, AAC]) == {AAC: file()}
    assert await cache.lossless(SEGMENT) is None


async def test_all_segments_lie_below_one_prefix_in_folders_by_digest(cache, storage):
    await cache.keep({AAC: file()})
    await cache.keep_lossless(SEGMENT, file("flac"))
    encoded, lossless = sorted(storage.objects, key=lambda key: key.endswith(".flac"))
    assert lossless == f"segments/ab/{SEGMENT}.flac"
    folder, name = encoded.removeprefix("segments/").split("/")
    assert name.startswith(folder)
    assert name.endswith(".aac")


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: b"", lambda raw: raw + b"x"])
async def test_a_damaged_segment_counts_as_missing(cache, storage, damage):
    await cache.keep({AAC: file()})
    await cache.keep_lossless(SEGMENT, file("flac"))
    for key, raw in storage.objects.items():
        storage.objects[key] = damage(raw)
    assert await cache.find([AAC]) == {}
    assert await cache.lossless(SEGMENT) is None
