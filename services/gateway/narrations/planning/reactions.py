"""What follows for narrations from what happens to documents and audio."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from libs.common.contracts.audio import (
    AudiobookDeleted,
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
    PageEdited,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.narrations import (
    NarrationCanceled,
    NarrationCompleted,
    NarrationEvent,
    NarrationFailed,
    NarrationRequested,
)
from libs.common.contracts.tasks import TaskFailed
from libs.common.store.effects import Effect
from services.gateway.audio.projection import given_up
from services.gateway.documents.projection import page_given_up
from services.gateway.documents.turns import turn_of_owner
from services.gateway.kernel.record import Kernel, Reaction
from services.gateway.narrations.jobs import REQUEST_AUDIOBOOK
from services.gateway.narrations.planning import dispatch
from services.gateway.narrations.planning.completion import complete, end_without_audiobook
from services.gateway.narrations.planning.stalled import schedule_stall_check


def _asked(kernel: Kernel, event: NarrationRequested) -> Sequence[Effect]:
    """The pages that are there go on their way, and somebody looks after them."""
    return [*_interest(kernel, event), schedule_stall_check(kernel, event)]


def _interest(kernel: Kernel, event: NarrationEvent) -> Sequence[Effect]:
    """It is another matter now what the narration waits for."""
    return [turn_of_owner(event.document_id), kernel.together(dispatch.wait_for_pages, event)]


def _extracted(kernel: Kernel, event: PageExtracted) -> Sequence[Effect]:
    """Whoever asked for every page asked for this one, which may have been cut already."""
    page = event.document_id, event.page
    return [turn_of_owner(event.document_id), kernel.together(dispatch.look_at_new_pages, page)]


def _page(kernel: Kernel, event: PageSegmented | PageEdited | AudioReady) -> Sequence[Effect]:
    """A page can be spoken now, is another one, or is in flight no more."""
    page = event.document_id, event.page
    return [turn_of_owner(event.document_id), kernel.together(dispatch.look_at_pages, page)]


def _audio_gone(kernel: Kernel, event: AudioFailed | AudioDeleted) -> Sequence[Effect]:
    """Whoever counted on it may need another one, and there is room for the next page."""
    audio = event.document_id, event.audio_id
    return [turn_of_owner(event.document_id), kernel.together(dispatch.look_at_audios, audio)]


def _room(kernel: Kernel, document_id: UUID) -> Sequence[Effect]:
    """One page less is in flight: the owner's next one may go."""
    return [turn_of_owner(document_id), dispatch.next_pages_of(kernel, document_id)]


def _complete(
    kernel: Kernel,
    event: DocumentParsed | DocumentRejected | AudiobookReady | AudiobookFailed | AudiobookDeleted,
) -> Sequence[Effect]:
    """Nothing more is to be waited for, which may complete a narration or end it."""
    return [turn_of_owner(event.document_id), *complete(kernel, [event.document_id])]


def _deleted(kernel: Kernel, event: DocumentDeleted) -> Sequence[Effect]:
    """Nobody waits for its pages any longer."""
    shared = kernel.together(dispatch.forget_documents, event.document_id)
    return [turn_of_owner(event.document_id), shared]


def _task_failed(kernel: Kernel, event: TaskFailed) -> Sequence[Effect]:
    """Nobody waits any longer for what was given up, and the owner's next page may go."""
    document_id, page = event.document_id, page_given_up(event)
    if document_id is None:
        return []
    if (narration_id := _without_audiobook(event)) is not None:
        return [turn_of_owner(document_id), kernel.together(end_without_audiobook, narration_id)]
    effects = [*_room(kernel, document_id)]
    if page is not None:
        effects.append(kernel.together(dispatch.look_at_pages, (document_id, page)))
    if (audio_id := given_up(event, "audio")) is not None:
        effects.append(kernel.together(dispatch.look_at_audios, (document_id, audio_id)))
    return effects


def _without_audiobook(event: TaskFailed) -> UUID | None:
    """Return the narration whose audiobook could not be asked for; to try again would go on."""
    return given_up(event, "narration") if event.kind == REQUEST_AUDIOBOOK.name else None


REACTIONS: Mapping[type[Event], Reaction] = {
    NarrationRequested: _asked,
    NarrationCompleted: _interest,
    NarrationFailed: _interest,
    NarrationCanceled: _interest,
    PageExtracted: _extracted,
    PageSegmented: _page,
    PageEdited: _page,
    DocumentParsed: _complete,
    DocumentRejected: _complete,
    DocumentDeleted: _deleted,
    AudioReady: _page,
    AudioFailed: _audio_gone,
    AudioDeleted: _audio_gone,
    AudiobookReady: _complete,
    AudiobookFailed: _complete,
    AudiobookDeleted: _complete,
    TaskFailed: _task_failed,
}
