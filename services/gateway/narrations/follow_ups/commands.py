"""What people can do about what they asked to hear."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.audio import AudiobookDeleted, AudioDeleted
from libs.common.contracts.base import Event
from libs.common.contracts.pages import holds, page_ranges
from libs.common.contracts.permissions import Capability
from libs.common.store.jobs.cancelling import CancelJobs
from services.gateway.audio.rows import AudioRow
from services.gateway.audio.selects import audio_row
from services.gateway.documents.selects import document_for, page_text
from services.gateway.kernel.errors import AlreadyEnded, Forbidden, NothingToRetry
from services.gateway.kernel.locks import lock_owner
from services.gateway.kernel.record import Kernel
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.facts import narration_facts
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.outcomes.missing import missing_ranges
from services.gateway.narrations.planning.completion import job_of
from services.gateway.narrations.planning.ending import canceled_end_of
from services.gateway.narrations.progress import NarrationFacts
from services.gateway.narrations.rows import EVERY_PAGE
from services.gateway.narrations.selects import (
    audios_being_made,
    narration_row,
    open_narrations_of,
)


@dataclass(frozen=True)
class FollowUpCommands:
    """The commands."""

    kernel: Kernel

    async def cancel(self, caller: UUID, narration_id: UUID) -> None:
        """Stop a narration: nothing more is made for it, unless others wait for it too.

        What is there by then stays. The owner of the document and who asked may do it.

        Raises:
            NotFound: There is none that the caller may see.
            Forbidden: Somebody else asked for it.
            AlreadyEnded: There is nothing to stop any more.
        """
        async with self.kernel.transaction() as command:
            connection = command.connection
            narration = await narration_row(connection, narration_id)
            document = await document_for(
                connection, caller, narration.document_id, Capability.REQUEST_AUDIO, "narration"
            )
            if caller not in {document.owner_id, narration.requested_by}:
                raise Forbidden("Only who asked for it, or the owner of the document, may stop it.")
            # First, for who changes them takes the owner's lock afterwards.
            await audios_being_made(connection, narration, lock=True)
            await lock_owner(connection, document.owner_id)
            # Once more: it may have ended, or the document gone, before the lock was there.
            document = await document_for(
                connection, caller, narration.document_id, Capability.REQUEST_AUDIO, "narration"
            )
            narration = await narration_row(connection, narration_id)
            if narration.ended_at is not None:
                raise AlreadyEnded("The narration has ended, so there is nothing to stop.")
            (facts,) = await narration_facts(connection, document, [narration])
            canceled = canceled_end_of(facts, caller, await missing_ranges(connection, facts))
            stopped = await _stopped(connection, facts, caller)
            cancel_jobs = CancelJobs(job_of(narration).subject)
            await command.apply([*self.kernel.record(canceled, *stopped), cancel_jobs])

    async def retry_audio(self, caller: UUID, audio_id: UUID, narration_id: UUID) -> UUID:
        """Have the audio of a page tried again that failed; return the narration that asks for it.

        It takes its turn as every order does. ``narration_id`` is what it gets.

        Raises:
            NotFound, Forbidden: The caller may not.
            NothingToRetry: It has not failed, or the page has another text by now.
            Rejected: The quota is used up, or its engine or voice is there no more.
        """
        async with self.kernel.database.reading() as connection:
            audio = await audio_row(connection, audio_id)
            await document_for(
                connection, caller, audio.document_id, Capability.RETRY_AUDIO, "audio"
            )
            if not audio.has_failed:
                raise NothingToRetry(
                    "Only audio that failed is tried again, and this is "
                    f"{'there' if audio.is_ready else 'being made'}."
                )
            page = await page_text(connection, audio.document_id, audio.page)
            if page.revision != audio.revision:
                raise NothingToRetry(
                    "The page was edited since; ask for audio of it as it is now instead."
                )
        first, *others = audio.formats
        options = NarrationOptions(
            pages=page_ranges([audio.page]),
            engine=audio.engine,
            voice=audio.voice,
            rate=audio.rate,
            format=first,
            others=tuple(others),
        )
        narrate = NarrationCommands(self.kernel).narrate
        return await narrate(caller, audio.document_id, options, narration_id)


async def _stopped(
    connection: AsyncConnection, facts: NarrationFacts, caller: UUID
) -> Sequence[Event]:
    """Return what ends the making of audio that nobody else waits for, and of the audiobook."""
    narration = facts.narration
    others = [
        other
        for other in await open_narrations_of(connection, [narration.document_id])
        if other.narration_id != narration.narration_id and other.spoken_as == narration.spoken_as
    ]

    def is_wanted(audio: AudioRow) -> bool:
        return any(holds(other.pages or EVERY_PAGE, audio.page) for other in others)

    about = {"document_id": narration.document_id, "owner_id": narration.owner_id}
    stopped: list[Event] = [
        AudioDeleted(**about, audio_id=audio.audio_id, deleted_by=caller)
        for audio in await audios_being_made(connection, narration)
        if not is_wanted(audio)
    ]
    book = facts.audiobook
    if book is not None and book.is_being_made:
        deleted = AudiobookDeleted(**about, audiobook_id=book.audiobook_id, deleted_by=caller)
        stopped.append(deleted)
    return stopped
