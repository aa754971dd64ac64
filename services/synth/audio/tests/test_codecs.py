import pytest

from services.synth.audio.codecs import AAC, CODECS, FORMATS, MP3, OPUS
from services.synth.audio.encode import open_encoder


def test_frames_leave_room_for_the_tail():
    assert AAC.frames(1) == 2
    assert AAC.frames(1024) == 2
    assert AAC.frames(1025) == 3
    assert MP3.frames(576) == 3
    assert OPUS.frames(480 - 156) == 1


def test_flush_covers_the_delay():
    assert [each.flush for each in (AAC, MP3, OPUS)] == [1, 2, 1]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_frame_is_what_the_encoder_takes(codec):
    assert open_encoder(codec).frame_size == codec.frame


def test_settings_differ_between_codecs():
    assert len({each.settings for each in CODECS.values()}) == len(CODECS)
    assert FORMATS["m4a"] is FORMATS["m4b"] is AAC
