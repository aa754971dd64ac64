"""The parts of a Word file around its text: styles, numbering, notes, links, properties.

Format: ECMA-376 Part 1, WordprocessingML. Elements are found by local name, so that the Strict
variant, which has other namespaces, reads the same.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from services.ingest.conversion.xmltree import attribute, children, local, parse_xml, text_of
from services.ingest.formats.archive import Archive
from services.ingest.pages.cleaning import one_line
from services.ingest.pages.reasons import Reason, rejected

_MAX_LEVELS = 9
_BODY_LEVEL = 9
_HEADING_NAME = re.compile(r"heading ([1-9])")
_BULLETS = frozenset(("bullet", "none"))


@dataclass(frozen=True, slots=True)
class Style:
    """What matters of a paragraph style; ``numbering`` is (list id, level)."""

    name: str = ""
    heading: int = 0
    numbering: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ListLevel:
    """One level of a numbered or bulleted list."""

    bullet: bool
    start: int = 1


@dataclass(kw_only=True)
class DocxParts:
    """Everything that the body refers to."""

    styles: dict[str, Style] = field(default_factory=dict)
    lists: dict[str, dict[int, ListLevel]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    notes: dict[tuple[str, str], etree._Element] = field(default_factory=dict)
    title: str = ""
    author: str | None = None
    language: str | None = None


def read_parts(archive: Archive) -> tuple[etree._Element, DocxParts]:
    """Return the body of the document and what it refers to."""
    main = _main_name(archive)
    folder = posixpath.dirname(main)
    document = parse_xml(archive.read(main))
    body = next(children(document, "body"), None)
    if body is None:
        raise rejected(Reason.DAMAGED)
    parts = DocxParts(links=_links(archive, main))
    styles = _optional(archive, f"{folder}/styles.xml")
    if styles is not None:
        parts.styles = dict(_styles(styles))
    numbering = _optional(archive, f"{folder}/numbering.xml")
    if numbering is not None:
        parts.lists = _lists(numbering)
    for kind in ("footnote", "endnote"):
        root = _optional(archive, f"{folder}/{kind}s.xml")
        for note in () if root is None else children(root, kind):
            if attribute(note, "type") in ("", "normal"):
                parts.notes[kind, attribute(note, "id")] = note
    _properties(archive, parts)
    return body, parts


def _optional(archive: Archive, name: str) -> etree._Element | None:
    found = archive.find(name)
    return None if found is None else parse_xml(archive.read(found))


def _main_name(archive: Archive) -> str:
    root = _optional(archive, "_rels/.rels")
    for relation in () if root is None else root:
        if attribute(relation, "Type").endswith("/officeDocument"):
            found = archive.find(attribute(relation, "Target"))
            if found:
                return found
    found = archive.find("word/document.xml")
    if found is None:
        raise rejected(Reason.DAMAGED)
    return found


def _links(archive: Archive, main: str) -> dict[str, str]:
    folder, name = posixpath.split(main)
    root = _optional(archive, f"{folder}/_rels/{name}.rels")
    return {
        attribute(relation, "Id"): attribute(relation, "Target")
        for relation in (() if root is None else root)
        if local(relation) == "relationship"
    }


def _child(element: etree._Element | None, *path: str) -> etree._Element | None:
    for name in path:
        if element is None:
            return None
        element = next(children(element, name), None)
    return element


def value(element: etree._Element | None, *path: str) -> str:
    """Return the ``val`` attribute at the end of a path of child elements, "" if there is none."""
    found = _child(element, *path)
    return "" if found is None else attribute(found, "val")


def _styles(root: etree._Element) -> Iterator[tuple[str, Style]]:
    """Yield paragraph styles by id, with what they inherit from the styles they are based on."""
    raw = {attribute(style, "styleId"): style for style in children(root, "style")}
    for key, style in raw.items():
        heading, numbering = 0, None
        chain: etree._Element | None = style
        for _ in range(_MAX_LEVELS):
            if chain is None:
                break
            heading = heading or _heading(chain)
            numbering = numbering or list_of(_child(chain, "ppr"))
            chain = raw.get(value(chain, "basedon"))
        yield key, Style(value(style, "name").lower(), heading, numbering)


def _heading(style: etree._Element) -> int:
    named = _HEADING_NAME.fullmatch(value(style, "name").lower())
    if named:
        return int(named[1])
    return outline(_child(style, "ppr"))


def outline(properties: etree._Element | None) -> int:
    """Return the heading level, 1 to 9, that ``w:outlineLvl`` gives; 0 if it is body text."""
    level = value(properties, "outlinelvl")
    return int(level) + 1 if level.isdigit() and int(level) < _BODY_LEVEL else 0


def list_of(properties: etree._Element | None) -> tuple[str, int] | None:
    """Return (list id, level from 0) of ``w:numPr``, or None."""
    number = _child(properties, "numpr")
    key = value(number, "numid")
    level = value(number, "ilvl")
    if not key:
        return None
    return key, min(int(level), _MAX_LEVELS) if level.isdigit() else 0


def _lists(root: etree._Element) -> dict[str, dict[int, ListLevel]]:
    abstract = {
        attribute(definition, "abstractNumId"): dict(_levels(definition))
        for definition in children(root, "abstractnum")
    }
    return {
        attribute(number, "numId"): abstract.get(value(number, "abstractnumid"), {})
        for number in children(root, "num")
    }


def _levels(abstract: etree._Element) -> Iterator[tuple[int, ListLevel]]:
    for level in children(abstract, "lvl"):
        number, start = attribute(level, "ilvl"), value(level, "start")
        if number.isdigit():
            bullet = value(level, "numfmt") in _BULLETS
            yield int(number), ListLevel(bullet, int(start) if start.isdigit() else 1)


def _properties(archive: Archive, parts: DocxParts) -> None:
    root = _optional(archive, "docProps/core.xml")
    found = {} if root is None else {local(element): one_line(text_of(element)) for element in root}
    parts.title = found.get("title", "")
    parts.author = found.get("creator") or None
    parts.language = found.get("language") or None


def heading_counts(body: etree._Element, parts: DocxParts) -> Counter[int]:
    """Count the headings of each level, without reading any text."""
    levels = (heading_level(paragraph, parts) for paragraph in body.iter("{*}p") if len(paragraph))
    return Counter(level for level in levels if level)


def style_of(paragraph: etree._Element, parts: DocxParts) -> Style:
    """Return the style of a paragraph."""
    return parts.styles.get(value(paragraph, "ppr", "pstyle"), Style())


def heading_level(paragraph: etree._Element, parts: DocxParts) -> int:
    """Return the heading level of a paragraph, 0 if it is none."""
    return style_of(paragraph, parts).heading or outline(_child(paragraph, "ppr"))
