"""What the gateway does when an event of another service arrives.

The read models follow, then the policy decides. The table at the end is the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.effects import Effect
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
from services.gateway.completion import request_audiobooks
from services.gateway.policy import Policy, followed, lock_owner_of
from services.gateway.projections import fold
from services.gateway.tables import wanted


@dataclass(frozen=True)
class Gateway:
    """The handlers and what they need."""

    policy: Policy

    async def fold(self, event: Event) -> Sequence[Effect]:
        """Only the read models follow."""
        return followed(event)

    async def extracted(self, event: PageExtracted) -> Sequence[Effect]:
        """Whoever asked for every page asked for this one, which may have been cut already."""

        async def want(connection: AsyncConnection) -> Sequence[Effect]:
            return await self.policy.want_page(connection, event)

        return [*followed(event), want, *self._go_on(str(event.document_id))]

    async def segmented(self, event: PageSegmented) -> Sequence[Effect]:
        """A page can be spoken now."""
        return [*followed(event), *self._go_on(str(event.document_id))]

    async def parsed(self, event: DocumentParsed) -> Sequence[Effect]:
        """The number of pages is known now, which may complete a narration."""
        return [*followed(event), self._complete(str(event.document_id))]

    async def spoken(self, event: AudioReady | AudioFailed) -> Sequence[Effect]:
        """One page less in flight: the next one of its owner may go."""
        return [*followed(event), *self._go_on(str(event.document_id))]

    async def gave_up(self, event: TaskFailed) -> Sequence[Effect]:
        """A page that cannot be cut will never be spoken: nobody waits for it any longer."""
        effects = followed(event)
        if fold(event):
            effects.append(
                delete(wanted).where(
                    wanted.c.document_id == str(event.document_id), wanted.c.page == event.page
                )
            )
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

    def _go_on(self, document: str) -> list[Effect]:
        """Request the next pages of the document's owner, then what is complete."""

        async def dispatch(connection: AsyncConnection) -> Sequence[Effect]:
            owner = await lock_owner_of(connection, document)
            return await self.policy.dispatch(connection, owner) if owner else []

        return [dispatch, self._complete(document)]

    @staticmethod
    def _complete(document: str) -> Effect:
        async def complete(connection: AsyncConnection) -> Sequence[Effect]:
            return await request_audiobooks(connection, document)

        return complete


CONSUMES = tuple(each.event for each in Gateway(Policy()).routes())
