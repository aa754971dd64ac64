"""What people can read of audio; what one may not see is not found."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.permissions import Capability
from libs.common.database.engine import Database
from services.gateway.audio.renditions import one_per_sound
from services.gateway.audio.rows import EngineRow, WantedAudios
from services.gateway.audio.selects import (
    audio_files,
    audio_files_behind,
    audio_row,
    audiobook_row,
    audiobooks_of,
    engines,
)
from services.gateway.audio.tables import audios
from services.gateway.audio.views import (
    MOST_AUDIOS,
    AudiobookView,
    AudioState,
    AudioView,
    EngineView,
    VoiceView,
    audio_view,
    audiobook_view,
    engine_view,
    voice_views,
)
from services.gateway.audio.voices import default_engine
from services.gateway.documents.queries import read_document, read_page
from services.gateway.documents.selects import document_for
from services.gateway.documents.views import DocumentView, PageView
from services.gateway.kernel.cursors import Slice, cursor, position

MOST_LOOKED_AT = 2000
"""Audios that one answer looks at, each format of a page by itself; more than all of one page."""


@dataclass(frozen=True)
class AudioQueries:
    """The queries. ``caller`` is who asks; every answer is what the caller may see."""

    database: Database

    async def audio(
        self, caller: UUID, audio_id: UUID, capability: Capability = Capability.SEE_DOCUMENT
    ) -> tuple[AudioView, DocumentView]:
        """Return an audio and the document it is of.

        Raises:
            NotFound: There is none that the caller may see; so do all queries below.
        """
        async with self.database.reading() as connection:
            row = await audio_row(connection, audio_id)
            document = await read_document(
                connection, caller, row.document_id, capability=capability, what="audio"
            )
        return audio_view(row), document

    async def audiobook(
        self, caller: UUID, audiobook_id: UUID, capability: Capability = Capability.SEE_DOCUMENT
    ) -> tuple[AudiobookView, DocumentView]:
        """Return an audiobook and the document it is of."""
        async with self.database.reading() as connection:
            row = await audiobook_row(connection, audiobook_id)
            document = await read_document(
                connection, caller, row.document_id, capability=capability, what="audiobook"
            )
        return audiobook_view(row), document

    async def audios(
        self, caller: UUID, wanted: WantedAudios, limit: int, state: AudioState | None = None
    ) -> Slice[AudioView]:
        """Return audios of a document, by page and sound, in one ``state`` or in any.

        There may be fewer than ``limit``, or none, though more follow: an answer looks at
        :data:`MOST_LOOKED_AT` of them at most.

        Raises:
            Rejected: The cursor is none of ours.
        """
        async with self.database.reading() as connection:
            await document_for(connection, caller, wanted.document_id, Capability.SEE_DOCUMENT)
            rows = await audio_files_behind(connection, wanted, MOST_LOOKED_AT)
        alike = one_per_sound(rows)
        if len(rows) == MOST_LOOKED_AT:
            alike.pop()  # of the last sound, some may be missing
        views = [audio_view(row) for row in alike]
        chosen = [view for view in views if state in {None, view.state}]
        last = None
        if len(chosen) > limit:
            last = chosen[limit - 1]
        elif len(rows) == MOST_LOOKED_AT:
            last = views[-1]
        return Slice(tuple(chosen[:limit]), str(last.audio_id) if last else None)

    async def audiobooks(
        self, caller: UUID, document_id: UUID, limit: int, after: str | None = None
    ) -> Slice[AudiobookView]:
        """Return the audiobooks of a document, newest first, from behind the cursor ``after``.

        Raises:
            Rejected: The cursor is none of ours.
        """
        place = None if after is None else position(after)
        async with self.database.reading() as connection:
            await document_for(connection, caller, document_id, Capability.SEE_DOCUMENT)
            rows = await audiobooks_of(connection, document_id, limit + 1, place)
        last = rows[limit - 1] if len(rows) > limit else None
        following = cursor(last.requested_at, last.audiobook_id) if last else None
        return Slice(tuple(map(audiobook_view, rows[:limit])), following)

    async def page(
        self, caller: UUID, document_id: UUID, page: int
    ) -> tuple[PageView, tuple[AudioView, ...]]:
        """Return a page and the audios of its text as it is now, newest first."""
        async with self.database.reading() as connection:
            view = await read_page(connection, caller, document_id, page)
            rows = await audio_files(
                connection,
                audios.c.document_id == str(document_id),
                audios.c.page == page,
                audios.c.revision == view.revision,
            )
        newest = reversed(one_per_sound(rows)[-MOST_AUDIOS:])
        return view, tuple(map(audio_view, newest))

    async def engines(self) -> tuple[EngineView, ...]:
        """Return every engine that has announced itself; the default one first."""
        rows = await self._engines()
        return tuple(engine_view(row, number == 0) for number, row in enumerate(rows))

    async def voices(
        self, engine: str | None = None, language: str | None = None
    ) -> tuple[VoiceView, ...]:
        """Return the voices of every engine, or of one; those that speak a language, or all."""
        return tuple(
            voice
            for row in await self._engines()
            if engine in {None, row.engine}
            for voice in voice_views(row, language)
        )

    async def _engines(self) -> Sequence[EngineRow]:
        """The engines that have announced themselves, the default one first."""
        async with self.database.reading() as connection:
            rows = await engines(connection)
        default = default_engine(rows) if rows else None
        return sorted(rows, key=lambda row: row is not default)
