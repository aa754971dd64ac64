"""A document through five processes: upload, pages, audio, notifications, audiobook."""

import json
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import select

from deploy.native.hearing import Heard, hear
from deploy.native.services import SERVICES
from libs.common.contracts.audio import AudioReady
from libs.common.contracts.cloudevents import decode, read_envelope, text_headers
from services.gateway.documents.tables import document_details
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import (
    check_nothing_lost_or_doubled,
    check_streams_have_no_gaps,
    on_kafka,
    settle,
    stored,
)
from tests.journeys.person import book, somebody, until

LOUDNESS_LUFS = pytest.approx(-19, abs=1.5)
ORDER = {"audiobook": "m4b"}


async def test_a_document_becomes_an_audiobook_and_everybody_is_told(
    deployment: Deployment,
) -> None:
    mails_before = len(deployment.world.mails)
    async with somebody(deployment) as person:
        document, narration = await person.submit_file("sea.md", book("The Sea"), ORDER)
        done = await person.finished(narration)
        audios = await person.audios(document)
        pages = [await person.download(f"/audios/{audio['audio_id']}/download") for audio in audios]
        captions = await person.download(f"/audios/{audios[0]['audio_id']}/captions")
        made = await person.download(f"/audiobooks/{done['audiobook']['audiobook_id']}/download")
    heard = hear(made)
    _sounds_right(heard)
    assert [title for title, _ in heard.chapters] == [
        f"Chapter {number} of The Sea" for number in (1, 2, 3)
    ]
    assert (heard.tags["title"], heard.tags["artist"]) == ("The Sea", "A. Writer")
    for audio, page in zip(audios, pages, strict=True):
        by_ear = hear(page)
        _sounds_right(by_ear)
        assert by_ear.duration_s == pytest.approx(audio["duration_ms"] / 1000, abs=0.1)
    assert sum(audio["duration_ms"] for audio in audios) / 1000 == pytest.approx(
        heard.duration_s, abs=1
    )
    assert captions.startswith(b"WEBVTT")
    await check_nothing_lost_or_doubled(deployment)
    told = [hook for hook in deployment.world.hooks if hook.data["document_id"] == document]
    assert sorted(hook.type for hook in told) == [
        *["audio.ready"] * 3,
        *("audiobook.ready", "narration.completed"),
    ]
    (mail,) = deployment.world.mails[mails_before:]
    assert "The Sea" in str(mail["subject"])
    assert mail["to"] == "reader@example.org"


async def test_no_word_of_a_document_is_on_kafka_and_none_is_left_when_it_is_deleted(
    deployment: Deployment,
) -> None:
    """Title, author and text are words that nothing else here has."""
    words = (b"Zanzibarium", b"Quillfeather", b"Ostrogothic")
    content = (
        b"---\ntitle: Zanzibarium\nauthor: Q. Quillfeather\n---\n\n"
        b"# Zanzibarium one\n\nAn Ostrogothic sentence.\n"
    )
    async with somebody(deployment) as person:
        document, narration = await person.submit_file("Zanzibarium.md", content, ORDER)
        await person.finished(narration)
        await settle(deployment)
        shown = await person.get(f"/documents/{document}")
        assert (shown["title"], shown["author"]) == ("Zanzibarium", "Q. Quillfeather")
        records = [one for one in await on_kafka(deployment) if one.key == document.encode()]
        assert {"document.parsed", "audiobook.ready", "narration.completed"} <= {
            record.topic for record in records
        }
        for record in records:
            seen = (record.value or b"") + b" ".join(value for _, value in record.headers)
            assert not [word for word in words if word in seen], record.topic
        check_streams_have_no_gaps(records)
        assert (await person.api.delete(f"/documents/{document}")).status_code == 204
        await settle(deployment)
    database = deployment.database("gateway")
    async with database.reading() as connection:
        kept = document_details.c.document_id == document
        assert (await connection.execute(select(document_details).where(kept))).all() == []
    await database.close()
    await check_nothing_lost_or_doubled(deployment)


