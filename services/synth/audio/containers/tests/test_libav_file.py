import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.codecs.codec import CODECS
from services.synth.audio.codecs.encode import encode_segment
from services.synth.audio.codecs.packets import Packets
from services.synth.audio.containers.libav_file import LibavFile, count_packets, demuxed
from services.synth.audio.containers.tags import Tags
from services.synth.audio.tests.signals import speech_like

every_codec = pytest.mark.parametrize("name", ["mp3", "opus"])


@every_codec
def test_gives_back_what_it_was_given(tmp_path, name):
    codec = CODECS[name]
    packets = encode_segment(speech_like(1.0), name).packets
    with LibavFile(path=tmp_path / "file", codec=codec, tags=Tags(title="Title")) as file:
        file.write(Packets.of(packets))
    found = [bytes(packet) for packet in demuxed(tmp_path / "file", codec)]
    assert found[codec.lead :] == list(packets)
    assert count_packets(tmp_path / "file", codec) == len(found)


@every_codec
def test_what_is_no_audio_cannot_be_read(tmp_path, name):
    (tmp_path / "file").write_bytes(bytes(3000))
    with pytest.raises(ObjectCorrupt):
        list(demuxed(tmp_path / "file", CODECS[name]))
