"""Footnotes in HTML: which links refer to one, where its body is, and how it is numbered."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from services.ingest.conversion.xmltree import attribute, local, text_of
from services.ingest.pages.blocks import Note

Lookup = Callable[[str], etree._Element | None]

_READ = "lectern-read-as-note"
_REFERENCE_ROLES = frozenset(("noteref", "doc-noteref"))
_BODY_ROLES = frozenset(("footnote", "endnote", "rearnote", "note", "doc-footnote", "doc-endnote"))
_BACK_ROLES = frozenset(("backlink", "referrer", "doc-backlink"))
_REFERENCE_CLASS = re.compile(r"\b(?:foot|end)?-?note-?ref\b|\bfnref\b", re.IGNORECASE)
_BACK_CLASS = re.compile(r"\b(?:foot|end)?note-?back(?:ref|link)?\b", re.IGNORECASE)
_BODY_CLASS = re.compile(
    r"\b(?:footnote|endnote|fn|note)(?:-?(?:item|body|text))?\b", re.IGNORECASE
)
_MARK = re.compile(r"[\[({]?(?:\d{1,4}|[*†‡§¶]{1,4}|[a-z]|[ivxl]{1,6})[\])}]?\.?")
_ARROWS = re.compile("[↩↑⏎⤴^\ufe0e\ufe0f\\s]*")
_BODY_TAGS = frozenset(("p", "li", "aside", "div", "dd", "section", "td"))
_MAX_BODY_CHARS = 5000
_MAX_CLIMB = 4


def roles(element: etree._Element) -> set[str]:
    """Return the ``epub:type`` and ``role`` words of an element."""
    return {*attribute(element, "type").split(), *attribute(element, "role").split()}


def is_reference(link: etree._Element) -> bool:
    """Say whether a link is the mark of a footnote rather than a word of the text."""
    href = link.get("href") or ""
    if "#" not in href or re.match(r"[a-z]+:", href, re.IGNORECASE):
        return False
    if roles(link) & _REFERENCE_ROLES or _REFERENCE_CLASS.search(link.get("class") or ""):
        return True
    if is_backlink(link) or not _MARK.fullmatch(text_of(link)):
        return False
    parent = link.getparent()
    raised = parent is not None and local(parent) == "sup" and len(parent) == 1
    return raised or any(local(child) == "sup" for child in link)


def is_backlink(link: etree._Element) -> bool:
    """Say whether a link only leads from a footnote back to the text."""
    if roles(link) & _BACK_ROLES or _BACK_CLASS.search(link.get("class") or ""):
        return True
    return bool(link.get("href")) and bool(_ARROWS.fullmatch(text_of(link)))


def is_body(element: etree._Element) -> bool:
    """Say whether an element is marked up as the body of one footnote."""
    return bool(roles(element) & _BODY_ROLES) and local(element) in _BODY_TAGS


def was_read(element: etree._Element) -> bool:
    """Say whether the element was already given as the body of a note."""
    return element.get(_READ) is not None


@dataclass
class NoteBook:
    """Numbers the footnotes of a document from 1, in the order of the first reference."""

    numbers: dict[etree._Element, Note] = field(default_factory=dict)

    def note(
        self, link: etree._Element, lookup: Lookup, render: Callable[[etree._Element], str]
    ) -> Note | None:
        """Return the note that ``link`` refers to, or None if no body can be found.

        The body is marked as read, so that the main text leaves it out.
        """
        target = lookup(link.get("href") or "")
        body = None if target is None else _body_of(target)
        if body is None or link in body.iterdescendants():
            return None
        if body not in self.numbers:
            text = _without_mark(render(body), text_of(link))
            if not text or len(text) > _MAX_BODY_CHARS:
                return None
            body.set(_READ, "1")
            self.numbers[body] = Note(str(len(self.numbers) + 1), text)
        return self.numbers[body]


def _body_of(target: etree._Element) -> etree._Element | None:
    """Return the block around the anchor that a reference points to."""
    element: etree._Element | None = target
    for _ in range(_MAX_CLIMB):
        if element is None:
            return None
        if local(element) in _BODY_TAGS:
            return _whole(element)
        element = element.getparent()
    return None


def _whole(block: etree._Element) -> etree._Element:
    """Return the ``li`` or ``aside`` that is one note with ``block`` as its first paragraph."""
    parent = block.getparent()
    if parent is None or local(block) != "p" or block.getprevious() is not None:
        return block
    marked = is_body(parent) or bool(_BODY_CLASS.search(parent.get("class") or ""))
    return parent if local(parent) in ("li", "aside") or marked else block


def _without_mark(body: str, mark: str) -> str:
    """Drop the number that the body repeats, as in ``[1] See page 5`` for a reference ``1``."""
    bare = re.escape(mark.strip("[](){}. "))
    if not bare:
        return body.strip()
    pattern = rf"\s*(?:\\?[\[({{])?(?:\*+)?{bare}(?:\*+)?(?:\\?[\])}}])?(?:\\?[.:)])?(?=\s)\s*"
    return re.sub(rf"^{pattern}", "", body.strip()).strip()
