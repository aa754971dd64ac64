import struct

import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs.codec import MP3
from services.synth.audio.containers import mp3_info
from services.synth.audio.containers.tags import Tags
from services.synth.audio.page import write_page
from services.synth.audio.tests.signals import part


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.mp3"
    write_page(
        path, [part(MP3)], "mp3", Tags(title="A title that makes the ID3 header longer " * 9)
    )
    return path


def test_checksum_is_crc_16_arc():
    assert mp3_info.crc16(b"123456789") == 0xBB3D


def test_info_frame_says_frames_and_gaps(page):
    info = mp3_info.read_info(page)
    size = page.stat().st_size - info.offset
    frame_size = 192  # 72 * 64000 / 24000
    assert size == (info.frames + 1) * frame_size
    tag = info.data[13:]
    gaps = int.from_bytes(tag[mp3_info.DELAY_AT : mp3_info.DELAY_AT + 3], "big")
    assert divmod(gaps, 4096) == (576, 576)
    assert tag[mp3_info.ENCODER_AT :].startswith(b"LAME3.100")
    assert struct.unpack_from(">H", tag, mp3_info.CHECKSUM_AT)[0] == mp3_info.crc16(info.data[:-2])


@pytest.mark.parametrize("data", [b"", b"ID3", b"ID3\4\0\0\0\0\0\5abc", bytes(500)])
def test_other_files_are_refused(tmp_path, data):
    path = tmp_path / "x.mp3"
    path.write_bytes(data)
    with pytest.raises(ObjectCorrupt):
        mp3_info.read_info(path)
