"""One suite for all that is written into: what holds whatever the container."""

from pathlib import Path

import av
import numpy as np
import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs.codec import CODECS, Codec
from services.synth.audio.codecs.encode import encode_segment
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.containers.tags import Tags
from services.synth.audio.muxing import count_packets, new_audio_file
from services.synth.audio.tests.signals import decode_file, snr_db, speech_like

every_codec = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def write(path: Path, codec: Codec, count: int | None = None) -> tuple[list[bytes], int]:
    packets = encode_segment(speech_like(2.0), codec.name).packets[:count]
    with new_audio_file(path, codec, Tags(title="Title")) as file:
        file.write(Packets.of(packets))
    return list(packets), file.samples


def packets_in(path: Path, codec: Codec) -> list[bytes]:
    """What libav finds in a file, without what flushes a decoder."""
    with av.open(str(path)) as container:
        found = [
            bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size
        ]
    return found[: len(found) - codec.flush]


@every_codec
@pytest.mark.parametrize("count", [1, 2, 7, None])
def test_packets_come_back_as_they_went_in(tmp_path, codec, count):
    path = tmp_path / "file"
    packets, _ = write(path, codec, count)
    found = packets_in(path, codec)
    assert found[codec.lead :] == packets
    assert count_packets(path, codec) == len(found)


@every_codec
def test_files_are_appended_as_they_are(tmp_path, codec):
    write(tmp_path / "one", codec, 5)
    write(tmp_path / "two", codec)
    paths = [tmp_path / "one", tmp_path / "two", tmp_path / "one"]
    with new_audio_file(tmp_path / "all", codec, Tags(title="Title")) as file:
        counts = [file.append(path) for path in paths]
        file.write_silence(3)
    parts = [packets_in(path, codec) for path in paths]
    assert counts == [len(part) for part in parts] == [count_packets(p, codec) for p in paths]
    found = packets_in(tmp_path / "all", codec)[codec.lead :]
    assert found[:-3] == [packet for part in parts for packet in part]
    assert file.samples == (codec.lead + sum(counts) + 3) * codec.frame
    assert len(decode_file(tmp_path / "all").samples) == file.samples


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
@pytest.mark.parametrize("damage", ["empty", "zeros", "half", "other"])
def test_what_is_no_file_of_ours_is_refused(tmp_path, codec, damage):
    path = tmp_path / "file"
    other = CODECS["opus" if codec.name == "aac" else "aac"]
    write(path, other if damage == "other" else codec)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "zeros": bytes(3000), "half": whole[:900]}.get(damage, whole))
    with pytest.raises(ObjectCorrupt, match="file"):
        join(tmp_path / "out", codec, path)


def join(path: Path, codec: Codec, page: Path) -> None:
    count = count_packets(page, codec)
    with new_audio_file(path, codec, Tags(title="Title")) as file:
        if file.append(page) != count:
            raise ObjectCorrupt(page.name)
