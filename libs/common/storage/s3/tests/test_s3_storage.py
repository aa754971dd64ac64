"""What is particular to a bucket; the contract is in test_storage.py."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError
from pydantic import SecretStr

from libs.common.errors import Permanent, Rejected, Throttled, Unavailable
from libs.common.observability.redaction import redactor
from libs.common.storage.s3 import bucket as storage_s3_bucket
from libs.common.storage.s3 import s3_storage as storage_s3
from libs.common.storage.s3.bucket import Bucket
from libs.common.storage.s3.s3_storage import PART_BYTES, S3Storage
from libs.common.storage.tests.moto_bucket import (  # noqa: F401 - fixtures
    bucket,
    keep_versions,
    moto_endpoint,
    versions,
)

MIB = 1024 * 1024
RUNBOOK = Path(__file__).parents[5] / "docs" / "runbooks" / "object-storage.md"


@pytest.fixture
async def storage(bucket, moto_endpoint):  # noqa: F811 - the fixtures
    opened = S3Storage(
        "lectern",
        endpoint=moto_endpoint,
        access_key_id=SecretStr("test"),
        secret_access_key=SecretStr("test"),
    )
    yield opened
    await opened.close()


def uploads(client) -> int:
    return len(client.list_multipart_uploads(Bucket="lectern").get("Uploads", ()))


async def blocks(count: int, fails: bool = False) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(MIB)
    if fails:
        raise ConnectionResetError


async def test_the_media_type_is_kept(storage, bucket):  # noqa: F811
    await storage.write("small", b"x", "audio/mpeg")
    await storage.write_stream("large", blocks(9), "audio/mp4")
    for key, media_type in (("small", "audio/mpeg"), ("large", "audio/mp4")):
        assert bucket.head_object(Bucket="lectern", Key=key)["ContentType"] == media_type


async def test_a_signed_url_says_how_it_is_answered_and_for_how_long(storage):
    named = "attachment; filename=\"a b.mp3\"; filename*=UTF-8''%E2%82%AC.mp3"
    await storage.write("a", b"x", "x/y")
    url = await storage.signed_url("a", expires_s=90, media_type="audio/mpeg", disposition=named)
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["90"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(url)
    assert answer.headers["content-disposition"] == named
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["cache-control"] == "private"
    assert query["X-Amz-Signature"][0] not in redactor.text(f"went to {url}")


async def test_a_url_is_signed_without_a_word_with_the_server():
    """Also for a region in which URLs could still be signed as in 2006."""
    opened = S3Storage(
        "lectern",
        region="us-east-1",
        access_key_id=SecretStr("test"),
        secret_access_key=SecretStr("test"),
    )
    url = await opened.signed_url("a", expires_s=60, media_type="x/y")
    await opened.close()
    assert url is not None
    assert url.startswith("https://lectern.s3.amazonaws.com/a?")
    assert "X-Amz-Signature=" in url


async def test_a_large_object_is_sent_in_parts(storage, bucket):  # noqa: F811
    await storage.write_stream("large", blocks(17), "x/y")
    assert bucket.head_object(Bucket="lectern", Key="large")["ETag"].endswith('-3"')
    assert uploads(bucket) == 0


async def test_a_broken_upload_is_aborted(storage, bucket):  # noqa: F811
    with pytest.raises(ConnectionResetError):
        await storage.write_stream("large", blocks(17, fails=True), "x/y")
    with pytest.raises(Rejected):
        await storage.write_stream("large", blocks(17), "x/y", 16 * MIB)
    assert uploads(bucket) == 0
    assert await storage.stat("large") is None


async def test_a_part_that_fails_aborts_the_upload(storage, bucket, monkeypatch):  # noqa: F811
    send = Bucket.send_part

    def send_part(self, upload, number, data):
        if number == 2:
            raise Throttled("slow down")
        send(self, upload, number, data)

    monkeypatch.setattr(Bucket, "send_part", send_part)
    with pytest.raises(Throttled):
        await storage.write_stream("large", blocks(33), "x/y")
    assert uploads(bucket) == 0


async def test_memory_is_bounded_by_the_parts_in_flight(storage, monkeypatch):
    under_way, most, lock = 0, 0, threading.Lock()
    release = threading.Event()

    def send_part(self, upload, number, data):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        release.wait(10)
        with lock:
            under_way -= 1
        upload.etags[number] = "x"

    given = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(10):
            given += 1
            yield bytes(PART_BYTES)

    monkeypatch.setattr(Bucket, "send_part", send_part)
    monkeypatch.setattr(Bucket, "complete", lambda self, upload: self.abort(upload.key, upload.id))
    writing = asyncio.create_task(storage.write_stream("large", counted(), "x/y"))
    while under_way < storage_s3.PARTS_IN_FLIGHT:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert given <= storage_s3.PARTS_IN_FLIGHT + 1
    release.set()
    await writing
    assert most <= storage_s3.PARTS_IN_FLIGHT


def begun(client, key: str) -> None:
    """Leave behind what a process does that is killed in the middle of an upload."""
    made = client.create_multipart_upload(Bucket="lectern", Key=key)
    client.upload_part(
        Bucket="lectern", Key=key, UploadId=made["UploadId"], PartNumber=1, Body=b"part"
    )


async def test_erasing_removes_parts_of_uploads_that_were_never_completed(
    storage,
    bucket,  # noqa: F811
):
    for key in ("documents/1/source", "documents/1/source", "documents/10/source"):
        begun(bucket, key)
    await storage.delete_prefix("documents/1/")
    left = bucket.list_multipart_uploads(Bucket="lectern")["Uploads"]
    assert [upload["Key"] for upload in left] == ["documents/10/source"]
    await storage.delete_prefix("documents/10/source")
    assert uploads(bucket) == 0


def test_the_rule_of_the_runbook_is_one(bucket):  # noqa: F811
    (rule,) = re.findall(r"```json\n(.*?)```", RUNBOOK.read_text(), re.S)
    bucket.put_bucket_lifecycle_configuration(
        Bucket="lectern", LifecycleConfiguration=json.loads(rule)
    )
    (kept,) = bucket.get_bucket_lifecycle_configuration(Bucket="lectern")["Rules"]
    assert kept["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


async def test_erasing_removes_every_version(storage, bucket, monkeypatch):  # noqa: F811
    monkeypatch.setattr(storage_s3_bucket, "KEYS_PER_CALL", 2)
    keep_versions(bucket)
    for key in ("p/a", "p/b", "p/b/c", "q/a"):
        for content in (b"first", b"second", b"third"):
            await storage.write(key, content)
    bucket.delete_object(Bucket="lectern", Key="p/b")  # hidden, as by an earlier release
    await storage.delete_prefix("p/")
    assert {key for key, _ in versions(bucket)} == {"q/a"}
    assert len(versions(bucket)) == 3


async def test_deleting_an_object_removes_its_versions_and_no_others(storage, bucket):  # noqa: F811
    keep_versions(bucket)
    for key in ("a", "a", "ab", "b"):
        await storage.write(key, b"x")
    await storage.delete("a")
    await storage.delete("c")
    assert sorted(key for key, _ in versions(bucket)) == ["ab", "b"]


LISTS = ["list_objects_v2", "list_object_versions", "list_multipart_uploads"]


def refuse(storage, monkeypatch, call):
    """Have the server refuse one call to the storage, as a missing right does."""

    def refused(**_):
        raise ClientError({"Error": {"Code": "AccessDenied"}}, call)

    monkeypatch.setattr(storage._bucket._s3(), call, refused)


@pytest.mark.parametrize("call", [*LISTS, "get_bucket_versioning"])
async def test_who_may_not_list_what_is_to_be_removed_is_not_ready(
    storage,
    bucket,  # noqa: F811
    monkeypatch,
    call,
):
    keep_versions(bucket)
    await storage.check()
    refuse(storage, monkeypatch, call)
    with pytest.raises(Unavailable, match="refuses our credentials"):
        await storage.check()


@pytest.mark.parametrize("call", LISTS)
async def test_what_may_not_be_listed_keeps_nothing_else(
    storage,
    bucket,  # noqa: F811
    monkeypatch,
    call,
):
    keep_versions(bucket)
    await storage.write("p/a", b"x")
    begun(bucket, "p/b")
    refuse(storage, monkeypatch, call)
    with pytest.raises(Permanent, match="refuses our credentials"):
        await storage.delete_prefix("p/")
    objects = bucket.list_objects_v2(Bucket="lectern").get("Contents", [])
    left = bool(objects), bool(versions(bucket)), uploads(bucket)
    assert (
        left
        == {
            "list_objects_v2": (False, False, 0),  # a version is removed, listed or not
            "list_object_versions": (False, True, 0),
            "list_multipart_uploads": (False, False, 1),
        }[call]
    )
    monkeypatch.undo()
    await storage.delete_prefix("p/")
    assert (versions(bucket), uploads(bucket)) == ([], 0)


async def test_a_page_of_objects_that_fails_keeps_no_other(storage, monkeypatch):
    monkeypatch.setattr(storage_s3_bucket, "KEYS_PER_CALL", 2)
    for number in range(5):
        await storage.write(f"p/{number}", b"")
    delete = Bucket.delete

    def failing(self, keys):
        if "p/0" in keys:
            raise Throttled("slow down")
        delete(self, keys)

    monkeypatch.setattr(Bucket, "delete", failing)
    with pytest.raises(Throttled):
        await storage.delete_prefix("p/")
    assert [key async for key in storage.keys("p/")] == ["p/0", "p/1"]


async def test_a_locked_version_keeps_no_other(storage, bucket, moto_endpoint, monkeypatch):  # noqa: F811
    monkeypatch.setattr(storage_s3_bucket, "KEYS_PER_CALL", 2)
    bucket.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    locked = S3Storage(
        "locked",
        endpoint=moto_endpoint,
        access_key_id=SecretStr("test"),
        secret_access_key=SecretStr("test"),
    )
    for number in range(7):
        await locked.write(f"p/{number}", b"x")
    hold = {"Bucket": "locked", "Key": "p/0"}
    bucket.put_object_legal_hold(**hold, LegalHold={"Status": "ON"})
    with pytest.raises(Permanent, match="objects are locked"):
        await locked.delete_prefix("p/")
    left = bucket.list_object_versions(Bucket="locked")
    assert [version["Key"] for version in left["Versions"]] == ["p/0"]
    assert "DeleteMarkers" not in left
    bucket.put_object_legal_hold(
        **hold, VersionId=left["Versions"][0]["VersionId"], LegalHold={"Status": "OFF"}
    )
    await locked.delete_prefix("p/")
    bucket.delete_bucket(Bucket="locked")
    await locked.close()


async def test_keys_come_page_by_page(storage, monkeypatch):
    monkeypatch.setattr(storage_s3_bucket, "KEYS_PER_CALL", 2)
    names = [f"p/{number}" for number in range(5)]
    for name in [*names, "q/0"]:
        await storage.write(name, b"")
    assert [key async for key in storage.keys("p/")] == names
    assert await storage.delete_prefix("p/") == 5
    assert [key async for key in storage.keys("")] == ["q/0"]


async def test_a_whole_object_may_be_larger_than_a_block(storage):
    data = bytes(range(256)) * 8_000
    await storage.write("a", data)
    assert await storage.read("a") == data


async def test_without_credentials_it_says_so(moto_endpoint, monkeypatch):  # noqa: F811
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    storage = S3Storage("lectern", endpoint=moto_endpoint)
    with pytest.raises(Permanent, match="no credentials"):
        await storage.read("a")
    await storage.close()


def test_secrets_are_not_shown():
    storage = S3Storage("b", access_key_id=SecretStr("AKIAx"), secret_access_key=SecretStr("hush"))
    assert "hush" not in repr(storage)
    assert "hush" not in repr(vars(storage))
