"""What people can do to audio."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.audio import AudiobookDeleted, AudioDeleted
from libs.common.contracts.permissions import Capability
from services.gateway.audio.selects import audiobook_row, audios_alike
from services.gateway.documents.selects import document_for
from services.gateway.kernel.record import Kernel


@dataclass(frozen=True)
class AudioCommands:
    """The commands."""

    kernel: Kernel

    async def delete_audiobook(self, caller: UUID, audiobook_id: UUID) -> None:
        """Delete an audiobook, or stop its making; the audio of its pages stays.

        Raises:
            NotFound: There is none that the caller may see.
        """
        async with self.kernel.transaction() as command:
            connection = command.connection
            book = await audiobook_row(connection, audiobook_id)
            document = await document_for(
                connection, caller, book.document_id, Capability.DELETE_AUDIO, what="audiobook"
            )
            deleted = AudiobookDeleted(
                document_id=book.document_id,
                owner_id=document.owner_id,
                audiobook_id=audiobook_id,
                deleted_by=caller,
            )
            await command.apply(self.kernel.record(deleted))

    async def delete(self, caller: UUID, audio_id: UUID) -> None:
        """Delete one page's audio in all its formats; what it counted for is free again.

        Raises:
            NotFound: There is none that the caller may see.
        """
        async with self.kernel.transaction() as command:
            connection = command.connection
            found = await audios_alike(connection, audio_id)
            document_id = found[0].document_id
            document = await document_for(
                connection, caller, document_id, Capability.DELETE_AUDIO, what="audio"
            )
            deleted = [
                AudioDeleted(
                    document_id=document_id,
                    owner_id=document.owner_id,
                    audio_id=audio.audio_id,
                    deleted_by=caller,
                )
                for audio in found
            ]
            await command.apply(self.kernel.record(*deleted))
