from itertools import accumulate

import av
import numpy as np
import pytest

from libs.common.contracts.formats import PageFormat
from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import segment_file
from services.synth.audio.codecs.codec import AAC, CODEC_OF_FORMAT, RATE_HZ
from services.synth.audio.containers.tags import Tags
from services.synth.audio.loudness import bs1770
from services.synth.audio.page import PagePart, write_page
from services.synth.audio.tests.signals import (
    PAGE_FORMATS,
    decode_file,
    longest_silence_s,
    part,
    snr_db,
    speech_like,
)

PAUSES = (400, 0, 30, 800, 250, 600, 10, 1200)
SECONDS = (1.31, 0.4, 2.07, 0.93, 1.6, 0.05, 1.0, 0.77)

every_format = pytest.mark.parametrize("name", PAGE_FORMATS)


def page_parts(name: PageFormat) -> list[PagePart]:
    return [
        part(CODEC_OF_FORMAT[name], length, seed, pause)
        for seed, (length, pause) in enumerate(zip(SECONDS, PAUSES, strict=True))
    ]


@every_format
def test_page_is_as_long_as_it_says(tmp_path, name):
    page = write_page(tmp_path / "page", page_parts(name), name, Tags(title="Page 1"))
    shown = decode_file(tmp_path / "page").samples
    assert len(shown) == page.samples
    assert page.duration_ms == round(page.samples / 24)
    spoken = sum(SECONDS) + sum(PAUSES) / 1000
    assert page.samples / RATE_HZ == pytest.approx(spoken, abs=0.1)


@every_format
def test_segments_are_where_the_offsets_say(tmp_path, name):
    page = write_page(tmp_path / "page", page_parts(name), name, Tags(title="Page 1"))
    shown = decode_file(tmp_path / "page").samples
    for seed, (offset, length) in enumerate(zip(page.offsets, SECONDS, strict=True)):
        pcm = speech_like(length, seed) / 32768
        assert snr_db(pcm, shown[offset : offset + len(pcm)]) > 13


@pytest.mark.slow
@every_format
def test_offsets_do_not_drift(tmp_path, name):
    """After forty segments every format is still within two frames of the ideal timeline."""
    parts = [
        part(CODEC_OF_FORMAT[name], 0.2 + n % 5 / 17, n % 5, 150 + 37 * (n % 3)) for n in range(40)
    ]
    page = write_page(tmp_path / "page", parts, name, Tags(title="Page"))
    spans = [
        segment_file.load(piece.segment).samples + piece.pause_ms * RATE_HZ // 1000
        for piece in parts
    ]
    ideal = list(accumulate(spans, initial=0))[:-1]
    drift = np.array(page.offsets) - np.array(ideal)
    assert np.abs(drift).max() <= 2 * CODEC_OF_FORMAT[name].frame


@every_format
def test_loudness_is_that_of_the_decoded_page(tmp_path, name):
    page = write_page(tmp_path / "page", page_parts(name), name, Tags(title="Page 1"))
    shown = (decode_file(tmp_path / "page").samples * 32767).clip(-32768, 32767).astype(np.int16)
    heard = bs1770.integrated([bs1770.energies(shown, RATE_HZ)])
    assert page.loudness_lufs == pytest.approx(heard, abs=0.6)


@every_format
def test_pauses_are_silent_and_no_longer_than_asked(tmp_path, name):
    write_page(tmp_path / "page", page_parts(name), name, Tags(title="Page 1"))
    assert longest_silence_s(decode_file(tmp_path / "page").samples) < 1.4


@pytest.mark.slow
@every_format
def test_seeking_lands_where_it_was_asked(tmp_path, name):
    page = write_page(
        tmp_path / "page",
        [part(CODEC_OF_FORMAT[name], 2, n) for n in range(6)],
        name,
        Tags(title="P"),
    )
    whole = decode_file(tmp_path / "page").samples
    with av.open(str(tmp_path / "page")) as container:
        stream = container.streams.audio[0]
        container.seek(8_000_000)
        frames = [frame for packet in container.demux(stream) for frame in stream.decode(packet)]
        assert frames[0].pts is not None
        assert stream.time_base is not None
        begin = float(frames[0].pts * stream.time_base)
        factor = stream.rate // RATE_HZ
    left = sum(frame.samples for frame in frames) / factor
    assert 7.5 < begin <= 8.1
    assert left == pytest.approx(page.samples - begin * RATE_HZ, abs=1200)
    assert len(whole) == page.samples


def test_m4a_can_be_played_while_it_is_loaded(tmp_path):
    write_page(tmp_path / "page", page_parts("m4a"), "m4a", Tags(title="Page 1"))
    raw = (tmp_path / "page").read_bytes()
    assert 0 < raw.index(b"moov") < raw.index(b"mdat")
    assert b"elst" in raw


@every_format
def test_tags(tmp_path, name):
    tags = Tags(title="Über 1 & <2>", author="Ann", album="The Book", language="de", track="3")
    write_page(tmp_path / "page", [part(CODEC_OF_FORMAT[name])], name, tags)
    found = {key.lower(): value for key, value in decode_file(tmp_path / "page").metadata.items()}
    assert found["title"] == "Über 1 & <2>"
    assert found["artist"] == "Ann"
    assert found["album"] == "The Book"
    assert found["language"] in ("deu", "de")
    assert found.get("track", found.get("tracknumber")) == "3"


@every_format
def test_page_without_speech_is_short_and_silent(tmp_path, name):
    page = write_page(tmp_path / "page", [], name, Tags(title="Blank"))
    shown = decode_file(tmp_path / "page").samples
    assert len(shown) == page.samples
    assert 0.4 < page.samples / RATE_HZ < 0.6
    assert np.abs(shown).max() < 1e-3
    assert page.loudness_lufs is None


@pytest.mark.slow
def test_equal_pages_are_equal_bytes(tmp_path):
    for name in PAGE_FORMATS:
        for path in ("a", "b"):
            write_page(tmp_path / path, page_parts(name), name, Tags(title="Page 1"))
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_damaged_segment_fails_the_page(tmp_path):
    good = part(AAC)
    damaged = PagePart(good.segment[:-1], 100)
    with pytest.raises(ObjectCorrupt, match="segment 1"):
        write_page(tmp_path / "page", [good, damaged], "m4a", Tags(title="Page"))
    with pytest.raises(ObjectCorrupt):
        write_page(tmp_path / "page", [good], "mp3", Tags(title="Page"))
