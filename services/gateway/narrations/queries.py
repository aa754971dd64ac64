"""What people can read of narrations; what one may not see is not found."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.permissions import Capability
from libs.common.database.engine import Database
from services.gateway.audio.selects import audio_files
from services.gateway.audio.tables import audios
from services.gateway.audio.views import AudioView, audio_view
from services.gateway.documents.selects import document_for
from services.gateway.narrations.facts import narration_facts, read_narrations
from services.gateway.narrations.progress import (
    NarrationFacts,
    narration_view,
    selected_ready,
)
from services.gateway.narrations.selects import is_over, narration_row
from services.gateway.narrations.views import NarrationView


@dataclass(frozen=True)
class NarrationQueries:
    """The queries. ``caller`` is who asks; every answer is what the caller may see."""

    database: Database

    async def narration(self, caller: UUID, narration_id: UUID) -> NarrationView:
        """Return a narration and how far it is.

        Raises:
            NotFound: There is none that the caller may see; so do all queries below.
        """
        async with self.database.reading() as connection:
            return narration_view(await self._facts(connection, caller, narration_id))

    async def narrations(self, caller: UUID, document_id: UUID) -> tuple[NarrationView, ...]:
        """Return the narrations of a document, newest first."""
        async with self.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)
            return await read_narrations(connection, document)

    async def page_audios(self, caller: UUID, narration_id: UUID) -> tuple[AudioView, ...]:
        """Return the audios of a narration's pages that are ready, in the order of the pages."""
        async with self.database.reading() as connection:
            facts = await self._facts(connection, caller, narration_id)
            about = audios.c.document_id == str(facts.document.document_id)
            rows = await audio_files(connection, about)
        chosen = {audio.audio_id for audio in selected_ready(facts)}
        ready = (audio_view(row) for row in rows if row.audio_id in chosen)
        return tuple(sorted(ready, key=lambda audio: audio.page))

    async def is_over(self, narration_id: UUID) -> bool:
        """Return whether a narration has ended, or its document is gone; one cheap look."""
        async with self.database.reading() as connection:
            return await is_over(connection, narration_id)

    async def _facts(
        self, connection: AsyncConnection, caller: UUID, narration_id: UUID
    ) -> NarrationFacts:
        narration = await narration_row(connection, narration_id)
        document = await document_for(
            connection, caller, narration.document_id, Capability.SEE_DOCUMENT, "narration"
        )
        return (await narration_facts(connection, document, [narration]))[0]
