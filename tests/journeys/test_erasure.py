"""Deleted means gone, on Kafka, PostgreSQL and S3: in tables, objects, topics, logs and traces."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from deploy.native.services import SERVICES
from lectern.service_catalog import consumers
from libs.common.contracts.documents import DocumentDeleted
from libs.common.kafka.topic_specs import declared_topics
from libs.common.storage.build import open_storage
from libs.common.storage.port import Storage
from tests import canary
from tests.journeys.deployment import Deployment
from tests.journeys.evidence import on_kafka, settle
from tests.journeys.person import Person, somebody, until

HALF = 300
"""Chapters of a document that is deleted while it is read."""
AFTER_S = 6.0


@asynccontextmanager
async def storage_of(deployment: Deployment) -> AsyncIterator[Storage]:
    """The bucket, as a service has it."""
    env = deployment.environment
    storage = open_storage(
        env["LECTERN_STORAGE_URL"],
        access_key_id=SecretStr(env["LECTERN_S3_ACCESS_KEY_ID"]),
        secret_access_key=SecretStr(env["LECTERN_S3_SECRET_ACCESS_KEY"]),
    )
    try:
        yield storage
    finally:
        await storage.close()


async def in_objects(deployment: Deployment) -> list[str]:
    """The keys of objects that hold the canary, or whose names do."""
    async with storage_of(deployment) as storage:
        keys = [key async for key in storage.keys("documents/")]
        keys += [key async for key in storage.keys("audio/")]
        return [
            key
            for key in keys
            if canary.in_bytes(key.encode()) or canary.in_bytes(await storage.read(key))
        ]


@contextmanager
def bucket_of(deployment: Deployment) -> Iterator[Any]:
    """A client of S3, to look behind the storage's back."""
    env = deployment.environment
    options = dict(parse_qsl(urlsplit(env["LECTERN_STORAGE_URL"]).query))
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint"],
        region_name=options["region"],
        aws_access_key_id=env["LECTERN_S3_ACCESS_KEY_ID"],
        aws_secret_access_key=env["LECTERN_S3_SECRET_ACCESS_KEY"],
    )
    try:
        yield client
    finally:
        client.close()


def keep_versions(deployment: Deployment) -> None:
    """Have the bucket keep what is deleted or replaced."""
    with bucket_of(deployment) as client:
        client.put_bucket_versioning(
            Bucket=deployment.bucket, VersioningConfiguration={"Status": "Enabled"}
        )


def begin_upload(deployment: Deployment, document: str) -> None:
    """Leave behind parts of an upload, as a service does that is killed."""
    with bucket_of(deployment) as client:
        name = {"Bucket": deployment.bucket, "Key": f"audio/{document}/books/half.m4b"}
        begun = client.create_multipart_upload(**name)
        client.upload_part(**name, UploadId=begun["UploadId"], PartNumber=1, Body=b"quaggasound")


def kept_by_the_bucket(deployment: Deployment, document: str) -> list[str]:
    """The keys of a document's versions, delete markers and unfinished uploads."""
    found = []
    with bucket_of(deployment) as client:
        for kind in ("documents", "audio"):
            below = {"Bucket": deployment.bucket, "Prefix": f"{kind}/{document}/"}
            versions = client.list_object_versions(**below)
            found += versions.get("Versions", []) + versions.get("DeleteMarkers", [])
            found += client.list_multipart_uploads(**below).get("Uploads", [])
    return [one["Key"] for one in found]


async def in_tables(deployment: Deployment) -> list[str]:
    found = []
    for service in SERVICES:
        database = deployment.database(service)
        found += await canary.in_database(service, database)
        await database.close()
    return found


async def vacuum(deployment: Deployment) -> None:
    for service in SERVICES:
        database = deployment.database(service)
        async with database.engine.execution_options(
            isolation_level="AUTOCOMMIT"
        ).connect() as connection:
            await connection.execute(text("VACUUM FULL"))
        await database.close()


async def in_topics(deployment: Deployment) -> list[str]:
    topics = [topic.name for topic in declared_topics(consumers())]
    return [
        record.topic
        for record in await on_kafka(deployment, topics)
        if canary.in_bytes(record.value or b"")
        or any(canary.in_bytes(value) for _, value in record.headers)
    ]


async def heard_and_edited(person: Person) -> str:
    order = {"audiobook": "m4b", "engine": "openai"}
    document, narration = await person.submit_file(canary.FILE_NAME, canary.document(), order)
    await person.finished(narration)
    path = f"/documents/{document}/pages/1"
    edit = await person.api.put(path, json={"text": canary.EDIT}, headers={"If-Match": '"0"'})
    edit.raise_for_status()
    again = await person.api.post(f"/documents/{document}/narrations", json={"pages": "1"})
    await person.finished(again.json()["narration_id"])
    return document


async def rejected(person: Person, document: str) -> str:
    async def look() -> str | None:
        found = await person.get(f"/documents/{document}")
        return document if found["state"] == "rejected" else None

    return await until(look, "a document to be rejected")


async def unreadable(person: Person) -> str:
    document, _ = await person.submit_file("quaggafile.pdf", canary.broken_pdf(), {})
    return await rejected(person, document)


async def unreachable(person: Person) -> str:
    document, _ = await person.submit_url(canary.ADDRESS, {})
    return await rejected(person, document)


async def half_read(person: Person) -> str:
    content = canary.document(HALF, 40)
    document, _ = await person.submit_file(canary.FILE_NAME, content, {})

    async def look() -> str | None:
        found = await person.get(f"/documents/{document}")
        return document if found["pages_ready"] else None

    return await until(look, "pages to be found")


@pytest.mark.timeout(300)
async def test_no_word_of_deleted_documents_is_left_anywhere(deployment: Deployment) -> None:
    keep_versions(deployment)
    async with somebody(deployment) as person:
        made = [await make(person) for make in (heard_and_edited, unreadable, unreachable)]
        assert await in_objects(deployment), "what is searched for can be found"
        assert await in_tables(deployment), "what is searched for can be found"
        assert await in_topics(deployment) == [], "not even while there is the document"
        begin_upload(deployment, made[0])
        assert all(kept_by_the_bucket(deployment, document) for document in made)
        made.append(await half_read(person))
        for document in made:
            answer = await person.api.delete(f"/documents/{document}")
            assert answer.status_code == 204, answer.text
    await asyncio.sleep(AFTER_S)
    await settle(deployment)  # the sweeps are among what is waited for
    assert await in_tables(deployment) == []
    assert await in_objects(deployment) == []
    assert [kept_by_the_bucket(deployment, document) for document in made] == [[]] * len(made)
    assert await in_topics(deployment) == []
    logs = sorted(deployment.logs.glob("*.log"))
    assert canary.lines_with_canary(logs) == []
    assert deployment.world.spans
    assert not any(map(canary.in_bytes, deployment.world.spans))
    await vacuum(deployment)
    assert await in_tables(deployment) == []
    deleted = await on_kafka(deployment, [DocumentDeleted.topic])
    assert {record.key for record in deleted} >= {document.encode() for document in made}
