"""What may be handed in."""

from collections.abc import AsyncGenerator, AsyncIterable
from unicodedata import category
from urllib.parse import urlsplit

from libs.common.contracts.details import without_bidi_controls
from libs.common.errors import Rejected
from libs.common.file_kinds import HEAD_BYTES, FileKind, kind_of

NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: controls, lone surrogates, line and paragraph separators."""

READABLE = "a PDF, EPUB, Word (.docx), Markdown, HTML or plain text file"
UNREADABLE = {
    FileKind.OLE: "This is an Office file of an old kind, or one with a password. Save it as "
    ".docx, without a password, and send that.",
    FileKind.UNREADABLE: f"This kind of file cannot be read. Send {READABLE}.",
}

LONGEST_URL = 2048


def check_url(url: str) -> None:
    """Refuse a web address that holds credentials, for we are no place to keep them.

    Raises:
        Rejected: It does, or it has more than :data:`LONGEST_URL` characters.
    """
    if len(url) > LONGEST_URL:
        raise Rejected("bad_url", f"A web address may have {LONGEST_URL:,} characters.")
    if "@" in urlsplit(url).netloc:
        raise Rejected(
            "bad_url",
            "The web address holds a user name or a password; leave it out, or hand in the file.",
        )


def checked_text(markdown: str, max_bytes: int) -> str:
    """Return the text of a page as it is stored.

    Raises:
        Rejected: It is empty, too long or no text.
    """
    text = markdown.replace("\r\n", "\n").strip()
    if not text:
        raise Rejected("empty", "A page needs some text; delete the document to be rid of it.")
    if "\x00" in text or "\uffff" in text:
        raise Rejected("bad_text", "The text holds characters that are not text; remove them.")
    encoded = text.encode("utf-8", "replace")
    if len(encoded) > max_bytes:
        raise Rejected(
            "too_large",
            f"A page may have {max_bytes:,} bytes of text, and this one has {len(encoded):,}. "
            "Shorten it, or hand in a part of it as another document.",
        )
    return encoded.decode() + "\n"


def one_line(text: str | None, max_characters: int) -> str | None:
    """Return ``text`` on one line, not too long, without control characters; None for nothing."""
    if text is None:
        return None
    shown = without_bidi_controls(text)
    clean = "".join(" " if category(letter) in NO_TEXT else letter for letter in shown)
    return " ".join(clean.split())[:max_characters].strip() or None


async def readable(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Pass a file on as it arrives, unless its first bytes tell that nobody here could read it.

    Raises:
        Rejected: They do; nothing was passed on.
    """
    head: bytes | None = b""
    async for chunk in chunks:
        if head is None:
            yield chunk
            continue
        head += chunk
        if len(head) >= HEAD_BYTES:
            yield _checked_head(head)
            head = None
    if head:
        yield _checked_head(head)


def _checked_head(head: bytes) -> bytes:
    reason = UNREADABLE.get(kind_of(head[:HEAD_BYTES]))
    if reason is not None:
        raise Rejected("unsupported", reason)
    return head
