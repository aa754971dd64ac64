from uuid import uuid4

import pytest

from libs.common.events import AudioProgressed, AudioRequested
from services.gateway.commands import Order
from services.gateway.problems import NotFound
from services.gateway.status import Watch


async def test_every_change_has_another_stamp(world):
    document = await world.hand_in()
    watch = Watch(world.database, world.owner, document)
    stamp, status = await watch.look(None)
    assert status is not None
    assert status.document.state == "submitted"
    assert await watch.look(stamp) == (stamp, None)

    async def progress(done):
        (asked,) = await world.decided(AudioRequested)
        about = {"document_id": document, "audio_id": asked.audio_id, "page": 1}
        await world.take(AudioProgressed(**about, done=done, total=2))

    async def speak():
        await world.speak((await world.decided(AudioRequested))[0])

    async def delete():
        (asked,) = await world.decided(AudioRequested)
        await world.assembly.commands.delete_audio(world.owner, asked.audio_id)

    seen = {stamp}
    for change in (
        lambda: world.extract(document, 1),
        lambda: world.parse(document, 1),
        lambda: world.assembly.commands.narrate(world.owner, document, Order(audiobook="m4b")),
        lambda: world.cut(document, 1),
        lambda: progress(1),
        lambda: progress(2),
        speak,
        lambda: world.assembly.commands.edit_page(world.owner, document, 1, "New", 0),
        lambda: world.cut(document, 1, revision=1),
        delete,
    ):
        await change()
        stamp, status = await watch.look(stamp)
        assert status is not None
        assert stamp not in seen
        seen.add(stamp)
    assert status is not None
    assert (status.audios, [each.state for each in status.pages]) == ((), ["speakable"])

    await world.assembly.commands.delete_document(world.owner, document)
    with pytest.raises(NotFound):
        await watch.look(stamp)


async def test_strangers_see_nothing(world):
    document = await world.hand_in()
    with pytest.raises(NotFound):
        await Watch(world.database, uuid4(), document).look(None)
