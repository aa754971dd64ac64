"""What follows for narrations from what happens to documents and audio."""

from collections.abc import Mapping, Sequence

from libs.common.contracts.audio import AudioDeleted, AudioFailed, AudioReady
from libs.common.contracts.base import Event
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.store.effects import Effect
from services.gateway.documents.projection import is_of_a_page_that_cannot_be_cut
from services.gateway.kernel.record import Kernel, Reaction
from services.gateway.narrations.planning import dispatch
from services.gateway.narrations.planning.completion import complete
from services.gateway.narrations.planning.turns import turn_of_owner


def _asked(kernel: Kernel, event: NarrationRequested) -> Sequence[Effect]:
    """The pages that are there go on their way."""
    return [turn_of_owner(event.document_id), kernel.together(dispatch.request_known_pages, event)]


def _extracted(kernel: Kernel, event: PageExtracted) -> Sequence[Effect]:
    """Whoever asked for every page asked for this one, which may have been cut already."""
    shared = kernel.together(dispatch.request_extracted_pages, event)
    return [turn_of_owner(event.document_id), shared]


def _next_pages(
    kernel: Kernel, event: PageSegmented | AudioReady | AudioFailed | AudioDeleted
) -> Sequence[Effect]:
    """A page can be spoken now, or one page less is in flight: the owner's next one may go."""
    document_id = event.document_id
    return [turn_of_owner(document_id), dispatch.next_pages_of(kernel, document_id)]


def _parsed(kernel: Kernel, event: DocumentParsed) -> Sequence[Effect]:
    """The number of pages is known now, which may complete a narration."""
    return [turn_of_owner(event.document_id), *complete(kernel, [event.document_id])]


def _deleted(kernel: Kernel, event: DocumentDeleted) -> Sequence[Effect]:
    """Nobody waits for its pages any longer."""
    shared = kernel.together(dispatch.forget_documents, event.document_id)
    return [turn_of_owner(event.document_id), shared]


def _task_failed(kernel: Kernel, event: TaskFailed) -> Sequence[Effect]:
    """Nobody waits any longer for a page that cannot be cut."""
    if event.document_id is None or not is_of_a_page_that_cannot_be_cut(event):
        return []
    return [turn_of_owner(event.document_id), kernel.together(dispatch.forget_failed_pages, event)]


REACTIONS: Mapping[type[Event], Reaction] = {
    NarrationRequested: _asked,
    PageExtracted: _extracted,
    PageSegmented: _next_pages,
    DocumentParsed: _parsed,
    DocumentDeleted: _deleted,
    AudioReady: _next_pages,
    AudioFailed: _next_pages,
    AudioDeleted: _next_pages,
    TaskFailed: _task_failed,
}
