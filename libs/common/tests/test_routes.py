from collections.abc import Sequence

from libs.common.effects import Effect
from libs.common.events import DocumentDeleted
from libs.common.routes import Route, on


async def deleted(event: DocumentDeleted) -> Sequence[Effect]:
    return [event]


def test_a_route_is_the_event_and_its_handler():
    assert on(DocumentDeleted, deleted) == Route(DocumentDeleted, deleted)
