"""A deletion that every service gave up is done after all when it is sent again."""

from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from lectern.standalone import Options, Standalone, running
from libs.common.contracts.documents import DocumentDeleted
from libs.common.contracts.tasks import TaskFailed
from libs.common.database.engine import Database
from libs.common.store.republishing import Chosen, republish
from libs.common.store.tables import events
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.queries import DocumentQueries
from services.gateway.documents.uploads import Source, Submission
from tests.standalone.waiting import PATIENCE_S, until

TEXT = b"# One\n\nThe first page has a sentence.\n\n# Two\n\nThe second page has another one.\n"
CONSUMERS = ("ingest", "segmenter", "synth", "notifier")
SWEEP_S = "1"

BREAK = """
CREATE TRIGGER broken BEFORE INSERT ON tombstones
BEGIN SELECT RAISE(ABORT, 'a release that cannot do it'); END
"""
MEND = "DROP TRIGGER broken"


async def upload(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


class Owner:
    """Somebody who hands a document in and deletes it."""

    def __init__(self, lectern: Standalone) -> None:
        self.lectern, self.owner = lectern, uuid4()
        self.kernel = lectern.gateway.kernel

    def databases(self) -> list[Database]:
        return [self.lectern.services[name].parts.database for name in CONSUMERS]

    async def everywhere(self, statement: str) -> None:
        for database in self.databases():
            async with database.transaction() as connection:
                await connection.execute(text(statement))

    async def hand_in(self) -> UUID:
        stored = await DocumentCommands(self.kernel).receive(upload(TEXT))
        source = Source(kind="file", object=stored.stored, filename="a.md")
        return await DocumentCommands(self.kernel).submit(
            Submission(document_id=stored.document_id, owner_id=self.owner, source=source)
        )

    async def is_read(self, document: UUID) -> bool:
        found = await DocumentQueries(self.kernel.database).document(self.owner, document)
        return found.pages_ready == 2

    async def objects(self, document: UUID) -> list[str]:
        return [key async for key in self.kernel.storage.keys(f"documents/{document}/")]

    async def given_up(self) -> int:
        """How many services have told that they gave something up."""
        found = select(events.c.id).where(events.c.topic == TaskFailed.topic)
        return sum([bool(await database.fetch(found)) for database in self.databases()])

    async def send_again(self) -> int:
        chosen = Chosen(topics=[DocumentDeleted.topic])
        return await republish(self.kernel.database, chosen, lambda step: None)


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_a_deletion_that_was_given_up_is_done_when_it_is_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LECTERN_ERASURE_SWEEP_SECONDS", SWEEP_S)
    async with running(Options(data=tmp_path)) as lectern:
        await lectern.until_ready(PATIENCE_S)
        owner = Owner(lectern)
        document = await owner.hand_in()
        await until(lambda: owner.is_read(document), "a document that is read")
        await owner.everywhere(BREAK)
        await DocumentCommands(owner.kernel).delete(owner.owner, document)

        async def all_gave_up() -> bool:
            return await owner.given_up() == len(CONSUMERS)

        await until(all_gave_up, "every service has given the deletion up")
        left = await owner.objects(document)
        assert left, "nothing was removed"
        assert [key for key in left if "/failures/" in key] == [], "nor stored"
        await owner.everywhere(MEND)
        assert await owner.send_again() == 1

        async def gone() -> bool:
            return await owner.objects(document) == []

        await until(gone, "all objects are gone")
