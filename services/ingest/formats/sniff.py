"""Which format some bytes are in, by content; the file name only decides between text formats."""

import re
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from charset_normalizer import from_bytes

from libs.common.file_kinds import HEAD_BYTES, FileKind, kind_of
from services.ingest.formats.archive import Archive
from services.ingest.formats.codepage import latin_page
from services.ingest.formats.document_format import DocumentFormat
from services.ingest.pages.reasons import Reason, rejected

MAX_TEXT_BYTES = 64 * 1024 * 1024

_BLOCK_BYTES = 1024 * 1024
_SAMPLE_BYTES = 100_000
_EPUB = DocumentFormat.EPUB.value.encode()
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_MAX_BAD_SHARE = 0.02
_MAX_CONTROL_SHARE = 0.05


def sniff(file: BinaryIO, filename: str | None) -> tuple[DocumentFormat, str]:
    """Return the format of a file that is at its start and, for the text formats, its text.

    Raises:
        Rejected: it is empty, or of a format that cannot be read.
    """
    head = file.read(HEAD_BYTES)
    if not head:
        raise rejected(Reason.EMPTY)
    binary = _binary_format(file, head)
    if binary is not None:
        return binary, ""
    data = head + file.read(MAX_TEXT_BYTES)
    if len(data) > MAX_TEXT_BYTES:
        raise rejected(Reason.TOO_LARGE)
    text = decode(data)
    if not text.strip("\x00 \t\r\n\ufeff"):
        raise rejected(Reason.EMPTY)
    return text_format(text, filename), text


def _binary_format(file: BinaryIO, head: bytes) -> DocumentFormat | None:
    kind = kind_of(head)
    if kind is FileKind.PDF:
        return DocumentFormat.PDF
    if kind is FileKind.ZIP:
        return _zip_format(file)
    if kind is FileKind.OLE:
        raise rejected(_office_reason(file))
    if kind is FileKind.UNREADABLE:
        raise rejected(Reason.UNSUPPORTED)
    return None


def _office_reason(file: BinaryIO) -> Reason:
    """A Word file with a password is an OLE file with this stream; other OLE files are old ones."""
    before = b""
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        if _ENCRYPTED_OFFICE in before + block:
            return Reason.ENCRYPTED
        before = block[-len(_ENCRYPTED_OFFICE) :]
    return Reason.UNSUPPORTED


def _zip_format(file: BinaryIO) -> DocumentFormat:
    with Archive(file) as archive:
        names = set(archive.names)
        mimetype = archive.read("mimetype") if "mimetype" in names else b""
    if mimetype.strip() == _EPUB or "META-INF/container.xml" in names:
        return DocumentFormat.EPUB
    if "word/document.xml" in names or any(re.match(r"word/document\d*\.xml", n) for n in names):
        return DocumentFormat.DOCX
    raise rejected(Reason.UNSUPPORTED)


