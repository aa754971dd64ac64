"""What events refer to instead of saying it: objects of a document, as JSON, that go with it.

Titles, authors, names of files, web addresses and sentences about a document are here and in no
event. An object is below ``documents/{document_id}/``, so it is removed when the document is. Mail
addresses are below ``users/{user_id}/``, and go with the user, or below ``mails/{mail_id}/``, and
go when the mail was sent.

``nonce`` is random: the digest of an object stays in events for ever, and without it whoever has
them could guess a title and see whether the digest fits. What is made of an object has its nonce:
so it is the same, byte by byte, when it is made again, and all pages that are read from one file
share one. That tells nothing, for whoever can read a nonce can read the page.

Where details get a new version, the events that refer to them get one too: a service that is older
waits at the event, and does not fail at what it refers to.
"""

import secrets
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import Field, model_validator

from libs.common.contracts.base import ObjectRef, PageNumber, Value, Versioned
from libs.common.contracts.identifiers import Language
from libs.common.contracts.permissions import ShareLevel

MAX_TITLE_CHARACTERS = 255
MAX_REASON_CHARACTERS = 500
MAX_MESSAGE_CHARACTERS = 2000
UNTITLED = "Untitled"
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of the text behind them, also of what is not theirs."""
DETAILS = "application/json"
"""The media type of all details."""


def new_nonce() -> str:
    """Return 128 random bits, as hex."""
    return secrets.token_hex(16)


Nonce = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{32}$", description="Random, so that the digest cannot be guessed."),
]


class Details(Versioned):
    """Base of all."""

    nonce: Nonce = Field(default_factory=new_nonce)

    def as_json(self) -> dict[str, Any]:
        """Return what :meth:`encode` writes, as a JSON column holds it."""
        return {"version": self.version, **self.model_dump(mode="json")}

    @model_validator(mode="before")
    @classmethod
    def _of_any_version(cls, given: Any) -> Any:
        return cls.upcast(given) if isinstance(given, dict) and "version" in given else given


D = TypeVar("D", bound=Details)
UNSTORED = "Null where it could not be stored."


def details_ref(kind: type[Details], more: str = "") -> Any:
    """Return the field of an event that refers to details of a ``kind``.

    Their version is part of its schema: details of a new version take a new version of the event.
    """
    name = f"{kind.__name__}.v{kind.version}"
    said = f"{kind.__name__}, as events/details/schemas has it. {more}"
    return Field(description=said.rstrip(), json_schema_extra={"x-details": name})


class Chapter(Value):
    """A stretch of whole pages with a title of its own."""

    title: str
    first_page: PageNumber
    level: int = Field(ge=1, description="Depth in the table of contents, from 1.")


class SubmittedDocument(Details):
    """A document as it was handed in. Exactly one of ``object`` and ``url`` is set."""

    object: ObjectRef | None = Field(description="The file or text that came.")
    url: str | None = Field(description="The web address to be fetched.")
    filename: str | None
    title: str | None = Field(description="As given by the owner.")


class DocumentTitle(Details):
    """The title that somebody gave a document later."""

    title: str = Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)


class ParsedDocument(Details):
    """What a document says about itself, known when all of it was read."""

    title: str = Field(description="As given by the owner, else as found.")
    author: str | None
    chapters: tuple[Chapter, ...]
    cover: ObjectRef | None = Field(description="The picture as found.")
    warnings: tuple[str, ...] = Field(
        description="Sentences for the owner about parts that could not be read."
    )


class PageText(Details):
    """A page as it was read or edited."""

    markdown: str
    title: str | None = Field(description="Heading of the chapter it is in.")


class AudiobookPage(Value):
    """A page of an audiobook, and its audio."""

    page: PageNumber
    audio_id: UUID


class AudiobookContents(Details):
    """What an audiobook is made of: pages in reading order, and what its tags say."""

    title: str
    author: str | None
    language: Language
    chapters: tuple[Chapter, ...]
    cover: ObjectRef | None
    pages: tuple[AudiobookPage, ...] = Field(min_length=1)


class ShareDetails(Details):
    """Whom a document was shared with, as the one who shared it wrote it."""

    address: str = Field(max_length=320, description="Mail address.")
    message: str | None = Field(max_length=MAX_MESSAGE_CHARACTERS)


class FailureDetails(Details):
    """Why something did not work: a sentence for people, which may quote the document."""

    reason: str = Field(max_length=MAX_REASON_CHARACTERS)


Address = Annotated[str, Field(max_length=320, description="Mail address, as it was given.")]


class UserDetails(Details):
    """Where somebody who has an account is written to."""

    address: Address
    language: Language


class MailDetails(Details):
    """To whom a mail goes, and what it says besides its kind."""

    address: Address
    language: Language
    about_address: str | None = Field(
        max_length=320, description="The address that was added, or is the new one."
    )


class ShareMailDetails(Details):
    """To whom it is told what was shared with them, and what the mail says."""

    address: Address
    language: Language
    document_id: UUID
    title: str = Field(max_length=MAX_TITLE_CHARACTERS, description="Of the document.")
    shared_by: str | None = Field(
        max_length=320, description="Address of who shared it; null: they have none."
    )
    level: ShareLevel
    message: str | None = Field(max_length=MAX_MESSAGE_CHARACTERS)
    audience: Literal["user", "invited", "uninvited"] = Field(
        description="Who has an account, who may register by the link, who must ask for one."
    )


SourceKind = Literal["file", "url", "text"]


def title_of(*candidates: str | None) -> str:
    """Return the title of a document: the first candidate that says anything, cut to fit."""
    titles = (without_bidi_controls(title).strip() for title in candidates if title is not None)
    return next((title for title in titles if title), UNTITLED)[:MAX_TITLE_CHARACTERS]


def without_bidi_controls(text: str) -> str:
    """Return a text that cannot turn round what stands behind it."""
    return "".join(letter for letter in text if letter not in BIDI_CONTROLS)
