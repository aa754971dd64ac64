"""Losing any one event leaves no narration without an end, and sending it again heals it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from lectern import recovery
from lectern.standalone import Options, Standalone, running
from libs.common.contracts.narrations import NarrationCompleted, NarrationFailed
from libs.common.database.wakeups import JOBS, notify_after_commit
from libs.common.kafka.sender import Sender
from libs.common.processing.outgoing import Acknowledged, Outcome, OutgoingRecord
from libs.common.store.outbox import send_again
from libs.common.store.tables import events, jobs
from services.gateway.documents.commands import DocumentCommands
from services.gateway.documents.uploads import Source, Submission
from services.gateway.narrations.commands import NarrationCommands
from services.gateway.narrations.jobs import END_STALLED
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.queries import NarrationQueries
from tests.standalone.waiting import PATIENCE_S, until

TEXT = b"# One\n\nThe first page has a sentence.\n\n# Two\n\nThe second page has another one.\n"
BROKEN = b"%PDF-1.7\nno more than this"
STALLED_S = 3600.0
QUIET_S = 1.0
READ = (
    "document.submitted",
    "page.extracted",
    "document.parsed",
    "page.segmented",
    "audio.requested",
    "audio.ready",
    "audiobook.requested",
    "audiobook.ready",
)
"""Every kind of event between a document and its audiobook that a service consumes."""


async def text(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


class Loss:
    """Loses the first event of a topic, on its way from the relay to whoever consumes it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, topic: str | None) -> None:
        self.lost: list[str] = []
        send_all = Sender.send_all

        async def lossy(sender: Sender, records: Sequence[OutgoingRecord]) -> Sequence[Outcome]:
            mine = [place for place, record in enumerate(records) if record.topic == topic]
            if self.lost or not mine:
                return await send_all(sender, records)
            self.lost.append(records[mine[0]].topic)
            left = [*records[: mine[0]], *records[mine[0] + 1 :]]
            outcomes = await send_all(sender, left)
            return [*outcomes[: mine[0]], Acknowledged(), *outcomes[mine[0] :]]

        monkeypatch.setattr(Sender, "send_all", lossy)
        monkeypatch.setattr(recovery, "SWEEP_EVERY_S", 3600.0)  # which would heal it by itself


class Reader:
    """Somebody who wants to hear a document."""

    def __init__(self, lectern: Standalone) -> None:
        self.lectern, self.owner = lectern, uuid4()
        self.kernel = lectern.gateway.kernel

    async def hear(self, content: bytes) -> UUID:
        upload = await DocumentCommands(self.kernel).receive(text(content))
        submission = Submission(
            document_id=upload.document_id,
            owner_id=self.owner,
            source=Source(kind="file", object=upload.stored, filename="a.md"),
        )
        options = NarrationOptions(audiobook="m4b")
        return await NarrationCommands(self.kernel).submit_and_narrate(submission, options)

    async def watch_until_the_end(self) -> None:
        """Let the time pass after which a narration that stands still is looked at."""
        while not await self.ends():
            await self._until_nothing_moves()
            async with self.kernel.database.transaction() as connection:
                looks = update(jobs).where(
                    jobs.c.kind == END_STALLED.name, jobs.c.status == "waiting"
                )
                await connection.execute(looks.values(run_at_ms=0))
                notify_after_commit(connection, JOBS)

    async def _until_nothing_moves(self) -> None:
        before = -1
        while (now := await self._events()) != before:
            before = now
            await asyncio.sleep(QUIET_S)

    async def _events(self) -> int:
        count = select(func.count()).select_from(events)
        found = [
            await service.parts.database.fetch(count) for service in self.lectern.services.values()
        ]
        return sum(rows[0][0] for rows in found)

    async def ends(self) -> list[str]:
        topics = [NarrationCompleted.topic, NarrationFailed.topic]
        found = await self.kernel.database.fetch(
            select(events.c.topic).where(events.c.topic.in_(topics))
        )
        return [row.topic for row in found]

    async def state(self, narration: UUID) -> dict[str, Any]:
        view = await NarrationQueries(self.kernel.database, self.kernel.limits).narration(
            self.owner, narration
        )
        book = view.audiobook
        return {
            "state": view.state,
            "pages": (view.pages_total, view.pages_ready, view.pages_failed),
            "failure": view.failure and view.failure.code,
            "book": book and (book.state, book.chapters),
        }

    async def send_again(self, topic: str) -> int:
        count = 0
        for service in self.lectern.services.values():
            database = service.parts.database
            found = await database.fetch(select(events.c.id).where(events.c.topic == topic))
            async with database.transaction() as connection:
                count += await send_again(connection, [row.id for row in found])
        return count


async def heard(
    folder: Path, content: bytes, lost: Loss, topic: str | None
) -> list[dict[str, Any]]:
    """Hear a document; return how its narration stood at its end, and after sending again."""
    settings = {"gateway": {"narration_stalled_seconds": STALLED_S}}
    async with running(Options(data=folder, settings=settings)) as lectern:
        await lectern.until_ready(PATIENCE_S)
        reader = Reader(lectern)
        await until(lambda: _voices(lectern), "voices")
        narration = await reader.hear(content)
        if topic is not None:
            await until(lambda: _is_lost(lost), f"the loss of {topic}")
            await reader.watch_until_the_end()
        await until(reader.ends, "the end")
        stages = [await reader.state(narration)]
        if topic is None:
            return stages
        assert lost.lost == [topic]
        assert await reader.send_again(topic) > 0
        undisturbed = await _undisturbed(content)

        async def healed() -> bool:
            return await reader.state(narration) == undisturbed

        await until(healed, "the same as if nothing had been lost")
        assert len(await reader.ends()) == 1
        return [*stages, await reader.state(narration)]


async def _is_lost(lost: Loss) -> bool:
    return bool(lost.lost)


async def _voices(lectern: Standalone) -> Any:
    from services.gateway.audio.queries import AudioQueries

    return await AudioQueries(lectern.gateway.kernel.database).engines()


_expected: dict[bytes, dict[str, Any]] = {}


async def _undisturbed(content: bytes) -> dict[str, Any]:
    return _expected[content]


@pytest.fixture
async def expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[bytes, dict[str, Any]]:
    """How narrations stand of which nothing was lost."""
    for number, content in enumerate((TEXT, BROKEN)):
        if content not in _expected:
            folder = tmp_path / f"undisturbed-{number}"
            lost = Loss(monkeypatch, None)
            (_expected[content],) = await heard(folder, content, lost, None)
    return _expected


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("topic", READ)
async def test_what_is_lost_between_document_and_audiobook(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expected: dict[bytes, dict[str, Any]],
    topic: str,
) -> None:
    assert expected[TEXT]["state"] == "ready"
    lost = Loss(monkeypatch, topic)
    at_its_end, healed = await heard(tmp_path / "data", TEXT, lost, topic)
    assert at_its_end["state"] in {"partial", "failed", "ready"}
    assert at_its_end != healed


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_rejection_that_is_lost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expected: dict[bytes, dict[str, Any]],
) -> None:
    assert expected[BROKEN]["state"] == "failed"
    lost = Loss(monkeypatch, "document.rejected")
    at_its_end, healed = await heard(tmp_path / "data", BROKEN, lost, "document.rejected")
    assert (at_its_end["state"], at_its_end["failure"]) == ("failed", "timeout")
    assert healed["failure"] == expected[BROKEN]["failure"]
