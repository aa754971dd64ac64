"""One contract for every kind of storage; the S3 one against moto's server on a loopback port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from hashlib import sha256

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from libs.common.errors import ObjectCorrupt, ObjectNotFound, Permanent, Rejected, Unavailable
from libs.common.storage.build import open_storage
from libs.common.storage.folder import FolderStorage
from libs.common.storage.memory import MemoryStorage
from libs.common.storage.port import Storage, read_verified
from libs.common.storage.s3.s3_storage import THREADS, S3Storage
from libs.common.storage.tests.moto_bucket import bucket, moto_endpoint  # noqa: F401 - fixtures

MIB = 1024 * 1024


@pytest.fixture(params=["folder", "memory", "s3"])
async def storage(request, tmp_path):
    if request.param == "memory":
        yield MemoryStorage()
        return
    url = f"file://{tmp_path}/objects"
    if request.param == "s3":
        request.getfixturevalue("bucket")
        url = f"s3://lectern?endpoint={request.getfixturevalue('moto_endpoint')}"
    opened = open_storage(url, access_key_id=SecretStr("test"), secret_access_key=SecretStr("test"))
    yield opened
    await opened.close()


async def chunks_of(data: bytes, size: int):
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def joined(blocks) -> bytes:
    return b"".join([block async for block in blocks])


async def listed(keys) -> list[str]:
    return [key async for key in keys]


async def test_what_was_written_is_read(storage: Storage):
    ref = await storage.write("documents/1/source", b"hello", "text/plain")
    assert ref.model_dump() == {
        "key": "documents/1/source",
        "sha256": sha256(b"hello").hexdigest(),
        "size": 5,
        "media_type": "text/plain",
    }
    assert await storage.read("documents/1/source") == b"hello"
    assert await storage.stat("documents/1/source") == 5


async def test_a_reference_holds_or_is_refused(storage: Storage):
    ref = await storage.write("a", b"hello")
    assert await read_verified(storage, ref) == b"hello"
    for other in (b"hallo", b"hello!"):
        await storage.write("a", other)
        with pytest.raises(ObjectCorrupt):
            await read_verified(storage, ref)


async def test_a_write_replaces(storage: Storage):
    await storage.write("a", b"first, and longer")
    await storage.write("a", b"second")
    assert await storage.read("a") == b"second"


async def test_nothing_is_an_object_too(storage: Storage):
    await storage.write("empty", b"")
    assert await storage.read("empty") == b""
    assert await storage.stat("empty") == 0
    assert await joined(storage.stream("empty", 0, 10)) == b""


@pytest.mark.parametrize(
    ("size", "chunk"), [(0, 1), (300_000, 1_000), (20 * MIB + 7, 3 * MIB), (16 * MIB, 8 * MIB)]
)
async def test_a_stream_of_any_size_is_stored(storage: Storage, size, chunk):
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    ref = await storage.write_stream("big", chunks_of(data, chunk), "audio/mp4", size)
    assert (ref.size, ref.sha256) == (size, sha256(data).hexdigest())
    assert await joined(storage.stream("big")) == data


@pytest.mark.parametrize("size", [11, 9 * MIB])
async def test_too_much_is_rejected_and_leaves_what_was_there(storage: Storage, size):
    await storage.write("a", b"before")
    with pytest.raises(Rejected, match="larger than") as refusal:
        await storage.write_stream("a", chunks_of(bytes(size), 1 * MIB), "x/y", size - 1)
    assert refusal.value.code == "too_large"
    assert await storage.read("a") == b"before"
    assert await listed(storage.keys("")) == ["a"]


@pytest.mark.parametrize("before_it_breaks", [10, 9 * MIB])
async def test_a_broken_upload_leaves_nothing(storage: Storage, before_it_breaks):
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(before_it_breaks)
        raise ConnectionResetError("the client went away")

    with pytest.raises(ConnectionResetError):
        await storage.write_stream("a", broken(), "x/y")
    assert await storage.stat("a") is None
    assert await listed(storage.keys("")) == []


@pytest.mark.parametrize("before_it_hangs", [10, 17 * MIB])
async def test_a_cancelled_upload_leaves_nothing(storage: Storage, before_it_hangs):
    hanging = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield bytes(before_it_hangs)
        hanging.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(storage.write_stream("a", hangs(), "x/y"))
    await hanging.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert await listed(storage.keys("")) == []


async def test_a_range_ends_before_its_end(storage: Storage):
    await storage.write("a", b"0123456789")
    assert await joined(storage.stream("a", 2, 5)) == b"234"
    assert await joined(storage.stream("a", 7)) == b"789"
    assert await joined(storage.stream("a", 7, 100)) == b"789"
    assert await joined(storage.stream("a", 10)) == b""
    assert await joined(storage.stream("a", 99, 100)) == b""
    assert await joined(storage.stream("a", 4, 4)) == b""


async def test_a_reader_may_stop_early(storage: FolderStorage | MemoryStorage | S3Storage):
    await storage.write("a", bytes(3 * MIB))
    async with aclosing(storage.stream("a")) as blocks:
        assert len(await anext(blocks)) <= 1 * MIB
    await storage.delete("a")


async def test_what_is_not_there_is_not_found(storage: Storage, tmp_path):
    with pytest.raises(ObjectNotFound):
        await storage.read("no/such")
    with pytest.raises(ObjectNotFound):
        await joined(storage.stream("no/such"))
    with pytest.raises(ObjectNotFound):
        await joined(storage.stream("no/such", 4, 4))
    with pytest.raises(ObjectNotFound):
        await storage.fetch("no/such", tmp_path / "copy")
    assert await storage.stat("no/such") is None
    assert not (tmp_path / "copy").exists()


async def test_part_of_a_key_is_not_a_key(storage: Storage):
    await storage.write("a/b", b"x")
    assert await storage.stat("a") is None
    with pytest.raises(ObjectNotFound):
        await storage.read("a")
    with pytest.raises(ObjectNotFound):
        await storage.read("a/b/c")


async def test_files_go_in_and_out(storage: Storage, tmp_path):
    data = bytes(range(256)) * 5_000
    (tmp_path / "in").write_bytes(data)
    ref = await storage.write_file("a", tmp_path / "in", "audio/mpeg")
    assert (ref.size, ref.sha256) == (len(data), sha256(data).hexdigest())
    await storage.fetch("a", tmp_path / "new" / "out")
    assert (tmp_path / "new" / "out").read_bytes() == data
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


async def test_a_missing_local_file_is_no_missing_object(storage: Storage, tmp_path):
    with pytest.raises(FileNotFoundError):
        await storage.write_file("a", tmp_path / "none", "audio/mpeg")
    assert await storage.stat("a") is None


async def test_deleting_twice_is_fine(storage: Storage):
    await storage.write("a/b", b"x")
    await storage.delete("a/b")
    await storage.delete("a/b")
    assert await storage.stat("a/b") is None


async def test_keys_are_in_code_point_order(storage: Storage):
    names = ["a/b", "a-b", "a/c/d", "a.b", "b", "aB", "a0"]
    for name in names:
        await storage.write(name, b"")
    assert await listed(storage.keys("")) == sorted(names)
    assert await listed(storage.keys("a/")) == ["a/b", "a/c/d"]
    assert await listed(storage.keys("a")) == sorted(name for name in names if name[0] == "a")
    assert await listed(storage.keys("a/c")) == ["a/c/d"]
    assert await listed(storage.keys("zz/")) == []


async def test_a_prefix_is_deleted_and_nothing_beside_it(storage: Storage):
    for name in ("d/1/a", "d/1/b/c", "d/10/a", "d/2"):
        await storage.write(name, b"")
    assert await storage.delete_prefix("d/1/") == 2
    assert await storage.delete_prefix("d/1/") == 0
    assert await listed(storage.keys("")) == ["d/10/a", "d/2"]


@pytest.mark.slow
async def test_a_thousand_objects_are_a_page_not_a_limit(storage: Storage):
    for number in range(1_005):
        if isinstance(storage, S3Storage) and number >= 3:
            break  # test_s3_storage.py has small pages, because moto is slow
        await storage.write(f"p/{number:05d}", b"")
    count = len(await listed(storage.keys("p/")))
    assert await storage.delete_prefix("p/") == count


async def test_services_may_delete_the_same_prefix_at_the_same_time(storage: Storage):
    for _ in range(5):
        await asyncio.gather(*(storage.write(f"p/{n % 3}/{n}", b"x") for n in range(40)))
        await asyncio.gather(*(storage.delete_prefix("p/") for _ in range(4)))
        assert [key async for key in storage.keys("p/")] == []


async def test_everything_is_not_a_prefix_to_delete(storage: Storage):
    await storage.write("a", b"x")
    with pytest.raises(Permanent, match="prefix is empty"):
        await storage.delete_prefix("")
    assert await storage.read("a") == b"x"


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a\0b", "a b", "é", "a\\b"],
)
async def test_what_is_no_key_is_refused_everywhere(storage: Storage, key, tmp_path):
    for attempt in (
        storage.read(key),
        storage.write(key, b""),
        storage.write_stream(key, chunks_of(b"x", 1), "x/y"),
        joined(storage.stream(key)),
        storage.fetch(key, tmp_path / "copy"),
        storage.signed_url(key, expires_s=60, media_type="x/y"),
        storage.stat(key),
        storage.delete(key),
    ):
        with pytest.raises(Permanent, match="not an object key"):
            await attempt


@pytest.mark.parametrize("prefix", ["../", "/", "a//", "a/../", "\0"])
async def test_what_no_key_begins_with_is_refused(storage: Storage, prefix):
    with pytest.raises(Permanent):
        await storage.delete_prefix(prefix)
    with pytest.raises(Permanent):
        await listed(storage.keys(prefix))


async def test_writers_of_one_key_leave_one_whole_object(storage: Storage):
    texts = [bytes([number]) * 700_000 for number in range(8)]
    await asyncio.gather(*(storage.write("a", text) for text in texts))
    assert await storage.read("a") in texts


async def test_a_storage_that_works_passes_its_check(storage: Storage):
    await storage.check()
    assert await listed(storage.keys("")) == []


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=st.dictionaries(st.from_regex(r"[a-c](/[a-c]){0,2}", fullmatch=True), st.binary()))
async def test_folder_and_memory_agree(objects, tmp_path):
    memory, folder = MemoryStorage(), FolderStorage(tmp_path / "objects")
    taken = set[str]()
    for key, data in objects.items():
        if any(key.startswith(other + "/") or other.startswith(key + "/") for other in taken):
            continue
        taken.add(key)
        assert await memory.write(key, data) == await folder.write(key, data)
    for prefix in ("a", "a/", "b/c", ""):
        assert await listed(memory.keys(prefix)) == await listed(folder.keys(prefix))
    assert await memory.delete_prefix("a") == await folder.delete_prefix("a")
    for prefix in ("b", "c"):
        assert await memory.delete_prefix(prefix) == await folder.delete_prefix(prefix)
    assert await listed(folder.keys("")) == []


@pytest.mark.slow
async def test_a_server_that_is_down_is_unavailable():
    opened = open_storage(
        "s3://b?endpoint=http://127.0.0.1:9",
        access_key_id=SecretStr("test"),
        secret_access_key=SecretStr("test"),
    )
    with pytest.raises(Unavailable, match="does not answer"):
        await opened.check()
    with pytest.raises(Unavailable):
        await opened.write("a", b"x")
    many = {f"a/{number}": b"x" for number in range(2 * THREADS)}
    with pytest.raises(Unavailable):
        await opened.write_some(many)
    with pytest.raises(Unavailable):
        await opened.read_some(list(many))
    await opened.close()


async def test_some_are_read_at_once_and_those_that_are_missing_are_left_out(storage: Storage):
    await storage.write("a/1", b"one")
    await storage.write("a/2", b"")
    assert await storage.read_some(["a/2", "a/3", "a/1", "b", "a"]) == {"a/1": b"one", "a/2": b""}
    assert await storage.read_some([]) == {}


async def test_many_are_written_and_read_at_once(storage: Storage):
    await storage.write("some/0", b"was there before")
    objects = {f"some/{number}": str(number).encode() * number for number in range(150)}
    refs = await storage.write_some(objects, "text/plain")
    assert await storage.read_some(list(objects)) == objects
    assert [(ref.key, ref.media_type) for ref in refs] == [(key, "text/plain") for key in objects]
    for ref in refs[::50]:
        assert await read_verified(storage, ref) == objects[ref.key]
    assert await storage.write_some({}) == []


async def test_a_signed_url_leads_to_the_object_where_there_are_any(storage: Storage):
    await storage.write("a/@1=.m4b", b"0123456789", "x/y")
    url = await storage.signed_url("a/@1=.m4b", expires_s=60, media_type="audio/mp4")
    if not isinstance(storage, S3Storage):
        assert url is None
        return
    assert url is not None
    async with httpx.AsyncClient() as anybody:
        whole = await anybody.get(url)
        part = await anybody.get(url, headers={"Range": "bytes=2-4"})
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["content-type"] == "audio/mp4"
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"


async def test_a_bad_key_among_others_is_refused_before_anything_is_written(storage: Storage):
    with pytest.raises(Permanent):
        await storage.write_some({"good": b"x", "../bad": b"y"})
    with pytest.raises(Permanent):
        await storage.read_some(["good", "../bad"])
    assert await storage.stat("good") is None
