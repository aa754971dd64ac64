"""Writing Markdown: text that must stay text is escaped, and only as much as is needed."""

import re
from collections.abc import Sequence

_INLINE = re.compile(
    r"[\\`]|(?<!\s)\*|\*(?!\s|$)"  # between spaces an asterisk means nothing
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside a word an underscore means nothing
    r"|\[(?=\^|[^\[\]\n]{0,500}\][(\[:])"
    r"|<(?=[A-Za-z/!?])"
    r"|&(?=#?\w{1,32};)"
    r"|~(?=~)|(?<=~)~"
)
_LINE_START = re.compile(
    r"^([ \t]*)(?:(#{1,6}(?=[ \t]|$)|>|[+=-](?=[ \t=-]|$))|(\d{1,9})([.)])(?=[ \t]|$))", re.M
)
_URL_UNSAFE = re.compile(r"[\s()<>\\\"\x00-\x1f]")
_ABSOLUTE = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")
_MAX_URL = 2000

RULE = "---"


def escape(text: str) -> str:
    """Return ``text`` so that Markdown shows exactly it, inside a line."""
    return _INLINE.sub(lambda match: "\\" + match[0], text)


def guard(paragraph: str) -> str:
    """Return an inline text so that it is a paragraph and no heading, list, quote or rule."""
    return _LINE_START.sub(_guarded, paragraph)


def _guarded(match: re.Match[str]) -> str:
    mark = f"\\{match[2]}" if match[2] else f"{match[3]}\\{match[4]}"
    return f"{match[1]}{mark}"


def emphasize(inner: str, mark: str) -> str:
    """Wrap ``inner`` in ``mark``, spaces outside: Markdown demands that marks touch words."""
    core = inner.strip()
    if not core:
        return inner
    lead = inner[: len(inner) - len(inner.lstrip())]
    return f"{lead}{mark}{core}{mark[::-1]}{inner[len(inner.rstrip()) :]}"


def link(text: str, url: str) -> str:
    """Return a link to an absolute address; anything else is only its text."""
    if not text.strip() or not _ABSOLUTE.match(url) or len(url) > _MAX_URL:
        return text
    safe = _URL_UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", url.strip())
    return f"[{text}]({safe})"


def image(alt: str, url: str) -> str:
    """Return an image with a description; one without is nothing that can be read out."""
    words = " ".join(alt.split())
    if not words:
        return ""
    name = _URL_UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", url.strip()) or "image"
    if len(name) > _MAX_URL or name.lower().startswith("data:"):
        name = "image"
    return f"![{escape(words).replace(']', chr(92) + ']').replace('[', chr(92) + '[')}]({name})"


def code_span(text: str) -> str:
    """Return inline code, fenced by more backticks than it has in a row."""
    line = " ".join(text.split())
    if not line:
        return ""
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(line)), default=0) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def code_block(text: str, info: str = "") -> str:
    """Return fenced code with a fence that is longer than any run of backticks in it."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = re.sub(r"\n{3,}", "\n\n", text.strip("\n").expandtabs(4))
    return f"{fence}{info}\n{body}\n{fence}"


def indent(block: str, first: str, rest: str) -> str:
    """Prefix the first line of ``block`` with ``first`` and all others with ``rest``."""
    head, *tail = block.split("\n")
    return "\n".join([first + head, *((rest + line if line else rest.rstrip()) for line in tail)])


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table whose first row is the head; rows are filled up to one width."""
    width = max(map(len, rows))
    lines = [_row([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _row(cells: Sequence[str]) -> str:
    flat = (" ".join(cell.replace("\\\n", " ").split()) for cell in cells)
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in flat) + " |"
