import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synth.audio.codecs import codec as codec_module
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.codecs.segment_file import SegmentFile, dump
from services.synth.synthesis.cache import (
    SegmentCache,
    SegmentPlace,
    packets_key,
    segment_key,
)

SEGMENT = "ab" * 32
AAC = SegmentPlace(SEGMENT, 2.0, "aac")
OTHERS = ({"gain_db": 2.1}, {"codec": "mp3"}, {"segment": "cd" * 32})


def file(codec="aac", packet=b"packet"):
    return dump(
        SegmentFile(
            codec=codec,
            samples=1024,
            gain_db=0.0,
            words=(),
            energies=np.zeros(1, np.float32),
            packets=Packets.of([packet]),
        )
    )


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
    others = [AAC._replace(**changes) for changes in OTHERS]
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


def test_segment_key_is_fixed_for_ever():
    """A change here would throw away everything that was ever spoken."""
    key = segment_key("espeak/1", "en-us", 1.0, "Hello, wörld 😀")
    assert key == "2da478dec295522b5b5ed9304d022261ea71c2c4c002d43321bd650ce579d8aa"


texts = st.text(st.characters(codec=None), max_size=8)
inputs = st.tuples(texts, texts, st.floats(0.5, 3.0), texts)


@given(inputs, inputs)
def test_different_inputs_have_different_keys(one, other):
    assert (segment_key(*one) == segment_key(*other)) == (one == other)


def test_parts_do_not_run_into_one_another():
    assert segment_key("a", "b", 1.0, "c") != segment_key("ab", "", 1.0, "c")
    assert segment_key("a", 'b","c', 1.0, "d") != segment_key("a", "b", 1.0, 'c","d')
    assert segment_key("a", "b", 1, "c") == segment_key("a", "b", 1.0, "c")


def test_the_key_of_packets_is_a_digest_that_stays():
    assert re.fullmatch("[0-9a-f]{64}", packets_key(SEGMENT, 2.0, "aac"))
    assert packets_key(SEGMENT, 2.0, "aac") == packets_key(SEGMENT, 2.0, "aac")


def test_everything_that_decides_the_packets_decides_their_key():
    keys = {
        packets_key(segment, gain_db, codec)
        for segment in (SEGMENT, "cd" * 32)
        for gain_db in (2.0, 2.1, -2.0)
        for codec in codec_module.CODECS
    }
    assert len(keys) == 18


def test_a_gain_counts_in_tenths_of_a_decibel():
    assert packets_key(SEGMENT, 2.04, "aac") == packets_key(SEGMENT, 1.96, "aac")


def test_new_settings_give_new_keys(monkeypatch):
    old = packets_key(SEGMENT, 2.0, "aac")
    monkeypatch.setattr(codec_module, "SETTINGS_VERSION", codec_module.SETTINGS_VERSION + 1)
    assert packets_key(SEGMENT, 2.0, "aac") != old
