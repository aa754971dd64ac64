import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from libs.common.errors import ObjectNotFound, Permanent, Throttled, Unavailable
from libs.common.storage.s3.answers import translated


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


LOCKS = [
    ("AccessDenied", "Access Denied because object protected by object lock."),
    ("InvalidRequest", "Object is WORM protected and cannot be overwritten"),
]


@pytest.mark.parametrize(("code", "message"), LOCKS)
def test_a_lock_is_told_from_a_missing_right(code, message):
    with pytest.raises(Permanent, match="objects are locked"), translated("a"):
        raise ClientError({"Error": {"Code": code, "Message": message}}, "DeleteObjects")
