"""What people can read of narrations; what one may not see is not found."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.contracts.permissions import Capability
from libs.common.database.engine import Database
from services.gateway.audio.renditions import one_per_sound
from services.gateway.audio.selects import audio_files, is_current
from services.gateway.audio.tables import audios
from services.gateway.audio.views import AudioView, audio_view
from services.gateway.documents.rows import DocumentRow
from services.gateway.documents.selects import document_for
from services.gateway.kernel.cursors import Slice, cursor, position
from services.gateway.kernel.limits import GatewayLimits
from services.gateway.narrations.facts import narration_facts, narration_views
from services.gateway.narrations.outcomes.missing import page_failures
from services.gateway.narrations.outcomes.page_outcomes import pages_that_are
from services.gateway.narrations.progress import NarrationFacts
from services.gateway.narrations.rows import NarrationRow
from services.gateway.narrations.selects import is_over, narration_row, narrations_of
from services.gateway.narrations.views import NarrationView, PageFailure


@dataclass(frozen=True)
class NarrationQueries:
    """The queries. ``caller`` is who asks; every answer is what the caller may see."""

    database: Database
    limits: GatewayLimits

    async def narration(self, caller: UUID, narration_id: UUID) -> NarrationView:
        """Return a narration and how far it is.

        Raises:
            NotFound: There is none that the caller may see; so do all queries below.
        """
        async with self.database.reading() as connection:
            row, document = await self._found(connection, caller, narration_id)
            (view,) = await narration_views(connection, self.limits, document, [row])
        return view

    async def narrations(
        self, caller: UUID, document_id: UUID, limit: int = 100, after: str | None = None
    ) -> Slice[NarrationView]:
        """Return the narrations of a document, newest first, from behind the cursor ``after``.

        Raises:
            Rejected: The cursor is none of ours.
        """
        place = None if after is None else position(after)
        async with self.database.reading() as connection:
            document = await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)
            rows = await narrations_of(connection, document_id, limit + 1, place)
            views = await narration_views(connection, self.limits, document, rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        following = cursor(last.requested_at, last.narration_id) if last else None
        return Slice(views, following)

    async def failures(
        self, caller: UUID, narration_id: UUID, limit: int, after: int = 0
    ) -> Slice[PageFailure]:
        """Return why pages of a narration behind page ``after`` failed, in their order."""
        async with self.database.reading() as connection:
            facts = await self._facts(connection, caller, narration_id)
            return await page_failures(connection, facts, limit, after)

    async def page_audios(self, caller: UUID, narration_id: UUID) -> tuple[AudioView, ...]:
        """Return the audios of a narration's pages that are ready, in the order of reading."""
        async with self.database.reading() as connection:
            facts = await self._facts(connection, caller, narration_id)
            narration, page_count = facts.narration, facts.document.pages_total
            ready = set(await pages_that_are(connection, narration, page_count, {"ready"}))
            rows = await audio_files(
                connection,
                audios.c.document_id == str(narration.document_id),
                tuple_(audios.c.engine, audios.c.voice, audios.c.rate) == narration.spoken_as,
                is_current(),
            )
        found = (audio_view(row) for row in one_per_sound(rows) if row.page in ready)
        order = facts.document.reading_order
        return tuple(sorted(found, key=lambda audio: order.position(audio.page)))

    async def is_over(self, narration_id: UUID) -> bool:
        """Return whether a narration has ended, or its document is gone; one cheap look."""
        async with self.database.reading() as connection:
            return await is_over(connection, narration_id)

    async def _facts(
        self, connection: AsyncConnection, caller: UUID, narration_id: UUID
    ) -> NarrationFacts:
        narration, document = await self._found(connection, caller, narration_id)
        return (await narration_facts(connection, document, [narration]))[0]

    async def _found(
        self, connection: AsyncConnection, caller: UUID, narration_id: UUID
    ) -> tuple[NarrationRow, DocumentRow]:
        narration = await narration_row(connection, narration_id)
        document = await document_for(
            connection, caller, narration.document_id, Capability.SEE_DOCUMENT, "narration"
        )
        return narration, document
