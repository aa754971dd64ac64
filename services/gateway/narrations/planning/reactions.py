"""What follows for narrations from what happens to documents and audio."""

from collections.abc import Mapping, Sequence

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookReady,
    AudioDeleted,
    AudioFailed,
    AudioReady,
)
from libs.common.contracts.base import Event
from libs.common.contracts.documents import (
    DocumentDeleted,
    DocumentParsed,
    DocumentRejected,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.narrations import NarrationRequested
from libs.common.contracts.tasks import TaskFailed
from libs.common.store.effects import Effect
from services.gateway.documents.projection import page_given_up
from services.gateway.documents.turns import turn_of_owner
from services.gateway.kernel.record import Kernel, Reaction
from services.gateway.narrations.planning import dispatch
from services.gateway.narrations.planning.completion import complete
from services.gateway.narrations.planning.watching import watch


def _asked(kernel: Kernel, event: NarrationRequested) -> Sequence[Effect]:
    """The pages that are there go on their way, and somebody looks after them."""
    return [
        turn_of_owner(event.document_id),
        kernel.together(dispatch.request_known_pages, event),
        watch(kernel, event),
    ]


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


def _complete(
    kernel: Kernel,
    event: DocumentParsed | DocumentRejected | AudiobookReady | AudiobookFailed,
) -> Sequence[Effect]:
    """Nothing more is to be waited for, which may complete a narration or end it."""
    return [turn_of_owner(event.document_id), *complete(kernel, [event.document_id])]


def _deleted(kernel: Kernel, event: DocumentDeleted) -> Sequence[Effect]:
    """Nobody waits for its pages any longer."""
    shared = kernel.together(dispatch.forget_documents, event.document_id)
    return [turn_of_owner(event.document_id), shared]


def _task_failed(kernel: Kernel, event: TaskFailed) -> Sequence[Effect]:
    """Nobody waits any longer for what was given up, and the owner's next page may go."""
    document_id = event.document_id
    if document_id is None:
        return []
    effects: list[Effect] = [turn_of_owner(document_id)]
    if page_given_up(event) is not None:
        effects.append(kernel.together(dispatch.forget_failed_pages, event))
    return [*effects, dispatch.next_pages_of(kernel, document_id)]


REACTIONS: Mapping[type[Event], Reaction] = {
    NarrationRequested: _asked,
    PageExtracted: _extracted,
    PageSegmented: _next_pages,
    DocumentParsed: _complete,
    DocumentRejected: _complete,
    DocumentDeleted: _deleted,
    AudioReady: _next_pages,
    AudioFailed: _next_pages,
    AudioDeleted: _next_pages,
    AudiobookReady: _complete,
    AudiobookFailed: _complete,
    TaskFailed: _task_failed,
}
