"""MP4 as others read and write it: libav is the other side."""

from pathlib import Path

import av
import numpy as np
import pytest

from services.synth.audio.codecs.codec import AAC, RATE_HZ
from services.synth.audio.codecs.encode import silent_packet
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.mp4.mp4_file import Mp4File, count_packets, decoder_config, movie_head
from services.synth.audio.mp4.sound import read_sound
from services.synth.audio.mp4.tests.writing import (
    TAGS,
    spoken_packets,
    written_by_libav,
    written_by_us,
)


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    return spoken_packets()


def seen_by_libav(path: Path) -> tuple[object, ...]:
    """Every packet with its times, the length of it all, and chapters in samples."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        found = [
            (bytes(packet), packet.pts, packet.dts, packet.duration, packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.size
        ]
        chapters = [
            (chapter["metadata"]["title"], round(chapter["start"] * chapter["time_base"] * RATE_HZ))
            for chapter in container.chapters()
            if chapter["time_base"]
        ]
        return found, stream.duration, stream.start_time, container.duration, chapters


def test_libav_sees_what_it_would_have_written(tmp_path, packets):
    shown = len(packets) * AAC.frame
    chapters = [ChapterMark("One", 0, 24_000), ChapterMark("Zwei & <drei> ü", 24_000, shown)]
    written_by_us(tmp_path / "ours", packets, chapters)
    written_by_libav(tmp_path / "theirs", packets, chapters)
    assert seen_by_libav(tmp_path / "ours") == seen_by_libav(tmp_path / "theirs")


def test_pages_that_libav_wrote_can_be_bound(tmp_path, packets):
    written_by_libav(tmp_path / "page", packets, [])
    assert count_packets(tmp_path / "page") == len(packets)
    with Mp4File(path=tmp_path / "book", tags=TAGS) as file:
        assert file.append(tmp_path / "page") == len(packets)
    written_by_us(tmp_path / "same", packets, [])
    assert seen_by_libav(tmp_path / "book") == seen_by_libav(tmp_path / "same")


def test_sound_is_copied_from_files_larger_than_a_block(tmp_path, packets):
    many = packets * 100
    written_by_us(tmp_path / "page", many, [])
    assert (tmp_path / "page").stat().st_size > 1 << 20
    with Mp4File(path=tmp_path / "book", tags=TAGS) as file:
        file.append(tmp_path / "page")
        file.append(tmp_path / "page")
    with av.open(str(tmp_path / "book")) as container:
        found = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    assert found == [*many, *many, silent_packet("aac")]


def test_a_book_larger_than_4_gb_is_read_to_its_end(tmp_path):
    lengths = np.full(70_000, 65_500, np.uint32)
    path = tmp_path / "book"
    shown = (len(lengths) - AAC.flush) * AAC.frame
    head = movie_head(lengths, shown, TAGS, chapters=[ChapterMark("One", 0, shown)])
    path.write_bytes(head)
    with path.open("ab") as file:  # a hole: nothing of it takes room on the disk
        file.truncate(len(head) + int(lengths.sum(dtype=np.int64)))
    assert path.stat().st_size > 1 << 32
    sound = read_sound(path, decoder_config())
    assert (sound.offset, len(sound.lengths)) == (len(head), 70_000)
    with av.open(str(path)) as container:
        assert container.streams.audio[0].frames == 70_000
        container.seek(shown * 1_000_000 // RATE_HZ)
        last = next(container.demux(audio=0))
    assert last.pos is not None
    assert last.pos > 1 << 32
    assert (last.pos - len(head)) % 65_500 == 0


@pytest.mark.slow
def test_a_book_longer_than_32_bits_of_samples_has_its_length(tmp_path):
    samples = (1 << 32) + 123 * AAC.frame
    count = samples // AAC.frame + AAC.flush
    path = tmp_path / "book"
    path.write_bytes(movie_head(np.full(count, 4, np.uint32), samples, TAGS))
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 4 * count)
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(samples * 1_000_000 // RATE_HZ, abs=2)
        assert container.streams.audio[0].frames == count
    assert count_packets(path) == count - AAC.flush
