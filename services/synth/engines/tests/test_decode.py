import io
import struct

import av
import numpy as np
import pytest

from libs.common.errors import Unavailable
from services.synth.engines.decode import decode
from services.synth.engines.tests.servers import encoded, tone

PCM = tone(30, 1.0, 24_000)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", "VORBIS"), ("MP3", None)],
)
def test_containers_are_known_by_their_content(container, subtype):
    data = encoded(PCM / 32_768, 24_000, container, subtype)
    pcm, rate = decode(data, "audio/mpeg" if container == "MP3" else "x/unknown", 8_000)
    assert rate == 24_000
    assert pcm.dtype == np.int16
    assert len(pcm) == pytest.approx(len(PCM), abs=3000)
    assert np.abs(pcm.astype(int)).max() == pytest.approx(8000, rel=0.1)


def test_lossless_is_exact():
    for container in ("WAV", "FLAC"):
        pcm, _ = decode(encoded(PCM, 24_000, container), "", 8_000)
        assert np.array_equal(pcm, PCM)


def test_aac_in_mp4():
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=24_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(PCM[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = 24_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    pcm, rate = decode(buffer.getvalue(), "audio/mp4", 8_000)
    assert rate == 24_000
    assert len(pcm) == pytest.approx(len(PCM), abs=3000)


def test_stereo_is_mixed_down():
    stereo = np.stack([PCM, np.zeros_like(PCM)], axis=1)
    pcm, _ = decode(encoded(stereo, 24_000, "WAV"), "", 8_000)
    assert len(pcm) == len(PCM)
    assert np.abs(pcm.astype(int)).max() == pytest.approx(4000, rel=0.01)


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF])
def test_a_streamed_wav_without_a_true_length(length):
    data = bytearray(encoded(PCM, 24_000, "WAV"))
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", length)
    data[4:8] = struct.pack("<I", 0xFFFFFFFF)
    pcm, rate = decode(bytes(data), "audio/wav", 8_000)
    assert rate == 24_000
    assert len(pcm) == pytest.approx(len(PCM), abs=100)


def test_a_streamed_flac_without_a_length():
    """The last 36 bits before the checksum of STREAMINFO (RFC 9639, 8.2) are 0: not known."""
    data = bytearray(encoded(PCM, 24_000, "FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    pcm, rate = decode(bytes(data), "audio/flac", 8_000)
    assert rate == 24_000
    assert np.array_equal(pcm, PCM)


def test_what_has_no_header_is_pcm_even_if_it_begins_like_mpeg():
    quiet = np.array([-1, -1, -1, 5], dtype="<i2").tobytes() + b"\x07"
    pcm, rate = decode(quiet, "audio/pcm", 24_000)
    assert (pcm.tolist(), rate) == ([-1, -1, -1, 5], 24_000)


def test_damaged_audio_may_be_tried_again():
    with pytest.raises(Unavailable):
        decode(b"fLaC" + b"\x01" * 50, "audio/flac", 24_000)
    with pytest.raises(Unavailable):
        decode(b"RIFF" + b"\x01" * 50, "audio/wav", 24_000)
