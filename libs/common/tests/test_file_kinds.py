import pytest

from libs.common.file_kinds import FileKind, kind_of


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", FileKind.PDF),
        (b"MZ\x90 and much later %PDF-1.4", FileKind.PDF),
        (b"PK\x03\x04mimetype", FileKind.ZIP),
        (b"PK\x05\x06", FileKind.ZIP),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", FileKind.OLE),
        (b"\x89PNG\r\n", FileKind.UNREADABLE),
        (b"\x7fELF\x02", FileKind.UNREADABLE),
        (b"{\\rtf1", FileKind.UNREADABLE),
        (b"x" * 60 + b"BOOKMOBI", FileKind.UNREADABLE),
        (b"Just text about a PNG", FileKind.OTHER),
        (b"\xff\xfeU\x00", FileKind.OTHER),
        (b"", FileKind.OTHER),
    ],
)
def test_the_first_bytes_tell(head, kind):
    assert kind_of(head) is kind
