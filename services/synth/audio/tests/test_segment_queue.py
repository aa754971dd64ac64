import pytest

from libs.common.errors import ObjectCorrupt
from services.synth.audio.segment_queue import read_segments, write_segments


def test_files_come_in_their_order(tmp_path):
    write_segments(tmp_path / "a", [b"one", b"", b"three"])
    assert list(read_segments(tmp_path / "a")) == [b"one", b"", b"three"]


def test_no_files_are_a_file_too(tmp_path):
    write_segments(tmp_path / "a", [])
    assert list(read_segments(tmp_path / "a")) == []


@pytest.mark.parametrize("missing", [1, 3, 5])
def test_a_file_that_was_cut_off_is_noticed(tmp_path, missing):
    write_segments(tmp_path / "a", [b"one", b"two"])
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[:-missing])
    with pytest.raises(ObjectCorrupt):
        list(read_segments(tmp_path / "a"))
