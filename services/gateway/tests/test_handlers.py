from uuid import uuid4

from sqlalchemy import func, select

from libs.common.events import AudioRequested, TaskFailed, VoicesAnnounced
from services.gateway.app import PUBLISHES
from services.gateway.commands import Order
from services.gateway.handlers import CONSUMES
from services.gateway.tables import wanted
from services.gateway.tests.world import VOICES


async def test_an_event_that_comes_again_changes_nothing(world):
    document = await world.hand_in()
    await world.assembly.commands.narrate(world.owner, document, Order())
    await world.read(document, 1)
    (asked,) = await world.decided(AudioRequested)
    await world.speak(asked)
    before = await world.assembly.queries.narrations(world.owner, document)
    assert not await world.consumer.handle(world.routes[VoicesAnnounced], VOICES)
    assert await world.assembly.queries.narrations(world.owner, document) == before


async def test_nobody_waits_for_a_page_that_cannot_be_cut(world):
    document = await world.hand_in()
    narration = await world.assembly.commands.narrate(world.owner, document, Order())
    await world.extract(document, 1)
    await world.parse(document, 1)
    await world.take(
        TaskFailed(
            task_id=uuid4(),
            service="segmenter",
            kind="cut",
            document_id=document,
            page=1,
            code="too_odd",
            reason="The page is too odd.",
            attempts=1,
            fingerprint="f",
        )
    )
    async with world.database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(wanted)) == 0
    view = await world.assembly.queries.narration(world.owner, narration)
    assert view.state == "failed"
    assert [(each.page, each.code) for each in view.pages_failed] == [(1, "too_odd")]


def test_what_is_consumed_is_of_other_services():
    assert {each for each in CONSUMES if each.producer == "gateway"} == set()
    assert {each for each in PUBLISHES if each.producer not in {"gateway", "*"}} == set()
