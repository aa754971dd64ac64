import gzip
import tracemalloc
import zlib

import pytest

from libs.common.errors import Rejected
from services.ingest.sources.unpacking import PIECE_BYTES, Unpacker

TEXT = b"<p>What a page says.</p>\n" * 4_000


def bare(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED = {
    "": TEXT,
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "X-GZip": gzip.compress(TEXT),
    "identity, gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "Deflate": bare(TEXT),
}


def unpacked(coding, data, step):
    unpacker = Unpacker(coding)
    found = b""
    for start in range(0, len(data), step):
        for piece in unpacker.feed(data[start : start + step]):
            assert coding in ("", "identity") or len(piece) <= PIECE_BYTES
            found += piece
    unpacker.finish()
    return found


@pytest.mark.parametrize("coding", PACKED)
@pytest.mark.parametrize("step", [11, 10**9])
def test_one_coding_is_unpacked_however_it_comes(coding, step):
    assert unpacked(coding, PACKED[coding], step) == TEXT


@pytest.mark.parametrize(
    "coding", ["gzip, gzip, gzip", "gzip,deflate", "gzip, identity, gzip", "br", "zstd", "compress"]
)
def test_lists_and_what_was_not_asked_for_are_refused(coding):
    with pytest.raises(Rejected) as caught:
        Unpacker(coding)
    assert caught.value.code == "unsupported_coding"


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", b"<p>not packed</p>"),
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("gzip", gzip.compress(TEXT)[:-8] + bytes(8)),
        ("deflate", zlib.compress(TEXT)[:-1]),
        ("deflate", zlib.compress(TEXT)[:-4] + bytes(4)),
        ("deflate", bare(TEXT)[:-1]),
        ("deflate", b"\xff\xff\xff"),
    ],
)
def test_codings_that_lie_or_end_early_are_damaged(coding, data):
    with pytest.raises(Rejected) as caught:
        unpacked(coding, data, 100)
    assert caught.value.code == "damaged"


def test_what_is_behind_the_end_is_ignored():
    assert unpacked("gzip", gzip.compress(TEXT) + b"more", 100) == TEXT
    assert unpacked("deflate", zlib.compress(TEXT) + b"more", 10**9) == TEXT


def test_a_bomb_takes_no_more_memory_than_a_piece():
    bomb = gzip.compress(bytes(5_000_000))
    size = 0
    tracemalloc.start()
    try:
        for piece in Unpacker("gzip").feed(bomb):
            size += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 5_000_000
    assert peak < 20 * PIECE_BYTES
