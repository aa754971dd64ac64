"""The marks inside a block: links, images, code spans, HTML, entities, footnote references, math.

One scan from left to right over the Markdown itself, so that offsets are exact. Which ``*`` and
``_`` are emphasis does not matter here: as speech they are nothing, and ``characters`` drops them.
The forms are those of CommonMark 0.31 section 6; every pattern is possessive or stops at the
character it looks for, so that hostile text costs linear time.
"""

import re
from collections.abc import Collection
from html import unescape
from operator import itemgetter
from typing import Final, NamedTuple

from services.segmenter.markdown.content import Content
from services.segmenter.wording.aligned import Draft, Omitted
from services.segmenter.wording.characters import plain
from services.segmenter.wording.urls import URL, host_of, trimmed

_SPECIAL: Final = re.compile(r"\\[!-/:-@\[-`{-~]|`+|!?\[|\]|<|&|\$|(?i:https?://|www\.)")
_BACKTICKS: Final = re.compile("`+")
_FOOTNOTE: Final = re.compile(r"\[\^[^\s\[\]^]{1,200}\]")
_TARGET: Final = re.compile(
    r"\(\s*+(?:<[^<>\n]*+>|[^\s()<][^\s()]*+(?:\((?:[^\s()]|\([^\s()]*+\))*+\)[^\s()]*+)*+)?+"
    r"(?:\s++(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)))?+\s*+\)",
    re.DOTALL,
)
_LABEL: Final = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999}+)\]", re.DOTALL)
_ENTITY: Final = re.compile(r"&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
_MATH: Final = re.compile(r"(\$\$?)(?=[^\s$])[^$]*+(?<=[^\s\\])\1(?!\d)")
_AUTOLINK: Final = re.compile(r"<([A-Za-z][A-Za-z0-9+.\-]{1,31}:[^<>\x00-\x20]*+)>")
_MAIL: Final = re.compile(r"<[^\s<>@]++@[^\s<>@]++>")
_TAG: Final = re.compile(
    r"<(?:/([A-Za-z][A-Za-z0-9-]*+)\s*+|([A-Za-z][A-Za-z0-9-]*+)(?:\s++[A-Za-z_:][\w.:-]*+"
    r"(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`]++))?+)*+\s*+/?)>"
)
_ENCLOSED: Final = (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"), ("<!", ">"))
_SILENT_TAGS: Final = frozenset({"script", "style"})
_JOINING_TAGS: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)


class _Mark(NamedTuple):
    """Markup at ``[start, end)``: spoken as ``text``; stated as omitted if it has a reason."""

    start: int
    end: int
    text: str = ""
    reason: str | None = None


def label_of(text: str) -> str:
    """Return a link label in the form in which labels are compared."""
    return " ".join(text.split()).lower().upper()


def read_inline(
    content: Content,
    draft: Draft,
    omitted: list[Omitted],
    *,
    references: Collection[str],
    link: str,
    hosts: bool = False,
) -> None:
    """Append what is spoken of ``content`` to ``draft``.

    ``references`` are the labels of the page's link definitions; ``link`` says how an address is
    spoken, with ``{host}`` in it; ``hosts`` adds that to every link.
    """
    scan = _Scan(text=content.text, references=references, link=link, hosts=hosts)
    done = 0
    for mark in sorted(scan.marks(), key=itemgetter(0)):
        copy(content, done, mark.start, draft)
        start, end = content.at(mark.start), content.before(mark.end)
        if mark.reason:
            omitted.append(Omitted(start, end, mark.reason))
            draft.seal()
            start = end
        draft.add(mark.text, start, end)
        done = mark.end
    copy(content, done, len(content.text), draft)


def copy(content: Content, start: int, end: int, draft: Draft) -> None:
    """Append ``[start, end)`` of ``content`` as it is."""
    for first, stop, source in content.pieces(start, end):
        draft.add(content.text[first:stop], source, source + stop - first, exact=True)


class _Scan:
    def __init__(self, *, text: str, references: Collection[str], link: str, hosts: bool) -> None:
        self._text = text
        self._references = references
        self._link = link
        self._hosts = hosts
        self._marks: list[_Mark] = []
        self._brackets: list[tuple[int, bool]] = []
        self._ticks: dict[int, list[int]] | None = None
        self._literal_until = 0
        self._address_until = 0
        self._absent: set[str] = set()

    def marks(self) -> list[_Mark]:
        """Return all marks, disjoint, in no order."""
        text, position = self._text, 0
        while found := _SPECIAL.search(text, position):
            start, mark = found.start(), found[0]
            position = found.end()
            if mark[0] in "hHwW":
                position = self._address(start, position)
            elif start < self._literal_until:
                continue
            elif mark[0] == "\\":
                self._marks.append(_Mark(start, start + 1))
            elif mark[0] == "`":
                self._code_span(start, position)
            elif mark[-1] == "[":
                position = self._open_bracket(start, position)
            elif mark == "]":
                position = self._close_bracket(position)
            elif mark == "<":
                position = self._angle(start)
            elif mark == "&":
                position = self._entity(start)
            else:
                position = self._math(start, position)
        return self._marks

    def _address(self, start: int, position: int) -> int:
        text = self._text
        if start < self._address_until or (start and text[start - 1].isalnum()):
            return position
        found = URL.match(text, start)
        if found is None:
            return position
        self._address_until = found.end()
        end = trimmed(text, start, found.end())
        if start < self._literal_until < end:
            end = self._literal_until
        host = host_of(text[start:end])
        if not host:
            return position
        self._marks.append(_Mark(start, end, self._link.format(host=host)))
        return end

    def _code_span(self, start: int, position: int) -> None:
        if self._ticks is None:
            self._ticks = {}
            for run in _BACKTICKS.finditer(self._text):
                self._ticks.setdefault(len(run[0]), []).append(run.start())
            for places in self._ticks.values():
                places.reverse()
        places = self._ticks.get(position - start, [])
        while places and places[-1] < position:
            places.pop()
        if places:
            self._marks.append(_Mark(start, position))
            self._marks.append(_Mark(places[-1], places[-1] + position - start))
            self._literal_until = places[-1] + position - start
            for star in re.finditer(r"\*", self._text[position : places[-1]]):
                self._marks.append(_Mark(position + star.start(), position + star.end(), " "))

    def _open_bracket(self, start: int, position: int) -> int:
        if note := _FOOTNOTE.match(self._text, position - 1):
            self._marks.append(_Mark(position - 1, note.end(), reason="footnote_reference"))
            return note.end()
        self._brackets.append((start, position - start > 1))
        return position

    def _close_bracket(self, position: int) -> int:
        """Leave out the target after ``[text]``; the brackets themselves are dropped later."""
        if not self._brackets:
            return position
        start, image = self._brackets.pop()
        target = _TARGET.match(self._text, position)
        if target is None:
            label = _LABEL.match(self._text, position)
            if label is None:
                return position
            name = label[1] or self._text[max(start, position - 1000) : position - 1].lstrip("![")
            if label_of(name) not in self._references:
                return position
            target = label
        reason = "image" if image else "link"
        if image:
            self._marks.append(_Mark(start, start + 1))
        host = host_of(target[0][1:].lstrip("< ")) if self._hosts and not image else ""
        if host:
            spoken = f", {self._link.format(host=host)}, "
            self._marks.append(_Mark(position, target.end(), spoken))
        else:
            self._marks.append(_Mark(position, target.end(), reason=reason))
        return target.end()

    def _angle(self, start: int) -> int:
        text = self._text
        if link := _AUTOLINK.match(text, start):
            host = host_of(link[1])
            if host:
                self._marks.append(_Mark(start, link.end(), self._link.format(host=host)))
                return link.end()
        if mail := _MAIL.match(text, start):
            return mail.end()
        if tag := _TAG.match(text, start):
            return self._tag(tag)
        for opening, closing in _ENCLOSED:
            if text.startswith(opening, start):
                end = self._find(closing, start + len(opening))
                if end:
                    self._marks.append(_Mark(start, end, reason="html"))
                    return end
                break
        return start + 1

    def _tag(self, tag: re.Match[str]) -> int:
        name = (tag[1] or tag[2]).lower()
        end = tag.end()
        if tag[2] and name in _SILENT_TAGS:
            end = self._find(f"</{name}>", end) or end
        joined = "" if name in _JOINING_TAGS else " "
        self._marks.append(_Mark(tag.start(), end, joined, "html"))
        return end

    def _find(self, closing: str, position: int) -> int:
        """Return where ``closing`` ends after ``position``, or 0; each is missed only once."""
        if closing in self._absent:
            return 0
        found = self._text.find(closing, position)
        if found < 0:
            self._absent.add(closing)
            return 0
        return found + len(closing)

    def _entity(self, start: int) -> int:
        entity = _ENTITY.match(self._text, start)
        if entity is None or (decoded := unescape(entity[0])) == entity[0]:
            return start + 1
        self._marks.append(_Mark(start, entity.end(), plain(decoded)))
        return entity.end()

    def _math(self, start: int, position: int) -> int:
        found = _MATH.match(self._text, start)
        if found is None:
            return position
        size = len(found[1])
        self._marks.append(_Mark(start, start + size))
        self._marks.append(_Mark(found.end() - size, found.end()))
        return found.end()
