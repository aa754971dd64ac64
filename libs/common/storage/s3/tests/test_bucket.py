import pytest
from botocore.exceptions import ClientError

from libs.common.errors import LecternError, Permanent
from libs.common.storage.s3.answers import translated
from libs.common.storage.s3.bucket import Bucket, MultipartUpload
from libs.common.storage.tests.moto_bucket import (  # noqa: F401 - fixtures
    bucket,
    keep_versions,
    moto_endpoint,
)


def refusal(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")  # type: ignore[arg-type]


@pytest.fixture
def opened(bucket, moto_endpoint):  # noqa: F811 - the fixtures
    opened = Bucket(
        "lectern",
        endpoint=moto_endpoint,
        region=None,
        access_key_id="test",
        secret_access_key="test",
    )
    yield opened
    opened.close()


def test_parts_become_an_object_in_their_order(opened):
    upload = MultipartUpload(key="a", media_type="x/y")
    opened.begin(upload)
    first, last = b"1" * 5 * 1024 * 1024, b"2"
    opened.send_part(upload, 2, last)
    opened.send_part(upload, 1, first)
    opened.complete(upload)
    body = opened.open("a", 0, None)
    assert body is not None
    assert body.read() == first + last
    body.close()


def test_a_range_without_a_byte(opened):
    opened.put("a", b"123", "x/y")
    assert opened.open("a", 3, None) is None
    assert opened.open("a", 2, 2) is None
    body = opened.open("a", 1, 2)
    assert body is not None
    assert body.read() == b"2"
    body.close()


def test_an_object_that_could_not_be_deleted_is_told(opened, monkeypatch):
    class Refusing:
        def delete_objects(self, **_):
            return {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no"}]}

    monkeypatch.setattr(opened, "_s3", Refusing)
    with pytest.raises(Permanent, match="refuses our credentials"), translated("a"):
        opened.delete(["a"])


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_there_may_be_versions_also_where_no_new_ones_are_kept(opened, bucket, status):  # noqa: F811
    assert not opened.versioned()
    keep_versions(bucket, status)
    assert opened.versioned()


def test_an_answer_about_versions_is_good_for_as_long_as_is_said(opened, bucket):  # noqa: F811
    assert not opened.versioned()
    keep_versions(bucket)
    assert not opened.versioned(known_for_s=3600)
    assert opened.versioned()
    assert opened.versioned(known_for_s=3600)


class Old:
    """A server that knows neither versions nor a list of uploads."""

    def get_bucket_versioning(self, **_):
        raise refusal("NotImplemented", 501)

    def list_multipart_uploads(self, **_):
        raise refusal("MethodNotAllowed", 405)


def test_a_server_may_know_less_than_amazons(opened, monkeypatch):
    monkeypatch.setattr(opened, "_s3", Old)
    assert not opened.versioned()
    opened.abort_uploads("a/")


class Guarded:
    """A server that refuses us what removing needs."""

    def get_bucket_versioning(self, **_):
        raise refusal("AccessDenied", 403)

    def list_multipart_uploads(self, **_):
        raise refusal("AccessDenied", 403)


@pytest.mark.parametrize("call", [Bucket.versioned, lambda opened: opened.abort_uploads("a/")])
def test_what_we_may_not_do_is_told(opened, monkeypatch, call):
    monkeypatch.setattr(opened, "_s3", Guarded)
    with pytest.raises(Permanent, match="refuses our credentials"), translated("a"):
        call(opened)


class Racing:
    """A server on which another process is faster; it lists one upload at a time."""

    def __init__(self) -> None:
        self.listed = 0

    def list_multipart_uploads(self, **_):
        self.listed += 1
        uploads = [{"Key": "a/b", "UploadId": str(self.listed)}]
        return {"Uploads": uploads, "IsTruncated": self.listed < 3, "NextKeyMarker": "a/b"}

    def abort_multipart_upload(self, **_):
        raise refusal("NoSuchUpload", 404)


def test_an_upload_that_is_gone_meanwhile_is_fine(opened, monkeypatch):
    server = Racing()
    monkeypatch.setattr(opened, "_s3", lambda: server)
    opened.abort_uploads("a/")
    assert server.listed == 3


class Paged:
    """A server with three objects of two versions and two uploads each, in pages of two.

    ``a/0`` is locked, and so is its upload.
    """

    def __init__(self, entries):
        self.left = entries

    def page(self, listed, marker):
        behind = [one for one in self.left if listed in one and marker < self.place(one)]
        shown, more = behind[:2], behind[2:]
        last = self.place(shown[-1]) if shown else ("", "")
        return shown, {"IsTruncated": bool(more), "NextKeyMarker": last[0]}, last[1]

    def place(self, one):
        return one["Key"], one.get("VersionId") or one["UploadId"]

    def list_object_versions(self, KeyMarker="", VersionIdMarker="", **_):
        shown, answer, last = self.page("VersionId", (KeyMarker, VersionIdMarker))
        return {"Versions": shown, **answer, "NextVersionIdMarker": last}

    def list_multipart_uploads(self, KeyMarker="", UploadIdMarker="", **_):
        shown, answer, last = self.page("UploadId", (KeyMarker, UploadIdMarker))
        return {"Uploads": shown, **answer, "NextUploadIdMarker": last}

    def delete_objects(self, Delete, **_):
        locked = [one for one in Delete["Objects"] if one["Key"] == "a/0"]
        self.left = [one for one in self.left if one in locked or one not in Delete["Objects"]]
        message = "Access Denied because object protected by object lock."
        return {"Errors": [{**one, "Code": "AccessDenied", "Message": message} for one in locked]}

    def abort_multipart_upload(self, **upload):
        if upload["Key"] == "a/0":
            raise refusal("SlowDown", 503)
        del upload["Bucket"]
        self.left.remove(upload)


@pytest.mark.parametrize(
    ("identifier", "remove", "failure"),
    [
        ("VersionId", Bucket.delete_versions, "objects are locked"),
        ("UploadId", Bucket.abort_uploads, "slow down"),
    ],
)
def test_what_cannot_be_removed_keeps_nothing_else(
    opened, monkeypatch, identifier, remove, failure
):
    keys = ("a/0", "a/1", "a/2")
    entries = [{"Key": key, identifier: number} for key in keys for number in "12"]
    server = Paged(entries)
    monkeypatch.setattr(opened, "_s3", lambda: server)
    with pytest.raises(LecternError, match=failure), translated("a/"):
        remove(opened, "a/")
    assert [one["Key"] for one in server.left] == ["a/0", "a/0"]


def test_closing_before_connecting_is_fine():
    Bucket("b", endpoint=None, region=None, access_key_id=None, secret_access_key=None).close()
