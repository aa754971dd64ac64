from pathlib import Path

import numpy as np
import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs import CODECS, Codec
from services.synth.audio.encode import encode_segment
from services.synth.audio.muxing import AudioFile, count_packets, demuxed
from services.synth.audio.tags import Tags
from services.synth.audio.tests.signals import decode_file, snr_db, speech_like

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def write(path: Path, codec: Codec, count: int | None = None) -> tuple[list[bytes], int]:
    packets = encode_segment(speech_like(2.0), codec.name).packets[:count]
    with AudioFile(path, codec, Tags("Title")) as file:
        for packet in packets:
            file.write(packet)
    return list(packets), file.samples


@every_codec
@pytest.mark.parametrize("count", [1, 2, 7, None])
def test_packets_come_back_as_they_went_in(tmp_path, codec, count):
    path = tmp_path / "file"
    packets, _ = write(path, codec, count)
    found = [bytes(each) for each in demuxed(path, codec)]
    assert found[codec.lead :] == packets
    assert count_packets(path, codec) == len(found)


@every_codec
def test_player_shows_every_sample_once(tmp_path, codec):
    path = tmp_path / "file"
    _, samples = write(path, codec)
    shown = decode_file(path).samples
    assert len(shown) == samples
    lead = codec.lead * codec.frame
    assert snr_db(speech_like(2.0) / 32768, shown[lead : lead + len(speech_like(2.0))]) > 15


@every_codec
def test_start_is_quiet(tmp_path, codec):
    """A decoder that has heard nothing does not begin with a bang."""
    path = tmp_path / "file"
    write(path, codec)
    assert np.abs(decode_file(path).samples[: 240 + codec.lead * codec.frame]).max() < 0.1


@every_codec
def test_same_bytes_every_time(tmp_path, codec):
    for name in "ab":
        write(tmp_path / name, codec)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@every_codec
def test_damaged_file_is_corrupt(tmp_path, codec):
    path = tmp_path / "file"
    write(path, codec)
    path.write_bytes(b"\0" * 3000)
    with pytest.raises(ObjectCorrupt):
        count_packets(path, codec)
    with pytest.raises(ObjectCorrupt):
        list(demuxed(path, codec))


def test_file_in_another_codec_is_refused(tmp_path):
    path = tmp_path / "file"
    write(path, CODECS["opus"])
    with pytest.raises(ObjectCorrupt):
        list(demuxed(path, CODECS["aac"]))
