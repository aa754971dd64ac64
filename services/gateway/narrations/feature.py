"""Narrations, as the gateway registers them."""

from libs.common.contracts.audio import (
    AudiobookFailed,
    AudiobookReady,
    AudioFailed,
    AudioReady,
)
from libs.common.contracts.documents import (
    DocumentParsed,
    DocumentRejected,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.tasks import TaskFailed
from services.gateway.kernel.record import Feature
from services.gateway.narrations import routes
from services.gateway.narrations.budget import daily_characters as counted
from services.gateway.narrations.follow_ups import routes as follow_up_routes
from services.gateway.narrations.planning.audiobooks import request_audiobook_route
from services.gateway.narrations.planning.reactions import REACTIONS
from services.gateway.narrations.planning.resuming import resume_dispatch_route
from services.gateway.narrations.planning.stalled import end_stalled_route
from services.gateway.narrations.planning.waiting import derive_all
from services.gateway.narrations.projection import FOLDS
from services.gateway.narrations.submitting import submit_routes
from services.gateway.narrations.tables import (
    daily_characters,
    narration_ranges,
    narrations,
    page_requests,
)

NARRATIONS = Feature(
    name="narrations",
    routes=(
        PageExtracted,
        PageSegmented,
        DocumentParsed,
        DocumentRejected,
        AudioReady,
        AudioFailed,
        AudiobookReady,
        AudiobookFailed,
        TaskFailed,
    ),
    folds=FOLDS,
    reactions=REACTIONS,
    tables=(narrations, narration_ranges, page_requests, daily_characters),
    read_models=(narrations, narration_ranges),
    derived={page_requests: derive_all, daily_characters: counted.derive_all},
    work=(request_audiobook_route, end_stalled_route, resume_dispatch_route),
    api=(submit_routes.router, routes.router, follow_up_routes.router),
)
