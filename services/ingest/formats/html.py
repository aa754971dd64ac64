"""HTML -> pages. Of a web page only the article is read; of a document in HTML, all of it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module

from lxml import etree

from services.ingest.conversion import notes
from services.ingest.conversion.flow import Flow
from services.ingest.conversion.phrasing import finish
from services.ingest.conversion.xmltree import (
    attribute,
    descendants,
    local,
    parse_html,
    text_of,
    too_deep,
)
from services.ingest.formats.document_format import DocumentFormat
from services.ingest.pages.blocks import MarkdownBlock
from services.ingest.pages.cleaning import clean, one_line
from services.ingest.pages.document import Item, Metadata
from services.ingest.pages.document_language import Language
from services.ingest.pages.markup import escape
from services.ingest.pages.paginate import Paginator, mark_chapters
from services.ingest.pages.reasons import Reason, rejected
from services.ingest.pages.titles import filename_title

_FRAME = frozenset(("nav", "header", "footer", "aside", "form", "menu"))
_FRAME_ROLES = frozenset(
    ("navigation", "banner", "contentinfo", "complementary", "search", "dialog")
)
_FRAME_NAME = re.compile(
    r"(?<![a-z])(?:nav|menu|sidebar|footer|breadcrumbs?|cookies?|comments?|share|ads?)(?![a-z])",
    re.IGNORECASE,
)
_MAX_LINKED = 0.4
_MIN_ARTICLE_CHARS = 150
_MIN_ARTICLE_SHARE = 0.2


def preload_html() -> None:
    """Import trafilatura now, which costs most of a second, rather than at the first web page."""
    import_module("trafilatura")


def read_html(source: str, filename: str | None) -> Iterator[Item]:
    """Yield the pages of a web page or an HTML document, then its metadata.

    Raises:
        Rejected: there is no text in it.
    """
    root = parse_html(source)
    language = Language(_language(root))
    paginator = Paginator(language)
    warnings = []
    if too_deep(root):
        blocks = list(_flattened(source))
        warnings.append("The page is nested so deeply that its layout was ignored.")
    else:
        blocks = _blocks(root, source)
    yield from paginator.feed(mark_chapters(blocks))
    yield from paginator.finish()
    if not paginator.pages:
        raise rejected(Reason.NO_TEXT)
    heading = next((block.plain for block in blocks if block.plain), "")
    yield Metadata(
        title=_title(root, heading) or filename_title(filename),
        author=_author(root),
        language=language.name,
        media_type=DocumentFormat.HTML.value,
        chapters=tuple(paginator.chapters),
        warnings=tuple(warnings),
    )


def _blocks(root: etree._Element, source: str) -> list[MarkdownBlock]:
    body = next(root.iter("body"), root)
    if _is_document(body):
        return _convert(body)
    _drop_frame(body)
    everything = len(text_of(body))
    article = _article(source)
    if article is not None and not _too_little(len(text_of(article)), everything):
        return _convert(article)
    return _convert(body)


def _too_little(found: int, everything: int) -> bool:
    """Say whether so little of a page was taken for its article that the guess must be wrong."""
    return found < min(everything, max(_MIN_ARTICLE_CHARS, everything * _MIN_ARTICLE_SHARE))


def _convert(body: etree._Element) -> list[MarkdownBlock]:
    ids = {element.get("id"): element for element in body.iter("*") if element.get("id")}
    ids |= {a.get("name"): a for a in body.iter("a") if a.get("name")}

    def lookup(href: str) -> etree._Element | None:
        return ids.get(href[1:]) if href.startswith("#") else None

    flow = Flow(notes.NoteBook(), lookup)
    flow.read_notes(body)
    return flow.blocks(body)


def _is_document(body: etree._Element) -> bool:
    """Say whether a page is all text: nothing around it, and not mostly links."""
    if any(_is_frame(element) for element in body.iterdescendants("*")):
        return False
    linked = sum(len(text_of(link)) for link in descendants(body, "a"))
    return linked <= _MAX_LINKED * max(len(text_of(body)), 1)


def _is_frame(element: etree._Element) -> bool:
    if local(element) in _FRAME or (element.get("role") or "") in _FRAME_ROLES:
        return True
    name = f"{element.get('id') or ''} {element.get('class') or ''}"
    return local(element) in ("div", "ul", "section") and bool(_FRAME_NAME.search(name))


def _drop_frame(body: etree._Element) -> None:
    for element in list(body.iterdescendants("*")):
        inside = local(element) == "header" and any(map(local, element.iterancestors("article")))
        frame = local(element) in _FRAME or (element.get("role") or "") in _FRAME_ROLES
        if frame and not inside and element.getparent() is not None:
            tail = element.tail
            element.clear()
            element.tail = tail


def _article(source: str) -> etree._Element | None:
    """Return the main content that trafilatura finds, with HTML names, or None."""
    from trafilatura import bare_extraction  # not at the top: see preload

    try:
        found = bare_extraction(
            source,
            include_comments=False,
            include_formatting=True,
            include_images=True,
            include_links=True,
            include_tables=True,
            with_metadata=False,
        )
    except RecursionError:
        return None
    body = getattr(found, "body", None)
    return None if body is None else _with_html_names(body)


_NAMES = {
    "main": "div",
    "quote": "blockquote",
    "item": "li",
    "row": "tr",
    "cell": "td",
    "del": "s",
    "lb": "br",
}
_STYLES = {"#b": "strong", "#i": "em", "#t": "code", "#sub": "sub", "#sup": "sup"}


def _with_html_names(body: etree._Element) -> etree._Element:
    """Rename trafilatura's TEI elements (TEI P5) to those of HTML, in place."""
    for element in body.iter("*"):
        name, style = local(element), element.get("rend") or ""
        if name == "head":
            element.tag = style if re.fullmatch(r"h[1-6]", style) else "h2"
        elif name == "hi":
            element.tag = _STYLES.get(style, "span")
        elif name == "ref":
            element.tag = "a"
            element.set("href", element.get("target") or "")
        elif name == "list":
            element.tag = "ol" if style == "ol" else "ul"
        elif name == "graphic":
            element.tag = "img"
        elif name == "code" and "\n" in text_of_raw(element):
            element.tag = "pre"
        else:
            element.tag = _NAMES.get(name, name)
    return body


