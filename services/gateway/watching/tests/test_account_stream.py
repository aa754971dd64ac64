import json
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import pytest

from libs.common.contracts.permissions import ShareLevel
from libs.common.errors import Unavailable
from services.gateway.documents.shares.commands import ShareCommands
from services.gateway.sharing.tests.test_invitations import invite, user
from services.gateway.tests.everything import shared
from services.gateway.watching import account_feeds, account_stream
from services.gateway.watching.account_feeds import AccountFeeds
from services.gateway.watching.account_stream import account_events
from services.gateway.watching.feeds import Feeds
from services.gateway.watching.stream import StreamPace
from services.gateway.watching.tests.test_stream import QUICK, may_see, until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(account_feeds, "PAUSE_S", 0.0)


@asynccontextmanager
async def following(world, user_id=None, pace=QUICK, allowed=may_see):
    """The parsed events of the stream of a user, one by one."""
    changes = world.kernel.changes
    feeds, account = Feeds(changes, world.kernel.limits), AccountFeeds(changes=changes)

    async def parsed():
        with account.of(user_id or world.owner) as feed:
            stream = await stack.enter_async_context(
                aclosing(account_events(feed, feeds, allowed, pace))
            )
            async for text in stream:
                lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
                assert "id" not in lines
                yield (lines["event"], json.loads(lines["data"])) if "event" in lines else text

    async with AsyncExitStack() as stack, aclosing(parsed()) as events:
        kind, _ = await anext(events)
        assert kind == "ready"
        yield events


def of(document):
    return lambda _, value: value["document_id"] == str(document)


async def test_what_is_handed_in_is_told_until_it_is_deleted(world):
    quiet = await world.hand_in()
    async with following(world) as events:
        document = await world.hand_in()
        kind, snapshot = await anext(events)
        assert (kind, snapshot["document"]["document_id"]) == ("snapshot", str(document))
        await world.extract(document, 1)
        page = await until(events, lambda kind, _: kind == "page")
        assert (page["document_id"], page["page"]) == (str(document), 1)
        await world.extract(quiet, 1)
        snapshot = await until(events, of(quiet))
        assert [page["page"] for page in snapshot["pages"]] == [1]
        await world.documents.delete(world.owner, document)
        assert await anext(events) == ("deleted", {"document_id": str(document)})
        await world.documents.delete(world.owner, quiet)
        assert await anext(events) == ("deleted", {"document_id": str(quiet)})
    assert world.kernel.changes.watchers == 0


async def test_a_document_that_was_never_told_of_ends_as_well(world):
    document, other = await world.hand_in(), await world.hand_in()
    async with following(world) as events:
        await world.documents.delete(world.owner, document)
        assert await anext(events) == ("deleted", {"document_id": str(document)})
        await world.extract(other, 1)
        assert (await anext(events))[0] == "snapshot"


@pytest.mark.parametrize("level", ShareLevel)
async def test_what_is_shared_is_told_until_the_share_is_revoked(world, level):
    document, other = await world.hand_in(), await world.hand_in()
    bea = await user(world, "bea@example.org")
    async with following(world, bea) as events:
        await world.extract(document, 1)
        share = await shared(world, document, "bea@example.org", level)
        kind, snapshot = await anext(events)
        assert (kind, snapshot["document_id"]) == ("snapshot", str(document))
        await world.extract(document, 2)
        assert (await until(events, lambda kind, _: kind == "page"))["page"] == 2
        await ShareCommands(world.kernel).revoke(world.owner, document, share)
        gone = await until(events, lambda kind, _: kind == "deleted")
        assert gone == {"document_id": str(document)}
        await world.extract(document, 3)
        await world.documents.delete(world.owner, document)
        await shared(world, other, "bea@example.org", level)
        assert (await anext(events))[1]["document_id"] == str(other), "more was told than may be"


async def test_what_is_left_ends_and_begins_again_when_it_is_shared_again(world):
    document, bea = await world.hand_in(), await user(world, "bea@example.org")
    async with following(world, bea) as events:
        for _ in range(2):
            await invite(world, document, "bea@example.org")
            assert (await anext(events))[0] == "snapshot"
            await ShareCommands(world.kernel).leave(bea, document)
            assert (await anext(events))[0] == "deleted"


async def test_what_ended_long_ago_is_not_told(world, monkeypatch):
    document, other = await world.hand_in(), await world.hand_in()
    bea = await user(world, "bea@example.org")
    share = await invite(world, document, "bea@example.org")
    await ShareCommands(world.kernel).revoke(world.owner, document, share)
    monkeypatch.setattr(account_stream, "CLOCKS_DIFFER", account_stream.CLOCKS_DIFFER * 0)
    async with following(world, bea) as events:
        await world.extract(document, 1)
        await world.documents.delete(world.owner, document)
        await invite(world, other, "bea@example.org")
        assert (await anext(events))[1]["document_id"] == str(other)


async def test_only_so_many_documents_are_known_by_heart(world, monkeypatch):
    monkeypatch.setattr(account_stream, "KNOWN_BY_HEART", 2)
    documents = [await world.hand_in() for _ in range(3)]
    async with following(world) as events:
        for page in (1, 2):
            for document in documents:
                await world.extract(document, page)
                kind, snapshot = await anext(events)
                assert (kind, snapshot["document_id"]) == ("snapshot", str(document))
        await world.extract(documents[2], 3)
        assert (await until(events, lambda kind, _: kind == "page"))["page"] == 3


async def test_a_quiet_stream_says_that_it_lives(world):
    async with following(world, pace=StreamPace(heartbeat_s=0.0, pause_s=0.0)) as events:
        assert await anext(events) == ": alive\n\n"


async def test_a_stream_ends_with_the_service(world):
    async with following(world) as events:
        async with world.kernel.changes:
            await world.hand_in()
            assert (await anext(events))[0] == "snapshot"
        assert [event async for event in events] == []


@pytest.mark.parametrize("answers", [[True, False], [True, Unavailable("away")]])
async def test_a_stream_ends_with_the_credentials(world, answers):
    left = iter(answers)

    async def for_a_while():
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    pace = StreamPace(pause_s=0.0, check_s=0.01)
    async with following(world, pace=pace, allowed=for_a_while) as events:
        assert [event async for event in events] == []
    assert list(left) == []
