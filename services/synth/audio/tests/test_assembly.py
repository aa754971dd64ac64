import json
from typing import Any

import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.assembly import assemble_page, bind_book
from services.synth.audio.book_contents import BookChapter, PageFile
from services.synth.audio.codecs.codec import CODECS
from services.synth.audio.containers.tags import Tags
from services.synth.audio.produce import produce
from services.synth.audio.segment_queue import write_segments
from services.synth.audio.tests.signals import speech_like
from services.synth.engines.port import WordMark
from services.synth.tests.scripts import utterances

TAGS = Tags(title="Page 1", language="en", track="1", nonce="0" * 32)
TEXTS = ("One two.", "Three.")
WORDS = (
    (WordMark(0, 3, 0), WordMark(4, 7, 12_000)),
    (WordMark(0, 5, 0),),
)


@pytest.fixture(scope="module")
def segments():
    """The segment files of both utterances, by codec: one second of sound each."""
    made = [produce(speech_like(1.0), 24_000, words, 0.0, list(CODECS)).encoded for words in WORDS]
    return {codec: [files[codec] for files in made] for codec in CODECS}


def page(folder, segments, **formats):
    queues = queued(folder, **{name: segments[codec] for name, codec in formats.items()})
    return assemble_page(folder, utterances(*TEXTS, pause_ms=500), queues, TAGS)


def queued(folder, **files) -> dict[Any, Any]:
    (folder / "queues").mkdir(exist_ok=True)
    for name, some in files.items():
        write_segments(folder / "queues" / name, some)
    return {name: folder / "queues" / name for name in files}


def test_every_format_becomes_a_file_and_the_first_tells_the_length(tmp_path, segments):
    made = page(tmp_path, segments, m4a="aac", mp3="mp3", opus="opus")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("page.m4a", "page.mp3", "page.opus", "queues")
    ]
    assert made.duration_ms == pytest.approx(3000, abs=150)
    assert made.loudness_lufs is not None
    alone = page(tmp_path, segments, m4a="aac")
    assert alone == made


def test_timings_and_captions_say_when_each_utterance_is_heard(tmp_path, segments):
    made = page(tmp_path, segments, m4a="aac")
    timings = json.loads(made.timings)
    assert timings["duration_ms"] == made.duration_ms
    first, second = timings["utterances"]
    assert first["start_ms"] == pytest.approx(0, abs=50)
    assert second["start_ms"] == pytest.approx(1500, abs=50)
    assert [(word["source_start"], word["source_end"]) for word in timings["words"]] == [
        (0, 3),
        (4, 7),
        (9, 14),
    ]
    captions = made.captions.decode()
    assert captions.startswith("WEBVTT\n")
    assert captions.index(TEXTS[0]) < captions.index(TEXTS[1])


def test_segments_of_another_codec_are_refused(tmp_path, segments):
    with pytest.raises(ObjectCorrupt):
        page(tmp_path, segments, m4a="opus")


def test_an_utterance_without_its_segment_is_a_mistake(tmp_path, segments):
    queues = queued(tmp_path, m4a=segments["aac"])
    with pytest.raises(ValueError, match="zip"):
        assemble_page(tmp_path, utterances("a", "b", "c"), queues, TAGS)


def test_a_page_without_utterances_is_a_file(tmp_path):
    made = assemble_page(tmp_path, (), queued(tmp_path, m4a=[]), TAGS)
    assert made.duration_ms > 0
    assert made.loudness_lufs is None
    assert (tmp_path / "page.m4a").exists()


def test_pages_become_a_book_with_chapters(tmp_path, segments):
    made = page(tmp_path, segments, m4a="aac")
    bound = bind_book(
        tmp_path / "book.m4b",
        [PageFile(tmp_path / "page.m4a", made.loudness_lufs)] * 3,
        "m4b",
        [BookChapter("Beginning", 0), BookChapter("End", 2)],
        Tags(title="The Book"),
        None,
    )
    assert bound.chapters == 2
    assert bound.duration_ms == pytest.approx(3 * made.duration_ms, abs=150)
    assert bound.loudness_lufs == pytest.approx(made.loudness_lufs)
    assert (tmp_path / "book.m4b").read_bytes()[4:8] == b"ftyp"
