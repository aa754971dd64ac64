import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from libs.common.contracts.formats import AudiobookFormat, PageFormat
from libs.common.errors import ObjectCorrupt
from services.synth.audio.book import write_book
from services.synth.audio.book_contents import BookChapter, PageFile
from services.synth.audio.codecs.codec import CODEC_OF_FORMAT, RATE_HZ
from services.synth.audio.containers.tags import Tags
from services.synth.audio.page import PageAudio, write_page
from services.synth.audio.tests.signals import decode_file, jpeg, longest_silence_s, part, png

pytestmark = pytest.mark.slow

BOOKS: dict[AudiobookFormat, PageFormat] = {"m4b": "m4a", "mp3": "mp3", "opus": "opus"}
TAGS = Tags(title="Das Buch", author="A. Author", language="de")

every_format = pytest.mark.parametrize("name", BOOKS)


def make_pages(
    folder: Path, name: AudiobookFormat, count: int = 4
) -> tuple[list[PageFile], list[PageAudio]]:
    """Pages of two sentences each, the first sentence of a page without lead-in silence."""
    page_format = BOOKS[name]
    codec = CODEC_OF_FORMAT[page_format]
    pages = []
    for n in range(count):
        path = folder / f"{n}.{page_format}"
        parts = [part(codec, 0.8 + n / 10, 2 * n), part(codec, 0.6, 2 * n + 1, 700)]
        made = write_page(path, parts, page_format, Tags(title=f"Page {n + 1}"))
        pages.append((PageFile(path, made.loudness_lufs), made))
    return [page for page, _ in pages], [audio for _, audio in pages]


@every_format
def test_book_is_its_pages_one_after_the_other(tmp_path, name):
    pages, made = make_pages(tmp_path, name)
    book = write_book(tmp_path / "book", pages, name, [], TAGS)
    shown = decode_file(tmp_path / "book").samples
    codec = CODEC_OF_FORMAT[name]
    lead = codec.lead * codec.frame
    assert len(shown) == book.samples == lead + sum(page.samples for page in made)
    begin = lead
    for page, audio in zip(pages, made, strict=True):
        alone = decode_file(page.path).samples
        # The very end of a page may differ: it already holds the first breath of the next one.
        inner = slice(0, audio.samples - 2 * codec.delay)
        joined = shown[begin : begin + audio.samples]
        assert np.abs(joined[inner] - alone[inner]).max() < 0.002
        begin += audio.samples


@every_format
def test_joins_do_not_click(tmp_path, name):
    pages, made = make_pages(tmp_path, name)
    write_book(tmp_path / "book", pages, name, [], TAGS)
    shown = decode_file(tmp_path / "book").samples
    codec = CODEC_OF_FORMAT[name]
    begin = codec.lead * codec.frame
    for page in made[:-1]:
        begin += page.samples
        # 20 ms before the join it is silent, and the next page begins as softly as it was spoken.
        assert np.abs(shown[begin - 480 : begin + 48]).max() < 0.03


@every_format
def test_silence_is_not_longer_than_the_pauses(tmp_path, name):
    pages, _ = make_pages(tmp_path, name)
    write_book(tmp_path / "book", pages, name, [], TAGS)
    assert longest_silence_s(decode_file(tmp_path / "book").samples) < 1.0
    write_book(tmp_path / "book", pages, name, [], TAGS, gap_ms=500)
    assert 1.0 < longest_silence_s(decode_file(tmp_path / "book").samples) < 1.5


@every_format
def test_chapters_begin_with_their_pages(tmp_path, name):
    pages, made = make_pages(tmp_path, name)
    chapters = [BookChapter("Eins & <zwei>", 0), BookChapter("Drei", 2)]
    book = write_book(tmp_path / "book", pages, name, chapters, TAGS)
    found = decode_file(tmp_path / "book").chapters
    assert [title for title, _, _ in found] == ["Eins & <zwei>", "Drei"]
    codec = CODEC_OF_FORMAT[name]
    third = (codec.lead * codec.frame + made[0].samples + made[1].samples) / RATE_HZ
    assert found[0][1:] == pytest.approx((0, third), abs=0.01)
    assert found[1][1:] == pytest.approx((third, book.samples / RATE_HZ), abs=0.02)


