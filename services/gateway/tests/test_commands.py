from uuid import uuid4

import pytest

from libs.common.errors import Rejected, Unavailable
from libs.common.events import (
    AudioDeleted,
    AudioRequested,
    DocumentDeleted,
    DocumentRejected,
    DocumentSubmitted,
    NarrationRequested,
    PageEdited,
    Source,
)
from services.gateway.commands import Order
from services.gateway.problems import NotFound, QuotaExceeded, Stale
from services.gateway.tests.world import a_world


async def chunks(*parts):
    for each in parts:
        yield each


async def keys(world, prefix="documents/"):
    return [key async for key in world.storage.keys(prefix)]


async def test_a_file_is_stored_and_announced(world):
    commands = world.assembly.commands
    document = await commands.submit_stream(
        world.owner,
        chunks(b"one ", b"two"),
        kind="file",
        filename="a\x00\nfile.txt",
        title=" My\n title\x07 ",
    )
    (submitted,) = await world.decided(DocumentSubmitted)
    assert submitted.document_id == document
    assert submitted.title == "My title"
    assert submitted.source.filename == "a file.txt"
    assert await world.storage.read(submitted.source.object.key) == b"one two"


async def test_an_empty_file_is_refused_and_not_kept(world):
    with pytest.raises(Rejected, match="empty"):
        await world.hand_in(b"")
    assert await keys(world) == []


async def test_a_large_file_is_refused_and_not_kept(tmp_path):
    async with a_world(tmp_path, max_upload_bytes=10) as world:
        with pytest.raises(Rejected) as refused:
            await world.hand_in(b"x" * 11)
        assert refused.value.code == "too_large"
        assert await keys(world) == []


async def test_document_and_order_come_together_or_not_at_all(world):
    commands = world.assembly.commands
    upload = await commands.receive(chunks(b"text"))
    source = upload.source("file", "a.txt")
    unknown = Order(voice="nobody")
    with pytest.raises(Rejected, match="no voice"):
        await commands.submit(world.owner, upload.document_id, source, None, unknown)
    assert await world.decided(DocumentSubmitted) == []

    document, narration = await commands.submit(
        world.owner, upload.document_id, source, None, Order()
    )
    (asked,) = await world.decided(NarrationRequested)
    assert (asked.document_id, asked.narration_id) == (document, narration)


async def test_what_became_a_document_is_not_discarded(world):
    commands = world.assembly.commands
    upload, other = await commands.receive(chunks(b"a")), await commands.receive(chunks(b"b"))
    await commands.submit(world.owner, upload.document_id, upload.source("file", None), None)
    await commands.discard(upload)
    await commands.discard(other)
    assert await keys(world) == [upload.stored.key]


async def test_a_web_address_is_announced(world):
    document = await world.assembly.commands.submit_url(world.owner, "https://x.org/a", None)
    (submitted,) = await world.decided(DocumentSubmitted)
    assert submitted.document_id == document
    assert submitted.source == Source(kind="url", url="https://x.org/a")


async def test_deleting_a_document_forgets_what_was_wanted(world):
    document = await world.hand_in()
    await world.assembly.commands.narrate(world.owner, document, Order())
    await world.extract(document, 1)
    await world.assembly.commands.delete_document(world.owner, document)
    await world.cut(document, 1)
    assert await world.decided(AudioRequested) == []
    assert len(await world.decided(DocumentDeleted)) == 1
    with pytest.raises(NotFound):
        await world.assembly.commands.delete_document(world.owner, document)


async def test_pages_must_exist(world):
    document = await world.hand_in()
    await world.read(document, 2)
    with pytest.raises(Rejected, match="no page 3"):
        await world.assembly.commands.narrate(world.owner, document, Order(pages=(1, 3)))


async def test_a_rejected_document_is_not_spoken(world):
    document = await world.hand_in()
    await world.take(DocumentRejected(document_id=document, code="bad", reason="It is bad."))
    with pytest.raises(Rejected, match="could not be read"):
        await world.assembly.commands.narrate(world.owner, document, Order())


async def test_without_engines_there_is_no_order(tmp_path):
    async with a_world(tmp_path) as world:
        document = await world.hand_in()
        with pytest.raises(Unavailable):
            await world.assembly.commands.narrate(world.owner, document, Order())


async def test_edits_count_up_and_none_is_lost(world):
    document = await world.hand_in()
    await world.read(document, 1)
    edit = world.assembly.commands.edit_page
    assert await edit(world.owner, document, 1, "First\r\nedit", 0) == 1
    with pytest.raises(Stale):
        await edit(world.owner, document, 1, "Second edit, of the old text", 0)
    with pytest.raises(NotFound):
        await edit(world.owner, document, 2, "No such page", 0)
    assert await edit(world.owner, document, 1, "Second edit", 1) == 2
    texts = [key async for key in world.storage.keys("documents/") if key.endswith(".md")]
    assert len(texts) == 3
    first, second = await world.decided(PageEdited)
    assert await world.storage.read(first.text.key) == b"First\nedit\n"
    assert await world.storage.read(second.text.key) == b"Second edit\n"
    assert (second.revision, second.language) == (2, "en")


@pytest.mark.parametrize("text", ["", " \n ", "nul \x00", "\uffff"])
async def test_a_page_needs_text(world, text):
    document = await world.hand_in()
    await world.read(document, 1)
    with pytest.raises(Rejected):
        await world.assembly.commands.edit_page(world.owner, document, 1, text, 0)


async def test_deleting_an_audio_frees_its_voice(tmp_path):
    async with a_world(tmp_path, max_audios_per_page=1) as world:
        from services.gateway.tests.world import VOICES

        await world.take(VOICES)
        document = await world.hand_in()
        await world.read(document, 1)
        narrate = world.assembly.commands.narrate
        await narrate(world.owner, document, Order(voice="en"))
        await world.speak_everything()
        with pytest.raises(QuotaExceeded):
            await narrate(world.owner, document, Order(voice="de"))
        (asked,) = await world.decided(AudioRequested)
        await world.assembly.commands.delete_audio(world.owner, asked.audio_id)
        assert [each.audio_id for each in await world.decided(AudioDeleted)] == [asked.audio_id]
        await narrate(world.owner, document, Order(voice="de"))
        assert len(await world.decided(AudioRequested)) == 2


async def test_strangers_find_nothing(world):
    document, stranger = await world.hand_in(), uuid4()
    await world.read(document, 1)
    await world.assembly.commands.narrate(world.owner, document, Order())
    (asked,) = await world.decided(AudioRequested)
    commands = world.assembly.commands
    for refused in (
        commands.delete_document(stranger, document),
        commands.narrate(stranger, document, Order()),
        commands.edit_page(stranger, document, 1, "Mine now", 0),
        commands.delete_audio(stranger, asked.audio_id),
    ):
        with pytest.raises(NotFound):
            await refused
    assert [key for key in await keys(world) if ".r1." in key] == []


def test_an_audiobook_decides_the_formats_of_its_pages():
    assert Order().formats == ("m4a",)
    assert Order(audiobook="m4b").formats == ("m4a",)
    assert Order(format="mp3", audiobook="m4b").formats == ("mp3", "m4a")
    assert Order(format="opus", audiobook="opus").formats == ("opus",)
