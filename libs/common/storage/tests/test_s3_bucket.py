import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from libs.common.errors import ObjectNotFound, Permanent, Throttled, Unavailable
from libs.common.storage.s3_bucket import Bucket, MultipartUpload, translated
from libs.common.storage.tests.moto_bucket import (  # noqa: F401 - fixtures
    bucket,
    keep_versions,
    moto_endpoint,
)


def refusal(code: str, status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (refusal("NoSuchKey", 404), ObjectNotFound),
        (refusal("404", 404), ObjectNotFound),
        (refusal("SlowDown", 503), Throttled),
        (refusal("TooManyRequests", 429), Throttled),
        (refusal("AccessDenied", 403), Permanent),
        (refusal("403", 403), Permanent),
        (refusal("InvalidAccessKeyId", 403), Permanent),
        (refusal("SignatureDoesNotMatch", 403), Permanent),
        (refusal("NoSuchBucket", 404), Unavailable),
        (refusal("ExpiredToken", 400), Unavailable),
        (refusal("RequestTimeout", 400), Unavailable),
        (refusal("InternalError", 500), Unavailable),
        (refusal("ServiceUnavailable", 503), Unavailable),
        (refusal("EntityTooLarge", 400), Permanent),
        (refusal("", 0), Permanent),
        (NoCredentialsError(), Permanent),
        (EndpointConnectionError(endpoint_url="http://10.0.0.1:9000"), Unavailable),
        (ConnectTimeoutError(endpoint_url="http://10.0.0.1:9000"), Unavailable),
        (ReadTimeoutError(endpoint_url="http://10.0.0.1:9000"), Unavailable),
    ],
    ids=lambda value: str(value)[:50],
)
def test_every_foreign_error_has_a_meaning(foreign, ours):
    with pytest.raises(ours) as error, translated("documents/1"):
        raise foreign
    assert type(error.value) is ours
    assert error.value.__cause__ is foreign
    assert "10.0.0.1" not in str(error.value)


def test_a_missing_bucket_is_not_a_missing_object():
    with pytest.raises(Unavailable, match="bucket"), translated(""):
        raise refusal("404", 404)


def test_our_own_errors_pass():
    with pytest.raises(Throttled, match="mine"), translated("a"):
        raise Throttled("mine")


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
        return {"Uploads": uploads, "IsTruncated": self.listed < 3}

    def abort_multipart_upload(self, **_):
        raise refusal("NoSuchUpload", 404)


def test_an_upload_that_is_gone_meanwhile_is_fine(opened, monkeypatch):
    server = Racing()
    monkeypatch.setattr(opened, "_s3", lambda: server)
    opened.abort_uploads("a/")
    assert server.listed == 3


def test_closing_before_connecting_is_fine():
    Bucket("b", endpoint=None, region=None, access_key_id=None, secret_access_key=None).close()
