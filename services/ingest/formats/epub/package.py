"""The parts of an EPUB that are not text: package, spine, table of contents, cover, DRM.

Formats: EPUB 3.3 (https://www.w3.org/TR/epub-33/) and OPF 2.0.1 with NCX.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from lxml import etree

from services.ingest.conversion.xmltree import (
    attribute,
    children,
    descendants,
    local,
    parse_page,
    parse_xml,
    text_of,
)
from services.ingest.formats.archive import Archive
from services.ingest.pages.blocks import ChapterStart
from services.ingest.pages.cleaning import one_line
from services.ingest.pages.reasons import Reason, rejected

MAX_SPINE = 20_000
MAX_TOC = 20_000
_MAX_AUTHORS = 5

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONT_ALGORITHMS = frozenset(
    ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
)
_PAGE_TYPES = frozenset(("application/xhtml+xml", "text/html", "application/xml", "text/xml"))
_PAGE_NAME = re.compile(r"\.x?html?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ManifestItem:
    """A row of the manifest; ``name`` is the member of the archive."""

    name: str
    media_type: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class EpubCover:
    """The cover picture; ``name`` is the member of the archive."""

    name: str
    data: bytes


Toc = dict[str, dict[str, ChapterStart]]
"""Member name -> element id ("" for the top of the page) -> the chapter that begins there."""


@dataclass(kw_only=True)
class Package:
    """What the package document says."""

    title: str = ""
    author: str | None = None
    language: str | None = None
    spine: list[ManifestItem] = field(default_factory=list)
    toc: Toc = field(default_factory=dict)
    cover: EpubCover | None = None
    warnings: list[str] = field(default_factory=list)


def read_package(archive: Archive) -> Package:
    """Read everything but the text.

    Raises:
        Rejected: the book is encrypted, or has no readable package document or spine.
    """
    _refuse_drm(archive)
    name = _package_name(archive)
    folder = posixpath.dirname(name)
    root = parse_xml(archive.read(name))
    items = dict(_manifest(root, archive, folder))
    spine_element = next(descendants(root, "spine"), None)
    package = Package(
        title=one_line(_first(root, "title")),
        author=_authors(root),
        language=_first(root, "language") or None,
    )
    package.spine = list(_spine(spine_element, items, package.warnings))
    if not package.spine:
        raise rejected(Reason.DAMAGED, "The book has no pages.")
    package.toc = _toc(archive, items, spine_element, package.warnings)
    package.cover = _cover(root, archive, items, package.warnings)
    return package


def _refuse_drm(archive: Archive) -> None:
    """Refuse books with DRM; obfuscated fonts are no obstacle to reading."""
    name = archive.find(_ENCRYPTION)
    if archive.find("META-INF/rights.xml") or archive.find("META-INF/sinf.xml"):
        raise rejected(Reason.ENCRYPTED)
    if name is None:
        return
    for data in _named(parse_xml(archive.read(name)), "EncryptedData"):
        for method in _named(data, "EncryptionMethod"):
            if method.get("Algorithm") not in _FONT_ALGORITHMS:
                raise rejected(Reason.ENCRYPTED)


def _named(root: etree._Element, name: str) -> Iterator[etree._Element]:
    return root.iter(f"{{*}}{name}")


def _package_name(archive: Archive) -> str:
    container = archive.find(_CONTAINER)
    if container is not None:
        for rootfile in descendants(parse_xml(archive.read(container)), "rootfile"):
            name = archive.find(attribute(rootfile, "full-path"))
            if name:
                return name
    for name in archive.names:
        if name.lower().endswith(".opf"):
            return name
    raise rejected(Reason.DAMAGED)


def _first(root: etree._Element, name: str) -> str:
    return next(filter(None, map(text_of, descendants(root, name))), "")


def _authors(root: etree._Element) -> str | None:
    names = [one_line(text_of(creator)) for creator in descendants(root, "creator")]
    return ", ".join(list(dict.fromkeys(filter(None, names)))[:_MAX_AUTHORS]) or None


def _manifest(
    root: etree._Element, archive: Archive, folder: str
) -> Iterator[tuple[str, ManifestItem]]:
    for item in descendants(root, "item"):
        name = archive.find(attribute(item, "href"), folder)
        if name is not None:
            properties = frozenset(attribute(item, "properties").split())
            media_type = attribute(item, "media-type").strip().lower()
            yield attribute(item, "id"), ManifestItem(name, media_type, properties)


def _spine(
    spine: etree._Element | None, items: dict[str, ManifestItem], warnings: list[str]
) -> Iterator[ManifestItem]:
    """Yield the pages in reading order, each once, without the navigation page."""
    seen: set[str] = set()
    missing = 0
    for count, itemref in enumerate(() if spine is None else children(spine, "itemref")):
        item = items.get(attribute(itemref, "idref"))
        if count >= MAX_SPINE:
            raise rejected(Reason.UNSAFE)
        if item is None:
            missing += 1
        elif item.name not in seen and "nav" not in item.properties and _is_page(item):
            seen.add(item.name)
            yield item
    if missing:
        warnings.append(f"The file lacks {missing} of the book's parts.")


def _is_page(item: ManifestItem) -> bool:
    return item.media_type in _PAGE_TYPES or bool(_PAGE_NAME.search(item.name))


def _toc(
    archive: Archive,
    items: dict[str, ManifestItem],
    spine: etree._Element | None,
    warnings: list[str],
) -> Toc:
    """Return the table of contents from the EPUB 3 navigation page, else from the NCX."""
    nav = next((item for item in items.values() if "nav" in item.properties), None)
    ncx = items.get(attribute(spine, "toc") if spine is not None else "") or next(
        (item for item in items.values() if item.media_type == "application/x-dtbncx+xml"), None
    )
    for item, read in ((nav, _nav_entries), (ncx, _ncx_entries)):
        if item is None:
            continue
        root, well_formed = parse_page(archive.read(item.name))
        if not well_formed:
            warnings.append("The table of contents is damaged; chapter titles may be missing.")
        toc: Toc = {}
        for count, (title, href, level) in enumerate(read(root)):
            name = archive.find(href, posixpath.dirname(item.name))
            if name and one_line(title) and count < MAX_TOC:
                fragment = unquote(href.partition("#")[2])
                toc.setdefault(name, {}).setdefault(fragment, ChapterStart(one_line(title), level))
        if toc:
            return toc
    return {}


def _nav_entries(root: etree._Element) -> Iterator[tuple[str, str, int]]:
    navs = list(_named(root, "nav"))
    chosen = next((nav for nav in navs if "toc" in attribute(nav, "type").split()), None)
    chosen = chosen if chosen is not None else next(iter(navs), None)
    if chosen is None:
        return
    for link in descendants(chosen, "a"):
        depth = sum(local(parent) == "ol" for parent in link.iterancestors())
        yield text_of(link), link.get("href") or "", max(1, depth)


def _ncx_entries(root: etree._Element) -> Iterator[tuple[str, str, int]]:
    for point in _named(root, "navPoint"):
        depth = 1 + sum(local(parent) == "navpoint" for parent in point.iterancestors())
        label = next(_named(point, "navLabel"), None)
        content = next(_named(point, "content"), None)
        if label is not None and content is not None:
            yield text_of(label), content.get("src") or "", depth


def _cover(
    root: etree._Element, archive: Archive, items: dict[str, ManifestItem], warnings: list[str]
) -> EpubCover | None:
    """Return the cover by EPUB 3 property, EPUB 2 ``meta name="cover"``, or a telling name."""
    pictures = {key: item for key, item in items.items() if item.media_type.startswith("image/")}
    metas = [attribute(m, "content") for m in descendants(root, "meta") if m.get("name") == "cover"]
    candidates = [
        *(item for item in pictures.values() if "cover-image" in item.properties),
        *(pictures[key] for key in metas if key in pictures),
        *(item for key, item in pictures.items() if "cover" in f"{key} {item.name}".lower()),
    ]
    for item in candidates:
        if item.media_type != "image/svg+xml":
            data = archive.read(item.name)
            return EpubCover(item.name, data) if data else None
    if candidates:
        warnings.append("The cover is a drawing (SVG) and was left out.")
    return None
