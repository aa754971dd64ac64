"""What people can do to hear documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.pages import PageRange
from libs.common.contracts.permissions import Capability
from libs.common.errors import Rejected
from services.gateway.audio.rows import SpokenAs
from services.gateway.audio.selects import engines
from services.gateway.audio.voices import choose_voice
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import document_for
from services.gateway.documents.uploads import Submission
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import CommandTransaction, Kernel
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.planning.quota import check_quota
from services.gateway.narrations.progress import narration_view
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.selects import newest_alike


@dataclass(frozen=True)
class NarrationCommands:
    """The commands."""

    kernel: Kernel

    async def narrate(
        self,
        caller: UUID,
        document_id: UUID,
        options: NarrationOptions,
        narration_id: UUID | None = None,
    ) -> UUID:
        """Ask for audio, and return the narration's id.

        An order that was given before is answered with the narration there is, unless what it made
        is not all there any more. A caller that may be interrupted chooses the id of a new one,
        and finds it again by it.

        Raises:
            NotFound: No such document, for this caller.
            Rejected: No such page, voice or engine; the quota is used up.
            Unavailable: No engine has announced itself yet.
        """
        async with self.kernel.transaction() as command:
            return await self._narrate(
                command, caller, document_id, options, narration_id or uuid4()
            )

    async def submit_and_narrate(self, submission: Submission, options: NarrationOptions) -> UUID:
        """Hand a document in and ask for its audio, both or neither; return the narration's id.

        Raises:
            Rejected: The web address holds credentials; or see :meth:`narrate`.
        """
        narration_id, documents, owner = uuid4(), DocumentCommands(self.kernel), submission.owner_id
        async with documents.storing(submission) as stored, self.kernel.transaction() as command:
            announced = await engines(command.connection)
            engine, voice = choose_voice(announced, None, options.engine, options.voice)
            requested = _requested(
                narration_id,
                submission.document_id,
                owner_id=owner,
                requested_by=owner,
                options=options,
                spoken_as=(engine, voice, options.rate),
            )
            # Nobody has asked for any of it before: there is nothing to find, and no quota to keep.
            await command.apply([*documents.submitting(stored), *self.kernel.record(requested)])
        self.kernel.metrics.documents_submitted_total.inc()
        return narration_id

    async def _narrate(
        self,
        command: CommandTransaction,
        caller: UUID,
        document_id: UUID,
        options: NarrationOptions,
        narration_id: UUID,
    ) -> UUID:
        connection = command.connection
        document = await document_for(connection, caller, document_id, Capability.REQUEST_AUDIO)
        check_pages(document, options.pages)
        announced = await engines(connection)
        engine, voice = choose_voice(announced, document.language, options.engine, options.voice)
        await lock_owner(connection, document.owner_id)
        # Once more: whoever deletes it holds the lock too, and has ended what was asked before.
        document = await document_for(connection, caller, document_id, Capability.REQUEST_AUDIO)
        spoken_as = (engine, voice, options.rate)
        same = await find_identical(connection, document, options, spoken_as)
        if same is not None:
            return same.narration_id
        limits = self.kernel.limits
        await check_quota(connection, limits, document, options.pages, spoken_as)
        requested = _requested(
            narration_id,
            document_id,
            owner_id=document.owner_id,
            requested_by=caller,
            options=options,
            spoken_as=spoken_as,
            page_count=document.pages_total,
        )
        await command.apply(self.kernel.record(requested))
        return narration_id


def _requested(
    narration_id: UUID,
    document_id: UUID,
    *,
    owner_id: UUID,
    requested_by: UUID,
    options: NarrationOptions,
    spoken_as: SpokenAs,
    page_count: int | None = None,
) -> NarrationRequested:
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
