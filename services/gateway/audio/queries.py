"""What people can read of audio; what one may not see is not found."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.contracts.permissions import Capability
from libs.common.database.engine import Database
from services.gateway.audio.selects import (
    audio_files,
    audio_row,
    audiobook_row,
    engines,
)
from services.gateway.audio.tables import audios
from services.gateway.audio.views import (
    AudiobookView,
    AudioView,
    EngineView,
    audio_view,
    audiobook_view,
    engine_view,
)
from services.gateway.audio.voices import default_engine
from services.gateway.documents.queries import read_document, read_page
from services.gateway.documents.views import DocumentView, PageView


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
        return view, tuple(map(audio_view, reversed(rows)))

    async def voices(self) -> tuple[EngineView, ...]:
        """Return every engine that has announced itself and its voices; the default one first."""
        async with self.database.reading() as connection:
            rows = await engines(connection)
        if not rows:
            return ()
        default = default_engine(rows)
        first = sorted(rows, key=lambda row: row is not default)
        return tuple(engine_view(row, row is default) for row in first)
