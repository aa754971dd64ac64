"""Boxes as players read them."""

import pytest

from services.synth.audio.codecs.codec import AAC, RATE_HZ
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.mp4.tests.writing import spoken_packets, written_by_us
from services.synth.audio.tests.signals import decode_file, png


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    return spoken_packets()


def test_chapters_are_as_many_and_as_long_as_they_are(tmp_path, packets):
    titles = [f"{number}: " + "ä" * (number * 3) for number in range(300)]
    bounds = [number * 100 for number in range(300)]
    ends = [*bounds[1:], len(packets) * AAC.frame]
    chapters = [ChapterMark(*chapter) for chapter in zip(titles, bounds, ends, strict=True)]
    written_by_us(tmp_path / "book", packets, chapters)
    found = decode_file(tmp_path / "book").chapters
    assert [title for title, _, _ in found] == titles
    assert [round(start * RATE_HZ) for _, start, _ in found] == bounds
    listed = (tmp_path / "book").read_bytes().partition(b"chpl")[2]
    assert listed[8] == 255
    assert listed[17] == 3  # "0: "


def test_tags_are_what_players_show(tmp_path, packets):
    written_by_us(tmp_path / "book", packets, [ChapterMark("One", 0, 24_000)])
    found = decode_file(tmp_path / "book")
    assert found.pictures == [png()]
    assert found.metadata == {
        "major_brand": "M4B ",
        "minor_version": "512",
        "compatible_brands": "M4B mp42isomiso2",
        "title": "Das Buch",
        "artist": "A. Author",
        "album_artist": "A. Author",
        "album": "Alb",
        "genre": "Audiobook",
        "comment": "Hm.",
        "track": "3",
        "media_type": "2",
        "language": "deu",
        "handler_name": "Sound",
    }
