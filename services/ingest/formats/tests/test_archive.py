import os
import zipfile

import pytest

from libs.common.errors import Rejected
from services.ingest.formats import archive
from services.ingest.formats.archive import Archive
from services.ingest.tests.samples import zip_file


def test_links_find_their_members(tmp_path):
    path = zip_file(tmp_path / "a.zip", [("OEBPS/Text/a b.xhtml", "x"), ("top.txt", "y")])
    with path.open("rb") as file, Archive(file) as opened:
        assert opened.find("a%20b.xhtml#part", "OEBPS/Text") == "OEBPS/Text/a b.xhtml"
        assert opened.find("../text/A B.xhtml", "OEBPS/nav") == "OEBPS/Text/a b.xhtml"
        assert opened.find("/top.txt", "OEBPS") == "top.txt"
        assert opened.find("../../../../etc/passwd", "OEBPS") is None
        assert opened.read("top.txt") == b"y"


@pytest.mark.slow
def test_the_total_is_limited(tmp_path):
    path = tmp_path / "a.zip"
    size = archive.MAX_MEMBER_BYTES - 1
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as made:
        made.writestr("big", bytes(size))
    with path.open("rb") as file, Archive(file) as opened:
        for _ in range(archive.MAX_TOTAL_BYTES // size):
            opened.read("big")
        with pytest.raises(Rejected) as caught:
            opened.read("big")
    assert caught.value.code == "too_large"


def test_encrypted_members_are_rejected(tmp_path):
    path = zip_file(tmp_path / "a.zip", [("a", "x")])
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with path.open("rb") as file, Archive(file) as opened, pytest.raises(Rejected) as caught:
        opened.read("a")
    assert caught.value.code == "encrypted"


def test_damage_is_rejected(tmp_path):
    path = zip_file(tmp_path / "a.zip", [("a", "x" * 5000)])
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(bytes(data))
    with path.open("rb") as file, Archive(file) as opened, pytest.raises(Rejected) as caught:
        opened.read("a")
    assert caught.value.code == "damaged"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_is_rejected_whatever_the_compression(tmp_path, method):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as made:
        made.writestr("a", b"A sentence. " * 5000)
    data = path.read_bytes()
    codes = []
    for at in range(31, 80):  # behind the header; some compressions have bytes without meaning
        broken = bytearray(data)
        broken[at] ^= 0xFF
        path.write_bytes(bytes(broken))
        try:
            with path.open("rb") as file, Archive(file) as opened:
                assert opened.read("a") == b"A sentence. " * 5000
        except Rejected as error:
            codes.append(error.code)
    assert len(codes) > 30
    assert set(codes) == {"damaged"}


def test_an_unusual_compression_is_told_alike_on_opening_and_on_reading(tmp_path):
    path = zip_file(tmp_path / "a.zip", [("a", "x")])
    data = path.read_bytes()
    entry = data.rindex(b"PK\x01\x02")
    for offset, value in ((6, 99), (10, 9)):  # the version that is needed; Deflate64
        changed = bytearray(data)
        changed[entry + offset] = value
        path.write_bytes(bytes(changed))
        with pytest.raises(Rejected) as caught, path.open("rb") as file, Archive(file) as opened:
            opened.read("a")
        assert caught.value.code == "unsupported"


def test_an_error_of_the_disk_does_not_blame_the_document(tmp_path):
    path = zip_file(tmp_path / "a.zip", [("a", "x" * 100_000)])
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with path.open("rb") as file, Archive(file) as opened:
            assert opened._zip.fp is not None
            os.dup2(folder, opened._zip.fp.fileno())  # each read fails now
            with pytest.raises(IsADirectoryError):
                opened.read("a")
    finally:
        os.close(folder)
