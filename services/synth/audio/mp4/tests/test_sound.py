from itertools import accumulate

import av
import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.containers.audio_file import ChapterMark
from services.synth.audio.mp4.mp4_file import decoder_config
from services.synth.audio.mp4.sound import read_sound
from services.synth.audio.mp4.tests.writing import spoken_packets, written_by_us


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    return spoken_packets()


@pytest.mark.slow
def test_no_damage_to_the_tables_does_more_than_refuse_the_file(tmp_path, packets):
    path = tmp_path / "page"
    written_by_us(path, packets[:4], [ChapterMark("One", 0, 4096)])
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
        places = [packet.pos for packet in container.demux(audio=0) if packet.size]
    sound = read_sound(tmp_path / "page", decoder_config())
    assert places == list(accumulate(sound.lengths.tolist(), initial=sound.offset))[:-1]
