"""What the first bytes of a file tell of its kind, for who takes it in and for who reads it.

Of most kinds that cannot be read, that is certain at once; the rest shows only when it is read.
"""

from enum import Enum, auto

HEAD_BYTES = 4096
"""So many bytes from the start are enough."""

_PDF_WINDOW = 1024  # Acrobat accepts the header anywhere in here
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"AT&TFORM", b"OggS", b"ID3")
_PACKED = (b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x7fELF", b"MZ\x90")
_FOREIGN = (b"{\\rtf", b"SQLite format", b"BOOKMOBI")
_UNREADABLE = _PICTURES + _PACKED + _FOREIGN


class FileKind(Enum):
    """What a file may be, by its first bytes."""

    PDF = auto()
    ZIP = auto()
    """An EPUB, a Word file, or an archive of anything else."""
    OLE = auto()
    """An Office file of before 2007, or one with a password."""
    UNREADABLE = auto()
    """A picture, sound, an archive or a program: nothing that is read here."""
    OTHER = auto()
    """Text, or what only reading it tells."""


def kind_of(head: bytes) -> FileKind:
    """Return the kind of a file that begins with ``head``, its first :data:`HEAD_BYTES`."""
    if b"%PDF-" in head[:_PDF_WINDOW]:
        return FileKind.PDF
    if head.startswith(_ZIP):
        return FileKind.ZIP
    if head.startswith(_OLE):
        return FileKind.OLE
    if head.startswith(_UNREADABLE) or head[60:68] == b"BOOKMOBI":
        return FileKind.UNREADABLE
    return FileKind.OTHER
