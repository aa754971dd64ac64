"""Documents and their pages, as the gateway registers them."""

from libs.common.contracts.documents import (
    DocumentParsed,
    DocumentRejected,
    PageExtracted,
    PageSegmented,
)
from libs.common.contracts.tasks import TaskFailed
from services.gateway.documents.arranging.routes import router as arranging_router
from services.gateway.documents.details import REACTIONS
from services.gateway.documents.leaving.departures import (
    DEPARTURE_REACTIONS,
    delete_documents_route,
)
from services.gateway.documents.projection import FOLDS
from services.gateway.documents.public_links.routes import router as link_router
from services.gateway.documents.routes import router
from services.gateway.documents.shares.routes import router as share_router
from services.gateway.documents.stored.keeping import STORED_REACTIONS
from services.gateway.documents.stored.tables import owner_storage, stored_files
from services.gateway.documents.tables import (
    document_details,
    document_listings,
    documents,
    pages,
)
from services.gateway.documents.upkeep.routes import router as upkeep_router
from services.gateway.kernel.pending import remove_pending_route
from services.gateway.kernel.record import Feature, in_turn

DOCUMENTS = Feature(
    name="documents",
    routes=(PageExtracted, PageSegmented, DocumentParsed, DocumentRejected, TaskFailed),
    folds=FOLDS,
    reactions=in_turn(REACTIONS, DEPARTURE_REACTIONS, STORED_REACTIONS),
    tables=(
        documents,
        pages,
        document_details,
        document_listings,
        stored_files,
        owner_storage,
    ),
    read_models=(documents, pages),
    work=(remove_pending_route, delete_documents_route),
    api=(router, upkeep_router, arranging_router, share_router, link_router),
)
