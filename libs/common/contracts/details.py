"""What events refer to instead of saying it: objects of a document, as JSON, that go with it.

Titles, authors, names of files, web addresses and sentences about a document are here and in no
event. An object is below ``documents/{document_id}/``, so it is removed when the document is.

``nonce`` is random: the digest of an object stays in events for ever, and without it whoever has
them could guess a title and see whether the digest fits.
"""

import secrets
from typing import Literal, TypeVar
from uuid import UUID

from pydantic import Field

from libs.common.contracts.base import ObjectRef, PageNumber, Value
from libs.common.contracts.identifiers import UNDETERMINED, Language

MAX_TITLE_CHARACTERS = 255
UNTITLED = "Untitled"
DETAILS = "application/json"
"""The media type of all details."""


def new_nonce() -> str:
    """Return 128 random bits, as hex."""
    return secrets.token_hex(16)


class Details(Value):
    """Base of all. ``version`` rises when a meaning changes; fields may be added."""

    version: int = 1
    nonce: str = Field(
        default_factory=new_nonce, description="Random, so that the digest cannot be guessed."
    )

    def to_json(self) -> bytes:
        """Return it as it is stored."""
        return self.model_dump_json().encode()


D = TypeVar("D", bound=Details)


class Chapter(Value):
    """A stretch of whole pages with a title of its own."""

    title: str
    first_page: PageNumber
    level: int = Field(default=1, ge=1, description="Depth in the table of contents, from 1.")


class SubmittedDocument(Details):
    """A document as it was handed in. Exactly one of ``object`` and ``url`` is set."""

    object: ObjectRef | None = Field(default=None, description="The file or text that came.")
    url: str | None = Field(default=None, description="The web address to be fetched.")
    filename: str | None = None
    title: str | None = Field(default=None, description="As given by the owner.")


class ParsedDocument(Details):
    """What a document says about itself, known when all of it was read."""

    title: str = Field(description="As given by the owner, else as found.")
    author: str | None = None
    chapters: tuple[Chapter, ...] = ()
    cover: ObjectRef | None = Field(default=None, description="The picture as found.")
    warnings: tuple[str, ...] = Field(
        default=(), description="Sentences for the owner about parts that could not be read."
    )


class PageText(Details):
    """A page as it was read or edited."""

    markdown: str
    title: str | None = Field(default=None, description="Heading of the chapter it is in.")


class BookPage(Value):
    """A page of an audiobook, and its audio."""

    page: PageNumber
    audio_id: UUID


class BookContents(Details):
    """What an audiobook is made of: pages in reading order, and what its tags say."""

    title: str
    author: str | None = None
    language: Language = UNDETERMINED
    chapters: tuple[Chapter, ...] = ()
    cover: ObjectRef | None = None
    pages: tuple[BookPage, ...] = Field(min_length=1)


class FailureDetails(Details):
    """Why something did not work: a sentence for people, which may quote the document."""

    reason: str


SourceKind = Literal["file", "url", "text"]


def title_of(*candidates: str | None) -> str:
    """Return the title of a document: the first candidate that says anything, cut to fit."""
    titles = (title.strip() for title in candidates if title is not None)
    return next((title for title in titles if title), UNTITLED)[:MAX_TITLE_CHARACTERS]
