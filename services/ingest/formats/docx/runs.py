"""The runs of a Word paragraph -> inline Markdown."""

from dataclasses import dataclass, field
from itertools import groupby

from lxml import etree

from services.ingest.conversion.phrasing import BREAK, one_paragraph
from services.ingest.conversion.xmltree import attribute, children, local
from services.ingest.formats.docx.parts import DocxParts
from services.ingest.pages import markup
from services.ingest.pages.blocks import Note
from services.ingest.pages.cleaning import clean

_CONTAINERS_WORDS = "hyperlink ins moveto smarttag sdt sdtcontent fldsimple customxml dir bdo"
_CONTAINERS = frozenset(_CONTAINERS_WORDS.split())
_OFF = frozenset(("0", "false", "off", "none"))
_NOTE_CHARS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    markdown: str
    plain: str
    mark: str
    link: str


@dataclass(kw_only=True)
class Runs:
    """Renders paragraphs; collects the footnotes and text boxes that it comes across."""

    parts: DocxParts
    _numbers: dict[tuple[str, str], Note] = field(default_factory=dict, init=False)
    _found: list[Note] = field(default_factory=list, init=False)
    _boxes: list[etree._Element] = field(default_factory=list, init=False)

    def render(self, paragraph: etree._Element, emphasis: bool = True) -> tuple[str, str]:
        """Return a paragraph as inline Markdown and as plain text. Deleted text is left out."""
        pieces: list[_Piece] = []
        self._walk(paragraph, "", pieces)
        linked = []
        for link, same in groupby(pieces, key=lambda piece: piece.link):
            text = "".join(_marked(list(same), emphasis))
            linked.append(markup.link(text, link) if link else text)
        return "".join(linked), clean("".join(piece.plain for piece in pieces)).strip()

    def take_notes(self) -> tuple[Note, ...]:
        """Return the footnotes that were referred to since the last call."""
        found, self._found = tuple(dict.fromkeys(self._found)), []
        return found

    def take_boxes(self) -> list[etree._Element]:
        """Return the text boxes that were anchored in paragraphs since the last call."""
        found, self._boxes = self._boxes, []
        return found

    def _walk(self, element: etree._Element, link: str, pieces: list[_Piece]) -> None:
        for child in element:
            name = local(child)
            if name == "r":
                pieces.extend(self._run(child, link))
            elif name == "hyperlink":
                target = self.parts.links.get(attribute(child, "id"), "")
                self._walk(child, target or link, pieces)
            elif name in _CONTAINERS:
                self._walk(child, link, pieces)
            elif name in ("omath", "omathpara"):
                text = "".join(symbol.text or "" for symbol in child.iter("{*}t"))
                pieces.append(
                    _Piece(markdown=markup.escape(clean(text)), plain=text, mark="", link=link)
                )

    def _run(self, run: etree._Element, link: str) -> list[_Piece]:
        properties = next(children(run, "rpr"), None)
        if _on(properties, "vanish"):
            return []
        bold, italic = _on(properties, "b"), _on(properties, "i")
        mark = ("**" if bold else "") + ("*" if italic else "")
        pieces = []
        for child in run:
            markdown, plain = self._inside(child)
            if markdown:
                pieces.append(_Piece(markdown=markdown, plain=plain, mark=mark, link=link))
        return pieces

    def _inside(self, child: etree._Element) -> tuple[str, str]:
        match local(child):
            case "t":
                text = (child.text or "").replace(BREAK, "")
                return markup.escape(clean(text)), text
            case "tab" | "ptab":
                return " ", " "
            case "br" | "cr":
                of_line = attribute(child, "type") in ("", "textWrapping")
                return (BREAK if of_line else " "), "\n"
            case "nobreakhyphen":
                return "-", "-"
            case "footnotereference":
                return self._note("footnote", attribute(child, "id")), ""
            case "endnotereference":
                return self._note("endnote", attribute(child, "id")), ""
            case "drawing" | "pict" | "object":
                return self._picture(child), ""
            case "alternatecontent":
                return self._alternative(child)
            case "ruby":
                return self._ruby(child)
            case _:
                return "", ""

    def _alternative(self, element: etree._Element) -> tuple[str, str]:
        """Read the first of the equivalent versions of something."""
        for version in element:
            made = [self._inside(child) for child in version]
            return "".join(inside[0] for inside in made), "".join(inside[1] for inside in made)
        return "", ""

    def _ruby(self, ruby: etree._Element) -> tuple[str, str]:
        """Read the text without the small one above it, which says how to pronounce it."""
        pieces: list[_Piece] = []
        for base in children(ruby, "rubybase"):
            self._walk(base, "", pieces)
        return "".join(piece.markdown for piece in pieces), "".join(piece.plain for piece in pieces)

    def _picture(self, drawing: etree._Element) -> str:
        self._boxes.extend(_outermost(drawing))
        for described in drawing.iter("{*}docPr", "{*}shape"):
            alt = attribute(described, "descr") or attribute(described, "alt")
            if alt.strip():
                return markup.image(clean(alt), self._source(drawing))
        return ""

    def _source(self, drawing: etree._Element) -> str:
        for blip in drawing.iter("{*}blip"):
            return self.parts.links.get(attribute(blip, "embed"), "")
        return ""

    def _note(self, kind: str, key: str) -> str:
        if (kind, key) not in self._numbers:
            note = self.parts.notes.get((kind, key))
            if note is None:
                return ""
            self._numbers[kind, key] = Note(str(len(self._numbers) + 1), "")
            body = self._note_body(note)
            if not body:
                return ""
            label = self._numbers[kind, key].label
            self._numbers[kind, key] = Note(label, body)
        made = self._numbers[kind, key]
        if not made.body:
            return ""
        self._found.append(made)
        return f"[^{made.label}]"

    def _note_body(self, note: etree._Element) -> str:
        texts = (one_paragraph(self.render(paragraph)[0]) for paragraph in note.iter("{*}p"))
        return " ".join(filter(None, texts))[:_NOTE_CHARS]


def _outermost(drawing: etree._Element) -> list[etree._Element]:
    """Return the text boxes in a drawing, but not those inside of others or in a fallback."""
    return [
        box
        for box in drawing.iter("{*}txbxContent")
        if not any(
            local(ancestor) in ("txbxcontent", "fallback") for ancestor in box.iterancestors()
        )
    ]


def _on(properties: etree._Element | None, name: str) -> bool:
    """Say whether a toggle such as ``w:b`` is present and not switched off."""
    for element in () if properties is None else children(properties, name):
        return attribute(element, "val").lower() not in _OFF
    return False


def _marked(pieces: list[_Piece], emphasis: bool) -> list[str]:
    """Put the marks of emphasis around neighbors that share them."""
    made = []
    for mark, same in groupby(pieces, key=lambda piece: piece.mark):
        text = "".join(piece.markdown for piece in same)
        made.append(markup.emphasize(text, mark) if mark and emphasis else text)
    return made