def text_of_raw(element: etree._Element) -> str:
    """Return all text inside ``element`` with its line breaks."""
    return "".join(map(str, element.itertext()))


def _language(root: etree._Element) -> str | None:
    for meta in root.iter("meta"):
        if (meta.get("http-equiv") or "").lower() == "content-language":
            return meta.get("content")
    return attribute(root, "lang") or None


def _title(root: etree._Element, heading: str) -> str:
    """Return the title without the name of the site, which titles tend to end with."""
    named = one_line(_meta(root, "og:title", "dc.title", "citation_title"))
    title = one_line(text_of(next(root.iter("title"), None)))
    if heading and heading.lower() in title.lower():
        return one_line(heading)
    return named or title or one_line(heading)


def _author(root: etree._Element) -> str | None:
    name = one_line(_meta(root, "author", "dc.creator", "article:author", "citation_author"))
    return None if not name or name.startswith("http") else name


def _meta(root: etree._Element, *names: str) -> str:
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        key = (meta.get("name") or meta.get("property") or "").lower()
        found.setdefault(key, meta.get("content") or "")
    return next((found[name] for name in names if found.get(name)), "")


class _Flattener(HTMLParser):
    """Collects the text of a page whose tags cannot be trusted, cut where blocks begin or end."""

    _CUTS = frozenset(("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "td", "section"))
    _SILENT = frozenset(("script", "style", "title"))

    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[list[str]] = [[]]
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in self._SILENT
        self._cut(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        self._cut(tag)

    def _cut(self, tag: str) -> None:
        if tag in self._CUTS and self.paragraphs[-1]:
            self.paragraphs.append([])

    def handle_data(self, data: str) -> None:
        if not self._silent and data:
            self.paragraphs[-1].append(data)


def _flattened(source: str) -> Iterator[MarkdownBlock]:
    flattener = _Flattener()
    flattener.feed(source)
    flattener.close()
    for paragraph in flattener.paragraphs:
        text = finish(escape(clean("".join(paragraph))))
        if text:
            yield MarkdownBlock(markdown=text)
