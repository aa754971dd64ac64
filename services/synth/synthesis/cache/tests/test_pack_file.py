import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.codecs.segment_file import SegmentFile, dump
from services.synth.synthesis.cache.pack_file import HEADER, pack, unpack

FIRST, SECOND = b"1" * 32, b"2" * 32


def made(packet: bytes, codec="aac") -> bytes:
    return dump(
        SegmentFile(
            codec=codec,
            samples=1,
            gain_db=0.0,
            words=(),
            energies=np.zeros(1, np.float32),
            packets=Packets.of([packet]),
        )
    )


def record(data: bytes, file) -> bytes:
    return data[file.start : file.start + file.size]


digests = st.binary(min_size=32, max_size=32)


@given(st.dictionaries(digests, st.binary(max_size=50).map(made), min_size=1, max_size=5))
def test_every_file_is_found_again(files):
    data, packed = pack(files)
    assert {file.digest: unpack(record(data, file), file.digest) for file in packed} == files
    assert sum(file.size for file in packed) == len(data)
    assert [file.digest for file in packed] == list(files)


FILES = {FIRST: made(b"one"), SECOND: made(b"two", "flac")}
DATA, PACKED = pack(FILES)


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_damage_anywhere_is_noticed_and_spoils_one_record(place, flip):
    damaged = bytearray(DATA)
    damaged[place] ^= flip
    for file in PACKED:
        inside = file.start <= place < file.start + file.size
        if inside:
            with pytest.raises(ObjectCorrupt):
                unpack(record(bytes(damaged), file), file.digest)
        else:
            assert unpack(record(bytes(damaged), file), file.digest) == FILES[file.digest]


@given(st.integers(0, PACKED[0].size - 1))
def test_a_record_that_is_cut_off_is_noticed(size):
    with pytest.raises(ObjectCorrupt):
        unpack(record(DATA, PACKED[0])[:size], FIRST)


def test_a_record_is_no_other_one():
    with pytest.raises(ObjectCorrupt):
        unpack(record(DATA, PACKED[0]), SECOND)
    with pytest.raises(ObjectCorrupt):
        unpack(record(DATA, PACKED[0]) + b"x", FIRST)


def test_the_format_is_as_documented():
    assert DATA[:4] == b"LSP1"
    assert DATA[4:36] == FIRST
    assert int.from_bytes(DATA[36:40], "little") == len(FILES[FIRST])
    assert HEADER.size == 40
    assert DATA[40:44] == b"LSEG"
