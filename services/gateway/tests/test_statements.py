"""What a route asks of the database does not grow with what there is: one row or fifty."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from libs.common.contracts.audio import AudiobookRequested, AudioRequested
from libs.common.contracts.details import Chapter
from libs.common.contracts.pages import page_ranges
from libs.common.contracts.permissions import ShareLevel
from services.gateway.accounts.identities.decide import MOST_IDENTITIES
from services.gateway.accounts.identities.identity_rows import link_identity
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.signing_in.login_sessions import begin_session
from services.gateway.accounts.users import MOST_ADDRESSES, add_address
from services.gateway.documents.public_links.commands import LinkCommands
from services.gateway.narrations.options import NarrationOptions
from services.gateway.sharing.listen_links.decide import MOST_LINKS
from services.gateway.tests.everything import account, everything, shared
from services.gateway.tests.test_rights import STREAMS, TABLE, ask
from services.gateway.tests.world import VOICES, World, a_world

pytestmark = pytest.mark.slow
MANY = 50
READING = [line.path for line in TABLE if line.method == "GET" and line.path not in STREAMS]


async def filled(world: World, many: int) -> dict[str, Any]:
    """Have as many of everything as ``many``, and return what paths name."""
    await world.take(VOICES)
    document = await world.hand_in()
    chapters = tuple(
        Chapter(title=f"Chapter {page}", first_page=page, level=1) for page in range(1, many + 1)
    )
    warnings = tuple(f"Page {page} is odd." for page in range(many))
    for page in range(1, many + 1):
        await world.extract(document, page)
        await world.cut(document, page)
    await world.parse(document, many, chapters=chapters, warnings=warnings)
    for rate in range(many):
        options = NarrationOptions(rate=1 + rate / 100, audiobook="m4b", pages=page_ranges((1,)))
        narration = await world.narrations.narrate(world.owner, document, options)
    await world.speak_everything()
    for book in await world.decided(AudiobookRequested):
        await world.bind(book)
    await account(world, world.owner, "owner@example.org", is_staff=True)
    for number in range(many):
        await world.hand_in()
        await given(world, f"o{number}@example.org")
        share = await shared(world, document, f"s{number}@example.org", ShareLevel.VIEW_ONLY)
    await credentials(world, many)
    for _ in range(min(many, MOST_LINKS)):
        link, _ = await LinkCommands(world.kernel).make(world.owner, document, None, None)
    return {
        "document_id": document,
        "page": 1,
        "narration_id": narration,
        "audio_id": (await world.decided(AudioRequested))[0].audio_id,
        "audiobook_id": book.audiobook_id,
        "share_id": share,
        "link_id": link,
    }


async def given(world: World, address: str) -> UUID:
    """Have somebody else share a document of theirs with the owner."""
    other, owner = uuid4(), world.owner
    await account(world, other, address)
    document = await world.hand_in(owner=other)
    world.owner = other
    await shared(world, document, "owner@example.org", ShareLevel.VIEW_ONLY)
    world.owner = owner
    return document


async def credentials(world: World, many: int) -> None:
    for number in range(many):
        await world.tokens.create(f"token {number}", world.owner)
        async with world.database.transaction() as connection:
            await begin_session(connection, world.owner, "Lynx", remembered=False)
            if number < MOST_ADDRESSES - 1:
                address = f"more{number}@example.org"
                await add_address(connection, world.owner, address, is_primary=False)
            if number < MOST_IDENTITIES:
                subject, site = str(number), "https://site.example"
                identity = ProvenIdentity(issuer=site, subject=subject, address=None)
                await link_identity(connection, identity, world.owner)


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Note what the database is asked."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    engine = world.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def statements(folder: Any, many: int) -> dict[str, int]:
    """How often each route asks the database, where there are as many of everything."""
    folder.mkdir()
    async with a_world(folder, max_open_narrations_per_document=100, max_audios_per_page=100) as it:
        ids = await filled(it, many)
        counts = {}
        async with it.client() as client:
            for path in READING:
                await client.get(path.format(**ids))
                with counted(it) as asked:
                    answer = await client.get(path.format(**ids))
                assert answer.status_code in {200, 404}, (path, answer.text)
                counts[path] = len(asked)
    return counts


async def test_many_rows_take_as_many_statements_as_one(tmp_path: Any) -> None:
    one, many = [await statements(tmp_path / str(rows), rows) for rows in (1, MANY)]
    assert many == one
    assert sum(one.values()) > len(READING) / 2, "nothing was counted"


async def test_what_one_may_not_see_costs_as_much_as_what_is_not_there(world: World) -> None:
    """Whoever takes the time of answers learns no more from it than from what they say."""
    ids = await everything(world)
    elsewhere = {name: uuid4() for name in ids} | {"page": 1}
    _, token = await world.tokens.create("stranger")
    async with world.client(token) as stranger:
        for line in TABLE:
            if "{" not in line.path or line.expected["stranger"] != "404":
                continue
            asked = []
            for known in (ids, elsewhere):
                await ask(stranger, line.method, line, known)
                with counted(world) as statements:
                    answer = await ask(stranger, line.method, line, known)
                asked.append((answer.status_code, len(statements)))
            assert asked[0] == asked[1], line
