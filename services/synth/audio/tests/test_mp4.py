"""MP4 as others read and write it: libav is the other side."""

from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import numpy as np
import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.audio_file import Mark
from services.synth.audio.codecs import AAC, RATE_HZ
from services.synth.audio.cover import read_cover
from services.synth.audio.encode import encode_segment, silent_packet
from services.synth.audio.mp4_file import Mp4File, count_packets, decoder_config, movie_head
from services.synth.audio.mp4_sound import read_sound
from services.synth.audio.packets import Packets
from services.synth.audio.tags import Tags
from services.synth.audio.tests.signals import decode_file, png, speech_like

TAGS = Tags("Das Buch", author="A. Author", album="Alb", language="de", comment="Hm.", track="3")


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    return list(encode_segment(speech_like(3.0), "aac").packets)


def written_by_us(path: Path, packets: list[bytes], chapters: list[Mark]) -> None:
    with Mp4File(path, TAGS, chapters=chapters, cover=read_cover(png()), audiobook=True) as file:
        file.write(Packets.of(packets))


def written_by_libav(path: Path, packets: list[bytes], chapters: list[Mark]) -> None:
    """The same sound, as libav would write it; in no one chunk, and the tables at the end."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="mono", bit_rate=AAC.bit_rate)
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": each.start,
                    "end": each.end,
                    "time_base": Fraction(1, RATE_HZ),
                    "metadata": {"title": each.title},
                }
                for number, each in enumerate(chapters)
            ]
        )
        for number, data in enumerate([*packets, silent_packet("aac")]):
            packet = av.Packet(data)
            packet.stream = stream
            packet.time_base = Fraction(1, RATE_HZ)
            packet.pts = packet.dts = (number - 1) * AAC.frame
            packet.duration = AAC.frame
            packet.is_keyframe = True
            container.mux_one(packet)


def seen_by_libav(path: Path) -> tuple[object, ...]:
    """Every packet with its times, the length of it all, and chapters in samples."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        found = [
            (bytes(each), each.pts, each.dts, each.duration, each.is_keyframe)
            for each in container.demux(stream)
            if each.size
        ]
        chapters = [
            (each["metadata"]["title"], round(each["start"] * each["time_base"] * RATE_HZ))
            for each in container.chapters()
            if each["time_base"]
        ]
        return found, stream.duration, stream.start_time, container.duration, chapters


def test_libav_sees_what_it_would_have_written(tmp_path, packets):
    shown = len(packets) * AAC.frame
    chapters = [Mark("One", 0, 24_000), Mark("Zwei & <drei> ü", 24_000, shown)]
    written_by_us(tmp_path / "ours", packets, chapters)
    written_by_libav(tmp_path / "theirs", packets, chapters)
    assert seen_by_libav(tmp_path / "ours") == seen_by_libav(tmp_path / "theirs")


def test_pages_that_libav_wrote_can_be_bound(tmp_path, packets):
    written_by_libav(tmp_path / "page", packets, [])
    assert count_packets(tmp_path / "page") == len(packets)
    with Mp4File(tmp_path / "book", TAGS) as file:
        assert file.append(tmp_path / "page") == len(packets)
    written_by_us(tmp_path / "same", packets, [])
    assert seen_by_libav(tmp_path / "book") == seen_by_libav(tmp_path / "same")


def test_sound_is_copied_from_files_larger_than_a_block(tmp_path, packets):
    many = packets * 100
    written_by_us(tmp_path / "page", many, [])
    assert (tmp_path / "page").stat().st_size > 1 << 20
    with Mp4File(tmp_path / "book", TAGS) as file:
        file.append(tmp_path / "page")
        file.append(tmp_path / "page")
    with av.open(str(tmp_path / "book")) as container:
        found = [bytes(each) for each in container.demux(audio=0) if each.size]
    assert found == [*many, *many, silent_packet("aac")]


def test_chapters_are_as_many_and_as_long_as_they_are(tmp_path, packets):
    titles = [f"{number}: " + "ä" * (number * 3) for number in range(300)]
    bounds = [number * 100 for number in range(300)]
    ends = [*bounds[1:], len(packets) * AAC.frame]
    chapters = [Mark(*each) for each in zip(titles, bounds, ends, strict=True)]
    written_by_us(tmp_path / "book", packets, chapters)
    found = decode_file(tmp_path / "book").chapters
    assert [title for title, _, _ in found] == titles
    assert [round(start * RATE_HZ) for _, start, _ in found] == bounds
    listed = (tmp_path / "book").read_bytes().partition(b"chpl")[2]
    assert listed[8] == 255
    assert listed[17] == 3  # "0: "


def test_tags_are_what_players_show(tmp_path, packets):
    written_by_us(tmp_path / "book", packets, [Mark("One", 0, 24_000)])
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


def test_a_book_larger_than_4_gb_is_read_to_its_end(tmp_path):
    lengths = np.full(70_000, 65_500, np.uint32)
    path = tmp_path / "book"
    shown = (len(lengths) - AAC.flush) * AAC.frame
    head = movie_head(lengths, shown, TAGS, chapters=[Mark("One", 0, shown)])
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


def test_no_damage_to_the_tables_does_more_than_refuse_the_file(tmp_path, packets):
    path = tmp_path / "page"
    written_by_us(path, packets[:4], [Mark("One", 0, 4096)])
    whole = path.read_bytes()
    head = read_sound(path, decoder_config()).offset
    refused = 0
    for place in range(head):
        for value in {0, 0x7F, 0xFF} - {whole[place]}:
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                read_sound(path, decoder_config())
            except ObjectCorrupt:
                refused += 1
    assert refused > 300
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(ObjectCorrupt):
            read_sound(path, decoder_config())


@pytest.mark.parametrize(
    ("found", "replaced"),
    [
        (b"mp4a", b"alac"),
        (decoder_config(), bytes(len(decoder_config()))),
        (b"soun", b"vide"),
        (b"stco", b"free"),
        (b"moov", b"free"),
    ],
)
def test_what_holds_something_else_is_refused(tmp_path, packets, found, replaced):
    path = tmp_path / "page"
    written_by_us(path, packets, [])
    whole = path.read_bytes()
    assert whole.count(found) == 1
    path.write_bytes(whole.replace(found, replaced))
    with pytest.raises(ObjectCorrupt, match="page"):
        read_sound(path, decoder_config())


def test_packets_with_something_between_them_are_refused(tmp_path, packets):
    path = tmp_path / "page"
    written_by_us(path, packets, [])
    whole = path.read_bytes()
    table = whole.index(b"stco") + 12
    second = slice(table + 4, table + 8)
    moved = (int.from_bytes(whole[second], "big") + 1).to_bytes(4, "big")
    path.write_bytes(whole[: table + 4] + moved + whole[table + 8 :])
    with pytest.raises(ObjectCorrupt):
        read_sound(path, decoder_config())


def test_packets_lie_where_the_tables_say(tmp_path, packets):
    written_by_us(tmp_path / "page", packets, [])
    with av.open(str(tmp_path / "page")) as container:
        places = [each.pos for each in container.demux(audio=0) if each.size]
    sound = read_sound(tmp_path / "page", decoder_config())
    assert places == list(accumulate(sound.lengths.tolist(), initial=sound.offset))[:-1]