async def test_one_trace_goes_through_all_services(deployment: Deployment) -> None:
    theirs = uuid4().hex  # is linked to, and not taken over
    async with somebody(deployment) as person:
        person.api.headers["traceparent"] = f"00-{theirs}-00f067aa0ba902b7-01"
        document, narration = await person.submit_file("trace.md", book("The Trace"), ORDER)
        del person.api.headers["traceparent"]
        await person.finished(narration)
    await check_nothing_lost_or_doubled(deployment)
    found = [event for event in await stored(deployment) if event.key == document]
    (trace_id,) = {event.trace_id for event in found}
    assert trace_id != theirs
    assert {event.service for event in found} == set(SERVICES)
    records = [record for record in await on_kafka(deployment) if record.key == document.encode()]
    assert {record.attributes["traceparent"].split("-")[1] for record in records} == {trace_id}


async def test_strangers_can_follow_audio_ready_from_the_beginning(deployment: Deployment) -> None:
    async with somebody(deployment) as person:
        document, narration = await person.submit_file("open.md", book("The Open", 2), {})
        await person.finished(narration)
    topic = AudioReady.topic
    await check_nothing_lost_or_doubled(deployment)
    expected = {
        event.event_id for event in await stored(deployment, "synth") if event.topic == topic
    }
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=deployment.kafka.bootstrap,
        group_id=f"stranger-{uuid4().hex}",
        auto_offset_reset="earliest",
    )
    seen = {}
    async with consumer:

        async def all_of_them() -> bool | None:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                seen.update({dict(record.headers)["ce_id"].decode(): record for record in batch})
            return True if seen.keys() >= expected else None

        await until(all_of_them, "the whole history of audio.ready")
    assert seen.keys() == expected
    for record in seen.values():
        attributes = text_headers(record.headers)
        assert attributes["ce_specversion"] == "1.0"
        assert attributes["ce_type"] == topic
        assert attributes["ce_source"] == "/lectern/synth"
        assert attributes["ce_subject"].encode() == record.key
        assert attributes["ce_time"].endswith("Z")
        assert attributes["content-type"].startswith("application/json")
        event = decode(read_envelope(attributes), record.value)
        assert isinstance(event, AudioReady)
        assert event.characters_spoken == event.characters_asked > 0
    mine = [json.loads(record.value) for record in seen.values() if record.key == document.encode()]
    assert sorted(audio["page"] for audio in mine) == [1, 2]


async def test_the_same_book_again_speaks_nothing(deployment: Deployment) -> None:
    content = book("The Echo", 2)
    ready = []
    async with somebody(deployment) as person:
        for name in ("echo.md", "again.md"):
            document, narration = await person.submit_file(name, content, {"engine": "openai"})
            await person.finished(narration)
            found = [event for event in await stored(deployment) if event.key == document]
            cut = {
                e.body["page"]: e.body["utterance_count"]
                for e in found
                if e.topic == "page.segmented"
            }
            ready.append(
                {
                    e.body["page"]: (e.body["segments_cached"], cut[e.body["page"]])
                    for e in found
                    if e.topic == "audio.ready"
                }
            )
    assert [cached for cached, _ in ready[0].values()] == [0, 0]
    assert all(cached == utterances > 0 for cached, utterances in ready[1].values())
    spoken = [sentence for sentence in deployment.world.spoken if "The Echo" in sentence]
    assert len(spoken) == len(set(spoken))
    await check_nothing_lost_or_doubled(deployment)


async def test_every_service_has_its_pages(deployment: Deployment) -> None:
    for name in SERVICES:
        status, body = deployment.page(name, "/health/live/")
        assert (status, json.loads(body)["status"]) == (200, "alive")
        status, body = deployment.page(name, "/health/ready/")
        assert (status, json.loads(body)["status"]) == (200, "ready")
        checks = ("database", "cache", "broker", "storage", "config")
        confined = ("sandbox",) if name == "ingest" else ()
        assert deployment.checks(name) == dict.fromkeys((*checks, *confined), "ok")
        status, body = deployment.page(name, "/metrics")
        assert status == 200
        assert "events_consumed_total" in body
        assert "127.0.0.1" not in body


async def test_nobody_hears_without_a_token(deployment: Deployment) -> None:
    async with httpx.AsyncClient(base_url=deployment.url("gateway")) as api:
        assert (await api.get("/api/v1/documents")).status_code == 401


def _sounds_right(heard: Heard) -> None:
    assert heard.duration_s > 3
    assert heard.loudness_lufs == LOUDNESS_LUFS
    assert heard.longest_silence_s < 2
