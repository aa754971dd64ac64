"""What Kafka and its clients do to messages: again, out of order, unreadable."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from sqlalchemy import func, select

from deploy.native.services import SERVICES
from libs.common.contracts.base import Event, ObjectRef
from libs.common.contracts.cloudevents import Headers, headers, rfc3339
from libs.common.contracts.documents import DocumentDeleted, DocumentSubmitted
from libs.common.contracts.tasks import TaskFailed
from libs.common.store.outbox import send_again
from libs.common.store.tables import events, inbox, jobs
from services.gateway.tables import READ_MODELS
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled, handled, on_kafka, stored
from tests.journeys.person import book, somebody, until

ORDER = {"audiobook": "m4b", "engine": "openai"}
TOPIC = DocumentSubmitted.topic
DETAILS = ObjectRef(key="nothing", sha256="0" * 64, size=1, media_type="application/octet-stream")


async def test_history_is_sent_again_while_work_goes_on(deployment: Deployment) -> None:
    async with somebody(deployment) as person:
        before, narration = await person.submit_file("b.md", book("Before"), ORDER)
        await person.finished(narration)
        await check_nothing_lost_or_doubled(deployment)
        seen = await _everything_about(deployment, before)
        hooks = len(deployment.world.hooks)
        gate = deployment.world.gates["speech"]
        with gate.shut():
            during, narration = await person.submit_file("d.md", book("During"), ORDER)
            gate.wait_for_somebody()
            for service in SERVICES:
                await _send_everything_again(deployment, service)
        await person.finished(narration)
        await check_nothing_lost_or_doubled(deployment)
        assert await _everything_about(deployment, before) == seen
    told = [hook.data["document_id"] for hook in deployment.world.hooks[hooks:]]
    assert told == [during] * 5  # three pages, the audiobook, the end of the narration
    records = [record for record in await on_kafka(deployment) if record.key == before.encode()]
    assert len(records) >= 2 * len({record.event_id for record in records})


async def test_a_deletion_overtakes_the_submission(deployment: Deployment) -> None:
    document, owner = uuid4(), uuid4()
    deleted = DocumentDeleted(document_id=document, owner_id=owner, deleted_by=owner)
    submitted = DocumentSubmitted(
        document_id=document, owner_id=owner, source_kind="text", details=DETAILS
    )
    for event in (deleted, submitted):
        await _send(deployment, event)
        await _handled(deployment, event.event_id)
    database = deployment.database("ingest")
    async with database.reading() as connection:
        parsing = await connection.scalar(
            select(func.count())
            .select_from(jobs)
            .where(jobs.c.subject == str(document), jobs.c.kind == "parse")
        )
    await database.close()
    assert parsing == 0
    assert [
        event for event in await stored(deployment, "ingest") if event.key == str(document)
    ] == []


async def test_a_deletion_stops_work_and_nothing_comes_after(deployment: Deployment) -> None:
    gate = deployment.world.gates["speech"]
    async with somebody(deployment) as person:
        with gate.shut():
            document, _ = await person.submit_file("x.md", book("Deleted"), ORDER)
            gate.wait_for_somebody()
            answer = await person.api.delete(f"/documents/{document}")
            assert answer.status_code == 204
            (deleted,) = [
                event
                for event in await stored(deployment, "gateway")
                if event.topic == DocumentDeleted.topic and event.key == document
            ]
            await _handled(deployment, UUID(deleted.event_id), "synth", "ingest")
        assert (await person.api.get(f"/documents/{document}")).status_code == 404
    await check_nothing_lost_or_doubled(deployment)
    results = {event.topic for event in await stored(deployment, "synth") if event.key == document}
    assert results <= {"audio.progressed"}


async def test_poison_goes_to_the_dead_letters_and_the_rest_goes_on(deployment: Deployment) -> None:
    good = DocumentSubmitted(
        document_id=uuid4(), owner_id=uuid4(), source_kind="text", details=DETAILS
    )
    marked = [("x-mark", uuid4().hex.encode())]
    poison: list[tuple[bytes, Headers]] = [
        (b"\xff\xfe no json", [*_headers(good), *marked]),
        (b'{"document_id": 7}', [*_headers(good), *marked]),
        (good.encode(), marked),
    ]
    for value, attributes in poison:
        await _send_raw(deployment, TOPIC, value, b"poison", attributes)
    async with somebody(deployment) as person:
        _, narration = await person.submit_file("h.md", book("Healthy"), ORDER)
        await person.finished(narration)

    async def look() -> list[Any] | None:
        letters = await on_kafka(deployment, [f"{TOPIC}.ingest.dlq"])
        mine = [letter for letter in letters if marked[0] in letter.headers]
        return mine if len(mine) >= len(poison) else None

    letters = await until(look, "the dead letters")
    assert len(letters) == len(poison)
    for value, attributes in poison:
        (letter,) = [letter for letter in letters if letter.value == value]
        assert letter.key == b"poison"
        assert list(letter.headers[: len(attributes)]) == attributes
        assert letter.attributes["dlq_topic"] == TOPIC
        assert letter.attributes["dlq_error"] == "Malformed"
        assert letter.attributes["dlq_code"] == "malformed"
        assert letter.attributes["dlq_reason"]
        assert letter.attributes["dlq_offset"].isdecimal()
    failed = [
        event.body
        for event in await stored(deployment, "ingest")
        if event.topic == TaskFailed.topic and event.body["about_stream"] == good.stream
    ]
    # Two records with the id of one event: the second counts as sent again, and is the same task.
    assert [one["code"] for one in failed] == ["malformed"] * 2
    assert len({one["task_id"] for one in failed}) == 1
    assert failed[0]["document_id"] == str(good.document_id)
    metrics = deployment.page("ingest", "/metrics")[1]
    assert "dead_letters_total" in metrics
    assert deployment.is_ready("ingest")
    await check_nothing_lost_or_doubled(deployment)


async def _send_everything_again(deployment: Deployment, service: str) -> None:
    database = deployment.database(service)
    async with database.transaction() as connection:
        await send_again(connection, list(await connection.scalars(select(events.c.id))))
    await database.close()


async def _everything_about(deployment: Deployment, document: str) -> dict[str, Any]:
    """Rows of the gateway's read models, and how much each service has done."""
    found: dict[str, Any] = {}
    database = deployment.database("gateway")
    async with database.reading() as connection:
        for table in READ_MODELS:
            if "document_id" in table.c:
                rows = await connection.execute(
                    select(table)
                    .where(table.c.document_id == document)
                    .order_by(*table.primary_key.columns)
                )
                found[table.name] = [tuple(row) for row in rows]
    await database.close()
    for service in SERVICES:
        mine = [event for event in await stored(deployment, service) if event.key == document]
        found[service] = [(event.event_id, event.topic, event.stream) for event in mine]
        database = deployment.database(service)
        async with database.reading() as connection:
            found[f"inbox of {service}"] = set(
                await connection.scalars(
                    select(inbox.c.event_id).where(
                        inbox.c.event_id.in_([event[0] for event in found[service]])
                    )
                )
            )
        await database.close()
    return found


async def _handled(deployment: Deployment, event_id: UUID, *services: str) -> None:
    async def look() -> bool | None:
        for service in services or ("ingest",):
            if str(event_id) not in await handled(deployment, service):
                return None
        return True

    await until(look, "an event to be handled")


def _headers(event: Event) -> Headers:
    return headers(
        event_id=str(event.event_id),
        topic=event.topic,
        source="/lectern/gateway",
        occurred_at=rfc3339(datetime.now(UTC)),
        key=event.key,
        stream=event.stream,
        version=1,
        traceparent=None,
    )


async def _send(deployment: Deployment, event: Event) -> None:
    await _send_raw(deployment, event.topic, event.encode(), event.key.encode(), _headers(event))


async def _send_raw(
    deployment: Deployment,
    topic: str,
    value: bytes,
    key: bytes,
    attributes: Sequence[tuple[str, bytes]],
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=deployment.kafka.bootstrap) as producer:
        await producer.send_and_wait(topic, value, key, headers=list(attributes))