@every_format
def test_many_chapters_with_long_titles_are_found_where_they_begin(tmp_path, name):
    """One has a start of some half seconds, which must not be rounded; the list of 40 is long."""
    [page], [made] = make_pages(tmp_path, name, 1)
    titles = [f"{number} {'Kapitel ' * 30}ß" for number in range(40)]
    chapters = [BookChapter(title, index) for index, title in enumerate(titles)]
    write_book(tmp_path / "book", [page] * 40, name, chapters, TAGS)
    found = decode_file(tmp_path / "book").chapters
    assert [title for title, _, _ in found] == titles
    codec = CODEC_OF_FORMAT[name]
    starts = [0.0] + [
        (codec.lead * codec.frame + count * made.samples) / RATE_HZ for count in range(1, 40)
    ]
    assert [start for _, start, _ in found] == pytest.approx(starts, abs=0.01)


def test_chapters_cover_the_book_and_are_never_empty(tmp_path):
    pages, _ = make_pages(tmp_path, "mp3")
    chapters = [
        BookChapter("Part I", 1),
        BookChapter("Chapter 1", 1),
        BookChapter("Chapter 2", 3),
        BookChapter("Beyond", 9),
    ]
    book = write_book(tmp_path / "book", pages, "mp3", chapters, TAGS)
    assert [chapter.title for chapter in book.chapters] == [
        "Das Buch",
        "Part I: Chapter 1",
        "Chapter 2",
    ]
    assert book.chapters[0].start == 0
    assert book.chapters[-1].end == book.samples
    assert all(chapter.start < chapter.end for chapter in book.chapters)


@every_format
@pytest.mark.parametrize("picture", [png(), jpeg()], ids=["png", "jpeg"])
def test_cover_and_tags(tmp_path, name, picture):
    pages, _ = make_pages(tmp_path, name, 2)
    book = write_book(tmp_path / "book", pages, name, [], TAGS, cover=picture)
    found = decode_file(tmp_path / "book")
    assert book.has_cover
    assert found.pictures == [picture]
    tags = {key.lower(): value for key, value in found.metadata.items()}
    assert tags["title"] == "Das Buch"
    assert tags["artist"] == "A. Author"
    assert tags["language"] in ("deu", "de")
    if name == "m4b":
        assert tags["major_brand"] == "M4B "
        assert tags["media_type"] == "2"


def test_picture_of_another_kind_is_left_out(tmp_path):
    pages, _ = make_pages(tmp_path, "m4b", 1)
    assert not write_book(tmp_path / "b", pages, "m4b", [], TAGS, cover=b"GIF89a").has_cover


def test_loudness_is_that_of_the_pages(tmp_path):
    pages, made = make_pages(tmp_path, "m4b")
    book = write_book(tmp_path / "book", pages, "m4b", [], TAGS)
    measured = [page.loudness_lufs or 0.0 for page in made]
    assert book.loudness_lufs is not None
    assert min(measured) <= book.loudness_lufs <= max(measured)


def test_damaged_page_fails_the_book(tmp_path):
    pages, _ = make_pages(tmp_path, "m4b", 2)
    pages[1].path.write_bytes(pages[1].path.read_bytes()[:700])
    with pytest.raises(ObjectCorrupt):
        write_book(tmp_path / "book", pages, "m4b", [], TAGS)


def test_equal_books_are_equal_bytes(tmp_path):
    for name in BOOKS:
        pages, _ = make_pages(tmp_path, name, 2)
        for path in ("a", "b"):
            write_book(tmp_path / path, pages, name, [BookChapter("c", 0)], TAGS, cover=png())
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


MEASURE = """
import sys
from pathlib import Path
from services.synth.audio.book_contents import BookChapter, PageFile
from services.synth.audio.book import PageFile, write_book
from services.synth.audio.containers.tags import Tags

def peak_kib():
    # getrusage would count the process that started this one, up to the exec.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])

page, out, name, count = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
write_book(out, [PageFile(page)] * 2, name, [], Tags(title="warm"))
before = peak_kib()
write_book(out, [PageFile(page)] * count, name, [], Tags(title="Book"))
print(peak_kib() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
@every_format
def test_memory_does_not_grow_with_the_book(tmp_path, name):
    """Nothing but MP4's index is kept: 4 bytes per packet, and as it is put together some more."""
    codec = CODEC_OF_FORMAT[name]
    page = tmp_path / "page"
    write_page(page, [part(codec, 2, n) for n in range(2)] * 25, BOOKS[name], Tags(title="Page"))
    out = tmp_path / "out"
    run = [sys.executable, "-c", MEASURE, str(page), str(out), name, "90"]
    grown_kib = int(subprocess.check_output(run, cwd=Path(__file__).parents[4]))
    packets = 90 * 120 * RATE_HZ / codec.frame
    allowed_kib = 1024 + (packets * 40 / 1024 if name == "m4b" else 0)
    assert grown_kib < allowed_kib
    assert out.stat().st_size > 30_000_000
