"""What the gateway does when an event of another service arrives: every feature follows it.

Read models first, then what follows from the event; see ``kernel/record.py``. Which events these
are, the features say; the table in ``__init__`` is checked against them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.common.contracts.base import Event
from libs.common.processing.routes import Route, on
from libs.common.store.effects import Effect
from services.gateway.documents.details import details_of
from services.gateway.kernel.record import Kernel, consumed


@dataclass(frozen=True)
class Handlers:
    """The handlers and what they need."""

    kernel: Kernel

    async def project(self, event: Event) -> Sequence[Effect]:
        """Have all features follow the event, and keep what it refers to."""
        said = await details_of(self.kernel.storage, event)
        return [*self.kernel.project(event), *said]

    def routes(self) -> list[Route]:
        """Which event goes where."""
        return [on(event, self.project) for event in consumed(self.kernel.features)]
