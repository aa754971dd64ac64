"""What an order asks for, before it is known whether there is room for it.

An estimate and the order itself begin with the same steps, so that one says what the other does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.pages import PageRange
from libs.common.contracts.permissions import Capability
from libs.common.errors import Rejected
from services.gateway.audio.rows import SpokenAs
from services.gateway.audio.selects import engines
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import document_for
from services.gateway.kernel.locks import lock_owner
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.progress import narration_view
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.selects import newest_alike
from services.gateway.preferences.rows import WantedSound
from services.gateway.preferences.selects import preferences_of


@dataclass(frozen=True, kw_only=True)
class PreparedOrder:
    """An order of a document that is there, in a sound that there is.

    ``same`` is a narration that asks for the same and is being made, or is all there.
    """

    document: DocumentRow
    caller: UUID
    options: NarrationOptions
    spoken_as: SpokenAs
    same: NarrationRow | None

    def requested(self, narration_id: UUID) -> NarrationRequested:
        """Return the event of giving it."""
        document = self.document
        return narration_requested(
            narration_id,
            document.document_id,
            owner_id=document.owner_id,
            requested_by=self.caller,
            options=self.options,
            spoken_as=self.spoken_as,
            page_count=document.pages_total,
        )


async def prepare_order(
    connection: AsyncConnection, caller: UUID, document_id: UUID, options: NarrationOptions
) -> PreparedOrder:
    """Return what ``caller`` asks for; the owner of the document is locked from then on.

    Raises:
        NotFound: No such document, for this caller.
        Rejected: No such page, voice or engine.
        Unavailable: No engine has announced itself yet.
    """
    document = await document_for(connection, caller, document_id, Capability.REQUEST_AUDIO)
    check_pages(document, options.pages)
    spoken_as = await chosen_sound(connection, caller, document.language, options)
    await lock_owner(connection, document.owner_id)
    # Once more: whoever deletes it holds the lock too, and has ended what was asked before.
    document = await document_for(connection, caller, document_id, Capability.REQUEST_AUDIO)
    same = await find_identical(connection, document, options, spoken_as)
    return PreparedOrder(
        document=document, caller=caller, options=options, spoken_as=spoken_as, same=same
    )


async def chosen_sound(
    connection: AsyncConnection, caller: UUID, language: str | None, options: NarrationOptions
) -> SpokenAs:
    """Return how an order sounds: as it says, as its caller prefers, or by default.

    Raises:
        Rejected: There is no such engine or voice.
        Unavailable: No engine has announced itself yet.
    """
    wanted = WantedSound(engine=options.engine, voice=options.voice, rate=options.rate)
    preferred = await preferences_of(connection, caller)
    return preferred.sound(await engines(connection), language, wanted)


def narration_requested(
    narration_id: UUID,
    document_id: UUID,
    *,
    owner_id: UUID,
    requested_by: UUID,
    options: NarrationOptions,
    spoken_as: SpokenAs,
    page_count: int | None = None,
) -> NarrationRequested:
    """Return the event of ordering a narration."""
    engine, voice, rate = spoken_as
    return NarrationRequested(
        document_id=document_id,
        narration_id=narration_id,
        owner_id=owner_id,
        requested_by=requested_by,
        pages=options.pages,
        engine=engine,
        voice=voice,
        rate=rate,
        formats=options.formats,
        audiobook=options.audiobook,
        page_count=page_count,
    )


async def find_identical(
    connection: AsyncConnection,
    document: DocumentRow,
    options: NarrationOptions,
    spoken_as: SpokenAs,
) -> NarrationRow | None:
    """Return a narration that asks for the same and is being made, or is all there."""
    same = await newest_alike(connection, document.document_id, spoken_as, options)
    if same is None or not _is_of(same, document):
        return None
    (facts,) = await narration_facts(connection, document, [same])
    return same if narration_view(facts).state in {"working", "ready"} else None


def _is_of(narration: NarrationRow, document: DocumentRow) -> bool:
    """Whether a narration asks for the document as it is: all its pages, a book in its order."""
    total = document.pages_total
    known = narration.pages is None and total is not None
    if known and narration.last_page(document.page_count) != total:
        return False
    if narration.audiobook is None or document.reordered_at is None:
        return True
    return narration.requested_at > document.reordered_at


def check_pages(document: DocumentRow, asked: Sequence[PageRange] | None) -> None:
    """Refuse pages that the document does not have.

    Raises:
        Rejected: It names the first such page.
    """
    if document.is_rejected:
        raise Rejected("document_rejected", "The document could not be read; there is no audio.")
    total = document.pages_total
    if asked is None or total is None:
        return
    beyond = next((run for run in asked if run.last > total), None)
    if beyond is not None:
        missing = max(beyond.first, total + 1)
        raise Rejected(
            "no_such_page",
            f"The document has pages 1 to {total}; there is no page {missing}.",
        )
