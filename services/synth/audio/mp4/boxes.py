"""The boxes of an MP4 file that holds speech: how each is written.

ISO/IEC 14496-12 gives the boxes, 14496-14 the description of AAC, QuickTime's file format the
chapters as a track of text and the list of tags; ``chpl`` is Nero's list of chapters, which some
players read instead. Numbers are big endian.

One timescale serves the movie and its tracks, the sample rate: so every time is exact.
"""

import struct
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.synth.audio.codecs.codec import RATE_HZ
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.containers.cover import CoverImage
from services.synth.audio.containers.tags import Tags

LARGEST_32 = 0xFFFF_FFFF
UNITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
ENABLED, IN_MOVIE = 1, 2
AAC_IN_MPEG_4, AUDIO_STREAM = 0x40, 0x15
ROLL_DISTANCE = -1
UTF8_TEXT = struct.pack(">I4sI", 12, b"encd", 0x100)
AS_BYTES, AS_UTF8, AS_JPEG, AS_PNG, AS_INTEGER = 0, 1, 13, 14, 21
LISTED_BY_NERO = 255
NERO_TICKS = 10_000_000
LONGEST_TITLE = 0xFFFF
TAGS = {
    "title": b"\xa9nam",
    "artist": b"\xa9ART",
    "album_artist": b"aART",
    "album": b"\xa9alb",
    "genre": b"\xa9gen",
    "comment": b"\xa9cmt",
}


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box: its length, its kind, what it holds."""
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def file_type(brand: bytes) -> bytes:
    """Return ``ftyp``; ``brand`` has four letters."""
    return box(b"ftyp", brand, struct.pack(">I", 0x200), brand, b"mp42isomiso2")


def movie_header(duration: int, next_track: int) -> bytes:
    """Return ``mvhd``."""
    version, times = _times(RATE_HZ, duration)
    rest = struct.pack(">IH10x", 0x10000, 0x100) + UNITY + bytes(24)
    return full_box(b"mvhd", version, 0, times, rest, struct.pack(">I", next_track))


def track_header(track: int, duration: int, *, flags: int, audible: bool) -> bytes:
    """Return ``tkhd``."""
    wide = duration > LARGEST_32
    times = struct.pack(">QQI4xQ" if wide else ">III4xI", 0, 0, track, duration)
    group, volume = (1, 0x100) if audible else (0, 0)
    rest = struct.pack(">8xHHHxx", 0, group, volume) + UNITY + bytes(8)
    return full_box(b"tkhd", int(wide), flags, times, rest)


def edit_list(duration: int, begin: int) -> bytes:
    """Return ``edts``: a player shows ``duration`` samples from ``begin`` on."""
    wide = duration > LARGEST_32
    entry = struct.pack(">QqI" if wide else ">IiI", duration, begin, 0x10000)
    return box(b"edts", full_box(b"elst", int(wide), 0, struct.pack(">I", 1), entry))


def media_header(duration: int, language: str) -> bytes:
    """Return ``mdhd``; ``language`` is three letters of ISO 639-2."""
    version, times = _times(RATE_HZ, duration)
    first, second, third = (ord(letter) - 0x60 for letter in language)
    packed = struct.pack(">Hxx", first << 10 | second << 5 | third)
    return full_box(b"mdhd", version, 0, times, packed)


def handler(kind: bytes, name: bytes, maker: bytes = bytes(4)) -> bytes:
    """Return ``hdlr``."""
    return full_box(b"hdlr", 0, 0, bytes(4), kind, maker, bytes(8), name, b"\0")


def data_in_this_file() -> bytes:
    """Return ``dinf``."""
    here = full_box(b"url ", 0, 1)
    return box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), here))


def aac_description(decoder_config: bytes, bit_rate: int, average: int) -> bytes:
    """Return ``stsd`` of a mono track of AAC; ``decoder_config`` is its AudioSpecificConfig."""
    codec = _descriptor(
        0x04,
        struct.pack(">BB3xII", AAC_IN_MPEG_4, AUDIO_STREAM, bit_rate, average),
        _descriptor(0x05, decoder_config),
    )
    stream = _descriptor(0x03, bytes(3), codec, _descriptor(0x06, b"\2"))
    sound = struct.pack(">6xH8xHH4xI", 1, 1, 16, RATE_HZ << 16)
    return _described(box(b"mp4a", sound, full_box(b"esds", 0, 0, stream)))


def text_description() -> bytes:
    """Return ``stsd`` of a track of chapters: plain text, in no place on the screen."""
    return _described(box(b"text", struct.pack(">6xH", 1), bytes(44)))


def text_header() -> bytes:
    """Return ``gmhd``, which QuickTime wants for a track of text."""
    mode = full_box(b"gmin", 0, 0, struct.pack(">HHHHhxx", 0x40, 0x8000, 0x8000, 0x8000, 0))
    return box(b"gmhd", mode, box(b"text", UNITY))


def durations(lengths: Iterable[tuple[int, int]]) -> bytes:
    """Return ``stts`` from pairs of a count of samples and how long each of them is."""
    entries = [struct.pack(">II", *run) for run in lengths]
    return full_box(b"stts", 0, 0, struct.pack(">I", len(entries)), *entries)


def sizes(lengths: NDArray[np.uint32]) -> bytes:
    """Return ``stsz``; ``lengths`` in bytes, shape (samples,)."""
    header = struct.pack(">II", 0, len(lengths))
    return full_box(b"stsz", 0, 0, header, lengths.astype(">u4").tobytes())


def chunks(samples: int, per_chunk: int) -> bytes:
    """Return ``stsc``: chunks of ``per_chunk`` samples, the last one of what is left."""
    whole, left = divmod(samples, per_chunk)
    runs = [(1, per_chunk)] * (whole > 0) + [(whole + 1, left)] * (left > 0)
    entries = [struct.pack(">III", first, count, 1) for first, count in runs]
    return full_box(b"stsc", 0, 0, struct.pack(">I", len(entries)), *entries)


def offsets(begins: NDArray[np.int64], *, wide: bool) -> bytes:
    """Return ``stco`` or, where the file is larger than 4 GB, ``co64``."""
    kind, number = (b"co64", ">u8") if wide else (b"stco", ">u4")
    return full_box(kind, 0, 0, struct.pack(">I", len(begins)), begins.astype(number).tobytes())


def roll(samples: int) -> bytes:
    """Return ``sgpd`` and ``sbgp``: a decoder needs the packet before the one it seeks."""
    group = struct.pack(">4sIIh", b"roll", 2, 1, ROLL_DISTANCE)
    members = struct.pack(">4sIII", b"roll", 1, samples, 1)
    return full_box(b"sgpd", 1, 0, group) + full_box(b"sbgp", 0, 0, members)


def chapter_text(title: str) -> bytes:
    """Return a sample of a track of chapters."""
    text = _shortened(title, LONGEST_TITLE)
    return struct.pack(">H", len(text)) + text + UTF8_TEXT


def nero_chapters(chapters: Sequence[ChapterMark]) -> bytes:
    """Return ``chpl`` of the first 255 chapters, which is all that it can count."""
    entries = []
    for chapter in chapters[:LISTED_BY_NERO]:
        text = _shortened(chapter.title, 0xFF)
        start = chapter.start * NERO_TICKS // RATE_HZ
        entries.append(struct.pack(">QB", start, len(text)) + text)
    return full_box(b"chpl", 1, 0, struct.pack(">IB", 0, len(entries)), *entries)


def tag_list(tags: Tags, cover: CoverImage | None, *, audiobook: bool) -> bytes:
    """Return ``meta`` with the tags that players show."""
    told = tags.for_container()
    items = [_tag(TAGS[key], AS_UTF8, told[key].encode()) for key in TAGS if key in told]
    if number := tags.track_number:
        items.append(_tag(b"trkn", AS_BYTES, struct.pack(">xxHxxxx", number)))
    if tags.nonce:
        items.append(_own_tag("nonce", tags.nonce))
    if audiobook:
        items.append(_tag(b"stik", AS_INTEGER, b"\2"))
    if cover is not None:
        kind = AS_PNG if cover.media_type == "image/png" else AS_JPEG
        items.append(_tag(b"covr", kind, cover.data))
    return full_box(b"meta", 0, 0, handler(b"mdir", b"", b"appl"), box(b"ilst", *items))


def data_header(size: int) -> bytes:
    """Return the beginning of ``mdat`` that holds ``size`` bytes."""
    if 8 + size <= LARGEST_32:
        return struct.pack(">I4s", 8 + size, b"mdat")
    return struct.pack(">I4sQ", 1, b"mdat", 16 + size)


def _times(timescale: int, duration: int) -> tuple[int, bytes]:
    """Return a version, and times of making and changing, which are not told, and duration."""
    if duration > LARGEST_32:
        return 1, struct.pack(">QQIQ", 0, 0, timescale, duration)
    return 0, struct.pack(">IIII", 0, 0, timescale, duration)


def _described(entry: bytes) -> bytes:
    return full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry)


def _descriptor(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes((tag, 0x80, 0x80, 0x80, len(content))) + content


def _tag(name: bytes, kind: int, value: bytes) -> bytes:
    return box(name, box(b"data", struct.pack(">II", kind, 0), value))


def _own_tag(name: str, value: str) -> bytes:
    """Return a tag that is not one of iTunes; players keep it and do not show it."""
    mean = full_box(b"mean", 0, 0, b"com.apple.iTunes")
    named = full_box(b"name", 0, 0, name.encode())
    data = box(b"data", struct.pack(">II", AS_UTF8, 0), value.encode())
    return box(b"----", mean, named, data)


def _shortened(text: str, limit: int) -> bytes:
    """Return UTF-8 of at most ``limit`` bytes, cut between characters."""
    return text.encode()[:limit].decode(errors="ignore").encode()
