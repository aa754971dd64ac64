"""Parses untrusted XML and HTML: no DTD is loaded, no entity expanded, no network asked."""

from collections.abc import Iterator
from html import unescape
from typing import Any

from lxml import etree, html

from services.ingest.pages.reasons import Reason, rejected

MAX_DEPTH = 250
_ENTITY = b"<!ENTITY"


def parse_xml(data: bytes) -> etree._Element:
    """Return the root of well-formed XML.

    Raises:
        Rejected: it is not well-formed, or declares entities of its own, which only bombs do.
    """
    try:
        return _strict(data)
    except etree.XMLSyntaxError as error:
        raise rejected(Reason.UNSAFE if _ENTITY in data else Reason.DAMAGED) from error


def parse_page(data: bytes) -> tuple[etree._Element, bool]:
    """Return the root of an XHTML or HTML page, and whether it was well-formed XML.

    What isn't well-formed is read again as HTML, which forgives everything. (``recover=True`` would
    return an empty tree without a word.)
    """
    try:
        return _strict(data), True
    except etree.XMLSyntaxError as error:
        if _ENTITY in data:
            raise rejected(Reason.UNSAFE) from error
        return parse_html(data), False


def parse_html(data: bytes | str, encoding: str | None = None) -> etree._Element:
    """Return the root of an HTML page; an empty page gives an empty ``html`` element."""
    if isinstance(data, str):
        data, encoding = data.encode("utf-8", "replace"), "utf-8"
    parser = html.HTMLParser(
        no_network=True, huge_tree=False, encoding=encoding or _declared(data), remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.LxmlError:
        root = None
    return etree.Element("html") if root is None else root


def _strict(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_pis=True,
    )
    root = etree.fromstring(data, parser)
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and dtd.entities():
        raise rejected(Reason.UNSAFE)
    _replace_entities(root)
    return root


def _replace_entities(root: etree._Element) -> None:
    """Put the characters in place of references such as ``&nbsp;``, which lxml leaves as nodes."""
    for node in list(root.iter(etree.Entity)):
        parent = node.getparent()
        if parent is None:
            continue
        text = unescape(node.text or "") + (node.tail or "")
        before = node.getprevious()
        if before is None:
            parent.text = (parent.text or "") + text
        else:
            before.tail = (before.tail or "") + text
        node.tail = None
        parent.remove(node)


def too_deep(root: etree._Element) -> bool:
    """Say whether the tree is as deep as libxml2 goes, after which it drops what follows."""
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth >= MAX_DEPTH:
            return True
    return False


def _declared(data: bytes) -> str | None:
    """Return utf-8 if the bytes are that; else leave it to the page's own declaration."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace, in lower case; "" for a comment."""
    tag = element.tag
    if not isinstance(tag, str):
        return ""
    return tag.rpartition("}")[2].lower()


def attribute(element: etree._Element, name: str) -> str:
    """Return an attribute by its local name, whatever its namespace or prefix; "" if absent."""
    value = element.get(name)
    if value is not None:
        return value
    for key, other in element.attrib.items():
        if str(key).rpartition("}")[2].rpartition(":")[2] == name:
            return str(other)
    return ""


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the child elements of that local name."""
    return (child for child in element if local(child) == name)


def descendants(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Yield the elements of that local name below ``element``, in document order."""
    return (descendant for descendant in element.iter(f"{{*}}{name}") if descendant is not element)


def text_of(element: etree._Element | None) -> str:
    """Return all text inside ``element``, whitespace collapsed."""
    if element is None:
        return ""
    return " ".join("".join(str(piece) for piece in element.itertext()).split())
