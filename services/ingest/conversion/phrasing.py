"""HTML text inside a paragraph -> inline Markdown."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lxml import etree

from services.ingest.conversion import notes
from services.ingest.conversion.xmltree import attribute, local, text_of
from services.ingest.pages import markup
from services.ingest.pages.blocks import Note
from services.ingest.pages.cleaning import clean

SKIPPED_WORDS = (
    "script style template noscript head title svg iframe object embed audio video canvas "
    "button select input textarea form menu rp rt dialog map area col colgroup link meta base"
)
SKIPPED = frozenset(SKIPPED_WORDS.split())
BREAK = "\x00"
_MARKS = {"em": "*", "i": "*", "cite": "*", "dfn": "*", "strong": "**", "b": "**"}
_CODE = frozenset(("code", "kbd", "samp", "tt", "var"))
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_BREAKS = re.compile(rf"(?<! ) *+{BREAK}[ {BREAK}]*+")
_NOT_DISPLAYED = re.compile(r"display\s*+:\s*+none", re.IGNORECASE)
_SUPERSCRIPT_WORD = 3


def hidden(element: etree._Element) -> bool:
    """Say whether an element has nothing to read: code, forms, page numbers, hidden parts."""
    if local(element) in SKIPPED or element.get("hidden") is not None:
        return True
    if "pagebreak" in notes.roles(element) or "doc-pagebreak" in notes.roles(element):
        return True
    return bool(_NOT_DISPLAYED.search(element.get("style") or ""))


@dataclass(kw_only=True)
class Inline:
    """Writes inline Markdown; collects the footnotes that it came across."""

    book: notes.NoteBook
    lookup: notes.Lookup
    anchor: Callable[[etree._Element], None] = lambda element: None
    found: list[Note] = field(default_factory=list, init=False)
    _in_note: bool = field(default=False, init=False)

    def text(self, raw: str | None) -> str:
        """Return character data, escaped, whitespace as it is."""
        return markup.escape(clean((raw or "").replace(BREAK, "")))

    def render(self, element: etree._Element, open_marks: str = "") -> str:
        """Return the inside of ``element``; :func:`finish` makes a paragraph of it."""
        pieces = [self.text(element.text)]
        for child in element:
            if isinstance(child.tag, str):
                pieces.append(self.element(child, open_marks))
            pieces.append(self.text(child.tail))
        return "".join(pieces)

    def element(self, element: etree._Element, open_marks: str = "") -> str:
        """Return one inline element."""
        if hidden(element) or notes.was_read(element):
            return ""
        self.anchor(element)
        name = local(element)
        if name == "br":
            return BREAK
        if name == "img":
            return markup.image(clean(attribute(element, "alt")), element.get("src") or "")
        if name == "math":
            return self.text(element.get("alttext") or text_of(element))
        if name == "a":
            return self._link(element, open_marks)
        if name in _CODE:
            return markup.code_span(clean(text_of(element)))
        mark = _MARKS.get(name, "")
        if mark and mark not in open_marks.split():
            return markup.emphasize(self.render(element, f"{open_marks} {mark}"), mark)
        inner = self.render(element, open_marks)
        return inner if name not in _BLOCK_LIKE else f" {inner} "

    def _link(self, link: etree._Element, open_marks: str) -> str:
        if self._in_note and notes.is_backlink(link):
            return ""
        if not self._in_note and notes.is_reference(link):
            note = self.book.note(link, self.lookup, self._note_body)
            if note is not None:
                self.found.append(note)
                return f"[^{note.label}]"
        inner = self.render(link, open_marks)
        return markup.link(inner, clean(link.get("href") or "")) if "](" not in inner else inner

    def _note_body(self, body: etree._Element) -> str:
        self._in_note = True
        anchor, self.anchor = self.anchor, lambda element: None
        try:
            return one_paragraph(self.render(body))
        finally:
            self._in_note, self.anchor = False, anchor

    def take_notes(self) -> tuple[Note, ...]:
        """Return the notes found since the last call, each once."""
        found, self.found = tuple(dict.fromkeys(self.found)), []
        return found


_BLOCK_LIKE_WORDS = "p div li dd dt td th tr ul ol table section blockquote figure"
_BLOCK_LIKE = frozenset(_BLOCK_LIKE_WORDS.split())


def finish(inline: str) -> str:
    """Return rendered text as a paragraph: blanks collapsed, line breaks as hard breaks."""
    line = _BREAKS.sub(BREAK, _BLANKS.sub(" ", inline)).strip(f" {BREAK}")
    return markup.guard(line.replace(BREAK, "\\\n"))


def one_paragraph(inline: str) -> str:
    """Return rendered text as a single line, as table cells and footnotes need it."""
    return " ".join(inline.replace(BREAK, " ").split())


def bare(element: etree._Element) -> str:
    """Return the text of a heading without marks and footnote references."""
    return " ".join("".join(_bare(element)).split())


def _bare(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = local(child)
        if name == "br":
            yield " "
        elif name and not hidden(child) and not (name == "a" and notes.is_reference(child)):
            yield from _bare(child)
        yield child.tail or ""
