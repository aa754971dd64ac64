import base64
import struct

import pytest

from services.synth.audio.containers.cover import read_cover
from services.synth.audio.tests.signals import jpeg, png


def test_pictures_are_recognized_with_their_size():
    cover = read_cover(png(31, 17))
    assert cover is not None
    assert (cover.codec, cover.media_type, cover.width, cover.height) == (
        "png",
        "image/png",
        31,
        17,
    )
    cover = read_cover(jpeg(48, 32))
    assert cover is not None
    assert (cover.codec, cover.media_type) == ("mjpeg", "image/jpeg")
    assert (cover.width, cover.height) == (48, 32)


@pytest.mark.parametrize("picture", [png(), jpeg()], ids=["png", "jpeg"])
def test_cut_short_is_no_picture(picture):
    for end in range(24):
        assert read_cover(picture[:end]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a...",
        b"<svg/>",
        png(0, 5),
        b"\xff\xd8\xff" + b"\xff" * 500,
        b"\xff\xd8\xff\xe0\0\0",
    ],
)
def test_anything_else_is_no_picture(data):
    assert read_cover(data) is None


def test_flac_picture_block():
    cover = read_cover(png(31, 17))
    assert cover is not None
    block = base64.b64decode(cover.as_flac_picture())
    assert struct.unpack_from(">II", block) == (3, 9)
    assert block[8:17] == b"image/png"
    assert struct.unpack_from(">IIIII", block, 17)[1:3] == (31, 17)
    assert block.endswith(png(31, 17))
