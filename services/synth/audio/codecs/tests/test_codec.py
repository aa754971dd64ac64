from typing import get_args

import pytest

from libs.common.contracts.formats import MEDIA_TYPES, AudiobookFormat, PageFormat, page_format_of
from services.synth.audio.codecs.codec import AAC, CODEC_OF_FORMAT, CODECS, MP3, OPUS
from services.synth.audio.codecs.encode import open_encoder


def test_frames_leave_room_for_the_tail():
    assert AAC.frames(1) == 2
    assert AAC.frames(1024) == 2
    assert AAC.frames(1025) == 3
    assert MP3.frames(576) == 3
    assert OPUS.frames(480 - 156) == 1


def test_flush_covers_the_delay():
    assert [codec.flush for codec in (AAC, MP3, OPUS)] == [1, 2, 1]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_frame_is_what_the_encoder_takes(codec):
    assert open_encoder(codec).frame_size == codec.frame


def test_settings_differ_between_codecs():
    assert len({codec.settings for codec in CODECS.values()}) == len(CODECS)
    assert CODEC_OF_FORMAT["m4a"] is CODEC_OF_FORMAT["m4b"] is AAC


def test_every_format_that_can_be_asked_for_has_a_codec_and_a_media_type():
    formats = {*get_args(PageFormat), *get_args(AudiobookFormat)}
    assert set(CODEC_OF_FORMAT) == set(MEDIA_TYPES) == formats


@pytest.mark.parametrize("book", get_args(AudiobookFormat))
def test_pages_have_the_codec_of_the_book_that_they_are_bound_to(book):
    assert CODEC_OF_FORMAT[page_format_of(book)] is CODEC_OF_FORMAT[book]
