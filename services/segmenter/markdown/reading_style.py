"""How a page is to be read aloud: what is spoken of its parts, and how long the silences are."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Silence after an utterance, in milliseconds.

    Narrators leave about a quarter of a second between sentences and two to three times that
    between paragraphs; a list sits in between, because its items belong together.
    """

    clause: int = 80
    sentence: int = 250
    list_item: int = 350
    paragraph: int = 600
    heading: int = 900
    scene: int = 1200
    page: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingStyle:
    """What is spoken of the parts that are not prose.

    ``tables``: row by row with the column's name before each cell, or not at all.
    ``code``: fenced code is announced in two words, read line by line, or passed over.
    ``footnotes``: read at the end of the page, or not at all.
    ``links``: the text of a link alone, or followed by the host it leads to.
    """

    tables: Literal["rows", "omit"] = "rows"
    code: Literal["notice", "read", "omit"] = "notice"
    footnotes: Literal["end", "omit"] = "end"
    links: Literal["text", "host"] = "text"
