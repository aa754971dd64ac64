import pytest

from services.synth.audio.codecs.codec import CODECS
from services.synth.audio.containers.libav_file import LibavFile
from services.synth.audio.containers.tags import Tags
from services.synth.audio.mp4.mp4_file import Mp4File
from services.synth.audio.muxing import new_audio_file


@pytest.mark.parametrize(
    ("codec", "beginning", "kind"),
    [("aac", b"\0\0\0\x20ftypM4A ", Mp4File), ("mp3", b"ID3", LibavFile), ("opus", b"OggS", None)],
)
def test_every_codec_gets_the_container_that_players_expect(tmp_path, codec, beginning, kind):
    with new_audio_file(tmp_path / "file", CODECS[codec], Tags(title="Title")) as file:
        file.write_silence(5)
    assert isinstance(file, kind or LibavFile)
    assert (tmp_path / "file").read_bytes().startswith(beginning)
