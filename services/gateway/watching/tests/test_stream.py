import asyncio
import json
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from uuid import uuid4

import httpx
import pytest

from libs.common.contracts.audio import AudioProgressed, AudioRequested
from libs.common.runtime.http_server import HttpServer
from services.gateway.kernel.errors import NotFound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world, of_audio
from services.gateway.watching.feeds import Feeds
from services.gateway.watching.stream import StreamPace, differences, status_events

QUICK = StreamPace(pause_s=0.0)


async def may_see():
    return True


async def may_not_see():
    return False


@asynccontextmanager
async def following(world, document, pace=QUICK, allowed=may_see, feeds=None):
    """The parsed events of a stream, one by one."""
    changes = world.kernel.changes

    async def parsed():
        with (feeds or Feeds(changes, world.kernel.limits)).of(document) as feed:
            stream = await stack.enter_async_context(
                aclosing(status_events(feed, changes, allowed, pace))
            )
            async for text in stream:
                lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
                yield (lines["event"], json.loads(lines["data"])) if "event" in lines else text

    async with AsyncExitStack() as stack, aclosing(parsed()) as events:
        yield events


async def until(events, wanted):
    async for kind, value in events:
        if wanted(kind, value):
            return value
    raise AssertionError("the stream ended")


@pytest.mark.slow
async def test_a_snapshot_then_what_changes(world):
    document = await world.hand_in()
    await world.extract(document, 1)
    async with following(world, document) as events:
        kind, snapshot = await anext(events)
        assert kind == "snapshot"
        assert snapshot["document"]["state"] == "reading"
        assert [page["page"] for page in snapshot["pages"]] == [1]
        assert (snapshot["audios"], snapshot["narrations"]) == ([], [])

        await world.narrations.narrate(world.owner, document, NarrationOptions())
        await until(events, lambda kind, _: kind == "narration")
        await world.extract(document, 2)
        assert (await until(events, lambda kind, _: kind == "page"))["page"] == 2
        await world.cut(document, 1)
        await world.parse(document, 2)
        await until(events, lambda kind, value: kind == "document" and value["state"] == "ready")
        (asked,) = await world.decided(AudioRequested)
        await world.take(AudioProgressed(**of_audio(asked), page=1, done=1, total=2))
        progress = await until(events, lambda kind, value: kind == "audio" and value["done"] == 1)
        assert (progress["state"], progress["total"]) == ("speaking", 2)
        await world.speak(asked)
        await until(events, lambda kind, value: kind == "audio" and value["state"] == "ready")
        await world.audio.delete(world.owner, asked.audio_id)
        gone = await until(events, lambda kind, _: kind == "audio_deleted")
        assert gone == {"document_id": str(document), "audio_id": str(asked.audio_id)}


