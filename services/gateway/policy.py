"""Turns what people asked for into work: fair between owners, nothing spoken twice.

A narration asks for pages; every page it asks for waits in ``wanted`` until it can be spoken. At
most ``max_in_flight`` pages of one owner are being spoken at a time, so one library does not
starve everybody else. When all pages of a narration are there, its audiobook is requested.

Everything here runs inside the transaction of the event or command that caused it.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Integer, String, and_, delete, exists, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow
from libs.common.effects import Effect
from libs.common.events import AudioRequested, Event, NarrationRequested, ObjectRef, PageExtracted
from libs.common.upsert import add_once
from services.gateway.changes import changed
from services.gateway.projections import fold
from services.gateway.tables import audios, documents, narrations, pages, wanted

CURRENT = pages.c.segments_revision == func.coalesce(pages.c.edited_revision, 0)
"""The page's utterances are those of its text as it is now."""


def decided(*events: Event) -> list[Effect]:
    """Return the effects of deciding ``events``: they are appended, and the read models follow."""
    effects: list[Effect] = []
    for event in events:
        effects += [event, *followed(event)]
    return effects


def followed(event: Event) -> list[Effect]:
    """Return the effects of an event on what people see; those who watch are woken."""
    return [*fold(event), changed(event)]


@dataclass(frozen=True)
class Dispatched:
    """What follows from going on for an owner.

    ``documents`` are those of which a page is not waited for any longer: requested now, spoken
    already, or silent. Something of them may be complete.
    """

    effects: Sequence[Effect]
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """The rules by which narrations become audio."""

    max_in_flight: int = 8

    async def want_pages(
        self, connection: AsyncConnection, asked: NarrationRequested
    ) -> Sequence[Effect]:
        """Note every page that a new narration asks for and that is known so far."""
        await lock_owner(connection, str(asked.owner_id))
        chosen = select(
            literal(str(asked.narration_id), String),
            pages.c.document_id,
            literal(str(asked.owner_id), String),
            pages.c.page,
        ).where(pages.c.document_id == str(asked.document_id))
        if asked.pages is not None:
            chosen = chosen.where(pages.c.page.in_(asked.pages))
        columns = ["narration_id", "document_id", "owner_id", "page"]
        return [
            insert(wanted)
            .from_select(columns, chosen.order_by(pages.c.page))
            .on_conflict_do_nothing()
        ]

    async def want_extracted(
        self, connection: AsyncConnection, extracted: Sequence[PageExtracted]
    ) -> Sequence[Effect]:
        """Note new pages for every narration that asked for them before they were there."""
        about = {str(each.document_id) for each in extracted}
        await lock_owners_of(connection, about)
        found = await connection.execute(
            select(
                narrations.c.narration_id,
                narrations.c.document_id,
                narrations.c.owner_id,
                narrations.c.pages,
            ).where(narrations.c.document_id.in_(about))
        )
        asking = found.all()
        return [
            add_once(
                wanted,
                narration_id=row.narration_id,
                document_id=row.document_id,
                owner_id=row.owner_id,
                page=each.page,
            )
            for each in extracted
            for row in asking
            if row.document_id == str(each.document_id)
            and (row.pages is None or each.page in row.pages)
        ]

    async def dispatch(self, connection: AsyncConnection, owner_id: str) -> Dispatched:
        """Request audio for the owner's next pages, as many as may be in flight."""
        await lock_owner(connection, owner_id)
        free = self.max_in_flight - await _in_flight(connection, owner_id)
        effects: list[Effect] = []
        passed: dict[str, None] = {}
        while free > 0:
            batch = await _next_wanted(connection, owner_id, free)
            if not batch:
                break
            requests = [_request(row) for row in await _unsettled(connection, batch)]
            effects += decided(*requests)
            free -= len(requests)
            taken = [row.id for row in batch]
            await connection.execute(delete(wanted).where(wanted.c.id.in_(taken)))
            passed |= dict.fromkeys(row.document_id for row in batch)
        return Dispatched(effects, tuple(passed))


async def _next_wanted(connection: AsyncConnection, owner_id: str, limit: int) -> Sequence[AnyRow]:
    found = await connection.execute(
        select(
            wanted.c.id,
            wanted.c.document_id,
            wanted.c.owner_id,
            wanted.c.page,
            pages.c.title,
            pages.c.segments,
            pages.c.segments_revision,
            pages.c.segments_characters,
            pages.c.utterances,
            narrations.c.requested_by,
            narrations.c.engine,
            narrations.c.voice,
            narrations.c.rate,
            narrations.c.formats,
        )
        .join(
            pages, and_(pages.c.document_id == wanted.c.document_id, pages.c.page == wanted.c.page)
        )
        .join(narrations, narrations.c.narration_id == wanted.c.narration_id)
        .join(documents, documents.c.document_id == wanted.c.document_id)
        .where(wanted.c.owner_id == owner_id, CURRENT, documents.c.deleted_at.is_(None))
        .order_by(wanted.c.id)
        .limit(limit)
    )
    return found.all()


