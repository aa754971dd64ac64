import numpy as np
import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import codec as codecs
from services.synth.audio.codecs import segment_file
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.codecs.segment_file import SegmentFile, dump, load
from services.synth.engines.port import WordMark


@pytest.fixture
def segment():
    return SegmentFile(
        codec="aac",
        samples=2000,
        gain_db=3.4,
        words=(WordMark(0, 3, 0), WordMark(4, 9, 1200)),
        energies=np.array([0.25, 0.001], np.float32),
        packets=Packets.of([b"abc", b"", b"x" * 70_000]),
    )


def test_what_is_dumped_is_loaded(segment):
    loaded = load(dump(segment))
    assert np.array_equal(loaded.energies, segment.energies)
    assert loaded.words == segment.words
    assert list(loaded.packets) == list(segment.packets)
    assert (loaded.codec, loaded.samples, loaded.gain_db) == ("aac", 2000, 3.4)
    assert dump(loaded) == dump(segment)


def test_any_changed_byte_is_found(segment):
    raw = dump(SegmentFile(**{**segment.__dict__, "packets": Packets.of([b"abc", b"defg"])}))
    for place in range(len(raw)):
        damaged = bytearray(raw)
        damaged[place] ^= 0x10
        with pytest.raises(ObjectCorrupt):
            load(bytes(damaged))


def test_any_other_length_is_found(segment):
    raw = dump(SegmentFile(**{**segment.__dict__, "packets": Packets.of([b"abc", b"defg"])}))
    for end in range(len(raw)):
        with pytest.raises(ObjectCorrupt):
            load(raw[:end])
    with pytest.raises(ObjectCorrupt):
        load(raw + b"\0")


def test_packets_of_older_settings_are_made_anew(segment, monkeypatch):
    raw = dump(segment)
    monkeypatch.setattr(codecs, "SETTINGS_VERSION", codecs.SETTINGS_VERSION + 1)
    with pytest.raises(ObjectCorrupt):
        load(raw)


def test_header_of_the_wrong_shape_is_corrupt(segment):
    import struct
    import zlib

    header = b'{"codec": "aac"}'
    checked = struct.pack("<I", len(header)) + header
    raw = segment_file.MAGIC + b"\1" + struct.pack("<I", zlib.crc32(checked)) + checked
    with pytest.raises(ObjectCorrupt):
        load(raw)
