from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudioProgressed, AudioRequested
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import of_audio
from services.gateway.watching.status import Watch


@pytest.mark.slow
async def test_every_change_raises_the_counter(world):
    document = await world.hand_in()
    watch = Watch(world.database, world.kernel.limits, document)
    changes, status = await watch.look(None)
    assert status is not None
    assert status.document.state == "submitted"
    assert await watch.look(changes) == (changes, None)

    async def progress(done):
        (asked,) = await world.decided(AudioRequested)
        await world.take(AudioProgressed(**of_audio(asked), page=1, done=done, total=2))

    async def speak():
        await world.speak((await world.decided(AudioRequested))[0])

    async def delete():
        (asked,) = await world.decided(AudioRequested)
        await world.audio.delete(world.owner, asked.audio_id)

    seen = {changes}
    for change in (
        lambda: world.extract(document, 1),
        lambda: world.parse(document, 1),
        lambda: world.narrations.narrate(world.owner, document, NarrationOptions(audiobook="m4b")),
        lambda: world.cut(document, 1),
        lambda: progress(1),
        lambda: progress(2),
        speak,
        lambda: world.documents.edit_page(world.owner, document, 1, "New", 0),
        lambda: world.cut(document, 1, revision=1),
        delete,
    ):
        await change()
        changes, status = await watch.look(changes)
        assert status is not None
        assert changes not in seen
        seen.add(changes)
    assert status is not None
    assert (status.audios, [page.state for page in status.pages]) == ((), ["speakable"])

    await world.documents.delete(world.owner, document)
    with pytest.raises(NotFound):
        await watch.look(changes)


async def test_what_was_never_handed_in_has_no_status(world):
    with pytest.raises(NotFound):
        await Watch(world.database, world.kernel.limits, uuid4()).look(None)
