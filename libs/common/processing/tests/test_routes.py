from collections.abc import Sequence

from libs.common.contracts.documents import DocumentDeleted
from libs.common.processing.routes import Route, on
from libs.common.store.effects import Effect


async def deleted(event: DocumentDeleted) -> Sequence[Effect]:
    return [event]


def test_a_route_is_the_event_and_its_handler():
    assert on(DocumentDeleted, deleted) == Route(DocumentDeleted, deleted)