async def _unsettled(connection: AsyncConnection, batch: Sequence[AnyRow]) -> list[AnyRow]:
    """Return those that have something to speak, and are neither spoken nor being spoken so."""
    having = await _having(connection, batch)
    found: list[AnyRow] = []
    for row in batch:
        formats = set(row.formats)
        place = (row.document_id, row.page, row.segments_revision)
        known = having.setdefault((*place, row.engine, row.voice, row.rate), [])
        if row.utterances and not any(formats <= each for each in known):
            known.append(formats)
            found.append(row)
    return found


async def _having(
    connection: AsyncConnection, batch: Sequence[AnyRow]
) -> dict[tuple[Any, ...], list[set[str]]]:
    """Return the formats that there are of each sound of the pages in ``batch``."""
    found = await connection.execute(
        select(
            audios.c.document_id,
            audios.c.page,
            audios.c.revision,
            audios.c.engine,
            audios.c.voice,
            audios.c.rate,
            audios.c.formats,
        ).where(
            audios.c.document_id.in_({row.document_id for row in batch}),
            audios.c.page.in_({row.page for row in batch}),
            audios.c.failed_at.is_(None),
            audios.c.deleted_at.is_(None),
            audios.c.requested_at.is_not(None),
        )
    )
    having: dict[tuple[Any, ...], list[set[str]]] = {}
    for *sound, formats in found:
        having.setdefault(tuple(sound), []).append(set(formats))
    return having


def _request(row: AnyRow) -> AudioRequested:
    return AudioRequested(
        document_id=UUID(row.document_id),
        audio_id=uuid4(),
        owner_id=UUID(row.owner_id),
        requested_by=UUID(row.requested_by),
        page=row.page,
        revision=row.segments_revision,
        segments=ObjectRef.model_validate(row.segments),
        characters=row.segments_characters,
        engine=row.engine,
        voice=row.voice,
        rate=row.rate,
        formats=tuple(row.formats),
        title=row.title or "",
    )


async def _in_flight(connection: AsyncConnection, owner_id: str) -> int:
    """Pages of the owner that are being spoken; nobody speaks those of a deleted document."""
    alive = documents.c.document_id == audios.c.document_id, documents.c.deleted_at.is_(None)
    counted = (
        select(func.count(type_=Integer))
        .select_from(audios)
        .where(audios.c.owner_id == owner_id, audios.c.ready_at.is_(None))
        .where(audios.c.failed_at.is_(None), audios.c.deleted_at.is_(None))
        .where(exists().where(*alive))
    )
    return await connection.scalar(counted) or 0


def forget(owner_id: str, document_id: str) -> Effect:
    """Want no page of a document any more.

    As everywhere: first rows of documents and pages, then the owner's lock, then what is wanted.
    Transactions that took them in another order would lock each other out.
    """

    async def unwant(connection: AsyncConnection) -> Sequence[Effect]:
        await lock_owner(connection, owner_id)
        return [delete(wanted).where(wanted.c.document_id == document_id)]

    return unwant


async def cut_already(connection: AsyncConnection, extracted: Sequence[PageExtracted]) -> list[str]:
    """Return the documents of which one of the pages was cut before we heard of it."""
    found = await connection.scalars(
        select(pages.c.document_id)
        .where(
            pages.c.document_id.in_({str(each.document_id) for each in extracted}),
            pages.c.page.in_({each.page for each in extracted}),
            pages.c.segments_revision.is_not(None),
        )
        .distinct()
        .order_by(pages.c.document_id)
    )
    return list(found)


async def lock_owners_of(connection: AsyncConnection, ids: Collection[str]) -> list[str]:
    """Lock the owners of documents and return them; nobody owns what was not submitted yet."""
    found = await connection.scalars(
        select(documents.c.owner_id).where(documents.c.document_id.in_(ids)).distinct()
    )
    owners = sorted(each for each in found if each is not None)
    for each in owners:
        await lock_owner(connection, each)
    return owners


async def lock_owner_of(connection: AsyncConnection, document_id: str) -> None:
    """Lock the owner of a document, where there is more than one writer."""
    if connection.dialect.name == "postgresql":
        await lock_owners_of(connection, [document_id])


async def lock_owner(connection: AsyncConnection, owner_id: str) -> None:
    """Let one transaction at a time decide for an owner, from what the others have committed.

    Without it two events that together complete something would each miss the other. SQLite has
    one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(owner_id.encode()).digest()[:8], signed=True)
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