def decode(data: bytes) -> str:
    """Return ``data`` as text: by its byte order mark, as UTF-8, or as what it looks most like.

    UTF-8 with a few broken bytes is read as UTF-8 without them.

    Raises:
        Rejected: the bytes are no text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "ignore")
    if b"\x00" in data[:_SAMPLE_BYTES]:
        return _checked(_with_nuls(data))
    try:
        return _checked(data.decode("utf-8"))
    except UnicodeDecodeError:
        return _checked(_guessed(data))


def _guessed(data: bytes) -> str:
    lenient = data.decode("utf-8", "replace")
    broken = lenient.count("\ufffd")
    sequences = sum(char > "\x7f" for char in lenient[:_SAMPLE_BYTES]) - broken
    if sequences > broken and broken <= _MAX_BAD_SHARE * len(lenient):
        return lenient.replace("\ufffd", "")
    encoding = latin_page(data)
    if encoding is None:
        best = from_bytes(_telling_lines(data)).best()
        encoding = best.encoding if best else "cp1252"
    return data.decode(encoding, "replace").replace("\ufffd", "")


def _telling_lines(data: bytes) -> bytes:
    """Return lines that tell code pages apart: a preface in plain English would outweigh them."""
    lines = bytearray()
    for line in BytesIO(data):
        if not line.isascii():
            lines += line
        if len(lines) >= _SAMPLE_BYTES:
            break
    return bytes(lines[:_SAMPLE_BYTES])


def _with_nuls(data: bytes) -> str:
    """Decode UTF-16 without a byte order mark, where every other byte of Latin text is zero."""
    sample = data[:_SAMPLE_BYTES]
    half = len(sample) / 2
    if sample[1::2].count(0) > half * 0.6:
        return data.decode("utf-16-le", "ignore")
    if sample[::2].count(0) > half * 0.6:
        return data.decode("utf-16-be", "ignore")
    return data.decode("utf-8", "replace")


def _checked(text: str) -> str:
    sample = text[:_SAMPLE_BYTES]
    control = sum(
        (char < " " and char not in "\t\n\r\f\x1b") or char == "\ufffd" for char in sample
    )
    if control > _MAX_CONTROL_SHARE * len(sample) + 1:
        raise rejected(Reason.UNSUPPORTED)
    return text


_HTML_START = re.compile(
    r"\s*+(?:<\?xml[^>]{0,200}\?>\s*+)?(?><!--.{0,2000}?-->\s*+)*+"
    r"<(!doctype html|html|head|body)\b",
    re.I | re.S,
)
_XML_START = re.compile(r"\s*+<\?xml\b", re.I)
_TAG = re.compile(
    r"</?(?:p|div|h[1-6]|body|table|ul|ol|li|br|span|article|section)\b[^<>]{0,500}>", re.I
)
_MARKDOWN_FEATURES = (
    re.compile(r"^ {0,3}#{1,6}[ \t]+\S", re.M),
    re.compile(r"^ {0,3}(?:```|~~~)", re.M),
    re.compile(r"\[[^\[\]\n]{1,200}\]\([^()\s]{1,500}\)"),
    re.compile(r"^\|?[ \t]*:?-{3,}:?[ \t]*\|", re.M),
    re.compile(r"(?<!\*)\*\*[^\s*][^*\n]{0,200}\*\*(?!\*)"),
    re.compile(r"^\S.{0,80}\n={3,}[ \t]*$", re.M),
    re.compile(r"^[ \t]*[-*+] \S", re.M),
    re.compile(r"^> \S", re.M),
    re.compile(r"\[\^\w{1,20}\]"),
)
_STRONG_FEATURES = 6
_FEATURES_IN_TEXT = 3
_MIN_TAGS = 4


def text_format(text: str, filename: str | None) -> DocumentFormat:
    """Say which text format it is. The name counts only where the content leaves it open.

    Raises:
        Rejected: it is XML of a kind that cannot be read.
    """
    sample = text[:_SAMPLE_BYTES].lstrip("\ufeff")
    suffix = Path(filename or "").suffix.lower()
    if _HTML_START.match(sample):
        return DocumentFormat.HTML
    if _XML_START.match(sample) and not re.search(r"<(?:\w+:)?html\b", sample, re.I):
        raise rejected(Reason.UNSUPPORTED)
    tags = len(_TAG.findall(sample))
    if tags and (sample.lstrip().startswith("<") or suffix in (".html", ".htm", ".xhtml")):
        named = suffix in (".md", ".markdown", ".txt")
        if tags >= _MIN_TAGS or not named:
            return DocumentFormat.HTML if not named else DocumentFormat.MARKDOWN
    return _markdown_or_text(sample, suffix)


def _markdown_or_text(sample: str, suffix: str) -> DocumentFormat:
    found = [bool(feature.search(sample)) for feature in _MARKDOWN_FEATURES]
    if suffix in (".md", ".markdown", ".mkd", ".mdown"):
        return DocumentFormat.MARKDOWN
    if suffix in (".txt", ".text"):
        strong = sum(found[:_STRONG_FEATURES])
        return DocumentFormat.MARKDOWN if strong >= _FEATURES_IN_TEXT else DocumentFormat.TEXT
    clear = any(found[:_STRONG_FEATURES])
    return DocumentFormat.MARKDOWN if clear or sum(found) > 1 else DocumentFormat.TEXT
