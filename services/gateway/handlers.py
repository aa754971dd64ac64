"""What the gateway does when an event of another service arrives.

The read models follow, then the policy decides. The table at the end is the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.effects import Effect, Together
from libs.common.events import (
    AudiobookFailed,
    AudiobookReady,
    AudioFailed,
    AudioProgressed,
    AudioReady,
    DocumentParsed,
    DocumentRejected,
    Event,
    PageExtracted,
    PageSegmented,
    TaskFailed,
    VoicesAnnounced,
)
from libs.common.routes import Route, on
from services.gateway.completion import complete, go_on
from services.gateway.policy import Policy, cut_already, followed, lock_owner_of, lock_owners_of
from services.gateway.projections import fold
from services.gateway.tables import pages, wanted


@dataclass(frozen=True)
class Gateway:
    """The handlers and what they need."""

    policy: Policy

    async def fold(self, event: Event) -> Sequence[Effect]:
        """Only the read models follow."""
        return followed(event)

    async def extracted(self, event: PageExtracted) -> Sequence[Effect]:
        """Whoever asked for every page asked for this one, which may have been cut already."""
        return [*followed(event), Together(self._want, event)]

    async def segmented(self, event: PageSegmented) -> Sequence[Effect]:
        """A page can be spoken now."""
        return [*followed(event), Together(self._go_on, str(event.document_id))]

    async def parsed(self, event: DocumentParsed) -> Sequence[Effect]:
        """The number of pages is known now, which may complete a narration."""
        return [*followed(event), Together(complete, str(event.document_id))]

    async def spoken(self, event: AudioReady | AudioFailed) -> Sequence[Effect]:
        """One page less in flight: the next one of its owner may go."""
        return [*followed(event), Together(self._go_on, str(event.document_id))]

    async def gave_up(self, event: TaskFailed) -> Sequence[Effect]:
        """A page that cannot be cut will never be spoken: nobody waits for it any longer.

        The failure may be that of an older text: who waits for an edited page goes on waiting.
        """
        effects = followed(event)
        if fold(event):
            effects.append(_unwant(str(event.document_id), event.page))
        return effects

    def routes(self) -> list[Route]:
        """Which event goes where."""
        return [
            on(PageExtracted, self.extracted),
            on(PageSegmented, self.segmented),
            on(DocumentParsed, self.parsed),
            on(DocumentRejected, self.fold),
            on(VoicesAnnounced, self.fold),
            on(AudioProgressed, self.fold),
            on(AudioReady, self.spoken),
            on(AudioFailed, self.spoken),
            on(AudiobookReady, self.fold),
            on(AudiobookFailed, self.fold),
            on(TaskFailed, self.gave_up),
        ]

    async def _want(
        self, connection: AsyncConnection, extracted: Sequence[PageExtracted]
    ) -> Sequence[Effect]:
        noted = await self.policy.want_extracted(connection, extracted)
        cut = await cut_already(connection, extracted)
        return [*noted, *(Together(self._go_on, each) for each in cut)]

    async def _go_on(
        self, connection: AsyncConnection, documents: Sequence[str]
    ) -> Sequence[Effect]:
        """Request the next pages of the documents' owners, then what is complete."""
        effects: list[Effect] = []
        for owner in await lock_owners_of(connection, set(documents)):
            effects += await go_on(connection, self.policy, owner)
        return [*effects, *(Together(complete, each) for each in documents)]


def _unwant(document: str, page: int | None) -> Effect:
    async def unwant(connection: AsyncConnection) -> Sequence[Effect]:
        await lock_owner_of(connection, document)
        this = pages.c.document_id == document, pages.c.page == page
        new = or_(pages.c.edited_revision.is_not(None), pages.c.segments_revision.is_not(None))
        return [
            delete(wanted)
            .where(wanted.c.document_id == document, wanted.c.page == page)
            .where(~exists().where(*this, new))
        ]

    return unwant


CONSUMES = tuple(each.event for each in Gateway(Policy()).routes())