@pytest.mark.slow
async def test_a_failure_is_told_with_its_reason(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    (asked,) = await world.decided(AudioRequested)
    async with following(world, document) as events:
        await anext(events)
        await world.fail(asked, "engine_broke", "The engine broke.")
        failed = await until(
            events, lambda kind, value: kind == "narration" and value["state"] == "failed"
        )
        assert failed["pages_failed"] == 1


@pytest.mark.slow
async def test_every_event_says_which_document_it_is_about(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    (asked,) = await world.decided(AudioRequested)
    kinds = set()
    async with following(world, document) as events:
        async for kind, value in events:
            assert value["document_id"] == str(document), kind
            if kind == "snapshot":
                await world.documents.edit_page(world.owner, document, 1, "New", 0)
                await world.audio.delete(world.owner, asked.audio_id)
            if kind == "audio_deleted":
                await world.documents.delete(world.owner, document)
            kinds.add(kind)
    assert {"snapshot", "page", "audio_deleted", "deleted"} <= kinds


def test_a_narration_that_is_not_shown_any_more_is_no_event():
    document = {("document", ""): {"document_id": "d"}}
    old, new = {("narration", "1"): {"state": "ready"}}, {("narration", "2"): {"state": "open"}}
    told = differences(document | old, document | new)
    assert told == [("narration", {"state": "open"})]


async def test_only_what_changed_is_told(world):
    document = await world.hand_in()
    await world.read(document, 5)
    async with following(world, document) as events:
        await anext(events)
        await world.documents.edit_page(world.owner, document, 3, "New", 0)
        kind, page = await anext(events)
        assert (kind, page["page"], page["revision"]) == ("page", 3, 1)
        await world.cut(document, 3, revision=1)
        kind, page = await anext(events)
        assert (kind, page["page"], page["state"]) == ("page", 3, "speakable")


async def test_the_end_of_a_document_is_the_last_event(world):
    document = await world.hand_in()
    async with following(world, document) as events:
        await anext(events)
        await world.documents.delete(world.owner, document)
        told = [event async for event in events]
    assert told == [("deleted", {"document_id": str(document)})]


async def test_no_document_no_stream(world):
    async with following(world, uuid4()) as events:
        with pytest.raises(NotFound):
            await anext(events)
    assert world.kernel.changes.watchers == 0


async def test_a_quiet_stream_says_that_it_lives(world):
    document = await world.hand_in()
    async with following(world, document, StreamPace(heartbeat_s=0.0, pause_s=0.0)) as events:
        await anext(events)
        assert await anext(events) == ": alive\n\n"


async def test_a_stream_ends_with_the_service(world):
    document = await world.hand_in()
    async with following(world, document) as events:
        async with world.kernel.changes:
            await anext(events)
        assert [event async for event in events] == []


async def test_what_another_replica_committed_is_found_by_asking(tmp_path, monkeypatch):
    async with a_world(tmp_path, events_poll_interval_ms=50) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        async with world.kernel.changes, following(world, document) as events:
            await anext(events)
            monkeypatch.setattr(world.database.wakeups, "notify", lambda names: None)
            await world.extract(document, 1)
            assert (await until(events, lambda kind, _: kind == "page"))["page"] == 1


@pytest.mark.slow
async def test_over_a_real_connection(world):
    """Snapshot and change arrive while the stream is open; the server forgets who went away."""
    server = HttpServer(world.app, "127.0.0.1", 0)
    await server.start()
    document = await world.hand_in()
    headers = {"Authorization": f"Bearer {world.token}", "Last-Event-ID": "whatever"}
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers) as client,
        client.stream("GET", f"/api/v1/documents/{document}/events") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: snapshot"
        await world.extract(document, 1)
        async for line in lines:
            assert not line.startswith("id:")
            if line == "event: page":
                break
        assert world.kernel.changes.watchers == 1
    while world.kernel.changes.watchers:
        await asyncio.sleep(0.01)
    await server.stop()


async def test_who_may_not_see_it_gets_no_stream(world):
    document = await world.hand_in()
    async with following(world, document, allowed=may_not_see) as events:
        with pytest.raises(NotFound):
            await anext(events)


async def test_a_stream_ends_when_the_caller_may_not_see_it_any_more(world):
    document = await world.hand_in()
    answers = iter([True, True, False])

    async def for_a_while():
        return next(answers)

    pace = StreamPace(pause_s=0.0, check_s=0.01)
    async with following(world, document, pace, for_a_while) as events:
        kinds = [kind for kind, _ in [event async for event in events]]
    assert kinds == ["snapshot"]


async def test_all_who_watch_a_document_share_one_look_at_each_change(world):
    document = await world.hand_in()
    feeds, count = Feeds(world.kernel.changes, world.kernel.limits), 5
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(following(world, document, feeds=feeds))
            for _ in range(count)
        ]
        for stream in streams:
            await anext(stream)
        with feeds.of(document) as feed:
            assert feed.looks == 1
            await world.extract(document, 1)
            for stream in streams:
                assert (await until(stream, lambda kind, _: kind == "page"))["page"] == 1
            assert feed.looks == 2


async def test_streams_that_nothing_happens_to_ask_the_database_nothing(world):
    document = await world.hand_in()
    feeds = Feeds(world.kernel.changes, world.kernel.limits)
    async with following(
        world, document, StreamPace(heartbeat_s=0.01, pause_s=0.0), feeds=feeds
    ) as (events):
        await anext(events)
        for _ in range(5):
            assert await anext(events) == ": alive\n\n"
        with feeds.of(document) as feed:
            assert feed.looks == 1
